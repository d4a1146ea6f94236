"""Two real cohorts, where they lie beside the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlr.cohort import CohortSettings, draw_folds, draw_side, flow_chart, load_cohort, read_case

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.skipif(not (DATA / "busi_us").is_dir(), reason="the shared stills are not here")
def test_210_stills_without_clinical_columns_or_spacing() -> None:
    cohort = load_cohort(DATA / "busi_us" / "manifest.csv", CohortSettings(target="malignant"))
    assert cohort.kind == "still" and cohort.columns == () and len(cohort.table) == 210
    assert cohort.table["malignant"].sum() == 68
    assert not cohort.cases["spacing_known"].any()
    case = read_case(cohort.table.iloc[0].to_dict(), CohortSettings())
    assert case.image.array.shape == (1, 435, 512) and case.image.box is None


@pytest.mark.skipif(not (DATA / "dce_receptors").is_dir(), reason="the shared volumes are not here")
def test_268_volumes_with_an_external_cohort() -> None:
    settings = CohortSettings(target="her2", clinical=["age", "hr"], external=["ISPY2"])
    cohort = load_cohort(DATA / "dce_receptors" / "manifest.csv", settings, jobs=2)
    assert cohort.kind == "volume" and cohort.cases["spacing_known"].all()
    assert cohort.table["her2"].sum() == 53 and [c.name for c in cohort.columns] == ["age", "hr"]
    table = cohort.table.assign(side=draw_side(cohort.table, cohort.targets, seed=1))
    flow = flow_chart(table, cohort.targets).set_index("step")["patients"]
    assert flow[["train", "test", "external"]].tolist() == [118, 51, 99]
    assert draw_folds(table, cohort.targets, seed=1)["patient_id"].nunique() == 118
    three = CohortSettings(target=["er", "pr", "her2"], clinical=["age"])
    table = load_cohort(DATA / "dce_receptors" / "manifest.csv", three, images=False).table
    assert table["er"].isna().sum() == 99


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "breast_lesions_usg").is_dir(), reason="the shared stills are not here")
def test_a_hospitals_own_sheet_is_the_manifest() -> None:
    settings = CohortSettings(
        target="malignant",
        sheet="BrEaST-Lesions-USG clinical dat",
        headers={"CaseID": "patient_id", "Image_filename": "image", "Classification": "malignant",
                 "Pixel_size": "pixel_spacing_cm"},
        image_folder="images",
        mask_pattern="masks/{image}.png",
        clinical=["age", "birads"],
    )  # fmt: skip
    ours = load_cohort(DATA / "breast_lesions_usg" / "clinical.xlsx", settings)
    plain = settings.model_copy(
        update={
            "sheet": None,
            "headers": {"spacing_mm": "pixel_spacing_mm"},
            "image_folder": None,
            "mask_pattern": None,
        }
    )
    theirs = load_cohort(DATA / "breast_lesions_usg" / "manifest.csv", plain)
    same = ["image", "mask", "malignant", "age", "birads"]
    assert ours.table[same].equals(theirs.table[same]) and ours.table["malignant"].sum() == 48
    assert np.allclose(ours.cases["spacing_y"], theirs.cases["spacing_y"], rtol=1e-4)
