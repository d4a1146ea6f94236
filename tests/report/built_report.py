"""A report built from a fake run, for the tests that look at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fake_run import FakeRun, outlined

from dlr.report import SECTIONS, About, Sources, bind, build_section, contact_sheet, example_picture

ABOUT = About(
    study="demo_study",
    pipeline="her2_ultrasound",
    version="0.1.0",
    seed=20250607,
    versions={"numpy": "2.2.0", "scikit-learn": "1.7.0", "lightgbm": "4.6.0"},
    run_folder="runs/demo_study",
    command="dlr run her2_ultrasound --manifest data_manifest.csv",
    warnings=(("cohort", "spacing: the files do not say a spacing <img src=x onerror=alert(1)>"),),
)


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
    return bind([build_section(name, sources, out) for name in SECTIONS], sources, out)


def build(folder: Path, **named: object) -> Built:
    """Write a fake run under `folder`, its contact sheet and its report."""
    run = FakeRun(folder / "stages", **named).write_all()  # type: ignore[arg-type]
    (folder / "out").mkdir()
    contact_sheet(outlined(run), folder / "out" / "contact_sheet.pdf")
    example_picture(outlined(run), folder / "out" / "examples.png")
    return Built(run, page_of(run.sources(ABOUT), folder / "out"))
