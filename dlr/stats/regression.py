"""What every logistic estimator shares: checked numbers in, a table of terms in the user's units out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit
from scipy.stats import chi2, norm

from dlr.errors import InputError
from dlr.stats.design import Design
from dlr.stats.likelihood import Likelihood, Maximum, maximise, profile_limits, profile_statistic
from dlr.stats.logistic_fit import TERM_COLUMNS, LogisticFit
from dlr.stats.outcome import Z, two_classes
from dlr.stats.separation import separating_terms

__all__ = ["Regression", "maximum_without", "separated_terms", "starting_point", "summarise", "zero_one"]


@dataclass(frozen=True)
class Regression:
    """Design and numbers of one regression; columns are scaled to root mean square 1 for the arithmetic."""

    design: Design
    likelihood: Likelihood  # of the scaled columns
    scale: np.ndarray  # (k,)

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        outcome: pd.Series | np.ndarray,
        *,
        references: Mapping[str, str] | None = None,
        logits: Sequence[str] = (),
        splines: Sequence[str] = (),
        weights: np.ndarray | None = None,
        offset: np.ndarray | None = None,
    ) -> Regression:
        """Check everything a regression needs; raises InputError naming all that is wrong with the columns."""
        y = zero_one(frame, outcome)
        design = Design.of(frame, references=references, logits=logits, splines=splines)
        x = design.matrix(frame)
        scale = np.sqrt((x**2).mean(axis=0))
        _require_full_rank(x / scale, design.terms)
        n = len(y)
        return cls(
            design,
            Likelihood(
                x / scale,
                y,
                np.ones(n) if weights is None else np.asarray(weights, dtype=float),
                np.zeros(n) if offset is None else np.asarray(offset, dtype=float),
            ),
            scale,
        )


def summarise(
    regression: Regression,
    target: Likelihood,
    method: str,
    separated: tuple[str, ...],
    profile: bool,
    best: Maximum | None = None,
    penalty: float = 0.0,
) -> LogisticFit:
    """Maximise the target and write the fit in the user's units. best : the maximum where it is known already."""
    best = maximise(target, starting_point(target)) if best is None else best
    if not best.converged and not separated:
        raise InputError(
            f"regression on {', '.join(regression.design.names)}",
            "the estimates do not settle, as columns nearly determine one another",
            "leave one of them out",
        )
    unreachable = bool(separated) and method == "ML"  # no maximum, thus no spread around it
    k = len(best.beta)
    covariance = np.full((k, k), np.nan) if unreachable else target.covariance(best.beta)
    plain = regression.likelihood
    terms = _terms(regression, target, best, covariance, profile and not unreachable)
    return LogisticFit(
        terms=terms,
        log_likelihood=plain.log_likelihood(best.beta),
        null_log_likelihood=maximum_without(plain, range(1, plain.x.shape[1])).value,
        maximised=target.value_unscaled(best.beta, regression.scale),
        n=len(plain.y),
        n_positive=int(plain.y.sum()),
        vcov=covariance / np.outer(regression.scale, regression.scale),
        separated=separated,
        method=method,
        design=regression.design,
        penalty=penalty,
        effective_df=target.effective_df(best.beta),
        notes=_limits_not_found(terms) if profile and not unreachable else (),
    )


def _terms(
    regression: Regression, target: Likelihood, best: Maximum, covariance: np.ndarray, profile: bool
) -> pd.DataFrame:
    """The table of coefficients in the user's units."""
    k = len(best.beta)
    se = np.sqrt(np.diag(covariance))
    limits, lr = np.full((k, 2), np.nan), np.full(k, np.nan)
    if profile:
        limits = np.array([profile_limits(target, best, j, se[j]) for j in range(k)])
        lr = np.array([profile_statistic(target, best, j) for j in range(k)])
    b, se, limits = best.beta / regression.scale, se / regression.scale, limits / regression.scale[:, None]
    with np.errstate(over="ignore"):  # a separated model reported as it is has infinite odds
        odds_ratio, or_lower, or_upper = np.exp(b), np.exp(b - Z * se), np.exp(b + Z * se)
    columns = {
        "estimate": b,
        "se": se,
        "z": b / se,
        "p": 2 * norm.sf(np.abs(b / se)),
        "lower": b - Z * se,
        "upper": b + Z * se,
        "profile_lower": limits[:, 0],
        "profile_upper": limits[:, 1],
        "odds_ratio": odds_ratio,
        "or_lower": or_lower,
        "or_upper": or_upper,
        "lr_chi2": lr,
        "lr_p": chi2.sf(lr, 1),
    }
    return pd.DataFrame(columns, index=pd.Index(regression.design.terms, name="term"), columns=list(TERM_COLUMNS))


def _limits_not_found(terms: pd.DataFrame) -> tuple[str, ...]:
    """A sentence a profile limit that was asked for and is NaN."""
    sides = {"profile_lower": "lower", "profile_upper": "upper"}
    return tuple(
        f"the {side} profile limit of {term} could not be found"
        for term, row in terms[list(sides)].iterrows()
        for column, side in sides.items()
        if np.isnan(row[column])
    )


def zero_one(frame: pd.DataFrame, outcome: pd.Series | np.ndarray) -> np.ndarray:
    """The outcome as floats 0 and 1 (n,); InputError unless it fits the frame's rows and has both classes."""
    if isinstance(outcome, pd.Series) and not outcome.index.equals(frame.index):
        raise InputError("outcome", "its index differs from the table's", "align both by patient first")
    if len(outcome) != len(frame):
        raise InputError("outcome", f"has {len(outcome)} values for {len(frame)} rows", "give one outcome a row")
    return two_classes(outcome, "outcome of a regression", least=1).astype(float)


def _require_full_rank(x: np.ndarray, terms: Sequence[str]) -> None:
    """InputError naming the first columns that the ones before them already determine. x : scaled columns."""
    if len(terms) >= len(x):
        raise InputError(
            "design of a regression", f"{len(terms)} coefficients for {len(x)} patients", "use fewer variables"
        )
    r = np.abs(np.diag(np.linalg.qr(x, mode="r")))
    aliased = [term for term, pivot in zip(terms, r, strict=True) if pivot < 1e-10 * np.sqrt(len(x))]
    if aliased:
        raise InputError(
            f"column {', '.join(aliased)}", "is a linear combination of the columns before it", "leave it out"
        )


def starting_point(target: Likelihood) -> np.ndarray:
    """Slopes 0, intercept at the log odds of the outcome."""
    beta = np.zeros(target.x.shape[1])
    beta[0] = logit(np.average(target.y, weights=target.weights)) / target.x[0, 0]
    return beta


def separated_terms(regression: Regression, best: Maximum) -> tuple[str, ...]:
    """Terms with an infinite estimate: asked of the linear programme only where the maximum looks unreachable."""
    p = regression.likelihood.probability(best.beta)
    if best.converged and p.min() > 1e-9 and p.max() < 1 - 1e-9:
        return ()
    infinite = separating_terms(regression.likelihood.x, regression.likelihood.y)
    return tuple(term for term, flag in zip(regression.design.terms, infinite, strict=True) if flag)


def maximum_without(target: Likelihood, positions: Sequence[int]) -> Maximum:
    """The maximum with these coefficients held at 0."""
    free = np.ones(target.x.shape[1], dtype=bool)
    free[list(positions)] = False
    return maximise(target, starting_point(target), free)
