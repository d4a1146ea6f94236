"""The table of all algorithms by their out-of-fold value, headed by how much the best of them is too good."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from dlr import stats
from dlr.engine import Run
from dlr.errors import InputError
from dlr.randomness import rng
from dlr.study.cohort import CohortTables
from dlr.tables import ALGORITHMS
from dlr.words import CHOSEN, Kind, Protocol, Side

__all__ = ["algorithm_table", "out_of_fold_area", "write_algorithms"]


def write_algorithms(run: Run, tables: CohortTables, predictions: pd.DataFrame, reported: Collection[str] = ()) -> None:
    """ALGORITHMS of a stage that fitted several; of classifiers `learn.reported` is never chosen."""
    labels = {target.name: tables.labels(target) for target in tables.targets}
    table = algorithm_table(predictions, labels, run.seed, run.settings.evaluate.bootstrap, reported)
    ALGORITHMS.write(run.folder, table)


def algorithm_table(
    predictions: pd.DataFrame, labels: dict[str, pd.Series], seed: int, replicates: int, reported: Collection[str] = ()
) -> pd.DataFrame:
    """ALGORITHMS: every algorithm out-of-fold under cross-fitting, best first.

    By AUC, with that of the best one corrected for the choice (BBC-CV); a per cent target by its mean absolute error.
    reported : algorithms that are never chosen: they count neither as tried nor in the correction.
    """
    inside = (predictions["protocol"] == Protocol.CROSSFIT) & (predictions["side"] == Side.TRAIN)
    tables = []
    for (target, model, variant), rows in predictions[inside].groupby(["target", "model", "variant"], sort=False):
        truth = labels[target]
        known = rows[rows["patient_id"].isin(truth.index) & (rows["algorithm"] != CHOSEN)]
        named = (target, model, variant)
        if known.empty:
            continue
        by_area = known["kind"].iloc[0] == Kind.PROBABILITY
        table = _by_area(known, truth, named, seed, replicates, reported) if by_area else _by_error(known, truth)
        tried = int((~table["algorithm"].isin(reported)).sum())
        tables.append(table.assign(target=target, model=model, variant=variant, n_tried=tried))
    return pd.concat(tables, ignore_index=True)[list(ALGORITHMS.names)] if tables else ALGORITHMS.empty()


def _by_area(
    known: pd.DataFrame,
    truth: pd.Series,
    named: tuple[str, str, str],
    seed: int,
    replicates: int,
    reported: Collection[str],
) -> pd.DataFrame:
    found = [
        (algorithm, *out_of_fold_area(chains, truth)) for algorithm, chains in known.groupby("algorithm", sort=False)
    ]
    table = pd.DataFrame(found, columns=["algorithm", "out_of_fold", "lower", "upper"])
    table = table.sort_values(["out_of_fold", "algorithm"], ascending=[False, True], ignore_index=True)
    table = table.assign(measure="auc", bbc_corrected=np.nan)
    tried = table[~table["algorithm"].isin(reported)]
    if len(tried) > 1 and np.isfinite(tried["out_of_fold"]).all():
        chosen_among = known[~known["algorithm"].isin(reported)]
        corrected = _corrected(chosen_among, truth, rng(seed, "bootstrap"), replicates)
        table.loc[tried.index[0], "bbc_corrected"] = corrected
    return table


def _by_error(known: pd.DataFrame, truth: pd.Series) -> pd.DataFrame:
    found = []
    for algorithm, chains in known.groupby("algorithm", sort=False):
        means = chains.groupby("patient_id", sort=True)["value"].mean()
        observed = truth.loc[means.index].to_numpy()
        error = stats.per_cent_agreement(observed, means.to_numpy(), np.median(observed)).mean_absolute_error
        found.append((algorithm, error.value, error.lower, error.upper))
    table = pd.DataFrame(found, columns=["algorithm", "out_of_fold", "lower", "upper"])
    table = table.sort_values(["out_of_fold", "algorithm"], ignore_index=True)
    return table.assign(measure="mae", bbc_corrected=np.nan)


def out_of_fold_area(chains: pd.DataFrame, truth: pd.Series) -> tuple[float, float, float]:
    """AUC within folds with its interval; chains: patient_id, value, fold, seed. NaN where folds lack a class."""
    try:
        area = stats.auc_within_folds(
            truth.loc[chains["patient_id"]].to_numpy(),
            chains["value"].to_numpy(),
            chains["fold"].to_numpy(),
            chains["seed"].to_numpy(),
            patients=chains["patient_id"].to_numpy(),
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
