"""All binary targets of a model together, pairs inside cohorts, sides against one another, strata: by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from dlr.cohort import Column
from dlr.protocols import cross_fit
from dlr.study.comparisons import comparison_table
from dlr.study.confounding import sides_apart, within_levels
from dlr.study.cutoffs import cut_offs
from dlr.study.macro import macro_rows
from dlr.study.measures import Evaluated, measures
from dlr.study.subsets import cohorts_of, strata_of
from dlr.tables import COMPARISONS, METRICS
from dlr.words import Target
from tests.study.hand_made import HER2, KI67, cohort_of, evaluated, predictions_of

NAN = float("nan")
ER = Target("er")
TRUTH = {HER2: [1, 1, 0, 0, 0, 1], ER: [1, 0, 1, 0, 0]}
VALUE = {HER2: [0.9, 0.3, 0.5, 0.1, 0.2, 0.8], ER: [0.7, 0.6, 0.8, 0.75, 0.1]}  # 8 of 9 pairs are ordered, 5 of 6
TRAIN = {HER2: [0.1, 0.4, 0.6, 0.9], ER: [0.1, 0.6, 0.7, 0.9]}  # cut-offs .5 and .65


def both(**names: Any) -> list[Evaluated]:
    """her2 of six test patients and er of the first five, with the training patients that give their cut-offs."""
    test = [evaluated(TRUTH[target], VALUE[target], target=target, **names) for target in (HER2, ER)]
    train = [
        evaluated([0, 0, 1, 1], TRAIN[target], target=target, side="train", role="out-of-fold", **names)
        for target in (HER2, ER)
    ]
    return [*test, *train]


def macro(signatures: list[Evaluated], side: str = "test") -> pd.DataFrame:
    rows = METRICS.conform(pd.DataFrame(list(macro_rows(signatures, cut_offs(signatures), 1, 100))))
    assert set(rows["target"]) == {"macro"} and rows["n_positive"].isna().all()
    return rows[rows["side"] == side].set_index("metric")


def test_two_targets_by_hand() -> None:
    """Five have both labels: called 1 0 1 0 0 at .5 and 1 0 1 1 0 at .65, so TP, FP, FN are 1 1 1 and 2 1 0."""
    rows = macro(both())
    assert rows.loc["auc", "value"] == pytest.approx((8 / 9 + 5 / 6) / 2) and rows.loc["auc", "n"] == 6
    assert rows.loc["auc", "method"] == "patient bootstrap; mean of her2, er"
    expected = {
        "accuracy_jaccard": (1 / 3 + 2 / 3) / 2, "accuracy_mean": (3 / 5 + 4 / 5) / 2, "exact_match": 2 / 5,
        "precision": (1 / 2 + 2 / 3) / 2, "recall": (1 / 2 + 1) / 2, "f1": (1 / 2 + 4 / 5) / 2,
    }  # fmt: skip
    assert rows["value"].drop("auc").to_dict() == pytest.approx(expected)
    assert rows["method"].str.endswith("; mean of her2, er").all()
    assert set(rows["n"].drop("auc")) == {5} and rows["method"].str.startswith("patient bootstrap").all()


def test_models_sides_subsets_and_protocols_are_judged_apart_and_one_target_alone_is_not() -> None:
    assert len(macro(both())) == 7
    assert macro(both(), "train").index.tolist() == ["auc"], "one fold: no other folds chose a cut-off"
    alone = [one for one in both() if one.target == HER2]
    assert not list(macro_rows(alone, cut_offs(alone), 1, 100))
    rad, other = both(), both(model="DL", algorithm="logistic")
    assert set(macro([*rad, *other])["model"]) == {"Rad"}, "of the chosen chains alone"
    parts = [one.of({f"P{k}" for k in range(4)}, "cohort=north") for one in rad[:2]]
    rows = pd.DataFrame(list(macro_rows([*rad, *parts], cut_offs(rad), 1, 100)))
    assert rows.groupby(["side", "subset"]).size().to_dict() == {
        ("test", "all"): 7, ("test", "cohort=north"): 7, ("train", "all"): 1,
    }  # fmt: skip
    assert not list(macro_rows([both()[0], evaluated([10.0] * 4, [20.0] * 4, target=KI67)], cut_offs(rad), 1, 100))


def test_without_a_cut_off_of_each_target_labels_are_not_called() -> None:
    test = both()[:2]
    assert [row["metric"] for row in macro_rows(test, cut_offs(both()[:3]), 1, 100)] == ["auc"]


def test_out_of_fold_the_macro_area_is_that_within_folds_and_marked() -> None:
    """Fold 0 compares P0, P1 with P2 (one of two), fold 1 P5 with P3, P4 (both); er P0 with P1 and P2 with P3, P4."""
    fold = {HER2: [0, 0, 0, 1, 1, 1], ER: [0, 0, 1, 1, 1]}
    given = []
    for target in (HER2, ER):
        chains = predictions_of({f"P{k}": p for k, p in enumerate(VALUE[target])}).assign(fold=fold[target])
        named = {"target": target, "chains": chains, "side": "train", "role": "out-of-fold"}
        given.append(evaluated(TRUTH[target], VALUE[target], **named))
    row = macro(given, "train").loc["auc"]
    assert row["value"] == pytest.approx((3 / 4 + 3 / 3) / 2)
    assert row["method"].startswith("out-of-fold, within fold and seed; patient bootstrap")


# two models ---------------------------------------------------------------------------------------------------------


def compared(signatures: list[Evaluated]) -> pd.DataFrame:
    return COMPARISONS.conform(comparison_table(signatures, ("MultiTask", "SingleTask"), 1, 200))


def test_macro_areas_of_two_models_are_compared_by_a_bootstrap_and_turned_as_named() -> None:
    single, multi = both(model="SingleTask")[:2], both(model="MultiTask")[:2]
    better = [evaluated(one.truth, one.value + 0.5 * one.truth, target=one.target, model="MultiTask") for one in multi]
    found = compared([*single, *better])
    assert found[["target", "model_a", "model_b"]].to_numpy().tolist() == [
        [target, "MultiTask", "SingleTask"] for target in ("her2", "er", "macro")
    ]
    row = found.iloc[-1]
    assert row["difference"] == pytest.approx(1 - (8 / 9 + 5 / 6) / 2) and row["lower"] >= 0
    assert np.isnan([row["p"], row["p_holm"]]).all() and row["method"].startswith("patient bootstrap")
    assert found["p"][:2].notna().all() and (found["p"][:2] == found["p_holm"][:2]).all()


def test_apparent_models_and_single_targets_have_no_macro_difference() -> None:
    paper = {"side": "train", "role": "apparent", "protocol": "paper"}
    apparent = [
        evaluated(TRUTH[target], VALUE[target], target=target, model=model, **paper)
        for model in ("SingleTask", "MultiTask") for target in (HER2, ER)
    ]  # fmt: skip
    assert len(compared(apparent)) == 0
    one_shared = [both(model="SingleTask")[0], both(model="MultiTask")[0], both(model="MultiTask")[1]]
    assert compared(one_shared)["target"].tolist() == ["her2"]


def test_out_of_fold_macro_differences_are_of_the_chains_that_both_have() -> None:
    """SingleTask has a second drawing that MultiTask has not; it is left out, so equal models do not differ."""
    given = []
    for model, seeds in (("SingleTask", (0, 1)), ("MultiTask", (0,))):
        for target in (HER2, ER):
            values = {f"P{k}": p for k, p in enumerate(VALUE[target])}
            turned = {patient: 1 - value for patient, value in values.items()}
            chains = pd.concat([predictions_of(turned if s else values, seed=s) for s in seeds])
            named = {"target": target, "model": model, "chains": chains, "side": "train", "role": "out-of-fold"}
            given.append(evaluated(TRUTH[target], VALUE[target], **named))
    row = compared(given).set_index("target").loc["macro"]
    assert row[["difference", "lower", "upper"]].tolist() == [0, 0, 0] and row["method"].startswith("out-of-fold, ")


def test_two_variants_of_a_model_are_compared_and_named() -> None:
    full, core = both(model="Spatial")[:2], both(model="Spatial", variant="core only")[:2]
    found = compared([*full, *core])
    assert found[["model_a", "variant_a", "model_b", "variant_b"]].drop_duplicates().to_numpy().tolist() == [
        ["Spatial", "", "Spatial", "core only"]
    ]
    assert found["target"].tolist() == ["her2", "er", "macro"]


# cohorts ------------------------------------------------------------------------------------------------------------

COHORT = pd.Series({"P0": "a", "P1": "b", "P2": "a", "P3": "b", "P4": "a", "P5": "a"})  # P6 has none


def test_pairs_within_cohorts_by_hand() -> None:
    """a: P5 above P2 and P4, P0 below both; b, with a patient of each class, counts in the pairs: P1 above P3."""
    one = evaluated([*TRUTH[HER2], 1], [0.15, 0.3, 0.5, 0.1, 0.2, 0.8, 0.0])
    table = METRICS.conform(pd.DataFrame(within_levels(one, "cohort", COHORT, 2))).set_index("metric")
    assert table["value"].to_dict() == pytest.approx({"auc_within_cohorts": 2 / 4, "auc_pairs_within_cohorts": 3 / 5})
    assert table[["n", "n_positive"]].to_numpy().tolist() == [[4, 2], [6, 3]]
    assert table.loc["auc_within_cohorts", "method"] == "mean over a; DeLong (logit)"


def test_out_of_fold_pairs_lie_inside_a_cohort_and_a_fold() -> None:
    """a: P0 below P2 in fold 0, P5 above P4 in fold 2; b: P1 above P3 in fold 1."""
    value = [0.4, 0.3, 0.5, 0.1, 0.2, 0.8]
    chains = predictions_of({f"P{k}": p for k, p in enumerate(value)}).assign(fold=[0, 1, 0, 1, 2, 2])
    one = evaluated(TRUTH[HER2], value, chains=chains, side="train", role="out-of-fold")
    table = pd.DataFrame(within_levels(one, "cohort", COHORT, 2)).set_index("metric")
    assert table["value"].to_dict() == pytest.approx({"auc_within_cohorts": 1 / 2, "auc_pairs_within_cohorts": 2 / 3})
    assert table["method"].str.startswith("out-of-fold, ").all()


@pytest.mark.parametrize("cohorts", [COHORT[:0], COHORT[COHORT == "a"], pd.Series({"P1": "a", "P5": "b"})])
def test_patients_of_one_cohort_or_class_have_no_such_rows(cohorts: pd.Series) -> None:
    assert within_levels(both()[0], "cohort", cohorts, 1) == []


def test_a_model_of_the_cohort_alone_is_high_pooled_and_one_half_inside_cohorts() -> None:
    """Rates of .2, .5 and .8; the columns are the cohort's number and two of noise: it recognises the scanner."""
    draw = np.random.default_rng(4)
    number = np.repeat([0.0, 1.0, 2.0], 120)
    truth = (draw.random(360) < 0.2 + 0.3 * number).astype(float)
    ids = np.array([f"P{k:03}" for k in range(360)], dtype=object)
    folds = np.column_stack([draw.permutation(np.arange(360) % 5) for _ in range(2)])
    found = cross_fit(LogisticRegression(), np.column_stack([number, draw.normal(size=(360, 2))]), truth == 1, folds)
    chains = pd.concat(
        [predictions_of(dict(zip(ids, found.probability[:, s], strict=True)), seed=s).assign(fold=folds[:, s])
         for s in range(2)]
    )  # fmt: skip
    for role, side in (("held-out", "test"), ("out-of-fold", "train")):
        one = evaluated(list(truth), list(found.signature), patients=ids, chains=chains, role=role, side=side)
        (area,) = [row for row in measures(one, NAN, 1, 100) if row["metric"] == "auc"]
        assert area["lower"] > 0.65
        for row in within_levels(one, "cohort", pd.Series([f"c{k:g}" for k in number], ids), 5):
            standard_error = (row["upper"] - row["lower"]) / 3.92
            assert abs(row["value"] - 0.5) < 2 * standard_error and standard_error < 0.06, row["metric"]


