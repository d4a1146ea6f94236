"""Studies of known truth in which nothing is wrong: what the reviewer's list accuses them of, it accuses wrongly.

Predictions are drawn, everything else is the house's own: measures, confounders, copies, remarks. x of each kind is
normal given the outcome, its means d apart, so that logit(prevalence) + Σ d x is calibrated for whichever it sums.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from built_report import ABOUT

from dlr.randomness import rng
from dlr.report.evidence import Evidence
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.settings import StudySettings
from dlr.study.cohort import CohortTables
from dlr.study.confounding import confounder_table
from dlr.study.cutoffs import cut_offs
from dlr.study.features import copied_rows
from dlr.study.measures import evaluated_signatures, measures, optimism_gap
from dlr.tables import COHORT, CONFOUNDERS, COPIES, METRICS, OPTIMISM_GAP, SELECTION_FREQUENCY
from dlr.words import CHOSEN, Target, TargetKind, expit, logit
from tests.study.hand_made import cohort_of

APART = {"Clinical": {"clinical": 0.6}, "Rad": {"rad": 0.8}, "DL": {"deep": 0.8}, "DLR": {"rad": 0.8, "deep": 0.8},
         "Combined": {"clinical": 0.6, "rad": 0.8, "deep": 0.8}}  # fmt: skip
HER2, KI67 = Target("her2"), Target("ki67", TargetKind.PER_CENT)
PREVALENCE = 0.3
GIVES = {
    "cohort": (COHORT,), "radiomics": (COPIES,), "radiomics_model": (SELECTION_FREQUENCY,),
    "evaluate": (METRICS, OPTIMISM_GAP, CONFOUNDERS),
}  # fmt: skip


def study(folder: Path, seed: int, patients: int, test: int) -> Sources:
    """A study of five models of her2, and one of a per cent; so many patients, `test` of them on the test side."""
    draw = rng(seed, "calibrated", patients, test)
    ids = [f"P{k:04}" for k in range(patients)]
    side = np.where(np.arange(patients) < patients - test, "train", "test")
    positive = np.zeros(patients)
    for one in ("train", "test"):
        own = np.flatnonzero(side == one)
        positive[draw.permutation(own)[: round(PREVALENCE * len(own))]] = 1
    x = {kind: draw.normal(size=patients) for kind in ("clinical", "rad", "deep")}
    lesion = np.clip(30 + 15 * draw.normal(size=patients), 0, 100)
    known = np.where(draw.random(patients) < 0.15, np.nan, lesion)
    tables = cohort_of(
        {
            "patient_id": ids, "side": side, "her2": positive, "ki67": known,
            "cohort": draw.choice(["A", "B", "C"], patients, p=[0.5, 0.3, 0.2]),
            "scanner": draw.integers(4, size=patients).astype(str),
            "year": draw.integers(2009, 2021, patients).astype(str),
        },
        targets=(HER2, KI67),
    )  # fmt: skip
    rows = []
    for model, apart in APART.items():
        shifted = sum(d * (x[kind] + d * positive - d / 2) for kind, d in apart.items())
        value = pd.Series(expit(logit(np.array(PREVALENCE)) + shifted), index=ids)
        rows += _chains(value, side, model, draw)
    error = pd.Series(np.clip(lesion + 12 * draw.normal(size=patients), 0, 100), index=ids)
    rows += [row.assign(target="ki67", kind="per_cent") for row in _chains(error, side, "Rad", draw)]
    return _evaluated(folder, tables, pd.concat(rows, ignore_index=True), draw, seed)


def _chains(value: pd.Series, side: np.ndarray, model: str, draw: np.random.Generator) -> list[pd.DataFrame]:
    """Out-of-fold in five folds of two seeds, on test by one chain, and apparent without any optimism."""
    rows = pd.DataFrame({"patient_id": value.index, "side": side, "value": value.to_numpy(), "seed": 0, "fold": 0})
    rows = rows.assign(target="her2", model=model, variant="", algorithm=CHOSEN, kind="probability")
    train = rows[side == "train"]
    folds = [train.assign(seed=s, fold=draw.permutation(np.arange(len(train)) % 5)) for s in range(2)]
    paper = [rows.assign(protocol="paper")] if model in ("Clinical", "Rad") else []
    return [*(part.assign(protocol="crossfit") for part in (*folds, rows[side == "test"])), *paper]


def _evaluated(
    folder: Path, tables: CohortTables, predictions: pd.DataFrame, draw: np.random.Generator, seed: int
) -> Sources:
    folders = {name: folder / name for name in GIVES}
    for one in folders.values():
        one.mkdir(parents=True, exist_ok=True)
    settings = StudySettings.model_validate({"cohort": {"target": ["her2", "ki67"]}})
    signatures = [one for one in evaluated_signatures(predictions, tables) if one.algorithm == CHOSEN]
    cutoffs = cut_offs(signatures)
    rows = [row for one in signatures for row in measures(one, cutoffs.of(one), seed, 100, 30.0)]
    metrics = METRICS.conform(pd.DataFrame(rows))
    METRICS.write(folders["evaluate"], metrics)
    OPTIMISM_GAP.write(folders["evaluate"], optimism_gap(metrics))
    CONFOUNDERS.write(folders["evaluate"], confounder_table(tables, seed))
    COHORT.write(folders["cohort"], tables.cases)
    spec = {"targets": [{"name": t.name, "kind": t.kind.value} for t in tables.targets], "columns": []}
    (folders["cohort"] / "columns.json").write_text(json.dumps(spec))
    columns = _features(len(tables.cases), draw)
    ids = tables.cases[["case_id", "patient_id"]].reset_index(drop=True)
    COPIES.write(folders["radiomics"], copied_rows(pd.concat([ids, columns], axis=1), tables.cases))
    SELECTION_FREQUENCY.write(folders["radiomics_model"], _selection(draw))
    return Sources(folders, {}, settings, ABOUT, GIVES)


def _features(n: int, draw: np.random.Generator) -> pd.DataFrame:
    """Forty columns of five factors."""
    factors = draw.normal(size=(n, 5))
    values = factors[:, np.arange(40) % 5] + 0.5 * draw.normal(size=(n, 40))
    return pd.DataFrame(np.exp(values), columns=[f"f{k:02}" for k in range(40)])


def _selection(draw: np.random.Generator) -> pd.DataFrame:
    """Fifteen chains, each of which keeps each of six features with .9, and of a hundred others two."""
    often, seldom = draw.binomial(15, 0.9, 6), draw.binomial(15, 0.02, 100)
    kept = np.concatenate([often, seldom[seldom > 0]])
    rows = [("her2", "Rad", f"f{k:03}", count, 15, count / 15, 0.1) for k, count in enumerate(kept)]
    return pd.DataFrame(rows, columns=list(SELECTION_FREQUENCY.names))


# what each rule says when it is wrong, by the words that it begins with; the rest of the list states what was done
JUDGED = {
    "copies": "Patients are copies", "confounded": "The ", "implausible": "The AUC is too good",
    "miscalibrated": "Probabilities are too", "gap": "Training performance", "spread": "A signature spreads",
    "selection": "The selected features", "biased": "Predictions are too", "unknown": "The outcome is unknown",
}  # fmt: skip


def alarms(folder: Path, seeds: range, patients: int, test: int) -> Counter[str]:
    """In how many studies each rule spoke, of `seeds` in which it should not."""
    wrong: Counter[str] = Counter()
    for seed in seeds:
        sources = study(folder / str(seed), seed, patients, test)
        said = {remark.says for remark in remarks(sources, Evidence(sources)).remarks}
        for rule, words in JUDGED.items():
            end = "" if rule != "confounded" else "alone predicts her2."
            wrong[rule] += any(one.startswith(words) and one.endswith(end) for one in said)
    return wrong
