"""Rubin's rules: one result from the fits on several imputed copies of a table.

Source: Rubin 1987; degrees of freedom of Barnard & Rubin 1999 where the complete data's are known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm, t

from dlr.errors import InputError
from dlr.stats.logistic_fit import LogisticFit

__all__ = ["pool", "pool_fits"]


def pool(estimates: ArrayLike, variances: ArrayLike, df_complete: float = np.inf) -> pd.DataFrame:
    """estimates, variances : float (imputations, parameters). A row a parameter.

    Columns estimate (mean), se (√ of within + (1 + 1/m) between), df, statistic, p, lower, upper (t with df) and
    fraction_missing, the share of the variance that comes from what is missing (λ).
    """
    q, u = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    if q.ndim != 2 or q.shape != u.shape or len(q) < 2:
        raise InputError("pooling", f"tables of shape {q.shape} and {u.shape}", "give two imputations or more")
    m = len(q)
    between, within = (1 + 1 / m) * q.var(axis=0, ddof=1), u.mean(axis=0)
    total = within + between
    share = between / total
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (m - 1) / share**2  # infinite where the imputations agree
        if np.isfinite(df_complete):
            observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
            df = 1 / (1 / df + 1 / observed)
    estimate, se = q.mean(axis=0), np.sqrt(total)
    # t's quantile of infinite df is NaN in SciPy
    reach = np.where(np.isinf(df), norm.ppf(0.975), t.ppf(0.975, np.where(np.isinf(df), 1, df)))
    z = np.abs(estimate / se)
    p = np.where(np.isinf(df), 2 * norm.sf(z), 2 * t.sf(z, np.where(np.isinf(df), 1, df)))
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "df": df,
            "statistic": estimate / se,
            "p": p,
            "lower": estimate - reach * se,
            "upper": estimate + reach * se,
            "fraction_missing": share,
        }
    )


def pool_fits(fits: Sequence[LogisticFit]) -> pd.DataFrame:
    """The odds-ratio table of one design fitted on every imputed copy: `pool`'s columns, odds_ratio and its limits."""
    if not fits or any(tuple(fit.terms.index) != tuple(fits[0].terms.index) for fit in fits):
        raise InputError("pooling", "the fits do not have the same terms", "fit one design on every imputed table")
    first = fits[0]
    pooled = pool(
        [fit.coefficients for fit in fits],
        [np.diag(fit.vcov) for fit in fits],
        df_complete=first.n - len(first.terms),
    )
    pooled.index = first.terms.index
    pooled["odds_ratio"] = np.exp(pooled["estimate"])
    pooled["or_lower"], pooled["or_upper"] = np.exp(pooled["lower"]), np.exp(pooled["upper"])
    return pooled
