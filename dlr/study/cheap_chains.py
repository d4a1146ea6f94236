"""Every cheap model of one part, fitted in one go: what can be done a hundred times over.

By the functions, draws and settings of the stages, which keep and describe what they fit; here a part leaves its
predictions alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.engine import Task
from dlr.engine.keys import UNLESS_DEFAULT
from dlr.learn import LearnSettings, fit_pca
from dlr.protocols import Part
from dlr.study.components import component_columns, joined
from dlr.study.frames import PatientFrame
from dlr.study.frozen import fitted_head, frozen_signature, head_payload, least_loss
from dlr.study.signatures import SignatureData, fit_payload, fitted_chains, held_out_rows
from dlr.study.tasks import key_of_payload
from dlr.tables import PREDICTIONS
from dlr.words import CHOSEN, Model, Side, Target

__all__ = ["Blocks", "CheapChains", "cheap_predictions", "fit_cheap", "seconds_of_parts"]


@dataclass(frozen=True)
class Blocks:
    """What the chains of a study read of its patients; of an absent block there is no model."""

    clinical: Mapping[str, PatientFrame] = field(default_factory=dict)  # by variant
    rad: PatientFrame | None = None
    deep: Mapping[str, PatientFrame] = field(default_factory=dict)  # frozen features, by backbone
    components: int | float | None = None  # principal components that are joined to radiomics; None: no DLR

    @property
    def models(self) -> frozenset[str]:
        """The models that can be fitted."""
        there = {
            Model.CLINICAL: bool(self.clinical), Model.RAD: self.rad is not None, Model.DL: bool(self.deep),
            Model.DLR: self.rad is not None and bool(self.deep) and self.components is not None,
        }  # fmt: skip
        return frozenset(model.value for model, found in there.items() if found)

    @cached_property
    def _parts(self) -> dict[str, Any]:
        return key_of_payload(self, str)

    def key(self, digest: Callable[[str | Path], str]) -> dict[str, Any]:
        """The form in a task's key, made once however many tasks share the blocks."""
        return self._parts


@dataclass(frozen=True)
class CheapChains:
    """All that the cheap chains of one part depend on."""

    blocks: Blocks
    target: Target
    outcome: pd.Series  # 0/1 by patient_id
    part: Part
    learn: LearnSettings
    allowed: frozenset[str] | None  # features that passed the part's reproducibility filter; None = all
    seed: int  # of the study
    models: frozenset[str] | None = field(default=None, metadata=UNLESS_DEFAULT)  # that are asked for; None: all


def cheap_predictions(given: CheapChains, sides: pd.Series | str) -> pd.DataFrame:
    """PREDICTIONS of the part's patients by the chosen chain of every model.

    sides : by patient_id, or one for all.
    """
    return pd.concat(
        [
            held_out_rows(given.part, value, given.target, model, variant, CHOSEN, sides)
            for model, variant, value in _values(given)
        ],
        ignore_index=True,
    )


def fit_cheap(task: Task, folder: Path) -> None:
    """Fit the cheap models of one part; leave predictions.parquet."""
    cheap_predictions(task.payload, Side.TRAIN.value).to_parquet(folder / PREDICTIONS.file, index=False)


def seconds_of_parts(parts: Sequence[CheapChains], workers: int) -> float:
    """How long the cheap models of these parts take here, by the first of them."""
    if not parts:
        return 0.0
    begin = time.perf_counter()
    cheap_predictions(parts[0], Side.TRAIN.value)
    return (time.perf_counter() - begin) * len(parts) / workers


def _values(given: CheapChains) -> Iterator[tuple[str, str, pd.Series]]:
    """Model, variant and what its chain says of the part's patients."""
    blocks, part = given.blocks, given.part
    asked = blocks.models if given.models is None else blocks.models & given.models
    for variant, frame in blocks.clinical.items() if Model.CLINICAL in asked else ():
        yield Model.CLINICAL.value, variant, _chain_values(given, Model.CLINICAL, variant, frame, None)
    if blocks.rad is not None and Model.RAD in asked:
        yield Model.RAD.value, "", _chain_values(given, Model.RAD, "", blocks.rad, given.allowed)
    if not asked & {Model.DL, Model.DLR}:
        return
    heads = []
    for name, frame in blocks.deep.items():
        recalibrate = given.learn.recalibrate
        payload = head_payload(frame, name, given.target, given.outcome, part, recalibrate, given.seed)
        heads.append(frozen_signature(fitted_head(payload), frame, name, part))
    chosen = least_loss(heads)[part.name]
    if Model.DL in asked:
        yield Model.DL.value, "", chosen.value
    if blocks.rad is not None and blocks.components is not None and Model.DLR in asked:
        seen = blocks.deep[chosen.backbone]
        scores = fit_pca(seen.of(part.train).values, blocks.components).transform(seen.values)
        allowed = None if given.allowed is None else given.allowed | set(component_columns(scores))
        yield Model.DLR.value, "", _chain_values(given, Model.DLR, "", joined(blocks.rad, scores), allowed)


def _chain_values(
    given: CheapChains, model: Model, variant: str, frame: PatientFrame, allowed: frozenset[str] | None
) -> pd.Series:
    """What the chosen chain of one model says of the part's patients."""
    nobody = pd.Series(dtype=object)
    select = model is not Model.CLINICAL
    data = SignatureData(given.target, model.value, frame, given.outcome, nobody, select, variant)
    fitted = fitted_chains(fit_payload(data, given.part, given.learn, allowed, given.seed))
    rows = frame.of(given.part.predict)
    return rows.mean_by_patient(fitted.best.predict(rows.values))
