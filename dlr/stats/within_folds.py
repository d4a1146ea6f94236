"""The AUC of out-of-fold predictions: pairs are compared only within the same fold of the same seed.

Folds are predicted by different models whose scales differ a little; pooling them compares patients across scales and
biases the area, mostly downwards on noise (Forman & Scholz 2010; Airola et al. 2011).

What it estimates is the AUC on new patients of one chain, fitted on all folds but one; the mean of all chains, which
serves new patients, does a little better. DeLong's interval is too narrow (it covers 73 to 92 %), as each patient also
taught the models that judge the others. `standard_error` widens it by what the drawings of the folds disagree about;
the interval then covers 94 to 98 % (docs/decisions/026). A p comes from permuting labels through the whole chain.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from dlr.errors import InputError
from dlr.stats.outcome import Z, labels, two_classes, values
from dlr.stats.ranks import Concordance
from dlr.stats.roc import newcombe_interval
from dlr.words import Estimate

__all__ = [
    "AreaWithinFolds", "MeanArea", "WithinGroups", "auc_difference", "auc_pooled", "auc_within_folds",
    "auc_within_groups", "mean_area", "standard_error",
]  # fmt: skip

WHERE = "auc_within_folds"
WIDENED = "DeLong (logit) widened for shared training patients"
ONE_DRAWING = 0.6  # of its variance, that others would not repeat: up to .9 was seen in noise, 0 in stable models


def auc_within_folds(
    positive: ArrayLike,
    probability: ArrayLike,
    fold: ArrayLike,
    seed: ArrayLike,
    *,
    patients: ArrayLike | None = None,
) -> Estimate:
    """Share of correctly ordered pairs within the same fold and seed, averaged over seeds.

    All arrays (rows,): a patient has one row a seed. patients : whose row it is; needed with several seeds. n counts
    patients. The interval is `standard_error`'s on the logit scale; at an area of 0 or 1 it is Newcombe's.
    Raises InputError where a seed has no fold with both classes.
    """
    area, outcome = mean_area(positive, probability, fold, seed, patients)
    return _estimate(area.value, area.influence, outcome, "within fold and seed; ", shared=True)


def auc_pooled(
    positive: ArrayLike, probability: ArrayLike, seed: ArrayLike, *, patients: ArrayLike | None = None
) -> Estimate:
    """As `auc_within_folds`, but pairs are also compared across folds: for the CSV, beside the unbiased value."""
    area, outcome = mean_area(positive, probability, np.zeros(np.size(seed)), seed, patients)
    return _estimate(area.value, area.influence, outcome, "folds pooled; ", shared=True)


def auc_difference(
    positive: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    fold: ArrayLike,
    seed: ArrayLike,
    *,
    patients: ArrayLike | None = None,
) -> Estimate:
    """AUC of a less AUC of b, each as `auc_within_folds`, with the interval of `standard_error` and no p.

    For out-of-fold predictions, where no DeLong p holds. a, b : (rows,) of the same patients, folds and seeds.
    """
    of_a, outcome = mean_area(positive, a, fold, seed, patients)
    of_b, _ = mean_area(positive, b, fold, seed, patients)
    value = of_a.value - of_b.value
    half = Z * standard_error(of_a.influence - of_b.influence, shared=True)
    method = "DeLong widened for shared training patients"
    return Estimate(value, value - half, value + half, len(outcome), int(outcome.sum()), method)


def standard_error(influence: np.ndarray, *, shared: bool) -> float:
    """Of a mean over drawings of the folds, from each patient's influence on it in each drawing, (S, n).

    shared : whether patients taught the models that judged the others (out-of-fold). The variance is then that of one
    drawing, as averaging drawings over the same patients gains little, and once more the part of it that another
    drawing does not repeat, S / (S - 1) times what averaging takes away: a model that hangs on single patients owes its
    value to them twice, as judged and as teachers. One drawing alone cannot tell and has ONE_DRAWING added.
    """
    one, mean, drawings = (influence**2).sum(axis=1).mean(), (influence.mean(axis=0) ** 2).sum(), len(influence)
    if not shared:
        return float(np.sqrt(mean))
    unstable = (one - mean) * drawings / (drawings - 1) if drawings > 1 else ONE_DRAWING * one
    return float(np.sqrt(one + unstable))


def _estimate(value: float, influence: np.ndarray, outcome: np.ndarray, how: str, *, shared: bool) -> Estimate:
    """An area with its interval on the logit scale; outcome : of the patients who count."""
    m, n = int(outcome.sum()), int((~outcome).sum())
    if value in (0.0, 1.0):
        return Estimate(value, *newcombe_interval(value, m, n), m + n, m, f"{how}Newcombe")
    half = Z * standard_error(influence, shared=shared) / (value * (1 - value))
    lower, upper = expit(logit(value) - half), expit(logit(value) + half)
    return Estimate(value, float(lower), float(upper), m + n, m, how + (WIDENED if shared else "DeLong (logit)"))


@dataclass(frozen=True)
class WithinGroups:
    """The AUC where only patients of one group, such as a hospital, are compared with one another."""

    mean: Estimate  # over the groups
    pairs: Estimate  # share of the ordered pairs of all groups together: large groups weigh most
    groups: tuple[str, ...]  # those in the mean


def auc_within_groups(
    positive: ArrayLike,
    probability: ArrayLike,
    group: ArrayLike,
    fold: ArrayLike | None = None,
    seed: ArrayLike | None = None,
    *,
    patients: ArrayLike | None = None,
    least: int = 5,
) -> WithinGroups:
    """AUC inside groups: a model that only recognises the group has one half here, however high its pooled AUC is.

    group : (rows,), the same in all of a patient's rows. Out-of-fold (fold, seed given) a pair lies inside one group
    and one fold of one seed, as in `auc_within_folds`: across folds two models' scales would be compared.
    least : patients of each class, two or more, that a group needs to count in the mean; in the pairs every group does.
    The interval is DeLong's on the logit scale, out-of-fold widened as that of `auc_within_folds`. n counts the
    patients of the groups that count; NaN, and `method` says why, where there are none.
    """
    rows_positive = two_classes(positive, WHERE)
    n, shared = len(rows_positive), fold is not None
    value, groups = values(probability, n, WHERE), labels(group, n, WHERE, "group").astype(str)
    folds, seeds = (np.zeros(n) if given is None else labels(given, n, WHERE, "fold") for given in (fold, seed))
    whose, outcome = _patients(rows_positive, seeds, np.arange(n) if patients is None else patients)
    _, first = np.unique(whose, return_index=True)
    names, own = np.unique(groups[first], return_inverse=True)
    areas: dict[str, MeanArea] = {}
    influence = np.zeros((len(np.unique(seeds)), len(outcome)))
    for name in names[[np.bincount(outcome[own == k], minlength=2).min() >= least for k in range(len(names))]]:
        rows = groups == name
        with suppress(InputError):  # a seed has no fold in which the group has both classes
            areas[name], _ = mean_area(rows_positive[rows], value[rows], folds[rows], seeds[rows], whose[rows])
            influence[:, np.unique(whose[rows])] += areas[name].influence
    how = "within fold and seed; " if shared else ""
    nowhere = Estimate(
        np.nan, np.nan, np.nan, 0, 0, f"undefined: no group has {least} patients of each class to compare"
    )
    mean = nowhere
    if areas:
        inside, count = np.isin(names[own], list(areas)), len(areas)
        value_of_mean = float(np.mean([area.value for area in areas.values()]))
        words = f"mean over {', '.join(areas)}; {how}"
        mean = _estimate(value_of_mean, influence / count, outcome[inside], words, shared=shared)
    number_of_group, number_of_fold = (np.unique(given, return_inverse=True)[1] for given in (groups, folds))
    try:
        area, _ = mean_area(rows_positive, value, number_of_group * n + number_of_fold, seeds, whose)
        pairs = _estimate(area.value, area.influence, outcome, f"pairs inside a group; {how}", shared=shared)
    except InputError:
        m = int(outcome.sum())
        pairs = Estimate(np.nan, np.nan, np.nan, len(outcome), m, "undefined: no group has a pair to compare")
    return WithinGroups(mean, pairs, tuple(areas))


def mean_area(
    positive: ArrayLike, probability: ArrayLike, fold: ArrayLike, seed: ArrayLike, patients: ArrayLike | None
) -> tuple[MeanArea, np.ndarray]:
    """The area as a function of the weights of the patients (by sorted id), and their outcome."""
    rows_positive = two_classes(positive, WHERE)
    value = values(probability, len(rows_positive), WHERE)
    folds, seeds = (labels(x, len(value), WHERE, name) for x, name in ((fold, "fold"), (seed, "seed")))
    whose, outcome = _patients(rows_positive, seeds, patients)
    rows_of = [np.flatnonzero(seeds == one) for one in np.unique(seeds)]
    areas = [(whose[rows], AreaWithinFolds(rows_positive[rows], value[rows], folds[rows])) for rows in rows_of]
    return MeanArea(tuple(areas), outcome), outcome


@dataclass(frozen=True)
class MeanArea:
    """The mean over seeds of the areas within folds, under weights (B, n) of all patients."""

    seeds: tuple[tuple[np.ndarray, AreaWithinFolds], ...]  # which patients a seed has, in the order of its area
    outcome: np.ndarray  # bool (n,)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        return np.mean([of_seed(weights[:, patients]) for patients, of_seed in self.seeds], axis=0)

    @cached_property
    def value(self) -> float:
        """Every patient once."""
        return float(self(np.ones((1, len(self.outcome))))[0])

    @cached_property
    def influence(self) -> np.ndarray:
        """(S, n): how each patient moves each seed's area, so scaled that the squares add up to DeLong's variance."""
        found = np.zeros((len(self.seeds), len(self.outcome)))
        for row, (patients, of_seed) in zip(found, self.seeds, strict=True):
            row[patients] = of_seed.influence(len(patients))
        of_class = np.where(self.outcome, self.outcome.sum(), (~self.outcome).sum())
        return found * np.sqrt(of_class / np.maximum(of_class - 1, 1))


class AreaWithinFolds:
    """Share of ordered pairs within the folds of one seed, under weights (B, n) of its patients."""

    def __init__(self, positive: np.ndarray, value: np.ndarray, folds: np.ndarray) -> None:
        blocks = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
        usable = [rows for rows in blocks if 0 < positive[rows].sum() < len(rows)]
        if not usable:
            raise InputError(WHERE, "a seed has no fold with both classes", "Use fewer folds, or more patients.")
        self.folds = [Concordance.of(positive, value, rows) for rows in usable]

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        ordered, pairs = np.sum([fold.count(weights) for fold in self.folds], axis=0)
        with np.errstate(invalid="ignore"):  # a replicate may leave no fold with both classes
            return ordered / pairs

    def influence(self, n: int) -> np.ndarray:
        """(n,): what one more of each patient would add to the area."""
        ordered, pairs = np.zeros(n), np.zeros(n)
        for fold in self.folds:
            ordered[fold.positives], pairs[fold.positives] = fold.lies_above.sum(axis=0), len(fold.negatives)
            ordered[fold.negatives], pairs[fold.negatives] = fold.lies_above.sum(axis=1), len(fold.positives)
        return (ordered - pairs * ordered.sum() / pairs.sum()) / (pairs.sum() / 2)


def _patients(positive: np.ndarray, seeds: np.ndarray, given: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """Index of each row's patient (rows,), and the patients' outcome (patients,)."""
    if given is None:
        if len(np.unique(seeds)) > 1:
            raise InputError(WHERE, "several seeds, but not whose row is whose", "Give patients=, one id a row.")
        return np.arange(len(positive)), positive
    names = labels(given, len(positive), WHERE, "patients")
    _, first, whose = np.unique(names, return_index=True, return_inverse=True)
    outcome = positive[first]
    if not np.array_equal(outcome[whose], positive):
        raise InputError(WHERE, "a patient is positive in one row and negative in another", "Give one outcome each.")
    _, seed_number = np.unique(seeds, return_inverse=True)
    if len(np.unique(whose * (seed_number.max() + 1) + seed_number)) < len(whose):
        raise InputError(WHERE, "a patient has two rows in one seed", "Give one out-of-fold value a patient and seed.")
    return whose, two_classes(outcome, WHERE)
