"""Nomogram: rms's points, R's pretty, the model's probability back, signature axes, broken input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from r_reference import assert_equals_r, r_data, r_formula, r_values
from scipy.special import expit

from dlr.errors import InputError
from dlr.stats import LogisticFit, Nomogram, firth, logistic, pretty
from dlr.words import logit

YES_NO = {name: {"0": "no", "1": "yes"} for name in ("smoke", "ht", "ui")}


def r_nomogram(name: str) -> tuple[dict, LogisticFit, Nomogram, pd.DataFrame]:
    expected = r_values("nomogram.json")[name]
    frame, outcome = r_formula(r_data(expected["data"]), expected["formula"])
    fit = logistic(frame, outcome, profile=False)
    return expected, fit, Nomogram.from_logistic(fit, level_labels=YES_NO), frame


def with_signature(seed: int = 0, n: int = 140) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    lp = rng.normal(-0.9, 1.2, n)
    frame = pd.DataFrame(
        {
            "DL": expit(lp),
            "er": rng.integers(0, 2, n),
            "grade": pd.Categorical(rng.choice(["I", "II", "III"], n), ["I", "II", "III"]),
            "age": np.round(rng.normal(54, 11, n)),
        }
    )
    return frame, (rng.random(n) < expit(lp - frame["er"] + 0.02 * (frame["age"] - 54))).astype(int).to_numpy()


@pytest.mark.parametrize("name", ["birthwt", "asah"])
def test_axes_and_points_equal_rms(name: str) -> None:
    expected, _, nomogram, _ = r_nomogram(name)
    assert_equals_r(nomogram.points_per_unit, expected["points_per_unit_xbeta"])
    assert_equals_r(nomogram.lp_at_zero_points, expected["lp_at_zero_points"])
    assert_equals_r(nomogram.intercept, expected["model_intercept"])
    assert [axis.name for axis in nomogram.axes] == list(expected["axes"])
    for axis in nomogram.axes:
        theirs = expected["axes"][axis.name]
        labels = [value if isinstance(value, str) else f"{value:.10g}" for value in theirs["values"]]
        assert [tick.label for tick in axis.ticks] == labels
        assert_equals_r([tick.points for tick in axis.ticks], theirs["points"])
    assert max(axis.widest for axis in nomogram.axes) == pytest.approx(100)
    widest = max(nomogram.axes, key=lambda axis: axis.widest)
    assert widest.name == expected["widest_variable"]


@pytest.mark.parametrize("name", ["birthwt", "asah"])
def test_points_of_every_patient_equal_rms(name: str) -> None:
    expected, fit, nomogram, frame = r_nomogram(name)
    patients = r_data(expected["patients_file"])
    points = nomogram.points(frame)
    for variable in points.columns:
        assert_equals_r(points[variable], patients[f"points_{variable}"])
    assert_equals_r(nomogram.total(frame), patients["total_points"])
    assert_equals_r(nomogram.risk(nomogram.total(frame)), patients["p"])
    assert_equals_r(fit.linear_predictor(frame), patients["lp"])


@pytest.mark.parametrize("name", ["birthwt", "asah"])
def test_the_risk_axis_is_the_exact_inversion(name: str) -> None:
    """R's own axis is interpolated (off by up to 8e-4 points); its file holds the exact totals too."""
    expected, _, nomogram, _ = r_nomogram(name)
    axis = expected["risk_axis"]
    assert_equals_r(nomogram.risk_ticks(axis["requested"]), axis["total_points_all_requested"])
    np.testing.assert_allclose(nomogram.risk(nomogram.risk_ticks(axis["requested"])), axis["requested"], atol=1e-14)
    assert all(0 < risk < 1 for risk in nomogram.risks_shown())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_total_gives_the_models_probability_back(seed: int) -> None:
    frame, y = with_signature(seed)
    fit = logistic(frame, y, logits=["DL"], profile=False)
    nomogram = Nomogram.from_logistic(fit)
    np.testing.assert_allclose(nomogram.risk(nomogram.total(frame)), fit.predict(frame), rtol=0, atol=1e-12)
    points = nomogram.points(frame)
    assert (points.to_numpy() >= -1e-9).all() and (points.to_numpy() <= 100 + 1e-9).all()


