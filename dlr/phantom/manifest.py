"""The synthetic cohort as a study folder: data_manifest.csv, images/, masks/, and truth.csv beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from dlr.csv_files import csv_text
from dlr.phantom.clinical import CLINICAL_COLUMNS, draw_clinical, draw_her2_assays
from dlr.phantom.folder import FILE_COLUMNS, MANIFEST_NAME, TRUTH_NAME, refuse_another_study, text_of
from dlr.phantom.settings import SEED, PhantomSettings
from dlr.phantom.still import Anatomy, draw_anatomy, draw_still
from dlr.phantom.truth import BLOCKS, IMAGE_VARIABLES, PREVALENCE, draw_image_variables, truth_of
from dlr.randomness import rng

__all__ = ["MANIFEST_COLUMNS", "is_built_in", "make_cohort"]

MANIFEST_COLUMNS = (
    "patient_id", "case_id", *FILE_COLUMNS, "pixel_spacing_mm", "view", "side_of_breast", "exclude_reason",
    *CLINICAL_COLUMNS, "her2_ihc", "her2_fish", "her2",
)  # fmt: skip
MAY_BE_MISSING = ("ki67", "cea", "ca125", "ca199", "ca153", "lymph_metastasis")
REASONS = ("neoadjuvant therapy", "neoadjuvant therapy", "incomplete lesion", "previous radiotherapy")
VIEWS = ("longitudinal", "transverse")


@dataclass(frozen=True)
class Plan:
    """A cohort before its stills are drawn."""

    manifest: pd.DataFrame  # MANIFEST_COLUMNS as text, a row a case
    truth: pd.DataFrame  # a row a patient
    anatomies: dict[str, Anatomy]  # by patient_id


def make_cohort(
    folder: Path,
    patients: int = 160,
    seed: int = SEED,
    signal: float = 1.0,
    size: int = 256,
    *,
    settings: PhantomSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a synthetic cohort into `folder` and return its manifest.

    `settings`, if given, stands for the four numbers. `progress` is told (cases done, cases in all).
    Writes data_manifest.csv and, with paths relative to it, images/ and masks/ (PNG, 8 bit; masks 0 and 255); and
    truth.csv: each patient's drawn HER2, image variables and true probabilities by block. Equal settings give equal
    bytes. Raises InputError where the folder holds a manifest that is not a synthetic cohort's.
    """
    if settings is None:
        settings = PhantomSettings(patients=patients, seed=seed, signal=signal, size=size)
    plan = plan_cohort(settings)
    manifest = folder / MANIFEST_NAME
    text = csv_text(plan.manifest)
    refuse_another_study(folder, text)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for done, row in enumerate(plan.manifest.to_dict("records"), start=1):
        generator = rng(settings.seed, "phantom", "still", row["case_id"])
        still = draw_still(plan.anatomies[row["patient_id"]], settings.size, generator)
        _write_png(still.image, folder / row["image"])
        for column in FILE_COLUMNS[1:]:
            _write_png(getattr(still, column).astype(np.uint8) * 255, folder / row[column])
        if progress is not None:
            progress(done, len(plan.manifest))
    (folder / TRUTH_NAME).write_text(csv_text(plan.truth), encoding="utf-8", newline="\n")
    manifest.write_text(text, encoding="utf-8", newline="\n")
    return manifest


def is_built_in(manifest: Path) -> bool:
    """Whether a manifest is the built-in cohort's, whose images `dlr demo` makes."""
    return manifest.name == MANIFEST_NAME and text_of(manifest) == csv_text(plan_cohort(PhantomSettings()).manifest)


