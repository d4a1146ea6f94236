"""Stage radiomics: every feature of every ROI, one row a case."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from dlr.cohort import load_feature_table, match_features
from dlr.engine import Run, stage
from dlr.engine.threads import one_thread
from dlr.errors import InputError, Problem
from dlr.radiomics import expected_columns, family_counts, feature_dictionary, load_profile
from dlr.radiomics.regions import region_and_rest
from dlr.study.application import Application
from dlr.study.cases import outlined_rows, rows_of, source_of
from dlr.study.cohort import read_cohort
from dlr.study.features import copied_rows, copies_in_words, feature_table, measuring_of, measuring_tasks, read_measured
from dlr.study.measuring import SHARE, Measuring, measure_case, measure_one
from dlr.tables import COPIES, DICTIONARY, FAMILIES, FEATURES, MISSING
from dlr.words import Target

__all__ = ["radiomics"]

PROFILE_FILE = "profile.yaml"


def apply_radiomics(given: Application) -> None:
    """Features of every new case with an image; of the new table itself where the study started from features."""
    patients = given.patients
    if patients.holds_features:
        known = [column.name for column in patients.tables.columns]
        given.made.give(
            FEATURES,
            match_features(
                load_feature_table(patients.table, known, targets=patients.tables.targets), patients.tables.cases
            ),
        )
        return
    profile = load_profile(given.home / PROFILE_FILE)  # the study's own copy, wherever the file is now
    rows = given.outlined(rows_of(patients.tables.cases[patients.tables.cases["image"] != ""]))
    source = source_of(given.settings, given.needs.superres, new=True)
    asked = measuring_of(given.settings, source, rows, profile)
    results = Parallel(n_jobs=max(1, min(patients.jobs, len(rows))))(delayed(_measured)(one) for one in asked)
    values = {}
    for row, (found, problem) in zip(rows, results, strict=True):
        if problem is None:
            values[row.case_id] = found
        else:
            given.cannot(row, problem)
    columns = list(expected_columns(profile, patients.tables.kind, given.settings.radiomics.regions))
    features = pd.DataFrame.from_dict(values, orient="index", columns=columns)
    owner = {row.case_id: row.patient_id for row in rows}
    features.insert(0, "patient_id", [owner[case] for case in features.index])
    given.made.give(FEATURES, features.rename_axis("case_id").reset_index())


def _measured(asked: Measuring) -> tuple[dict[str, float], Problem | None]:
    try:
        with one_thread():
            return measure_one(asked).values, None
    except InputError as error:
        return {}, error.problems[0]


@stage(
    "radiomics",
    version=4,
    needs=["cohort"],
    optional=["superres"],
    sections=["radiomics", "cohort"],
    libraries=["simpleitk", "numpy", "scipy", "pywavelets"],
    gives=[FEATURES, MISSING, DICTIONARY, FAMILIES, COPIES],
    apply=apply_radiomics,
)
def radiomics(run: Run) -> None:
    """Every feature of every ROI, one row a case."""
    tables = read_cohort(run.needs.cohort)
    if run.inputs.features is not None:
        take_feature_table(run, run.inputs.features, tables.cases, tables.targets)
        return
    if not tables.cases["image"].ne("").any():
        run.leave_out("the manifest names no images, and no feature table was given (--features)")
    profile = load_profile(run.settings.radiomics.profile)
    rows = outlined_rows(rows_of(tables.cases), run.warn)
    if not rows:
        run.leave_out("no case has an outline to measure in")
    tasks = measuring_tasks(run, source_of(run.settings, run.needs.superres), rows, profile)
    regions = run.settings.radiomics.regions
    columns = expected_columns(profile, tables.kind, regions)
    values, missing, notes = read_measured(tasks, run.each_or_failure(measure_case, tasks), columns)
    for line in notes:
        run.warn(line)
    unknown = int((~tables.facts["spacing_known"]).sum())
    if unknown:
        run.warn(
            f"{unknown} of {len(tables.facts)} images carry no pixel spacing: sizes are in pixels, not millimetres"
            + (
                f", and a region of X mm is one of X/{1 / SHARE:g} of the lesion's equivalent diameter"
                if regions[1:]
                else ""
            )
        )
    features = feature_table(values, tables.cases)
    write_features(run, features, tables.cases)
    MISSING.write(run.folder, missing)
    DICTIONARY.write(run.folder, feature_dictionary(profile, tables.kind, regions))
    FAMILIES.write(run.folder, family_counts(profile, tables.kind, regions))
    (run.folder / PROFILE_FILE).write_text(profile.text, encoding="utf-8")
    run.log(f"{len(columns)} features of {len(features)} cases, profile {profile.name}")


def write_features(run: Run, features: pd.DataFrame, cases: pd.DataFrame) -> None:
    """The features, and whose are copies of another patient's: told at once, as fits on one are tested on the other."""
    FEATURES.write(run.folder, features)
    copies = copied_rows(features, cases)
    COPIES.write(run.folder, copies)
    if len(copies):
        run.warn(f"{copies_in_words(copies)}: a leak; give both one patient_id, or leave one out")


def take_feature_table(run: Run, path: Path, cases: pd.DataFrame, targets: tuple[Target, ...]) -> None:
    """Somebody's own feature table stands in for the measuring; regions that it has no columns of are named."""
    columns = [c for c in cases.columns if c not in ("patient_id", "case_id")]
    features = match_features(load_feature_table(path, columns, targets=targets), cases)
    write_features(run, features, cases)
    MISSING.write(run.folder, MISSING.empty())
    names = [c for c in features.columns if c not in ("patient_id", "case_id")]
    there = {region_and_rest(name)[0] for name in names}
    absent = [region for region in run.settings.radiomics.regions[1:] if region not in there]
    if absent:
        run.warn(
            f"radiomics.regions asks for {', '.join(absent)}: {path.name} has no such columns, and nothing is measured"
        )
    given = {"family": "given", "image_type": "given"}
    FAMILIES.write(run.folder, pd.DataFrame([{**given, "count": len(names)}]))
    about = pd.DataFrame({"name": names}).assign(**given, ibsi_code="", unit="", noise_on_one_slice=False)
    DICTIONARY.write(run.folder, about)
    run.log(f"{len(names)} features taken from {path.name}")
