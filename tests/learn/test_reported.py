"""Classifiers that are reported beside: fitted as any other, never chosen, and without a trace on those that are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from learning_data import feature_table

from dlr.engine.keys import identity_of_settings
from dlr.engine.settings import resolve
from dlr.errors import InputError
from dlr.learn import LearnSettings, fit_chains, load_chain, save_chains
from dlr.settings import StudySettings
from dlr.words import TargetKind

GIVEN = {"protocol": "crossfit", "seed": 5, "select": False}
ALONE = LearnSettings(algorithms=["extra_trees"], select=False, inner_folds=3, trees=2, max_grid=1)
BESIDE = ALONE.model_copy(update={"reported": ["ridge", "svm"]})


def test_the_better_one_is_not_chosen_where_it_is_only_reported(tmp_path):
    """A straight line between the classes, and two trees: both machines lose less on held-out rows."""
    frame, positive = feature_table(features=12, signal=2.0)
    fitted = fit_chains(frame, positive, None, BESIDE, **GIVEN)
    value = fitted.choices.set_index("algorithm")["value"]
    assert list(value.index) == ["extra_trees", "ridge", "svm"] and value["svm"] < value["extra_trees"]
    assert fitted.chosen == "extra_trees" and fitted.choices["chosen"].tolist() == [True, False, False]
    among = ALONE.model_copy(update={"algorithms": ["extra_trees", "svm"]})
    assert fit_chains(frame, positive, None, among, **GIVEN).chosen == "svm", "named among the others it is"
    save_chains(fitted, tmp_path)
    assert load_chain(tmp_path).algorithm == "extra_trees" and load_chain(tmp_path, "svm").algorithm == "svm"


def test_it_is_the_chain_that_it_would_be_among_the_others_and_moves_none_of_them():
    frame, positive = feature_table(features=12)
    fitted = fit_chains(frame, positive, None, BESIDE, **GIVEN)
    for name in ("extra_trees", "ridge", "svm"):
        alone = fit_chains(frame, positive, None, ALONE.model_copy(update={"algorithms": [name]}), **GIVEN).best
        assert json.dumps(fitted.chains[name].parameters) == json.dumps(alone.parameters)
        np.testing.assert_array_equal(fitted.chains[name].predict(frame), alone.predict(frame))


def test_a_per_cent_has_no_classifiers_beside():
    assert BESIDE.fitted(TargetKind.PER_CENT) == BESIDE.learners(TargetKind.PER_CENT) == ("ridge", "lightgbm")
    assert BESIDE.fitted(TargetKind.BINARY) == ("extra_trees", "ridge", "svm")


def test_without_any_the_keys_are_as_before_the_setting():
    assert "reported" not in identity_of_settings(ALONE)
    assert identity_of_settings(BESIDE) == {**identity_of_settings(ALONE), "reported": ["ridge", "svm"]}


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"algorithms": ["ridge", "svm"], "reported": ["logistic", "svm"]}, "svm of learn.reported is in"),
        ({"reported": ["svm", "svm"]}, "names one entry twice"),
        ({"reported": ["svn"]}, "svn"),
    ],
)  # fmt: skip
def test_what_cannot_be_reported_is_refused(given, what):
    with pytest.raises(InputError, match=what):
        resolve(StudySettings, {"learn": given})
