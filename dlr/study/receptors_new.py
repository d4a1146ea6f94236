"""New patients before the 3-D networks that a study kept."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from dlr.errors import InputError, require_extra
from dlr.study.application import Application
from dlr.study.frames import probability_by_patient
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
    from dlr.volume import load_receptors, look

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
        seen = {case: look(network, volume, given.settings.receptors.flips).scores for case, volume in volumes.items()}
        scores = pd.DataFrame.from_dict(seen, orient="index", columns=list(network.targets))
        for name in network.targets:
            value = probability_by_patient(scores[name], patients, policy)
            chain = replace(saved, target=name, variant="")
            given.made.give(PREDICTIONS, new_rows(chain, value, targets[name], saved.variant))
