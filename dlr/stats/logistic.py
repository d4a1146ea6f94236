"""Logistic regression by maximum likelihood, with Firth's penalty where the maximum does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import chi2

from dlr.errors import InputError
from dlr.stats.firth import JeffreysLikelihood
from dlr.stats.likelihood import maximise
from dlr.stats.logistic_fit import LogisticFit
from dlr.stats.regression import Regression, maximum_without, separated_terms, starting_point, summarise
from dlr.words import Test

__all__ = ["drop_one", "likelihood_ratio", "logistic"]


def logistic(
    frame: pd.DataFrame,
    outcome: pd.Series | np.ndarray,
    *,
    references: Mapping[str, str] | None = None,
    logits: Sequence[str] = (),
    splines: Sequence[str] = (),
    weights: np.ndarray | None = None,
    offset: np.ndarray | None = None,
    on_separation: Literal["firth", "report"] = "firth",
    profile: bool = True,
) -> LogisticFit:
    """Maximum likelihood with intercept; Newton's method to a step of 1e-14, standard errors at the solution.

    frame : a column a variable, no missing values; text and categories become factors (see Design.of).
    outcome : 0/1 or bool (n,), in the rows' order; both classes must occur.
    logits : columns of probabilities (signatures) that enter as clipped logits.
    splines : numeric columns that enter as restricted cubic splines of three knots, two terms each.
    weights, offset : (n,), optional.  profile : False leaves profile limits and likelihood-ratio tests NaN (faster).
    on_separation : where estimates are infinite, "firth" fits Firth's penalty instead and "report" returns where the
        likelihood stopped rising, useless but for its likelihood; either way `separated` names the terms.
    """
    regression = Regression.of(
        frame, outcome, references=references, logits=logits, splines=splines, weights=weights, offset=offset
    )
    best = maximise(regression.likelihood, starting_point(regression.likelihood))
    separated = separated_terms(regression, best)
    if separated and on_separation == "firth":
        return summarise(regression, JeffreysLikelihood.of(regression.likelihood), "Firth", separated, profile)
    return summarise(regression, regression.likelihood, "ML", separated, profile, best)


def likelihood_ratio(smaller: LogisticFit, larger: LogisticFit) -> Test:
    """Likelihood-ratio test of one maximum-likelihood model inside another on the same patients.

    Raises InputError where the models are not nested, not on the same number of patients, or penalised (a penalised
    likelihood changes with the model, so its differences have no χ² distribution).
    """
    where = "likelihood-ratio test"
    if smaller.method != "ML" or larger.method != "ML":
        raise InputError(where, "one of the models is penalised", "use the penalised tests of its terms (`lr_p`)")
    if not set(smaller.terms.index) <= set(larger.terms.index):
        raise InputError(where, "the smaller model is not inside the larger", "compare nested models")
    same = (smaller.n, smaller.n_positive) == (larger.n, larger.n_positive)
    if not same:
        raise InputError(where, "the models were fitted on different patients", "fit both on the same complete rows")
    df = len(larger.terms) - len(smaller.terms)
    statistic = max(0.0, 2 * (larger.log_likelihood - smaller.log_likelihood))
    return Test(statistic, float(chi2.sf(statistic, df)) if df else 1.0, df, "likelihood ratio")


def drop_one(
    frame: pd.DataFrame,
    outcome: pd.Series | np.ndarray,
    *,
    references: Mapping[str, str] | None = None,
    logits: Sequence[str] = (),
    splines: Sequence[str] = (),
) -> pd.DataFrame:
    """Each variable's likelihood-ratio test given all others, a factor or spline as a whole (R's drop1).

    Returns index = variable; columns df, deviance, aic (of the model without it), lrt, p. Arguments as in `logistic`.
    """
    regression = Regression.of(frame, outcome, references=references, logits=logits, splines=splines)
    target = regression.likelihood
    full = maximise(target, starting_point(target))
    rows = []
    for name in regression.design.names:
        out = regression.design.positions(name)
        deviance = -2 * maximum_without(target, out).value
        k = target.x.shape[1] - len(out)
        lrt = max(0.0, deviance + 2 * full.value)
        rows.append((name, len(out), deviance, deviance + 2 * k, lrt, float(chi2.sf(lrt, len(out)))))
    return pd.DataFrame(rows, columns=["variable", "df", "deviance", "aic", "lrt", "p"]).set_index("variable")