# sides --------------------------------------------------------------------------------------------------------------


def test_validation_is_held_against_test_as_other_patients() -> None:
    """Areas 1 and 8/9; DeLong's variances are 0 and, of placements 1, 2/3, 1 in either class, 2/81."""
    validation = evaluated([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], side="validation")
    (difference, p) = sides_apart([validation, both()[0]])
    assert difference["value"] == pytest.approx(1 / 9) and (difference["n"], difference["n_positive"]) == (10, 5)
    half = 1.959963984540054 * (2 / 81) ** 0.5
    assert (difference["lower"], difference["upper"]) == pytest.approx((1 / 9 - half, 1 / 9 + half))
    assert p["value"] == pytest.approx(0.4795, abs=1e-4), "z = (1/9) / (2/81)^.5 = .7071"
    assert difference["metric"] == "auc_validation_less_test" and p["metric"] == "auc_validation_less_test_p"
    METRICS.conform(pd.DataFrame([difference, p]))


def test_that_the_validation_side_chose_a_networks_epoch_stands_beside_the_difference() -> None:
    for model, said in (("MultiTask", True), ("DL", False)):
        named = {"model": model, "protocol": "paper"}
        validation = evaluated([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], side="validation", **named)
        rows = sides_apart([validation, both(**named)[0]])
        assert [row["method"].endswith("the validation side chose the network's epoch") for row in rows] == [said] * 2


