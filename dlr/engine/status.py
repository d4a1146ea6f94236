"""What a study holds and what a run would compute, with the part of the key that moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from dlr.engine.digests import Digests
from dlr.engine.inputs import Inputs
from dlr.engine.plan import plan
from dlr.engine.runner import DIGESTS
from dlr.engine.stage import Pipeline
from dlr.engine.store import STAGE_RECORD, Store
from dlr.engine.walk import CACHED, LEFT_OUT, PLANNED, reason_to_compute

__all__ = ["StageStatus", "status"]


@dataclass(frozen=True)
class StageStatus:
    """One stage: whether the store holds it, why (not), when it was computed and what it warned of."""

    stage: str
    summary: str
    state: str  # CACHED, LEFT_OUT or PLANNED
    reason: str
    finished: str = ""
    seconds: float | None = None
    warnings: tuple[str, ...] = ()


def status(pipeline: Pipeline, study: Path, settings: BaseModel, inputs: Inputs) -> tuple[StageStatus, ...]:
    """Every stage of a study under the given settings and files; computes nothing."""
    store = Store(study)
    out = []
    for name, planned in plan(pipeline, settings, inputs, Digests(study / DIGESTS), store).items():
        record = store.find(planned.folder, STAGE_RECORD, planned.key)
        if record is None or record.get("transient"):
            reason = reason_to_compute(planned, store)
            out.append(StageStatus(name, planned.stage.summary, PLANNED, reason))
            continue
        left_out = record.get("left_out")
        state, reason = (LEFT_OUT, left_out) if left_out else (CACHED, "same settings, files and versions")
        out.append(
            StageStatus(
                name, planned.stage.summary, state, reason, record["finished"], record["seconds"],
                tuple(record.get("warnings", ())),
            )
        )  # fmt: skip
    return tuple(out)
