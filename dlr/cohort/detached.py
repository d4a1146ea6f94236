"""Images in several files: a header and the files of voxels that it names, or the slices of a DICOM series."""

from __future__ import annotations

from pathlib import Path

from dlr.cohort.formats import recognise
from dlr.cohort.headers import named_data
from dlr.cohort.series import files_of_series
from dlr.errors import InputError

__all__ = ["files_of_image"]


def files_of_image(path: Path | str) -> tuple[Path, ...]:
    """An image or mask file and the files of voxels that its header names, as far as they are there.

    Of a folder, the files of its DICOM series.
    Their contents together are all that reading the image depends on. A file that is no image of ours is given alone.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return files_of_series(path) or (path,)
        held, _ = recognise(path)
        return (path, *(data for data in named_data(path, held) if data != path and data.is_file()))
    except (InputError, OSError, ValueError):
        return (path,)
