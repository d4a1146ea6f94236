"""Calibration: whether of the patients given a probability of 30 %, thirty in a hundred are positive.

Two numbers of logistic recalibration say most (intercept: too high or too low on the whole; slope under 1: too
extreme), the flexible curve the rest. Hosmer and Lemeshow's test is in `hosmer_lemeshow.py`.
Source: Van Calster et al. 2019 (BMC Medicine 17:230); Austin & Steyerberg 2019 (Statistics in Medicine 38:4051).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from dlr.randomness import rng
from dlr.stats.bootstrap import REPLICATES, bootstrap_estimate
from dlr.stats.hosmer_lemeshow import quantile_groups
from dlr.stats.outcome import Z, probabilities, two_classes
from dlr.stats.proportions import interval_wilson
from dlr.stats.recalibration import EDGE, LogisticCurve, fit_logits
from dlr.stats.splines import lowess, restricted_cubic, spline_knots
from dlr.words import Estimate, logit

__all__ = ["Calibration", "CurveError", "calibration", "calibration_groups", "flexible_curve"]

EVENTS_FOR_A_CURVE = 100  # of the smaller class; below, a flexible curve shows noise


@dataclass(frozen=True)
class CurveError:
    """Distances |probability - curve at that probability| over the patients."""

    ici: float  # mean: the integrated calibration index
    e50: float
    e90: float
    emax: float


@dataclass(frozen=True)
class Calibration:
    """Calibration of one signature on one side; NaN where a number is undefined."""

    intercept: Estimate  # calibration in the large: slope held at 1; 0 is ideal
    slope: Estimate  # 1 is ideal
    joint_intercept: Estimate  # beside the free slope
    brier: Estimate
    scaled_brier: Estimate  # 1 - Brier / Brier of the prevalence; 1 is perfect, 0 uninformative
    lowess: CurveError  # against R's lowess, as rms::val.prob
    spline: CurveError  # against a restricted cubic spline of the logit, five knots
    curve: pd.DataFrame  # flexible_curve(...), or no rows under 100 patients in a class
    groups: pd.DataFrame  # calibration_groups(...)
    at_the_edge: int  # probabilities of exactly 0 or 1, taken as 1e-12 and 1 - 1e-12


def calibration(
    positive: ArrayLike,
    probability: ArrayLike,
    *,
    groups: int = 10,
    generator: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> Calibration:
    """All measures of calibration; Wald intervals of the logistic fits, a patient bootstrap for Brier.

    positive : bool (n,).  probability : float (n,) from 0 to 1.
    Where the classes are separated, or the probability is constant, the slope is NaN. The curve's distances
    have no interval: they cannot be negative, and bootstrapping inflates them.
    """
    outcome = two_classes(positive, "calibration")
    p = probabilities(probability, len(outcome), "calibration")
    x = logit(p, clip=EDGE)
    offset_only = fit_logits(outcome, np.ones((len(x), 1)), offset=x)
    joint = fit_logits(outcome, np.column_stack([np.ones(len(x)), x]))
    brier, scaled = _brier(outcome, p, generator, replicates)
    return Calibration(
        intercept=_wald(offset_only, 0, outcome, "Wald, offset logit"),
        slope=_wald(joint, 1, outcome, "Wald"),
        joint_intercept=_wald(joint, 0, outcome, "Wald, beside the slope"),
        brier=brier,
        scaled_brier=scaled,
        lowess=_distances(p, lowess(p, outcome.astype(float))),
        spline=_distances(p, _spline(outcome, x, x)[0]),
        curve=flexible_curve(outcome, p) if _enough(outcome) else flexible_curve(outcome, p).iloc[:0],
        groups=calibration_groups(outcome, p, groups),
        at_the_edge=int(np.isin(p, (0.0, 1.0)).sum()),
    )


def flexible_curve(positive: ArrayLike, probability: ArrayLike, at: ArrayLike | None = None) -> pd.DataFrame:
    """predicted, observed, lower, upper: logistic regression on a restricted cubic spline of the logit, five knots.

    at : probabilities (k,) at which to read the curve; by default 101 over the range of `probability`.
    The band is a pointwise 95 % Wald interval on the logit scale. Under 100 patients in the smaller class the curve
    shows noise, and `calibration` leaves it out. NaN with fewer than three distinct knots, or separated classes.
    """
    outcome = two_classes(positive, "flexible_curve")
    p = probabilities(probability, len(outcome), "flexible_curve")
    given = np.linspace(p.min(), p.max(), 101) if at is None else np.asarray(at, dtype=float)
    predicted = probabilities(given, given.size, "flexible_curve", "at")
    observed, lower, upper = _spline(outcome, logit(p, clip=EDGE), logit(predicted, clip=EDGE))
    return pd.DataFrame({"predicted": predicted, "observed": observed, "lower": lower, "upper": upper})


def calibration_groups(positive: ArrayLike, probability: ArrayLike, groups: int = 10) -> pd.DataFrame:
    """predicted (mean), observed (share), lower, upper (Wilson), n of quantile groups; tied values stay together."""
    outcome = two_classes(positive, "calibration_groups")
    p = probabilities(probability, len(outcome), "calibration_groups")
    member = quantile_groups(p, groups)
    rows = []
    for group in np.unique(member):
        inside = member == group
        observed = interval_wilson(int(outcome[inside].sum()), int(inside.sum()))
        rows.append((p[inside].mean(), observed.value, observed.lower, observed.upper, observed.n))
    return pd.DataFrame(rows, columns=["predicted", "observed", "lower", "upper", "n"])


def _wald(fit: LogisticCurve, k: int, outcome: np.ndarray, method: str) -> Estimate:
    value, se = float(fit.beta[k]), float(np.sqrt(fit.covariance[k, k]))
    return Estimate(value, value - Z * se, value + Z * se, len(outcome), int(outcome.sum()), method)


def _brier(
    outcome: np.ndarray, p: np.ndarray, generator: np.random.Generator | None, replicates: int
) -> tuple[Estimate, Estimate]:
    """Brier score and its scaled form; patients are drawn regardless of class, as the prevalence is part of both."""
    squared, n = (p - outcome) ** 2, len(p)

    def brier(weights: np.ndarray) -> np.ndarray:
        return weights @ squared / n

    def scaled(weights: np.ndarray) -> np.ndarray:
        prevalence = weights @ outcome.astype(float) / n
        with np.errstate(divide="ignore", invalid="ignore"):  # a replicate of one class
            return 1 - brier(weights) / (prevalence * (1 - prevalence))

    drawing, everybody = generator or rng(0, "bootstrap", "calibration"), np.zeros(n)
    found = [
        bootstrap_estimate(statistic, outcome, "patient bootstrap", drawing, replicates, strata=everybody)
        for statistic in (brier, scaled)
    ]
    return found[0], found[1]


def _spline(outcome: np.ndarray, x: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observed share at logits `at` with its band, by logistic regression on a restricted cubic spline of x."""
    knots = spline_knots(x)
    if len(knots) < 3:
        undefined = np.full(len(at), np.nan)
        return undefined, undefined, undefined
    fit = fit_logits(outcome, np.column_stack([np.ones(len(x)), restricted_cubic(x, knots)]))
    basis = np.column_stack([np.ones(len(at)), restricted_cubic(at, knots)])
    eta = basis @ fit.beta
    half = Z * np.sqrt(np.einsum("ij,jk,ik->i", basis, fit.covariance, basis))
    return expit(eta), expit(eta - half), expit(eta + half)


def _distances(p: np.ndarray, curve: np.ndarray) -> CurveError:
    distance = np.abs(p - curve)
    half, nine_tenths = np.quantile(distance, (0.5, 0.9))
    return CurveError(float(distance.mean()), float(half), float(nine_tenths), float(distance.max()))


def _enough(outcome: np.ndarray) -> bool:
    return min(int(outcome.sum()), int((~outcome).sum())) >= EVENTS_FOR_A_CURVE
