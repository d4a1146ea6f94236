"""Stage combine: clinical variables and one image signature in one logistic model, every admissible set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.engine import Run, stage
from dlr.errors import InputError
from dlr.learn import CandidateSet, CombinedModel, admissible_sets, fit_combined
from dlr.randomness import rng
from dlr.stages.clinical import model_frame
from dlr.stages.tables import BEFORE_BIOPSY, BIOPSY_FREE, CohortTables, read_cohort, write_table
from dlr.words import CHOSEN, PREDICTION_COLUMNS, Kind, Model, Protocol, Side, signature

__all__ = ["SETS_FILE", "SavedSet", "combine", "combined_inputs", "read_sets"]

SETS_FILE = "combined_model.json"
INPUTS_FILE = "inputs.parquet"  # the patients' signatures and clinical values as the model takes them
SIGNATURES = ("clinical", "radiomics_model", "deep", "fusion_model")
STACKED = "stacked, optimistic"  # its inputs come from models that saw the held-out labels of other folds


@dataclass(frozen=True)
class SavedSet:
    """One fitted set of variables of one target, protocol and variant."""

    target: str
    protocol: str
    variant: str
    primary: bool  # the pre-named set, whose predictions are the Combined signature
    model: CombinedModel

    @property
    def name(self) -> str:
        """What stands in tables and on the nomogram: "er + Rad (before biopsy)"."""
        return self.model.candidates.name + (f" ({self.variant})" if self.variant else "")


@stage(
    "combine",
    version=2,
    needs=["cohort"],
    optional=list(SIGNATURES),
    sections=["combine", "learn.protocols"],
    libraries=["numpy", "scipy"],
)
def combine(run: Run) -> None:
    """Clinical variables and a signature in one logistic model, bounded by Riley's criterion."""
    tables = read_cohort(run.needs.cohort)
    found = read_signatures(run)
    if found.empty:
        run.leave_out("there is no signature to combine")
    protocols = [p for p in run.settings.learn.protocols if p in (Protocol.PAPER, Protocol.CROSSFIT)]
    sets, predictions, inputs, optimism, reasons = [], [], [], [], []
    for target in tables.targets:
        for protocol in protocols:
            for variant, biopsy_free in (("", False), (BEFORE_BIOPSY, True)):
                frame = combined_frame(tables, found, target, protocol, variant)
                candidates = _candidates(run, tables, frame, biopsy_free)
                if variant and _same_as_all(run, tables):
                    continue
                if not candidates:
                    reasons.append(_why_none(tables, frame, target))
                    continue
                saved = [
                    _fit(run, tables, frame, candidate, target, protocol, variant, primary=number == 0)
                    for number, candidate in enumerate(candidates)
                ]
                sets += saved
                inputs.append(frame.assign(target=target, protocol=protocol, variant=variant))
                first = saved[0]
                if first.model.fit is None:
                    reasons.append(first.model.reason)
                    continue
                predictions.append(_predictions(run, tables, frame, first))
                if protocol == Protocol.CROSSFIT and run.settings.combine.bootstrap:
                    optimism.append(_optimism(run, tables, frame, first))
    reasons = list(dict.fromkeys(reasons))
    if not sets:
        run.leave_out("; ".join(reasons))
    for reason in reasons:
        run.warn(reason)
    write_sets(run.folder, sets, reasons)
    pd.concat(inputs).rename_axis("patient_id").reset_index().to_parquet(run.folder / INPUTS_FILE, index=False)
    terms = [s.model.terms().rename(columns={"variant": "model"}).assign(**_names(s)) for s in sets]
    pd.concat(terms, ignore_index=True).to_csv(run.folder / "combined_terms.csv", index=False)
    if predictions:
        write_table(pd.concat(predictions, ignore_index=True), run.folder, "predictions")
    if optimism:
        pd.concat(optimism, ignore_index=True).to_csv(run.folder / "optimism.csv", index=False)


