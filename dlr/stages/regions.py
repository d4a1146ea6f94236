"""Stage regions: what Spatial has learnt of core, rim and peritumoral tissue, where it looks, and a sheet of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from dlr.engine import Run, stage
from dlr.study.cohort import read_cohort
from dlr.study.region_maps import (
    RegionChain,
    examples_of,
    look_at_regions,
    look_of,
    pictures_file,
    region_chains,
    shares_of,
    weights_of,
)
from dlr.study.region_sheet import SHEET, draw_sheet, sheet_of
from dlr.study.volumes import read_volume_set
from dlr.tables import ATTENTION_SHARES, REGION_EXAMPLES, REGION_WEIGHTS

__all__ = ["regions"]


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
    left = run.each(look_at_regions, looks, label="regions")
    (sheet,) = run.each(draw_sheet, [sheet_of(run, volumes)], label="sheet of regions")
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
