"""`dlr predict`: a study's stages applied to new patients, gathered into one table of signatures and its companions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.csv_files import write_csv
from dlr.engine import Pipeline, Study
from dlr.engine.outputs import check_outputs
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings
from dlr.study.application import BAD_COLUMNS, Applied, NewPatients, applicable, apply_study, read_new_patients
from dlr.tables import CUTOFFS, OUTSIDE, PATIENT_POINTS, PREDICTIONS, SUBTYPES
from dlr.words import MODELS, Kind, signature

__all__ = ["Prediction", "doubt_of_images", "predict_patients", "predict_table"]

NAMES = ["patient_id", "target", "model", "variant", "protocol"]
LINE = ["target", "model", "variant", "protocol"]
CALLED = ["patient_id", "model", "variant", "protocol", "called", "rule"]  # of SUBTYPES
FILES = {  # what the header of each file begins with, by the ending of its name
    "": tuple(NAMES),
    "_points": PATIENT_POINTS.names[:5],
    "_outside": OUTSIDE.names,
    "_subtypes": tuple(CALLED),
    "_bad": BAD_COLUMNS,
}


@dataclass(frozen=True)
class Prediction:
    """Signatures, nomogram points, values outside the training range, molecular subtypes, bad cases."""

    probabilities: pd.DataFrame  # NAMES, probability or per_cent (whichever kinds there are), cutoff, positive
    points: pd.DataFrame  # PATIENT_POINTS
    outside: pd.DataFrame  # OUTSIDE
    subtypes: pd.DataFrame  # CALLED, a row a patient and signature that answers ER, PR and HER2
    bad: pd.DataFrame  # case_id, patient_id, where, what, mend


def predict_patients(
    study: Study, pipeline: Pipeline, settings: StudySettings, manifest: Path, out: Path, jobs: int = 1
) -> Path:
    """Predict the patients of a manifest into `out` (CSV); beside it _points, _outside, _subtypes, _bad where any are.

    Raises InputError where no patient can be predicted, and before any work where a file would replace one that is not
    the result of an earlier prediction, or cannot be written.
    """
    if not out.name:
        raise InputError(str(out), "this is a folder", "name a file in it")
    tables = {out.with_name(f"{out.stem}{ending}.csv") if ending else out: columns for ending, columns in FILES.items()}
    check_outputs(tables, [manifest, study.inputs.manifest, study.inputs.features, settings.cohort.clinical_table])
    found = predict_table(study, pipeline, settings, manifest, jobs)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(out, found.probabilities)
    for name in ("points", "outside", "subtypes", "bad"):
        table: pd.DataFrame = getattr(found, name)
        beside = out.with_name(f"{out.stem}_{name}.csv")
        if len(table):
            write_csv(beside, table)
        else:
            beside.unlink(missing_ok=True)
    return out


def doubt_of_images(study: Study) -> str | None:
    """A warning where the study's checks found hallucinations in enhanced images, which new ones become too."""
    for name in ("superres_effect", "superres"):  # the first one's verdict is of all checks
        folder = study.folders.get(name)
        if folder is not None and (folder / "verdict.json").is_file():
            said = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
            if said["word"] != "hallucination":
                return None
            return (
                f"these values are measured in enhanced images, and the study's verdict on them is: {said['sentence']}"
            )
    return None


def predict_table(
    study: Study, pipeline: Pipeline, settings: StudySettings, manifest: Path, jobs: int = 1
) -> Prediction:
    """Every signature of every new patient that can be read."""
    patients = read_new_patients(study, settings, manifest, jobs)
    if not any(PREDICTIONS in stage.gives for stage in applicable(study, pipeline)):
        raise InputError(str(study.folder), "this study holds no fitted model", "run the study first")
    made = apply_study(study, pipeline, settings, patients)
    chains, bad = made.of(PREDICTIONS), _bad(patients, made)
    if chains.empty:
        raise _nobody(manifest, bad)
    order = {spec.name: place for place, spec in enumerate((*MODELS, *pipeline.models))}
    return Prediction(
        _with_cutoffs(signature(chains), made.of(CUTOFFS), order),
        made.of(PATIENT_POINTS),
        made.of(OUTSIDE).drop_duplicates(ignore_index=True),
        _called(made.of(SUBTYPES), order),
        bad,
    )


def _with_cutoffs(rows: pd.DataFrame, cutoffs: pd.DataFrame, order: dict[str, int]) -> pd.DataFrame:
    """A row a patient and signature: its value by kind, the cut-off from training patients, and what it says."""
    out = rows.merge(cutoffs[[*LINE, "cutoff"]], how="left", on=LINE)
    kinds = [kind for kind in Kind if (out["kind"] == kind).any()]
    for kind in kinds:
        out[kind.value] = out["value"].where(out["kind"] == kind)
    known = out["cutoff"].notna() & (out["kind"] == Kind.PROBABILITY)
    out["positive"] = np.where(known, np.where(out["value"] >= out["cutoff"], "yes", "no"), "")
    out["order"] = out["model"].map(order)
    out = out.sort_values(["target", "patient_id", "protocol", "order", "variant"], kind="stable")
    return out[[*NAMES, *[kind.value for kind in kinds], "cutoff", "positive"]].reset_index(drop=True)


def _called(subtypes: pd.DataFrame, order: dict[str, int]) -> pd.DataFrame:
    """What every signature calls every patient, in the order of the signatures."""
    placed = subtypes.assign(order=subtypes["model"].map(order))
    return placed.sort_values(["patient_id", "protocol", "order", "variant"], kind="stable")[CALLED]


def _bad(patients: NewPatients, made: Applied) -> pd.DataFrame:
    """Cases that could not be read, and those that a stage could not look at, each once."""
    owner = dict(zip(patients.tables.cases["case_id"], patients.tables.cases["patient_id"], strict=True))
    more = [
        (case, owner[case], problem.where, problem.what, problem.mend)
        for case, problem in made.problems.items()
        if case not in set(patients.bad["case_id"])
    ]
    return pd.concat([patients.bad, pd.DataFrame(more, columns=list(BAD_COLUMNS))], ignore_index=True)


def _nobody(manifest: Path, bad: pd.DataFrame) -> InputError:
    if bad.empty:
        return InputError(str(manifest), "no patient could be predicted", "check its images and columns")
    return InputError.of([Problem(row.where, row.what, row.mend) for row in bad.itertuples(index=False)])