@pytest.mark.parametrize(
    "other", [{"model": "DL"}, {"protocol": "paper"}, {"side": "external"}, {"algorithm": "logistic"}, {"target": ER}]
)
def test_another_signature_is_not_held_against_the_test_side(other: dict[str, Any]) -> None:
    validation = evaluated([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], **{"side": "validation", **other})
    assert sides_apart([validation, both()[0]]) == []


# strata -------------------------------------------------------------------------------------------------------------

PATIENTS = {"patient_id": ["A", "B", "C", "D"], "her2": [1.0, 0.0, 1.0, 0.0], "age": [30.0, 50.0, 65.0, NAN]}
AGE = Column("age", "numeric")
VOLUMES = pd.DataFrame({"patient_id": ["A", "A", "B", "C"], "diameter_mm": [9.0, 15.0, 14.9, NAN]})


def test_strata_of_a_column_hold_the_patients_with_a_value() -> None:
    tables = cohort_of(PATIENTS, clinical=(AGE,))
    found, lines = strata_of(tables, {"age": (65.0, 50.0)}, [])
    assert found == {"age<50": {"A"}, "50<=age<65": {"B"}, "age>=65": {"C"}} and lines == []
    assert strata_of(tables, {"age": (50.0,)}, [])[0] == {"age<50": {"A"}, "age>=50": {"B", "C"}}


