"""Restricted cubic splines and lowess with R's conventions (Hmisc::rcspline.eval, stats::lowess)."""

from __future__ import annotations

import numpy as np
from statsmodels.nonparametric.smoothers_lowess import lowess as smooth

__all__ = ["lowess", "restricted_cubic", "spline_knots"]

QUANTILES = {3: (0.1, 0.5, 0.9), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}  # Harrell's, by the number of knots


def spline_knots(x: np.ndarray, count: int = 5) -> np.ndarray:
    """Harrell's three or five knots of x (n,), sorted and distinct (fewer where values are tied).

    Quantiles of type 7; under 100 values the outer knots are the fifth smallest and the fifth largest value
    (Hmisc::rcspline.eval).
    """
    knots, ranked = np.quantile(x, QUANTILES[count]), np.sort(x)
    if 10 <= len(x) < 100:
        knots[0], knots[-1] = ranked[4], ranked[-5]
    return np.unique(knots)


def restricted_cubic(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Basis (n, k - 1) of k >= 3 knots: x itself, then k - 2 cubic terms, linear beyond the outer knots.

    Cubic terms are divided by (last - first knot)², as in Hmisc.
    Source: Harrell, Regression Modeling Strategies, 2nd ed., section 2.4.5.
    """

    def cubed(knot: float) -> np.ndarray:
        return np.maximum(x - knot, 0) ** 3

    before, last = knots[-2], knots[-1]
    terms = [
        cubed(t) - cubed(before) * (last - t) / (last - before) + cubed(last) * (before - t) / (last - before)
        for t in knots[:-2]
    ]
    return np.column_stack([x, *(term / (last - knots[0]) ** 2 for term in terms)])


def lowess(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Lowess of y at every x (n,), in the order given: R's lowess(x, y, f = 2/3, iter = 0), ties averaged.

    Points nearer than a hundredth of the range are interpolated (R's default delta). Where one value fills a whole
    window, the curve is the mean of its ties, as in R; statsmodels divides by the window's width, 0.
    """
    with np.errstate(invalid="ignore"):
        curve = smooth(y, x, frac=2 / 3, it=0, delta=0.01 * float(np.ptp(x)), return_sorted=True)
    _, place, ties = np.unique(x, return_inverse=True, return_counts=True)
    height = np.bincount(np.repeat(np.arange(len(ties)), ties), curve[:, 1]) / ties
    fills_a_window = ties >= int(2 / 3 * len(x) + 1e-10)
    height[fills_a_window] = (np.bincount(place, y) / ties)[fills_a_window]
    return height[place]
