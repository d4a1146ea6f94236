"""The Rad-score: the LASSO's own linear predictor, as a table and as one line to copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlr.learn.lasso import LassoNumberSelector, LassoSelector

__all__ = ["RadScore", "lasso_cv", "lasso_path", "rad_score_formula"]


@dataclass(frozen=True)
class RadScore:
    """intercept + sum of coefficient x (value - mean) / sd; a logit if `family` is binomial, else the outcome."""

    family: str
    intercept: float
    features: tuple[str, ...]
    coefficient: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    def value(self, standardised: np.ndarray) -> np.ndarray:
        """The score of standardised kept features (n, p)."""
        return self.intercept + (standardised * self.coefficient).sum(axis=1)

    def table(self) -> pd.DataFrame:
        """feature, coefficient, mean, sd; the largest |coefficient| first."""
        table = pd.DataFrame(
            {"feature": self.features, "coefficient": self.coefficient, "mean": self.mean, "sd": self.deviation}
        )
        order = np.argsort(-np.abs(self.coefficient), kind="stable")
        return table.iloc[order].reset_index(drop=True)

    def to_json(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "intercept": self.intercept,
            "features": list(self.features),
            "coefficient": self.coefficient.tolist(),
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> RadScore:
        arrays = {name: np.asarray(plain[name], dtype=float) for name in ("coefficient", "mean", "deviation")}
        return cls(plain["family"], float(plain["intercept"]), tuple(plain["features"]), **arrays)


def rad_score_formula(score: RadScore) -> str:
    """One line to copy: Rad-score = b0 + b1 x (feature - mean) / sd + ..., numbers to nine digits."""
    parts = [f"{score.intercept:.9g}"]
    order = np.argsort(-np.abs(score.coefficient), kind="stable")
    for j in order:
        coefficient, mean = float(score.coefficient[j]), float(score.mean[j])
        centre = f"- {mean:.9g}" if mean >= 0 else f"+ {-mean:.9g}"
        sign = "+" if coefficient >= 0 else "-"
        parts.append(f"{sign} {abs(coefficient):.9g} * ({score.features[j]} {centre}) / {score.deviation[j]:.9g}")
    return "Rad-score = " + " ".join(parts)


def lasso_path(lasso: LassoSelector | LassoNumberSelector, features: Sequence[str]) -> pd.DataFrame:
    """The path for its figure: log_lambda, feature, coefficient (standardised columns); features that ever entered."""
    path = lasso.path_
    ever = np.flatnonzero((path.coefficients != 0).any(axis=0))
    return pd.DataFrame(
        {
            "log_lambda": np.repeat(_log(path.lambdas), len(ever)),
            "feature": np.tile(np.array(features, dtype=object)[ever], len(path.lambdas)),
            "coefficient": path.coefficients[:, ever].ravel(),
        }
    )


def lasso_cv(lasso: LassoSelector | LassoNumberSelector) -> pd.DataFrame:
    """The cross-validated error for its figure: log_lambda, mean, sd (standard error), lambda_min, lambda_1se."""
    curve = lasso.curve_
    table = pd.DataFrame({"log_lambda": _log(curve.lambdas), "mean": curve.mean, "sd": curve.error})
    return table.assign(lambda_min=curve.lambda_min, lambda_1se=curve.lambda_1se)


def _log(lambdas: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(lambdas, np.finfo(float).tiny))
