"""A synthetic cohort of volumes as a study folder: data_manifest.csv, volumes/, truth.csv and truth.json.

Three scanners, column `cohort`, each with a gain of its own; which one saw a woman has no part in her labels, unless
`confounding` is set: then each draws its patients with label rates of its own (`pattern_shares` with a tilt). The
scanner alone then ranks patients of different scanners, which lifts an AUC over all pairs, and not an AUC over pairs
of one scanner.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.phantom.folder import MANIFEST_NAME, TRUTH_NAME, csv_of, refuse_another_study, text_of
from dlr.phantom.receptor_truth import MARKERS, PATTERNS, ReceptorTruth, pattern_shares
from dlr.phantom.settings import VOLUME_SEED, VolumePhantomSettings
from dlr.phantom.volume import draw_anatomy, draw_volume
from dlr.randomness import rng

__all__ = ["SCANNERS", "is_built_in_volumes", "make_volume_cohort", "scanner_auc", "volume_truth"]

SHIFTS = {"margin": {"er": 2.0}, "texture": {"pr": 2.0}, "shadow": {"her2": 2.0}}  # at signal 1, in SD
SCANNERS = {"scanner_a": (-1.0, -2.5), "scanner_b": (0.0, 0.0), "scanner_c": (1.0, 2.5)}  # tilt a unit, gain in dB
GAIN_DB = 1.0  # SD within a scanner
FOLDER = "volumes"


@dataclass(frozen=True)
class Plan:
    """A cohort before its volumes are drawn."""

    manifest: pd.DataFrame  # as text, a row a patient
    labels: pd.DataFrame  # MARKERS, none missing
    variables: pd.DataFrame


def make_volume_cohort(
    folder: Path,
    patients: int = 160,
    seed: int = VOLUME_SEED,
    signal: float = 1.0,
    size: int = 40,
    decoys: int = 2,
    *,
    settings: VolumePhantomSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a synthetic cohort of volumes into `folder` and return its manifest.

    `settings`, if given, stands for the five numbers. `progress` is told (volumes done, volumes in all).
    Writes data_manifest.csv and, with paths relative to it, volumes/ (NIfTI, 8 bit; masks 0 and 1); truth.csv: each
    patient's drawn labels, variables and the exact probability of each marker given these; truth.json: the settings,
    the shifts, and the AUCs that can be reached. Equal settings give equal bytes. Raises InputError where the folder
    holds a manifest that is not a synthetic cohort's.
    """
    if settings is None:
        settings = VolumePhantomSettings(patients=patients, seed=seed, signal=signal, size=size, decoys=decoys)
    plan = plan_volume_cohort(settings)
    text = csv_of(plan.manifest)
    refuse_another_study(folder, text)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for done, (row, variables) in enumerate(
        zip(plan.manifest.to_dict("records"), plan.variables.to_dict("records"), strict=True), start=1
    ):
        patient = row["patient_id"]
        gain = SCANNERS[row["cohort"]][1] + GAIN_DB * rng(settings.seed, "volumes", "gain", patient).standard_normal()
        anatomy = draw_anatomy(
            **variables, decoys=settings.decoys, gain_db=gain, rng=rng(settings.seed, "volumes", "anatomy", patient)
        )
        volume = draw_volume(anatomy, settings.size, rng(settings.seed, "volumes", "volume", patient))
        _write_nifti(volume.image, volume.spacing_mm, folder / row["image"])
        _write_nifti(volume.mask.astype(np.uint8), volume.spacing_mm, folder / row["mask"])
        if progress is not None:
            progress(done, len(plan.manifest))
    truth = volume_truth(settings)
    (folder / TRUTH_NAME).write_text(csv_of(_truth_table(plan, truth)), encoding="utf-8", newline="\n")
    about = {
        "settings": settings.model_dump(),
        "shifts": truth.shifts,
        "reachable_auc": truth.reachable_auc(),
        "scanner_auc": scanner_auc(settings.confounding),
    }
    (folder / "truth.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8", newline="\n")
    manifest = folder / MANIFEST_NAME
    manifest.write_text(text, encoding="utf-8", newline="\n")
    return manifest


