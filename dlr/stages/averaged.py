"""Stage averaged: radiomics and a network, each fitted by itself, in one signature: the mean of their logits."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.study.application import Application
from dlr.study.averaging import OF, in_the_mean
from dlr.tables import PREDICTIONS
from dlr.words import Kind

__all__ = ["averaged"]


def apply_averaged(given: Application) -> None:
    """The mean of what both models have given of new patients."""
    given.made.give(PREDICTIONS, in_the_mean(given.made.of(PREDICTIONS)))


@stage(
    "averaged",
    version=1,
    needs=["radiomics_model", "deep"],
    libraries=["numpy"],
    gives=[PREDICTIONS],
    apply=apply_averaged,
)
def averaged(run: Run) -> None:
    """Of every part, the mean logit of its radiomics chain and its network's: the Rad+DL signature."""
    each = [PREDICTIONS.read(folder) for folder in (run.needs.radiomics_model, run.needs.deep)]
    predictions = in_the_mean(pd.concat(each, ignore_index=True))
    if predictions.empty:
        run.leave_out("radiomics and the network answer no patient of two classes in the same part")
    answered = [set(rows.loc[rows["kind"] == Kind.PROBABILITY, "patient_id"]) for rows in each]
    alone = set.union(*answered) - set(predictions["patient_id"])
    if alone:
        run.warn(f"{len(alone)} patients are answered by only one of {' and '.join(OF)}: no mean of them")
    PREDICTIONS.write(run.folder, predictions)
