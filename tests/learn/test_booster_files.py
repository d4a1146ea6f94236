"""What LightGBM and XGBoost write for us is read; whatever else is refused before their own code sees it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from dlr.errors import InputError
from dlr.learn.booster_files import check_lightgbm, check_xgboost
from dlr.learn.classifiers import RECIPES, Rows, boosted_trees
from dlr.learn.models import model_from_bytes


@cache
def saved(algorithm: str, point: int = 0, trees: int = 3) -> bytes:
    """A model of 80 rows and five columns."""
    draws = np.random.default_rng(0)
    values = draws.normal(size=(80, 5))
    recipe = RECIPES[algorithm]
    rows = Rows(values, values[:, 0] + draws.normal(size=80) > 0)
    return recipe.fit(rows, [recipe.grid[point]], trees, 1)[0].to_bytes()


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost"])
def test_every_model_of_the_grid_is_read_and_says_the_same(algorithm):
    values = np.random.default_rng(1).normal(size=(9, 5))
    values[0, 0] = np.nan
    for point in range(len(RECIPES[algorithm].grid)):
        data = saved(algorithm, point)
        model = model_from_bytes(algorithm, data, "x")
        assert model.to_bytes() == data and np.isfinite(model.predict(values)).all()


def test_trees_of_one_leaf_ranges_of_no_value_and_per_cents_are_read():
    flat = np.zeros((80, 3))
    outcome = np.arange(80) % 2 == 0
    for algorithm, fit in (("xgboost", RECIPES["xgboost"].fit), ("lightgbm", RECIPES["lightgbm"].fit)):
        for values in (flat, np.random.default_rng(0).normal(size=(12, 3)).repeat(7, axis=0)[:80] * [1, 0, 1e-300]):
            model = fit(Rows(values, outcome), [RECIPES[algorithm].grid[0]], 2, 1)[0]
            model_from_bytes(algorithm, model.to_bytes(), "x")
    values = np.random.default_rng(0).normal(size=(80, 3))
    model = boosted_trees("regression")(Rows(values, 100 * values[:, 0]), [RECIPES["lightgbm"].grid[0]], 2, 1)[0]
    check_lightgbm(model.to_bytes().decode())


LIGHTGBM = {  # what is damaged, by what it becomes
    "a column beyond the last": (b"split_feature=0", b"split_feature=9", "column beyond the last"),
    "a child that is not there": (b"left_child=-1", b"left_child=-5", "is no tree"),
    "a child twice": (b"right_child=-2", b"right_child=-1", "is no tree"),
    "a longer tree than its size says": (b"left_child=-1", b"left_child=000", "tree 0 does not begin and end"),
    "a value too few": (b"leaf_count=33 31", b"leaf_count=33731", "values of leaf_count"),
    "a value that is none": (b"shrinkage=0.02", b"shrinkage=nan", "begin and end"),
    "an infinite value": (b"split_gain=16.2955", b"split_gain=1.6e999", "infinite split_gain"),
    "a category": (b"num_cat=0", b"num_cat=7", "begin and end"),
    "linear leaves": (b"is_linear=0", b"is_linear=1", "begin and end"),
    "a size of a tree": (b"tree_sizes=", b"tree_sizes=9", "tree 0"),
    "more trees than there are": (b"\n\nTree=0", b" 99\n\nTree=0", "tree 3"),
    "several outcomes": (b"num_class=1", b"num_class=3", "first lines"),
    "fewer columns": (b"max_feature_idx=4", b"max_feature_idx=3", "not numbered"),
    "a range of a column": (b"feature_infos=[", b"feature_infos=[a", "ranges"),
    "a file that is named": (b"[data: ]", b"[data: train.csv]", "name a file"),
    "a path": (b"[forcedsplits_filename: ]", b"[forcedsplits_filename: /etc/passwd]", "follows its trees"),
    "other letters": (b"Tree=1", "Tree=\u0661".encode(), "plain letters"),
}


@pytest.mark.parametrize(("old", "new", "what"), LIGHTGBM.values(), ids=LIGHTGBM)
def test_a_damaged_lightgbm_file_is_refused(old, new, what):
    data = saved("lightgbm")
    assert old in data
    refused("lightgbm", data.replace(old, new, 1), what)


XGBOOST: dict[str, tuple[Callable[[dict], object], str]] = {
    "a column beyond the last": (lambda m: tree(m)["split_indices"].__setitem__(0, 5), "beyond the last"),
    "a child beyond the last": (lambda m: tree(m)["left_children"].__setitem__(0, 3), "beyond the last"),
    "a child twice": (lambda m: tree(m)["right_children"].__setitem__(0, 1), "is no tree"),
    "a root below itself": (lambda m: tree(m)["left_children"].__setitem__(0, 0), "is no tree"),
    "another parent": (lambda m: tree(m)["parents"].__setitem__(2, 1), "is no tree"),
    "a value too few": (lambda m: tree(m)["split_conditions"].pop(), "too many or few split_conditions"),
    "a text for a number": (lambda m: tree(m)["base_weights"].__setitem__(0, "1"), "no finite numbers"),
    "a truth for a number": (lambda m: tree(m)["default_left"].__setitem__(0, True), "beyond the last"),
    "a category": (lambda m: tree(m)["categories"].append(1), "another shape"),
    "more nodes than there are": (lambda m: tree(m)["tree_param"].update(num_nodes="900"), "too many or few"),
    "a tree that is missing": (lambda m: model(m)["trees"].pop(), "number of its trees"),
    "trees of a class": (lambda m: model(m)["tree_info"].__setitem__(0, 7), "number of its trees"),
    "another booster": (lambda m: m["learner"]["gradient_booster"].update(name="dart"), "plain trees"),
    "another objective": (lambda m: m["learner"]["objective"].update(name="rank:ndcg"), "objective"),
    "a key more": (lambda m: m["learner"].update(extra={}), "other keys"),
    "a key less": (lambda m: m["learner"].pop("objective"), "other keys"),
    "a list for an object": (lambda m: m.update(learner=[]), "other keys"),
    "more columns than memory": (lambda m: shape(m).update(num_feature="999999999"), "another shape"),
    "a negative number of columns": (lambda m: shape(m).update(num_feature="-1"), "no number"),
}


@pytest.mark.parametrize(("damage", "what"), XGBOOST.values(), ids=XGBOOST)
def test_a_damaged_xgboost_file_is_refused(damage, what):
    plain = json.loads(saved("xgboost"))
    damage(plain)
    refused("xgboost", json.dumps(plain).encode(), what)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[" * 99999, b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"null"])
def test_other_json_is_no_model(data):
    with pytest.raises(ValueError):
        check_xgboost(data)
    refused("xgboost", data, "")


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost", "random_forest", "logistic"])
def test_a_file_cut_off_anywhere_is_refused(algorithm):
    data = saved(algorithm)
    for share in range(20):
        refused(algorithm, data[: len(data) * share // 20], "")


def refused(algorithm: str, data: bytes, what: str) -> None:
    with pytest.raises(InputError) as error:
        model_from_bytes(algorithm, data, "study/model")
    (problem,) = error.value.problems
    assert problem.where == "study/model" and "fit the study again" in problem.mend
    assert f"not a saved {algorithm} model" in problem.what and what in problem.what


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost"])
def test_no_mutation_of_a_file_ends_the_process(algorithm):
    """Every mutation is refused, or read by the library and predicted from, in a process that may die."""
    draws = np.random.default_rng(5)
    good = saved(algorithm, len(RECIPES[algorithm].grid) - 1, 4)
    ends = []
    for _ in range(40):
        child = os.fork()
        if child == 0:
            os.close(2)
            signal.alarm(60)
            for _ in range(50):
                _read(algorithm, _mutated(good, draws))
            os._exit(0)
        ends.append(os.waitpid(child, 0)[1])
        draws = np.random.default_rng(draws.integers(2**32))
    assert ends == [0] * 40


def _mutated(good: bytes, draws: np.random.Generator) -> bytes:
    data = bytearray(good)
    for _ in range(draws.integers(1, 4)):
        at = int(draws.integers(len(data)))
        kind = draws.integers(4)
        if kind == 0:
            data[at] = int(draws.integers(256))
        elif kind == 1:
            data[at] = int(draws.choice(list(b"0123456789-.e ,[]\n")))
        elif kind == 2:
            del data[at : at + int(draws.integers(1, 30))]
        else:
            data[at:at] = data[int(draws.integers(len(data))) :][: int(draws.integers(1, 30))]
    return bytes(data)


def _read(algorithm: str, data: bytes) -> None:
    try:
        model_from_bytes(algorithm, data, "x").predict(np.zeros((2, 5)))
    except InputError:
        return


def tree(plain: dict) -> dict:
    return model(plain)["trees"][0]


def model(plain: dict) -> dict:
    return plain["learner"]["gradient_booster"]["model"]


def shape(plain: dict) -> dict:
    return plain["learner"]["learner_model_param"]
