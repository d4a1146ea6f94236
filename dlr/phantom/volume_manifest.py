"""A synthetic cohort of volumes as a study folder: data_manifest.csv, volumes/, truth.csv and truth.json.

Two kinds: ultrasound, where ER shows at the margin, PR in the texture, HER2 in the shadow; and DCE-MRI, where ER shows
in the core, PR at the rim, HER2 in the tissue around, and Ki-67 in core and rim.

Three scanners, column `cohort`, each with a look of its own; which one saw a woman has no part in her labels, unless
`confounding` is set: then each draws its patients with label rates of its own (`pattern_shares` with a tilt). The
scanner alone then ranks patients of different scanners, which lifts an AUC over all pairs, and not an AUC over pairs
of one scanner.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.csv_files import csv_text
from dlr.phantom import dce, volume
from dlr.phantom.folder import MANIFEST_NAME, TRUTH_NAME, refuse_another_study, text_of
from dlr.phantom.receptor_truth import (
    KI67,
    KI67_SD,
    MARKERS,
    PATTERNS,
    ReceptorTruth,
    draw_ki67,
    ki67_by_pattern,
    pattern_shares,
)
from dlr.phantom.settings import DcePhantomSettings, OfVolumes, VolumePhantomSettings
from dlr.randomness import rng

__all__ = ["TILTS", "built_in_volumes", "make_volume_cohort", "scanner_auc", "volume_truth"]

TILTS = {"scanner_a": -1.0, "scanner_b": 0.0, "scanner_c": 1.0}  # a unit of confounding
GAINS_DB = {"scanner_a": -2.5, "scanner_b": 0.0, "scanner_c": 2.5}  # of ultrasound
GAIN_DB = 1.0  # SD within a scanner
FOLDER = "volumes"
Draw = Callable[[Mapping[str, float], str, Any, str], volume.DrawnVolume]  # variables, scanner, settings, patient


@dataclass(frozen=True)
class Kind:
    """What differs between cohorts of volumes."""

    stream: str  # its draws are from streams of this name
    letter: str  # patients' names begin with it
    targets: tuple[str, ...]
    shifts: Mapping[str, Mapping[str, float]]  # of ReceptorTruth at signal 1
    draw: Draw


@dataclass(frozen=True)
class Plan:
    """A cohort before its volumes are drawn."""

    manifest: pd.DataFrame  # as text, a row a patient
    labels: pd.DataFrame  # the targets, none missing
    variables: pd.DataFrame


def _ultrasound(
    variables: Mapping[str, float], scanner: str, settings: VolumePhantomSettings, patient: str
) -> volume.DrawnVolume:
    seed = settings.seed
    gain = GAINS_DB[scanner] + GAIN_DB * rng(seed, "volumes", "gain", patient).standard_normal()
    anatomy = volume.draw_anatomy(
        **variables, decoys=settings.decoys, gain_db=gain, rng=rng(seed, "volumes", "anatomy", patient)
    )
    return volume.draw_volume(anatomy, settings.size, rng(seed, "volumes", "volume", patient))


def _dce(
    variables: Mapping[str, float], scanner: str, settings: DcePhantomSettings, patient: str
) -> volume.DrawnVolume:
    return dce.draw_dce(variables, dce.SCANNERS[scanner], settings.size, rng(settings.seed, "dce", "volume", patient))


KINDS: dict[type[OfVolumes], Kind] = {
    VolumePhantomSettings: Kind(
        "volumes", "V", MARKERS, {"margin": {"er": 2.0}, "texture": {"pr": 2.0}, "shadow": {"her2": 2.0}}, _ultrasound
    ),
    DcePhantomSettings: Kind(
        "dce", "D", (*MARKERS, KI67),
        {"core": {"er": 1.8, KI67: -0.8}, "rim": {"pr": 2.6, KI67: 0.4}, "peritumoral": {"her2": 2.2}}, _dce,
    ),
}  # fmt: skip


def make_volume_cohort(
    folder: Path, settings: OfVolumes | None = None, *, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write a synthetic cohort of volumes into `folder` and return its manifest.

    settings : VolumePhantomSettings (the built-in ones, if None) or DcePhantomSettings.
    progress : is told (volumes done, volumes in all).
    Writes data_manifest.csv and, with paths relative to it, volumes/ (NIfTI, ultrasound of 8 bits and DCE-MRI of 16;
    masks 0 and 1); truth.csv: each patient's drawn labels, variables, the exact probability of each marker given these
    and the median of Ki-67; truth.json: the settings, the shifts, and the AUCs and the error that can be reached from
    all variables, without each, and of each by itself.
    Equal settings give equal bytes. Raises InputError where the folder holds a manifest that is not a synthetic
    cohort's.
    """
    settings = VolumePhantomSettings() if settings is None else settings
    kind, plan = KINDS[type(settings)], plan_volume_cohort(settings)
    text = csv_text(plan.manifest)
    refuse_another_study(folder, text)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for done, (row, variables) in enumerate(
        zip(plan.manifest.to_dict("records"), plan.variables.to_dict("records"), strict=True), start=1
    ):
        drawn = kind.draw(variables, row["cohort"], settings, row["patient_id"])
        _write_nifti(drawn.image, drawn.spacing_mm, folder / row["image"])
        _write_nifti(drawn.mask.astype(np.uint8), drawn.spacing_mm, folder / row["mask"])
        if progress is not None:
            progress(done, len(plan.manifest))
    truth = volume_truth(settings)
    (folder / TRUTH_NAME).write_text(csv_text(_truth_table(plan, truth)), encoding="utf-8", newline="\n")
    about = _about(settings, truth)
    (folder / "truth.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8", newline="\n")
    manifest = folder / MANIFEST_NAME
    manifest.write_text(text, encoding="utf-8", newline="\n")
    return manifest


