"""The likelihood of a logistic model, its maximum by Newton's method, and exact profile limits.

A penalty (Firth's, ridge) is a subclass that adds its own part to the value, the score and the curvature; maximum,
profile and likelihood-ratio statistics are then the same code for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2

__all__ = ["Likelihood", "Maximum", "maximise", "profile_limits", "profile_statistic"]

MOST_STEPS = 500  # about 8 are needed; more where a coefficient is held far out
SMALLEST_STEP = 1e-14  # of the largest coefficient, columns scaled to root mean square 1
LARGEST_JUMP = 1e-4  # a profile is continuous: by more it jumps only where a summit was missed
FAR = 1e12  # a profile statistic that is as good as infinite


@dataclass(frozen=True)
class Likelihood:
    """Binomial log-likelihood Σ w [y η − log(1 + e^η)], η = xβ + offset."""

    x: np.ndarray  # (n, k), intercept included
    y: np.ndarray  # (n,) 0 or 1, or a share between
    weights: np.ndarray  # (n,)
    offset: np.ndarray  # (n,)

    @property
    def concave(self) -> bool:
        """One summit at most: every way uphill ends there."""
        return True

    def log_likelihood(self, beta: np.ndarray) -> float:
        """Without any penalty."""
        eta = self.x @ beta + self.offset
        return float(self.weights @ (self.y * eta - np.logaddexp(0, eta)))

    def information(self, beta: np.ndarray) -> np.ndarray:
        """Fisher's information XᵀWX (k, k), without any penalty."""
        return (self.x.T * self._working_weights(beta)) @ self.x

    def probability(self, beta: np.ndarray) -> np.ndarray:
        """Fitted probabilities (n,)."""
        return expit(self.x @ beta + self.offset)

    def value(self, beta: np.ndarray) -> float:
        """What is maximised."""
        return self.log_likelihood(beta)

    def value_unscaled(self, beta: np.ndarray, scale: np.ndarray) -> float:
        """`value` had the columns been given in their own units, scale times these."""
        return self.value(beta)

    def score(self, beta: np.ndarray) -> np.ndarray:
        """Gradient of `value` (k,)."""
        return self.x.T @ (self.weights * (self.y - self.probability(beta)))

    def curvature(self, beta: np.ndarray) -> np.ndarray:
        """Minus the second derivative of `value` (k, k)."""
        return self.information(beta)

    def covariance(self, beta: np.ndarray) -> np.ndarray:
        """Of the estimates (k, k): the inverse of the unpenalised information."""
        return np.linalg.inv(self.information(beta))

    def effective_df(self, beta: np.ndarray) -> float:
        """Parameters spent beside the intercept."""
        return float(len(beta) - 1)

    def _working_weights(self, beta: np.ndarray) -> np.ndarray:
        p = self.probability(beta)
        return self.weights * p * (1 - p)


@dataclass(frozen=True)
class Maximum:
    """Where a likelihood is largest; `converged` is False where it rises without end (separation)."""

    beta: np.ndarray
    value: float
    converged: bool


def maximise(target: Likelihood, start: np.ndarray, free: np.ndarray | None = None) -> Maximum:
    """Newton's method with step halving; coefficients outside `free` stay at their start.

    Converged: the step falls under 1e-14, or is small and rounding keeps it from shrinking further.
    """
    free = np.ones(len(start), dtype=bool) if free is None else free
    beta, value, before = start.astype(float), target.value(start), np.inf
    if not free.any():
        return Maximum(beta, value, True)
    block = np.ix_(free, free)
    for _ in range(MOST_STEPS):
        step = np.zeros_like(beta)
        step[free] = _newton_step(target.curvature(beta)[block], target.score(beta)[free])
        last = value
        beta, value, step = _step_uphill(target, beta, value, step)
        length = float(np.abs(step).max()) / (1 + float(np.abs(beta).max()))
        if length > 1e-3 and value - last < 1e-13 * (1 + abs(value)):  # far steps, nothing gained: no maximum there
            return Maximum(beta, value, False)
        if length <= SMALLEST_STEP or (length < 1e-6 and length >= before):
            return Maximum(beta, value, True)
        before = length
    return Maximum(beta, value, False)


def profile_statistic(target: Likelihood, best: Maximum, j: int, at: float = 0.0) -> float:
    """2 [max value − max value with coefficient j held at `at`]: the (penalised) likelihood-ratio statistic."""
    return max(0.0, _Profile(target, best, j, drop=0.0).highest(at))


def profile_limits(
    target: Likelihood, best: Maximum, j: int, standard_error: float, level: float = 0.95
) -> tuple[float, float]:
    """Both values of coefficient j at which the profile falls by χ²₁(level) / 2, solved, not interpolated.

    A side on which the profile never falls that far is infinite; one on which the maximum over the other coefficients
    cannot be followed to that point is NaN.
    """
    profile = _Profile(target, best, j, float(chi2.ppf(level, 1)))
    low, high = (_crossing(profile, sign * standard_error) for sign in (-1, 1))
    return low, high