def read_signatures(run: Run) -> pd.DataFrame:
    """Every chosen signature of the models that are there (words.signature's table)."""
    tables = [
        pd.read_parquet(folder / "predictions.parquet")
        for name in SIGNATURES
        if (folder := getattr(run.needs, name, None)) is not None and (folder / "predictions.parquet").exists()
    ]
    rows = [signature(table[table["algorithm"] == CHOSEN]) for table in tables]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def combined_frame(tables: CohortTables, found: pd.DataFrame, target: str, protocol: str, variant: str) -> pd.DataFrame:
    """Raw clinical columns and signatures (probabilities, columns named by model), a row a patient."""
    frame = model_frame(tables, tables.columns)
    rows = found[(found["target"] == target) & (found["protocol"] == protocol)]
    for model, own in rows.groupby("model", sort=False):
        wanted = variant if variant in set(own["variant"]) else ""
        own = own[own["variant"] == wanted]
        frame[str(model)] = own.set_index("patient_id")["probability"].reindex(frame.index)
    return frame


def _candidates(run: Run, tables: CohortTables, frame: pd.DataFrame, biopsy_free: bool) -> tuple[CandidateSet, ...]:
    signatures = [model.value for model in Model if model.value in frame.columns]
    known = {c.name for c in tables.columns if not biopsy_free or c.available in BIOPSY_FREE}
    named = run.settings.combine.variables or ()
    variables = [name for name in named if name in known]
    if biopsy_free and not known:
        return ()
    return admissible_sets(variables, signatures, run.settings.combine.signature)


def _same_as_all(run: Run, tables: CohortTables) -> bool:
    """Every clinical column is known before biopsy, or none is: the variant would repeat the model or be empty."""
    early = sum(column.available in BIOPSY_FREE for column in tables.columns)
    return early in (0, len(tables.columns))


def _why_none(tables: CohortTables, frame: pd.DataFrame, target: str) -> str:
    images = [m.value for m in (Model.RAD, Model.DL, Model.DLR) if m.value in frame.columns]
    if not images:
        return f"{target}: there is no image signature, so the Combined model is absent"
    return (
        f"{target}: there are no clinical columns to combine with {', '.join(images)}, so the Combined model is absent"
    )


def _training(tables: CohortTables, frame: pd.DataFrame, candidates: CandidateSet, target: str) -> list[str]:
    """Training patients with a known target and every signature."""
    labels = tables.labels(target)
    complete = frame[list(candidates.signatures)].notna().all(axis=1)
    return [p for p in tables.ids(Side.TRAIN) if p in labels.index and complete[p]]


def _fit(
    run: Run,
    tables: CohortTables,
    frame: pd.DataFrame,
    candidates: CandidateSet,
    target: str,
    protocol: str,
    variant: str,
    primary: bool,
) -> SavedSet:
    ids = _training(tables, frame, candidates, target)
    model = _fit_on(run, tables, frame, candidates, target, protocol, ids)
    for dropped in model.dropped:
        run.log(f"{candidates.name}, {protocol}: {dropped.variable} leaves: {dropped.reason}")
    return SavedSet(target, str(protocol), variant, primary, model)


def _fit_on(
    run: Run,
    tables: CohortTables,
    frame: pd.DataFrame,
    candidates: CandidateSet,
    target: str,
    protocol: str,
    ids: list[str],
    profile: bool = True,
) -> CombinedModel:
    settings = run.settings.combine
    return fit_combined(
        frame.loc[ids],
        tables.labels(target).loc[ids],
        candidates,
        protocol=str(protocol),
        penalty=settings.penalty,
        bound=settings.maximum_parameters,
        profile=profile,
    )


def _predictions(run: Run, tables: CohortTables, frame: pd.DataFrame, saved: SavedSet) -> pd.DataFrame:
    """Held-out patients by the model of the whole training side; training patients stacked over the folds."""
    candidates = saved.model.candidates
    complete = frame.index[frame[list(candidates.signatures)].notna().all(axis=1)]
    training = set(tables.ids(Side.TRAIN))
    rows: list[tuple[str, int, int, float]] = []
    paper = saved.protocol == Protocol.PAPER
    direct = [p for p in complete if paper or p not in training]
    rows += [(p, 0, -1, v) for p, v in zip(direct, saved.model.predict(frame.loc[direct]), strict=True)]
    if not paper:
        rows += _stacked(run, tables, frame, saved)
    table = pd.DataFrame(rows, columns=["patient_id", "seed", "fold", "value"])
    table = table.assign(
        target=saved.target,
        protocol=saved.protocol,
        model=Model.COMBINED.value,
        variant=saved.variant,
        algorithm=CHOSEN,
        kind=Kind.PROBABILITY.value,
    )
    table["side"] = table["patient_id"].map(tables.sides)
    return table[list(PREDICTION_COLUMNS)]


