"""HER2 from immunohistochemistry and FISH, by the rule of the field."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["derive_her2", "her2_bounds"]


def derive_her2(ihc: pd.Series, fish: pd.Series | None) -> pd.Series:
    """1.0, 0.0 or NaN: IHC 0 and 1+ are negative, 3+ positive, 2+ is decided by FISH, 2+ without FISH is missing.

    ihc : "0", "1+", "2+", "3+" or missing.  fish : 1 amplified, 0 not, NaN not done; None without such a column.
    Without IHC a FISH result decides alone.
    """
    amplified = pd.Series(np.nan, index=ihc.index) if fish is None else fish.astype(float)
    out = pd.Series(np.nan, index=ihc.index, name="her2", dtype=float)
    out[ihc.isin(["0", "1+"])] = 0.0
    out[ihc == "3+"] = 1.0
    undecided = (ihc == "2+") | ihc.isna()
    out[undecided] = amplified[undecided]
    return out


def her2_bounds(her2: pd.Series, ihc: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Worst and best case of 2+ without FISH: all of them negative, all of them positive; others as they are."""
    equivocal = her2.isna() & (ihc == "2+")
    return her2.mask(equivocal, 0.0), her2.mask(equivocal, 1.0)
