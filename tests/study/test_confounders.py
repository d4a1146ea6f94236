"""Columns of the acquisition that tell the outcome by themselves are found, and clean cohorts are not accused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dlr.study.confounding import confounder_table, found_levels, within_levels
from dlr.tables import CONFOUNDERS
from dlr.words import Target
from tests.study.hand_made import cohort_of, evaluated

POSITIVE = np.repeat([1.0, 0.0, 1.0, 0.0], [33, 6, 5, 76])  # 33 of 39 in A, 5 of 81 in B
IDS = [f"P{k:03}" for k in range(120)]
SIDES = np.where(np.arange(120) % 10 < 7, "train", "test")


def table_of(columns: dict[str, object], positive: np.ndarray = POSITIVE, seed: int = 1) -> pd.DataFrame:
    tables = cohort_of({"patient_id": IDS, "her2": positive, "side": SIDES, **columns})
    return CONFOUNDERS.conform(confounder_table(tables, seed))


def test_a_cohort_that_tells_the_outcome_is_found() -> None:
    hospital = np.repeat(["A", "B"], [39, 81])
    scanner = np.random.default_rng(2).choice(["x", "y", "z"], 120)
    table = table_of({"cohort": hospital, "scanner": scanner}).set_index("column")
    assert table["found"].to_dict() == {"cohort": True, "scanner": False}
    assert table.loc["cohort", "shares"] == "A 33/39; B 5/81"
    assert table.loc["cohort", "auc"] == pytest.approx(0.898, abs=0.02)  # .898 over all pairs, here of one side
    assert table.loc["cohort", "p"] == 1e-4 and table.loc["cohort", "p_holm"] == 2e-4
    assert table.loc["cohort", "lower"] > 0.8


def test_of_an_unequal_cohort_all_columns_are_held_to_account() -> None:
    """The year, in fifths, falls with the outcome; the scanner of a single patient and an empty cell have no level."""
    year = np.where(POSITIVE == 1, 2010, 2014) + np.arange(120) % 9
    scanner = ["one", "", *["x"] * 58, *["y"] * 60]
    table = table_of({"year": year.astype(str), "scanner": scanner}).set_index("column")
    assert table.loc["year", "found"] and table.loc["year", "levels"] == 5
    assert table.loc["scanner", "levels"] == 3 and table.loc["scanner", "shares"].startswith("others 2/2; ")
    assert not list(table_of({"cohort": "one"}).index), "one level is no column to ask"


def test_what_the_files_say_is_asked_as_well() -> None:
    draw = np.random.default_rng(4)
    facts = pd.DataFrame({
        "width": np.where(POSITIVE == 1, 640, 800), "height": 480, "slices": 1, "spacing_known": True,
        "spacing_x": draw.choice([0.1, 0.2], 120),
    }, index=IDS)  # fmt: skip
    image = [f"/d/{name}.{'png' if draw.random() < 0.5 else 'jpg'}" for name in IDS]
    tables = cohort_of({"patient_id": IDS, "her2": POSITIVE, "side": SIDES, "image": image})
    tables = SimpleNamespace(
        **{name: getattr(tables, name) for name in ("patients", "sides", "binary_targets", "labels")}, facts=facts
    )
    table = confounder_table(tables, 1).set_index("column")
    assert table["found"].to_dict() == {"image size": True, "spacing": False, "file type": False}
    assert table.loc["image size", "shares"] == "307200 38/38; 384000 0/82" and set(table["source"]) == {"files"}


def test_a_column_that_parts_the_sides_alone_is_no_confounder() -> None:
    """All of A are trained on, all of B tested: no pair compares A with B."""
    side = np.repeat(["train", "test"], [39, 81])
    table = table_of({"cohort": np.repeat(["A", "B"], [39, 81]), "side": side})
    assert table["auc"].tolist() == [0.5] and not table["found"].any()


def test_forty_clean_cohorts_are_not_accused() -> None:
    """Two columns of the acquisition that the outcome does not know, 120 patients."""
    accused = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        positive = (draw.random(120) < 0.3).astype(float)
        columns = {
            "cohort": draw.choice(["A", "B", "C"], 120, p=[0.6, 0.3, 0.1]),
            "year": draw.integers(2009, 2021, 120).astype(str),
        }
        accused += table_of(columns, positive, seed)["found"].tolist()
    assert len(accused) == 80 and not any(accused)


def test_a_model_of_the_hospital_is_one_half_inside_hospitals_however_few_their_patients() -> None:
    """The confounded cohort's test side: A has 2 negatives, B 1 positive; the model knows the hospital and no more."""
    draw = np.random.default_rng(6)
    hospital = np.repeat(["A", "B"], [39, 81])
    tables = cohort_of({"patient_id": IDS, "her2": POSITIVE, "side": SIDES, "cohort": hospital, "scanner": hospital})
    levels = found_levels(tables, confounder_table(tables, 1))["her2"]
    assert list(levels) == ["cohort", "scanner"]
    test = SIDES == "test"
    value = np.where(hospital == "A", 0.8, 0.1) + 0.05 * draw.random(120)
    one = evaluated(POSITIVE[test], value[test], patients=np.array(IDS, dtype=object)[test])
    rows = [row for name, own in levels.items() for row in within_levels(one, name, own, 5)]
    inside = {row["metric"]: row for row in rows}
    assert list(inside) == ["auc_within_cohorts", "auc_pairs_within_cohorts", "auc_pairs_within_scanner"]
    pairs = inside["auc_pairs_within_cohorts"]
    assert pairs["n"] == test.sum() and pairs["lower"] < 0.5 < pairs["upper"]
    assert inside["auc_pairs_within_scanner"]["value"] == pairs["value"]


def test_targets_of_per_cent_are_not_asked() -> None:
    tables = cohort_of(
        {"patient_id": IDS, "ki67": np.arange(120.0), "side": SIDES, "cohort": SIDES},
        targets=(Target("ki67", kind="per_cent"),),
    )
    assert confounder_table(tables, 1).empty
