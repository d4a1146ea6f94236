"""Fake runs and the reports built from them, once a session."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_run import FakeRun, outlined

from dlr.report import About, build_report, contact_sheet, example_picture

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


def build(folder: Path, **named: object) -> Built:
    run = FakeRun(folder / "stages", **named).write_all()  # type: ignore[arg-type]
    (folder / "out").mkdir()
    contact_sheet(outlined(run), folder / "out" / "contact_sheet.pdf")
    example_picture(outlined(run), folder / "out" / "examples.png")
    page = build_report(run.folders, run.left_out, run.settings, folder / "out", ABOUT)
    return Built(run, page)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A report with all five models."""
    return build(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="session")
def sparse_report(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A report of a study that has images only: no clinical columns, no second reader, no Combined model."""
    return build(tmp_path_factory.mktemp("sparse"), models=("Rad",))
