"""Fitted classifiers in forms that can be saved without pickle; what is saved is what predicts.

Logistic regression as JSON, LightGBM as its text, XGBoost as its JSON, forests as skops with a check of types.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dlr.errors import InputError
from dlr.words import expit

__all__ = ["FILE_NAME", "Constant", "Model", "model_from_bytes", "model_from_estimator"]

FILE_NAME = {
    "logistic": "logistic.json",
    "random_forest": "random_forest.skops",
    "extra_trees": "extra_trees.skops",
    "xgboost": "xgboost.json",
    "lightgbm": "lightgbm.txt",
}
MEND = "use the folder that dlr itself wrote, or fit the study again"
FORESTS = ("ExtraTreesClassifier", "RandomForestClassifier")
FOREST_TYPES = {  # what a saved forest may hold beside skops' own list of safe types
    "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._tree.Tree",
}


class Model(Protocol):
    """Standardised features in, probabilities out."""

    def probability(self, values: np.ndarray) -> np.ndarray:
        """float64 (n,) for float64 (n, p)."""

    def to_bytes(self) -> bytes:
        """The whole model; equal models give equal bytes."""


@dataclass(frozen=True)
class Constant:
    """The training prevalence for everybody: what remains where the selection is empty."""

    prevalence: float

    def probability(self, values: np.ndarray) -> np.ndarray:
        return np.full(len(values), self.prevalence)

    def to_bytes(self) -> bytes:
        return json.dumps({"constant": self.prevalence}).encode()


@dataclass(frozen=True)
class Logistic:
    """expit(intercept + values @ coefficients)."""

    intercept: float
    coefficients: np.ndarray

    def probability(self, values: np.ndarray) -> np.ndarray:
        return expit(self.intercept + (values * self.coefficients).sum(axis=1))

    def to_bytes(self) -> bytes:
        return json.dumps({"intercept": self.intercept, "coefficients": self.coefficients.tolist()}).encode()


@dataclass(frozen=True)
class Forest:
    """A random forest or extra trees of scikit-learn."""

    estimator: Any

    def probability(self, values: np.ndarray) -> np.ndarray:
        return self.estimator.predict_proba(values)[:, 1]

    def to_bytes(self) -> bytes:
        import skops.io

        return _canonical(skops.io.dumps(self.estimator))


@dataclass(frozen=True)
class LightGbm:
    """A LightGBM booster."""

    booster: Any

    def probability(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(self.booster.predict(values, num_threads=1))

    def to_bytes(self) -> bytes:
        return self.booster.model_to_string().encode()


@dataclass(frozen=True)
class Xgboost:
    """An XGBoost booster; it computes in float32."""

    booster: Any

    def probability(self, values: np.ndarray) -> np.ndarray:
        return self.booster.inplace_predict(values).astype(float)

    def to_bytes(self) -> bytes:
        return bytes(self.booster.save_raw("json"))


def model_from_estimator(algorithm: str, estimator: Any) -> Model:
    """The saved form of a fitted scikit-learn style classifier of classes 0 and 1."""
    if algorithm == "logistic":
        return Logistic(float(estimator.intercept_[0]), np.array(estimator.coef_[0], dtype=float))
    if algorithm == "lightgbm":
        return LightGbm(estimator.booster_)
    if algorithm == "xgboost":
        booster = estimator.get_booster()
        booster.set_param({"nthread": 1})
        return Xgboost(booster)
    return Forest(estimator)


def model_from_bytes(algorithm: str, data: bytes, where: str) -> Model:
    """Read what `to_bytes` wrote; a forest with a type outside the short list is refused, nothing of it runs."""
    if data[:12] == b'{"constant":':
        return Constant(float(json.loads(data)["constant"]))
    if algorithm in ("random_forest", "extra_trees"):
        return Forest(_load_forest(data, where))
    try:
        return _READERS[algorithm](data)
    except (ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(where, f"is not a saved {algorithm} model ({reason})", MEND) from error


def _read_logistic(data: bytes) -> Model:
    plain = json.loads(data)
    return Logistic(float(plain["intercept"]), np.array(plain["coefficients"], dtype=float))


def _read_lightgbm(data: bytes) -> Model:
    import lightgbm

    try:
        return LightGbm(lightgbm.Booster(model_str=data.decode()))
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(str(error)) from error


def _read_xgboost(data: bytes) -> Model:
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(data))  # its own error is a ValueError
    return Xgboost(booster)


_READERS = {"logistic": _read_logistic, "lightgbm": _read_lightgbm, "xgboost": _read_xgboost}


def _load_forest(data: bytes, where: str) -> Any:
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

    try:
        forest = skops.io.loads(data, trusted=sorted(FOREST_TYPES))
    except UntrustedTypesFoundException as error:
        raise InputError(where, f"holds types that a forest has no need of ({error})", MEND) from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, UnsupportedTypeException) as error:
        raise InputError(where, f"is not a saved forest ({error})", MEND) from error
    if type(forest).__name__ not in FORESTS:
        raise InputError(where, f"holds a {type(forest).__name__}, not a forest", MEND)
    return forest


def _canonical(data: bytes) -> bytes:
    """The same skops file with addresses numbered in order and dates fixed: equal forests are equal bytes.

    Cause: skops names objects and files by id(); may go when it numbers them itself.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members.pop("schema.json").decode()
    number: dict[str, int] = {}
    for address in re.findall(r'"__id__": (\d+)', schema):
        number.setdefault(address, len(number))
    schema = re.sub(r'"__id__": (\d+)', lambda m: f'"__id__": {number[m[1]]}', schema)
    schema = re.sub(r'"file": "(\d+)\.', lambda m: f'"file": "{number[m[1]]}.', schema)
    renamed = {f"{number[name.split('.')[0]]}.{name.split('.', 1)[1]}": content for name, content in members.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in [("schema.json", schema.encode()), *sorted(renamed.items())]:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