def _stacked(run: Run, tables: CohortTables, frame: pd.DataFrame, saved: SavedSet) -> list[tuple[str, int, int, float]]:
    """Each fold's patients by a model of the other folds' patients, given the signatures: stacked, optimistic."""
    candidates = saved.model.candidates
    ids = _training(tables, frame, candidates, saved.target)
    folds = tables.folds[(tables.folds["protocol"] == Protocol.CROSSFIT) & tables.folds["patient_id"].isin(ids)]
    rows = []
    for (seed, fold), held_out in folds.groupby(["seed", "fold"], sort=True):
        out = list(held_out["patient_id"])
        outside = set(out)
        train = [p for p in ids if p not in outside]
        model = _fit_on(run, tables, frame, candidates, saved.target, saved.protocol, train, profile=False)
        if model.fit is None:
            truth = tables.labels(saved.target).loc[train]
            value = np.full(len(out), float(truth.mean()))
        else:
            value = model.predict(frame.loc[out])
        rows += [(p, int(seed), int(fold), float(v)) for p, v in zip(out, value, strict=True)]
    return rows


def _optimism(run: Run, tables: CohortTables, frame: pd.DataFrame, saved: SavedSet) -> pd.DataFrame:
    """Harrell's bootstrap of the last step, the signatures given."""
    candidates = saved.model.candidates
    ids = np.array(_training(tables, frame, candidates, saved.target), dtype=object)

    def fit(rows: np.ndarray) -> Any:
        drawn = list(ids[rows])
        table = frame.loc[drawn].reset_index(drop=True)
        labels = tables.labels(saved.target).loc[drawn].reset_index(drop=True)
        settings = run.settings.combine
        model = fit_combined(
            table, labels, candidates, protocol=saved.protocol, penalty=settings.penalty,
            bound=settings.maximum_parameters, profile=False,
        )  # fmt: skip
        if model.fit is None:
            raise InputError("Combined model", model.reason, "")
        return lambda others: model.predict(frame.loc[list(ids[others])])

    found = stats.optimism(
        fit,
        tables.labels(saved.target).loc[list(ids)].to_numpy() == 1,
        generator=rng(run.seed, "optimism", saved.target, saved.variant),
        replicates=run.settings.combine.bootstrap,
    )
    return found.table.assign(target=saved.target, variant=saved.variant)


def write_sets(folder: Path, sets: list[SavedSet], reasons: list[str]) -> None:
    """combined_model.json: every fitted set, and why any is absent."""
    entries = [{**_names(s), "primary": s.primary, "model": json.loads(s.model.to_json())} for s in sets]
    text = json.dumps({"sets": entries, "reasons": reasons}, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / SETS_FILE).write_text(text, encoding="utf-8")


def read_sets(folder: Path) -> list[SavedSet]:
    """What `write_sets` left."""
    stored = json.loads((folder / SETS_FILE).read_text(encoding="utf-8"))
    return [
        SavedSet(
            entry["target"],
            entry["protocol"],
            entry["variant"],
            entry["primary"],
            CombinedModel.from_json(json.dumps(entry["model"])),
        )
        for entry in stored["sets"]
    ]


def combined_inputs(folder: Path, saved: SavedSet) -> pd.DataFrame:
    """The patients' values that a set's model was fitted on and applied to, indexed by patient_id."""
    table = pd.read_parquet(folder / INPUTS_FILE).set_index("patient_id")
    own = (table[["target", "protocol", "variant"]] == [saved.target, saved.protocol, saved.variant]).all(axis=1)
    return table[own].drop(columns=["target", "protocol", "variant"])


def _names(saved: SavedSet) -> dict[str, str]:
    return {"target": saved.target, "protocol": saved.protocol, "variant": saved.variant, "set": saved.name}
