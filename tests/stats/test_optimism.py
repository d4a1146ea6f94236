"""Harrell's bootstrap: R's fifty samples, arithmetic by hand, failures, broken input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from r_reference import assert_equals_r, r_data, r_formula, r_values
from scipy.special import logit

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import logistic, optimism

R = r_values("optimism.json")
NAMES = {
    "auc": "auc",
    "brier": "brier",
    "slope": "slope",
    "intercept": "intercept",
    "calibration_in_the_large": "citl",
}


def logistic_on(name: str) -> tuple[Callable, np.ndarray]:
    frame, outcome = r_formula(r_data(R[name]["data"]), R[name]["formula"])

    def fit(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        model = logistic(frame.iloc[rows].reset_index(drop=True), outcome.to_numpy()[rows], profile=False)
        return lambda wanted: model.linear_predictor(frame.iloc[wanted])

    return fit, outcome.to_numpy()


@pytest.mark.parametrize("name", R)
def test_every_replicate_and_the_correction_equal_r(name: str) -> None:
    fit, outcome = logistic_on(name)
    found = optimism(fit, outcome, indices=r_data(R[name]["index_file"]).to_numpy() - 1, logits=True)
    table = found.table.set_index("measure")
    for ours, theirs in NAMES.items():
        for column in ("apparent", "optimism", "corrected"):
            assert_equals_r(table.loc[ours, column], R[name][column][theirs])
        assert_equals_r(found.train[ours], R[name]["train"][theirs])
        assert_equals_r(found.test[ours], R[name]["test"][theirs])
    assert (table["replicates"] == R[name]["B"]).all()


def row_number_model(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Predicts by row number alone, whatever it is fitted on."""
    return lambda wanted: (wanted + 1) / 10


def test_a_model_that_learns_nothing_has_optimism_of_sampling_only() -> None:
    # the only sample is the data themselves: no optimism
    outcome = np.array([0, 0, 1, 0, 1, 0, 1, 1])
    found = optimism(row_number_model, outcome, indices=np.arange(8)[None]).table.set_index("measure")
    assert found["optimism"].abs().max() == 0
    # pairs: 2 beats 0 1; 4 beats 0 1 3; 6 and 7 beat all four -> 13 of 16
    assert found.loc["auc", "apparent"] == 13 / 16
    assert found.loc["auc", "corrected"] == 13 / 16


def test_probabilities_and_their_logits_give_the_same() -> None:
    outcome = np.array([0, 0, 1, 0, 1, 0, 1, 1])
    one = optimism(row_number_model, outcome, replicates=20)
    other = optimism(
        lambda rows: lambda wanted: logit(row_number_model(rows)(wanted)), outcome, replicates=20, logits=True
    )
    np.testing.assert_allclose(one.table.iloc[:, 1:], other.table.iloc[:, 1:], atol=1e-12)


def test_linear_predictors_are_refused_where_probabilities_are_due() -> None:
    with pytest.raises(InputError, match="reaches from"):
        optimism(lambda rows: lambda wanted: wanted - 2.0, [0, 0, 1, 0, 1, 0, 1, 1], replicates=5)


def test_drawn_samples_are_seeded_and_hold_both_classes() -> None:
    outcome = np.array([1, 1, 0, 0, 0, 0, 0, 0])
    seen: list[np.ndarray] = []

    def fit(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        seen.append(rows)
        return row_number_model(rows)

    one, same = (optimism(fit, outcome, replicates=40, generator=rng(1, "samples")) for _ in range(2))
    assert one.table.equals(same.table)
    assert all(2 <= outcome[rows].sum() <= 6 for rows in seen)
    assert not optimism(fit, outcome, replicates=40).table.equals(one.table)


def test_failed_samples_are_left_out_and_not_counted_as_replicates() -> None:
    outcome = np.array([0, 0, 1, 0, 1, 0, 1, 1])

    def sometimes(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        if rows[0] == 7:
            raise InputError("fit", "separated", "Use Firth's penalty.")
        return row_number_model(rows)

    indices = np.array([[0, 1, 2, 3, 4, 5, 6, 7], [7, 1, 2, 3, 4, 5, 6, 7]])
    found = optimism(sometimes, outcome, indices=indices)
    assert len(found.train) == 1 and (found.table["replicates"] <= 1).all()


def test_a_measure_that_is_undefined_in_a_sample_is_left_out_of_its_mean_only() -> None:
    outcome = np.array([0, 0, 1, 0, 1, 0, 1, 1])
    separated = [0, 0, 1, 1, 4, 4, 7, 7]
    found = optimism(row_number_model, outcome, indices=np.array([np.arange(8), separated]))
    replicates = found.table.set_index("measure")["replicates"]
    assert (replicates["auc"], replicates["slope"]) == (2, 1)
    assert np.isfinite(found.table["corrected"]).all()


@pytest.mark.parametrize("indices", [np.zeros((2, 7), dtype=int), np.full((2, 8), 8), np.full((2, 8), -1), np.ones(8)])
def test_indices_that_are_no_rows_are_refused(indices: np.ndarray) -> None:
    with pytest.raises(InputError, match="optimism indices"):
        optimism(row_number_model, [0, 0, 1, 0, 1, 0, 1, 1], indices=indices)


def test_a_model_that_never_fits_is_refused() -> None:
    def never(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        if len(set(rows)) == len(rows):
            return row_number_model(rows)
        raise InputError("fit", "separated", "Use Firth's penalty.")

    with pytest.raises(InputError, match="no bootstrap sample"):
        optimism(never, [0, 0, 1, 0, 1, 0, 1, 1], replicates=5)
