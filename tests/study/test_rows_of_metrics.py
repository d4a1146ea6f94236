"""Signatures with their truth, cut-offs from training patients, and the rows of metrics.csv, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from dlr.stats import sample_size_obuchowski
from dlr.study.cutoffs import Cutoffs, cut_offs
from dlr.study.measures import Evaluated, evaluated_signatures, measures, optimism_gap
from dlr.tables import CUTOFFS, METRICS, OPTIMISM_GAP
from tests.study.hand_made import HER2, KI67, cohort_of, evaluated, predictions_of

NAN = float("nan")
TRUTH, VALUE = [0, 0, 1, 1], [0.2, 0.6, 0.7, 0.9]


def rows_of(one: Evaluated, cutoff: float = NAN, baseline: float = NAN) -> pd.DataFrame:
    """METRICS by metric, of 100 replicates."""
    table = pd.DataFrame(measures(one, cutoff, 1, 100, baseline), columns=list(METRICS.names))
    return METRICS.conform(table).set_index("metric")


# signatures ---------------------------------------------------------------------------------------------------------


def test_a_signature_holds_the_patients_whose_target_is_known() -> None:
    tables = cohort_of({"patient_id": ["A", "B", "C"], "her2": [1.0, NAN, 0.0]})
    twice = [predictions_of({"A": a, "B": 0.5, "C": 0.3}, side="test", seed=s) for s, a in enumerate((0.2, 0.8))]
    (one,) = evaluated_signatures(pd.concat(twice), tables)
    assert one.patients == ("A", "C") and one.truth.tolist() == [1.0, 0.0]
    assert one.value == pytest.approx([0.5, 0.3]), "the logits of .2 and .8 cancel"
    assert one.chains["patient_id"].tolist() == ["A", "C", "A", "C"]
    assert (one.role, one.side, one.subset, one.target) == ("held-out", "test", "all", HER2)
    assert one.names == {"target": "her2", "model": "Rad", "variant": "", "protocol": "crossfit", "side": "test"}


def test_signatures_of_several_targets_models_and_sides_stand_apart() -> None:
    tables = cohort_of({"patient_id": ["A", "B"], "her2": [1.0, NAN], "ki67": [20.0, 80.0]}, targets=(HER2, KI67))
    predictions = pd.concat(
        [
            predictions_of({"A": 0.9}), predictions_of({"A": 0.7}, protocol="paper"),
            predictions_of({"B": 0.4}, side="test"), predictions_of({"A": 0.4}, model="DL"),
            predictions_of({"A": 30.0, "B": 60.0}, target="ki67", kind="per_cent"),
        ]
    )  # fmt: skip
    found = {(one.target.name, one.model, one.protocol): one for one in evaluated_signatures(predictions, tables)}
    assert set(found) == {
        ("her2", "Rad", "crossfit"), ("her2", "Rad", "paper"), ("her2", "DL", "crossfit"), ("ki67", "Rad", "crossfit"),
    }, "the test side has nobody whose her2 is known"  # fmt: skip
    assert found["her2", "Rad", "crossfit"].value.tolist() == [0.9]
    assert found["her2", "Rad", "paper"].role == "apparent"
    assert found["ki67", "Rad", "crossfit"].truth.tolist() == [20.0, 80.0]
    assert found["ki67", "Rad", "crossfit"].chains["value"].tolist() == [30.0, 60.0]


@pytest.mark.parametrize(("model", "protocol", "side", "role"), [
    ("Combined", "crossfit", "train", "stacked, optimistic"), ("Rad", "crossfit", "train", "out-of-fold"),
    ("Combined", "crossfit", "test", "held-out"), ("Combined", "paper", "train", "apparent"),
    ("Combined", "nested", "test", "out-of-fold"),
])  # fmt: skip
def test_only_the_cross_fitted_combined_model_is_stacked(model: str, protocol: str, side: str, role: str) -> None:
    tables = cohort_of({"patient_id": ["A", "B", "C", "D"], "her2": [1.0, 1.0, 0.0, 0.0]})
    made = predictions_of({"A": 0.6, "B": 0.5, "C": 0.3, "D": 0.4}, model=model, protocol=protocol, side=side)
    (one,) = evaluated_signatures(made, tables)
    assert one.role == role and one.cross_fitted == (role in ("stacked, optimistic", "out-of-fold"))
    rows = rows_of(one)
    assert set(rows["role"]) == {role} and rows.at["auc", "value"] == 1
    assert rows.at["auc", "method"].startswith("" if role == "held-out" else f"{role}, ")


def test_each_class_needs_two_patients() -> None:
    assert evaluated([1, 1, 0, 0], VALUE).two_classes
    assert not evaluated([1, 0, 0, 0], VALUE).two_classes and not evaluated([1, 1, 1, 0], VALUE).two_classes
    assert evaluated([1, 1, 1, 0], VALUE).smallest_group == 1
    per_cent = evaluated([1, 1, 0, 0], VALUE, target=KI67)
    assert per_cent.smallest_group == 4 and not per_cent.two_classes
    for name in ("positive", "probability"):
        with pytest.raises(AssertionError):
            getattr(per_cent, name)


def test_a_part_of_a_signature_keeps_its_own_rows() -> None:
    part = evaluated(TRUTH, VALUE).of({"P3", "P1"}, "cohort=north")
    assert part.patients == ("P1", "P3") and part.subset == "cohort=north"
    assert part.truth.tolist() == [0.0, 1.0] and part.value.tolist() == [0.6, 0.9]
    assert part.chains["patient_id"].tolist() == ["P1", "P3"]


# cut-offs -----------------------------------------------------------------------------------------------------------


def test_a_cut_off_comes_from_the_chosen_chains_training_patients_alone() -> None:
    train = evaluated(TRUTH, [0.1, 0.4, 0.6, 0.9], side="train", role="out-of-fold")
    test = evaluated(TRUTH, [0.6, 0.7, 0.8, 0.9])
    other = evaluated(TRUTH, [0.6, 0.7, 0.8, 0.9], side="train", role="out-of-fold", algorithm="logistic")
    few = evaluated([1, 0, 0, 0], VALUE, side="train", role="out-of-fold", model="DL")
    per_cent = evaluated(TRUTH, VALUE, side="train", role="out-of-fold", target=KI67)
    found = cut_offs([other, test, train, few, per_cent])
    assert CUTOFFS.conform(found.table()).to_dict("records") == [
        {
            "target": "her2", "model": "Rad", "variant": "", "protocol": "crossfit", "cutoff": 0.5,
            "rule": "Youden, out-of-fold", "n": 4,
        }
    ]  # fmt: skip
    assert (found.of(test) == 0.5).all()
    assert np.isnan(found.of(few)).all() and np.isnan(found.of(evaluated(TRUTH, VALUE, variant="before biopsy"))).all()


def test_under_paper_the_validation_side_gives_the_cut_off_where_it_has_both_classes() -> None:
    """Midway between .5 and .7, not between .4 and .6; cross-fitted training patients are held out already."""
    for protocol, role, cutoff, rule in (
        ("paper", "apparent", 0.6, "Youden, validation side"), ("crossfit", "out-of-fold", 0.5, "Youden, out-of-fold"),
    ):  # fmt: skip
        train = evaluated(TRUTH, [0.1, 0.4, 0.6, 0.9], side="train", role=role, protocol=protocol)
        validation = evaluated(TRUTH, [0.3, 0.5, 0.7, 0.8], side="validation", protocol=protocol)
        for order in ([train, validation], [validation, train]):
            (row,) = cut_offs(order).table().to_dict("records")
            assert (row["cutoff"], row["rule"], row["n"]) == (pytest.approx(cutoff), rule, 4)
        one_class = evaluated([1, 1, 1, 1], VALUE, side="validation", protocol=protocol)
        assert cut_offs([train, one_class]).found["her2", "Rad", "", protocol].value == 0.5


def test_external_patients_give_a_cut_off_only_where_they_are_cross_fitted_among_themselves() -> None:
    names = {"side": "external", "protocol": "external_crossfit"}
    within = evaluated(TRUTH, [0.1, 0.4, 0.6, 0.9], role="out-of-fold", **names)
    frozen = evaluated(TRUTH, [0.1, 0.2, 0.8, 0.9], side="external")
    found = cut_offs([frozen, within])
    assert found.found["her2", "Rad", "", "external_crossfit"].value == 0.5 and np.isnan(found.of(frozen)).all()
    train = evaluated(TRUTH, [0.1, 0.6, 0.8, 0.9], side="train", role="out-of-fold", protocol="external_crossfit")
    assert not cut_offs([train]).found, "nobody else is predicted there"


def folded(truth: list, value: list, folds: list[int], **names: Any) -> Evaluated:
    """A cross-fitted signature of one drawing."""
    chains = predictions_of({f"P{k}": v for k, v in enumerate(value)}).assign(fold=folds)
    return evaluated(truth, value, chains=chains, **({"side": "train", "role": "out-of-fold"} | names))


@pytest.mark.parametrize("names", [
    {}, {"role": "stacked, optimistic", "model": "Combined"}, {"protocol": "nested", "side": "test"},
    {"protocol": "external_crossfit", "side": "external"},
])  # fmt: skip
def test_a_fold_is_judged_at_the_cut_off_of_the_others(names: dict[str, str]) -> None:
    """Youden of P4 to P7 is .55, of P0 to P3 .35: P2 at .5 is then called negative, P5 at .4 positive."""
    truth, value = [0, 0, 1, 1, 0, 0, 1, 1], [0.1, 0.2, 0.5, 0.9, 0.1, 0.4, 0.7, 0.8]
    one = folded(truth, value, [0, 0, 0, 0, 1, 1, 1, 1], **names)
    found = cut_offs([one])
    assert found.of(one) == pytest.approx([0.55] * 4 + [0.35] * 4)
    assert found.of(one.of({"P1", "P4"}, "cohort=A")) == pytest.approx([0.55, 0.35]), "by patient, in any subset"
    rows = rows_of(one, found.of(one))
    assert rows.at["sensitivity", "value"] == 0.75 and rows.at["specificity", "value"] == 0.75
    assert np.isnan(rows.at["sensitivity", "cutoff"])
    assert rows.at["sensitivity", "method"] == "Wilson, 3 of 4; cut-offs chosen on the other folds, 0.350 to 0.550"


def test_a_folds_own_outcomes_do_not_move_its_cut_off() -> None:
    value, folds = [0.1, 0.2, 0.5, 0.9, 0.1, 0.4, 0.7, 0.8], [0, 0, 0, 0, 1, 1, 1, 1]
    usual, turned = (folded([*own, 0, 0, 1, 1], value, folds) for own in ([0, 0, 1, 1], [1, 1, 0, 0]))
    assert cut_offs([usual]).of(usual)[:4].tolist() == cut_offs([turned]).of(turned)[:4].tolist()


def test_where_the_other_folds_have_one_class_nobody_is_judged() -> None:
    one = folded([0, 0, 1, 1], VALUE, [0, 0, 1, 1])
    assert np.isnan(cut_offs([one]).of(one)).all() and "sensitivity" not in rows_of(one, cut_offs([one]).of(one)).index


def test_cross_fitted_cut_offs_find_nothing_in_noise() -> None:
    """Youden's J of 40 signatures of noise: near 0 where the patients judged did not choose, .15 where they did."""
    generator = np.random.default_rng(3)
    crossed, chosen_here = [], []
    for _ in range(40):
        truth, value = generator.permutation(np.repeat([0.0, 1.0], [70, 30])), generator.random(100)
        one = folded(truth.tolist(), value.tolist(), (np.arange(100) % 5).tolist())
        found = cut_offs([one])
        for cutoff, kept in ((found.of(one), crossed), (found.found["her2", "Rad", "", "crossfit"].value, chosen_here)):
            called = value >= cutoff
            kept.append(called[truth == 1].mean() - called[truth == 0].mean())
    assert abs(np.mean(crossed)) < 2.5 * np.std(crossed) / np.sqrt(40) and np.mean(chosen_here) > 0.12


