"""Rows of metrics.csv: every measure of one signature on one side, each with the interval that is valid there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dlr import stats
from dlr.errors import InputError
from dlr.randomness import rng
from dlr.study.cohort import CohortTables
from dlr.tables import METRICS, OPTIMISM_GAP
from dlr.words import CHOSEN, Comparison, Estimate, Model, Protocol, Role, Side, Target, chose_cutoffs, signature

__all__ = [
    "SMALLEST_SUBSET",
    "Evaluated",
    "evaluated_signatures",
    "leading",
    "measures",
    "metric_row",
    "optimism_gap",
    "role_words",
]

NAN = float("nan")
ICI = "restricted cubic spline, five knots; no interval"
NO_CURVE = "undefined: too few different predictions for a spline of five knots, or no curve fits them"
WHOLE = "all"  # the subset that is a whole side
SMALLEST_SUBSET = 5  # patients a class (or known per cents) that a part of a side needs for more than its AUC
HONEST = ("crossfit_out_of_fold", "nested", "crossfit_test")  # columns of OPTIMISM_GAP, the first that is honest serves
SMALLEST = 4  # patients of a per cent target on a side, for limits of agreement to mean anything


class ChainRows(NamedTuple):
    """What the chains behind a signature say, each (rows,): a patient has one row a drawing of the folds."""

    positive: np.ndarray
    value: np.ndarray
    fold: np.ndarray
    seed: np.ndarray
    patients: np.ndarray


@dataclass(frozen=True)
class Evaluated:
    """One signature on one side: what it is, its patients' truth and what it says of them."""

    target: Target
    model: str
    variant: str
    algorithm: str
    protocol: str
    side: str
    role: str
    patients: tuple[str, ...]
    truth: np.ndarray  # float (n,): 0/1, or per cent
    value: np.ndarray  # float (n,): probability, or per cent
    chains: pd.DataFrame  # patient_id, seed, fold, value: the rows behind it
    subset: str = WHOLE
    unknown: np.ndarray = field(default_factory=lambda: np.empty(0))  # value of patients whose truth is not known

    @property
    def names(self) -> dict[str, str]:
        """What it is, as the tables name it."""
        own = {name: str(getattr(self, name)) for name in ("model", "variant", "protocol", "side")}
        return {"target": self.target.name, **own}

    @property
    def cross_fitted(self) -> bool:
        """Whether its values come from chains that each held the patient out of their fold."""
        return Role(self.role).cross_fitted

    @property
    def positive(self) -> np.ndarray:
        """bool (n,), of a binary target."""
        assert self.target.binary
        return self.truth == 1

    @property
    def probability(self) -> np.ndarray:
        """float (n,), of a binary target."""
        assert self.target.binary
        return self.value

    @property
    def two_classes(self) -> bool:
        """Whether it is of a binary target and each class has the two patients that most measures need."""
        return self.target.binary and self.smallest_group >= 2

    @property
    def smallest_group(self) -> int:
        """Patients of the rarer class; of a per cent target, all of them."""
        if not self.target.binary:
            return len(self.patients)
        return min(int(self.positive.sum()), int((~self.positive).sum()))

    def rows_of_chains(self) -> ChainRows:
        """Every chain's row, of a binary target."""
        rows = self.chains
        positive = pd.Series(self.positive, index=list(self.patients)).loc[rows["patient_id"]].to_numpy()
        return ChainRows(positive, *(rows[name].to_numpy() for name in ("value", "fold", "seed", "patient_id")))

    def of(self, patients: set[str], subset: str) -> Evaluated:
        """The same signature on some of its patients."""
        kept = np.array([patient in patients for patient in self.patients])
        return replace(
            self,
            patients=tuple(np.array(self.patients, dtype=object)[kept]),
            truth=self.truth[kept],
            value=self.value[kept],
            chains=self.chains[self.chains["patient_id"].isin(patients)],
            subset=subset,
            unknown=self.unknown[:0],
        )


def evaluated_signatures(predictions: pd.DataFrame, tables: CohortTables) -> list[Evaluated]:
    """Every signature on every side, patients with a known target only.

    predictions : PREDICTIONS of all models.
    """
    keys = ["target", "model", "variant", "algorithm", "protocol", "side"]
    chains = dict(tuple(predictions.groupby(keys, sort=False)))
    targets = {target.name: target for target in tables.targets}
    out = []
    for names, rows in signature(predictions).groupby(keys, sort=False):
        truth = tables.labels(str(names[0]))
        labelled = rows["patient_id"].isin(truth.index)
        known = rows[labelled]
        if known.empty:
            continue
        behind = chains[names]
        own = dict(zip(keys, map(str, names), strict=True))
        out.append(
            Evaluated(
                **{**own, "target": targets[own["target"]]},  # type: ignore[arg-type]
                role=str(known["role"].iloc[0]),
                patients=tuple(known["patient_id"]),
                truth=truth.loc[known["patient_id"]].to_numpy(dtype=float),
                value=known["value"].to_numpy(),
                chains=behind[behind["patient_id"].isin(truth.index)],
                unknown=rows.loc[~labelled, "value"].to_numpy(),
            )
        )
    return out


