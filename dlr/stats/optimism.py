"""Optimism by Harrell's bootstrap: how much better a model looks on its own patients than on new ones like them.

The model is fitted again on each bootstrap sample; its value there less its value on the original patients is the
optimism of that sample, and the mean is taken off the apparent value. Whatever went before `fit` (signatures,
selection) is outside: the result is then the optimism of the last step only, and must be named so.
Source: Harrell, Lee & Mark 1996 (Statistics in Medicine 15:361); Efron & Gong 1983.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats.outcome import probabilities, two_classes, values
from dlr.stats.ranks import placements
from dlr.stats.recalibration import EDGE, recalibration
from dlr.words import logit

__all__ = ["MEASURES", "Optimism", "optimism"]

MEASURES = ("auc", "brier", "slope", "intercept", "calibration_in_the_large")

Predict = Callable[[np.ndarray], np.ndarray]  # rows of the original patients to their probabilities
Fit = Callable[[np.ndarray], Predict]  # rows to fit on, with repeats


@dataclass(frozen=True)
class Optimism:
    """A row a measure in `table`, a row a replicate in `train` and `test`."""

    table: pd.DataFrame  # measure, apparent, optimism, corrected, replicates (those in which it was defined)
    train: pd.DataFrame  # the refitted model on its own bootstrap sample
    test: pd.DataFrame  # the refitted model on the original patients


def optimism(
    fit: Fit,
    positive: ArrayLike,
    *,
    logits: bool = False,
    indices: ArrayLike | None = None,
    generator: np.random.Generator | None = None,
    replicates: int = 200,
) -> Optimism:
    """Apparent and corrected AUC, Brier, calibration slope, joint intercept and calibration in the large.

    fit : takes row numbers (with repeats), gives a function from row numbers to probabilities; it may raise InputError
    where a sample cannot be fitted, which is left out (`replicates` says how many stayed).
    logits : whether that function gives linear predictors instead, which stay exact where a probability rounds to 1.
    indices : int (replicates, n) row numbers from 0, else drawn with replacement; samples with fewer than two patients
    in a class are drawn again.
    """
    outcome = two_classes(positive, "optimism")
    everyone = np.arange(len(outcome))
    samples = _drawn(outcome, generator, replicates) if indices is None else _given(indices, len(outcome))
    apparent = _measures(outcome, fit(everyone)(everyone), logits)
    train, test = [], []
    for rows in samples:
        try:
            predict = fit(rows)
        except InputError:
            continue
        train.append(_measures(outcome[rows], predict(rows), logits))
        test.append(_measures(outcome, predict(everyone), logits))
    if not train:
        raise InputError("optimism", "the model could be fitted on no bootstrap sample", "Use a smaller model.")
    own, original = pd.DataFrame(train, columns=MEASURES), pd.DataFrame(test, columns=MEASURES)
    gap = own - original
    table = pd.DataFrame({"measure": MEASURES, "apparent": apparent, "optimism": gap.mean().to_numpy()})
    table["corrected"] = table["apparent"] - table["optimism"]
    table["replicates"] = gap.notna().sum().to_numpy()
    return Optimism(table, own, original)


def _measures(outcome: np.ndarray, predicted: np.ndarray, logits: bool) -> tuple[float, ...]:
    """In the order of MEASURES."""
    if logits:
        x = values(predicted, len(outcome), "optimism", "the linear predictor")
    else:
        x = logit(probabilities(predicted, len(outcome), "optimism"), clip=EDGE)
    large, intercept, slope = recalibration(outcome, x)
    return placements(outcome, x).area, float(((expit(x) - outcome) ** 2).mean()), slope, intercept, large


def _drawn(outcome: np.ndarray, generator: np.random.Generator | None, replicates: int) -> list[np.ndarray]:
    drawing = generator or rng(0, "bootstrap", "optimism")
    samples: list[np.ndarray] = []
    while len(samples) < replicates:
        rows = drawing.integers(len(outcome), size=len(outcome))
        if 2 <= outcome[rows].sum() <= len(rows) - 2:
            samples.append(rows)
    return samples


def _given(indices: ArrayLike, n: int) -> list[np.ndarray]:
    rows = np.asarray(indices)
    if rows.ndim != 2 or rows.shape[1] != n or not np.issubdtype(rows.dtype, np.integer):
        raise InputError(
            "optimism indices", f"shape {rows.shape}, type {rows.dtype}", f"Give integers (replicates, {n})."
        )
    if rows.min() < 0 or rows.max() >= n:
        raise InputError("optimism indices", f"rows {rows.min()} to {rows.max()}", f"Count rows from 0 to {n - 1}.")
    return list(rows)
