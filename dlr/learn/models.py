"""Fitted classifiers and regressors in forms that can be saved without pickle; what is saved is what predicts.

Logistic and ridge regression and the scaled margin of the linear SVM as JSON, LightGBM as text, XGBoost as its JSON,
forests as a table of nodes.
"""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlr.errors import InputError
from dlr.learn.booster_files import check_lightgbm, check_xgboost
from dlr.learn.forest import Forest
from dlr.stats.scaling import Scaling
from dlr.words import TargetKind, expit

__all__ = ["FILE_NAME", "Constant", "FittedModel", "Linear", "LightGbm", "Logistic", "Xgboost", "model_from_bytes"]

FILE_NAME = {
    "logistic": "logistic.json",
    "random_forest": "random_forest.parquet",
    "extra_trees": "extra_trees.parquet",
    "xgboost": "xgboost.json",
    "lightgbm": "lightgbm.txt",
    "ridge": "ridge.json",
    "svm": "svm.json",
}
MEND = "use the folder that dlr itself wrote, or fit the study again"


class FittedModel(typing.Protocol):
    """Standardised features in; probabilities out, or the outcome itself where it is a number."""

    def predict(self, values: np.ndarray) -> np.ndarray:
        """float64 (n,) for float64 (n, p)."""

    def to_bytes(self) -> bytes:
        """The whole model; equal models give equal bytes."""


@dataclass(frozen=True)
class Constant:
    """One value for everybody, the training prevalence or median: what remains where the selection is empty."""

    value: float

    def predict(self, values: np.ndarray) -> np.ndarray:
        return np.full(len(values), self.value)

    def to_bytes(self) -> bytes:
        return json.dumps({"constant": self.value}).encode()


@dataclass(frozen=True)
class Logistic:
    """expit(intercept + values @ coefficients)."""

    intercept: float
    coefficients: np.ndarray

    def predict(self, values: np.ndarray) -> np.ndarray:
        return expit(self.intercept + (values * self.coefficients).sum(axis=1))

    def to_bytes(self) -> bytes:
        return json.dumps({"intercept": self.intercept, "coefficients": self.coefficients.tolist()}).encode()


@dataclass(frozen=True)
class Linear:
    """intercept + values @ coefficients: a per cent, or the margin of a support vector machine."""

    intercept: float
    coefficients: np.ndarray

    def predict(self, values: np.ndarray) -> np.ndarray:
        return self.intercept + (values * self.coefficients).sum(axis=1)

    def scaled(self, scaling: Scaling) -> Logistic:
        """A margin as a probability."""
        return Logistic(scaling.intercept + scaling.slope * self.intercept, scaling.slope * self.coefficients)

    def to_bytes(self) -> bytes:
        return json.dumps({"intercept": self.intercept, "coefficients": self.coefficients.tolist()}).encode()


@dataclass(frozen=True)
class LightGbm:
    """A LightGBM booster."""

    booster: Any

    def predict(self, values: np.ndarray) -> np.ndarray:
        if values.shape[1] != self.booster.num_feature():
            raise ValueError(f"the booster asks for {self.booster.num_feature()} columns, there are {values.shape[1]}")
        return np.asarray(self.booster.predict(values, num_threads=1))

    def to_bytes(self) -> bytes:
        return self.booster.model_to_string().encode()


@dataclass(frozen=True)
class Xgboost:
    """An XGBoost booster; it computes in float32."""

    booster: Any

    def predict(self, values: np.ndarray) -> np.ndarray:
        return self.booster.inplace_predict(values).astype(float)

    def to_bytes(self) -> bytes:
        return bytes(self.booster.save_raw("json"))


def model_from_bytes(algorithm: str, data: bytes, where: str, kind: TargetKind = TargetKind.BINARY) -> FittedModel:
    """Read what `to_bytes` wrote; data only, nothing of it runs.  kind : of the target, as ridge answers both."""
    try:
        if data[:12] == b'{"constant":':
            return Constant(float(json.loads(data)["constant"]))
        linear = algorithm == "ridge" and kind is TargetKind.PER_CENT
        return _read_linear(data) if linear else _READERS[algorithm](data)
    except (ValueError, KeyError, TypeError, OSError, OverflowError, RecursionError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(where, f"is not a saved {algorithm} model ({reason})", MEND) from error


def _read_logistic(data: bytes) -> FittedModel:
    plain = json.loads(data)
    return Logistic(float(plain["intercept"]), np.array(plain["coefficients"], dtype=float))


def _read_linear(data: bytes) -> FittedModel:
    plain = json.loads(data)
    return Linear(float(plain["intercept"]), np.array(plain["coefficients"], dtype=float))


def _read_lightgbm(data: bytes) -> FittedModel:
    import lightgbm

    text = data.decode()
    check_lightgbm(text)
    try:
        return LightGbm(lightgbm.Booster(model_str=text))
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(str(error)) from error


def _read_xgboost(data: bytes) -> FittedModel:
    import xgboost

    check_xgboost(data)
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(data))  # its own error is a ValueError
    return Xgboost(booster)


_READERS = {
    "logistic": _read_logistic,
    "random_forest": Forest.from_bytes,
    "extra_trees": Forest.from_bytes,
    "xgboost": _read_xgboost,
    "lightgbm": _read_lightgbm,
    "ridge": _read_logistic,
    "svm": _read_logistic,  # its scaled margin
}