def leading(one: Evaluated) -> Estimate:
    """The AUC, or of a per cent the mean absolute error, with the interval that is valid for its role.

    The signature has two classes, or `SMALLEST` patients of a per cent.
    """
    if not one.target.binary:
        found = stats.mean_absolute_error(one.truth, one.value)
        return replace(found, method=role_words(one) + found.method)
    if one.cross_fitted:
        rows = one.rows_of_chains()
        try:
            within = stats.auc_within_folds(rows.positive, rows.value, rows.fold, rows.seed, patients=rows.patients)
        except InputError as error:
            within = Estimate(NAN, NAN, NAN, len(one.patients), int(one.positive.sum()), error.problems[0].what)
        return replace(within, method=role_words(one) + within.method)
    found = stats.auc(one.positive, one.probability)
    return replace(found, method=role_words(one) + found.method)


def measures(
    one: Evaluated, cutoff: np.ndarray | float, seed: int, replicates: int, baseline: np.ndarray | float = NAN
) -> list[dict[str, Any]]:
    """All rows of METRICS for a signature on a side; a measure without two classes has no row.

    cutoff : of every patient (n,), or one for all; NaN: nothing is measured at a cut-off.
    baseline : of a per cent target, what every patient is told without a model (`Medians`), which every model is held
    against.
    """
    few = one.subset != WHOLE and one.smallest_group < SMALLEST_SUBSET
    if not one.target.binary:
        return [] if few else _per_cent(one, baseline)
    if not one.two_classes:
        return []
    rows = _discrimination(one)
    if one.algorithm != CHOSEN or few:
        return rows
    rows += _at_cutoff(one, np.broadcast_to(cutoff, len(one.patients)))
    rows += _calibration(one, seed, replicates)
    rows.append(metric_row(one, "mean_probability", _plain(one, float(one.probability.mean()), "mean")))
    rows.append(metric_row(one, "sd_probability", stats.standard_deviation(one.probability)))
    if one.subset == WHOLE and (one.side == Side.TEST or one.cross_fitted):
        rows += _sample_size(one, rows[0]["value"])
    return rows


def _at_cutoff(one: Evaluated, cutoff: np.ndarray) -> Iterator[dict[str, Any]]:
    """Sensitivity and all else where each patient is judged at a cut-off of theirs, and who chose it."""
    if not np.isfinite(cutoff).all():
        return
    called = (one.probability >= cutoff).astype(float)
    found = stats.at_cutoff(one.positive, called, 0.5)
    low, high, chose = cutoff.min(), cutoff.max(), ""
    if one.cross_fitted:
        chose = f"; cut-offs chosen on the other folds, {low:.3f} to {high:.3f}"
    elif chose_cutoffs(one.protocol, one.side):
        chose = "; cut-off chosen on these patients"
    for name, estimate in found.named():
        marked = replace(estimate, method=estimate.method + chose)
        yield metric_row(one, name, marked, low if low == high else NAN)


def _sample_size(one: Evaluated, area: float) -> list[dict[str, Any]]:
    """Patients, of this side's ratio of classes, that show with 80 % power that such an AUC differs from 0.5."""
    if not 0.5 < area < 1:
        reason = f"Obuchowski, 80 % power; undefined: an AUC of {area:.3g} does not lie between 0.5 and 1"
        return [metric_row(one, "sample_size_needed", _plain(one, NAN, reason))]
    found = stats.sample_size_obuchowski(area, float((~one.positive).sum() / one.positive.sum()))
    named = zip(("needed", "positive", "negative"), (sum(found.whole), *found.whole), strict=True)
    return [metric_row(one, f"sample_size_{name}", _plain(one, n, "Obuchowski, 80 % power")) for name, n in named]


def _discrimination(one: Evaluated) -> list[dict[str, Any]]:
    if one.cross_fitted:
        rows = one.rows_of_chains()
        name, other = "auc_pooled", stats.auc_pooled(rows.positive, rows.value, rows.seed, patients=rows.patients)
    else:
        name, other = "auc_plain", stats.auc_plain(one.positive, one.probability)
    return [
        metric_row(one, "auc", leading(one)),
        metric_row(one, name, replace(other, method=role_words(one) + other.method)),
    ]


