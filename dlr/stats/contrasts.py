"""What a fitted logistic model says of a variable with several coefficients: a contrast of two values, Wald's test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import chi2

from dlr.stats.logistic_fit import LogisticFit
from dlr.stats.outcome import Z

__all__ = ["EFFECT_COLUMNS", "contrast", "effects", "wald_p"]

EFFECT_COLUMNS = (
    "estimate", "se", "odds_ratio", "or_lower", "or_upper", "profile_lower", "profile_upper", "p",
)  # fmt: skip


def contrast(fit: LogisticFit, name: str, low: float, high: float) -> tuple[float, float]:
    """Log odds ratio of two values of a numeric variable, high against low, and its standard error.

    c'β and √(c'Vc), c the difference of the two rows of the variable's columns (rms::contrast).
    """
    places = fit.design.positions(name)
    (variable,) = (v for v in fit.design.variables if v.name == name)
    rows = variable.columns(pd.Series([low, high]))
    c = rows[1] - rows[0]
    return float(c @ fit.coefficients[places]), float(np.sqrt(c @ fit.vcov[np.ix_(places, places)] @ c))


def wald_p(fit: LogisticFit, name: str) -> float:
    """p of the hypothesis that all coefficients of a variable are 0: β'V⁻¹β against χ² (aod::wald.test, rms::anova)."""
    places = fit.design.positions(name)
    beta, v = fit.coefficients[places], fit.vcov[np.ix_(places, places)]
    return float(chi2.sf(beta @ np.linalg.solve(v, beta), len(places)))


def effects(fit: LogisticFit, frame: pd.DataFrame) -> pd.DataFrame:
    """A row an effect that can be read: index `term`, columns EFFECT_COLUMNS; the intercept is left out.

    Coefficients stand as they are, but for those of a spline: its first row is the odds ratio of the upper against the
    lower quartile with the p of both coefficients together, its second the bend alone, whose p asks for a straight
    line.  frame : the values fitted on, for the quartiles.
    """
    rows = []
    for variable in fit.design.variables:
        if not variable.knots:
            own = fit.terms.loc[list(variable.terms), list(EFFECT_COLUMNS)]
            rows += [(term, *values) for term, values in zip(own.index, own.to_numpy(), strict=True)]
            continue
        low, high = (float(q) for q in np.quantile(frame[variable.name].dropna(), (0.25, 0.75)))
        estimate, se = contrast(fit, variable.name, low, high)
        words = f"{variable.name}, {high:.4g} against {low:.4g}"
        rows.append((words, *_wald(estimate, se), wald_p(fit, variable.name)))
        bend = fit.terms.loc[variable.terms[1]]
        rows.append((f"{variable.name}, bend", *_wald(float(bend["estimate"]), float(bend["se"])), float(bend["p"])))
    table = pd.DataFrame(rows, columns=["term", *EFFECT_COLUMNS])
    return table.set_index("term")


def _wald(estimate: float, se: float) -> tuple[float, ...]:
    """EFFECT_COLUMNS without p; no profile limits."""
    ends = (float(np.exp(estimate - Z * se)), float(np.exp(estimate + Z * se)))
    return (estimate, se, float(np.exp(estimate)), *ends, np.nan, np.nan)