def plan_cohort(settings: PhantomSettings) -> Plan:
    """Patients, HER2, variables and files of a cohort; quick, as no still is drawn."""
    seed, n = settings.seed, settings.patients + settings.excluded
    excluded = np.zeros(n, dtype=bool)
    excluded[rng(seed, "phantom", "excluded").permutation(n)[: settings.excluded]] = True
    positive = rng(seed, "phantom", "excluded her2").random(n) < PREVALENCE
    # the study's own patients hold the prevalence exactly
    drawn = np.arange(settings.patients) < round(PREVALENCE * settings.patients)
    positive[~excluded] = rng(seed, "phantom", "her2").permutation(drawn)

    image_variables = draw_image_variables(positive, settings.signal, seed, "phantom")
    clinical = draw_clinical(positive, settings.signal, seed, "phantom")
    width = max(3, len(str(n)))
    patient_id = [f"P{number:0{width}d}" for number in range(1, n + 1)]
    truth = _truth_table(patient_id, positive, image_variables, clinical, settings)
    anatomies = {
        name: draw_anatomy(
            float(row["spiculation"]),
            float(row["texture"]),
            float(row["shadow"]),
            bool(clinical["calcification"].iloc[number]),
            rng(seed, "phantom", "anatomy", name),
        )
        for number, (name, row) in enumerate(zip(patient_id, image_variables.to_dict("records"), strict=True))
    }
    recorded = _recorded(clinical, positive, excluded, settings)
    recorded.insert(0, "patient_id", patient_id)
    return Plan(_cases(recorded, anatomies, settings), truth, anatomies)


def _truth_table(
    patient_id: list[str],
    positive: np.ndarray,
    image_variables: pd.DataFrame,
    clinical: pd.DataFrame,
    settings: PhantomSettings,
) -> pd.DataFrame:
    truth = truth_of(settings.signal)
    variables = image_variables.join(clinical)
    table = pd.DataFrame({"patient_id": patient_id, "positive": positive.astype(int)})
    for name in IMAGE_VARIABLES:
        table[name] = image_variables[name].map("{:.6f}".format)
    for block in BLOCKS:
        table[f"probability_{block}"] = [f"{p:.6f}" for p in truth.probability(variables, block)]
    return table


def _recorded(
    clinical: pd.DataFrame, positive: np.ndarray, excluded: np.ndarray, settings: PhantomSettings
) -> pd.DataFrame:
    """What the manifest says of each patient, as text: with assays, reasons for exclusion and gaps."""
    seed, n = settings.seed, len(positive)
    assays = draw_her2_assays(positive, seed, "phantom")
    equivocal = np.flatnonzero((assays["her2_ihc"] == "2+") & ~excluded)
    unresolved = rng(seed, "phantom", "unresolved").permutation(equivocal)[: settings.unresolved]
    assays.loc[unresolved, "her2_fish"] = ""
    her2 = np.where(positive, "1", "0").astype(object)
    her2[unresolved] = ""
    table = clinical.astype(str)
    for name in MAY_BE_MISSING:
        table.loc[rng(seed, "phantom", "missing", name).random(n) < settings.missing, name] = ""
    reasons = np.full(n, "", dtype=object)
    reasons[excluded] = [REASONS[k % len(REASONS)] for k in range(settings.excluded)]
    table["exclude_reason"] = reasons
    left = rng(seed, "phantom", "side of breast").random(n) < 0.5
    table["side_of_breast"] = np.where(left, "left", "right")
    return table.join(assays).assign(her2=her2)


def _cases(recorded: pd.DataFrame, anatomies: dict[str, Anatomy], settings: PhantomSettings) -> pd.DataFrame:
    """One row a case: each patient's longitudinal still and, for some, a transverse one."""
    second = rng(settings.seed, "phantom", "two images").random(len(recorded)) < settings.two_images
    rows = []
    for patient, has_second in zip(recorded.to_dict("records"), second, strict=True):
        spacing = anatomies[patient["patient_id"]].scanner.field_mm / settings.size
        for number, view in enumerate(VIEWS[: 1 + has_second], start=1):
            case = f"{patient['patient_id']}_{number}"
            files = {
                "image": f"images/{case}.png",
                "mask": f"masks/{case}.png",
                "mask_reader1": f"masks/{case}_reader1.png",
                "mask_reader2": f"masks/{case}_reader2.png",
            }
            rows.append(patient | files | {"case_id": case, "view": view, "pixel_spacing_mm": f"{spacing:.6g}"})
    return pd.DataFrame(rows)[list(MANIFEST_COLUMNS)]


def _write_png(array: np.ndarray, path: Path) -> None:
    Image.fromarray(array).save(path, format="PNG", optimize=False, compress_level=1)
