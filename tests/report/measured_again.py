"""A second measuring: what a study says of its models, anew from their predictions by numpy and other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from recount import Study
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, confusion_matrix, f1_score, roc_auc_score
from statsmodels.api import GLM, add_constant, families
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

__all__ = ["measured_again"]

SIGNATURE = ["model", "variant", "algorithm", "protocol", "side"]
CROSSED = ("out-of-fold", "stacked, optimistic")  # each patient judged by models that did not learn from them
SHARES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
TOLERANCE = 1e-7


@dataclass
class Judged:
    """One model on one side: its chains' rows and, by patient, their outcome and mean."""

    rows: pd.DataFrame  # patient_id, seed, fold, value, positive
    crossed: bool

    @cached_property
    def patients(self) -> pd.DataFrame:
        """positive and value: the mean over chains, of logits; of one chain its own value."""
        rows = self.rows.sort_values(["patient_id", "seed", "fold"])
        logits = logit(rows["value"].clip(1e-12, 1 - 1e-12)).groupby(rows["patient_id"]).mean()
        own = rows.groupby("patient_id").agg(positive=("positive", "first"), n=("value", "size"), v=("value", "first"))
        return pd.DataFrame({"positive": own["positive"], "value": np.where(own["n"] == 1, own["v"], expit(logits))})

    @property
    def area(self) -> float:
        """Out-of-fold the share of ordered pairs within the folds of a seed, averaged over seeds."""
        if not self.crossed:
            return float(roc_auc_score(self.patients["positive"], self.patients["value"]))
        shares = []
        for _, of_seed in self.rows.groupby("seed"):
            ordered = pairs = 0.0
            for _, fold in of_seed.groupby("fold"):
                above = _above(fold["positive"], fold["value"])
                ordered, pairs = ordered + above.sum(), pairs + above.size
            shares.append(ordered / pairs)
        return float(np.mean(shares))

    def shared(self, other: Judged) -> tuple[Judged, Judged]:
        """Both on the patients whom both have; out-of-fold on the chains that both have."""
        keys = ["patient_id", "seed", "fold"] if self.crossed else ["patient_id"]
        found = [
            Judged(a.rows.merge(b.rows[keys].drop_duplicates(), on=keys), a.crossed)
            for a, b in ((self, other), (other, self))
        ]
        return found[0], found[1]


def _above(positive: pd.Series, value: pd.Series) -> np.ndarray:
    """For every pair whether the positive lies above the negative, one half where they tie; (positives, negatives)."""
    truth, x = positive.to_numpy() == 1, value.to_numpy()
    first, second = x[truth][:, None], x[~truth][None, :]
    return (first > second) + 0.5 * (first == second)


def _variance(above: np.ndarray) -> float:
    """DeLong's, of the mean of such a matrix, or of the difference of two."""
    m, n = above.shape
    return above.mean(axis=1).var(ddof=1) / m + above.mean(axis=0).var(ddof=1) / n


