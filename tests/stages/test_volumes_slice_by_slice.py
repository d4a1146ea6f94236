"""Rad, DL and Rad+DL of volumes: every slice is looked at, cases without an outline are left out, new ones served."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from dlr.deep import cut_pictures, embed, load_weights
from dlr.engine import Pipeline, Result, open_study, resolve
from dlr.settings import ReceptorStudySettings
from dlr.stages.averaged import averaged
from dlr.stages.cohort import cohort
from dlr.stages.deep import deep
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.study.cases import CohortFiles, rows_of
from dlr.study.cohort import read_cohort
from dlr.study.prediction import predict_table
from dlr.tables import COHORT, EMBEDDINGS, FEATURES, PREDICTIONS
from dlr.words import CHOSEN, signature
from tests.stages.small_study import PROFILE
from tests.stages.small_volumes import SMALL, run_volumes, volume_study

FEATURES_FIRST = Pipeline(
    "receptors_ultrasound3d", [cohort, radiomics, radiomics_model, deep, averaged], ReceptorStudySettings
)
BARE = ["P07", "P20"]  # without an outline
OWN = (
    "cohort.target=her2", "cohort.mask=optional", "learn.algorithms=[ridge]", "learn.select=false", "learn.log=true",
    "learn.inner_folds=2", "deep.input.size=32", "deep.input.margin_px=2", "evaluate.splits=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, ReceptorStudySettings]:
    folder = tmp_path_factory.mktemp("slice by slice")
    manifest = volume_study(folder, patients=24)
    (folder / "short.yaml").write_text(PROFILE.replace("  force2D: true\n", ""), encoding="utf-8")
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    table.loc[table["patient_id"].isin(BARE), "mask"] = ""
    table.to_csv(manifest, index=False)
    given = (*OWN, f"radiomics.profile={folder / 'short.yaml'}")
    result = run_volumes(manifest, folder / "runs", *given, pipeline=FEATURES_FIRST)
    return manifest, result, resolve(ReceptorStudySettings, {}, [*SMALL, *given])


def stored(result: Result, stage: str) -> pd.DataFrame:
    rows = PREDICTIONS.read(result.folders[stage])
    return rows[rows["algorithm"] == CHOSEN]


def test_features_of_the_network_are_the_mean_over_every_slice_of_the_lesion(study) -> None:
    _, result, settings = study
    cases = read_cohort(result.folders["cohort"]).cases
    row = rows_of(cases[cases["patient_id"] == "P03"])[0]
    case = CohortFiles(settings.cohort).read(row)
    slices = int(case.mask.any(axis=(1, 2)).sum())
    pictures = cut_pictures(case.image.array, case.mask, settings.deep.input)
    assert slices == len(pictures) > 3
    backbone, _ = load_weights("efficientnet_lite0", "imagenet")
    by_hand = np.mean([embed(backbone, None, picture, True).features for picture in pictures], axis=0)
    table = EMBEDDINGS.read(result.folders["deep"]).set_index("case_id")
    kept = table.loc["P03", [name for name in table.columns if name[0] == "e" and name[1:].isdigit()]]
    # float32 sums in another order: the study's workers have one thread each
    np.testing.assert_allclose(kept.to_numpy(dtype=float), by_hand, atol=1e-5)
    largest = embed(backbone, None, pictures[0], True).features
    assert np.abs(kept.to_numpy(dtype=float) - largest).max() > 0.1


def test_cases_without_an_outline_are_left_out_of_what_looks_inside_it(study) -> None:
    _, result, _ = study
    assert set(BARE) <= set(COHORT.read(result.folders["cohort"])["patient_id"])
    features = FEATURES.read(result.folders["radiomics"]).set_index("case_id").drop(columns="patient_id")
    assert features.loc[BARE].isna().all(axis=None) and features.drop(index=BARE).notna().all(axis=None)
    for stage in ("radiomics_model", "deep", "averaged"):
        answered = set(stored(result, stage)["patient_id"])
        assert len(answered) == 22 and not answered & set(BARE)


def test_the_mean_of_both_is_made_of_the_chains_of_one_part(study) -> None:
    _, result, _ = study
    keys = ["patient_id", "protocol", "seed", "fold"]
    rad, dl, both = (
        stored(result, stage).set_index(keys)["value"].clip(1e-12, 1 - 1e-12)
        for stage in ("radiomics_model", "deep", "averaged")
    )
    assert len(both) == len(rad) == len(dl) > 22  # test patients by both folds
    logit = (np.log(rad / (1 - rad)) + np.log(dl / (1 - dl))) / 2
    np.testing.assert_allclose(both, 1 / (1 + np.exp(-logit.loc[both.index])), rtol=1e-9)


def test_new_patients_get_the_study_s_own_values_and_those_without_outline_are_named(study, tmp_path: Path) -> None:
    manifest, result, settings = study
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    sides = COHORT.read(result.folders["cohort"]).set_index("patient_id")["side"]
    new = table[table["patient_id"].map(sides).eq("test") | table["patient_id"].isin(BARE)].drop(columns="her2")
    for column in ("image", "mask"):
        new[column] = [cell and str(manifest.parent / cell) for cell in new[column]]
    new.to_csv(tmp_path / "new.csv", index=False)
    found = predict_table(open_study(result.study), FEATURES_FIRST, settings, tmp_path / "new.csv")
    own = signature(pd.concat([stored(result, name) for name in ("radiomics_model", "deep", "averaged")]))
    own = own[own["side"] == "test"].set_index(["model", "patient_id"])["value"]
    given = found.probabilities.set_index(["model", "patient_id"])["probability"]
    assert len(own) == len(given) == 3 * (~new["patient_id"].isin(BARE)).sum() > 0
    np.testing.assert_allclose(given.loc[own.index], own, atol=1e-9)
    assert set(found.bad["patient_id"]) == set(BARE) and found.bad["what"].str.contains("no outline").all()
