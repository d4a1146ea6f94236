"""How far luck reaches: the study's own chain on the test side of many random splits of the same patients."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run
from dlr.stats import auc
from dlr.study.cohort import CohortTables
from dlr.study.parts import OWN, learnable_parts, random_splits
from dlr.study.signatures import SignatureData, simple_values
from dlr.tables import SPLITS
from dlr.words import Protocol

__all__ = ["commonest_choice", "split_areas"]


def commonest_choice(choices: pd.DataFrame) -> str:
    """The algorithm that most chains of a model chose under cross-fitting, else under any protocol.

    Of equals the first by name.

    choices : CHOICES of one target, model and variant.
    """
    chosen = choices[choices["chosen"]]
    crossfit = chosen[chosen["protocol"] == Protocol.CROSSFIT]
    counts = (chosen if crossfit.empty else crossfit)["algorithm"].value_counts()
    return str(min(counts.index[counts == counts.max()]))


def split_areas(
    run: Run,
    tables: CohortTables,
    asked: SignatureData,
    choices: pd.DataFrame,
    allowed: dict[str, list[str]] | None = None,
) -> pd.DataFrame:
    """SPLITS: the AUC on the test side of the study's own split and of random ones, each by one chain of its training
    side.

    The chain is cross-fitting's, by the algorithm that the study chose most often: all of them would cost three times
    as much. No rows of a per cent, without a test share, or of a split that leaves too few of a class.
    choices : CHOICES of the model.  allowed : by part, the features that passed the reproducibility filter; None = all.
    """
    count, share = run.settings.evaluate.splits, run.settings.cohort.test_share
    if not asked.target.binary:
        return SPLITS.empty()
    labels = asked.labels
    drawn = random_splits(tables.cases, tables.targets, count, share, run.seed)
    known = labels[labels.index.isin(asked.frame.patient_id)]
    parts = [part for part in learnable_parts(drawn, asked.target, known) if known.reindex(part.predict).nunique() == 2]
    if not parts:
        return SPLITS.empty()
    algorithm = commonest_choice(choices)
    rows = []
    values = simple_values(run, asked, parts, f"{asked.model} splits", allowed, algorithm)
    for part, value in zip(parts, values, strict=True):
        value = value[value.index.isin(known.index)]
        area = auc(known.loc[value.index].to_numpy() == 1, value.to_numpy())
        named = (asked.target.name, asked.model, algorithm, part.seed, part.seed == OWN)
        rows.append((*named, area.value, area.lower, area.upper, area.n, area.n_positive))
    return pd.DataFrame(rows, columns=list(SPLITS.names))