def test_out_of_fold_calibration_is_that_of_single_chains() -> None:
    truth, value = [0, 0, 1, 1, 0, 1], [0.1, 0.6, 0.5, 0.9, 0.3, 0.7]
    both = pd.concat([predictions_of({f"P{k}": v for k, v in enumerate(value)}).assign(seed=s) for s in (0, 1)])
    for names, marked in (
        ({"side": "train", "role": "out-of-fold"}, True), ({}, False),
        ({"side": "test", "role": "out-of-fold", "protocol": "nested", "model": "Combined"}, False),
    ):  # fmt: skip
        rows = rows_of(evaluated(truth, value, chains=both, **names))
        for measure in ("calibration_slope", "calibration_intercept"):
            assert rows.at[measure, "method"].endswith("; of single chains, 2 a patient") == marked
        assert "single chains" not in rows.at["brier", "method"]


def test_what_apparent_patients_chose_is_said() -> None:
    one = evaluated(TRUTH, VALUE, side="train", role="apparent", protocol="paper")
    assert rows_of(one, 0.5).at["sensitivity", "method"] == "Wilson, 2 of 2; cut-off chosen on these patients"
    assert rows_of(evaluated(TRUTH, VALUE), 0.5).at["sensitivity", "method"] == "Wilson, 2 of 2"