@dataclass(frozen=True)
class _Profile:
    """The (penalised) likelihood-ratio statistic less `drop`, as a function of coefficient j.

    A penalised profile may have several summits where classes separate. `along` climbs from the likeliest point known
    and may follow a lower one; `highest` climbs from all of them. A value once found stays as it is.
    """

    target: Likelihood
    best: Maximum
    j: int
    drop: float
    points: dict[float, np.ndarray] = field(default_factory=dict)  # where climbs ended, by the held coefficient
    found: dict[tuple[float, bool], float] = field(default_factory=dict)

    def along(self, at: float) -> float:
        return self._excess(at, everywhere=False)

    def highest(self, at: float) -> float:
        return self._excess(at, everywhere=not self.target.concave)

    def _excess(self, at: float, everywhere: bool) -> float:
        if (at, everywhere) not in self.found:
            starts = self._starts(at)
            climbed = [
                maximise(self.target, s, _all_but(self.j, len(s))) for s in (starts if everywhere else starts[:1])
            ]
            top = max(climbed, key=lambda maximum: maximum.value, default=Maximum(self.best.beta, -np.inf, False))
            if np.isfinite(top.value):
                self.points[at] = top.beta
            self.found[at, everywhere] = min(2 * (self.best.value - top.value), FAR) - self.drop
        return self.found[at, everywhere]

    def _starts(self, at: float) -> list[np.ndarray]:
        """The estimates and the nearest points known, with coefficient j moved there; the highest first."""
        nearest = sorted(self.points, key=lambda other: abs(other - at))[:2]
        bases = [self.best.beta, *(self.points[other] for other in nearest)]
        free = _all_but(self.j, len(self.best.beta))
        starts = [s for beta in bases for s in (_moved(self.target, beta, self.j, at, free), _set(beta, self.j, at))]
        height = [self.target.value(start) for start in starts]
        return [starts[k] for k in np.argsort(-np.array(height), kind="stable") if np.isfinite(height[k])]


def _set(beta: np.ndarray, j: int, at: float) -> np.ndarray:
    moved = beta.copy()
    moved[j] = at
    return moved


def _moved(target: Likelihood, beta: np.ndarray, j: int, at: float, free: np.ndarray) -> np.ndarray:
    """Coefficient j set, the others moved along the tangent of the profile."""
    moved, curvature = _set(beta, j, at), target.curvature(beta)
    if free.any():
        moved[free] -= np.linalg.lstsq(curvature[np.ix_(free, free)], curvature[free, j], rcond=None)[0] * (
            at - beta[j]
        )
    return moved


def _crossing(profile: _Profile, stride: float) -> float:
    """The limit on the side of `stride`; the slower search only where the quicker one followed a lower summit."""
    centre = float(profile.best.beta[profile.j])
    for excess in (profile.along, profile.highest):
        limit = _root(excess, centre, stride)
        if not np.isfinite(limit) or max(abs(excess(limit)), abs(profile.highest(limit))) < LARGEST_JUMP:
            return limit
    return float("nan")


def _root(excess: Callable[[float], float], centre: float, stride: float) -> float:
    """Where the excess changes its sign, outwards from the centre; infinite where it never does."""
    if not np.isfinite(stride):
        return float("nan")
    inner, outer = centre, centre + stride
    for _ in range(40):
        if excess(outer) > 0:
            root, _ = brentq(excess, inner, outer, xtol=1e-13, rtol=1e-14, full_output=True, disp=False)
            return float(root)
        stride *= 1.5
        inner, outer = outer, outer + stride
        if abs(stride) > 1e4 * (1 + abs(centre)):
            break
    return float(np.copysign(np.inf, stride))


def _newton_step(curvature: np.ndarray, score: np.ndarray) -> np.ndarray:
    """curvature⁻¹ score; where the curvature is not positive definite its eigenvalues enter by their size."""
    try:
        return cho_solve(cho_factor(curvature), score)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(curvature)
        size = np.abs(values)
        return vectors @ ((vectors.T @ score) / np.maximum(size, 1e-8 * size.max() + 1e-100))


def _step_uphill(
    target: Likelihood, beta: np.ndarray, value: float, step: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray]:
    """Halve the step until the value does not fall; falls within rounding are allowed."""
    for _ in range(60):
        trial = target.value(beta + step)
        if trial >= value - 1e-13 * (1 + abs(value)):
            return beta + step, trial, step
        step = step / 2
    return beta, value, np.zeros_like(step)


def _all_but(j: int, k: int) -> np.ndarray:
    free = np.ones(k, dtype=bool)
    free[j] = False
    return free
