"""From which probability a patient counts as positive: what is served, and what each patient is judged at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from dlr import stats
from dlr.errors import InputError
from dlr.study.measures import Evaluated
from dlr.tables import CUTOFFS
from dlr.words import CHOSEN, CutOff, Protocol, Side

__all__ = ["Cutoffs", "cut_offs"]

Line = tuple[str, ...]


@dataclass(frozen=True)
class Cutoffs:
    """The cut-off of every binary signature, from training or validation patients only, used unchanged elsewhere."""

    found: dict[Line, CutOff]  # by target, model, variant, protocol
    crossed: dict[Line, pd.Series] = field(default_factory=dict)  # by these and side: every patient's, by patient_id

    def of(self, one: Evaluated) -> np.ndarray:
        """The cut-off (n,) at which each patient of a signature is judged; NaN where there is none.

        Where values are cross-fitted it was chosen on the patients of the other folds.
        """
        crossed = self.crossed.get((*_line(one), one.side))
        if crossed is not None:
            return crossed[list(one.patients)].to_numpy()
        served = self.found.get(_line(one))
        return np.full(len(one.patients), np.nan if served is None else served.value)

    def table(self) -> pd.DataFrame:
        """CUTOFFS: what is served."""
        rows = [(*line, found.value, found.rule, found.n) for line, found in self.found.items()]
        return pd.DataFrame(rows, columns=list(CUTOFFS.names))


def cut_offs(signatures: Sequence[Evaluated]) -> Cutoffs:
    """Youden's cut-off on each chosen signature's training patients; under `paper`, whose training patients are
    apparent, on the validation side where there is one with both classes; where external patients are cross-fitted
    among themselves, on these.
    """
    judges = {}
    for one in signatures:
        validation = one.side == Side.VALIDATION and one.protocol == Protocol.PAPER
        training = Side.EXTERNAL if one.protocol == Protocol.EXTERNAL_CROSSFIT else Side.TRAIN
        serves = validation or (one.side == training and _line(one) not in judges)
        if serves and one.algorithm == CHOSEN and one.two_classes:
            judges[_line(one)] = one
    found = {}
    for line, one in judges.items():
        youden = stats.youden(one.positive, one.probability)
        whose = "validation side" if one.side == Side.VALIDATION else one.role
        found[line] = replace(youden, rule=f"{youden.rule}, {whose}")
    crossed = {
        (*_line(one), one.side): _of_the_other_folds(one)
        for one in signatures
        if one.cross_fitted and one.algorithm == CHOSEN and one.two_classes
    }
    return Cutoffs(found, crossed)


def _of_the_other_folds(one: Evaluated) -> pd.Series:
    """Youden's cut-off for every patient, on the patients of the other folds of the first drawing; NaN where these have
    one class.
    """
    drawn = one.chains[one.chains["seed"] == one.chains["seed"].min()]
    fold = drawn.set_index("patient_id")["fold"].reindex(list(one.patients)).to_numpy()
    out = pd.Series(np.nan, index=list(one.patients))
    for number in np.unique(fold):
        held_out = fold == number
        try:
            chosen = stats.youden(one.positive[~held_out], one.probability[~held_out])
        except InputError:  # the other folds have one class
            continue
        out[held_out] = chosen.value
    return out


def _line(one: Evaluated) -> Line:
    return (one.target.name, one.model, one.variant, one.protocol)