def test_no_cut_offs_are_an_empty_table() -> None:
    assert len(CUTOFFS.conform(Cutoffs({}).table())) == 0


# held-out patients --------------------------------------------------------------------------------------------------


def test_measures_at_a_cut_off_by_hand() -> None:
    """At .5 both positives are called positive, and one of two negatives."""
    rows = rows_of(evaluated(TRUTH, VALUE), cutoff=0.5)
    assert rows.loc["auc", "value"] == 1.0 and rows.loc["auc", "method"].startswith("Newcombe")
    assert rows.loc[["sensitivity", "specificity", "accuracy"], "value"].tolist() == [1.0, 0.5, 0.75]
    assert rows.loc["mean_probability", "value"] == pytest.approx(0.6)
    assert rows.loc["sd_probability", "value"] == pytest.approx(np.sqrt(0.26 / 3))
    assert rows.loc["brier", "value"] == pytest.approx((0.04 + 0.36 + 0.09 + 0.01) / 4)
    assert set(rows["n"]) == {4} and set(rows["n_positive"]) == {2}
    assert rows.loc["sensitivity", "cutoff"] == 0.5
    assert rows.loc[["auc", "brier", "mean_probability"], "cutoff"].isna().all()
    assert set(rows["target"]) == {"her2"} and set(rows["algorithm"]) == {"chosen"} and set(rows["subset"]) == {"all"}


