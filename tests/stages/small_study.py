"""Small studies that run in seconds: one from numbers only, one from synthetic stills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from dlr.pipelines.her2_ultrasound import PIPELINE

from dlr.engine import Pipeline, Result, Screen, resolve, run_pipeline
from dlr.phantom import feature_cohort, make_cohort
from dlr.randomness import rng
from dlr.settings import StudySettings
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.combine import combine
from dlr.stages.evaluate import evaluate
from dlr.stages.nomogram import nomogram
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.stability import stability

SEVERAL = "cohort.target=[her2, er, ki67]"
TABLES_ONLY = Pipeline(
    name="her2_ultrasound",
    settings=StudySettings,
    stages=[cohort, radiomics, stability, clinical, radiomics_model, combine, evaluate, nomogram],
)
WHOLE = PIPELINE
SMALL = (
    "learn.seeds=1",
    "learn.folds=3",
    "learn.inner_folds=3",
    "learn.algorithms=[logistic, lightgbm]",
    "learn.trees=20",
    "evaluate.splits=2",
    "evaluate.bootstrap=100",
    "combine.bootstrap=10",
    "combine.variables=[er, calcification]",
    "deep.input.size=48",
    "attention.cases=8",
)
PROFILE = """\
imageType:
  Original: {}
  Square: {}
featureClass:
  firstorder:
  glcm: [Contrast, Correlation, JointEnergy]
setting:
  binWidth: 25.0
  label: 1
  force2D: true
"""


def feature_study(folder: Path, patients: int = 90, features: int = 60, seed: int = 7, signal: float = 1.0) -> Path:
    """Write data_manifest.csv (no images) and features.csv of a numbers-only cohort; returns the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    values, columns, positive = feature_cohort(patients, features, seed=seed, signal=signal)
    values.rename_axis("patient_id").reset_index().to_csv(folder / "features.csv", index=False)
    manifest = columns.copy()
    manifest["her2"] = positive.astype(int)
    manifest.rename_axis("patient_id").reset_index().to_csv(folder / "data_manifest.csv", index=False)
    return folder / "data_manifest.csv"


def targets_study(folder: Path, patients: int = 110, features: int = 40, seed: int = 7) -> Path:
    """As `feature_study`, of three targets: her2, er (unknown of every seventh patient) and ki67 in per cent.

    ki67 follows the planted feature texture_01 with noise of 10 per cent points.
    """
    manifest = feature_study(folder, patients, features, seed)
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    texture = pd.read_csv(folder / "features.csv")["texture_01"]
    noise = rng(seed, "ki67").normal(0, 10, patients)
    per_cent = 35 + 15 * (texture - texture.mean()) / texture.std() + noise
    table["ki67"] = per_cent.clip(0, 100).round(1).astype(str)
    table.loc[table.index % 7 == 3, "er"] = ""
    table.to_csv(manifest, index=False)
    return manifest


def still_study(folder: Path, patients: int = 40, size: int = 96) -> Path:
    """Write a small synthetic cohort with a short radiomics profile beside it; returns the manifest."""
    manifest = make_cohort(folder, patients=patients, seed=3, signal=1.0, size=size)
    (folder / "short.yaml").write_text(PROFILE, encoding="utf-8")
    return manifest


def run_features(
    manifest: Path, out: Path, *more: str, pipeline: Pipeline = TABLES_ONLY, jobs: int = 1, dask: str | None = None
) -> Result:
    """Run a numbers-only study."""
    settings = resolve(StudySettings, {}, [*SMALL, *more])
    return run_pipeline(
        pipeline,
        out,
        manifest,
        settings,
        features=manifest.parent / "features.csv",
        jobs=jobs,
        dask=dask,
        screen=Screen(quiet=True),
    )


def run_stills(manifest: Path, out: Path, *more: str, pipeline: Pipeline = WHOLE, jobs: int = 1) -> Result:
    """Run a study of stills with the short profile."""
    profile = f"radiomics.profile={manifest.parent / 'short.yaml'}"
    settings = resolve(StudySettings, {}, [*SMALL, profile, *more])
    return run_pipeline(pipeline, out, manifest, settings, jobs=jobs, screen=Screen(quiet=True))


def kill_during(stage: str, manifest: Path, out: Path, *sets: str, line: tuple[str, ...] = ()) -> None:
    """Start `dlr run` and SIGKILL its whole process group once the stage has kept its first tasks.

    sets : settings, as after --set.  line : more of the command.
    """
    (manifest.parent / "empty.yaml").write_text("{}\n", encoding="utf-8")
    command = [sys.executable, "-m", "dlr", "run", "--manifest", str(manifest), "--out", str(out), "--jobs", "2", *line]
    command += ["--params", str(manifest.parent / "empty.yaml"), *(word for one in sets for word in ("--set", one))]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = out / "dlr.log"
    limit = time.monotonic() + 300
    while time.monotonic() < limit and process.poll() is None:
        if log.exists() and log.read_text(encoding="utf-8").count(f"DEBUG {stage}: ") >= 2:
            break
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every output of a stage but stage.json's clock, by relative path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "stage.json"
    }


def edit_csv(path: Path, change: object) -> None:
    """Read a CSV as text, let `change` alter it, write it back."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(table)  # type: ignore[operator]
    table.to_csv(path, index=False)
