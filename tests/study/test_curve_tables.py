"""The tables behind a report's curves: of whom they are made, and their columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlr.study.curves import (
    calibration_table,
    decision_table,
    histogram_table,
    per_cent_table,
    precision_recall_table,
    roc_table,
)
from dlr.study.cutoffs import Cutoffs, cut_offs
from dlr.study.measures import Evaluated
from dlr.study.net_benefit import net_benefit_table
from dlr.tables import CALIBRATION, DECISION, HISTOGRAM, NET_BENEFIT, PER_CENT, PR, ROC
from tests.study.hand_made import KI67, evaluated

TRUTH, VALUE = [0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9]


def sides() -> list[Evaluated]:
    """Apparent, out-of-fold and held-out values of one model."""
    return [
        evaluated(TRUTH, VALUE, side="train", role="apparent", protocol="paper"),
        evaluated(TRUTH, VALUE, side="train", role="out-of-fold"),
        evaluated(TRUTH, VALUE),
    ]


def test_roc_and_precision_are_of_every_signature() -> None:
    roc, pr = ROC.conform(roc_table(sides())), PR.conform(precision_recall_table(sides()))
    for table in (roc, pr):
        assert table["role"].unique().tolist() == ["apparent", "out-of-fold", "held-out"]
    held_out = roc[roc["role"] == "held-out"]
    points = list(zip(held_out["false_positive_rate"], held_out["sensitivity"], strict=True))
    assert points == [(0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)]
    assert set(pr.loc[pr["recall"] == 1.0, "precision"]) == {1.0, 2 / 3, 0.5}


def test_calibration_and_net_benefit_are_never_apparent() -> None:
    calibration = CALIBRATION.conform(calibration_table(sides()))
    decision = DECISION.conform(decision_table(sides(), None, band=False))
    for table in (calibration, decision):
        assert table[["protocol", "side"]].drop_duplicates().to_numpy().tolist() == [
            ["crossfit", "train"], ["crossfit", "test"],
        ]  # fmt: skip
    assert decision["lower"].isna().all() and (decision["treat_none"] == 0).all()
    assert set(calibration["kind"]) == {"group"}


def test_a_band_and_a_prevalence_are_drawn_where_they_are_asked_for() -> None:
    plain, banded = (decision_table([evaluated(TRUTH, VALUE)], None, band=band) for band in (False, True))
    assert plain["net_benefit"].equals(banded["net_benefit"]) and banded["lower"].notna().any()
    assert (banded["lower"] <= banded["upper"]).all()
    rarer = decision_table([evaluated(TRUTH, VALUE)], 0.1, band=False)
    assert rarer["net_benefit"].iloc[0] < plain["net_benefit"].iloc[0] == pytest.approx(0.5, abs=0.01)
    assert rarer["net_benefit"].iloc[0] < 0.1 + 1e-9


@pytest.mark.parametrize(("positives", "kinds"), [(99, {"group"}), (100, {"group", "curve"})])
def test_a_flexible_curve_needs_a_hundred_patients_of_the_rarer_class(positives: int, kinds: set[str]) -> None:
    generator = np.random.default_rng(0)
    truth = np.repeat([1, 0], [positives, 120])
    value = np.clip(generator.normal(0.4 + 0.2 * truth, 0.15), 0.01, 0.99)
    table = CALIBRATION.conform(calibration_table([evaluated(truth.tolist(), value.tolist())]))
    assert set(table["kind"]) == kinds
    assert table.loc[table["kind"] == "group", "n"].sum() == positives + 120
    assert set(table.loc[table["kind"] == "curve", "n"]) <= {220}


def test_net_benefit_stands_at_the_thresholds_set_beforehand_beside_treating_all_and_clinical() -> None:
    """At .25 the model treats 2 of 2 positives and 1 of 2 negatives, Clinical 1 and 2: 2/4 - 1/4/3 and 1/4 - 2/4/3."""
    rad = evaluated(TRUTH, VALUE)
    clinical = evaluated(TRUTH, [0.5, 0.6, 0.7, 0.1], model="Clinical")
    apparent = evaluated(TRUTH, VALUE, side="train", role="apparent", protocol="paper")
    table = NET_BENEFIT.conform(net_benefit_table([rad, clinical, apparent], [0.25], None)).set_index("model")
    assert set(table["side"]) == {"test"} and set(table["role"]) == {"held-out"} and set(table["threshold"]) == {0.25}
    assert table.at["Rad", "net_benefit"] == pytest.approx(2 / 4 - 1 / 4 / 3)
    assert table.at["Rad", "treat_all"] == pytest.approx(2 / 4 - 2 / 4 / 3)
    assert table.at["Rad", "less_treat_all"] == pytest.approx(1 / 4 / 3)
    assert table.at["Rad", "less_clinical"] == pytest.approx(1 / 4 + 1 / 4 / 3)
    assert np.isnan(table.at["Clinical", "less_clinical"])
    assert table.at["Rad", "lower"] < table.at["Rad", "net_benefit"] < table.at["Rad", "upper"]
    assert NET_BENEFIT.conform(net_benefit_table([rad], [], None)).empty


@pytest.mark.parametrize(("n", "groups"), [(8, 1), (29, 1), (31, 2), (48, 3), (110, 7), (400, 10)])
def test_a_group_of_a_calibration_plot_holds_fifteen_patients(n: int, groups: int) -> None:
    generator = np.random.default_rng(n)
    truth = np.arange(n) % 3 == 0
    table = calibration_table([evaluated(truth.astype(int).tolist(), generator.random(n).tolist())])
    counts = table.loc[table["kind"] == "group", "n"]
    assert len(counts) == groups and counts.sum() == n
    assert counts.min() >= min(15, n)


def test_the_histogram_holds_every_patient_with_truth_and_cut_off() -> None:
    table = HISTOGRAM.conform(histogram_table(sides(), cut_offs(sides())))
    assert table["patient_id"].tolist() == ["P0", "P1", "P2", "P3"] * 3
    assert table["positive"].tolist() == TRUTH * 3 and table["probability"].tolist() == VALUE * 3
    cutoff = table.groupby(["protocol", "side"])["cutoff"].first()
    assert cutoff["crossfit", "test"] == cutoff["paper", "train"] == 0.5
    assert np.isnan(cutoff["crossfit", "train"]), "in one fold alone nobody else chose"
    assert histogram_table(sides()[2:], Cutoffs({}))["cutoff"].isna().all()


def test_per_cents_stand_in_a_table_of_their_own() -> None:
    one = evaluated([10.0, 20.0], [12.0, 15.0], target=KI67)
    table = PER_CENT.conform(per_cent_table([*sides(), one]))
    assert table["patient_id"].tolist() == ["P0", "P1"] and set(table["target"]) == {"ki67"}
    assert table["predicted"].tolist() == [12.0, 15.0] and table["observed"].tolist() == [10.0, 20.0]


def test_no_signature_gives_tables_without_rows() -> None:
    found = (
        (ROC, roc_table([])), (PR, precision_recall_table([])), (CALIBRATION, calibration_table(sides()[:1])),
        (DECISION, decision_table([], None, band=True)), (HISTOGRAM, histogram_table([], Cutoffs({}))),
        (PER_CENT, per_cent_table(sides())),
    )  # fmt: skip
    for table, frame in found:
        assert isinstance(frame, pd.DataFrame) and len(table.conform(frame)) == 0