def is_built_in_volumes(manifest: Path) -> bool:
    """Whether a manifest is that of the built-in cohort of volumes, which `dlr demo` makes."""
    plan = plan_volume_cohort(VolumePhantomSettings())
    return manifest.name == MANIFEST_NAME and text_of(manifest) == csv_of(plan.manifest)


def volume_truth(settings: VolumePhantomSettings) -> ReceptorTruth:
    """What the variables tell of the markers, whichever scanner a patient was seen by."""
    shares = np.mean([pattern_shares(settings.confounding * tilt) for tilt, _ in SCANNERS.values()], axis=0)
    shifts = {
        variable: {marker: settings.signal * shift for marker, shift in told.items()}
        for variable, told in SHIFTS.items()
    }
    return ReceptorTruth(shifts, tuple(float(share) for share in shares))


def scanner_auc(confounding: float) -> dict[str, float]:
    """AUC of the scanner alone over all pairs, a marker; over pairs of one scanner it is .5. Exact, equal numbers."""
    rates = np.array([pattern_shares(confounding * tilt) @ PATTERNS for tilt, _ in SCANNERS.values()])
    above = (rates[:, None, :] > rates[None, :, :]) + 0.5 * (rates[:, None, :] == rates[None, :, :])
    pairs = rates[:, None, :] * (1 - rates[None, :, :])  # a positive of one scanner, a negative of another
    return dict(zip(MARKERS, (np.sum(pairs * above, axis=(0, 1)) / np.sum(pairs, axis=(0, 1))).tolist(), strict=True))


def plan_volume_cohort(settings: VolumePhantomSettings) -> Plan:
    """Patients, labels and variables of a cohort; quick, as no volume is drawn."""
    seed, n = settings.seed, settings.patients
    scanner = rng(seed, "volumes", "scanner").permutation(np.arange(n) % len(SCANNERS))
    patterns = np.empty(n, dtype=np.int64)
    for k, (tilt, _) in enumerate(SCANNERS.values()):
        seen = np.flatnonzero(scanner == k)
        patterns[seen] = _patterns(len(seen), pattern_shares(settings.confounding * tilt), seed, k)
    labels = pd.DataFrame(PATTERNS[patterns], columns=list(MARKERS))
    width = max(3, len(str(n)))
    patient_id = [f"V{number:0{width}d}" for number in range(1, n + 1)]
    age = 54.0 + 11.0 * rng(seed, "volumes", "age").standard_normal(n)
    manifest = pd.DataFrame({"patient_id": patient_id, "case_id": patient_id})
    manifest["image"] = [f"{FOLDER}/{name}.nii.gz" for name in patient_id]
    manifest["mask"] = [f"{FOLDER}/{name}_mask.nii.gz" for name in patient_id]
    for marker in MARKERS:
        unknown = rng(seed, "volumes", "missing", marker).random(n) < settings.missing
        manifest[marker] = np.where(unknown, "", labels[marker].astype(str))
    manifest["age"] = np.clip(np.round(age), 24, 90).astype(np.int64).astype(str)
    manifest["cohort"] = np.array(list(SCANNERS))[scanner]
    return Plan(manifest, labels, volume_truth(settings).draw(patterns, seed, "volumes"))


def _patterns(n: int, shares: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """Patterns of n patients in random order, as often as their shares say: the largest remainders are rounded up."""
    expected = n * shares
    count = np.floor(expected).astype(np.int64)
    count[np.argsort(count - expected, kind="stable")[: n - count.sum()]] += 1
    return rng(seed, "volumes", "patterns", *names).permutation(np.repeat(np.arange(len(shares)), count))


def _truth_table(plan: Plan, truth: ReceptorTruth) -> pd.DataFrame:
    table = plan.manifest[["patient_id"]].join(plan.labels)
    for name in plan.variables:
        table[name] = plan.variables[name].map("{:.6f}".format)
    for marker, probability in truth.probability(plan.variables).items():
        table[f"probability_{marker}"] = probability.map("{:.6f}".format)
    return table


def _write_nifti(array: np.ndarray, spacing_mm: tuple[float, float, float], path: Path) -> None:
    """Compressed; the library writes no time into it."""
    import SimpleITK as sitk  # needed here alone

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing_mm[::-1])
    sitk.WriteImage(image, str(path), useCompression=True)