def built_in_volumes(manifest: Path) -> type[OfVolumes] | None:
    """Of which settings' defaults a manifest is the cohort, which `dlr demo` makes; None: of neither."""
    if manifest.name != MANIFEST_NAME:
        return None
    text = text_of(manifest)
    return next((kind for kind in KINDS if csv_text(plan_volume_cohort(kind()).manifest) == text), None)


def volume_truth(settings: OfVolumes) -> ReceptorTruth:
    """What the variables tell of the targets, whichever scanner a patient was seen by."""
    shares = np.mean([pattern_shares(settings.confounding * tilt) for tilt in TILTS.values()], axis=0)
    shifts = {
        variable: {target: settings.strength(variable) * shift for target, shift in told.items()}
        for variable, told in KINDS[type(settings)].shifts.items()
    }
    return ReceptorTruth(shifts, tuple(float(share) for share in shares))


def scanner_auc(confounding: float) -> dict[str, float]:
    """AUC of the scanner alone over all pairs, a marker; over pairs of one scanner it is .5. Exact, equal numbers."""
    rates = np.array([pattern_shares(confounding * tilt) @ PATTERNS for tilt in TILTS.values()])
    above = (rates[:, None, :] > rates[None, :, :]) + 0.5 * (rates[:, None, :] == rates[None, :, :])
    pairs = rates[:, None, :] * (1 - rates[None, :, :])  # a positive of one scanner, a negative of another
    return dict(zip(MARKERS, (np.sum(pairs * above, axis=(0, 1)) / np.sum(pairs, axis=(0, 1))).tolist(), strict=True))