def test_a_signature_axis_is_labelled_in_probability() -> None:
    frame, y = with_signature()
    fit = logistic(frame, y, logits=["DL"], profile=False)
    axis = Nomogram.from_logistic(fit, labels={"DL": "Deep signature"}).axes[0]
    assert (axis.label, axis.transform, axis.kind) == ("Deep signature", "logit", "numeric")
    assert axis.ends[0] <= frame["DL"].min() and frame["DL"].max() <= axis.ends[1]
    assert axis.training_range == (frame["DL"].min(), frame["DL"].max())
    tick = axis.ticks[3]
    assert tick.label == f"{tick.value:g}" and 0 < tick.value < 1
    by_hand = (
        (logit(np.array([tick.value]))[0] - logit(np.array([axis.ends[0]]))[0]) * axis.betas[0] * axis.points_per_unit
    )
    assert tick.points == pytest.approx(by_hand, abs=1e-9)


def test_a_signature_of_exactly_zero_or_one_stays_on_its_axis() -> None:
    frame, y = with_signature()
    frame.loc[:1, "DL"] = [0.0, 1.0]
    nomogram = Nomogram.from_logistic(logistic(frame, y, logits=["DL"], profile=False))
    assert nomogram.axes[0].ends == (0.001, 0.999)
    assert nomogram.beyond(frame).empty


def test_a_patient_beyond_an_axis_is_computed_by_the_same_line_and_named() -> None:
    frame, y = with_signature()
    fit = logistic(frame, y, logits=["DL"], profile=False)
    nomogram = Nomogram.from_logistic(fit)
    new = frame.iloc[[0, 1]].assign(age=[120.0, 54.0]).set_axis(["P1", "P2"])
    assert nomogram.beyond(new)[["patient", "variable", "value"]].to_numpy().tolist() == [["P1", "age", 120.0]]
    np.testing.assert_allclose(nomogram.risk(nomogram.total(new)), fit.predict(new), atol=1e-12)


def test_the_table_lists_every_tick_and_binary_columns_are_categories() -> None:
    frame, y = with_signature()
    fit = logistic(frame, y, logits=["DL"], profile=False)
    nomogram = Nomogram.from_logistic(fit, level_labels={"er": {"0": "negative", "1": "positive"}})
    table = nomogram.table()
    assert list(table.columns) == ["variable", "value", "points"]
    assert list(table.loc[table["variable"] == "er", "value"]) == ["negative", "positive"]
    assert list(table.loc[table["variable"] == "grade", "value"]) == ["I", "II", "III"]
    assert [axis.kind for axis in nomogram.axes] == ["numeric", "category", "category", "numeric"]
    assert table.groupby("variable")["points"].min().abs().max() < 1e-12


def test_total_ticks_cover_the_largest_possible_total() -> None:
    for name in ("birthwt", "asah"):
        nomogram = r_nomogram(name)[2]
        ticks = nomogram.total_ticks()
        assert ticks[0] == 0 and ticks[-1] >= sum(axis.widest for axis in nomogram.axes) > ticks[-2]


def test_total_ticks_end_where_the_patients_do() -> None:
    frame, y = with_signature()
    fit = logistic(frame, y, logits=["DL"], profile=False)
    nomogram, whole = Nomogram.from_logistic(fit, patients=frame), Nomogram.from_logistic(fit)
    ticks = nomogram.total_ticks()
    assert ticks[-1] >= nomogram.total(frame).max() > ticks[-2]
    assert ticks[-1] < whole.total_ticks()[-1]
    np.testing.assert_array_equal(nomogram.total(frame), whole.total(frame))
    assert Nomogram.from_json(nomogram.to_json()).largest == nomogram.largest == nomogram.total(frame).max()


