"""What a per cent is said to be without a model: the median of the patients that a chain is fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.study.cohort import CohortTables
from dlr.study.measures import Evaluated
from dlr.study.parts import study_parts
from dlr.words import Protocol, Target

__all__ = ["Medians", "training_medians"]


@dataclass(frozen=True)
class Medians:
    """The baseline of one per cent target: as blind to a patient as the chain that it stands beside."""

    of_part: Mapping[tuple[str, int, int], float]  # by protocol, seed and stored fold
    whole_side: float  # for chains of no drawn part

    def of(self, one: Evaluated) -> np.ndarray:
        """float (n,): of every patient the mean median over the parts behind its value, as that is a mean of chains."""
        rows = one.chains
        told = [
            self.of_part.get((one.protocol, int(seed), int(fold)), self.whole_side)
            for seed, fold in zip(rows["seed"], rows["fold"], strict=True)
        ]
        means = pd.Series(told, index=rows["patient_id"].to_numpy(), dtype=float).groupby(level=0).mean()
        return means.loc[list(one.patients)].to_numpy()


def training_medians(tables: CohortTables) -> dict[str, Medians]:
    """Of every per cent target the median of each part's training patients.

    The whole side's median would know the out-of-fold patient that it is told of; under protocols that leave cohorts
    out or stay inside the external side it would be that of other patients than the chains'.
    """
    protocols = [str(Protocol.PAPER), *sorted(set(tables.folds["protocol"]))]
    parts = study_parts(tables.folds, protocols, tables.sides)

    def of(target: Target) -> Medians:
        known = tables.labels(target)
        found = {
            (part.protocol, part.seed, part.stored_fold): float(np.median(values))
            for part in parts
            if len(values := known.reindex(list(part.train)).dropna())
        }
        return Medians(found, found.get((str(Protocol.PAPER), 0, -1), float("nan")))

    return {target.name: of(target) for target in tables.targets if not target.binary}
