"""What a reviewer will say: the right remarks, worst first, each with a setting that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from built_report import ABOUT, Built
from fake_run import FakeRun

from dlr.report.blocks import Remark, TableBlock
from dlr.report.cohorts import confounder_blocks
from dlr.report.evidence import Evidence
from dlr.report.headline import headline_paragraph
from dlr.report.press import Press
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.settings import StudySettings
from dlr.tables import COHORT, CONFOUNDERS, COPIES, METRICS, OPTIMISM_GAP, SELECTION_FREQUENCY, Table


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
    dlr = {"model": "DLR", "protocol": "crossfit", "side": "test", "metric": "auc"}
    change(run, "evaluate", METRICS, dlr, 0.95)
    change(run, "evaluate", METRICS, dlr, 0.86, "lower")
    assert not any("leak" in remark.says for remark in said(run)), "its interval holds what is plausible"
    change(run, "evaluate", METRICS, dlr, 0.91, "lower")
    first = said(run)[0]
    assert "look for a leak" in first.says and "DLR test 0.950 (0.910–" in first.evidence


def confound(run: FakeRun, inside: tuple[float, float, float]) -> None:
    """Column cohort tells her2 by itself; Combined has the area `inside` among pairs of one cohort."""
    folder = run.folder / "evaluate"
    row = {
        "target": "her2", "column": "cohort", "source": "manifest", "levels": 2, "n": 201, "n_positive": 58,
        "shares": "A 33/39; B 5/81", "auc": 0.898, "lower": 0.83, "upper": 0.95, "null": 0.54, "p": 1e-4,
        "p_holm": 2e-4, "found": True, "method": "shares of the levels",
    }  # fmt: skip
    CONFOUNDERS.write(folder, pd.DataFrame([row, row | {"column": "scanner", "auc": 0.56, "found": False}]))
    table = METRICS.read(folder)
    own = table[(table["model"] == "Combined") & (table["metric"] == "auc") & (table["subset"] == "all")]
    own = own.assign(metric="auc_pairs_within_cohorts", value=inside[0], lower=inside[1], upper=inside[2])
    METRICS.write(folder, pd.concat([table, own], ignore_index=True))


def test_a_cohort_that_tells_the_outcome_leads_the_list_and_stands_beside_the_auc(run: FakeRun) -> None:
    assert not any("alone predicts" in remark.says for remark in said(run))
    confound(run, (0.52, 0.38, 0.66))
    first = said(run)[0]
    assert first.says == "The cohort alone predicts her2." and first.weight == 3
    assert "cohort alone: AUC 0.90 (0.83–0.95)" in first.evidence and "A 33/39; B 5/81" in first.evidence
    assert "0.52 (95 % interval 0.38–0.66) among pairs of one cohort" in first.evidence
    assert not any("scanner" in remark.says for remark in said(run))
    sources = sources_of(run)
    evidence = Evidence(sources)
    headline = evidence.headline(sources.targets[0])
    assert headline is not None
    words = headline_paragraph(sources, evidence, headline)
    assert "The cohort alone reaches an AUC of 0.90 (0.83–0.95); among pairs of one cohort the model's is 0.52" in words
    blocks = confounder_blocks(sources, Press(run.folder / "page"), evidence, sources.targets[0])
    alone, adjusted = (block for block in blocks if isinstance(block, TableBlock))
    assert [row[0] for row in alone.rows] == ["cohort", "scanner"]
    assert adjusted.head[-1] == "Pairs of one cohort" and {row[0] for row in adjusted.rows} == {"Combined"}


def test_copied_patients_come_before_all(run: FakeRun) -> None:
    confound(run, (0.52, 0.38, 0.66))
    rows = [(f"c{k}", f"P{k}", "test", f"o{k}", f"Q{k}", "train" if k else "test", 268, 268) for k in range(4)]
    COPIES.write(run.folder / "radiomics", pd.DataFrame(rows, columns=list(COPIES.names)))
    first, second = said(run)[:2]
    assert first.says == "Patients are copies of other patients: a leak." and "alone predicts" in second.says
    assert first.evidence.startswith("4 repeat another's features, 3 of them across sides: P0 (test) of Q0 (test); ")
    COPIES.write(run.folder / "radiomics", COPIES.empty())
    assert not any("copies" in remark.says for remark in said(run))


def test_a_model_that_holds_inside_cohorts_is_discussed_and_not_undermined(run: FakeRun) -> None:
    confound(run, (0.76, 0.64, 0.86))
    (found,) = [remark for remark in said(run) if "alone predicts" in remark.says]
    assert found.weight == 2


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


@pytest.mark.parametrize(
    ("slope", "lower", "upper", "says"),
    [
        (0.5, 0.2, 0.8, "Probabilities are too extreme."),
        (0.6, -0.06, 1.26, "Calibration cannot be judged with 19 events."),
        (0.6, 0.29, 0.91, "Calibration cannot be judged with 19 events."),  # .6 + 1.31 x .31 at 99 % is over 1
        (0.9, 0.85, 0.95, ""),  # surely not 1, and near enough
        (0.97, 0.81, 1.2, ""),
        (0.97, 0.7, 1.2, "Calibration cannot be judged with 19 events."),
        (1.9, 1.4, 2.4, "Probabilities are too timid."),
        (1.9, 0.9, 2.9, "Calibration cannot be judged with 19 events."),
        (1.9, float("nan"), float("nan"), ""),
    ],
)
def test_calibration_is_judged_by_the_interval_of_its_slope(
    run: FakeRun, slope: float, lower: float, upper: float, says: str
) -> None:
    for column, value in (("value", slope), ("lower", lower), ("upper", upper)):
        change(run, "evaluate", METRICS, {"side": "test", "metric": "calibration_slope"}, value, column)
    found = [remark.says for remark in said(run) if "Probabilities are" in remark.says or "judged with" in remark.says]
    assert found == ([says] if says else [])


def test_a_gap_inside_the_honest_interval_is_no_remark(run: FakeRun) -> None:
    """Apparent .9; out-of-fold .75 up to .95, then up to .80."""
    rows = {"metric": "auc", "model": "Rad"}
    change(run, "evaluate", OPTIMISM_GAP, {"metric": "auc"}, 0.02, "gap")
    for column, value in (("paper_train", 0.9), ("gap", 0.15)):
        change(run, "evaluate", OPTIMISM_GAP, rows, value, column)
    honest = rows | {"protocol": "crossfit", "side": "train", "subset": "all"}
    change(run, "evaluate", METRICS, honest, 0.75)
    change(run, "evaluate", METRICS, honest, 0.95, "upper")
    assert not any("far above" in remark.says for remark in said(run))
    change(run, "evaluate", METRICS, honest, 0.80, "upper")
    (found,) = [remark for remark in said(run) if "far above" in remark.says]
    assert found.evidence == "Rad: 0.90 on its own training patients, 0.75 out-of-fold."


@pytest.mark.parametrize(
    ("kept", "says"), [([14, 13, 15, 2, 1], False), ([15, 15], False), ([5] * 20, True), ([9, *[3] * 9], True)]
)
def test_selection_is_unstable_where_chains_keep_mostly_what_others_do_not(
    run: FakeRun, kept: list[int], says: bool
) -> None:
    """Of 15 chains; two features that all keep are few and stable; 9 of 36 kept are in half of the chains or more."""
    rows = [("her2", "Rad", f"f{k}", count, 15, count / 15, 0.1) for k, count in enumerate(kept)]
    SELECTION_FREQUENCY.write(
        run.folder / "radiomics_model", pd.DataFrame(rows, columns=list(SELECTION_FREQUENCY.names))
    )
    found = [remark for remark in said(run) if "fold to fold" in remark.says and "Rad:" in remark.evidence]
    assert bool(found) is says


def test_a_label_that_is_unknown_in_one_of_few_patients_is_chance(run: FakeRun) -> None:
    """Of 10 in A 6 are known, of 191 in B all but 4: no chance; of 10 patients in all 3 of 5 and 5 of 5 are."""

    def known(n: int) -> bool:
        table = COHORT.read(run.folder / "cohort").head(n).assign(cohort="B")
        table.loc[: 9 if n > 10 else 4, "cohort"] = "A"
        table.loc[[0, 1, 2, 3] if n > 10 else [0, 1], "her2"] = float("nan")
        COHORT.write(run.folder / "cohort", table)
        return any("unknown more often" in remark.says for remark in said(run))

    assert known(201) and not known(10)


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
