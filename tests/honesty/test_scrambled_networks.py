"""Held-out patients cannot matter to networks, heads, components or fusion either."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("torch")

from dlr.engine import Pipeline, Result
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.deep import deep
from dlr.stages.fuse import fuse
from dlr.stages.fusion_model import fusion_model
from dlr.stages.radiomics import radiomics
from tests.stages.small_study import bytes_of, edit_csv, run_stills, still_study

FUSED = Pipeline("her2_ultrasound", [cohort, radiomics, deep, fuse, fusion_model], StudySettings)
NETWORKS = Pipeline("her2_ultrasound", [cohort, deep], StudySettings)
TUNED = (
    "deep.mode=fine_tune", "deep.backbone=resnet18", "deep.weights=none", "deep.input.size=32", "learn.folds=2",
    "learn.protocols=[crossfit]", "deep.training.epochs=2", "deep.training.device=cpu",
)  # fmt: skip


def with_sides(manifest: Path, sides: pd.Series) -> None:
    """Hold the drawn sides fixed by a column of the manifest."""

    def change(table: pd.DataFrame) -> None:
        table["side"] = table["patient_id"].map(sides).fillna("train")
        for column in ("her2_ihc", "her2_fish"):  # labels scrambled below would contradict them
            del table[column]

    edit_csv(manifest, change)


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A cohort with its sides fixed, and the same with noise for the test side's images and labels."""
    folder = tmp_path_factory.mktemp("networks")
    plain = still_study(folder / "plain", patients=30)
    drawn = run_stills(plain, folder / "drawn", pipeline=Pipeline("her2_ultrasound", [cohort], StudySettings))
    cases = pd.read_parquet(drawn.folders["cohort"] / "cohort.parquet")
    sides = cases[cases["side"] != ""].drop_duplicates("patient_id").set_index("patient_id")["side"]
    with_sides(plain, sides)
    shutil.copytree(folder / "plain", folder / "noisy")
    noisy = folder / "noisy" / plain.name
    generator = np.random.default_rng(0)

    def scramble(table: pd.DataFrame) -> None:
        held_out = table["side"] == "test"
        for name in table.loc[held_out, "image"]:
            path = folder / "noisy" / name
            size = Image.open(path).size[::-1]
            Image.fromarray(generator.integers(0, 255, size, dtype=np.uint8)).save(path)
        table.loc[held_out, "her2"] = table.loc[held_out, "her2"].map({"0": "1", "1": "0"}).fillna("0")

    edit_csv(noisy, scramble)
    return plain, noisy


def both(manifests: tuple[Path, Path], tmp: Path, *more: str, pipeline: Pipeline) -> tuple[Result, Result]:
    first, second = (
        run_stills(manifest, tmp / manifest.parent.name, *more, pipeline=pipeline) for manifest in manifests
    )
    rows = [pd.read_parquet(each.folders["deep"] / "predictions.parquet") for each in (first, second)]
    test = rows[0]["side"] == "test"
    assert not rows[0][test].equals(rows[1][test])  # the noise did reach the study
    return first, second


def test_scrambled_test_side_leaves_heads_components_and_fusion_byte_equal(manifests, tmp_path: Path) -> None:
    studies = both(manifests, tmp_path, pipeline=FUSED)
    for stage, part in (("deep", "chains"), ("deep", "backbones"), ("fuse", "blocks"), ("fusion_model", "chains")):
        first, second = (bytes_of(study.folders[stage] / part) for study in studies)
        assert first and first == second, (stage, part)
    for stage, name in (("deep", "choices.csv"), ("fuse", "pca.csv"), ("fusion_model", "selection.parquet")):
        first, second = ((study.folders[stage] / name).read_bytes() for study in studies)
        assert first == second, name


@pytest.mark.slow
def test_scrambled_test_side_leaves_fine_tuned_networks_and_their_stopping_byte_equal(
    manifests, tmp_path: Path
) -> None:
    studies = both(manifests, tmp_path, *TUNED, pipeline=NETWORKS)
    first, second = (bytes_of(study.folders["deep"] / "chains") for study in studies)
    assert any(name.endswith("network.safetensors") for name in first) and first == second
    first, second = ((study.folders["deep"] / "curves.csv").read_bytes() for study in studies)
    assert first == second
