"""Reports for the tests that look at them: of a small study, and of an invented run where a stage is to be absent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fake_run import FakeRun, outlined

from dlr.engine import EVERYTHING, Run, Stage, stage
from dlr.figures import contact_sheet, example_picture
from dlr.report import About, Sources, bind, build_section, contents
from dlr.stages.report import what_there_is
from tests.stages.small_study import SEVERAL, WHOLE, run_features, targets_study

ABOUT = About(
    study="demo_study",
    pipeline="her2_ultrasound",
    version="0.1.0",
    seed=20250607,
    versions={"numpy": "2.2.0", "scikit-learn": "1.7.0", "lightgbm": "4.6.0"},
    run_folder="runs/demo_study",
    commands=("dlr run her2_ultrasound --manifest data_manifest.csv",),
    warnings=(("cohort", "spacing: the files do not say a spacing <img src=x onerror=alert(1)>"),),
)


TARGETS = ("her2", "er", "ki67")  # of SEVERAL
OF_THE_STUDY = (SEVERAL, "combine.variables=[calcification]", "learn.algorithms=[logistic]", "evaluate.splits=1")


@dataclass(frozen=True)
class StudyReport:
    """A small study that has run, and what its report could read."""

    page: Path
    sources: Sources

    @property
    def html(self) -> str:
        return self.page.read_text(encoding="utf-8")


def small_study(folder: Path) -> StudyReport:
    """Run a study of numbers only from its manifest to its report; er is not known of every seventh patient."""
    manifest = targets_study(folder)
    seen: list[Sources] = []
    pipeline = replace(WHOLE, stages=[*WHOLE.stages, _remember(seen)])
    result = run_features(manifest, folder / "runs" / "three", *OF_THE_STUDY, pipeline=pipeline)
    report = result.folders["report"]
    assert report is not None
    return StudyReport(report / "report.html", seen[0])


def _remember(seen: list[Sources]) -> Stage:
    """A stage that reads what the report reads, and keeps it for the tests."""

    @stage("remember", version=1, needs=["cohort"], asks=[EVERYTHING], sections=["*"])
    def remember(run: Run) -> None:
        seen.append(what_there_is(run))

    return remember


@dataclass(frozen=True)
class Built:
    """A fake run and its report."""

    run: FakeRun
    page: Path

    @property
    def html(self) -> str:
        return self.page.read_text(encoding="utf-8")


def page_of(sources: Sources, out: Path) -> Path:
    """Every section drawn into `out`, bound into one page."""
    return bind([build_section(name, sources, out) for name in contents(sources)], sources, out)


def build(folder: Path, **named: object) -> Built:
    """Write a fake run under `folder`, its contact sheet and its report."""
    run = FakeRun(folder / "stages", **named).write_all()  # type: ignore[arg-type]
    (folder / "out").mkdir()
    contact_sheet(outlined(run), folder / "out" / "contact_sheet.pdf")
    example_picture(outlined(run), folder / "out" / "examples.png")
    return Built(run, page_of(run.sources(ABOUT), folder / "out"))