def plan_volume_cohort(settings: OfVolumes) -> Plan:
    """Patients, labels and variables of a cohort; quick, as no volume is drawn."""
    kind, seed, n = KINDS[type(settings)], settings.seed, settings.patients
    scanner = rng(seed, kind.stream, "scanner").permutation(np.arange(n) % len(TILTS))
    patterns = np.empty(n, dtype=np.int64)
    for k, tilt in enumerate(TILTS.values()):
        seen = np.flatnonzero(scanner == k)
        shares = pattern_shares(settings.confounding * tilt)
        patterns[seen] = _patterns(len(seen), shares, seed, kind.stream, "patterns", k)
    ki67 = draw_ki67(patterns, seed, kind.stream)
    labels = pd.DataFrame(PATTERNS[patterns], columns=list(MARKERS)).assign(**{KI67: ki67})[list(kind.targets)]
    width = max(3, len(str(n)))
    patient_id = [f"{kind.letter}{number:0{width}d}" for number in range(1, n + 1)]
    age = 54.0 + 11.0 * rng(seed, kind.stream, "age").standard_normal(n)
    manifest = pd.DataFrame({"patient_id": patient_id, "case_id": patient_id})
    manifest["image"] = [f"{FOLDER}/{name}.nii.gz" for name in patient_id]
    manifest["mask"] = [f"{FOLDER}/{name}_mask.nii.gz" for name in patient_id]
    for target in kind.targets:
        unknown = rng(seed, kind.stream, "missing", target).random(n) < settings.missing
        manifest[target] = np.where(unknown, "", _as_text(labels[target]))
    manifest["age"] = np.clip(np.round(age), 24, 90).astype(np.int64).astype(str)
    manifest["cohort"] = np.array(list(TILTS))[scanner]
    return Plan(manifest, labels, volume_truth(settings).draw(patterns, ki67, seed, kind.stream))


def _patterns(n: int, shares: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """Patterns of n patients in random order, as often as their shares say: the largest remainders are rounded up."""
    expected = n * shares
    count = np.floor(expected).astype(np.int64)
    count[np.argsort(count - expected, kind="stable")[: n - count.sum()]] += 1
    return rng(seed, *names).permutation(np.repeat(np.arange(len(shares)), count))


def _as_text(labels: pd.Series) -> pd.Series:
    """0 and 1; per cents in tenths."""
    return labels.map("{:.1f}".format) if labels.name == KI67 else labels.astype(str)


def _truth_table(plan: Plan, truth: ReceptorTruth) -> pd.DataFrame:
    table = plan.manifest[["patient_id"]].join(plan.labels)
    for name in plan.variables:
        table[name] = plan.variables[name].map("{:.6f}".format)
    for marker, probability in truth.probability(plan.variables).items():
        table[f"probability_{marker}"] = probability.map("{:.6f}".format)
    if KI67 in plan.labels:
        table[KI67] = plan.labels[KI67].map("{:.6f}".format)
        table[f"median_{KI67}"] = [f"{value:.6f}" for value in truth.median_ki67(plan.variables)]
    return table


def _about(settings: OfVolumes, truth: ReceptorTruth) -> dict[str, Any]:
    without = {name: truth.without(name) for name in truth.shifts}
    alone = {name: truth.of(name) for name in truth.shifts}
    about: dict[str, Any] = {
        "settings": settings.model_dump(),
        "shifts": truth.shifts,
        "reachable_auc": truth.reachable_auc(),
        "reachable_auc_without": {name: one.reachable_auc() for name, one in without.items()},
        "reachable_auc_of": {name: one.reachable_auc() for name, one in alone.items()},
        "scanner_auc": scanner_auc(settings.confounding),
    }
    if KI67 in KINDS[type(settings)].targets:
        by_pattern = dict(zip(map(_named, PATTERNS), ki67_by_pattern().tolist(), strict=True))
        about["ki67"] = {
            "mean_logit": by_pattern, "sd_logit": KI67_SD, "mean_absolute_error": truth.irreducible_mae(),
            "mean_absolute_error_without": {name: one.irreducible_mae()["images"] for name, one in without.items()},
            "mean_absolute_error_of": {name: one.irreducible_mae()["images"] for name, one in alone.items()},
        }  # fmt: skip
    return about


def _named(pattern: np.ndarray) -> str:
    return " ".join(f"{marker}{'+' if label else '-'}" for marker, label in zip(MARKERS, pattern, strict=True))


def _write_nifti(array: np.ndarray, spacing_mm: tuple[float, float, float], path: Path) -> None:
    """Compressed; the library writes no time into it."""
    import SimpleITK as sitk  # needed here alone

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing_mm[::-1])
    sitk.WriteImage(image, str(path), useCompression=True)
