"""Files of boosted trees, looked at before their libraries read them: these trust what a file says of itself.

What LightGBM (text, its version 4) and XGBoost (JSON) write for the models of this room passes; a file that says
anything else, or whose trees do not hold together, is refused. No node asks for a column that is not there, every node
but the root is the child of exactly one node before it, and nothing names a file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["check_lightgbm", "check_xgboost"]

MOST_COLUMNS = 1_000_000
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_HEAD = re.compile(
    r"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=(?P<last>\d{1,6})\n"
    r"objective=(?:binary sigmoid:1|regression)\nfeature_names=(?P<names>[^\n]*)\nfeature_infos=(?P<infos>[^\n]*)\n"
    r"tree_sizes=(?P<sizes>\d{1,9}(?: \d{1,9})*)\n\n"
)
_INFO = re.compile(rf"none|\[{_NUMBER}:{_NUMBER}\]")
_TREE = (  # the lines of a tree in order: name, form of each number, and how many of them beside its leaves
    ("split_feature", r"\d{1,6}", -1),
    ("split_gain", _NUMBER, -1),
    ("threshold", _NUMBER, -1),
    ("decision_type", r"0|2|4|6|8|10", -1),  # no category; whether blanks go left, and what is a blank
    ("left_child", r"-?\d{1,9}", -1),
    ("right_child", r"-?\d{1,9}", -1),
    ("leaf_value", _NUMBER, 0),
    ("leaf_weight", _NUMBER, 0),
    ("leaf_count", r"\d{1,9}", 0),
    ("internal_value", _NUMBER, -1),
    ("internal_weight", _NUMBER, -1),
    ("internal_count", r"\d{1,9}", -1),
)
_TAIL = re.compile(
    r"end of trees\n\nfeature_importances:\n(?:Column_\d{1,6}=\d{1,9}\n)*\n"
    r"parameters:\n(?:\[\w+: [\w.+-]*\]\n)*\nend of parameters\n\npandas_categorical:null\n*"
)
_NAMED_FILE = re.compile(r"^\[(?:\w*filename|\w*file|machines|data|valid): [^\]]", re.MULTILINE)

_NODES = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")  # a number each
_WHOLE_NODES = ("default_left", "left_children", "parents", "right_children", "split_indices", "split_type")
_EMPTY = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
_NO_PARENT = 2**31 - 1


def check_lightgbm(text: str) -> None:
    """Raise ValueError unless this is the text of one of our LightGBM models."""
    _require(text.isascii(), "it holds other than plain letters and numbers")
    head = _HEAD.match(text)
    if head is None:
        raise ValueError("its first lines are not those of a LightGBM model of one outcome")
    columns = int(head["last"]) + 1
    _require(head["names"].split(" ") == [f"Column_{n}" for n in range(columns)], "its columns are not numbered")
    infos = head["infos"].split(" ")
    _require(len(infos) == columns and all(map(_INFO.fullmatch, infos)), "the ranges of its columns are damaged")
    at = head.end()
    for number, size in enumerate(map(int, head["sizes"].split(" "))):
        _check_lightgbm_tree(text[at : at + size], number, columns)
        at += size
    tail = text[at:]
    _require(_TAIL.fullmatch(tail) is not None, "what follows its trees is not what LightGBM writes")
    _require(_NAMED_FILE.search(tail) is None, "its parameters name a file")


def _check_lightgbm_tree(text: str, number: int, columns: int) -> None:
    where = f"tree {number}"
    start = re.match(rf"Tree={number}\nnum_leaves=(?P<leaves>\d{{1,6}})\nnum_cat=0\n", text)
    end = re.search(rf"\nis_linear=0\nshrinkage={_NUMBER}\n\n\n\Z", text)
    _require(start is not None and end is not None, f"{where} does not begin and end as trees do")
    assert start is not None and end is not None
    lines = text[start.end() : end.start()].split("\n")
    leaves = int(start["leaves"])
    found = {}
    _require(len(lines) == len(_TREE) and leaves > 0, f"{where} has other lines than trees have")
    for line, (name, form, more) in zip(lines, _TREE, strict=True):
        key, _, values = line.partition("=")
        cells = values.split()
        _require(key == name, f"{where} has no line {name}")
        alone = leaves == 1 and name in ("leaf_weight", "leaf_count") and not cells
        _require(alone or len(cells) == leaves + more, f"{where} has {len(cells)} values of {name}")
        _require(all(re.fullmatch(form, cell) for cell in cells), f"{where} has a damaged {name}")
        _require(all(math.isfinite(float(cell)) for cell in cells), f"{where} has an infinite {name}")
        found[name] = cells
    _require(all(int(cell) < columns for cell in found["split_feature"]), f"{where} asks for a column beyond the last")
    pairs = zip(map(int, found["left_child"]), map(int, found["right_child"]), strict=True)
    children = [child for pair in pairs for child in pair]
    _require(sorted(children) == [*range(-leaves, 0), *range(1, leaves - 1)][: 2 * leaves - 2], f"{where} is no tree")
    _require(all(child < 0 or child > place // 2 for place, child in enumerate(children)), f"{where} is no tree")


def check_xgboost(data: bytes) -> None:
    """Raise ValueError unless this is the JSON of one of our XGBoost models."""
    _require(data.isascii(), "it holds other than plain letters and numbers")
    try:
        plain = json.loads(data, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deep") from error
    _keys(plain, "the file", "learner", "version")
    learner = plain["learner"]
    _keys(learner, "learner", "attributes", "feature_names", "feature_types", "gradient_booster", "learner_model_param",
          "objective")  # fmt: skip
    _require(
        learner["attributes"] == {} and learner["feature_names"] == [] and learner["feature_types"] == [],
        "it names columns or attributes",
    )
    _require(_whole(plain["version"], 0, 1000) and len(plain["version"]) == 3, "its version is damaged")
    objective = {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}}
    _require(learner["objective"] == objective, "its objective is another")
    shape = learner["learner_model_param"]
    _keys(shape, "learner_model_param", "base_score", "boost_from_average", "num_class", "num_feature", "num_target")
    columns = _count(shape["num_feature"], "num_feature")
    _require(
        isinstance(shape["base_score"], str)
        and re.fullmatch(rf"\[?{_NUMBER}\]?", shape["base_score"].lower()) is not None
        and (shape["boost_from_average"], shape["num_class"], shape["num_target"]) == ("1", "0", "1")
        and columns <= MOST_COLUMNS,
        "its model is of another shape",
    )
    _check_xgboost_trees(learner["gradient_booster"], columns)


def _check_xgboost_trees(booster: Any, columns: int) -> None:
    _keys(booster, "gradient_booster", "model", "name")
    model = booster["model"]
    _keys(model, "model", "gbtree_model_param", "iteration_indptr", "tree_info", "trees", further=("cats",))
    nothing: dict[str, list[Any]] = {"enc": [], "feature_segments": [], "sorted_idx": []}
    _require(booster["name"] == "gbtree" and model.get("cats", nothing) == nothing, "it is no model of plain trees")
    trees = model["trees"]
    _require(isinstance(trees, list), "its trees are no list")
    _keys(model["gbtree_model_param"], "gbtree_model_param", "num_parallel_tree", "num_trees")
    _require(
        model["gbtree_model_param"] == {"num_parallel_tree": "1", "num_trees": str(len(trees))}
        and _same(model["tree_info"], [0] * len(trees))
        and _same(model["iteration_indptr"], list(range(len(trees) + 1))),
        "the number of its trees is another than it says",
    )
    for number, tree in enumerate(trees):
        _check_xgboost_tree(tree, number, columns)


def _check_xgboost_tree(tree: Any, number: int, columns: int) -> None:
    where = f"tree {number}"
    _keys(tree, where, *_NODES, *_WHOLE_NODES, *_EMPTY, "id", "tree_param")
    _keys(tree["tree_param"], where, "num_deleted", "num_feature", "num_nodes", "size_leaf_vector")
    nodes = _count(tree["tree_param"]["num_nodes"], "num_nodes")
    _require(
        {**tree["tree_param"], "num_nodes": ""}
        == {"num_deleted": "0", "num_feature": str(columns), "num_nodes": "", "size_leaf_vector": "1"}
        and _same([tree["id"]], [number])
        and all(tree[name] == [] for name in _EMPTY),
        f"{where} is of another shape",
    )
    for name in (*_NODES, *_WHOLE_NODES):
        _require(isinstance(tree[name], list) and len(tree[name]) == nodes > 0, f"{where} has too many or few {name}")
    values = [value for name in _NODES for value in tree[name]]
    _require(
        all(isinstance(value, float) and math.isfinite(value) for value in values), f"{where} has no finite numbers"
    )
    _require(
        _whole(tree["default_left"], 0, 1)
        and _whole(tree["split_type"], 0, 0)
        and _whole(tree["split_indices"], 0, columns - 1)
        and all(_whole(tree[name], -1, nodes - 1) for name in ("left_children", "right_children"))
        and _whole(tree["parents"], 0, _NO_PARENT),
        f"{where} asks for a column or a node beyond the last",
    )
    parents = [_NO_PARENT] + [-1] * (nodes - 1)
    for node, pair in enumerate(zip(tree["left_children"], tree["right_children"], strict=True)):
        if pair == (-1, -1):
            continue
        for child in pair:
            _require(child > node and parents[child] == -1, f"{where} is no tree")
            parents[child] = node
    _require(parents == tree["parents"], f"{where} is no tree")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _keys(plain: Any, where: str, *names: str, further: Sequence[str] = ()) -> None:
    _require(
        isinstance(plain, dict) and {*names} <= plain.keys() <= {*names, *further},
        f"{where} has other keys than XGBoost writes",
    )


def _count(text: Any, name: str) -> int:
    _require(isinstance(text, str) and re.fullmatch(r"[0-9]{1,9}", text) is not None, f"{name} is no number")
    return int(text)


def _whole(values: Any, least: int, most: int) -> bool:
    """Whether these are whole numbers within a range; true and 1.0 are none."""
    return isinstance(values, list) and all(type(value) is int and least <= value <= most for value in values)


def _same(values: Any, wanted: Sequence[int]) -> bool:
    return _whole(values, 0, _NO_PARENT) and values == wanted


def _once(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    """An object of JSON, no key of it twice: readers differ in which one counts."""
    found = dict(pairs)
    _require(len(found) == len(pairs), "a key stands twice")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
