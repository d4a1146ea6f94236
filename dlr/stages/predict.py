"""Probabilities for new patients: the chains that a study saved, applied by the code that served its test side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from dlr.cohort import Cohort, CohortSettings, load_feature_table, load_new_cases, match_features, read_case
from dlr.engine import Study
from dlr.engine.outputs import check_outputs
from dlr.engine.threads import one_thread
from dlr.errors import InputError, Problem
from dlr.learn import load_chain
from dlr.radiomics import Profile, engine, expected_columns, load_profile
from dlr.settings import StudySettings
from dlr.stages.clinical import model_frame
from dlr.stages.combine import SavedSet, read_sets
from dlr.stages.predict_deep import deep_values
from dlr.stages.signatures import PatientFrame, apply_chains, patient_frame
from dlr.stages.tables import BEFORE_BIOPSY, CohortTables, read_cohort
from dlr.stats import Nomogram
from dlr.words import CHOSEN, Kind, Model, signature

__all__ = ["Prediction", "predict_patients", "predict_table"]

NEW = "new"  # the side of patients who belong to no side
ALL = "all"  # the folder of the variant that takes every column
FILES = {  # what the header of each file begins with, by the ending of its name
    "": ("patient_id", "target", "model", "variant", "protocol", "probability"),
    "_points": ("patient_id", "set", "variable", "value", "points"),
    "_outside": ("patient_id", "model", "variant", "column", "value"),
    "_bad": ("case_id", "patient_id", "where", "what", "mend"),
}
CHAIN_STAGES = {Model.CLINICAL: "clinical", Model.RAD: "radiomics_model"}


class Prediction:
    """What `dlr predict` computes: signatures, nomogram points, values outside the training range, bad cases."""

    def __init__(
        self, probabilities: pd.DataFrame, points: pd.DataFrame, outside: pd.DataFrame, bad: pd.DataFrame
    ) -> None:
        self.probabilities = probabilities  # patient_id, target, model, ..., probability, cutoff, positive
        self.points = points  # patient_id, set, variable, value, points, total, risk
        self.outside = outside  # patient_id, model, column, value
        self.bad = bad  # case_id, patient_id, where, what, mend


def predict_patients(study: Study, settings: StudySettings, manifest: Path, out: Path, jobs: int = 1) -> Path:
    """Predict the patients of a manifest into `out` (CSV); beside it _points, _outside and _bad where there are any.

    Raises InputError where no patient can be predicted, and before any work where a file would replace one that is not
    the result of an earlier prediction, or cannot be written.
    """
    tables = {out.with_name(f"{out.stem}{ending}.csv") if ending else out: columns for ending, columns in FILES.items()}
    check_outputs(tables, [manifest, study.inputs.manifest, study.inputs.features, settings.cohort.clinical_table])
    found = predict_table(study, settings, manifest, jobs)
    out.parent.mkdir(parents=True, exist_ok=True)
    found.probabilities.to_csv(out, index=False)
    for name in ("points", "outside", "bad"):
        table: pd.DataFrame = getattr(found, name)
        beside = out.with_name(f"{out.stem}_{name}.csv")
        if len(table):
            table.to_csv(beside, index=False)
        else:
            beside.unlink(missing_ok=True)
    return out


def predict_table(study: Study, settings: StudySettings, manifest: Path, jobs: int = 1) -> Prediction:
    """Every signature and the Combined model of every new patient that can be read."""
    trained = read_cohort(_folder(study, "cohort"))
    from_features = study.inputs.features is not None
    known = bool(trained.facts["spacing_known"].all()) if len(trained.facts) else None
    new = load_new_cases(
        manifest, settings.cohort, trained.columns, images=not from_features, kind=trained.kind, spacing_known=known
    )
    features, bad = (
        (_given_features(manifest, new), new.bad) if from_features else _measured(settings, new, trained.kind, jobs)
    )
    tables = CohortTables(
        cases=new.table[new.table["excluded"] == ""].reset_index(drop=True),
        folds=pd.DataFrame(),
        facts=new.cases.set_index("case_id"),
        columns=trained.columns,
        targets=trained.targets,
        target_specs=trained.target_specs,
        kind=trained.kind,
    )
    chains, outside = _apply_all(study, settings, tables, features)
    chains, bad = _with_deep(study, settings, tables, features, chains, bad)
    if chains.empty and not _has_sets(study):
        raise InputError(str(study.folder), "this study holds no fitted model", "run the study first")
    signatures = signature(chains) if len(chains) else pd.DataFrame()
    combined, points = _combined(study, tables, signatures)
    rows = pd.concat([signatures, combined], ignore_index=True)
    if rows.empty:
        raise _nobody(manifest, bad)
    columns = ["patient_id", "target", "model", "variant", "protocol", "probability"]
    return Prediction(_with_cutoffs(study, rows[columns]), points, outside, bad)


def _folder(study: Study, stage: str) -> Path:
    folder = study.folders.get(stage)
    if folder is None:
        raise InputError(str(study.folder), f"stage {stage} has no outputs", "run the study to its end: dlr run")
    return folder


def _given_features(manifest: Path, new: Cohort) -> pd.DataFrame:
    """The study started from a feature table: the new patients' table holds their features too."""
    known = [column.name for column in new.columns]
    return match_features(load_feature_table(manifest, known), new.table)


