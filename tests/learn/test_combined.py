"""The Combined model: what may stand together, what leaves and why, and that it comes back from its file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlr.errors import InputError
from dlr.learn import CandidateSet, CombinedModel, admissible_sets, fit_combined
from dlr.stats import Nomogram, firth, logistic
from dlr.words import MODELS, ModelSpec, expit, logit


def cohort(n: int = 400, seed: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """er and a Rad signature matter; age, the side and a reversed signature do not, or the wrong way."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "er": (draw.random(n) < 0.7).astype(float),
            "age": draw.normal(54, 11, n),
            "side": draw.choice(["left", "right", "both"], n),
            "Rad": expit(draw.normal(-1, 1, n)),
            "Clinical": draw.random(n),
        },
        index=[f"P{i:03d}" for i in range(n)],
    )
    linear = 0.4 - 1.4 * frame["er"] + logit(frame["Rad"].to_numpy())
    positive = (draw.random(n) < expit(linear.to_numpy())).astype(int)
    frame["DL"] = 1 - frame["Rad"]
    frame["DLR"] = expit(0.2 * draw.normal(size=n))  # noise
    return frame, positive


ER_AGE_RAD = CandidateSet(("er", "age"), ("Rad",))


def test_admissible_sets_never_hold_what_contains_another():
    sets = admissible_sets(["er", "age"], ["Clinical", "Rad", "DL", "DLR"], primary="Rad")
    assert [s.name for s in sets] == [
        "er, age + Rad", "Clinical + Rad", "er, age + DLR", "Clinical + DLR", "er, age + DL", "Clinical + DL",
    ]  # fmt: skip
    for one in sets:
        assert sum(name in one.signatures for name in ("Rad", "DL", "DLR")) == 1
        assert not (one.clinical and "Clinical" in one.signatures)


def test_models_of_images_told_by_their_specs_stand_alone_beside_clinical_variables():
    specs = (
        *MODELS,
        ModelSpec("Texture", "a toy", of_images=True),
        ModelSpec("Whole", "image and clinical variables at once", of_images=True, contains=("Clinical", "Rad")),
        ModelSpec("Age", "no image"),
    )
    sets = admissible_sets(["er"], ["Clinical", "Rad", "Texture", "Whole", "Age", "Unknown"], "Rad", specs)
    assert [s.name for s in sets] == ["er + Rad", "Clinical + Rad", "er + Texture", "Clinical + Texture"]


def test_without_named_variables_the_clinical_signature_stands_for_them():
    assert [s.name for s in admissible_sets([], ["Clinical", "Rad"])] == ["Clinical + Rad"]


@pytest.mark.parametrize("variables, signatures", [([], ["Rad"]), (["er"], []), (["er"], ["Clinical"])])
def test_half_a_combination_is_none(variables, signatures):
    assert admissible_sets(variables, signatures) == ()


def test_the_fit_is_firths_on_logits_of_the_signature():
    frame, positive = cohort()
    model = fit_combined(frame, positive, ER_AGE_RAD, bound=3)
    by_hand = firth(
        pd.DataFrame({"rad": logit(frame["Rad"].to_numpy()), "er": frame["er"], "age": frame["age"]}), positive
    )
    np.testing.assert_allclose(model.fit.coefficients, by_hand.coefficients, rtol=1e-8)
    np.testing.assert_allclose(model.predict(frame), by_hand.predict(by_hand_frame(frame)), rtol=1e-8)
    assert model.fit.method == "Firth"


def by_hand_frame(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"rad": logit(frame["Rad"].to_numpy()), "er": frame["er"], "age": frame["age"]})


def test_riley_bounds_the_size_and_the_full_model_stands_beside():
    frame, positive = cohort(150)
    model = fit_combined(frame, positive, CandidateSet(("er", "age", "side"), ("Rad",)))
    assert model.riley < 3 and model.bound == 2
    assert model.fit.variables == ("Rad", "er")
    assert {d.variable for d in model.dropped} == {"age", "side"}
    assert all("Riley's criterion for 150 patients" in d.reason for d in model.dropped)
    assert model.full.variables == ("Rad", "er", "age", "side")
    assert set(model.terms()["variant"]) == {"full", "combined", "nomogram"}


def test_a_factor_counts_its_levels_less_one():
    frame, positive = cohort()
    names = ("side", "er")
    assert fit_combined(frame, positive, CandidateSet(names, ("Rad",)), bound=2).fit.variables == ("Rad", "er")
    assert fit_combined(frame, positive, CandidateSet(names, ("Rad",)), bound=3).fit.variables == ("Rad", "side")


