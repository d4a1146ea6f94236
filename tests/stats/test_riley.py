"""Sample size of a prediction model: the published worked example, hand-worked values, broken input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlr.errors import InputError
from dlr.stats import events_per_variable, maximum_parameters, r2_ceiling, riley_sample_size


def test_the_worked_example_of_riley_2020() -> None:
    """24 parameters, Cox-Snell R² .288, prevalence .174: 623, 662 and 221 patients, 4.8 events a parameter."""
    size = riley_sample_size(24, 0.174, 0.288 / r2_ceiling(0.174))
    assert (size.n_shrinkage, size.n_optimism, size.n_risk, size.n) == (623, 662, 221, 662)
    assert size.events_per_parameter == pytest.approx(4.8, abs=0.005)


def test_a_training_side_of_147_carries_two_to_four_parameters() -> None:
    assert round(maximum_parameters(147, 0.3, 0.15), 1) == 1.8
    assert round(maximum_parameters(147, 0.3, 0.30), 1) == 3.9


def test_r2_cannot_pass_three_quarters_of_a_balanced_outcome() -> None:
    assert r2_ceiling(0.5) == pytest.approx(0.75)


def test_events_are_counted_in_the_rarer_class() -> None:
    assert events_per_variable(43, 97, 10) == 4.3
    assert events_per_variable(97, 43, 10) == 4.3


@given(st.integers(1, 60), st.floats(0.02, 0.98), st.floats(0.05, 0.9))
def test_as_many_patients_as_needed_carry_the_parameters(parameters: int, prevalence: float, r2: float) -> None:
    size = riley_sample_size(parameters, prevalence, r2)
    n = max(size.n_shrinkage, size.n_optimism)
    assert maximum_parameters(n, prevalence, r2) >= parameters - 1e-9
    assert maximum_parameters(n - 1, prevalence, r2) < parameters


@pytest.mark.parametrize("call", [(0, 0.3, 0.2), (3, 0.0, 0.2), (3, 1.0, 0.2), (3, 0.3, 0.0), (3, 0.3, 1.0)])
def test_impossible_questions_are_refused(call: tuple[int, float, float]) -> None:
    with pytest.raises(InputError):
        riley_sample_size(*call)
