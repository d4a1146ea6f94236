"""Stage regions: what Spatial has learnt of core, rim and peritumoral tissue, where it looks, and a sheet of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dlr.engine import Run, Task, stage
from dlr.study.cohort import read_cohort
from dlr.study.region_maps import (
    RegionChain,
    examples_of,
    look_at_regions,
    look_of,
    pictures_file,
    region_chains,
    regions_of,
    shares_of,
    weights_of,
)
from dlr.study.tasks import out_of_key, task_of
from dlr.study.volumes import VolumeSet, read_volume_set
from dlr.tables import ATTENTION_SHARES, REGION_EXAMPLES, REGION_WEIGHTS
from dlr.volume import RegionSettings
from dlr.volume.cut import read_volume

if TYPE_CHECKING:
    from dlr.report import Outlined

__all__ = ["SheetOfRegions", "regions"]

SHEET, TITLE = "region_sheet.pdf", "Regions of the lesions (the outline is white)"


@dataclass(frozen=True)
class SheetOfRegions:
    """Every outlined lesion, to be shown with its regions."""

    volumes: tuple[str, ...]  # keys of the volumes
    cases: tuple[str, ...]
    regions: RegionSettings
    folders: tuple[Path, ...] = field(metadata=out_of_key("the volumes' own keys stand beside them"))


@stage(
    "regions",
    version=1,
    needs=["cohort", "volumes", "receptors"],
    optional=["attention"],
    sections=["receptors.regions", "receptors.flips", "learn.protocols"],
    libraries=["numpy", "torch", "matplotlib"],
    gives=[REGION_WEIGHTS, ATTENTION_SHARES, REGION_EXAMPLES],
    publish=[SHEET],
)
def regions(run: Run) -> None:
    """Weights of the regions in every chain of Spatial, the share of its attention in each, and a sheet to check."""
    tables, volumes = read_cohort(run.needs.cohort), read_volume_set(run.needs.volumes)
    chains = region_chains(run, tables, volumes)
    if not chains:
        run.leave_out("no network of regions was fitted (receptors.models)")
    examples = examples_of(run, chains)
    pictured = [{str(row["case_id"]) for number, row in examples if number == k} for k in range(len(chains))]
    looks = [look_of(run, volumes, chain, own) for chain, own in zip(chains, pictured, strict=True)]
    sheet, *left = run.each(draw_or_look, [sheet_of(run, volumes), *looks], label="regions")
    shutil.copyfile(sheet / SHEET, run.folder / SHEET)
    both = list(zip(chains, left, strict=True))
    REGION_WEIGHTS.write(run.folder, pd.concat([weights_of(*one) for one in both], ignore_index=True))
    shares = pd.concat([shares_of(*one, volumes) for one in both], ignore_index=True)
    if not len(shares):
        run.log("Spatial has no spatial attention under these settings (receptors.attention): no shares of it")
        return
    ATTENTION_SHARES.write(run.folder, shares)
    rows = [_example(run, chains[number], left[number], row) for number, row in examples]
    if rows:
        REGION_EXAMPLES.write(run.folder, pd.DataFrame(rows))


def _example(run: Run, chain: RegionChain, left: Path, row: dict[str, object]) -> dict[str, object]:
    """A row of REGION_EXAMPLES, its planes copied beside the table."""
    source = left / pictures_file(str(row["case_id"]), chain.cases)
    name = f"regions_{chain.saved.part.name}_{source.name}"
    shutil.copyfile(source, run.folder / name)
    return {**row, "file": name}


def sheet_of(run: Run, volumes: VolumeSet) -> Task:
    """The task that draws the sheet of every outlined case."""
    cases = volumes.of(set(volumes.patients.values()), outlined=True)
    folders = tuple(volumes.folders[case] for case in cases)
    payload = SheetOfRegions(volumes.names(cases), tuple(cases), run.settings.receptors.regions, folders)
    return task_of(run, "region-sheet", payload)


def draw_or_look(task: Task, folder: Path) -> None:
    """The sheet, or one chain's looks: side by side, as the sheet of a large cohort takes as long."""
    if isinstance(task.payload, SheetOfRegions):
        draw_sheet(task, folder)
    else:
        look_at_regions(task, folder)


def draw_sheet(task: Task, folder: Path) -> None:
    """Three planes of every lesion with the borders of its regions, five lesions a page."""
    from dlr.report import contact_sheet  # matplotlib only where something is drawn

    contact_sheet(_with_regions(task.payload), folder / SHEET, across=3, title=TITLE)


def _with_regions(given: SheetOfRegions) -> Iterator[Outlined]:
    from dlr.report import outlined_slices

    for case, place in zip(given.cases, given.folders, strict=True):
        volume = read_volume(place)
        found = regions_of(volume, given.regions)
        empty = [f"no {name}" for name, mask in found.items() if not mask.any()]
        grey, mask = np.asarray(volume.grey), np.asarray(volume.mask)
        label = ", ".join(["axial", *empty])
        yield from outlined_slices(case, label, grey, mask, volume.spacing, planes=True, regions=found)
