"""A toy pipeline: squares of the numbers in text files, their sum, and a stage that leaves itself out."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dlr.engine import Inputs, Pipeline, Run, Task, TaskFailure, stage
from dlr.errors import InputError


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid")

    power: int = 2
    kind: str = "plain"
    seconds: float = Field(0.0, json_schema_extra={"in_key": False})


class Total(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: int = 0
    names: list[str] | None = None


class Learn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seeds: int = 3


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: int = 1
    square: Square = Field(default_factory=Square)
    total: Total = Field(default_factory=Total)
    learn: Learn = Field(default_factory=Learn)


def named_files(inputs: Inputs, settings: Settings) -> dict[str, Path]:
    """The files that the manifest names, as far as they are there."""
    named = inputs.manifest.read_text().split()[1:]
    return {name: inputs.folder / name for name in named if (inputs.folder / name).is_file()}


@stage("listing", version=1, files=named_files)
def listing(run: Run) -> None:
    """The files that the manifest names."""
    lines = run.inputs.manifest.read_text().split()[1:]
    (run.folder / "files.json").write_text(json.dumps(lines))


@stage("square", version=1, needs=["listing"], sections=["square"], libraries=["numpy"])
def square(run: Run) -> None:
    """Every number raised to a power."""
    names = json.loads((run.needs.listing / "files.json").read_text())
    settings = run.settings.square
    tasks = [
        Task(
            name=name,
            key={"file": run.digest(run.inputs.folder / name), "power": settings.power},
            payload=(run.inputs.folder / name, settings.power, settings.seconds),
            may_fail=True,
        )
        for name in names
    ]
    results = run.each_or_failure(raise_to_power, tasks, label="numbers")
    out = {}
    for name, result in zip(names, results, strict=True):
        if isinstance(result, TaskFailure):
            run.warn(f"{name}: {result.problem.what}")
        else:
            out[name] = int((result / "value.txt").read_text())
    (run.folder / "squares.json").write_text(json.dumps(out))


def raise_to_power(task: Task, folder: Path) -> None:
    """value.txt: the number in the file to the power."""
    path, power, seconds = task.payload
    time.sleep(seconds)
    text = Path(path).read_text().strip()
    if text == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith("kill once "):
        mark = Path(text.removeprefix("kill once "))
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        text = "4"
    if text == "memory":
        raise MemoryError("too large")
    if text == "fault":
        raise ZeroDivisionError("a fault of ours")
    if not text.lstrip("-").isdigit():
        raise InputError(str(Path(path).name), f"{text!r} is no number", "write a whole number")
    (folder / "value.txt").write_text(str(int(text) ** power))


@stage("extra", version=1, needs=["listing"])
def extra(run: Run) -> None:
    """Leaves itself out."""
    run.leave_out("there is nothing extra in this study")


@stage("total", version=1, needs=["square"], optional=["extra"], sections=["total"], publish=["total.txt", "parts"])
def total(run: Run) -> None:
    """The sum."""
    squares = json.loads((run.needs.square / "squares.json").read_text())
    assert run.needs.extra is None
    run.look(len(squares))
    value = run.settings.total.start + sum(squares.values())
    (run.folder / "total.txt").write_text(f"{value}\n")
    (run.folder / "parts").mkdir()
    for name, each in squares.items():
        (run.folder / "parts" / f"{Path(name).stem}.txt").write_text(str(each))


PIPELINE = Pipeline(name="toy", stages=[listing, square, extra, total], settings=Settings)


def make_study(folder: Path, numbers: dict[str, str]) -> Path:
    """A manifest and its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in numbers.items():
        (folder / name).write_text(text)
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(["image", *numbers]) + "\n")
    return manifest


def outputs(study: Path) -> dict[str, bytes]:
    """Every output of a study by its path; records, whose times differ, without them."""
    out = {}
    for path in sorted((study / "stages").rglob("*")):
        if path.is_file() and path.name not in ("stage.json", "task.json"):
            out[path.relative_to(study).as_posix()] = path.read_bytes()
    return out
