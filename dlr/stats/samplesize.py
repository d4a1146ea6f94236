"""How many patients show that an AUC differs from 0.5: two-sided test of one ROC curve.

Two variances are in use and give slightly different numbers; the real-valued solution is kept, and both usual ways of
rounding beside it, as published numbers use either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from dlr.errors import InputError

__all__ = [
    "SampleSize",
    "hanley_mcneil_se",
    "power_obuchowski",
    "sample_size_hanley_mcneil",
    "sample_size_obuchowski",
]


@dataclass(frozen=True)
class SampleSize:
    """Patients needed, as solved; patients come whole only in `whole` and `total`."""

    positives: float
    negatives: float
    whole: tuple[int, int]  # smallest whole number of positives, negatives = its ratio rounded up, with the power asked
    method: str

    @property
    def total(self) -> int:
        """The real-valued total, rounded up."""
        return ceil(self.positives + self.negatives)


def sample_size_obuchowski(auc: float, ratio: float, *, alpha: float = 0.05, power: float = 0.80) -> SampleSize:
    """Positives and negatives for a binormal ROC curve.

    auc : in (0.5, 1).  ratio : negatives for each positive.
    Source: Obuchowski & McClish 1997; Obuchowski, Lieber & Wians 2004; constants as pROC::power.roc.test.
    """
    _check(auc, ratio, alpha, power)
    at_alpha, at_power = norm.isf(alpha / 2), norm.isf(1 - power)
    null, alternative = _obuchowski_variances(auc, ratio)
    positives = (at_alpha * null**0.5 + at_power * alternative**0.5) ** 2 / (auc - 0.5) ** 2
    enough = _whole(float(positives), ratio, lambda m, n: power_obuchowski(auc, m, n, alpha=alpha) >= power)
    return SampleSize(float(positives), float(ratio * positives), enough, "Obuchowski")


def power_obuchowski(auc: float, positives: int, negatives: int, *, alpha: float = 0.05) -> float:
    """Power of m positives and n negatives to show that the AUC differs from 0.5."""
    _check(auc, negatives / positives, alpha, 0.5)
    null, alternative = _obuchowski_variances(auc, negatives / positives)
    gain = positives**0.5 * (auc - 0.5) - norm.isf(alpha / 2) * null**0.5
    return float(norm.cdf(gain / alternative**0.5))


def sample_size_hanley_mcneil(auc: float, ratio: float, *, alpha: float = 0.05, power: float = 0.80) -> SampleSize:
    """Positives and negatives with the standard error of Hanley & McNeil, its (n - 1) terms included, as MedCalc.

    Solves z(1 - alpha/2) se(0.5) + z(power) se(auc) = auc - 0.5.  auc : in (0.5, 1).  ratio : negatives a positive.
    Source: Hanley & McNeil 1982 (Radiology 143:29).
    """
    _check(auc, ratio, alpha, power)
    at_alpha, at_power = norm.isf(alpha / 2), norm.isf(1 - power)

    def missing(m: float, n: float) -> float:
        return at_alpha * hanley_mcneil_se(0.5, m, n) + at_power * hanley_mcneil_se(auc, m, n) - (auc - 0.5)

    upper = 4.0
    while missing(upper, ratio * upper) > 0:
        upper *= 2
    positives = float(brentq(lambda m: missing(m, ratio * m), 1e-3, upper, xtol=1e-12, rtol=1e-14))
    whole = _whole(float(positives), ratio, lambda m, n: missing(m, n) <= 0)
    return SampleSize(positives, ratio * positives, whole, "Hanley-McNeil")


def hanley_mcneil_se(auc: float, positives: float, negatives: float) -> float:
    """Standard error of an AUC from its size alone (exponential model). Source: Hanley & McNeil 1982."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return float((spread / (positives * negatives)) ** 0.5)


def _obuchowski_variances(auc: float, ratio: float) -> tuple[float, float]:
    """Of the AUC times the number of positives, at 0.5 and at `auc`."""
    a = norm.ppf(auc) * 1.414  # not √2: pROC's constant, and the paper's rounding
    at_auc = 0.0099 * np.exp(-(a**2) / 2) * ((5 * a**2 + 8) + (a**2 + 8) / ratio)
    return 0.0792 * (1 + 1 / ratio), float(at_auc)


def _whole(positives: float, ratio: float, enough: Callable[[int, int], bool]) -> tuple[int, int]:
    """Smallest whole numbers, sought from the real-valued solution: rounding the negatives up may spare a positive."""
    m = max(2, ceil(positives))
    while m > 2 and enough(m - 1, _up(ratio * (m - 1))):
        m -= 1
    while not enough(m, _up(ratio * m)):
        m += 1
    return m, _up(ratio * m)


def _up(x: float) -> int:
    return max(1, ceil(x - 1e-9))  # 0.4 · 5 is 2, not 3


def _check(auc: float, ratio: float, alpha: float, power: float) -> None:
    if not 0.5 < auc < 1:
        raise InputError("sample size", f"an AUC of {auc}", "Give an AUC between 0.5 and 1, both excluded.")
    if not 0 < ratio < np.inf:
        raise InputError("sample size", f"{ratio} negatives for each positive", "Give a ratio above 0.")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise InputError("sample size", f"alpha {alpha}, power {power}", "Give both between 0 and 1.")
