"""Images in several files: the header that a manifest names, and the files of voxels that the header names."""

from __future__ import annotations

from pathlib import Path

from dlr.cohort.formats import recognise
from dlr.cohort.headers import named_data
from dlr.errors import InputError

__all__ = ["files_of_image"]


def files_of_image(path: Path | str) -> tuple[Path, ...]:
    """An image or mask file and the files of voxels that its header names, as far as they are there.

    Their contents together are all that reading the image depends on. A file that is no image of ours is given alone.
    """
    path = Path(path)
    try:
        held, _ = recognise(path)
        return (path, *(data for data in named_data(path, held) if data != path and data.is_file()))
    except (InputError, OSError, ValueError):
        return (path,)
