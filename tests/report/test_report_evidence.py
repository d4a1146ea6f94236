"""Which number leads, and what is read from metrics.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from built_report import ABOUT, Built
from fake_run import FakeRun

from dlr.report.blocks import Prose
from dlr.report.calibration_and_benefit import net_benefit
from dlr.report.evidence import Evidence
from dlr.report.headline import headline_paragraph
from dlr.report.press import Press
from dlr.report.unknown_outcomes import unknown_outcomes
from dlr.tables import METRICS, NET_BENEFIT
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, ModelSpec, Target, TargetKind


@pytest.fixture
def run(report: Built, tmp_path: Path) -> FakeRun:
    return report.run.copied_to(tmp_path)


def evidence_of(run: FakeRun) -> Evidence:
    return Evidence(run.sources(ABOUT))


HER2 = Target("her2")


def table_of(run: FakeRun) -> tuple[Path, pd.DataFrame]:
    folder = run.folder / "evaluate"
    return folder, METRICS.read(folder)


def test_external_patients_cross_validated_within_are_no_external_test_and_lead_last(run: FakeRun) -> None:
    folder, table = table_of(run)
    out_of_fold = table[(table["protocol"] == "crossfit") & (table["side"] == "train") & (table["model"] == "Rad")]
    within = out_of_fold.assign(protocol="external_crossfit", side="external", value=0.625)
    frozen = out_of_fold.assign(side="external", value=0.875)
    METRICS.write(folder, pd.concat([out_of_fold, within, frozen]))
    evidence = evidence_of(run)
    for role, value in ((CROSS_VALIDATED_EXTERNAL, 0.625), (FROZEN_EXTERNAL, 0.875)):
        found = evidence.get("her2", "Rad", role, "auc")
        assert found is not None and found.value == value
    headline = evidence.headline(HER2)
    assert headline is not None and headline.role == FROZEN_EXTERNAL
    METRICS.write(folder, within)
    headline = evidence_of(run).headline(HER2)
    assert headline is not None and headline.role == CROSS_VALIDATED_EXTERNAL
    said = headline_paragraph(run.sources(ABOUT), evidence_of(run), headline)
    assert "Cross-validated within" in said and "no external test" in said and "frozen" not in said


def test_models_stand_in_the_order_of_the_five(run: FakeRun) -> None:
    folder, table = table_of(run)
    METRICS.write(folder, table.iloc[::-1])
    assert evidence_of(run).models("her2") == ["Clinical", "Rad", "DL", "DLR", "Combined"]


def test_the_headline_is_the_model_named_beforehand_whatever_its_value(run: FakeRun) -> None:
    folder, table = table_of(run)
    table.loc[(table["model"] == "Combined") & (table["metric"] == "auc"), "value"] = 0.51
    METRICS.write(folder, table)
    headline = evidence_of(run).headline(HER2)
    assert headline is not None and (headline.model, headline.role) == ("Combined", "test")


def test_few_test_events_make_the_nested_value_the_headline(run: FakeRun) -> None:
    folder, table = table_of(run)
    nested = table[(table["side"] == "test") & (table["protocol"] == "crossfit")].assign(protocol="nested")
    METRICS.write(folder, pd.concat([table, nested]))
    headline = evidence_of(run).headline(HER2)
    assert headline is not None and headline.role == "nested"


def test_many_test_events_leave_test_in_front(run: FakeRun) -> None:
    folder, table = table_of(run)
    table.loc[table["side"] == "test", "n_positive"] = 120
    nested = table[(table["side"] == "test") & (table["protocol"] == "crossfit")].assign(protocol="nested")
    METRICS.write(folder, pd.concat([table, nested]))
    headline = evidence_of(run).headline(HER2)
    assert headline is not None and headline.role == "test"


def test_the_main_variant_and_the_chosen_algorithm_are_read(run: FakeRun) -> None:
    folder, table = table_of(run)
    others = [table.assign(variant="before biopsy", value=0.1), table.assign(algorithm="logistic", value=0.2)]
    METRICS.write(folder, pd.concat([*others, table]))
    evidence = evidence_of(run)
    found = evidence.get("her2", "Rad", "test", "auc")
    source = table[(table["model"] == "Rad") & (table["protocol"] == "crossfit") & (table["side"] == "test")]
    assert found is not None and found.value == source.loc[source["metric"] == "auc", "value"].iloc[0]
    assert evidence.variants("her2", "Rad") == ["", "before biopsy"]
    other = evidence.get("her2", "Rad", "test", "auc", "before biopsy")
    assert other is not None and other.value == 0.1


def test_rows_of_a_subset_are_not_the_whole_side(run: FakeRun) -> None:
    folder, table = table_of(run)
    METRICS.write(folder, pd.concat([table.assign(subset="cohort=A", value=0.1), table]))
    found = evidence_of(run).get("her2", "Rad", "test", "auc")
    assert found is not None and found.value != 0.1


def test_what_was_not_computed_is_none(report: Built) -> None:
    evidence = evidence_of(report.run)
    assert evidence.get("her2", "Rad", FROZEN_EXTERNAL, "auc") is None
    assert evidence.get("her2", "Rad", "test", "no such measure") is None
    assert evidence.headline(Target("er")) is None


def test_a_model_of_a_pipelines_own_stands_after_the_houses_and_does_not_lead_by_that(run: FakeRun) -> None:
    folder, table = table_of(run)
    METRICS.write(folder, pd.concat([table[table["model"] == "Rad"].assign(model="Toy"), table]))
    sources = run.sources(ABOUT)
    sources.models = (*sources.models, ModelSpec("Toy", "a toy", of_images=True))
    evidence = Evidence(sources)
    assert evidence.models("her2") == ["Clinical", "Rad", "DL", "DLR", "Combined", "Toy"]
    headline = evidence.headline(HER2)
    assert headline is not None and headline.model == "Combined"
    assert sources.model("Toy").words == "a toy" and sources.model("Nobody's").words == "Nobody's"


def test_a_per_cent_is_led_by_its_mean_absolute_error(run: FakeRun) -> None:
    folder, table = table_of(run)
    rows = table[(table["metric"] == "auc") & (table["model"] == "Rad")]
    error = rows.assign(target="ki67", metric="mae", value=12.5, n_positive=np.nan)
    METRICS.write(folder, pd.concat([table, error]))
    headline = evidence_of(run).headline(Target("ki67", TargetKind.PER_CENT))
    assert headline is not None
    assert (headline.model, headline.role, headline.estimate.value) == ("Rad", "test", 12.5)


def test_unknown_outcomes_are_said_with_what_they_could_do(run: FakeRun) -> None:
    folder, table = table_of(run)
    assert unknown_outcomes(run.sources(ABOUT), evidence_of(run), HER2) == []
    test = table[(table["side"] == "test") & (table["metric"] == "auc") & (table["protocol"] == "crossfit")]
    whole = test[(test["subset"] == "all") & (test["variant"] == "") & (test["algorithm"] == "chosen")]
    method = "3 unknown outcomes, as the model likes them"
    best = whole.assign(metric="auc_best_case", value=0.875, method=method)
    worst = whole.assign(metric="auc_worst_case", value=0.5, method=method)
    METRICS.write(folder, pd.concat([table, best, worst]))
    (said,) = unknown_outcomes(run.sources(ABOUT), evidence_of(run), HER2)
    assert isinstance(said, Prose)
    assert said.paragraphs[0].startswith("The outcome of 3 test patients is unknown")
    assert "Rad 0.50 to 0.88" in said.paragraphs[0] and said.paragraphs[0].count("0.50 to 0.88") == 5
    assert "pooled" not in said.paragraphs[0]
    training = [rows.assign(side="train", role="out-of-fold") for rows in (best, worst)]
    METRICS.write(folder, pd.concat([table, *training]))
    (said,) = unknown_outcomes(run.sources(ABOUT), evidence_of(run), HER2)
    assert isinstance(said, Prose) and "to their best, with all folds pooled, the AUC would be: " in said.paragraphs[0]


def test_net_benefit_tells_test_and_external_patients_apart(run: FakeRun, tmp_path: Path) -> None:
    """Both are held-out: the word alone would name two groups alike."""
    folder, _ = table_of(run)
    rows = NET_BENEFIT.read(folder)
    test = rows[(rows["protocol"] == "crossfit") & (rows["side"] == "test")]
    NET_BENEFIT.write(folder, pd.concat([test, test.assign(side="external")]))
    (table,) = net_benefit(run.sources(ABOUT), Press(tmp_path / "page"), evidence_of(run), HER2)
    shown = [row[table.head.index("Patients are")] for row in table.rows]
    assert set(shown) == {"test", FROZEN_EXTERNAL} and shown.count("test") == len(test)
