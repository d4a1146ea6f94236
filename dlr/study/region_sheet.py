"""The sheet of all outlined lesions with their regions, as a task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlr.engine import Run, Task
from dlr.study.region_maps import regions_of
from dlr.study.tasks import out_of_key, task_of
from dlr.study.volumes import VolumeSet
from dlr.volume import RegionSettings
from dlr.volume.cut import read_volume

if TYPE_CHECKING:
    from dlr.figures import Outlined

__all__ = ["SHEET", "SheetOfRegions", "draw_sheet", "sheet_of"]

SHEET, TITLE = "region_sheet.pdf", "Regions of the lesions (the outline is white)"


@dataclass(frozen=True)
class SheetOfRegions:
    """Every outlined lesion, to be shown with its regions."""

    volumes: tuple[str, ...]  # keys of the volumes
    cases: tuple[str, ...]
    regions: RegionSettings
    folders: tuple[Path, ...] = field(metadata=out_of_key("the volumes' own keys stand beside them"))


def sheet_of(run: Run, volumes: VolumeSet) -> Task:
    """The task that draws the sheet of every outlined case."""
    cases = volumes.of(set(volumes.patients.values()), outlined=True)
    folders = tuple(volumes.folders[case] for case in cases)
    payload = SheetOfRegions(volumes.names(cases), tuple(cases), run.settings.receptors.regions, folders)
    return task_of(run, "region-sheet", payload)


def draw_sheet(task: Task, folder: Path) -> None:
    """Leave SHEET: three planes of every lesion with the borders of its regions, five lesions a page."""
    from dlr.figures import contact_sheet  # matplotlib only where something is drawn

    contact_sheet(_with_regions(task.payload), folder / SHEET, across=3, title=TITLE)


def _with_regions(given: SheetOfRegions) -> Iterator[Outlined]:
    from dlr.figures import outlined_slices

    for case, place in zip(given.cases, given.folders, strict=True):
        volume = read_volume(place)
        found = regions_of(volume, given.regions)
        empty = [f"no {name}" for name, mask in found.items() if not mask.any()]
        grey, mask = np.asarray(volume.grey), np.asarray(volume.mask)
        label = ", ".join(["axial", *empty])
        yield from outlined_slices(case, label, grey, mask, volume.spacing, planes=True, regions=found)