def test_the_diameter_is_that_of_the_largest_lesion_unless_a_column_says_it() -> None:
    found, lines = strata_of(cohort_of(PATIENTS), {"diameter_mm": (15.0,)}, [VOLUMES])
    assert found == {"diameter_mm<15": {"B"}, "diameter_mm>=15": {"A"}} and lines == []
    own = cohort_of({**PATIENTS, "diameter_mm": [1.0, 2.0, 30.0, 40.0]}, clinical=(Column("diameter_mm", "numeric"),))
    assert strata_of(own, {"diameter_mm": (15.0,)}, [VOLUMES])[0]["diameter_mm<15"] == {"A", "B"}


@pytest.mark.parametrize("name", ["diameter_mm", "age"])
def test_a_column_that_is_not_there_is_said(name: str) -> None:
    found, lines = strata_of(cohort_of(PATIENTS, clinical=(Column("age", "ordered"),)), {name: (15.0,)}, [])
    assert found == {} and lines == [
        f"evaluate.strata: no strata of {name}: it is no numeric clinical column of this study"
    ]


def test_cohorts_are_the_named_ones_where_there_are_two() -> None:
    assert cohorts_of(cohort_of({**PATIENTS, "cohort": ["a", "", "b", "a"]})).to_dict() == {
        "A": "a",
        "C": "b",
        "D": "a",
    }
    for given in (["a", "", "a", ""], [""] * 4):
        assert cohorts_of(cohort_of({**PATIENTS, "cohort": given})).empty