def test_a_nomogram_of_an_earlier_release_has_the_axis_that_it_had() -> None:
    frame, y = with_signature()
    nomogram = Nomogram.from_logistic(logistic(frame, y, logits=["DL"], profile=False))
    stored = nomogram.to_dict()
    del stored["largest"]
    np.testing.assert_array_equal(Nomogram.from_dict(stored).total_ticks(), nomogram.total_ticks())


def test_json_gives_the_nomogram_back() -> None:
    frame, y = with_signature()
    nomogram = Nomogram.from_logistic(logistic(frame, y, logits=["DL"], profile=False))
    again = Nomogram.from_json(nomogram.to_json())
    assert again.to_json() == nomogram.to_json()
    np.testing.assert_array_equal(again.total(frame), nomogram.total(frame))
    pd.testing.assert_frame_equal(again.table(), nomogram.table())
    assert again.beyond(frame.assign(age=200.0)).shape == (len(frame), 5)


@pytest.mark.parametrize(
    ("low", "high", "n", "expected"),
    [
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 10, 5, [0, 2, 4, 6, 8, 10]),
        (1, 10, 21, np.arange(1, 10.1, 0.5)),
        (1, 20, 2, [0, 10, 20]),
        (1, 20, 10, range(0, 21, 2)),
        (0.03, 2.07, 10, np.arange(0, 2.3, 0.2)),
    ],
)
def test_pretty_as_r_prints_it(low: float, high: float, n: int, expected: list[float]) -> None:
    np.testing.assert_allclose(pretty(low, high, n), expected, atol=1e-15)


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(3, 12))
def test_pretty_covers_the_range_in_round_steps(low: float, span: float, n: int) -> None:
    ticks = pretty(low, low + span, n)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + 1e-6 * step and low + span <= ticks[-1] + 1e-6 * step
    assert ticks[1] > low - 1e-6 * step and ticks[-2] < low + span + 1e-6 * step
    mantissa = step / 10.0 ** np.floor(np.log10(step * (1 + 1e-9)))
    assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-4
    assert 0.6 * n <= len(ticks) <= 1.6 * n + 2


def test_what_has_no_nomogram_is_refused_with_the_reason() -> None:
    data = r_data("endometrial.csv")
    separated = logistic(data[["NV", "PI"]], data["HG"], on_separation="report", profile=False)
    nothing = logistic(data[[]], data["HG"], profile=False)
    for fit, words in ((separated, "NV has no finite estimate"), (nothing, "no variable")):
        with pytest.raises(InputError, match=words):
            Nomogram.from_logistic(fit)
    nomogram = Nomogram.from_logistic(firth(data[["NV", "PI"]], data["HG"], profile=False))
    with pytest.raises(InputError, match="no column PI"):
        nomogram.points(data[["NV"]])
    with pytest.raises(InputError, match="between 0 and 1"):
        nomogram.risk_ticks([0.5, 1.0])
    with pytest.raises(InputError, match="no range"):
        pretty(2.0, 2.0)


def test_an_ordered_column_has_a_tick_a_level() -> None:
    """BI-RADS 3, 4a, 4b as scores 0, 1, 2: equal steps, named by their levels."""
    score = np.arange(60) % 3
    fit = logistic(pd.DataFrame({"birads": score.astype(float)}), (np.arange(60) % 7 < 1 + 2 * score).astype(float))
    (axis,) = Nomogram.from_logistic(fit, level_labels={"birads": {"0": "3", "1": "4a", "2": "4b", "3": "5"}}).axes
    assert [(tick.label, tick.value) for tick in axis.ticks] == [("3", 0.0), ("4a", 1.0), ("4b", 2.0)]
    assert [tick.points for tick in axis.ticks] == pytest.approx([0, 50, 100]) and axis.ends == (0.0, 2.0)
