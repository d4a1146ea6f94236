"""The table of all algorithms by out-of-fold AUC, headed by how much the best of them is too good."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr import stats
from dlr.engine import Run
from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stages.tables import CohortTables
from dlr.words import CHOSEN, Protocol, Side

__all__ = ["algorithm_table", "out_of_fold_area", "write_algorithms"]


def write_algorithms(run: Run, tables: CohortTables, predictions: pd.DataFrame) -> None:
    """algorithms.csv of a stage that fitted several."""
    labels = {target: tables.labels(target) for target in tables.targets}
    table = algorithm_table(predictions, labels, run.seed, run.settings.evaluate.bootstrap)
    table.to_csv(run.folder / "algorithms.csv", index=False)


def algorithm_table(
    predictions: pd.DataFrame, labels: dict[str, pd.Series], seed: int, replicates: int
) -> pd.DataFrame:
    """Every algorithm's out-of-fold AUC under cross-fitting, and the best one's corrected for the choice (BBC-CV).

    Returns target, model, variant, algorithm, out_of_fold_auc, lower, upper, n_tried, and bbc_corrected in the
    best one's row.
    """
    inside = (predictions["protocol"] == Protocol.CROSSFIT) & (predictions["side"] == Side.TRAIN)
    tables = []
    for (target, model, variant), rows in predictions[inside].groupby(["target", "model", "variant"], sort=False):
        truth = labels[target]
        known = rows[rows["patient_id"].isin(truth.index) & (rows["algorithm"] != CHOSEN)]
        found = []
        for algorithm, chains in known.groupby("algorithm", sort=False):
            area = out_of_fold_area(
                chains, truth, rng(seed, "algorithms", target, model, variant, str(algorithm)), replicates
            )
            found.append((algorithm, *area))
        table = pd.DataFrame(found, columns=["algorithm", "out_of_fold_auc", "lower", "upper"])
        table = table.sort_values(["out_of_fold_auc", "algorithm"], ascending=[False, True], ignore_index=True)
        table["bbc_corrected"] = np.nan
        if len(table) > 1 and np.isfinite(table["out_of_fold_auc"]).all():
            table.loc[0, "bbc_corrected"] = _corrected(
                known, truth, rng(seed, "bbc", target, model, variant), replicates
            )
        table.insert(0, "target", target)
        table.insert(1, "model", model)
        table.insert(2, "variant", variant)
        tables.append(table.assign(n_tried=len(table)))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def out_of_fold_area(
    chains: pd.DataFrame, truth: pd.Series, generator: np.random.Generator, replicates: int
) -> tuple[float, float, float]:
    """AUC within folds with its interval; chains: patient_id, value, fold, seed. NaN where folds lack a class."""
    try:
        area = stats.auc_within_folds(
            truth.loc[chains["patient_id"]].to_numpy(),
            chains["value"].to_numpy(),
            chains["fold"].to_numpy(),
            chains["seed"].to_numpy(),
            patients=chains["patient_id"].to_numpy(),
            generator=generator,
            replicates=replicates,
        )
    except InputError:  # folds without both classes: this part of the table stays undefined
        return (np.nan, np.nan, np.nan)
    return (area.value, area.lower, area.upper)


def _corrected(known: pd.DataFrame, truth: pd.Series, generator: np.random.Generator, replicates: int) -> float:
    """Choose in the bootstrap sample, score outside it, over the seeds that all algorithms were fitted on.

    Fine-tuned networks are fitted on fewer seeds than their frozen baseline.
    """
    fitted = known.groupby("seed")["algorithm"].nunique()
    known = known[known["seed"].isin(fitted.index[fitted == known["algorithm"].nunique()])]
    wide = known.pivot(index="patient_id", columns=["seed", "algorithm"], values="value").sort_index(axis=1)
    folds = known.drop_duplicates(["patient_id", "seed"]).pivot(index="patient_id", columns="seed", values="fold")
    seeds = folds.shape[1]
    matrix = wide.to_numpy().reshape(len(wide), seeds, -1)
    try:
        found = stats.bbc_auc(
            truth.loc[wide.index].to_numpy() == 1,
            matrix,
            folds.loc[wide.index].sort_index(axis=1).to_numpy(),
            generator=generator,
            replicates=replicates,
        )
    except InputError:  # too few patients of a class for a choice in and out of the bag
        return float("nan")
    return found.corrected.value