def test_a_signature_with_a_negative_coefficient_leaves():
    frame, positive = cohort()
    model = fit_combined(frame, positive, CandidateSet(("er",), ("DL",)))
    assert model.fit.variables == ("er",)
    assert model.dropped[0].variable == "DL" and "lower the risk" in model.dropped[0].reason


def test_an_insignificant_signature_leaves_the_nomogram_only():
    frame, positive = cohort()
    frame["DLR"] = expit(logit(frame["DLR"].to_numpy()) + 0.02 * positive)
    model = fit_combined(frame, positive, CandidateSet(("er",), ("DLR",)))
    assert "DLR" in model.fit.variables
    assert model.nomogram.variables == ("er",)
    assert model.nomogram_dropped[0].variable == "DLR" and "above 0.05" in model.nomogram_dropped[0].reason


def test_nothing_left_is_absent_with_the_reason():
    frame, positive = cohort()
    frame["er"] = 1.0
    model = fit_combined(frame, positive, CandidateSet(("er",), ("DL",)))
    assert model.fit is None and model.nomogram is None
    assert "er (the same value in all training patients)" in model.reason and "DL (coefficient" in model.reason
    assert model.terms()["variant"].unique().tolist() == ["full"]
    with pytest.raises(InputError, match="no candidate is left"):
        model.predict(frame)
    assert CombinedModel.from_json(model.to_json()).reason == model.reason


def test_paper_screens_by_univariable_p_and_steps_by_aic():
    frame, positive = cohort()
    model = fit_combined(frame, positive, CandidateSet(("er", "age", "side"), ("Rad",)), protocol="paper")
    assert set(model.fit.variables) == {"Rad", "er"} and model.fit.method == "ML" and model.bound is None
    assert {d.variable for d in model.dropped} == {"age", "side"}
    assert all(d.reason.startswith("univariable p = ") for d in model.dropped)
    by_hand = logistic(frame[["Rad", "er"]], positive, logits=["Rad"])
    np.testing.assert_allclose(model.fit.coefficients, by_hand.coefficients, rtol=1e-10)


def test_ridge_shrinks():
    frame, positive = cohort(120)
    free, shrunk = (fit_combined(frame, positive, ER_AGE_RAD, penalty=kind, bound=3) for kind in ("firth", "ridge"))
    assert shrunk.fit.method == "ridge"
    assert np.abs(shrunk.fit.coefficients[1]) < np.abs(free.fit.coefficients[1])


def test_determined_candidates_leave():
    frame, positive = cohort()
    frame["hr"] = 1 - frame["er"]
    model = fit_combined(frame, positive, CandidateSet(("er", "hr"), ("Rad",)), bound=3)
    assert model.fit.variables == ("Rad", "er")
    assert model.dropped[0].reason == "determined by the other candidates"


def test_missing_clinical_values_are_filled_as_in_training_and_signatures_never():
    frame, positive = cohort()
    frame.loc["P003", "age"] = np.nan
    frame.loc["P004", "side"] = None
    model = fit_combined(frame, positive, CandidateSet(("er", "age", "side"), ("Rad",)), bound=5)
    assert model.fill["age"] == frame["age"].median() and model.fill["side"] == frame["side"].mode()[0]
    filled = frame.fillna({"age": frame["age"].median(), "side": model.fill["side"]})
    np.testing.assert_array_equal(model.predict(frame), model.predict(filled))
    without = frame.copy()
    without.loc["P007", "Rad"] = np.nan
    assert np.isnan(model.predict(without)).tolist() == (frame.index == "P007").tolist()
    with pytest.raises(InputError, match="P007"):
        fit_combined(without, positive, ER_AGE_RAD)


def test_a_saved_model_predicts_the_same_bits_and_draws_the_same_nomogram():
    frame, positive = cohort()
    model = fit_combined(frame, positive, CandidateSet(("er", "age", "side"), ("Rad",)), bound=5)
    back = CombinedModel.from_json(model.to_json())
    np.testing.assert_array_equal(back.predict(frame), model.predict(frame))
    assert back.candidates == model.candidates and back.dropped == model.dropped and back.bound == 5
    drawn = Nomogram.from_logistic(back.nomogram)
    np.testing.assert_allclose(drawn.risk(drawn.total(frame)), model.nomogram.predict(frame), rtol=1e-10)
