"""Holm's adjustment: R's p.adjust, a hand-worked family, the primary comparison."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_values

from dlr.errors import InputError
from dlr.stats import holm

R = r_values("tests.json")["p_adjust"]
FAMILIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_equals_r_and_missing_ones_do_not_count() -> None:
    assert_equals_r(holm(R["p"]), R["holm"])
    assert_equals_r(holm(R["with_missing"]["p"]), R["with_missing"]["holm"])


def test_three_by_hand() -> None:
    # sorted .01 .03 .04 times 3 2 1 -> .03 .06 .04, not falling: .03 .06 .06
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_primary_keeps_its_p_and_leaves_the_family() -> None:
    assert holm([0.04, 0.01, 0.03], primary=0) == pytest.approx([0.04, 0.02, 0.03])
    assert holm([0.04], primary=0) == pytest.approx([0.04])
    assert holm([np.nan, 0.01], primary=0) == pytest.approx([np.nan, 0.01], nan_ok=True)


@given(FAMILIES)
def test_adjusted_lies_between_p_and_bonferroni_in_the_same_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(("p", "primary"), [([1.2], None), ([-0.1], None), ([[0.1]], None), ([0.1], 1), ([0.1], -1)])
def test_impossible_families_are_refused(p: list, primary: int | None) -> None:
    with pytest.raises(InputError, match="holm"):
        holm(p, primary)
