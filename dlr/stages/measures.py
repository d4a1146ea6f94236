"""Rows of metrics.csv: every measure of one signature on one side, each with the interval that is valid there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.errors import InputError
from dlr.randomness import rng
from dlr.words import CHOSEN, METRIC_COLUMNS, CutOff, Estimate, Role

__all__ = ["Signature", "cut_off_of", "measures", "signatures_of"]

NAN = float("nan")


@dataclass(frozen=True)
class Signature:
    """One signature on one side: what it is, its patients' truth and probability."""

    target: str
    model: str
    variant: str
    algorithm: str
    protocol: str
    side: str
    role: str
    patients: tuple[str, ...]
    positive: np.ndarray  # bool (n,)
    probability: np.ndarray  # float (n,)
    chains: pd.DataFrame  # patient_id, seed, fold, value: the rows behind it
    subset: str = "all"

    @property
    def names(self) -> dict[str, str]:
        """What it is, as the tables name it."""
        fields = ("target", "model", "variant", "protocol", "side")
        return {field: str(getattr(self, field)) for field in fields}

    @property
    def two_classes(self) -> bool:
        """Whether each class has the two patients that most measures need."""
        return min(int(self.positive.sum()), int((~self.positive).sum())) >= 2

    def of(self, patients: set[str], subset: str) -> Signature:
        """The same signature on some of its patients."""
        kept = np.array([patient in patients for patient in self.patients])
        return replace(
            self,
            patients=tuple(np.array(self.patients, dtype=object)[kept]),
            positive=self.positive[kept],
            probability=self.probability[kept],
            chains=self.chains[self.chains["patient_id"].isin(patients)],
            subset=subset,
        )


def signatures_of(table: pd.DataFrame, predictions: pd.DataFrame, labels: dict[str, pd.Series]) -> list[Signature]:
    """Every signature on every side, patients with a known target only.

    table : what words.signature makes of `predictions`.
    """
    keys = ["target", "model", "variant", "algorithm", "protocol", "side"]
    chains = dict(tuple(predictions.groupby(keys, sort=False)))
    out = []
    for names, rows in table.groupby(keys, sort=False):
        truth = labels[str(names[0])]
        known = rows[rows["patient_id"].isin(truth.index)]
        if known.empty:
            continue
        behind = chains[names]
        out.append(
            Signature(
                **dict(zip(keys, map(str, names), strict=True)),
                role=str(known["role"].iloc[0]),
                patients=tuple(known["patient_id"]),
                positive=truth.loc[known["patient_id"]].to_numpy() == 1,
                probability=known["probability"].to_numpy(),
                chains=behind[behind["patient_id"].isin(truth.index)],
            )
        )
    return out


def cut_off_of(training: Signature) -> CutOff:
    """Youden's cut-off on the training patients' signature, used unchanged elsewhere."""
    found = stats.youden(training.positive, training.probability)
    return replace(found, rule=f"{found.rule}, {training.role}")


def measures(one: Signature, cutoff: float, seed: int, replicates: int) -> list[dict[str, Any]]:
    """All rows of metrics.csv for a signature on a side; a measure without two classes has no row."""
    if not one.two_classes:
        return []
    rows = _discrimination(one, seed, replicates)
    if one.algorithm != CHOSEN:
        return rows
    generator = rng(seed, "bootstrap", *one.names.values(), one.subset, "at cut-off")
    if np.isfinite(cutoff):
        found = stats.at_cutoff(one.positive, one.probability, cutoff, generator=generator, replicates=replicates)
        rows += [_row(one, name, estimate, cutoff) for name, estimate in found.named()]
        if 0 < cutoff < 1:
            benefit = float(stats.net_benefit(one.positive, one.probability, [cutoff])[0])
            rows.append(_row(one, "net_benefit_at_cutoff", _plain(one, benefit, "Vickers and Elkin"), cutoff))
    rows += _calibration(one, seed, replicates)
    deviation = float(one.probability.std(ddof=1))
    rows.append(_row(one, "mean_probability", _plain(one, float(one.probability.mean()), "mean")))
    rows.append(_row(one, "sd_probability", _plain(one, deviation, "standard deviation, n - 1")))
    return rows


def _discrimination(one: Signature, seed: int, replicates: int) -> list[dict[str, Any]]:
    if one.role == Role.OUT_OF_FOLD:
        rows = one.chains
        positive = pd.Series(one.positive, index=list(one.patients)).loc[rows["patient_id"]].to_numpy()
        value, seeds, patients = (rows[name].to_numpy() for name in ("value", "seed", "patient_id"))
        drawing = {"patients": patients, "replicates": replicates}

        def generator(measure: str) -> np.random.Generator:
            return rng(seed, "bootstrap", *one.names.values(), one.algorithm, one.subset, measure)

        try:
            within = stats.auc_within_folds(
                positive, value, rows["fold"].to_numpy(), seeds, generator=generator("auc"), **drawing
            )
        except InputError as error:
            within = Estimate(NAN, NAN, NAN, len(one.patients), int(one.positive.sum()), error.problems[0].what)
        pooled = stats.auc_pooled(positive, value, seeds, generator=generator("auc_pooled"), **drawing)
        return [
            _row(one, "auc", replace(within, method=f"out-of-fold, {within.method}")),
            _row(one, "auc_pooled", replace(pooled, method=f"out-of-fold, {pooled.method}")),
        ]
    plain = stats.auc_plain(one.positive, one.probability)
    found = stats.auc(one.positive, one.probability)
    prefix = "apparent, " if one.role == Role.APPARENT else ""
    return [
        _row(one, "auc", replace(found, method=prefix + found.method)),
        _row(one, "auc_plain", replace(plain, method=prefix + plain.method)),
    ]


def _calibration(one: Signature, seed: int, replicates: int) -> list[dict[str, Any]]:
    generator = rng(seed, "bootstrap", *one.names.values(), one.subset, "calibration")
    found = stats.calibration(one.positive, one.probability, generator=generator, replicates=replicates)
    rows = [
        _row(one, "brier", found.brier),
        _row(one, "scaled_brier", found.scaled_brier),
        _row(one, "calibration_intercept", found.intercept),
        _row(one, "calibration_slope", found.slope),
        _row(one, "ici", _plain(one, found.spline.ici, "restricted cubic spline, five knots; no interval")),
    ]
    test = stats.hosmer_lemeshow(one.positive, one.probability, fitted=one.role == Role.APPARENT)
    why = test.method if test.valid else f"{test.method}; not printed: an expected count is under 5"
    rows.append(_row(one, "hosmer_lemeshow_p", _plain(one, test.p if test.valid else NAN, why)))
    return rows


def _plain(one: Signature, value: float, method: str) -> Estimate:
    """A value that has no interval."""
    return Estimate(float(value), NAN, NAN, len(one.patients), int(one.positive.sum()), method)


def _row(one: Signature, metric: str, estimate: Estimate, cutoff: float = NAN) -> dict[str, Any]:
    row = {
        **one.names,
        "algorithm": one.algorithm,
        "subset": one.subset,
        "metric": metric,
        "value": estimate.value,
        "lower": estimate.lower,
        "upper": estimate.upper,
        "n": estimate.n,
        "n_positive": int(one.positive.sum()),
        "cutoff": cutoff,
        "method": estimate.method,
    }
    return {name: row[name] for name in METRIC_COLUMNS}
