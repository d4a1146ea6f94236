"""Which earlier stages a stage reads: its needs, optional ones that are here, and those that give what it asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from dlr.engine import EVERYTHING, Pipeline, Run, Stage, stage


class Settings(BaseModel):
    seed: int = 1


def made(name: str, **more: Any) -> Stage:
    return stage(name, version=1, **more)(lambda run: None)


HOUSE = Pipeline(
    name="toy", settings=Settings,
    stages=[
        made("cohort", gives=["patients"]), made("clinical", needs=["cohort"], gives=["predictions", "odds"]),
        made("rad", needs=["cohort"], gives=["predictions"]), made("quiet", needs=["cohort"]),
        made("combine", needs=["cohort"], asks=["predictions"], gives=["predictions"]),
        made("maps", needs=["rad"], optional=["quiet", "nowhere", "later"]),
        made("evaluate", needs=["cohort"], asks=["predictions"]), made("report", asks=[EVERYTHING]),
        made("later", needs=["quiet"], asks=["odds", "unknown"], gives=["odds"]),
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("cohort", ()), ("clinical", ("cohort",)), ("combine", ("cohort", "clinical", "rad")),
        ("maps", ("rad", "quiet")), ("evaluate", ("cohort", "clinical", "rad", "combine")),
        ("report", ("cohort", "clinical", "rad", "quiet", "combine", "maps", "evaluate")),
        ("later", ("quiet", "clinical")),
    ],
)  # fmt: skip
def test_sources_come_before_it_and_each_once(name: str, sources: tuple[str, ...]) -> None:
    assert HOUSE.sources(name) == sources


def test_a_closure_holds_all_that_is_read_in_the_pipelines_order() -> None:
    assert HOUSE.closure("later") == ("cohort", "clinical", "quiet", "later")
    assert HOUSE.closure("combine") == ("cohort", "clinical", "rad", "combine")
    assert HOUSE.closure("maps") == ("cohort", "rad", "quiet", "maps")


def test_the_models_of_a_pipeline_are_those_of_its_stages() -> None:
    stages = [made("a", models=["A"]), made("b"), made("c", models=["C", "D"])]
    house = Pipeline(name="toy", settings=Settings, stages=stages)
    assert house.models == ("A", "C", "D") and HOUSE.models == ()


@dataclass(frozen=True)
class Named:
    """A table of a name, whose file is called so."""

    name: str

    def there(self, folder: Path | None) -> bool:
        return folder is not None and (folder / self.name).is_file()


def test_every_folder_of_a_table_is_of_a_stage_that_gives_it_and_is_there(tmp_path: Path) -> None:
    """`needs` of a stage that left itself out is None; one that gives a table may have had nothing to give."""
    predictions, odds = Named("predictions"), Named("odds")
    for name in ("cohort", "clinical", "rad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "predictions").touch()
    needs = SimpleNamespace(cohort=tmp_path / "cohort", clinical=None, rad=tmp_path / "rad")
    run = SimpleNamespace(
        needs=needs, gives={"rad": (predictions,), "cohort": (odds,), "clinical": (predictions, odds)}
    )
    assert Run.every(run, predictions) == [needs.rad] and Run.every(run, odds) == []  # type: ignore[arg-type]
    needs.clinical = tmp_path / "clinical"
    assert Run.every(run, predictions) == [needs.rad, needs.clinical]  # type: ignore[arg-type]
    (needs.rad / "predictions").unlink()
    assert Run.every(run, predictions) == [needs.clinical]  # type: ignore[arg-type]