def _measured(settings: StudySettings, new: Cohort, kind: str, jobs: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of every new case with an image; a case that cannot be measured is named among the bad ones."""
    profile = load_profile(settings.radiomics.profile)
    rows = [row for row in new.table.to_dict("records") if row["excluded"] == "" and row["image"]]
    results = Parallel(n_jobs=max(1, min(jobs, len(rows))))(
        delayed(_measure)(row, settings.cohort, profile, settings.radiomics.engine) for row in rows
    )
    values, bad = {}, []
    for row, (found, problem) in zip(rows, results, strict=True):
        if problem is not None:
            bad.append((row["case_id"], row["patient_id"], problem.where, problem.what, problem.mend))
        else:
            values[row["case_id"]] = found
    features = pd.DataFrame.from_dict(values, orient="index", columns=list(expected_columns(profile, kind)))
    patient = {row["case_id"]: row["patient_id"] for row in rows}
    features.insert(0, "patient_id", [patient[case] for case in features.index])
    more = pd.DataFrame(bad, columns=new.bad.columns)
    return features.rename_axis("case_id").reset_index(), pd.concat([new.bad, more], ignore_index=True)


def _measure(
    row: dict, cohort: CohortSettings, profile: Profile, engine_name: str
) -> tuple[dict[str, float], Problem | None]:
    try:
        with one_thread():
            case = read_case(row, cohort)
            measured = engine(engine_name).measure(case.image.array, case.mask, case.image.spacing, profile)
    except InputError as error:
        return {}, error.problems[0]
    return measured.values, None


def _apply_all(
    study: Study, settings: StudySettings, tables: CohortTables, features: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of predictions by every saved chain, and the values outside the training range of the chosen ones."""
    predictions, outside = [], []
    for model, stage in CHAIN_STAGES.items():
        home = study.folders.get(stage)
        if home is None:
            continue
        for target, variant, folder in _chains(home):
            frame = _frame(model, variant, settings, tables, features)
            if frame.values.empty:
                continue
            value = apply_chains(folder, CHOSEN, frame)
            protocol, _, part = folder.name.partition("-")
            predictions.append(
                pd.DataFrame({"patient_id": value.index, "value": value.to_numpy()}).assign(
                    target=target, side=NEW, protocol=protocol, model=model.value, variant=variant, algorithm=CHOSEN,
                    seed=0, fold=part or "-", kind=Kind.PROBABILITY.value,
                )
            )  # fmt: skip
            outside.append(_outside(folder, frame, model.value, variant))
    chains = pd.concat(predictions, ignore_index=True) if predictions else pd.DataFrame()
    table = pd.concat(outside, ignore_index=True) if outside else pd.DataFrame()
    return chains, table.drop_duplicates(ignore_index=True)


def _with_deep(
    study: Study,
    settings: StudySettings,
    tables: CohortTables,
    features: pd.DataFrame,
    chains: pd.DataFrame,
    bad: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The chains' rows with those of DL and DLR, and the bad cases with those that no network can be shown."""
    with one_thread():
        found, problems = deep_values(study.folders, settings, tables, features)
    rows = [
        pd.DataFrame({"patient_id": one.value.index, "value": one.value.to_numpy()}).assign(
            target=one.target, side=NEW, protocol=one.part.partition("-")[0], model=one.model, variant="",
            algorithm=CHOSEN, seed=0, fold=one.part.partition("-")[2] or "-", kind=Kind.PROBABILITY.value,
        )
        for one in found
    ]  # fmt: skip
    patient = dict(zip(tables.cases["case_id"], tables.cases["patient_id"], strict=True))
    more = [
        (case, patient[case], problem.where, problem.what, problem.mend)
        for case, problem in problems.items()
        if case not in set(bad["case_id"])
    ]
    bad = pd.concat([bad, pd.DataFrame(more, columns=bad.columns)], ignore_index=True) if more else bad
    return pd.concat([chains, *rows], ignore_index=True), bad


def _chains(home: Path) -> Iterator[tuple[str, str, Path]]:
    """target, variant and folder of every part's chains."""
    for target in sorted((home / "chains").iterdir()):
        for variant in sorted(target.iterdir()):
            for part in sorted(variant.iterdir()):
                yield target.name, "" if variant.name == ALL else variant.name, part


def _frame(
    model: Model, variant: str, settings: StudySettings, tables: CohortTables, features: pd.DataFrame
) -> PatientFrame:
    if model is Model.CLINICAL:
        values = tables.clinical(before_biopsy=variant == BEFORE_BIOPSY)
        return PatientFrame(values, pd.Series(values.index, index=values.index))
    return patient_frame(features, tables, settings.cohort.per_patient)


def _outside(folder: Path, frame: PatientFrame, model: str, variant: str) -> pd.DataFrame:
    """patient_id, model, variant, column, value of the kept columns that lie outside the part's training range."""
    flags = load_chain(folder, CHOSEN).outside(frame.values)
    rows = [
        (frame.patient_id.iloc[i], model, variant, flags.columns[j], float(frame.values[flags.columns[j]].iloc[i]))
        for i, j in zip(*np.nonzero(flags.to_numpy()), strict=True)
    ]
    return pd.DataFrame(rows, columns=["patient_id", "model", "variant", "column", "value"])


def _has_sets(study: Study) -> bool:
    return study.folders.get("combine") is not None


def _combined(study: Study, tables: CohortTables, signatures: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The Combined model of every primary set, and each patient's points on the drawn nomograms."""
    home = study.folders.get("combine")
    if home is None or signatures.empty:
        return pd.DataFrame(), pd.DataFrame()
    rows = []
    frames: dict[tuple[str, str, str], pd.DataFrame] = {}
    for saved in read_sets(home):
        frame = _inputs(tables, signatures, saved)
        frames[saved.name, saved.target, saved.protocol] = frame
        if saved.primary and saved.model.fit is not None and len(frame):
            rows.append(
                pd.DataFrame({"patient_id": frame.index, "probability": saved.model.predict(frame)}).assign(
                    target=saved.target, model=Model.COMBINED.value, variant=saved.variant, protocol=saved.protocol
                )
            )
    combined = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return combined, _points(study, home, frames)


def _inputs(tables: CohortTables, signatures: pd.DataFrame, saved: SavedSet) -> pd.DataFrame:
    """Clinical columns and signatures of the patients that have every signature of a set."""
    frame = model_frame(tables, tables.columns)
    rows = signatures[(signatures["target"] == saved.target) & (signatures["protocol"] == saved.protocol)]
    for model, own in rows.groupby("model", sort=False):
        wanted = saved.variant if saved.variant in set(own["variant"]) else ""
        own = own[own["variant"] == wanted].set_index("patient_id")
        frame[str(model)] = own["probability"].reindex(frame.index)
    needed = [name for name in saved.model.candidates.signatures if name in frame.columns]
    if len(needed) < len(saved.model.candidates.signatures):
        return frame.iloc[:0]
    return saved.model.filled(frame[frame[needed].notna().all(axis=1)])


def _points(study: Study, home: Path, frames: dict[tuple[str, str, str], pd.DataFrame]) -> pd.DataFrame:
    drawn = study.folders.get("nomogram")
    if drawn is None:
        return pd.DataFrame()
    tables = []
    stored = json.loads((drawn / "nomogram.json").read_text(encoding="utf-8"))
    for entry in stored["sets"]:
        frame = frames.get((entry["name"], entry["target"], entry["protocol"]))
        if frame is None or frame.empty:
            continue
        paper = Nomogram.from_dict(entry["nomogram"])
        points = paper.points(frame)
        beyond = paper.beyond(frame).set_index(["patient", "variable"]).index
        total = paper.total(frame)
        for axis in paper.axes:
            table = pd.DataFrame(
                {
                    "patient_id": frame.index,
                    "set": entry["name"],
                    "variable": axis.name,
                    "value": frame[axis.name].to_numpy(),
                    "points": points[axis.name].to_numpy(),
                    "beyond_axis": [(patient, axis.name) in beyond for patient in frame.index],
                    "total": total,
                    "risk": paper.risk(total),
                }
            )
            tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _with_cutoffs(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """The cut-off of each signature from the study's training patients, and what it says."""
    home = study.folders.get("evaluate")
    if home is None:
        return rows
    cutoffs = pd.read_csv(home / "cutoffs.csv", keep_default_na=False)[
        ["target", "model", "variant", "protocol", "cutoff"]
    ].astype({"cutoff": float})
    out = rows.merge(cutoffs, how="left", on=["target", "model", "variant", "protocol"])
    called = np.where(out["probability"] >= out["cutoff"], "yes", "no")
    out["positive"] = np.where(out["cutoff"].notna(), called, "")
    order = {model.value: place for place, model in enumerate(Model)}
    out["order"] = out["model"].map(order)
    out = out.sort_values(["target", "patient_id", "protocol", "order", "variant"], kind="stable")
    return out.drop(columns="order").reset_index(drop=True)


def _nobody(manifest: Path, bad: pd.DataFrame) -> InputError:
    if bad.empty:
        return InputError(str(manifest), "no patient could be predicted", "check its images and columns")
    return InputError.of([Problem(row.where, row.what, row.mend) for row in bad.itertuples(index=False)])
