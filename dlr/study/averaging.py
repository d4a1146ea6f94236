"""Radiomics and a network, each fitted by itself, in one signature: the mean of their logits."""

from __future__ import annotations

import pandas as pd

from dlr.protocols import mean_logit
from dlr.tables import PREDICTIONS
from dlr.words import CHOSEN, Kind, Model

__all__ = ["OF", "in_the_mean"]

OF = (Model.RAD.value, Model.DL.value)
ROW = ["target", "protocol", "variant", "seed", "fold", "patient_id", "side", "kind"]  # a chain's word on a patient


def in_the_mean(predictions: pd.DataFrame) -> pd.DataFrame:
    """PREDICTIONS of Rad+DL: patients of whom the chosen chains of both models say something in the same part."""
    chosen = (predictions["algorithm"] == CHOSEN) & (predictions["kind"] == Kind.PROBABILITY)
    rows = predictions[chosen & predictions["model"].isin(OF)]
    both = rows.pivot(index=ROW, columns="model", values="value").reindex(columns=list(OF)).dropna()
    named = {"model": Model.RAD_DL.value, "algorithm": CHOSEN, "value": mean_logit(both.to_numpy())}
    return both.index.to_frame(index=False).assign(**named)[list(PREDICTIONS.names)]