def test_without_a_cut_off_there_is_no_row_at_one() -> None:
    rows = rows_of(evaluated(TRUTH, VALUE))
    assert "sensitivity" not in rows.index and "brier" in rows.index


def test_other_algorithms_have_their_areas_alone() -> None:
    assert rows_of(evaluated(TRUTH, VALUE, algorithm="logistic"), cutoff=0.5).index.tolist() == ["auc", "auc_plain"]


def test_one_patient_of_a_class_has_no_measure() -> None:
    assert measures(evaluated([1, 0, 0, 0], VALUE), 0.5, 1, 100) == []


def test_only_apparent_areas_are_named_so() -> None:
    held_out = rows_of(evaluated(TRUTH, VALUE))["method"]
    apparent = rows_of(evaluated(TRUTH, VALUE, side="train", protocol="paper", role="apparent"))["method"]
    for name in ("auc", "auc_plain"):
        assert apparent[name] == f"apparent, {held_out[name]}"


def ten_groups() -> tuple[list[int], list[float]]:
    """Twenty patients at each of .30, .34 ... .66; two positives more than expected at the first, rounded."""
    truth, value = [], []
    for k in range(10):
        p = 0.30 + 0.04 * k
        positives = round(20 * p) + (2 if k == 0 else 0)
        truth += [1] * positives + [0] * (20 - positives)
        value += [p] * 20
    return truth, value


@pytest.mark.parametrize(("role", "df"), [("apparent", 8), ("held-out", 10), ("out-of-fold", 10)])
def test_hosmer_and_lemeshows_degrees_of_freedom_are_those_of_the_patients_role(role: str, df: int) -> None:
    truth, value = ten_groups()
    statistic = 0.0
    for k in range(10):
        p, positives = 0.30 + 0.04 * k, sum(truth[20 * k : 20 * k + 20])
        statistic += (positives - 20 * p) ** 2 / (20 * p * (1 - p))
    rows = rows_of(evaluated(truth, value, role=role))
    assert rows.loc["hosmer_lemeshow_p", "value"] == pytest.approx(chi2.sf(statistic, df), rel=1e-9)
    assert "not printed" not in rows.loc["hosmer_lemeshow_p", "method"]


def test_hosmer_and_lemeshows_p_is_not_printed_where_a_count_is_small() -> None:
    row = rows_of(evaluated(TRUTH, VALUE)).loc["hosmer_lemeshow_p"]
    assert np.isnan(row["value"]) and "not printed: an expected count is under 5" in row["method"]


