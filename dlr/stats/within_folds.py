"""The AUC of out-of-fold predictions: pairs are compared only within the same fold of the same seed.

Folds are predicted by different models whose scales differ a little; pooling them compares patients across scales and
biases the area, mostly downwards on noise (Forman & Scholz 2010; Airola et al. 2011). DeLong's interval is too narrow
here, as the models share their training patients: the interval is a patient bootstrap, given these models, and a p
comes from permuting labels through the whole chain, never from these values alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.stats.bootstrap import REPLICATES, Weighted, bootstrap_estimate
from dlr.stats.outcome import labels, two_classes, values
from dlr.stats.ranks import Concordance
from dlr.words import Estimate

__all__ = ["AreaWithinFolds", "auc_difference", "auc_pooled", "auc_within_folds"]

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
    area, outcome = _mean_area(positive, probability, fold, seed, patients)
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
    area, outcome = _mean_area(positive, probability, np.zeros(np.size(seed)), seed, patients)
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
    of_a, outcome = _mean_area(positive, a, folds, seeds, patients)
    of_b, _ = _mean_area(positive, b, folds, seeds, patients)
    method = "patient bootstrap"
    return bootstrap_estimate(lambda weights: of_a(weights) - of_b(weights), outcome, method, generator, replicates)


def _mean_area(
    positive: ArrayLike, probability: ArrayLike, fold: ArrayLike, seed: ArrayLike, patients: ArrayLike | None
) -> tuple[Weighted, np.ndarray]:
    """The area as a function of the patients' weights, and the patients' outcome."""
    rows_positive = two_classes(positive, WHERE)
    value = values(probability, len(rows_positive), WHERE)
    folds, seeds = (labels(x, len(value), WHERE, name) for x, name in ((fold, "fold"), (seed, "seed")))
    whose, outcome = _patients(rows_positive, seeds, patients)
    rows_of = [np.flatnonzero(seeds == one) for one in np.unique(seeds)]
    areas = [(whose[rows], AreaWithinFolds(rows_positive[rows], value[rows], folds[rows])) for rows in rows_of]

    def mean_area(weights: np.ndarray) -> np.ndarray:
        return np.mean([area(weights[:, patients_of_seed]) for patients_of_seed, area in areas], axis=0)

    return mean_area, outcome


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
