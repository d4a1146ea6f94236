"""New patients before the 3-D networks that a study kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd

from dlr.errors import InputError, Problem, require_extra
from dlr.study.application import Application
from dlr.study.frames import value_by_patient
from dlr.study.receptors import NETWORK
from dlr.study.signatures import new_rows, saved_chains
from dlr.study.volumes import cut_one, cutting_of
from dlr.tables import PREDICTIONS
from dlr.volume.cut import Volume

__all__ = ["apply_receptors"]


def apply_receptors(given: Application) -> None:
    """What every saved network says of new patients' volumes."""
    policy = given.settings.cohort.per_patient
    rows = given.patients.tables.rows_for_networks(policy)
    if not rows:
        return
    require_extra("deep", "the 3-D networks of this study")
    from dlr.volume import load_receptors, look, value_of

    volumes: dict[str, Volume] = {}
    for asked in cutting_of(given.settings, rows):
        row = asked.case.row
        try:
            volumes[row.case_id] = cut_one(asked)[0]
        except InputError as error:
            given.cannot(row, error.problems[0])
    patients = {row.case_id: row.patient_id for row in rows}
    targets = {target.name: target for target in given.patients.tables.targets}
    for saved in saved_chains(given.home) if volumes else ():
        network = load_receptors(saved.folder / NETWORK)
        served = volumes
        if network.form.kind == "spatial":
            served = {case: volume for case, volume in volumes.items() if volume.outlined}
            bare = [row for row in rows if row.case_id in volumes and row.case_id not in served]
            for row in bare:
                what = f"has no outline, by whose regions {saved.variant} looks"
                given.cannot(row, Problem(f"case {row.case_id}", what, "outline the lesion"))
        if not served:
            continue
        seen = {case: look(network, volume, given.settings.receptors.flips).scores for case, volume in served.items()}
        scores = pd.DataFrame.from_dict(seen, orient="index", columns=list(network.targets))
        for name in network.targets:
            value = value_by_patient(scores[name], patients, policy, partial(value_of, target=targets[name]))
            chain = replace(saved, target=name, variant="")
            given.made.give(PREDICTIONS, new_rows(chain, value, targets[name], saved.variant))
