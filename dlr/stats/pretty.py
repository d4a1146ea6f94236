"""Round axis ticks, the same as R's `pretty()` gives."""

from __future__ import annotations

from math import ceil, floor, log10

import numpy as np

from dlr.errors import InputError

__all__ = ["pretty"]

# the step is 1, 2, 5 or 10 times b, the power of ten at or below range / n, as far as range / (n b) reaches these;
# they follow from R's documented biases h = 1.5 and f = 2.75: (2 + h)/(1 + h), (5 + 2f)/(1 + f), (10 + 5h)/(1 + h)
REACH = ((1.4, 1), (2.8, 2), (7.0, 5))
SLACK = 1e-10  # of a step, by which a value may lie beyond the last tick


def pretty(low: float, high: float, n: int = 5) -> np.ndarray:
    """About n + 1 equally spaced round values that cover [low, high], low < high."""
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError("axis", f"no range from {low} to {high}", "give two different finite ends")
    wanted = (high - low) / n
    power = floor(log10(wanted))
    ratio = wanted / 10.0**power
    step = next((factor for most, factor in REACH if ratio <= most), 10) * 10.0**power
    first, last = floor(low / step + SLACK), ceil(high / step - SLACK)
    return np.round(np.arange(first, last + 1) * step, 12 - power)