def _calibration(one: Evaluated, seed: int, replicates: int) -> list[dict[str, Any]]:
    """Brier, calibration in numbers, and who gave the values: out-of-fold fewer chains than `dlr predict` averages.

    A mean of more chains is less extreme, so what is served has a slope above that of single chains; a nested Combined
    model takes the mean of all chains of its outer fold.
    """
    found = stats.calibration(one.positive, one.probability, generator=rng(seed, "bootstrap"), replicates=replicates)
    single = one.cross_fitted and one.model != Model.COMBINED
    whose = f"; of single chains, {one.chains['seed'].nunique()} a patient" if single else ""
    rows = [
        metric_row(one, "brier", found.brier),
        metric_row(one, "scaled_brier", found.scaled_brier),
        metric_row(one, "calibration_intercept", replace(found.intercept, method=found.intercept.method + whose)),
        metric_row(one, "calibration_slope", replace(found.slope, method=found.slope.method + whose)),
        metric_row(one, "ici", _plain(one, found.spline.ici, ICI if np.isfinite(found.spline.ici) else NO_CURVE)),
    ]
    test = stats.hosmer_lemeshow(one.positive, one.probability, fitted=one.role == Role.APPARENT)
    why = test.method if test.valid else f"{test.method}; not printed: an expected count is under 5"
    rows.append(metric_row(one, "hosmer_lemeshow_p", _plain(one, test.p if test.valid else NAN, why)))
    return rows


def _per_cent(one: Evaluated, baseline: np.ndarray | float) -> list[dict[str, Any]]:
    if len(one.patients) < SMALLEST:
        return []
    found = stats.per_cent_agreement(one.truth, one.value, baseline)
    named = {
        "mae": found.mean_absolute_error,
        "bias": found.bias,
        "limits_lower": found.lower_limit,
        "limits_upper": found.upper_limit,
        "pearson": found.pearson,
        "spearman": found.spearman,
        "baseline_mae": found.baseline_error,
        "mae_gain": _gain(one, found.gain),
    }
    words = role_words(one)
    rows = [
        metric_row(one, name, replace(estimate, method=words + estimate.method)) for name, estimate in named.items()
    ]
    return rows if one.algorithm == CHOSEN else rows[:1]


def _gain(one: Evaluated, against: Comparison) -> Estimate:
    """How much smaller the model's mean absolute error is than the baseline's."""
    method = f"baseline less model, {against.method}"
    return Estimate(-against.difference, -against.upper, -against.lower, len(one.patients), 0, method)


def _plain(one: Evaluated, value: float, method: str) -> Estimate:
    """A value that has no interval."""
    return Estimate(float(value), NAN, NAN, len(one.patients), int(one.positive.sum()), method)


def role_words(one: Evaluated) -> str:
    """How a value that is not held out is marked before its method."""
    return "" if one.role == Role.HELD_OUT else f"{one.role}, "


def metric_row(one: Evaluated, metric: str, estimate: Estimate, cutoff: float = NAN) -> dict[str, Any]:
    """A row of METRICS."""
    row = {
        **one.names,
        "role": one.role,
        "algorithm": one.algorithm,
        "subset": one.subset,
        "metric": metric,
        "value": estimate.value,
        "lower": estimate.lower,
        "upper": estimate.upper,
        "n": estimate.n,
        "n_positive": int(one.positive.sum()) if one.target.binary else NAN,
        "cutoff": cutoff,
        "method": estimate.method,
    }
    return {name: row[name] for name in METRICS.names}


def optimism_gap(metrics: pd.DataFrame) -> pd.DataFrame:
    """OPTIMISM_GAP: published protocol against cross-fitting, model by model; the gap is the published way's optimism.

    It is taken to the first honest value of HONEST that there is: a stacked one is none.
    metrics : METRICS.
    """
    metrics = metrics[(metrics["algorithm"] == CHOSEN) & (metrics["subset"] == WHOLE)]
    rows = []
    for (target, model, variant), table in metrics.groupby(["target", "model", "variant"], sort=False):
        for metric in ("auc", "brier", "calibration_slope", "mae"):
            own = table[table["metric"] == metric].set_index(["protocol", "side"])["value"]
            if own.empty:
                continue

            def at(protocol: str, side: str, own: pd.Series = own) -> float:
                return float(own.get((protocol, side), NAN))

            inside = table[(table["protocol"] == Protocol.CROSSFIT) & (table["side"] == Side.TRAIN)]
            row = {
                "target": target, "model": model, "variant": variant, "metric": metric,
                "paper_train": at(Protocol.PAPER, Side.TRAIN), "paper_test": at(Protocol.PAPER, Side.TEST),
                "crossfit_out_of_fold": at(Protocol.CROSSFIT, Side.TRAIN), "role": next(iter(inside["role"]), ""),
                "nested": at(Protocol.NESTED, Side.TEST), "crossfit_test": at(Protocol.CROSSFIT, Side.TEST),
            }  # fmt: skip
            honest = [name for name in HONEST if name != "crossfit_out_of_fold" or row["role"] == Role.OUT_OF_FOLD]
            against = next((name for name in honest if np.isfinite(row[name])), "")
            rows.append(row | {"gap": row["paper_train"] - row[against] if against else NAN, "against": against})
    return pd.DataFrame(rows, columns=list(OPTIMISM_GAP.names))