@pytest.mark.parametrize(
    ("more", "there"),
    [
        ({}, True), ({"side": "external"}, False), ({"side": "train", "role": "out-of-fold"}, True),
        ({"side": "train", "role": "apparent", "protocol": "paper"}, False), ({"subset": "cohort=north"}, False),
        ({"algorithm": "logistic"}, False),
    ],
)  # fmt: skip
def test_the_sample_size_is_that_of_the_sides_area_and_ratio(more: dict[str, Any], there: bool) -> None:
    """Fifteen of twenty positives above all ten negatives, the others below: .75, half as many negatives."""
    rows = rows_of(evaluated([1] * 20 + [0] * 10, [0.8] * 15 + [0.2] * 5 + [0.5] * 10, **more))
    found = {name: row for name, row in rows.iterrows() if str(name).startswith("sample_size_")}
    whole = sample_size_obuchowski(0.75, 0.5).whole
    assert [row["value"] for row in found.values()] == ([sum(whole), *whole] if there else [])
    assert all(row["method"] == "Obuchowski, 80 % power" and row["n"] == 30 for row in found.values())


def test_published_sample_sizes_are_met_to_one_patient() -> None:
    """Huang et al. 2024 print 60 (46 + 14) and 39 (27 + 12), by the variance of Hanley and McNeil."""
    assert sample_size_obuchowski(0.735, 20 / 68).whole == (45, 14)
    assert sample_size_obuchowski(0.767, 26 / 62).whole == (27, 12)


@pytest.mark.parametrize("value", [[0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.8, 0.9], [0.5, 0.5, 0.5, 0.5]])
def test_an_area_that_is_not_above_one_half_or_is_one_has_no_sample_size_and_says_why(value: list[float]) -> None:
    rows = rows_of(evaluated(TRUTH, value))
    row = rows.loc["sample_size_needed"]
    assert np.isnan(row["value"]) and "undefined: an AUC of" in row["method"]
    assert "sample_size_positive" not in rows.index


# out-of-fold patients -----------------------------------------------------------------------------------------------


def out_of_fold(fold: list[int]) -> Evaluated:
    truth, value = [1, 1, 0, 0, 1, 1, 0, 0], [0.9, 0.8, 0.1, 0.85, 0.4, 0.3, 0.2, 0.1]
    chains = predictions_of({f"P{k}": p for k, p in enumerate(value)}).assign(fold=fold)
    return evaluated(truth, value, chains=chains, side="train", role="out-of-fold")


def test_out_of_fold_areas_compare_within_folds_and_pooled() -> None:
    """Of each fold's four pairs three and four are ordered; of all sixteen 4 + 3 + 3 + 3."""
    rows = rows_of(out_of_fold([0, 0, 0, 0, 1, 1, 1, 1]), cutoff=0.5)
    assert rows.loc["auc", "value"] == pytest.approx(7 / 8)
    assert rows.loc["auc_pooled", "value"] == pytest.approx(13 / 16)
    assert rows.loc["auc", "method"].startswith("out-of-fold, within fold and seed")
    assert rows.loc["auc_pooled", "method"].startswith("out-of-fold, folds pooled")
    assert rows.loc["auc", "n"] == 8 and rows.loc["auc", "n_positive"] == 4
    assert rows.loc["auc", "lower"] < 7 / 8 <= rows.loc["auc", "upper"]
    assert "auc_plain" not in rows.index


def test_folds_without_both_classes_have_no_area_within_folds() -> None:
    rows = rows_of(out_of_fold([0, 0, 1, 1, 0, 0, 1, 1]))
    assert np.isnan(rows.loc["auc", "value"]) and "no fold with both classes" in rows.loc["auc", "method"]
    assert rows.loc["auc", "n"] == 8 and rows.loc["auc_pooled", "value"] == pytest.approx(13 / 16)


# a per cent ---------------------------------------------------------------------------------------------------------

OBSERVED, PREDICTED = [10.0, 20.0, 30.0, 40.0], [12.0, 18.0, 33.0, 39.0]


def per_cent(**names: Any) -> Evaluated:
    return evaluated(OBSERVED, PREDICTED, target=KI67, **names)


def test_errors_of_a_per_cent_by_hand() -> None:
    """Errors 2, 2, 3, 1; against 25 they are 15, 5, 5, 15; the differences' t interval is 8 ± 3.182 · 6.377 / 2."""
    rows = rows_of(per_cent(), baseline=25.0)
    assert rows.loc["mae", "value"] == 2.0 and rows.loc["bias", "value"] == 0.5
    assert rows.loc["baseline_mae", "value"] == 10.0
    gain = rows.loc["mae_gain"]
    assert gain["value"] == 8.0
    assert (gain["lower"], gain["upper"]) == pytest.approx((8 - 10.147, 8 + 10.147), abs=2e-3)
    assert gain["n"] == 4 and gain["method"].startswith("baseline less model, ")
    assert rows.index.tolist() == [
        "mae", "bias", "limits_lower", "limits_upper", "pearson", "spearman", "baseline_mae", "mae_gain",
    ]  # fmt: skip
    assert rows["n_positive"].isna().all() and rows["cutoff"].isna().all()


