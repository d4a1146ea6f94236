"""A fitted logistic model: what every estimator of this room hands over."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from dlr.stats.design import Design
from dlr.words import expit

__all__ = ["LogisticFit", "Step"]

TERM_COLUMNS = (
    "estimate", "se", "z", "p", "lower", "upper", "profile_lower", "profile_upper",
    "odds_ratio", "or_lower", "or_upper", "lr_chi2", "lr_p",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step of a selection by AIC: what left or entered, and the model's AIC after it."""

    action: str  # "" for the start, "- age", "+ race"
    df: int
    deviance: float
    aic: float


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A logistic model with its terms, and the design that applies it to new patients.

    terms : index = coefficient, "(Intercept)" first; columns TERM_COLUMNS. `p`, `lower`, `upper`, `or_lower` and
        `or_upper` are Wald's; `profile_*` and `lr_*` come from the (penalised) likelihood with the other coefficients
        refitted. All limits are of 95 %; one that does not exist is infinite, one that was not asked for
        or that could not be found (`notes` says so) NaN.
    log_likelihood : without the penalty, at the estimates; `maximised` holds what was maximised.
    """

    terms: pd.DataFrame
    log_likelihood: float
    null_log_likelihood: float
    maximised: float
    n: int
    n_positive: int
    vcov: np.ndarray
    separated: tuple[str, ...]  # terms whose maximum-likelihood estimate is infinite
    method: str  # "ML", "Firth", "ridge"
    design: Design
    penalty: float = 0.0  # ridge only
    effective_df: float = float("nan")  # parameters beside the intercept; fewer than terms under ridge
    path: tuple[Step, ...] = field(default=())  # of a stepwise selection
    notes: tuple[str, ...] = field(default=())  # what could not be computed

    @property
    def coefficients(self) -> np.ndarray:
        """Estimates in the order of `terms`."""
        return self.terms["estimate"].to_numpy(dtype=float)

    @property
    def intercept(self) -> float:
        """Log odds where every column is 0."""
        return float(self.coefficients[0])

    @property
    def variables(self) -> tuple[str, ...]:
        """The table's columns in the model."""
        return self.design.names

    def linear_predictor(self, frame: pd.DataFrame) -> np.ndarray:
        """Log odds (n,) of the patients of a raw table; NaN where a value is missing."""
        return self.design.matrix(frame) @ self.coefficients

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Probabilities (n,) of the patients of a raw table; NaN where a value is missing."""
        return expit(self.linear_predictor(frame))

    @property
    def deviance(self) -> float:
        """−2 log-likelihood (the saturated model of 0/1 outcomes has 0)."""
        return -2 * self.log_likelihood

    @property
    def aic(self) -> float:
        """Deviance + 2 × number of coefficients."""
        return self.deviance + 2 * len(self.terms)

    @property
    def r2_cox_snell(self) -> float:
        """1 − (L₀/L)^(2/n)."""
        return float(-np.expm1(2 * (self.null_log_likelihood - self.log_likelihood) / self.n))

    @property
    def r2_nagelkerke(self) -> float:
        """Cox and Snell's R² over its largest possible value."""
        return self.r2_cox_snell / float(-np.expm1(2 * self.null_log_likelihood / self.n))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` gives the same fit back to the last bit."""
        stored = {f.name: getattr(self, f.name) for f in fields(self)}
        stored["terms"] = {
            "term": list(self.terms.index),
            **{column: [_number(v) for v in self.terms[column]] for column in TERM_COLUMNS},
        }
        stored["vcov"] = [[_number(v) for v in row] for row in self.vcov]
        stored["design"] = self.design.to_dict()
        stored["effective_df"] = _number(self.effective_df)
        stored["path"] = [[step.action, step.df, step.deviance, step.aic] for step in self.path]
        return stored

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> LogisticFit:
        """The inverse of `to_dict`."""
        values = dict(stored)
        terms = dict(values["terms"])
        index = pd.Index(terms.pop("term"), name="term")
        values["terms"] = pd.DataFrame({c: np.array(v, dtype=float) for c, v in terms.items()}, index=index)
        values["vcov"] = np.array(values["vcov"], dtype=float)
        values["design"] = Design.from_dict(values["design"])
        values["effective_df"] = float(np.array(values["effective_df"], dtype=float))
        values["separated"] = tuple(values["separated"])
        values["path"] = tuple(Step(*step) for step in values["path"])
        values["notes"] = tuple(values.get("notes", ()))  # release 0.1.0 wrote none
        return cls(**values)

    def to_json(self) -> str:
        """The fit as JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> LogisticFit:
        """The inverse of `to_json`."""
        return cls.from_dict(json.loads(text))


def _number(value: float) -> float | str | None:
    """JSON has neither NaN nor infinity: null and the words "inf" and "-inf", which float() reads."""
    if np.isnan(value):
        return None
    return float(value) if np.isfinite(value) else str(float(value))
