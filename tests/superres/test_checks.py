"""Checks of measured values, on paper: limits, intervals, and bicubic as the null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from dlr.stats import icc_many, interval_wilson
from dlr.superres.checks import _mean, _surviving, checks_of, fidelity_of, flip_check, survival_check, survival_of
from dlr.superres.speckle import FIELDS
from dlr.superres.verdict import CONTROLS, SEEN, verdict
from dlr.tables import CHECKED, CHECKS, FIDELITY, SURVIVAL

HARMLESS = {
    "contradiction": 3.0, "residual": 0.6, "grey_level": 0.2, "false_structures": 0.0, "lost_structures": 8.0,
    "recovered": 0.2, "invented": 0.1,
}  # fmt: skip
Values = Mapping[str, float | Sequence[float]]


def checked(n: int = 40, restored: Values | None = None, **others: Values) -> pd.DataFrame:
    """A patient each; what is not said of a subject is as harmless as bicubic."""
    subjects = {"bicubic": {}, "restored": restored or {}, **others}
    rows = [
        (f"case {k}", f"patient {k}", subject, "lesion", measure, value)
        for subject, own in subjects.items()
        for measure, values in (HARMLESS | dict(own)).items()
        for k, value in enumerate(np.broadcast_to(values, n))
    ]
    return CHECKED.conform(pd.DataFrame(rows, columns=list(CHECKED.columns)))


def row(table: pd.DataFrame, check: str, subject: str = "restored") -> pd.Series:
    return table[(table["check"] == check) & (table["subject"] == subject)].iloc[0]


def found(table: pd.DataFrame, subject: str = "restored") -> set[str]:
    own = table[(table["subject"] == subject) & table["found"]]
    return set(own["check"])


def ones(k: int, n: int = 40) -> list[float]:
    return [1.0] * k + [0.0] * (n - k)


def test_an_output_that_is_bicubic_passes_whatever_bicubic_does() -> None:
    bad = {"contradiction": 20.0, "residual": 3.0, "grey_level": -9.0, "false_structures": 5.0, "invented": 2.0}
    table = CHECKS.conform(checks_of(checked(restored=bad, bicubic=bad), 1))
    assert found(table) == set()
    assert found(checks_of(checked(restored=bad), 1)) == {"A", "A2", "B", "C", "E"}  # but not where bicubic is not


@pytest.mark.parametrize(("k", "fails"), [(5, False), (9, True)])
def test_contradicted_lesions_fail_by_wilsons_lower_limit(k: int, fails: bool) -> None:
    worst = np.where(np.array(ones(k, 63)) > 0, 4.51, 4.5)
    made = row(checks_of(checked(63, {"contradiction": worst}), 1), "A")
    wilson = interval_wilson(k, 63)
    assert (made.value, made.lower, made.upper) == (wilson.value, wilson.lower, wilson.upper)
    assert (made.bicubic, made.limit, made.found) == (0.0, 0.05, fails)
    assert (wilson.lower > 0.05) == fails


def test_a_patients_worst_lesion_counts_once_and_other_measures_are_her_mean() -> None:
    one = checked(10, {"contradiction": ones(3, 10), "false_structures": 1.0})
    two = checked(10, {"contradiction": 9.0, "false_structures": 3.0})
    table = checks_of(pd.concat([one, two.assign(case_id=two["case_id"] + " again")]), 1)
    assert (row(table, "A").value, row(table, "A").n) == (1.0, 10)
    assert (row(table, "C").value, row(table, "C").n) == (2.0, 10)


def test_a_residual_above_the_noise_fails_and_one_below_does_not() -> None:
    above, below = ([level + 0.1 * (k % 5) for k in range(40)] for level in (1.05, 0.7))
    assert found(checks_of(checked(restored={"residual": above}), 1)) == {"A2"}
    assert found(checks_of(checked(restored={"residual": below}), 1)) == set()


@pytest.mark.parametrize(("shift", "fails"), [(-2.7, True), (2.7, True), (0.9, False), (-0.9, False)])
def test_a_grey_level_beyond_one_to_either_side_fails(shift: float, fails: bool) -> None:
    levels = [shift + 0.5 * (-1) ** k for k in range(40)]
    table = checks_of(checked(restored={"grey_level": levels}), 1)
    assert found(table) == ({"B"} if fails else set())
    assert row(table, "B").value == pytest.approx(shift)
    assert row(table, "B").lower < shift < row(table, "B").upper


def test_a_difference_fails_where_its_interval_is_above_zero_and_is_paired() -> None:
    bicubic = np.arange(40.0)  # as different as patients are: unpaired, one more would be lost among them
    more = {"false_structures": bicubic + ones(20)}
    made = row(checks_of(checked(restored=more, bicubic={"false_structures": bicubic}), 1), "C")
    assert (made.value, made.bicubic, made.found) == (0.5, bicubic.mean(), True)
    assert 0.3 < made.lower < 0.5 < made.upper < 0.7  # .5 ± 1.96 · √(.25 / 40)
    assert found(checks_of(checked(restored={"lost_structures": [7.0, 9.0] * 20}), 1)) == set()
    assert found(checks_of(checked(restored={"lost_structures": [8.0, 9.0] * 20}), 1)) == {"D"}


def test_of_few_patients_the_interval_is_students_where_that_is_wider() -> None:
    # mean 1, SD 1.069 of 8: Student's reach 2.365 · 1.069 / √8 = .894; the bootstrap's is about .7
    few = row(checks_of(checked(8, {"false_structures": [0, 0, 0, 1, 1, 1, 2, 3]}), 1), "C")
    assert (few.value, few.lower, few.upper) == pytest.approx((1.0, 0.1063, 1.8937), abs=1e-3)
    long_tailed = row(checks_of(checked(8, {"false_structures": [0, 0, 0, 0, 0, 0, 0, 40]}), 1), "C")
    assert (long_tailed.lower, long_tailed.upper) == (
        pytest.approx(5 - 2.3646 * 5, abs=1e-2),
        pytest.approx(16.82, abs=0.1),
    )


def test_no_more_than_one_null_in_thirty_is_found_in_eight_patients() -> None:
    """Two samples of the same counts: a one-sided error of 2.5 %, and three standard errors of 600 draws above it."""
    draws = np.random.default_rng(4)
    found = [_mean(draws.poisson(2.0, 8) - draws.poisson(2.0, 8), draws).lower > 0 for _ in range(600)]
    assert np.mean(found) < 0.025 + 3 * np.sqrt(0.025 * 0.975 / 600)  # .044; the bootstrap alone: .058


def test_one_patient_has_no_interval_and_finds_nothing() -> None:
    table = CHECKS.conform(checks_of(checked(1, {"false_structures": 9.0}), 1))
    assert (row(table, "C").value, row(table, "C").found) == (9.0, False)
    assert np.isnan(row(table, "C").lower)


def test_more_invented_than_recovered_is_a_caution_and_the_shares_are_told() -> None:
    table = checks_of(checked(restored={"recovered": [0.1, 0.2] * 20, "invented": 0.3}), 1)
    assert found(table) == {"E"}
    account = table[(table["check"] == "E") & (table["subject"] == "restored")].set_index("statistic")
    assert account["value"].to_dict() == pytest.approx(
        {"invented less recovered detail": 0.15, "recovered": 0.15, "invented": 0.3}
    )
    assert account["severity"].to_list() == ["caution", "", ""]
    assert account.loc["invented", "bicubic"] == pytest.approx(0.1)


def fields_with(counts: Sequence[float]) -> pd.DataFrame:
    """Check F of fields that hold so many false structures, and none of bicubic's."""
    rows = [
        (f"field {k}", "", subject, "field", "false_structures", count * (subject == "restored"))
        for subject in ("restored", "bicubic")
        for k, count in enumerate(counts)
    ]
    return checks_of(pd.concat([checked(), pd.DataFrame(rows, columns=list(CHECKED.columns))]), 1)


