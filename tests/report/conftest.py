"""Reports built from fake runs, once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from built_report import Built, StudyReport, build, small_study
from fake_dce import FakeDce

from dlr.report import press


@pytest.fixture(scope="session", autouse=True)
def _fonts_embedded_fast() -> Iterator[None]:
    """Most of a figure's time goes into embedding TrueType, which no test here looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(press, "TRUETYPE", press.TYPE_3)
        yield


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A report with all five models."""
    return build(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="session")
def sparse_report(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A report of a study that has images only: no clinical columns, no second reader, no Combined model."""
    return build(tmp_path_factory.mktemp("sparse"), models=("Rad",))


@pytest.fixture(scope="session")
def dce(tmp_path_factory: pytest.TempPathFactory) -> FakeDce:
    """An invented run of Spatial with Ki-67; tests that change it copy it."""
    return FakeDce(tmp_path_factory.mktemp("dce")).write_all()


@pytest.fixture(scope="session")
def dce_without_ki67(tmp_path_factory: pytest.TempPathFactory) -> FakeDce:
    """The same without Ki-67."""
    return FakeDce(tmp_path_factory.mktemp("without"), ki67=False, patients=60).write_all()


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyReport:
    """A small study of two binary outcomes, one with missing labels, and one in per cent: what its stages wrote."""
    return small_study(tmp_path_factory.mktemp("three"))
