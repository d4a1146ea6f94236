"""Stage averaged: radiomics and a network, each fitted by itself, in one signature: the mean of their logits."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.protocols import mean_logit
from dlr.study.application import Application
from dlr.tables import PREDICTIONS
from dlr.words import CHOSEN, Kind, Model

__all__ = ["averaged"]

OF = (Model.RAD.value, Model.DL.value)
ROW = ["target", "protocol", "variant", "seed", "fold", "patient_id", "side", "kind"]  # a chain's word on a patient


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


def in_the_mean(predictions: pd.DataFrame) -> pd.DataFrame:
    """PREDICTIONS of Rad+DL: patients of whom the chosen chains of both models say something in the same part."""
    chosen = (predictions["algorithm"] == CHOSEN) & (predictions["kind"] == Kind.PROBABILITY)
    rows = predictions[chosen & predictions["model"].isin(OF)]
    both = rows.pivot(index=ROW, columns="model", values="value").reindex(columns=list(OF)).dropna()
    named = {"model": Model.RAD_DL.value, "algorithm": CHOSEN, "value": mean_logit(both.to_numpy())}
    return both.index.to_frame(index=False).assign(**named)[list(PREDICTIONS.names)]
