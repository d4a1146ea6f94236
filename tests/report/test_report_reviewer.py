"""What a reviewer will say: the right remarks, worst first, each with a setting that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from built_report import ABOUT, Built
from fake_run import FakeRun

from dlr.report.blocks import Remark
from dlr.report.evidence import Evidence
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.settings import StudySettings
from dlr.tables import METRICS, Table


def sources_of(run: FakeRun) -> Sources:
    return run.sources(ABOUT)


def said(run: FakeRun) -> tuple[Remark, ...]:
    sources = sources_of(run)
    return remarks(sources, Evidence(sources)).remarks


@pytest.fixture
def run(report: Built, tmp_path: Path) -> FakeRun:
    return report.run.copied_to(tmp_path)


def change(run: FakeRun, stage: str, kind: Table, rows: dict[str, object], value: float, column: str = "value") -> None:
    folder = run.folder / stage
    table = kind.read(folder)
    chosen = (table[list(rows)] == pd.Series(rows)).all(axis=1)
    assert chosen.any()
    table.loc[chosen, column] = value
    kind.write(folder, table)


def test_the_worst_comes_first(report: Built) -> None:
    weights = [remark.weight for remark in said(report.run)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == 3


def test_a_predictor_of_the_same_biopsy_is_named(report: Built) -> None:
    found = [remark for remark in said(report.run) if "same biopsy" in remark.says]
    assert len(found) == 1 and "PR status" in found[0].evidence


def test_an_auc_above_the_plausible_one_asks_for_a_leak_first(run: FakeRun) -> None:
    assert not any("leak" in remark.says for remark in said(run))
    change(run, "evaluate", METRICS, {"model": "DLR", "protocol": "crossfit", "side": "test", "metric": "auc"}, 0.95)
    first = said(run)[0]
    assert "look for a leak" in first.says and "DLR test 0.950" in first.evidence


def test_few_test_events_ask_for_the_nested_protocol(report: Built) -> None:
    found = [remark for remark in said(report.run) if "rarer class" in remark.says]
    assert "19 patients" in found[0].says and "nested" in found[0].setting


def test_noise_features_point_to_the_profile_for_stills(report: Built) -> None:
    found = [remark for remark in said(report.run) if "noise" in remark.says]
    assert found[0].evidence.startswith("24 of 268 features") and "ultrasound2d" in found[0].setting


def test_an_external_side_silences_the_call_for_one(run: FakeRun) -> None:
    assert any("no external validation" in remark.says for remark in said(run))
    folder = run.folder / "evaluate"
    table = METRICS.read(folder)
    external = table[(table["side"] == "test") & (table["protocol"] == "crossfit")].assign(side="external")
    METRICS.write(folder, pd.concat([table, external.assign(protocol="external_crossfit")]))
    assert any("no external validation" in remark.says for remark in said(run)), "fitted among them: no external test"
    METRICS.write(folder, pd.concat([table, external]))
    assert not any("no external validation" in remark.says for remark in said(run))


def test_a_good_slope_is_not_remarked_upon(run: FakeRun) -> None:
    assert any("too extreme" in remark.says for remark in said(run))
    change(run, "evaluate", METRICS, {"side": "test", "metric": "calibration_slope"}, 0.97)
    assert not any("too extreme" in remark.says for remark in said(run))


def test_images_only_have_no_baseline(sparse_report: Built) -> None:
    found = [remark for remark in said(sparse_report.run) if "without them" in remark.says]
    assert "the manifest has no clinical columns" in found[0].evidence


@pytest.mark.parametrize("name", ["report", "sparse_report"])
def test_every_setting_that_is_named_exists(name: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(name)
    for remark in said(built.run):
        for dotted in re.findall(r"\b([a-z]+)\.([a-z_]+)", remark.setting):
            section = StudySettings.model_fields[dotted[0]].annotation
            assert dotted[1] in section.model_fields, remark.setting  # type: ignore[union-attr]
