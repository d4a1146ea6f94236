"""Feature tables with and without signal, their sides and folds, and every part of a protocol fitted on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.learn import FittedChains, LearnSettings, fit_chains
from dlr.protocols import Part, plan, stratified_folds

CHEAP = LearnSettings(
    algorithms=["logistic"], max_grid=1, inner_folds=2, lasso_folds=3, folds=4, seeds=1, p=0.2, trees=10
)


@dataclass(frozen=True)
class Study:
    """What stages hand to a learner: features and labels by patient, sides and drawn folds."""

    frame: pd.DataFrame
    positive: pd.Series
    sides: pd.Series
    folds: pd.DataFrame

    def parts(self, protocol: str) -> tuple[Part, ...]:
        return plan(self.folds, protocol, self.sides)

    def fit(self, part: Part, settings: LearnSettings, seed: int = 1) -> FittedChains:
        train = list(part.train)
        return fit_chains(
            self.frame.loc[train], self.positive.loc[train], None, settings, protocol=part.protocol, seed=seed
        )

    def predictions(self, protocol: str, settings: LearnSettings) -> pd.DataFrame:
        """patient_id, seed, fold, value, empty of the chosen chains: everybody that each part predicts."""
        tables = []
        for part in self.parts(protocol):
            fitted, rows = self.fit(part, settings), self.frame.loc[list(part.predict)]
            tables.append(
                pd.DataFrame({"patient_id": rows.index, "value": fitted.best.predict(rows)}).assign(
                    seed=part.seed, fold=part.fold, empty=fitted.empty
                )
            )
        table = pd.concat(tables, ignore_index=True)
        return table.assign(side=table["patient_id"].map(self.sides), positive=table["patient_id"].map(self.positive))


def draw_study(seed: int, signal: float = 0.0, train: int = 60, test: int = 60, features: int = 60) -> Study:
    """Blocks of four correlated features; with `signal` those of the first block carry it."""
    draw = np.random.default_rng([seed, 11])
    n = train + test
    factors = draw.normal(size=(n, features // 4))
    values = factors[:, np.arange(features) // 4] + 0.7 * draw.normal(size=(n, features))
    positive = draw.random(n) < 1 / (1 + np.exp(0.8 - signal * factors[:, 0]))
    index = pd.Index([f"P{i:03d}" for i in range(n)])
    sides = pd.Series(np.where(np.arange(n) < train, "train", "test"), index=index)
    fold = stratified_folds(positive[:train], None, CHEAP.folds, draw)
    folds = pd.DataFrame({"protocol": "crossfit", "patient_id": index[:train], "seed": 0, "outer": -1, "fold": fold})
    names = [f"family{j // 4:02d}_{j % 4}" for j in range(features)]
    return Study(pd.DataFrame(values, index, names), pd.Series(positive, index), sides, folds)