def test_roles_of_a_per_cent_stand_before_the_method() -> None:
    held_out = rows_of(per_cent(), baseline=25.0)["method"]
    for role in ("out-of-fold", "apparent"):
        found = rows_of(per_cent(side="train", role=role), baseline=25.0)["method"]
        assert found.tolist() == [f"{role}, {words}" for words in held_out]


def test_other_regressors_have_their_error_alone_and_three_patients_none() -> None:
    assert rows_of(per_cent(algorithm="ridge"), baseline=25.0).index.tolist() == ["mae"]
    assert measures(per_cent().of({"P0", "P1", "P2"}, "all"), NAN, 1, 100, 25.0) == []


# the optimism of the published way ----------------------------------------------------------------------------------


GAPS = ["target", "model", "variant", "algorithm", "protocol", "side", "role", "subset", "metric", "value"]


def test_the_gap_is_paper_less_crossfit_on_training_patients() -> None:
    rows = [
        ("her2", "Rad", "", "chosen", "paper", "train", "apparent", "all", "auc", 0.95),
        ("her2", "Rad", "", "chosen", "paper", "test", "held-out", "all", "auc", 0.70),
        ("her2", "Rad", "", "chosen", "crossfit", "train", "out-of-fold", "all", "auc", 0.75),
        ("her2", "Rad", "", "chosen", "crossfit", "test", "held-out", "all", "auc", 0.72),
        ("her2", "Rad", "", "chosen", "paper", "test", "held-out", "cohort=north", "auc", 0.11),
        ("her2", "Rad", "", "logistic", "paper", "train", "apparent", "all", "auc", 0.12),
        ("her2", "Rad", "", "chosen", "paper", "train", "apparent", "all", "sensitivity", 0.13),
        ("her2", "Rad", "", "chosen", "crossfit", "train", "out-of-fold", "all", "brier", 0.20),
        ("ki67", "Rad", "", "chosen", "paper", "train", "apparent", "all", "mae", 3.0),
        ("ki67", "Rad", "", "chosen", "crossfit", "train", "out-of-fold", "all", "mae", 9.0),
    ]
    found = OPTIMISM_GAP.conform(optimism_gap(pd.DataFrame(rows, columns=GAPS)))
    assert found[["target", "metric"]].to_numpy().tolist() == [["her2", "auc"], ["her2", "brier"], ["ki67", "mae"]]
    numbers = ["paper_train", "paper_test", "crossfit_out_of_fold", "crossfit_test", "gap"]
    assert found[numbers].iloc[0].tolist() == pytest.approx([0.95, 0.70, 0.75, 0.72, 0.20])
    assert set(found["role"]) == {"out-of-fold"} and set(found["against"]) == {"crossfit_out_of_fold"}
    assert np.isnan(found["paper_train"].iloc[1]) and np.isnan(found["gap"].iloc[1])
    assert found["crossfit_out_of_fold"].iloc[1] == 0.20
    assert found["gap"].iloc[2] == -6.0


@pytest.mark.parametrize(("further", "gap", "against"), [
    ([], np.nan, ""),
    ([("crossfit", "test", "held-out", 0.66)], 0.24, "crossfit_test"),
    ([("crossfit", "test", "held-out", 0.66), ("nested", "test", "out-of-fold", 0.62)], 0.28, "nested"),
])  # fmt: skip
def test_no_gap_is_taken_to_a_stacked_value(further: list, gap: float, against: str) -> None:
    rows = [("paper", "train", "apparent", 0.90), ("crossfit", "train", "stacked, optimistic", 0.80), *further]
    table = [("her2", "Combined", "", "chosen", *names, "all", "auc", value) for *names, value in rows]
    (found,) = OPTIMISM_GAP.conform(optimism_gap(pd.DataFrame(table, columns=GAPS))).itertuples()
    assert (found.role, found.against, found.crossfit_out_of_fold) == ("stacked, optimistic", against, 0.80)
    assert found.gap == pytest.approx(gap, nan_ok=True)
