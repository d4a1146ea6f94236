"""Stage volumes: every case cut and resampled as the 3-D networks are shown it; nothing fitted, nothing scaled."""

from __future__ import annotations

import numpy as np

from dlr.engine import Run, stage
from dlr.study.cohort import read_cohort
from dlr.study.volumes import keep_volumes
from dlr.tables import VOLUMES

__all__ = ["volumes"]


@stage(
    "volumes",
    version=2,
    needs=["cohort"],
    sections=["volume", "cohort", "receptors.models", "receptors.regions"],
    libraries=["numpy", "simpleitk"],
    gives=[VOLUMES],
)
def volumes(run: Run) -> None:
    """Every lesion and its surroundings on one grid, resampled; the outline by nearest neighbour."""
    tables = read_cohort(run.needs.cohort)
    rows = [] if run.inputs.features is not None else tables.rows_for_networks(run.settings.cohort.per_patient)
    if not rows:
        run.leave_out("the study has no images to cut volumes from")
    if tables.kind != "volume":
        run.leave_out("the study has stills, and volumes need slices (cohort.kind)")
    table = keep_volumes(run, rows, tables.facts["spacing_known"])
    VOLUMES.write(run.folder, table)
    spacing = " x ".join(f"{value:.2g}" for value in np.median(table[["spacing_z", "spacing_y", "spacing_x"]], axis=0))
    shape = " x ".join(map(str, run.settings.volume.shape))
    without = int((~table["outlined"]).sum())
    run.log(
        f"{len(table)} volumes of {shape} voxels, {spacing} mm in the median"
        + (f"; {without} without outline" if without else "")
    )