def test_fields_of_speckle_are_counted_by_field() -> None:
    made = row(fields_with(ones(6, 16)), "F")
    assert (made.value, made.n, made.found, made.severity) == (6 / 16, 16, True, "hallucination")


def test_fields_are_so_many_that_one_false_structure_in_eight_of_them_is_found() -> None:
    assert row(fields_with(ones(FIELDS // 8, FIELDS)), "F").found  # .125 of 32: Student's reach is .121
    assert not row(fields_with(ones(2, 16)), "F").found


def test_truly_enhanced_images_are_told_beside_bicubic_and_fail_nothing() -> None:
    enhanced = checked(restored={"contradiction": 9.0})
    enhanced = enhanced[enhanced["measure"] == "contradiction"].assign(region="enhanced")
    table = checks_of(pd.concat([checked(), enhanced]), 1)
    told = table[(table["check"] == "A") & (table["subject"] == "restored")].iloc[1]
    assert (told.value, told.bicubic, told.found, told.severity) == (1.0, 0.0, False, "")


def test_controls_are_seen_by_their_own_checks_and_lost_ones_against_the_same_output() -> None:
    table = checks_of(
        checked(
            restored={"lost_structures": 2.0},
            **{
                "planted dot": {"contradiction": 9.0, "false_structures": ones(18), "lost_structures": 2.0},
                "planted wiped spot": {"contradiction": 9.0, "lost_structures": 3.0},
            },
        ),
        1,
    )
    assert {"A", "C"} <= found(table, "planted dot")
    assert {"A", "D"} <= found(table, "planted wiped spot")
    assert row(table, "D", "planted wiped spot").value == 1.0  # 3 less the 2 of the output without it; bicubic's 8
    assert set(table[table["subject"].isin(list(CONTROLS))]["severity"]) == {""}


def test_a_dot_is_seen_in_those_patients_in_whom_it_adds_a_structure() -> None:
    before, after = [0.0, 0.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 5.0, 3.0, 0.0, 0.0, 0.0, 0.0]
    made = checks_of(checked(8, {"false_structures": before}, **{"planted dot": {"false_structures": after}}), 1)
    told = made[(made["subject"] == "planted dot") & (made["statistic"] == SEEN)].iloc[0]
    wilson = interval_wilson(2, 8)  # 2 of 8, though .5 structures a lesion are added
    assert (told.value, told.lower, told.upper, told.n) == (wilson.value, wilson.lower, wilson.upper, 8)
    assert (told.check, told.found, told.severity) == ("C", False, "")
    assert row(made, "C", "planted dot").value == 0.5  # against the same output, not bicubic


def test_a_control_that_adds_nothing_is_not_found_for_what_the_output_has_already() -> None:
    spotty = {"false_structures": ones(20)}
    assert "C" not in found(checks_of(checked(restored=spotty, **{"planted dot": spotty}), 1), "planted dot")


def test_what_was_there_before_the_adversary_is_told_without_severity() -> None:
    table = CHECKS.conform(checks_of(checked(psnr={"invented": 0.9}), 1))
    assert found(table, "psnr") == {"E"}
    assert set(table.loc[table["subject"] == "psnr", "severity"]) == {""}
    assert found(table) == set()
    assert verdict(table).word == "not assessable"  # nothing was planted
    assert "psnr" not in set(checks_of(checked(), 1)["subject"])


def test_fewer_than_eight_patients_are_not_assessable() -> None:
    few, enough = checks_of(checked(7), 1), checks_of(checked(8), 1)
    own = few[(few["subject"] == "restored") & few["limit"].notna()]
    assert set(own["severity"]) == {"not assessable"}
    assert "not assessable" not in set(enough["severity"])


def test_patients_without_a_value_are_left_out_and_none_at_all_is_not_assessable() -> None:
    some, none = [np.nan] * 4 + [0.9] * 36, [np.nan] * 40
    table = checks_of(checked(restored={"invented": some}), 1)
    assert (row(table, "E").value, row(table, "E").n) == (pytest.approx(0.7), 36)
    table = CHECKS.conform(checks_of(checked(restored={"invented": none}, bicubic={"invented": none}), 1))
    assert (row(table, "E").n, row(table, "E").found, row(table, "E").severity) == (0, False, "not assessable")
    assert np.isnan(row(table, "E").value)


def test_the_same_seed_gives_the_same_rows() -> None:
    measured = checked(restored={"grey_level": np.linspace(-3, 3, 40)})
    pd.testing.assert_frame_equal(checks_of(measured, 5), checks_of(measured, 5))


def test_fidelity_is_a_mean_and_its_paired_difference() -> None:
    rows = [
        (f"case {k}", f"patient {k}", subject, "rim", "psnr", 25.0 + k + (subject == "restored") * (1 + k % 2))
        for k in range(20)
        for subject in ("restored", "bicubic")
    ]
    table = FIDELITY.conform(fidelity_of(pd.DataFrame(rows, columns=list(CHECKED.columns)), 1))
    made = table[table["subject"] == "restored"].iloc[0]
    assert (made.region, made.measure, made.n) == ("rim", "psnr", 20)
    assert (made.value, made.bicubic, made.difference) == (36.0, 34.5, 1.5)
    assert 1.2 < made.lower < 1.5 < made.upper < 1.8  # 1.5 ± 1.96 · .5 / √20
    null = table[table["subject"] == "bicubic"].iloc[0]
    assert (null.difference, null.lower, null.upper) == (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def features() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """30 patients, 40 features from wholly kept to wholly lost, of all units; some missing, one constant."""
    draws = np.random.default_rng(3)
    truth = draws.standard_normal((30, 40)) * np.logspace(-6, 6, 40) + 1e3 * np.logspace(-6, 6, 40)
    spread = truth.std(axis=0)
    restored = truth + spread * np.linspace(0, 2, 40) * draws.standard_normal(truth.shape)
    bicubic = restored + spread * 0.4 * draws.standard_normal(truth.shape) + 0.3 * spread
    restored[4, 3] = truth[7, 20] = np.nan
    truth[:, 39] = restored[:, 39] = bicubic[:, 39] = 5.0
    names = [f"feature {k}" for k in range(40)]
    made = tuple(pd.DataFrame(values, columns=names) for values in (truth, restored, bicubic))
    return made[0], made[1], made[2]


def test_the_share_of_surviving_features_is_that_of_the_iccs_for_every_draw(features) -> None:  # type: ignore[no-untyped-def]
    truth, restored, _ = (frame.to_numpy() for frame in features)
    drawn = np.random.default_rng(8).integers(30, size=(25, 30))
    weights = np.stack([np.bincount(draw, minlength=30) for draw in drawn]).astype(float)
    slow = [icc_many(truth[draw], restored[draw])["icc"].dropna() for draw in drawn]
    assert _surviving(truth, restored, weights).tolist() == [float((icc >= 0.75).mean()) for icc in slow]


def test_features_that_bicubic_keeps_and_the_output_loses_are_a_caution(features) -> None:  # type: ignore[no-untyped-def]
    truth, better, worse = features
    table = SURVIVAL.conform(survival_of(truth, worse, better))
    kept = [(table[name].dropna() >= 0.75).mean() for name in ("icc", "icc_bicubic")]
    made = CHECKS.conform(survival_check(truth, worse, better, 1)).iloc[0]
    assert (made.value, made.bicubic) == pytest.approx((kept[0] - kept[1], kept[1]))
    assert made.lower < made.value < made.upper < 0
    assert (made.check, made.found, made.severity, made.n) == ("G", True, "caution", 30)
    assert not survival_check(truth, better, worse, 1)["found"].iloc[0]
    few = survival_check(truth[:7], worse[:7], better[:7], 1)
    assert few["severity"].tolist() == ["not assessable"]


def test_changed_decisions_fail_where_they_are_more_than_bicubics() -> None:
    truth = np.arange(40) % 2 == 0
    flipped, twice = truth ^ (np.arange(40) < 12), truth ^ (np.arange(40) < 2)
    made = CHECKS.conform(flip_check(truth, flipped, twice, 1)).iloc[0]
    assert (made.value, made.bicubic, made.n) == pytest.approx((10 / 40, 2 / 40, 40))
    assert (made.check, made.found, made.severity) == ("H", True, "hallucination")
    assert not flip_check(truth, twice, flipped, 1)["found"].iloc[0]
    both = flip_check(*(np.stack([a, truth], axis=1) for a in (truth, flipped, twice)), 1)
    assert both["value"].iloc[0] == pytest.approx(5 / 40)  # of two signatures one changes
