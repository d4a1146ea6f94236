"""The standard deviation with an interval that holds for other than normal values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import trim_mean

from dlr.stats.outcome import Z, values
from dlr.words import Estimate

__all__ = ["standard_deviation"]

LEAST = 5  # values, for a kurtosis to be asked


def standard_deviation(given: ArrayLike) -> Estimate:
    """Standard deviation (n - 1) of values (n,), interval on the log scale by the values' own kurtosis.

    The limits are √exp(ln(c s²) ± z se), se = c √((γ − (n − 3)/n) / (n − 1)), c = n/(n − z), where γ takes the fourth
    moment about a mean trimmed by 1/(2 √(n − 4)). NaN limits under five values, or where all are equal.
    Source: Bonett 2006 (Computational Statistics & Data Analysis 50:775).
    """
    x = values(given, np.size(given), "standard_deviation", "value")
    n, method = len(x), "standard deviation, n - 1; Bonett"
    value = float(x.std(ddof=1)) if n > 1 else np.nan
    squares = float(((x - x.mean()) ** 2).sum()) if n else 0.0
    if n < LEAST or squares <= n * (np.finfo(float).eps * np.abs(x).max()) ** 2:  # equal but for rounding
        return Estimate(value, np.nan, np.nan, n, 0, method)
    middle = trim_mean(x, 1 / (2 * (n - 4) ** 0.5))
    kurtosis = n * float(((x - middle) ** 4).sum()) / squares**2
    c = n / (n - Z)
    se = c * ((kurtosis - (n - 3) / n) / (n - 1)) ** 0.5
    centre = np.log(c * value**2)
    lower, upper = (float(np.exp(centre + sign * Z * se) ** 0.5) for sign in (-1, 1))
    return Estimate(value, lower, upper, n, 0, method)
