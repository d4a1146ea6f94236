"""Several binary targets of the same patients, judged together: means over the targets, with a patient bootstrap.

One draw of patients serves all targets, as their labels and a model's errors go together. Patients are drawn without
strata: of the joint patterns of labels many have one patient only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats.bootstrap import REPLICATES, Weighted, bootstrap_estimate
from dlr.stats.within_folds import mean_area
from dlr.words import Estimate

__all__ = ["LabelRows", "LabelsTogether", "labels_together", "macro_auc", "macro_auc_difference"]

WHERE = "macro_auc"
METHOD = "patient bootstrap"


@dataclass(frozen=True)
class LabelRows:
    """What a model says of one target: a row a patient, or out-of-fold a row a patient and seed."""

    target: str
    positive: ArrayLike  # bool (rows,)
    value: ArrayLike  # float (rows,), higher = likelier; any increasing scale
    patients: ArrayLike  # (rows,) whose row it is
    fold: ArrayLike | None = None  # (rows,): pairs are compared within a fold of a seed; None: all pairs are
    seed: ArrayLike | None = None


@dataclass(frozen=True)
class LabelsTogether:
    """Yes or no of several labels at fixed cut-offs: means over the labels, and the share of patients all right."""

    accuracy_jaccard: Estimate  # TP / (TP + FP + FN)
    accuracy_mean: Estimate
    exact_match: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate

    def named(self) -> tuple[tuple[str, Estimate], ...]:
        """(name, estimate) of each measure, in the order above."""
        return tuple((field.name, getattr(self, field.name)) for field in fields(self))


def macro_auc(
    targets: Sequence[LabelRows], *, generator: np.random.Generator | None = None, replicates: int = REPLICATES
) -> Estimate:
    """The mean of the targets' AUCs, each on the patients for whom it is known; n counts all of them.

    Out-of-fold each AUC is that of `auc_within_folds`. NaN, and `method` says why, where a target has none.
    """
    return _of_areas([targets], lambda areas: areas[0], generator, replicates)


def macro_auc_difference(
    a: Sequence[LabelRows],
    b: Sequence[LabelRows],
    *,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> Estimate:
    """Macro AUC of a less that of b, of the same targets and patients, drawn together."""
    return _of_areas([a, b], lambda areas: areas[0] - areas[1], generator, replicates)


def labels_together(
    truth: ArrayLike,
    called: ArrayLike,
    names: Sequence[str],
    *,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> LabelsTogether:
    """Measures of yes or no, each a mean over the labels (macro), on patients for whom all labels are known.

    truth, called : bool (patients, labels).  names : of the labels, for the words where a measure is undefined: without
    a patient that is called positive a label has no precision, without a positive one no recall, without either no
    Jaccard index and no F1; the mean is then NaN.
    Source: scikit-learn's average="macro", which gives 0 in their place.
    """
    true, said = (_labels(given, len(names)) for given in (truth, called))
    if true.shape != said.shape or not len(true):
        raise InputError("labels_together", f"{len(true)} patients and {len(said)} calls", "Give one row a patient.")
    hits, wrong = (true & said).astype(float), (true != said).astype(float)
    positive, called_so = true.astype(float), said.astype(float)
    right = (true == said).all(axis=1).astype(float)
    nobody = np.zeros(len(true), dtype=bool)  # one stratum

    def share(above: np.ndarray, below: np.ndarray) -> Weighted:
        def mean(weights: np.ndarray) -> np.ndarray:
            with np.errstate(invalid="ignore"):  # a replicate may call nobody positive
                return np.mean((weights @ above) / (weights @ below), axis=-1)

        return mean

    shares = {
        "accuracy_jaccard": (hits, hits + wrong, "is positive or called so"),
        "accuracy_mean": (1 - wrong, np.ones(true.shape), ""),
        "exact_match": (right[:, None], np.ones((len(true), 1)), ""),
        "precision": (hits, called_so, "is called positive"),
        "recall": (hits, positive, "is positive"),
        "f1": (2 * hits, 2 * hits + wrong, "is positive or called so"),
    }
    drawing = generator or rng(0, "bootstrap", "labels_together")
    found = {}
    for measure, (above, below, lack) in shares.items():
        empty = [name for name, count in zip(names, below.sum(axis=0), strict=False) if not count]
        words = f"{METHOD}; undefined: nobody {lack} of {', '.join(empty)}" if empty else METHOD
        found[measure] = bootstrap_estimate(share(above, below), nobody, words, drawing, replicates)
    return LabelsTogether(**found)


def _of_areas(
    models: Sequence[Sequence[LabelRows]],
    combined: Callable[[list[np.ndarray]], np.ndarray],
    generator: np.random.Generator | None,
    replicates: int,
) -> Estimate:
    """A function of each model's mean area, under draws of all patients that any target is known for."""
    everybody = np.unique(np.concatenate([np.asarray(rows.patients) for rows in models[0]]))
    method = f"{METHOD}; mean of {', '.join(rows.target for rows in models[0])}"
    if any(rows.fold is not None for rows in models[0]):
        method = f"within fold and seed; {method}, given these models"
    areas = []
    for model in models:
        try:
            areas.append([_placed(rows, everybody) for rows in model])
        except InputError as error:
            words = f"{method}; undefined: {error.problems[0].what}"
            return Estimate(np.nan, np.nan, np.nan, len(everybody), 0, words)

    def statistic(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # a replicate may leave a target without a class
            return combined([np.mean([area(weights) for area in of_model], axis=0) for of_model in areas])

    return bootstrap_estimate(statistic, np.zeros(len(everybody), dtype=bool), method, generator, replicates)


def _placed(rows: LabelRows, everybody: np.ndarray) -> Weighted:
    """A target's area as a function of the weights of all patients."""
    patients = np.asarray(rows.patients)
    nothing = np.zeros(len(patients))
    fold, seed = (nothing if given is None else given for given in (rows.fold, rows.seed))
    try:
        area, _ = mean_area(rows.positive, rows.value, fold, seed, patients)
    except InputError as error:
        raise InputError(WHERE, f"{rows.target}: {error.problems[0].what}", error.problems[0].mend) from None
    places = np.searchsorted(everybody, np.unique(patients))
    return lambda weights: area(weights[:, places])


def _labels(given: ArrayLike, count: int) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != 2 or array.shape[1] != count or not np.isin(array, (0, 1)).all():
        raise InputError("labels_together", f"labels of shape {array.shape}", f"Give 0 and 1, {count} a patient.")
    return array.astype(bool)
