"""NRI and IDI: R's Hmisc::improveProb, a hand-worked table, properties, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from r_reference import assert_equals_r, r_data, r_values
from test_auc import predictions

from dlr.errors import InputError
from dlr.stats import idi, nri
from dlr.stats.outcome import Z
from dlr.words import Comparison

R = r_values("nri.json")
COLUMNS = {"nri_asah.csv": ("y", "p1", "p2"), "pima_te_pred.csv": ("type", "p_small", "p_full")}


def r_models(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data = r_data(R[name]["data"])
    y, old, new = (data[column].to_numpy() for column in COLUMNS[R[name]["data"]])
    return y, old, new


def assert_comparison_equals_r(found: Comparison, expected: dict) -> None:
    assert_equals_r([found.difference, found.statistic, found.p], [expected[k] for k in ("estimate", "z", "p")])
    assert_equals_r([found.lower, found.upper], expected["ci95"])
    assert_equals_r((found.upper - found.lower) / (2 * Z), expected["se"])


@pytest.mark.parametrize("name", R)
def test_continuous_nri_equals_r(name: str) -> None:
    found, expected = nri(*r_models(name)), R[name]["continuous_nri"]
    assert_comparison_equals_r(found.total, expected)
    assert_equals_r(
        [found.positives.difference, found.negatives.difference], [expected["events"], expected["nonevents"]]
    )
    widths = [(one.upper - one.lower) / (2 * Z) for one in (found.positives, found.negatives)]
    assert_equals_r(widths, [expected["events_se"], expected["nonevents_se"]])
    assert found.positives_table.empty


@pytest.mark.parametrize("name", R)
def test_categorical_nri_and_its_tables_equal_r(name: str) -> None:
    expected = R[name]["categorical_nri"]
    found = nri(*r_models(name), cuts=expected["cuts"])
    for ours, theirs in (("total", "overall"), ("positives", "events"), ("negatives", "nonevents")):
        assert_comparison_equals_r(getattr(found, ours), expected[theirs])
    assert_equals_r(found.positives_table, expected["table_events_rows_old_columns_new"])
    assert_equals_r(found.negatives_table, expected["table_nonevents_rows_old_columns_new"])


@pytest.mark.parametrize("name", R)
def test_idi_equals_r(name: str) -> None:
    assert_comparison_equals_r(idi(*r_models(name)), R[name]["idi"])


def test_eight_patients_by_hand() -> None:
    # positives: three up, one down -> 1/2; negatives: one up, one down, two still -> 0
    y = [1, 1, 1, 1, 0, 0, 0, 0]
    old = [0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    new = [0.4, 0.5, 0.6, 0.2, 0.4, 0.2, 0.3, 0.3]
    found = nri(y, old, new)
    assert (found.positives.difference, found.negatives.difference, found.total.difference) == (0.5, 0, 0.5)
    # variance: 4/16 - 4/64 and 2/16 - 0
    assert found.total.statistic == pytest.approx(0.5 / np.sqrt(3 / 16 + 2 / 16), abs=1e-14)
    # IDI: mean rise of positives .5/4, of negatives 0
    assert idi(y, old, new).difference == pytest.approx(0.125, abs=1e-15)


@given(predictions(), predictions())
def test_swapping_old_and_new_changes_the_sign(one, other) -> None:
    (positive, old), new = one, np.resize(other[1], len(one[1]))
    for statistic in (lambda a, b: nri(positive, a, b).total, lambda a, b: idi(positive, a, b)):
        there, back = statistic(old, new), statistic(new, old)
        assert there.difference == pytest.approx(-back.difference, abs=1e-12)
        assert there.p == pytest.approx(back.p, abs=1e-9, nan_ok=True)


def test_identical_models_have_p_one_and_the_reason() -> None:
    y, p = [1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]
    for found in (nri(y, p, p).total, nri(y, p, p, cuts=[0.25]).total, idi(y, p, p)):
        assert (found.difference, found.p) == (0, 1)
        assert "variance is zero" in found.method


@pytest.mark.parametrize("cuts", [[], [0.5, 0.2], [0.2, 0.2], [0.0, 0.5], [1.5]])
def test_impossible_categories_are_refused(cuts: list[float]) -> None:
    with pytest.raises(InputError, match="nri cuts"):
        nri([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], cuts=cuts)


@pytest.mark.parametrize("statistic", [nri, idi])
def test_broken_models_are_named(statistic) -> None:
    with pytest.raises(InputError, match="old reaches from"):
        statistic([1, 1, 0, 0], [0.1, 0.2, 0.3, 4.0], [0.1, 0.2, 0.3, 0.4])
    with pytest.raises(InputError, match="values of new are missing"):
        statistic([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, np.nan])
