"""A signal that lies around the lesion alone: columns of its region find it, those of the lesion do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.engine import Pipeline, Result, Screen, open_study, resolve, run_pipeline
from dlr.radiomics import expected_columns, load_profile
from dlr.radiomics.regions import lesion_columns, region_and_rest
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.evaluate import evaluate
from dlr.stages.radiomics import radiomics, take_feature_table
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.stability import stability
from dlr.study.prediction import predict_table
from dlr.tables import (
    COMPARISONS,
    DICTIONARY,
    FAMILIES,
    FEATURES,
    METRICS,
    MISSING,
    PREDICTIONS,
    SELECTION,
    STABILITY,
)
from dlr.words import CHOSEN, LESION_ALONE, signature
from tests.cohort.small_cohort import save, write
from tests.study.hand_made import HER2, HandRun

PIPELINE = Pipeline("her2_ultrasound", [cohort, radiomics, stability, radiomics_model, evaluate], StudySettings)
PATIENTS, EDGE = 60, 0.5  # mm
PROFILE = "featureClass: {firstorder: [Mean, Variance], glcm: [Contrast, Correlation]}\nsetting: {force2D: true}\n"
REGIONS = "radiomics.regions=[lesion, core_2mm, peritumoral_3mm]"
SETTINGS = (
    "cohort.clinical=null", f"cohort.pixel_spacing_mm={EDGE}", "cohort.test_share=0.3", "learn.seeds=1",
    "learn.folds=3", "learn.inner_folds=3", "learn.algorithms=[svm]", "learn.protocols=[crossfit]",
    "stability.perturbations=[dilate]", "stability.cases=8", "learn.icc_filter=0.2", "evaluate.bootstrap=200",
    "evaluate.splits=0",
)  # fmt: skip


def draw(folder: Path) -> Path:
    """Stills of noise with a dark disc; the tissue within 2.5 mm of it is brighter in positives. One disc is tiny."""
    table = []
    for number in range(PATIENTS):
        generator = np.random.default_rng(number)
        y, x = np.mgrid[:64, :64]
        away = np.hypot(y - generator.uniform(28, 36), x - generator.uniform(28, 36))
        radius = 3.4 if number == 4 else generator.uniform(9, 12)
        mask, shell = away <= radius, (away > radius) & (away <= radius + 5)
        positive = number % 2
        values = generator.normal(110, 18, mask.shape) - 40 * mask + generator.normal(8 * positive, 4) * shell
        name = f"{number + 1:05d}"
        save(folder / "images" / f"{name}.png", np.clip(values, 20, 250).astype(np.uint8))
        save(folder / "masks" / f"{name}.png", mask)
        row = {"patient_id": name, "image": f"images/{name}.png", "mask": f"masks/{name}.png"}
        table.append(row | {"her2": str(positive)})
    (folder / "short.yaml").write_text(PROFILE, encoding="utf-8")
    return write(folder, table, files=False)


def study(folder: Path, out: Path, *more: str) -> Result:
    settings = resolve(StudySettings, {}, [*SETTINGS, f"radiomics.profile={folder / 'short.yaml'}", *more])
    return run_pipeline(PIPELINE, out, folder / "manifest.csv", settings, jobs=1, screen=Screen(quiet=True))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regions")
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def found(home: Path) -> Result:
    return study(home, home / "out", REGIONS)


@pytest.fixture(scope="module")
def alone(home: Path) -> Result:
    return study(home, home / "alone")


def test_the_signal_around_the_lesion_is_found_there_and_not_in_it(found: Result) -> None:
    metrics = METRICS.read(found.folders["evaluate"])
    areas = metrics[(metrics["metric"] == "auc") & (metrics["subset"] == "all") & (metrics["algorithm"] == CHOSEN)]
    areas = areas.set_index(["side", "variant"])["value"]
    assert areas["train", ""] > 0.8 and areas["test", ""] > 0.8  # 8 / 4 SD: .92 by the truth
    assert areas["train", LESION_ALONE] < 0.7 and areas["test", LESION_ALONE] < 0.7
    selection = SELECTION.read(found.folders["radiomics_model"])
    kept = selection[(selection["step"] == "lasso") & selection["kept"]]
    regions = kept["feature"].map(lambda name: region_and_rest(name)[0])
    strongest = kept.loc[kept.groupby("fold")["coefficient"].apply(lambda c: c.abs().idxmax()), "feature"]
    assert (regions == "peritumoral_3mm").any() and strongest.str.startswith("peritumoral_3mm_").all()


def test_rad_is_held_against_its_lesion_alone_on_the_same_patients(found: Result) -> None:
    rows = COMPARISONS.read(found.folders["evaluate"])
    assert len(rows) == 2  # a side each
    assert (rows["variant_a"] == "").all() and (rows["variant_b"] == LESION_ALONE).all()
    assert (rows["lower"] > 0).all() and rows["p_holm"].isna().all()
    assert rows.set_index("side")["p"]["test"] < 0.05 and np.isnan(rows.set_index("side")["p"]["train"])


def test_the_lesion_alone_is_the_study_without_regions_to_the_last_bit(found: Result, alone: Result) -> None:
    own = FEATURES.read(alone.folders["radiomics"])
    more = FEATURES.read(found.folders["radiomics"])
    assert more[list(own.columns)].equals(own)
    variant = PREDICTIONS.read(found.folders["radiomics_model"]).query("variant == @LESION_ALONE")
    plain = PREDICTIONS.read(alone.folders["radiomics_model"]).query("algorithm == 'chosen'")
    assert set(variant["algorithm"]) == {CHOSEN} and variant["value"].tolist() == plain["value"].tolist()
    assert "variant" in plain and set(plain["variant"]) == {""}
    assert COMPARISONS.read(alone.folders["evaluate"]).empty


def test_a_table_of_features_without_a_region_that_was_asked_for_is_named(tmp_path: Path) -> None:
    rows = {
        "case_id": ["1", "2"],
        "patient_id": ["1", "2"],
        "original_a_B": [0.1, 0.2],
        "core_2mm_original_a_B": [3, 4],
    }
    pd.DataFrame(rows).to_csv(tmp_path / "features.csv", index=False)
    cases = pd.DataFrame(rows)[["case_id", "patient_id"]].assign(excluded="", side="train")
    asked = ["lesion", "core_2mm", "peritumoral_3mm"]
    for regions, said in ((asked, 1), (asked[:2], 0), (asked[:1], 0)):
        run = HandRun(tmp_path, settings={"radiomics": {"regions": regions}})
        take_feature_table(run, tmp_path / "features.csv", cases, (HER2,))
        assert len(run.warned) == said
    run = HandRun(tmp_path, settings={"radiomics": {"regions": asked}})
    take_feature_table(run, tmp_path / "features.csv", cases, (HER2,))
    assert run.warned == [
        "radiomics.regions asks for peritumoral_3mm: features.csv has no such columns, and nothing is measured"
    ]


def test_every_region_has_its_columns_in_every_table(found: Result, home: Path) -> None:
    columns = expected_columns(load_profile(home / "short.yaml"), "still", ("lesion", "core_2mm", "peritumoral_3mm"))
    folder = found.folders["radiomics"]
    assert len(columns) == 12 and len(lesion_columns(columns)) == 4
    assert tuple(FEATURES.read(folder).columns[2:]) == columns == tuple(DICTIONARY.read(folder)["name"])
    assert FAMILIES.read(folder)["count"].sum() == 12
    assert set(STABILITY.read(found.folders["stability"])["feature"]) == set(columns)
    missing = MISSING.read(folder)
    assert set(missing["case_id"]) == {"00005"} and set(missing["feature"]) == set(columns[4:8])
    assert missing["reason"].str.startswith("core_2mm: ").all()
    tiny = FEATURES.read(folder).set_index("case_id").loc["00005"]
    assert tiny[list(columns[4:8])].isna().all() and tiny[list(columns[:4] + columns[8:])].notna().all()


def test_new_patients_are_measured_in_the_same_regions(found: Result, home: Path) -> None:
    table = pd.read_csv(home / "manifest.csv", dtype=str)
    table[["image", "mask"]] = table[["image", "mask"]].map(lambda name: str(home / name))
    table.drop(columns="her2").to_csv(home / "new.csv", index=False)
    settings = resolve(StudySettings, {}, [*SETTINGS, f"radiomics.profile={home / 'short.yaml'}", REGIONS])
    new = predict_table(open_study(found.study), PIPELINE, settings, home / "new.csv").probabilities
    saved = signature(PREDICTIONS.read(found.folders["radiomics_model"]))
    saved = saved[(saved["side"] == "test") & (saved["algorithm"] == CHOSEN) & (saved["variant"] == "")]
    both = saved.merge(new, on=["patient_id", "model", "variant", "protocol"])
    assert set(new["variant"]) == {""} and len(both) == len(saved) > 10
    assert np.abs(both["value"] - both["probability"]).max() < 1e-9  # the order of a mean's terms alone
