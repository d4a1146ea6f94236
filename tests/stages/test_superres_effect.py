"""Signatures fitted again on native and bicubic images: the same parts and seeds, nothing measured twice, compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from dlr.engine import Pipeline, Result, Run, stage
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.deep import deep
from dlr.stages.evaluate import evaluate
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.superres_effect import superres_effect
from dlr.study.cases import ENHANCEMENT, GENERATOR, CohortFiles, enhanced_file, rows_of
from dlr.study.cohort import read_cohort
from dlr.superres.enhancer import Enhancer
from dlr.superres.verdict import CONTROLS
from dlr.tables import CHECKS, COMPARISONS, ENHANCED, FEATURES, METRICS, PREDICTIONS, SURVIVAL
from dlr.words import BICUBIC_IMAGES, CHOSEN, NATIVE_IMAGES, Side
from tests.stages.small_study import bytes_of, run_stills, still_study

PATIENTS = 24  # 8 of the training patients are checked
CHAIN = ["patient_id", "target", "side", "protocol", "model", "seed", "fold"]
NOTHING = {"statistic": "", "value": 0.0, "lower": 0.0, "upper": 0.0, "bicubic": 0.0, "limit": 0.0, "n": 8}
OWN_CHECKS = pd.DataFrame([  # nothing found in the images, every control found
    NOTHING | {"check": check, "name": "", "subject": subject, "found": subject != "restored", "severity": severity}
    for subject, severity in (("restored", "hallucination"), *((control, "") for control in CONTROLS))
    for check in "ACD"
])  # fmt: skip
ENLARGED = ("superres.method=psnr", "superres.scale=2")


@stage("superres", version=1, needs=["cohort"], sections=["superres", "cohort"], gives=[ENHANCED, CHECKS])
def enlarging(run: Run) -> None:
    """In place of a generator: bicubic interpolation, whatever the method, so that its images are the bicubic ones."""
    settings = run.settings.superres
    if settings.method == "none":
        run.leave_out("superres.method is none")
    made = Enhancer(None, settings.scale)
    made.save(run.folder / GENERATOR)
    (run.folder / "enhanced").mkdir()
    tables = read_cohort(run.needs.cohort)
    for row in rows_of(tables.cases):
        image = CohortFiles(run.settings.cohort).read(row).image
        np.save(enhanced_file(run.folder, row.case_id), made.apply(image.array[0], image.dtype))
    checked = tables.ids(Side.TRAIN)[::2]
    table = tables.cases[["case_id", "patient_id"]].assign(file="", dtype="uint8", rows=1, columns=1, scale=2)
    ENHANCED.write(run.folder, table.assign(role=np.where(table["patient_id"].isin(checked), "checked", "fitted")))
    about = {"scale": settings.scale, "measure_on": settings.measure_on}
    (run.folder / ENHANCEMENT).write_text(json.dumps(about))
    CHECKS.write(run.folder, OWN_CHECKS)


ENLARGING = Pipeline(
    "her2_ultrasound", [cohort, enlarging, radiomics, radiomics_model, deep, superres_effect, evaluate], StudySettings
)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, Result]:
    """The manifest, and one study without enhancing and then with it."""
    folder = tmp_path_factory.mktemp("effect")
    manifest = still_study(folder, patients=PATIENTS)
    native = run_stills(manifest, folder / "runs" / "small", pipeline=ENLARGING)
    return manifest, native, run_stills(manifest, folder / "runs" / "small", *ENLARGED, pipeline=ENLARGING)


def chosen(result: Result, model: str, variant: str = "") -> pd.Series:
    """Values of the chosen chains, by chain and patient; without a variant, as the model's own stage gave them."""
    home = {"Rad": "radiomics_model", "DL": "deep"}[model] if not variant else "superres_effect"
    table = PREDICTIONS.read(result.folders[home])
    own = (table["algorithm"] == CHOSEN) & (table["model"] == model) & (table["variant"] == variant)
    return table[own].set_index(CHAIN)["value"].sort_index()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["Rad", "DL"])
def test_on_native_images_a_signature_is_that_of_the_study_without_enhancing(studies, model: str) -> None:
    _, native, enhanced = studies
    pd.testing.assert_series_equal(chosen(enhanced, model, NATIVE_IMAGES), chosen(native, model), check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["Rad", "DL"])
def test_on_the_images_of_its_own_study_a_signature_comes_out_as_its_own_stage_made_it(studies, model: str) -> None:
    """The enhanced images here are the bicubic ones: parts, seeds, learners and patients must be the same, too."""
    _, _, enhanced = studies
    own = chosen(enhanced, model)
    pd.testing.assert_series_equal(chosen(enhanced, model, BICUBIC_IMAGES), own, check_exact=True)
    assert not np.allclose(chosen(enhanced, model, NATIVE_IMAGES), own), "other images say something else"


