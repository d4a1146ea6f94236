"""What unknown outcomes could do to an AUC: rows of metrics.csv, worked out by hand."""

from __future__ import annotations

import pandas as pd

from dlr.study.measures import evaluated_signatures
from dlr.study.unknown_outcomes import unknown_outcome_rows
from dlr.tables import METRICS
from tests.study.hand_made import cohort_of, predictions_of

NAN = float("nan")


def test_best_and_worst_case_of_a_test_side() -> None:
    """Known: .8 .7 positive, .3 .2 negative; unknown .1 and .9."""
    truth = {"A": 1.0, "B": 1.0, "C": 0.0, "D": 0.0, "E": NAN, "F": NAN}
    tables = cohort_of({"patient_id": list(truth), "her2": list(truth.values())})
    said = {"A": 0.8, "B": 0.7, "C": 0.3, "D": 0.2, "E": 0.1, "F": 0.9}
    held_out = predictions_of(said, side="test")
    everything = pd.concat([held_out, predictions_of(said, side="train", protocol="paper")])
    rows = unknown_outcome_rows(evaluated_signatures(everything, tables))
    table = METRICS.conform(pd.DataFrame(rows)).set_index("metric")
    assert table.index.tolist() == ["auc_best_case", "auc_worst_case"], "an apparent value has none"
    assert table.loc["auc_best_case", "value"] == 1.0, "E negative, F positive"
    assert table.loc["auc_worst_case", "value"] == 4 / 9, "E positive, F negative: of nine pairs four are in order"
    assert set(table["n"]) == {6} and "2 unknown outcomes" in table["method"].iloc[0]


def test_nobody_unknown_has_no_rows() -> None:
    said = {"A": 0.8, "B": 0.7, "C": 0.3, "D": 0.2}
    tables = cohort_of({"patient_id": list(said), "her2": [1.0, 1.0, 0.0, 0.0]})
    predictions = predictions_of(said, side="test")
    assert list(unknown_outcome_rows(evaluated_signatures(predictions, tables))) == []