@dataclass
class Measuring:
    """What was held against the tables, and what differs."""

    study: Study
    count: int = 0
    faults: list[str] = field(default_factory=list)

    @cached_property
    def judged(self) -> dict[tuple[str, ...], Judged]:
        """Every model on every side, patients of a known outcome."""
        rows = self.study.table("predictions.parquet")
        assert set(rows["kind"]) == {"probability"}
        truth = self.study.patients.groupby("patient_id")[self.study.target].first().dropna().astype(int)
        rows = rows[rows["patient_id"].isin(truth.index)].assign(positive=lambda t: truth.loc[t["patient_id"]].values)
        roles = self.study.metrics.drop_duplicates(SIGNATURE).set_index(SIGNATURE)["role"]
        return {key: Judged(own, roles.get(key) in CROSSED) for key, own in rows.groupby(SIGNATURE)}

    def hold(self, what: str, said: float, value: float) -> None:
        """One number of a table against the same anew."""
        self.count += 1
        if not np.isclose(said, value, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            self.faults.append(f"{what}: {said}, anew {value}")


def measured_again(study: Study) -> tuple[int, list[str]]:
    """How many numbers of metrics.csv, comparisons.csv and net_benefit.csv were measured anew, and faults."""
    found = Measuring(study)
    _metrics(found)
    _comparisons(found)
    _net_benefits(found)
    return found.count, found.faults


def _metrics(found: Measuring) -> None:
    for key, own in found.study.metrics.groupby(SIGNATURE):
        said = own.set_index("metric")
        for name, *value in _measures(found.judged[key], _cutoffs(found, key), said):
            for column, number in zip(("value", "lower", "upper"), value, strict=False):
                found.hold(f"{name} {column} of {' '.join(key)}", said.loc[name, column], number)


def _measures(one: Judged, cutoff: np.ndarray, said: pd.DataFrame) -> Iterator[tuple[str, *tuple[float, ...]]]:
    """The measures that `said` has: their name, value and, where no draw is needed, limits."""
    truth, p = (one.patients[name].to_numpy() for name in ("positive", "value"))
    if one.crossed:
        by_seed = [roc_auc_score(rows["positive"], rows["value"]) for _, rows in one.rows.groupby("seed")]
        yield "auc", one.area
        yield "auc_pooled", float(np.mean(by_seed))
    else:
        yield "auc", one.area, *_logit_limits(_above(one.patients["positive"], one.patients["value"]))
        yield "auc_plain", one.area
    if "brier" not in said.index:
        return
    brier, share = brier_score_loss(truth, p), truth.mean()
    yield "brier", brier
    yield "scaled_brier", 1 - brier / (share * (1 - share))
    yield "mean_probability", p.mean()
    yield "sd_probability", np.std(p, ddof=1)
    x = logit(p.clip(1e-12, 1 - 1e-12))
    if roc_auc_score(truth, p) < 1:
        yield "calibration_slope", *_fitted(GLM(truth, add_constant(x), family=families.Binomial()))
        yield "calibration_intercept", *_fitted(GLM(truth, np.ones(len(x)), offset=x, family=families.Binomial()))
    else:  # separated classes have no finite slope
        yield "calibration_slope", np.nan
    if "sensitivity" in said.index:
        yield from _at_cutoff(truth, (p >= cutoff).astype(int))


def _fitted(model: GLM) -> tuple[float, float, float]:
    """The last coefficient with its Wald limits."""
    fit = model.fit(tol=1e-14, maxiter=200)
    return fit.params[-1], *fit.conf_int()[-1]


def _logit_limits(above: np.ndarray) -> tuple[float, ...]:
    """DeLong's limits of an area on the logit scale; none at its edges."""
    area = above.mean()
    if area in (0, 1):
        return ()
    half = norm.ppf(0.975) * _variance(above) ** 0.5 / (area * (1 - area))
    return expit(logit(area) - half), expit(logit(area) + half)


def _at_cutoff(truth: np.ndarray, called: np.ndarray) -> Iterator[tuple[str, *tuple[float, ...]]]:
    right, alarms, misses, hits = confusion_matrix(truth, called, labels=[0, 1]).ravel()
    of = [(hits, hits + misses), (right, right + alarms), (hits, hits + alarms), (right, right + misses)]
    for name, (k, n) in zip(SHARES, [*of, (hits + right, len(truth))], strict=True):
        yield (name, k / n, *proportion_confint(k, n, method="wilson")) if n else (name, np.nan)
    yield "f1", f1_score(truth, called)
    yield "balanced_accuracy", (hits / (hits + misses) + right / (right + alarms)) / 2


def _cutoffs(found: Measuring, key: tuple[str, ...]) -> np.ndarray:
    """At which each patient is judged: that of cutoffs.csv, out-of-fold that of the other folds."""
    one, (model, variant, _, protocol, _) = found.judged[key], key
    table = one.patients
    if not one.crossed:
        served = found.study.table("cutoffs.csv")
        own = served[(served["model"] == model) & (served["variant"] == variant) & (served["protocol"] == protocol)]
        return np.full(len(table), own["cutoff"].iloc[0] if len(own) else np.nan)
    first = one.rows[one.rows["seed"] == one.rows["seed"].min()].set_index("patient_id")["fold"]
    fold = first.reindex(table.index).to_numpy()
    out = np.full(len(table), np.nan)
    for number in np.unique(fold):
        out[fold == number] = _youden(table[fold != number])
    return out


def _youden(table: pd.DataFrame) -> float:
    """Midway between two values, the lowest of the best; 0 where none beats chance."""
    truth, p = table["positive"].to_numpy() == 1, table["value"].to_numpy()
    distinct = np.unique(p)
    tried = np.concatenate([[0.0], (distinct[1:] + distinct[:-1]) / 2])
    gain = [(p[truth] >= t).mean() - (p[~truth] >= t).mean() for t in tried]
    return float(tried[np.isclose(gain, max(gain), rtol=0, atol=1e-12)].min())


def _comparisons(found: Measuring) -> None:
    table, primary = found.study.table("comparisons.csv"), set(found.study.settings["evaluate"]["primary"])
    for row in table.to_dict("records"):
        what = " ".join(str(row[name]) for name in ("model_a", "variant_a", "model_b", "variant_b", "protocol", "side"))
        keys = [(row[f"model_{k}"], row[f"variant_{k}"], "chosen", row["protocol"], row["side"]) for k in "ab"]
        a, b = found.judged[keys[0]].shared(found.judged[keys[1]])
        found.hold(f"difference of {what}", row["difference"], a.area - b.area)
        if a.crossed:
            assert np.isnan(row["p"]), "out-of-fold no p holds"
            continue
        both = _above(a.patients["positive"], a.patients["value"]) - _above(b.patients["positive"], b.patients["value"])
        se = _variance(both) ** 0.5
        half = norm.ppf(0.975) * se
        for column, value in (("lower", both.mean() - half), ("upper", both.mean() + half)):
            found.hold(f"{column} of {what}", row[column], value)
        if np.isfinite(row["p"]):
            found.hold(f"p of {what}", row["p"], 2 * norm.sf(abs(both.mean()) / se) if se else 1.0)
    family = table[(table["variant_a"] == "") & (table["variant_b"] == "") & table["p"].notna()]
    other = [{a, b} != primary for a, b in zip(family["model_a"], family["model_b"], strict=True)]
    family = family[np.array(other, dtype=bool)]
    for _, own in family.groupby(["protocol", "side"]):
        for said, value in zip(own["p_holm"], multipletests(own["p"], method="holm")[1], strict=True):
            found.hold("p of Holm", said, value)


def _net_benefits(found: Measuring) -> None:
    assert found.study.settings["evaluate"]["target_prevalence"] is None
    for row in found.study.table("net_benefit.csv").to_dict("records"):
        key = (row["model"], row["variant"], "chosen", row["protocol"], row["side"])
        one, t, what = found.judged[key], row["threshold"], " ".join(key)
        share = one.patients["positive"].mean()
        everyone = share - (1 - share) * t / (1 - t)
        own = _benefit(one.patients, t)
        found.hold(f"net benefit at {t} of {what}", row["net_benefit"], own)
        found.hold(f"treating all at {t} of {what}", row["treat_all"], everyone)
        found.hold(f"less treating all at {t} of {what}", row["less_treat_all"], own - everyone)
        clinical = found.judged.get(("Clinical", "", *key[2:]))
        if np.isfinite(row["less_clinical"]):
            a, b = one.shared(clinical)
            value = _benefit(a.patients, t) - _benefit(b.patients, t)
            found.hold(f"less Clinical at {t} of {what}", row["less_clinical"], value)


def _benefit(table: pd.DataFrame, t: float) -> float:
    """Patients treated rightly, less those wrongly at the odds of the threshold, of all."""
    treated = table[table["value"] >= t]["positive"]
    return float((treated.sum() - (len(treated) - treated.sum()) * t / (1 - t)) / len(table))