@pytest.mark.slow
def test_what_the_study_measured_and_fitted_before_is_found(studies) -> None:
    _, native, enhanced = studies
    assert native.left_out["superres_effect"] == "superres is left out: superres.method is none"
    cases = native["radiomics"].computed
    pictures = len(json.loads((native.folders["deep"] / "deep.json").read_text())["backbones"]) * PATIENTS
    outcome = enhanced["superres_effect"]
    own = cases + pictures + 3 * 8  # bicubic images, and three of each check patient
    assert outcome.computed == own, "chains of equal features are the study's own"
    assert outcome.found >= cases + pictures, "of native images, and every chain"


@pytest.mark.slow
def test_its_rows_are_of_the_chosen_chains_and_compared_in_pairs_outside_holms_family(studies) -> None:
    _, native, enhanced = studies
    assert set(PREDICTIONS.read(enhanced.folders["superres_effect"])["algorithm"]) == {CHOSEN}
    table = COMPARISONS.read(enhanced.folders["evaluate"])
    images = table[table["model_a"] == table["model_b"]]
    pairs = set(map(tuple, images[["variant_a", "variant_b"]].to_numpy()))
    assert pairs == {("", BICUBIC_IMAGES), ("", NATIVE_IMAGES), (BICUBIC_IMAGES, NATIVE_IMAGES)}
    assert images["p_holm"].isna().all() and set(images["model_a"]) == {"Rad", "DL"}
    same = images[(images["variant_a"] == "") & (images["variant_b"] == BICUBIC_IMAGES)]
    assert {("crossfit", "train"), ("crossfit", "test")} <= set(map(tuple, same[["protocol", "side"]].to_numpy()))
    assert (same["difference"] == 0).all(), "the same images"
    models = table[table["model_a"] != table["model_b"]]
    assert len(models) == len(COMPARISONS.read(native.folders["evaluate"]))
    assert set(models["variant_a"]) == set(models["variant_b"]) == {""}
    measured = METRICS.read(enhanced.folders["evaluate"])
    assert set(measured.loc[measured["model"] == "Rad", "variant"]) == {"", NATIVE_IMAGES, BICUBIC_IMAGES}


@pytest.mark.slow
def test_switched_off_it_says_so_and_the_models_keep_their_bytes(studies) -> None:
    manifest, _, enhanced = studies
    off = run_stills(manifest, enhanced.study, *ENLARGED, "superres.effect=false", pipeline=ENLARGING)
    assert off.left_out["superres_effect"] == "superres.effect is false"
    assert not COMPARISONS.read(off.folders["evaluate"])[["variant_a", "variant_b"]].any().any()
    for name in ("radiomics_model", "deep"):
        assert bytes_of(off.folders[name]) == bytes_of(enhanced.folders[name])


@pytest.mark.slow
def test_fine_tuned_networks_are_left_out_and_bicubic_images_are_no_control_of_themselves(studies) -> None:
    manifest, _, enhanced = studies
    tuned = (
        "deep.mode=fine_tune", "deep.weights=none", "deep.backbone=resnet18", "deep.input.size=32", "learn.folds=2",
        "learn.protocols=[paper]", "deep.training.epochs=1", "deep.training.device=cpu",
    )  # fmt: skip
    result = run_stills(
        manifest, enhanced.study, "superres.method=bicubic", "superres.scale=2", *tuned, pipeline=ENLARGING
    )
    table = PREDICTIONS.read(result.folders["superres_effect"])
    assert set(table["model"]) == {"Rad"} and set(table["variant"]) == {NATIVE_IMAGES}
    assert "fine-tuned networks are not fitted again" in (result.study / "dlr.log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_generator_that_adds_nothing_changes_no_measurement_and_no_decision_against_bicubic(studies) -> None:
    _, _, enhanced = studies
    home = enhanced.folders["superres_effect"]
    checks = CHECKS.read(home).set_index("check")
    assert checks.index.tolist() == ["G", "H"] and set(checks["n"]) == {8}
    assert (checks[["value", "lower", "upper"]] == 0).all().all() and not checks["found"].any()
    survival = SURVIVAL.read(home)
    assert (survival["icc"].fillna(-9) == survival["icc_bicubic"].fillna(-9)).all()
    names = set(FEATURES.read(enhanced.folders["radiomics"]).columns) - {"case_id", "patient_id"}
    assert set(survival["feature"]) == {name for name in names if "_shape" not in name}
    assert checks.at["G", "bicubic"] == pytest.approx((survival["icc_bicubic"].dropna() >= 0.75).mean())
    said = json.loads((home / "verdict.json").read_text(encoding="utf-8"))
    assert said["word"] == "passed" and said["n"] == 8


@pytest.mark.slow
@pytest.mark.parametrize(("given", "left"), [
    ({}, ("superres.method",)), ({"method": "psnr", "effect": False}, ("superres.method", "superres.effect")),
])  # fmt: skip
def test_a_stage_that_leaves_itself_out_depends_on_what_says_so_alone(given: dict, left: tuple[str, ...]) -> None:
    """Its key is in that of every stage that asks for predictions."""
    alone = superres_effect.under(StudySettings(superres=given))
    assert alone.sections == left and alone.libraries == ()
    assert superres_effect.under(StudySettings(superres={"method": "psnr"})) == superres_effect
