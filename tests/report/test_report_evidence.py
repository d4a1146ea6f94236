"""Which number leads, and what is read from metrics.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from built_report import ABOUT, Built
from fake_run import FakeRun

from dlr.report.evidence import Evidence
from dlr.report.sources import Sources


@pytest.fixture
def run(report: Built, tmp_path: Path) -> FakeRun:
    return report.run.copied_to(tmp_path)


def evidence_of(run: FakeRun) -> Evidence:
    return Evidence(Sources(run.folders, {}, run.settings, ABOUT))


def table_of(run: FakeRun) -> tuple[Path, pd.DataFrame]:
    path = run.folder / "evaluate" / "metrics.csv"
    return path, pd.read_csv(path)


def test_models_stand_in_the_order_of_the_five(run: FakeRun) -> None:
    path, table = table_of(run)
    table.iloc[::-1].to_csv(path, index=False)
    assert evidence_of(run).models("her2") == ["Clinical", "Rad", "DL", "DLR", "Combined"]


def test_the_headline_is_the_last_model_whatever_its_value(run: FakeRun) -> None:
    path, table = table_of(run)
    table.loc[(table["model"] == "Combined") & (table["metric"] == "auc"), "value"] = 0.51
    table.to_csv(path, index=False)
    headline = evidence_of(run).headline("her2")
    assert headline is not None and (headline.model, headline.role) == ("Combined", "test")


def test_few_test_events_make_the_nested_value_the_headline(run: FakeRun) -> None:
    path, table = table_of(run)
    nested = table[(table["side"] == "test") & (table["protocol"] == "crossfit")].assign(protocol="nested")
    pd.concat([table, nested]).to_csv(path, index=False)
    headline = evidence_of(run).headline("her2")
    assert headline is not None and headline.role == "nested"


def test_many_test_events_leave_test_in_front(run: FakeRun) -> None:
    path, table = table_of(run)
    table.loc[table["side"] == "test", "n_positive"] = 120
    nested = table[(table["side"] == "test") & (table["protocol"] == "crossfit")].assign(protocol="nested")
    pd.concat([table, nested]).to_csv(path, index=False)
    headline = evidence_of(run).headline("her2")
    assert headline is not None and headline.role == "test"


def test_the_main_variant_and_the_chosen_algorithm_are_read(run: FakeRun) -> None:
    path, table = table_of(run)
    others = [table.assign(variant="before biopsy", value=0.1), table.assign(algorithm="logistic", value=0.2)]
    pd.concat([*others, table]).to_csv(path, index=False)
    evidence = evidence_of(run)
    found = evidence.get("her2", "Rad", "test", "auc")
    source = table[(table["model"] == "Rad") & (table["protocol"] == "crossfit") & (table["side"] == "test")]
    assert found is not None and found.value == source.loc[source["metric"] == "auc", "value"].iloc[0]
    assert evidence.variants("her2", "Rad") == ["", "before biopsy"]
    other = evidence.get("her2", "Rad", "test", "auc", "before biopsy")
    assert other is not None and other.value == 0.1


def test_rows_of_a_subset_are_not_the_whole_side(run: FakeRun) -> None:
    path, table = table_of(run)
    pd.concat([table.assign(subset="cohort=A", value=0.1), table]).to_csv(path, index=False)
    found = evidence_of(run).get("her2", "Rad", "test", "auc")
    assert found is not None and found.value != 0.1


def test_what_was_not_computed_is_none(report: Built) -> None:
    evidence = evidence_of(report.run)
    assert evidence.get("her2", "Rad", "external", "auc") is None
    assert evidence.get("her2", "Rad", "test", "no such measure") is None
    assert evidence.headline("er") is None
