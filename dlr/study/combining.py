"""Fitting the Combined model of one target: on the whole training side, over the folds, and on bootstrap samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.engine import Run
from dlr.errors import InputError
from dlr.learn import CandidateSet, CombinedModel, fit_combined
from dlr.protocols import Part
from dlr.randomness import rng
from dlr.settings import CombineSettings
from dlr.study.combined import SavedSet
from dlr.study.parts import study_parts
from dlr.study.signatures import held_out_rows
from dlr.words import CHOSEN, Model, Protocol, Side, Target

__all__ = ["Combining", "combined_rows", "whole_part"]


@dataclass(frozen=True)
class Combining:
    """What the Combined models of a target, protocol and variant are fitted on."""

    target: Target
    protocol: str
    variant: str
    frame: pd.DataFrame  # combined_frame: everybody's clinical values and signatures
    labels: pd.Series
    sides: pd.Series  # of everybody
    folds: pd.DataFrame  # FOLDS
    settings: CombineSettings
    splines: tuple[str, ...] = ()  # clinical.splines

    def training(self, candidates: CandidateSet) -> list[str]:
        """Training patients with a known target and every signature."""
        complete = self.frame[list(candidates.signatures)].notna().all(axis=1)
        inside = self.sides.index[self.sides == Side.TRAIN]
        return [p for p in inside if p in self.labels.index and complete[p]]

    def fit(self, candidates: CandidateSet, ids: Any, only_predict: bool) -> CombinedModel:
        """The model of some training patients; a patient drawn twice counts twice."""
        return fit_combined(
            self.frame.loc[ids].reset_index(drop=True),
            self.labels.loc[ids].reset_index(drop=True),
            candidates,
            protocol=self.protocol,
            penalty=self.settings.penalty,
            bound=self.settings.maximum_parameters,
            splines=self.splines,
            only_predict=only_predict,
        )

    def fit_set(self, run: Run, candidates: CandidateSet, primary: bool) -> SavedSet:
        """The model of the whole training side."""
        model = self.fit(candidates, self.training(candidates), only_predict=False)
        named = f"{self.target.name}, {candidates.name}, {self.protocol}"
        for dropped in model.dropped:
            run.log(f"{named}: {dropped.variable} leaves: {dropped.reason}")
        return SavedSet(self.target.name, self.protocol, self.variant, primary, model)

    def predictions(self, saved: SavedSet) -> list[pd.DataFrame]:
        """PREDICTIONS: held-out patients by the model of the whole training side; training patients over the folds.

        Under `paper` training patients are apparent. Under cross-fitting each fold's are predicted by a model of the
        other folds' patients, the signatures given: optimistic, as these come from models that saw the held-out labels.
        """
        complete = saved.complete(self.frame)
        paper = self.protocol == Protocol.PAPER
        direct = complete if paper else complete.loc[(self.sides.loc[complete.index] != Side.TRAIN).to_numpy()]
        whole = whole_part(saved, self.training(saved.model.candidates), direct.index)
        out = [combined_rows(saved, whole, pd.Series(saved.model.predict(direct), direct.index), self.sides)]
        return out if paper else out + self.of_folds(saved.model.candidates)

    def of_folds(self, candidates: CandidateSet) -> list[pd.DataFrame]:
        """PREDICTIONS of the training patients, each fold's by a model of the other folds' patients."""
        parts = study_parts(self.folds, [self.protocol], self.sides)
        named = (self.target, Model.COMBINED.value, self.variant, CHOSEN, self.sides)
        return [held_out_rows(part, self._of_fold(candidates, part), *named) for part in parts]

    def _of_fold(self, candidates: CandidateSet, part: Part) -> pd.Series:
        """One fold's training patients by a model of the others."""
        ids = self.training(candidates)
        out = [p for p in part.predict if p in set(ids)]
        inside = [p for p in ids if p not in set(out)]
        return self.of_others(candidates, inside, out)

    def of_others(self, candidates: CandidateSet, inside: Sequence[str], out: Sequence[str]) -> pd.Series:
        """What a model of some patients says of others; their prevalence where no model can be fitted."""
        model = self.fit(candidates, inside, only_predict=True)
        if model.fit is None:
            return pd.Series(float(self.labels.loc[inside].mean()), out)
        return pd.Series(model.predict(self.frame.loc[out]), out)

    def optimism(self, saved: SavedSet, seed: int) -> pd.DataFrame:
        """OPTIMISM: Harrell's bootstrap of the last step, the signatures given.  seed : of the study."""
        ids = np.array(self.training(saved.model.candidates), dtype=object)

        def fit(rows: np.ndarray) -> Any:
            model = self.fit(saved.model.candidates, list(ids[rows]), only_predict=True)
            if model.fit is None:
                raise InputError("Combined model", model.reason, "")
            return lambda others: model.predict(self.frame.loc[list(ids[others])])

        found = stats.optimism(
            fit,
            self.labels.loc[list(ids)].to_numpy() == 1,
            generator=rng(seed, "optimism", saved.target, saved.variant),
            replicates=self.settings.bootstrap,
        )
        return found.table.assign(target=saved.target, variant=saved.variant)


def combined_rows(saved: SavedSet, part: Part, value: pd.Series, sides: pd.Series | str) -> pd.DataFrame:
    """PREDICTIONS of one fitted Combined model, by patient_id, of the patients that its part predicts."""
    return held_out_rows(part, value, Target(saved.target), Model.COMBINED.value, saved.variant, CHOSEN, sides)


def whole_part(saved: SavedSet, train: Sequence[str], predict: Sequence[str]) -> Part:
    """The part of the one model that was fitted on the whole training side."""
    return Part(saved.protocol, 0, -1, -1, tuple(train), tuple(predict))
