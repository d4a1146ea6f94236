"""What enhancing does to the signatures: the same chains fitted on the images as they are, and on bicubic ones.

Enlarging alone, which adds nothing to an image, moves what texture features say: they look at another distance. So a
signature of enhanced images is held against the one of bicubic images on the same grid first, then against the native.
Parts, folds, seeds and patients are those of the study's own signature; the images alone differ. Where features are
filtered by their reproducibility, the names that passed on the study's own images are offered to all three: the
comparison stays paired, and if this favours any of them it is the enhanced ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.cohort import Case
from dlr.engine import Run
from dlr.engine.stage import release
from dlr.protocols import Part
from dlr.radiomics import expected_columns, load_profile
from dlr.study.cases import CaseRow, CaseSource, CohortFiles, enhanced_case, rows_of
from dlr.study.cohort import CohortTables
from dlr.study.deep_chains import backbone_file
from dlr.study.features import feature_table, measuring_tasks, read_measured
from dlr.study.frames import PatientFrame, patient_frame
from dlr.study.frozen import fit_heads, least_loss
from dlr.study.measuring import measure_case
from dlr.study.parts import learnable_parts, study_parts
from dlr.study.pictures import embedding_table, picture_case, picture_tasks, picturing_of, read_pictured
from dlr.study.selected import reproducible_features
from dlr.study.signatures import SignatureData, chosen_rows, fit_parts, held_out_rows
from dlr.tables import FEATURES
from dlr.words import BICUBIC_IMAGES, CHOSEN, NATIVE_IMAGES, Model, Target

__all__ = ["BicubicFiles", "Fitted", "Images", "deep_on", "features_of", "measured_rows", "other_images", "rad_on"]


@dataclass(frozen=True)
class BicubicFiles:
    """The cohort's own images on the grid of enhanced ones, by bicubic interpolation alone."""

    files: CohortFiles
    scale: int
    native: bool  # back on the image's own grid, as enhanced ones are under superres.measure_on: native

    def read(self, row: CaseRow, outline: str = "mask") -> Case:
        from dlr.superres.enhancer import Enhancer

        case = self.files.read(row, outline)
        array = Enhancer(None, self.scale).apply(case.image.array[0], case.image.dtype)
        return enhanced_case(case, array, self.scale, self.native)

    def key(self, row: CaseRow, outline: str, digest: Callable[[str | Path], str]) -> dict[str, Any]:
        own = self.files.key(row, outline, digest)
        return {**own, "bicubic": self.scale, "native grid": self.native, "torch": release("torch")}


@dataclass(frozen=True)
class Images:
    """One kind of images of the study's patients."""

    variant: str  # of the signatures that are fitted on them
    source: CaseSource


@dataclass(frozen=True)
class Fitted:
    """The chains of one target that were fitted on other images."""

    target: Target
    parts: tuple[tuple[Part, Path], ...]  # with the folder of each part's chains
    predictions: pd.DataFrame  # PREDICTIONS of the chosen ones


def other_images(settings: Any) -> list[Images]:
    """Native images, and bicubic ones unless the study's own are bicubic."""
    files, superres = CohortFiles(settings.cohort), settings.superres
    native = Images(NATIVE_IMAGES, files)
    if superres.method == "bicubic":
        return [native]
    return [native, Images(BICUBIC_IMAGES, BicubicFiles(files, superres.scale, superres.measure_on == "native"))]


def measured_rows(tables: CohortTables, features: pd.DataFrame) -> list[CaseRow]:
    """The cases that have features of the study's own images: the others would be on one side of a comparison only."""
    names = [name for name in features.columns if name not in FEATURES.names]
    seen = set(features.loc[features[names].notna().any(axis=1), "case_id"])
    return [row for row in rows_of(tables.cases) if row.case_id in seen]


def features_of(
    run: Run, tables: CohortTables, source: CaseSource, rows: Sequence[CaseRow], label: str
) -> pd.DataFrame:
    """FEATURES of the cases of a source; how many could not be measured is said."""
    profile = load_profile(run.settings.radiomics.profile)
    columns = expected_columns(profile, tables.kind, run.settings.radiomics.regions)
    tasks = measuring_tasks(run, source, rows, profile)
    results = run.each_or_failure(measure_case, tasks, label=label)
    values, missing, _ = read_measured(tasks, results, columns)
    lost = missing[missing["feature"] == "all"]
    if len(lost):
        run.warn(f"{label}: {len(lost)} cases could not be measured, such as {lost['case_id'].iloc[0]}: "
                 f"{lost['reason'].iloc[0]}")  # fmt: skip
    return feature_table(values, tables.cases)


def rad_on(run: Run, tables: CohortTables, images: Images) -> list[Fitted]:
    """The Rad signature of every target on other images: measured, fitted, applied to each part's patients."""
    rows = measured_rows(tables, FEATURES.read(run.needs.radiomics))
    with run.tasks_of("radiomics"):
        features = features_of(run, tables, images.source, rows, images.variant)
    frame = patient_frame(features, tables, run.settings.cohort.per_patient)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    allowed = reproducible_features(run)
    out = []
    for target in tables.targets:
        # without a variant: its name is among what a chain's draws are named by
        asked = SignatureData(target, Model.RAD.value, frame, tables.labels(target), tables.sides, select=True)
        with run.tasks_of("radiomics_model"):
            fitted = fit_parts(run, asked, parts, allowed, f"Rad parts, {images.variant}")
        out.append(Fitted(target, tuple(fitted), chosen_rows(asked, images.variant, fitted)))
    return out


def deep_on(run: Run, tables: CohortTables, images: Images) -> list[pd.DataFrame]:
    """PREDICTIONS of the DL signature on other images: the study's own frozen backbones, heads fitted anew."""
    rows = [row for row in tables.rows_for_networks(run.settings.cohort.per_patient) if row.outlined]
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    out = []
    with run.tasks_of("deep"):
        frames = {name: _frozen_frame(run, tables, images, rows, name) for name in run.settings.deep.backbones}
        for target in tables.binary_targets:
            labels = tables.labels(target)
            heads = fit_heads(run, frames, target, labels, learnable_parts(parts, target, labels))
            named = (target, Model.DL.value, images.variant, CHOSEN, tables.sides)
            out += [held_out_rows(one.part, one.value, *named) for one in least_loss(h for h, _ in heads).values()]
    return out


def _frozen_frame(
    run: Run, tables: CohortTables, images: Images, rows: Sequence[CaseRow], backbone: str
) -> PatientFrame:
    """What a frozen backbone of stage deep makes of the pictures."""
    file = backbone_file(run.needs.deep, backbone)
    digest = sha256(file.read_bytes()).hexdigest()
    tasks = picture_tasks(run, picturing_of(run.settings, images.source, rows, backbone, file, digest))
    results = run.each_or_failure(picture_case, tasks, label=f"{images.variant} by {backbone}")
    _, features = read_pictured(run, tasks, results)
    patients = {row.case_id: row.patient_id for row in rows}
    return patient_frame(embedding_table(features, patients), tables, run.settings.cohort.per_patient)
