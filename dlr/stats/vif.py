"""Variance inflation of a model's variables; factors get the generalised form.

Source: Fox & Monette 1992 (JASA 87:178); from a logistic fit's own covariance as R's car::vif does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.stats.design import Design
from dlr.stats.logistic_fit import LogisticFit

__all__ = ["vif"]


def vif(fit: LogisticFit) -> pd.DataFrame:
    """Index = variable; columns gvif, df, gvif_scaled = gvif^(1 / 2df), comparable with √VIF of one column.

    From the covariance of the estimates, thus weighted by p (1 − p) as the model is.
    """
    return _inflation(fit.vcov[1:, 1:], fit.design)


def _inflation(covariance: np.ndarray, design: Design) -> pd.DataFrame:
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    whole = np.linalg.det(correlation)
    rows = []
    for variable in design.variables:
        own = [j - 1 for j in design.positions(variable.name)]
        rest = [j for j in range(len(sd)) if j not in own]
        gvif = np.linalg.det(correlation[np.ix_(own, own)]) * np.linalg.det(correlation[np.ix_(rest, rest)]) / whole
        rows.append((variable.name, float(gvif), len(own), float(gvif ** (1 / (2 * len(own))))))
    return pd.DataFrame(rows, columns=["variable", "gvif", "df", "gvif_scaled"]).set_index("variable")
