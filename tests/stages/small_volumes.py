"""A study of small volumes that runs in seconds: bright and dark lesions, and networks of a few channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from dlr.engine import Pipeline, Result, Screen, resolve, run_pipeline
from dlr.randomness import rng
from dlr.settings import ReceptorStudySettings
from dlr.stages.cohort import cohort
from dlr.stages.receptors import receptors
from dlr.stages.volumes import volumes

SHAPE, SPACING = (10, 18, 16), (1.0, 0.5, 0.5)  # voxels and mm, z y x
NETWORKS = Pipeline("receptors_ultrasound3d", [cohort, volumes, receptors], ReceptorStudySettings)
SMALL = (
    "cohort.target=[er, her2]", "cohort.clinical=null", "cohort.test_share=0.25", "learn.folds=2", "learn.seeds=1",
    "learn.protocols=[crossfit]", "volume.size=16", "volume.margin_mm=2", "receptors.depth=10", "receptors.width=4",
    "receptors.stem=light", "receptors.segmentation.resolution=stem", "receptors.training.epochs=3",
    "receptors.training.batch_size=8", "receptors.training.device=cpu", "evaluate.bootstrap=100",
    "receptors.regions.core_mm=1", "receptors.regions.rim_mm=0.6", "receptors.regions.peritumoral_mm=2",
)  # fmt: skip


def volume_study(folder: Path, patients: int = 32, seed: int = 3) -> Path:
    """Write data_manifest.csv and volumes/: er makes the lesion bright, her2 makes it long, ki67 is high with both.

    One er and one ki67 are unknown.
    """
    (folder / "volumes").mkdir(parents=True)
    generator = rng(seed, "small volumes")
    rows = []
    for number in range(patients):
        er, her2 = (number // 2) % 2, number % 2
        image, mask = draw_volume(generator, er, her2)
        row = {"patient_id": f"P{number:02d}", "er": "" if number == 5 else str(er), "her2": str(her2)}
        row["ki67"] = "" if number == 6 else str(10 + 30 * er + 20 * her2 + number % 7)
        for name, values in (("image", image), ("mask", mask)):
            row[name] = f"volumes/{row['patient_id']}_{name}.nii.gz"
            write_volume(values, folder / row[name])
        rows.append(row)
    manifest = folder / "data_manifest.csv"
    pd.DataFrame(rows).to_csv(manifest, index=False)
    return manifest


def draw_volume(generator: np.random.Generator, er: int, her2: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 image and mask, SHAPE."""
    places = np.stack(np.meshgrid(*(np.arange(n) - n / 2 + 0.5 for n in SHAPE), indexing="ij"), axis=-1)
    radii = np.array([2.5, 3.5, 3.5 + 2 * her2]) * generator.uniform(0.9, 1.1, 3)
    mask = ((places / radii) ** 2).sum(axis=-1) <= 1
    grey = generator.normal(60, 12, SHAPE) + mask * (40 + 60 * er)
    return grey.clip(0, 255).astype(np.uint8), mask.astype(np.uint8)


def write_volume(values: np.ndarray, path: Path) -> None:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(SPACING[::-1])
    sitk.WriteImage(image, str(path))


def run_volumes(manifest: Path, out: Path, *more: str, pipeline: Pipeline = NETWORKS, **options: object) -> Result:
    """Run a study of small volumes."""
    settings = resolve(pipeline.settings, {}, [*SMALL, *more])
    return run_pipeline(pipeline, out, manifest, settings, screen=Screen(quiet=True), **options)
