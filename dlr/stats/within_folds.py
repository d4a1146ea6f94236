"""The AUC of out-of-fold predictions: pairs are compared only within the same fold of the same seed.

Folds are predicted by different models whose scales differ a little; pooling them compares patients across scales and
biases the area, mostly downwards on noise (Forman & Scholz 2010; Airola et al. 2011). DeLong's interval is too narrow
here, as the models share their training patients: the interval is a patient bootstrap, given these models, and a p
comes from permuting labels through the whole chain, never from these values alone.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats.bootstrap import REPLICATES, Weighted, bootstrap_estimate
from dlr.stats.outcome import labels, two_classes, values
from dlr.stats.ranks import Concordance
from dlr.words import Estimate

__all__ = [
    "AreaWithinFolds", "WithinGroups", "auc_difference", "auc_pooled", "auc_within_folds", "auc_within_groups",
    "mean_area",
]  # fmt: skip

WHERE = "auc_within_folds"


def auc_within_folds(
    positive: ArrayLike,
    probability: ArrayLike,
    fold: ArrayLike,
    seed: ArrayLike,
    *,
    patients: ArrayLike | None = None,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> Estimate:
    """Share of correctly ordered pairs within the same fold and seed, averaged over seeds.

    All arrays (rows,): a patient has one row a seed. patients : whose row it is; needed with several seeds, so that the
    bootstrap draws the rows of a patient together. The interval holds given these models; n counts patients.
    Raises InputError where a seed has no fold with both classes.
    """
    area, outcome = mean_area(positive, probability, fold, seed, patients)
    method = "within fold and seed; patient bootstrap, given these models"
    return bootstrap_estimate(area, outcome, method, generator, replicates)


def auc_pooled(
    positive: ArrayLike,
    probability: ArrayLike,
    seed: ArrayLike,
    *,
    patients: ArrayLike | None = None,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> Estimate:
    """As `auc_within_folds`, but pairs are also compared across folds: for the CSV, beside the unbiased value."""
    area, outcome = mean_area(positive, probability, np.zeros(np.size(seed)), seed, patients)
    method = "folds pooled; patient bootstrap, given these models"
    return bootstrap_estimate(area, outcome, method, generator, replicates)


def auc_difference(
    positive: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    fold: ArrayLike | None = None,
    seed: ArrayLike | None = None,
    *,
    patients: ArrayLike | None = None,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> Estimate:
    """AUC of a less AUC of b, each as `auc_within_folds`, with a patient bootstrap interval and no p.

    For out-of-fold predictions, where no DeLong p holds. a, b : (rows,) of the same patients, folds and seeds. Without
    fold or seed all rows are one fold or seed, as for signatures that are a mean over seeds.
    """
    n = np.size(a)
    folds, seeds = (np.zeros(n) if given is None else given for given in (fold, seed))
    of_a, outcome = mean_area(positive, a, folds, seeds, patients)
    of_b, _ = mean_area(positive, b, folds, seeds, patients)
    method = "patient bootstrap"
    return bootstrap_estimate(lambda weights: of_a(weights) - of_b(weights), outcome, method, generator, replicates)


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
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> WithinGroups:
    """AUC inside groups: a model that only recognises the group has one half here, however high its pooled AUC is.

    group : (rows,), the same in all of a patient's rows. Out-of-fold (fold, seed given) a pair lies inside one group
    and one fold of one seed, as in `auc_within_folds`: across folds two models' scales would be compared.
    least : patients of each class, two or more, that a group needs to count in the mean; in the pairs every group does.
    The interval is a patient bootstrap in which every group keeps its positives and negatives. n counts the patients of
    the groups that count; NaN, and `method` says why, where there are none.
    """
    rows_positive = two_classes(positive, WHERE)
    n = len(rows_positive)
    value, groups = values(probability, n, WHERE), labels(group, n, WHERE, "group").astype(str)
    folds, seeds = (np.zeros(n) if given is None else labels(given, n, WHERE, "fold") for given in (fold, seed))
    whose, outcome = _patients(rows_positive, seeds, np.arange(n) if patients is None else patients)
    _, first = np.unique(whose, return_index=True)
    names, own = np.unique(groups[first], return_inverse=True)
    areas: dict[str, Weighted] = {}
    for name in names[[np.bincount(outcome[own == k], minlength=2).min() >= least for k in range(len(names))]]:
        rows = groups == name
        with suppress(InputError):  # a seed has no fold in which the group has both classes
            area, _ = mean_area(rows_positive[rows], value[rows], folds[rows], seeds[rows], whose[rows])
            areas[str(name)] = partial(_of_some, area, np.unique(whose[rows]))
    how = f"{'' if fold is None else 'within fold and seed; '}patient bootstrap by group and class"
    of_mean, of_pairs = f"mean over {', '.join(areas)}; {how}", f"pairs inside a group; {how}"
    pairs: Weighted = _nowhere
    if not areas:
        of_mean = f"undefined: no group has {least} patients of each class to compare"
    number_of_group, number_of_fold = (np.unique(given, return_inverse=True)[1] for given in (groups, folds))
    blocks = number_of_group * n + number_of_fold
    try:
        pairs, _ = mean_area(rows_positive, value, blocks, seeds, whose)
    except InputError:
        of_pairs = "undefined: no group has a pair to compare"

    def mean(weights: np.ndarray) -> np.ndarray:
        return np.mean([area(weights) for area in areas.values()] or [_nowhere(weights)], axis=0)

    drawing, strata = generator or rng(0, "bootstrap", WHERE, "groups"), 2 * own + outcome
    found = bootstrap_estimate(mean, outcome, of_mean, drawing, replicates, strata=strata)
    inside = np.isin(names[own], list(areas))
    return WithinGroups(
        mean=replace(found, n=int(inside.sum()), n_positive=int(outcome[inside].sum())),
        pairs=bootstrap_estimate(pairs, outcome, of_pairs, drawing, replicates, strata=strata),
        groups=tuple(areas),
    )


def _of_some(area: Weighted, members: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return area(weights[:, members])


def _nowhere(weights: np.ndarray) -> np.ndarray:
    return np.full(len(weights), np.nan)


def mean_area(
    positive: ArrayLike, probability: ArrayLike, fold: ArrayLike, seed: ArrayLike, patients: ArrayLike | None
) -> tuple[Weighted, np.ndarray]:
    """The area as a function of the weights of the patients (by sorted id), and their outcome."""
    rows_positive = two_classes(positive, WHERE)
    value = values(probability, len(rows_positive), WHERE)
    folds, seeds = (labels(x, len(value), WHERE, name) for x, name in ((fold, "fold"), (seed, "seed")))
    whose, outcome = _patients(rows_positive, seeds, patients)
    rows_of = [np.flatnonzero(seeds == one) for one in np.unique(seeds)]
    areas = [(whose[rows], AreaWithinFolds(rows_positive[rows], value[rows], folds[rows])) for rows in rows_of]

    def area(weights: np.ndarray) -> np.ndarray:
        return np.mean([of_seed(weights[:, patients]) for patients, of_seed in areas], axis=0)

    return area, outcome


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
