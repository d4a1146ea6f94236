"""Small seeded feature tables for the tests of learning."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.learn import LearnSettings

SMALL = LearnSettings(
    algorithms=["logistic", "lightgbm"], trees=10, max_grid=2, inner_folds=3, lasso_folds=5, seeds=1, folds=3
)


def feature_table(
    patients: int = 60, features: int = 40, signal: float = 1.5, seed: int = 0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Correlated noise; the first three features carry the signal. Columns shape_0 .. and a 0/1 outcome."""
    draw = np.random.default_rng([seed, 7])
    factors = draw.normal(size=(patients, features // 4 + 1))
    values = factors[:, np.arange(features) // 4] + draw.normal(size=(patients, features))
    linear = -0.7 + signal * values[:, :3].sum(axis=1) / np.sqrt(3)
    positive = (draw.random(patients) < 1 / (1 + np.exp(-linear))).astype(int)
    positive[:4] = [0, 1, 0, 1]  # both classes, whatever the draw
    index = [f"P{i:03d}" for i in range(patients)]
    return pd.DataFrame(values, index=index, columns=[f"f{j:02d}" for j in range(features)]), positive
