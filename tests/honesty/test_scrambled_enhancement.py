"""Test patients cannot matter to a generator, to signatures of other images, nor to checks G and H: their images and
labels turned into noise leave all of it byte-equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("skimage")

from dlr.engine import Pipeline, Result
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.superres import superres
from dlr.stages.superres_effect import superres_effect
from dlr.tables import CHECKS, COHORT, PREDICTIONS, SURVIVAL
from dlr.words import BICUBIC_IMAGES, NATIVE_IMAGES
from tests.stages.small_study import bytes_of, run_stills, still_study

ENHANCED = Pipeline("her2_ultrasound", [cohort, superres, radiomics, radiomics_model, superres_effect], StudySettings)
SETTINGS = (
    "superres.method=psnr", "superres.scale=2", "superres.training.epochs=1", "superres.crops=8", "superres.crop=32",
    "superres.training.device=cpu", "superres.check_share=0.3", "learn.protocols=[crossfit]",
    "learn.algorithms=[logistic]", "evaluate.splits=0", "learn.select=false",
)  # fmt: skip


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """The same study twice: the second with noise for the test side's images and labels."""
    import dlr.superres.speckle as speckle

    folder, usual = tmp_path_factory.mktemp("scrambled"), speckle.speckle_fields
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speckle, "speckle_fields", lambda seed: usual(seed, 2))
        manifest = still_study(folder / "plain", patients=24, size=96)
        drawn = run_stills(manifest, folder / "drawn", pipeline=Pipeline("p", [cohort], StudySettings))
        sides = COHORT.read(drawn.folders["cohort"]).set_index("patient_id")["side"]
        plain = pd.read_csv(manifest, dtype=str, keep_default_na=False)
        plain = plain.drop(columns=["her2_ihc", "her2_fish"]).set_index("patient_id")
        plain.assign(side=sides).reset_index().to_csv(manifest, index=False)
        first = run_stills(manifest, folder / "first", *SETTINGS, pipeline=ENHANCED)
        noisy, generator = still_study(folder / "noisy", patients=24, size=96), np.random.default_rng(0)
        table = plain.assign(side=sides)
        test = sides.index[sides == "test"]
        table.loc[test, "her2"] = np.where(table.loc[test, "her2"] == "1", "0", "1")
        for image in table.loc[test, "image"]:
            file = noisy.parent / image
            size = Image.open(file).size[::-1]
            Image.fromarray(generator.integers(0, 256, size, dtype=np.uint8)).save(file)
        table.reset_index().to_csv(noisy, index=False)
        return first, run_stills(noisy, folder / "second", *SETTINGS, pipeline=ENHANCED)


def predictions(result: Result, stage: str) -> pd.DataFrame:
    return PREDICTIONS.read(result.folders[stage])


@pytest.mark.slow
def test_scrambled_test_side_leaves_the_generator_and_its_checks_byte_equal(studies: tuple[Result, Result]) -> None:
    first, second = (study.folders["superres"] for study in studies)
    assert bytes_of(first / "generator") and bytes_of(first / "generator") == bytes_of(second / "generator")
    for name in ("hallucination.csv", "fidelity.csv", "verdict.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["radiomics_model", "superres_effect"])
def test_scrambled_test_side_leaves_training_patients_their_values(studies: tuple[Result, Result], stage: str) -> None:
    first, second = (predictions(study, stage) for study in studies)
    train = first["side"] == "train"
    pd.testing.assert_frame_equal(first[train], second[train], check_exact=True)
    assert not first[~train].equals(second[~train]), "the noise did reach the study"


@pytest.mark.slow
def test_scrambled_test_side_leaves_checks_of_measurements_and_decisions_equal(studies: tuple[Result, Result]) -> None:
    first, second = (study.folders["superres_effect"] for study in studies)
    assert set(CHECKS.read(first)["check"]) == {"G", "H"} and len(SURVIVAL.read(first)) > 10
    for name in ("hallucination.csv", "survival.csv", "verdict.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.slow
def test_a_study_with_a_generator_has_both_other_kinds_of_images(studies: tuple[Result, Result]) -> None:
    table = predictions(studies[0], "superres_effect")
    assert set(table["variant"]) == {NATIVE_IMAGES, BICUBIC_IMAGES}
    counts = table.groupby("variant").size()
    main = predictions(studies[0], "radiomics_model")
    assert (counts == (main["algorithm"] == "chosen").sum()).all()
