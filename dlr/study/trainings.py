"""What all trainings of a study share, whatever is trained: checkpoints, forecasts, curves, the parts they serve."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from dlr.engine import Run, Task
from dlr.engine.keys import key_of
from dlr.protocols import Part
from dlr.study.tasks import key_of_payload
from dlr.words import Protocol

if TYPE_CHECKING:
    from dlr.networks import Trained

__all__ = [
    "CURVES_FILE",
    "checkpoints",
    "curves_of",
    "identified",
    "judged_loss",
    "minutes_of",
    "trained",
    "wanted_parts",
]

CURVES_FILE = "curves.csv"

AnyPayload = TypeVar("AnyPayload")


def wanted_parts(parts: Sequence[Part], seeds: int) -> list[Part]:
    """The parts that networks are trained in: the paper's, and those of the first drawings of the others."""
    return [part for part in parts if part.protocol == Protocol.PAPER or part.seed < seeds]


def checkpoints(run: Run) -> Path:
    """Where trainings under way are kept until they have ended."""
    return run.store.study / "checkpoints"


def identified(run: Run, payload: AnyPayload) -> AnyPayload:
    """The payload with its fields `identity`, made of all that is in its key, and `checkpoint`, named after it."""
    unnamed: Any = payload
    identity = key_of(key_of_payload(unnamed, run.digest))
    named: AnyPayload = replace(unnamed, identity=identity, checkpoint=checkpoints(run) / f"{identity[:20]}.pt")
    return named


def trained(
    run: Run,
    function: Callable[[Task, Path], None],
    tasks: Sequence[Task],
    seconds: Callable[[], float],
    label: str = "networks",
) -> list[Path]:
    """The folders of all trainings; when all are done no checkpoint is left.  seconds : of the longest, foretold."""
    folders = run.each(function, tasks, label=label, seconds=seconds)
    shutil.rmtree(checkpoints(run), ignore_errors=True)
    return folders


def minutes_of(run: Run, seconds_an_example: float, shown: Sequence[int], epochs: int) -> float:
    """How long trainings can take here at most.  shown : examples of each."""
    return seconds_an_example * sum(shown) * epochs / run.executor.workers / 60


def curves_of(given: Trained) -> pd.DataFrame:
    """Columns epoch, part, measure, value."""
    return pd.DataFrame([asdict(point) for point in given.curves])


def judged_loss(given: Trained, measure: str = "loss") -> float:
    """The loss that chose the epoch: of the validation part, where there was one."""
    curves = curves_of(given)
    part = "validation" if (curves["part"] == "validation").any() else "train"
    rows = curves[(curves["part"] == part) & (curves["measure"] == measure)]
    return float(rows.set_index("epoch")["value"].loc[given.best_epoch])
