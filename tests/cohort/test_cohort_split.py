"""Sides and folds."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dlr.cohort import CohortSettings, draw_folds, draw_side, flow_chart, largest_roi_cases
from dlr.cohort.split import FOLD_COLUMNS, _patterns
from dlr.errors import InputError
from dlr.words import Target, TargetKind

HER2 = [Target("her2")]
BOTH = [Target("her2"), Target("er")]
KI67 = Target("ki67", TargetKind.PER_CENT)


def table(
    her2: list[float | None], er: list[float | None] | None = None, cases: int = 1, side: str = ""
) -> pd.DataFrame:
    lines = []
    for n, value in enumerate(her2):
        for c in range(cases):
            lines.append(
                {"patient_id": f"p{n:03d}", "case_id": f"p{n:03d}_{c}", "side": side, "cohort": "AB"[n % 2],
                 "excluded": "", "her2": value, "er": None if er is None else er[n]}
            )  # fmt: skip
    return pd.DataFrame(lines)


def published() -> pd.DataFrame:
    return table([1.0] * 58 + [0.0] * 143)


def test_seven_to_three_of_201_patients_is_140_to_61() -> None:
    made = published()
    side = draw_side(made, HER2, seed=1)
    assert side.value_counts().to_dict() == {"train": 140, "test": 61}
    assert made["her2"][side == "test"].sum() in (17, 18)  # 58 · 61/201 = 17.6


def test_without_a_test_share_everybody_is_on_the_training_side() -> None:
    assert set(draw_side(published(), HER2, seed=1, test_share=0.0)) == {"train"}
    assert CohortSettings(test_share=0).test_share == 0


def test_a_patients_cases_stay_together_and_order_does_not_matter() -> None:
    made = table([1.0, 0.0] * 20, cases=3)
    side = draw_side(made, HER2, seed=3)
    assert side.groupby(made["patient_id"]).nunique().max() == 1
    mixed = made.sample(frac=1, random_state=0)
    assert draw_side(mixed, HER2, seed=3).sort_index().equals(side)


def test_another_seed_gives_another_split_and_the_same_one_the_same() -> None:
    made = published()
    first = draw_side(made, HER2, seed=1)
    assert first.equals(draw_side(made, HER2, seed=1)) and not first.equals(draw_side(made, HER2, seed=2))


def test_joint_pattern_with_missing_as_a_level_is_even() -> None:
    her2 = [1.0, 0.0, None, 1.0] * 15
    er = [1.0, 1.0, 0.0, None] * 15
    made = table(her2, er)
    made["side"] = draw_side(made, BOTH, seed=5, test_share=0.2)
    assert (made["side"] == "test").groupby(made.index % 4).sum().tolist() == [3, 3, 3, 3]
    folds = draw_folds(made, BOTH, seed=5, folds=4, seeds=2)
    pattern = folds["patient_id"].str[1:].astype(int) % 4
    assert folds.groupby(["seed", "fold", pattern]).size().eq(3).all()


def test_sides_that_are_given_are_kept_and_external_ones_are_never_drawn() -> None:
    made = table([1.0, 0.0] * 20)
    made.loc[:9, "side"] = "external"
    side = draw_side(made, HER2, seed=1)
    assert (side[:10] == "external").all() and side.value_counts()["test"] == 9
    given_sides = table([1.0, 0.0] * 4, side="train")
    assert (draw_side(given_sides, HER2, seed=1) == "train").all()


def test_62_15_and_23_of_a_hundred_of_388_patients() -> None:
    """ceil(.227 · 388) = 89 and ceil(.155 · 388) = 61; 300 positive: 300 · 89/388 = 68.8, 300 · 61/388 = 47.2."""
    made = table([1.0] * 300 + [0.0] * 88)
    side = draw_side(made, HER2, seed=1, test_share=0.227, validation_share=0.155)
    assert side.value_counts().to_dict() == {"train": 238, "test": 89, "validation": 61}
    assert made["her2"].groupby(side).sum()[["test", "validation"]].tolist() == [69, 47]
    folds = draw_folds(made.assign(side=side), HER2, seed=1)
    assert set(folds["patient_id"]) == set(made["patient_id"][side == "train"])


def test_a_validation_side_takes_nobody_from_the_test_side_and_is_stratified() -> None:
    made = table([1.0, 0.0, None, 1.0] * 15, [1.0, 1.0, 0.0, None] * 15)
    plain, side = (draw_side(made, BOTH, 5, 0.2, share) for share in (0.0, 0.2))
    assert ((plain == "test") == (side == "test")).all()
    assert (side == "validation").groupby(made.index % 4).sum().tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(("test", "validation"), [(0.5, 0.5), (0.7, 0.4)])
def test_sides_that_leave_nobody_to_train_on_are_refused(test: float, validation: float) -> None:
    with pytest.raises(ValueError, match="leave nobody on the training side"):
        CohortSettings(test_share=test, validation_share=validation)


def test_excluded_cases_have_no_side() -> None:
    made = table([1.0, 0.0] * 20)
    made.loc[3, "excluded"] = "therapy"
    side = draw_side(made, HER2, seed=1)
    assert side[3] == "" and (side.drop(3) != "").all()


def test_one_more_patient_leaves_crossfit_names_of_draws_alone() -> None:
    made = published().assign(side="train")
    folds = draw_folds(made, HER2, seed=1, protocols=["crossfit"])
    with_nested = draw_folds(made, HER2, seed=1, protocols=["nested", "crossfit"])
    kept = with_nested[with_nested["protocol"] == "crossfit"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, folds)


def test_folds_have_the_contract_and_cover_each_patient_once_a_seed() -> None:
    made = published()
    made["side"] = draw_side(made, HER2, seed=1)
    folds = draw_folds(made, HER2, seed=1, folds=5, seeds=3, protocols=["crossfit", "nested"])
    assert tuple(folds.columns) == FOLD_COLUMNS
    cross = folds[folds["protocol"] == "crossfit"]
    assert set(cross["outer"]) == {-1} and set(cross["patient_id"]) == set(made["patient_id"][made["side"] == "train"])
    assert not cross.duplicated(["patient_id", "seed"]).any()
    nested = folds[folds["protocol"] == "nested"]
    assert set(nested["patient_id"]) == set(made["patient_id"])
    held = nested[nested["fold"] == -1]
    assert not held.duplicated(["patient_id", "seed"]).any() and len(held) == 3 * 201
    assert not nested.duplicated(["patient_id", "seed", "outer"]).any()
    assert nested.groupby(["seed", "outer"]).size().eq(201).all()


def test_leaving_one_cohort_out_holds_a_whole_cohort() -> None:
    made = published().assign(side="train")
    folds = draw_folds(made, HER2, seed=1, protocols=["leave_one_cohort_out"])
    held = folds[folds["fold"] == -1]
    cohort = made.set_index("patient_id")["cohort"]
    assert held.groupby("outer")["patient_id"].agg(lambda ids: cohort[ids].nunique()).tolist() == [1, 1]
    with pytest.raises(InputError, match="two cohorts"):
        draw_folds(made.assign(cohort=""), HER2, seed=1, protocols=["leave_one_cohort_out"])


def test_missing_labels_take_part_in_folds() -> None:
    made = table([1.0, 0.0, None] * 10, side="train")
    assert draw_folds(made, HER2, seed=1)["patient_id"].nunique() == 30


def test_external_patients_are_in_no_fold() -> None:
    made = table([1.0, 0.0] * 20, side="train")
    made.loc[:9, "side"] = "external"
    folds = draw_folds(made, HER2, seed=1, protocols=["crossfit", "nested"])
    assert folds["patient_id"].nunique() == 30


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.integers(12, 60), st.integers(12, 60), st.integers(2, 6), st.integers(0, 99))
def test_fold_sizes_differ_by_one_at_most_and_so_do_classes(
    positive: int, negative: int, folds: int, seed: int
) -> None:
    made = table([1.0] * positive + [0.0] * negative, side="train")
    drawn = draw_folds(made, HER2, seed=seed, folds=folds, seeds=1)
    sizes = drawn["fold"].value_counts()
    assert sizes.max() - sizes.min() <= 1 and len(sizes) == folds
    classes = drawn["patient_id"].map(made.set_index("patient_id")["her2"]).groupby(drawn["fold"]).sum()
    assert classes.max() - classes.min() <= 1


def digest(made: pd.DataFrame, targets: list[Target]) -> str:
    made = made.assign(cohort="A")
    made = made.assign(side=draw_side(made, targets, seed=7))
    protocols = ["crossfit", "nested"]
    folds = draw_folds(made, targets, seed=7, folds=4, seeds=2, protocols=protocols)
    return sha256((",".join(made["side"]) + "\n" + folds.to_csv(index=False)).encode()).hexdigest()


def test_draws_of_binary_targets_of_one_cohort_are_those_of_the_first_release() -> None:
    one = table([1.0] * 30 + [0.0] * 61 + [None] * 9)
    assert digest(one, HER2) == "bdd40cbeda3c34471bb6b47b48aec44ed7e8ca8fadcc2f6db3bf1c4c2ab1d80e"
    rng = np.random.default_rng(0)
    her2 = (rng.random(120) < 0.3).astype(float).tolist()
    er = [None if x < 0.1 else float(x < 0.6) for x in rng.random(120)]
    assert digest(table(her2, er), BOTH) == "92a0ae6fc94b1f284a3753115fd46a1244f93ba92084557debac7a2180c70e9b"


def test_cohorts_are_even_in_sides_and_folds() -> None:
    made = table([1.0] * 40 + [0.0] * 80).assign(cohort=["A"] * 30 + ["B"] * 10 + ["A"] * 20 + ["B"] * 60)
    side = draw_side(made, HER2, seed=4, test_share=0.25)
    held_out = made[side == "test"].groupby(["cohort", "her2"]).size()
    assert held_out.to_dict() == {("A", 0.0): 5, ("A", 1.0): 8, ("B", 0.0): 15, ("B", 1.0): 2}
    folds = draw_folds(made.assign(side="train"), HER2, seed=4, folds=5, seeds=1).set_index("patient_id")["fold"]
    rows = made.assign(fold=made["patient_id"].map(folds)).groupby(["cohort", "her2", "fold"]).size()
    assert (rows.groupby(level=[0, 1]).max() - rows.groupby(level=[0, 1]).min() <= 1).all()


def with_ki67(values: list[float | None], her2: list[float | None] | None = None) -> pd.DataFrame:
    made = table([0.0, 1.0] * (len(values) // 2) if her2 is None else her2)
    return made.assign(ki67=values, cohort="A")


def test_a_per_cent_is_drawn_by_thirds_and_missing_is_a_level_of_its_own() -> None:
    made = with_ki67([float(n) if n < 90 else None for n in range(120)])
    side = draw_side(made, [KI67], seed=5, test_share=0.2)
    third = np.where(np.arange(120) < 90, np.arange(120) // 30, 3)
    assert (side == "test").groupby(third).sum().tolist() == [6, 6, 6, 6]
    folds = draw_folds(made.assign(side="train"), [KI67], seed=5, folds=5, seeds=1)
    number = folds["patient_id"].str[1:].astype(int)
    assert folds.groupby(["fold", third[number]]).size().eq(6).all()


def test_equal_per_cents_are_never_parted_into_two_thirds() -> None:
    patients = with_ki67([5.0] * 8 + [10.0, 20.0, 20.0, 20.0]).set_index("patient_id")
    assert _patterns(patients, [KI67]).tolist() == ["0"] * 8 + ["2"] * 4
    patients = with_ki67([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, None]).set_index("patient_id")
    assert _patterns(patients, [KI67]).tolist() == ["0", "0", "0", "1", "1", "2", "2", "missing"]
    assert _patterns(patients.assign(ki67=np.nan), [KI67]).tolist() == ["missing"] * 8


def test_thirds_are_those_of_the_patients_that_are_dealt() -> None:
    made = with_ki67([float(n) for n in range(60)], [0.0, 1.0] * 30).assign(side=["train"] * 30 + ["test"] * 30)
    folds = draw_folds(made, [KI67], seed=1, folds=5, seeds=1)
    other = made.assign(ki67=[*made["ki67"][:30], *[100.0] * 30])
    assert draw_folds(other, [KI67], seed=1, folds=5, seeds=1).equals(folds)


def test_all_targets_are_drawn_at_once() -> None:
    made = with_ki67([float(n // 2) for n in range(72)])
    folds = draw_folds(made.assign(side="train"), [HER2[0], KI67], seed=2, folds=4, seeds=2)
    number = folds["patient_id"].str[1:].astype(int)
    assert folds.groupby(["seed", "fold", number % 2, number // 24]).size().eq(3).all()


def test_a_per_cent_needs_three_known_patients_a_fold() -> None:
    made = with_ki67([float(n) if n < 15 else None for n in range(20)]).assign(side="train")
    assert len(draw_folds(made, [KI67], seed=1, folds=5, seeds=1)) == 20
    made.loc[14, "ki67"] = None
    with pytest.raises(InputError) as error:
        draw_folds(made, [KI67], seed=1, folds=5, seeds=1)
    (problem,) = error.value.problems
    assert len(draw_folds(made, [HER2[0], KI67], seed=1, folds=5, seeds=1)) == 20, "beside others it is not fitted"
    assert problem.where == "target ki67"
    assert problem.what == "known for 14 patients on the training side, but 5 folds need 15"


def test_five_folds_and_three_seeds_unless_asked_otherwise() -> None:
    folds = draw_folds(table([1.0, 0.0] * 10, side="train"), HER2, seed=1)
    assert sorted(set(folds["seed"])) == [0, 1, 2] and sorted(set(folds["fold"])) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("positive", "negative"), [(5, 30), (30, 5)])
def test_a_class_of_as_many_patients_as_folds_is_enough_and_one_less_is_named(positive: int, negative: int) -> None:
    made = table([1.0] * positive + [0.0] * negative, side="train")
    assert draw_folds(made, HER2, seed=1, folds=5)["patient_id"].nunique() == 35
    with pytest.raises(InputError) as error:
        draw_folds(made[1:-1], HER2, seed=1, folds=5)
    (problem,) = error.value.problems
    word = "positive" if positive < negative else "negative"
    assert problem.where == "target her2" and "lower learn.folds" in problem.mend
    assert problem.what == f"4 {word} patients on the training side, but 5 folds"


def test_the_same_shortage_is_said_once_for_each_protocol() -> None:
    made = table([1.0] * 6 + [0.0] * 30, side="train")
    with pytest.raises(InputError) as error:
        draw_folds(made, HER2, seed=1, folds=6, protocols=["nested"])
    what = [p.what for p in error.value.problems]
    assert what == [f"5 positive patients without outer fold {o} of protocol nested, but 6 folds" for o in range(6)]


def test_no_protocol_leaves_an_empty_table_of_the_contracts_types() -> None:
    folds = draw_folds(table([1.0, 0.0]), HER2, seed=1, protocols=["paper"])
    assert folds.empty and [str(t) for t in folds.dtypes] == ["object", "object", "int64", "int64", "int64"]


def test_two_cohorts_are_enough_to_leave_one_out() -> None:
    folds = draw_folds(table([1.0, 1.0, 0.0, 0.0] * 10, side="train"), HER2, seed=1, protocols=["leave_one_cohort_out"])
    assert sorted(set(folds["outer"])) == [0, 1] and set(folds["seed"]) == {0}


@pytest.mark.parametrize(("share", "count"), [(0.3, 3), (0.25, 3), (0.2, 2), (0.21, 3)])
def test_the_test_side_is_rounded_up(share: float, count: int) -> None:
    side = draw_side(table([1.0, 0.0] * 5), HER2, seed=1, test_share=share)
    assert (side == "test").sum() == count


def test_of_equal_remainders_the_pattern_that_sorts_first_gives_one_more() -> None:
    made = table([1.0, 0.0, None] * 4)  # 0, 1, missing: 4 of each, 5 to draw: 1⅔ of each
    side = draw_side(made, HER2, seed=1, test_share=5 / 12)
    drawn = made.loc[side == "test", "her2"]
    assert (drawn == 0).sum() == 2 and (drawn == 1).sum() == 2 and drawn.isna().sum() == 1


def test_flow_chart_counts_for_whom_a_per_cent_is_known() -> None:
    made = with_ki67([float(n) if n % 3 else None for n in range(40)]).assign(side="train")
    flow = flow_chart(made, [HER2[0], KI67]).set_index("step")["patients"].to_dict()
    assert flow == {
        "enrolled": 40,
        "in the study": 40,
        "ki67 not known": 14,
        "train": 40,
        "train, her2 positive": 20,
        "train, ki67 known": 26,
    }


def test_flow_chart_counts_sides_and_positives() -> None:
    made = table([1.0, 0.0] * 20, cases=2)
    made["side"] = draw_side(made, HER2, seed=1)
    flow = flow_chart(made, HER2).set_index("step")
    assert flow.loc["train", ["patients", "cases"]].tolist() == [28, 56]
    assert flow.loc["test, her2 positive", "patients"] == 6


def test_one_case_a_patient_by_the_largest_roi_and_ties_by_name() -> None:
    made = table([1.0, 0.0, 1.0], cases=2)
    made.loc[5, "excluded"] = "blurred"
    sizes = pd.Series({"p000_0": 5, "p000_1": 9, "p001_0": 4, "p001_1": 4, "p002_0": 1, "p002_1": 50})
    assert largest_roi_cases(made, sizes) == ["p000_1", "p001_0", "p002_0"]
