"""Multiple imputation: copies of a table with its gaps filled by draws, and Rubin's rules for the fits on them.

Source: Rubin 1987; degrees of freedom of Barnard & Rubin 1999 where the complete data's are known.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm, t
from sklearn.exceptions import ConvergenceWarning

from dlr.errors import InputError

__all__ = ["imputed_copies", "pool", "pool_effects"]

ROUNDS = 10  # of the chained regressions


def imputed_copies(
    frame: pd.DataFrame, outcome: ArrayLike, copies: int, seed: int, *, drawn: bool = True
) -> list[pd.DataFrame]:
    """Copies of a table whose gaps are filled by chained Bayesian regressions on all other columns and the outcome.

    frame : numbers, and categories of text.  outcome : (n,), which belongs in the imputation of predictors for odds
    ratios (White et al. 2011) and never in one for predictions.
    A column with one known value is filled by it, one with none stays empty; neither tells anything of the others.
    A draw is replaced by the nearest value that was observed, so that a level stays a level. drawn : False fills by the
    expected value, and copies are then equal.  Equal seeds give equal copies.
    """
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401  (makes the next import possible)
    from sklearn.impute import IterativeImputer

    frame = frame.assign(**{name: frame[name].ffill().bfill() for name in frame.columns if frame[name].nunique() == 1})
    blocks = {name: _standard(frame[name]) for name in frame.columns if frame[name].nunique() > 1}
    table = np.column_stack([*blocks.values(), np.asarray(outcome, dtype=float)])
    found = []
    for copy in range(copies):
        imputer = IterativeImputer(sample_posterior=drawn, max_iter=ROUNDS, random_state=seed + copy)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=ConvergenceWarning)  # draws never settle
            filled = imputer.fit_transform(table)
        whole, first = frame.copy(), 0
        for name, block in blocks.items():
            gap = np.isnan(block[:, 0])
            guess = filled[gap, first : first + block.shape[1]]
            nearest = ((guess[:, None, :] - block[~gap]) ** 2).sum(axis=2).argmin(axis=1)
            whole.loc[gap, name] = frame.loc[~gap, name].iloc[nearest].to_numpy()
            first += block.shape[1]
        found.append(whole)
    return found


def _standard(values: pd.Series) -> np.ndarray:
    """float (n, k) of values that differ: standardised numbers, or a column a level but the first; gaps are NaN."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = pd.get_dummies(values.cat.remove_unused_categories(), drop_first=True, dtype=float)
        return np.where(values.notna().to_numpy()[:, None], levels.to_numpy(), np.nan)
    numbers = values.to_numpy(dtype=float)
    return ((numbers - np.nanmean(numbers)) / np.nanstd(numbers))[:, None]


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


def pool_effects(tables: Sequence[pd.DataFrame], df_complete: float) -> pd.DataFrame:
    """`effects` of one design fitted on every imputed copy as one table: `pool`'s columns, odds_ratio and its limits.

    Profile limits are NaN: a likelihood has none over copies.  Raises InputError where the terms differ.
    """
    if not tables or any(tuple(table.index) != tuple(tables[0].index) for table in tables):
        raise InputError("pooling", "the fits do not have the same terms", "fit one design on every imputed table")
    pooled = pool([table["estimate"] for table in tables], [table["se"] ** 2 for table in tables], df_complete)
    ratios = {new: np.exp(pooled[old]) for new, old in
              (("odds_ratio", "estimate"), ("or_lower", "lower"), ("or_upper", "upper"))}  # fmt: skip
    return pooled.assign(**ratios, profile_lower=np.nan, profile_upper=np.nan).set_index(tables[0].index)
