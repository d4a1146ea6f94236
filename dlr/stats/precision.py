"""Precision and recall: for rare positives, where the ROC curve flatters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from dlr.stats.outcome import two_classes, values

__all__ = ["pr_curve"]


def pr_curve(positive: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """recall, precision, cutoff at every distinct value from the highest down: positive where probability >= cutoff."""
    outcome = two_classes(positive, "pr_curve")
    value = values(probability, len(outcome), "pr_curve")
    order = np.argsort(-value, kind="stable")
    ranked = value[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # the end of each run of equals
    true = outcome[order].cumsum()[last]
    return pd.DataFrame({"recall": true / outcome.sum(), "precision": true / (last + 1), "cutoff": ranked[last]})
