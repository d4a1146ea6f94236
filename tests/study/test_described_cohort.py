"""Table 1, odds ratios and sample size of a cohort typed in by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.cohort import Column
from dlr.study.description import table_column, write_odds_ratios, write_table_one
from dlr.tables import IMPUTED_ODDS, MULTIVARIABLE, SAMPLE_SIZE, STEPWISE, TABLE1_OUTCOME, TABLE1_SIDE, UNIVARIABLE, VIF
from tests.study.hand_made import HER2, KI67, HandRun, cohort_of

NAN = float("nan")
AGE, CEA = Column("age", "numeric"), Column("cea", "numeric", unit="ng/ml")
ER = Column("er", "binary", levels=("negative", "positive"))
STAGE = Column("stage", "nominal", levels=("I", "II", "III"))


def described(folder: Path, external: int = 2, **settings: Any) -> HandRun:
    """Eight training patients (T7 without a label), three test patients of whom one is positive, external ones."""
    n = 11 + external
    columns = {
        "patient_id": [f"T{k}" for k in range(8)] + ["U0", "U1", "U2"] + [f"X{k}" for k in range(external)],
        "side": ["train"] * 8 + ["test"] * 3 + ["external"] * external,
        "her2": [0.0, 1.0] * 3 + [0.0, NAN, 1.0, 0.0, 0.0] + [1.0, 0.0] * (external // 2) + [1.0] * (external % 2),
        "ki67": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 46.0, 44.0, 90.0, *([90.0, 45.0] * 2)[:external]],
        "age": [30.0 + k for k in range(n)], "cea": [float(k % 4) for k in range(n)],
        "er": [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0] + [1.0] * external,
    }  # fmt: skip
    run = HandRun(folder, settings={"clinical": settings})
    write_table_one(run, cohort_of(columns, targets=(HER2, KI67), clinical=(AGE, CEA, ER)))  # type: ignore[arg-type]
    return run


def test_sides_of_two_patients_are_compared_with_the_training_side(tmp_path: Path) -> None:
    described(tmp_path)
    table = TABLE1_SIDE.read(tmp_path)
    assert table["side"].unique().tolist() == ["train against test", "train against external"]
    first = table[table["side"] == "train against test"].set_index(["variable", "level"])
    assert first.loc[("age", ""), "value_a"] == "33.5 ± 2.4", "30 to 37"
    assert first.loc[("er", "positive"), "value_a"].startswith("6 (")
    assert first.loc[("er", "negative"), "value_b"].startswith("2 (")
    assert set(first["group_a"]) == {"train"} and set(first["group_b"]) == {"test"}


def test_a_side_of_one_patient_is_not_compared(tmp_path: Path) -> None:
    described(tmp_path, external=1)
    assert TABLE1_SIDE.read(tmp_path)["side"].unique().tolist() == ["train against test"]


def test_outcomes_are_compared_within_a_side_from_two_patients_each(tmp_path: Path) -> None:
    """Of her2 the test side has one positive; of ki67 the training median 45 divides 46, 90 from 44."""
    described(tmp_path)
    table = TABLE1_OUTCOME.read(tmp_path)
    groups = table[["target", "side", "group_a", "group_b"]].drop_duplicates().to_numpy().tolist()
    assert groups == [
        ["her2", "train", "her2 positive", "her2 negative"], ["ki67", "train", "ki67 above 45 %", "ki67 up to 45 %"],
    ]  # fmt: skip
    ages = table[table["variable"] == "age"].set_index("target")[["value_a", "value_b"]]
    assert ages.loc["her2"].tolist() == ["33.0 ± 2.0", "33.0 ± 2.6"], "31, 33, 35 and 30, 32, 34, 36"
    assert ages.loc["ki67"].tolist() == ["35.5 ± 1.3", "31.5 ± 1.3"]


def test_a_side_with_two_of_each_outcome_is_compared(tmp_path: Path) -> None:
    described(tmp_path, external=4)
    table = TABLE1_OUTCOME.read(tmp_path)
    assert ("her2", "external") in set(zip(table["target"], table["side"], strict=True))
    ages = table[(table["target"] == "ki67") & (table["side"] == "external") & (table["variable"] == "age")]
    assert ages[["value_a", "value_b"]].to_numpy().tolist() == [["42.0 ± 1.4", "43.0 ± 1.4"]], "45 is not above 45"


def test_a_column_is_shown_by_its_kind_and_the_settings() -> None:
    assert table_column(AGE, ("cea",), yates=False).show == "mean"
    shown = table_column(CEA, ("cea",), yates=True)
    assert (shown.show, shown.label, shown.yates) == ("median", "cea (ng/ml)", False)
    assert (
        table_column(ER, (), yates=True).levels == ("negative", "positive") and table_column(ER, (), yates=True).yates
    )
    assert table_column(Column("pr", "binary"), (), yates=False).levels == ("no", "yes")
    assert table_column(STAGE, ("stage",), yates=False).levels == STAGE.levels


# odds ratios --------------------------------------------------------------------------------------------------------

K = np.arange(40)
HIGH = ((K % 2 == 0) & (K % 10 != 0)) | (K % 7 == 0)


def odds(folder: Path, clinical: tuple[Column, ...], her2: Any = None, **settings: Any) -> HandRun:
    """40 training patients (the last without a label) and five test patients in whom everything is turned round."""
    truth = (HIGH if her2 is None else her2).astype(float)
    truth[-1] = NAN
    strong = 50 + 9.0 * HIGH + (K * 7) % 20
    columns = {
        "patient_id": [f"T{k:02d}" for k in range(40)] + [f"U{k}" for k in range(5)],
        "side": ["train"] * 40 + ["test"] * 5, "her2": [*truth, 1, 0, 1, 0, 1],
        "age": [*strong, 0.0, 99.0, 0.0, 99.0, 0.0], "cea": [*((K * 3) % 11 + 4.0 * HIGH), 0.0, 9.0, 0.0, 9.0, 0.0],
        "er": [*((K // 4) % 2).astype(float), 1.0, 0.0, 1.0, 0.0, 1.0], "ki67": 30.0,
        "stage": [*np.array(["I", "II", "III"], dtype=object)[K % 3], "I", "I", "I", "I", "I"],
        "same": 1.0, "once": "I",
    }  # fmt: skip
    run = HandRun(folder, settings={"clinical": settings})
    write_odds_ratios(run, cohort_of(columns, targets=(HER2, KI67), clinical=clinical))  # type: ignore[arg-type]
    return run


def test_columns_below_the_level_enter_together(tmp_path: Path) -> None:
    run = odds(tmp_path, (AGE, CEA, ER, STAGE))
    single = UNIVARIABLE.read(tmp_path).set_index("term")
    assert set(single["model"]) == {"age", "cea", "er", "stage"} and set(single["target"]) == {"her2"}
    assert set(single["n"]) == {39} and set(single["n_positive"]) == {int(HIGH[:-1].sum())}
    assert single.loc["age", "p"] < 0.05 and single.loc["cea", "p"] < 0.05 and single.loc["er", "p"] > 0.05
    assert single.loc["age", "odds_ratio"] == pytest.approx(np.exp(single.loc["age", "estimate"]))
    assert single.loc["age", "lower"] < single.loc["age", "odds_ratio"] < single.loc["age", "upper"]
    several = MULTIVARIABLE.read(tmp_path)
    assert several["term"].tolist() == ["age", "cea"] and set(several["model"]) == {"multivariable"}
    vif = VIF.read(tmp_path)
    assert vif["term"].tolist() == ["age", "cea"] and vif["gvif"].nunique() == 1 and set(vif["target"]) == {"her2"}
    assert set(STEPWISE.read(tmp_path)["model"]) == {"stepwise"} and run.warned == []


def test_one_column_has_no_inflation_and_a_p_at_the_level_does_not_enter(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    odds(tmp_path / "a", (AGE, ER))
    p = float(UNIVARIABLE.read(tmp_path / "a").set_index("term").loc["age", "p"])
    assert MULTIVARIABLE.read(tmp_path / "a")["term"].tolist() == ["age"] and not VIF.there(tmp_path / "a")
    odds(tmp_path / "b", (AGE, ER), enter=p)
    assert not MULTIVARIABLE.there(tmp_path / "b")


def test_a_model_that_cannot_be_fitted_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    run = odds(tmp_path, (AGE, Column("same", "numeric")))
    assert UNIVARIABLE.read(tmp_path)["model"].tolist() == ["age"]
    assert run.warned and run.warned[0].startswith("odds ratios of her2, same: ")


def test_separation_is_named(tmp_path: Path) -> None:
    run = odds(tmp_path, (ER, CEA), her2=(K // 4) % 2 == 1)
    assert run.warned[0].startswith("odds ratios of her2, er: ")
    assert run.warned[0].endswith("er separates the classes; Firth's penalty is used")
    assert UNIVARIABLE.read(tmp_path).set_index("term").loc["er", "method"] == "Firth"


def test_parameters_are_levels_less_one_and_the_rarer_class_counts(tmp_path: Path) -> None:
    """age, er: one each; stage of three levels: two; a nominal column of one level: one."""
    odds(tmp_path, (AGE, ER, STAGE, Column("once", "nominal", levels=("I",))))
    table = SAMPLE_SIZE.read(tmp_path).set_index("quantity")["value"]
    events = int(HIGH[:-1].sum())
    assert table["patients"] == 39 and table["events"] == events and table["candidate_parameters"] == 5
    assert table["events_per_parameter"] == pytest.approx(min(events, 39 - events) / 5)
    share = events / 39
    likelihood = share * np.log(share) + (1 - share) * np.log(1 - share)
    r2 = 0.15 * (1 - np.exp(2 * likelihood))  # Cox and Snell's, of Nagelkerke's .15
    shrunk = np.ceil(5 / ((0.9 - 1) * np.log(1 - r2 / 0.9)))
    assert table["riley_minimum_n"] >= shrunk > 39 and table["riley_maximum_parameters"] < 5


def test_the_tables_hold_no_per_cent(tmp_path: Path) -> None:
    odds(tmp_path, (AGE, ER))
    for table in (UNIVARIABLE, STEPWISE, SAMPLE_SIZE):
        assert set(table.read(tmp_path)["target"]) == {"her2"}
    assert isinstance(UNIVARIABLE.read(tmp_path), pd.DataFrame)


# shapes and gaps ----------------------------------------------------------------------------------------------------

GRADE = Column("grade", "ordered", levels=("low", "middle", "high"))


def gappy(folder: Path, learn: dict[str, Any], clinical: dict[str, Any] | None = None) -> HandRun:
    """120 training patients: age acts, a grade goes with it, every third age is unknown."""
    k = np.arange(120)
    high = ((k * 37) % 120 > 60) ^ (k % 5 == 0)
    age = 50 + 12.0 * high + (k * 7) % 20
    columns = {
        "patient_id": [f"T{n:03d}" for n in k], "side": ["train"] * 120, "her2": high.astype(float),
        "age": np.where(k % 3 == 0, NAN, age), "cea": age + (k * 11) % 9, "ki67": 30.0,
        "grade": np.array(["low", "middle", "high"], dtype=object)[np.digitize(age, (58, 68))],
    }  # fmt: skip
    run = HandRun(folder, settings={"clinical": clinical or {}, "learn": learn})
    tables = cohort_of(columns, targets=(HER2, KI67), clinical=(AGE, CEA, GRADE))  # type: ignore[arg-type]
    write_odds_ratios(run, tables)  # type: ignore[arg-type]
    return run


def test_gaps_are_filled_as_the_setting_says_and_complete_cases_stand_beside(tmp_path: Path) -> None:
    tables = {}
    for impute in ("median", "iterative", "multiple"):
        folder = tmp_path / impute
        folder.mkdir()
        gappy(folder, {"impute": impute, "imputations": 8})
        tables[impute] = IMPUTED_ODDS.read(folder).set_index("term")
        assert set(MULTIVARIABLE.read(folder)["n"]) == {80} and set(tables[impute]["n"]) == {120}
        assert set(tables[impute]["model"]) == {f"multivariable, {impute} imputation"}
    pooled, once = tables["multiple"], tables["iterative"]
    assert set(pooled["copies"]) == {8} and set(once["copies"]) == {1} and once["fraction_missing"].isna().all()
    assert 0.02 < pooled.loc["age", "fraction_missing"] < 0.9
    assert pooled["method"].iloc[0].endswith("Rubin's rules over 8 imputations")
    assert not np.allclose(tables["median"]["estimate"], once["estimate"])


def test_an_ordered_column_is_a_score_and_beside_it_level_by_level(tmp_path: Path) -> None:
    gappy(tmp_path, {})
    single = UNIVARIABLE.read(tmp_path)
    grades = single[single["model"].str.startswith("grade")]
    assert grades["term"].tolist() == ["grade", "grade=middle", "grade=high"], "the lowest level is the reference"
    assert grades["model"].tolist() == ["grade", "grade, by level", "grade, by level"]


def test_a_spline_costs_two_parameters_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    run = gappy(tmp_path, {}, {"splines": ["cea", "weight"]})
    assert run.warned[0] == "clinical.splines: the study has no clinical column weight"
    assert {"cea, bend"} < set(UNIVARIABLE.read(tmp_path)["term"])
    size = SAMPLE_SIZE.read(tmp_path).set_index("quantity")
    assert (
        size.loc["candidate_parameters", "value"] == 4 and "spline" in size.loc["candidate_parameters", "explanation"]
    )


def test_the_bends_of_different_knots_are_not_pooled(tmp_path: Path) -> None:
    gappy(tmp_path, {"impute": "multiple", "imputations": 3}, {"splines": ["age"]})
    assert IMPUTED_ODDS.read(tmp_path)["term"].str.startswith("age, ").sum() == 1
    assert {"age, bend"} < set(MULTIVARIABLE.read(tmp_path)["term"])
