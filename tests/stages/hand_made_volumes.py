"""What stage volumes leaves, of volumes made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from dlr.tables import VOLUMES
from dlr.volume.cut import Volume, save_volume


def write_volumes(folder: Path, patients: Sequence[str], volume_of: Callable[[str], Volume]) -> None:
    """A volume a patient, of case "case PATIENT", its folder named "key-PATIENT"."""
    rows = []
    for patient in patients:
        volume = volume_of(patient)
        place = f"volumes/key-{patient}"
        save_volume(volume, folder / place)
        about = (*volume.grey.shape, *volume.spacing, 0, 1, 0.1, 9)
        rows.append((f"case {patient}", patient, place, volume.outlined, *about))
    VOLUMES.write(folder, pd.DataFrame(rows, columns=list(VOLUMES.names)))
