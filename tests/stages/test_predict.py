"""New patients go through the saved chains: the test side's raw files give the study's own predictions back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlr.engine import open_study, resolve
from dlr.errors import InputError
from dlr.settings import StudySettings
from dlr.study.prediction import predict_patients, predict_table
from dlr.study.sharing import copy_study
from dlr.tables import COHORT, PREDICTIONS
from dlr.words import CHOSEN, signature
from tests.stages.small_study import SMALL, TABLES_ONLY, WHOLE, feature_study, run_features

SAME = 1e-9  # the same code on the same values; only the order of a mean's terms may differ


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, whole_study) -> tuple[Path, object, StudySettings]:
    manifest, result = whole_study
    profile = f"radiomics.profile={manifest.parent / 'short.yaml'}"
    return manifest, result, resolve(StudySettings, {}, [*SMALL, profile])


@pytest.fixture(scope="module")
def new_manifest(study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test side's rows alone, as new patients: paths absolute, targets taken out."""
    manifest, result, _ = study
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    sides = pd.read_parquet(result.folders["cohort"] / "cohort.parquet").set_index("patient_id")["side"]
    sides = sides[~sides.index.duplicated()]
    test = table[table["patient_id"].map(sides).eq("test") & table["exclude_reason"].eq("")].copy()
    for column in ("image", "mask", "mask_reader1", "mask_reader2"):
        test[column] = [str(manifest.parent / cell) for cell in test[column]]
    out = tmp_path_factory.mktemp("new") / "new patients.csv"
    test.drop(columns=["her2", "her2_ihc", "her2_fish"]).to_csv(out, index=False)
    return out


def saved_signatures(result: object) -> pd.DataFrame:
    tables = [
        PREDICTIONS.read(result.folders[name])
        for name in ("clinical", "radiomics_model", "deep", "fusion_model", "combine")
        if result.folders.get(name) is not None
    ]
    rows = signature(pd.concat(tables, ignore_index=True)).rename(columns={"value": "probability"})
    return rows[(rows["side"] == "test") & (rows["algorithm"] == CHOSEN)]


def test_predict_gives_the_test_sides_predictions_back(study, new_manifest: Path) -> None:
    _, result, settings = study
    found = predict_table(open_study(result.study), WHOLE, settings, new_manifest)
    keys = ["patient_id", "model", "variant", "protocol"]
    both = saved_signatures(result).merge(found.probabilities, on=keys, suffixes=("_saved", "_new"))
    assert len(both) == len(saved_signatures(result)) == len(found.probabilities)
    assert np.abs(both["probability_saved"] - both["probability_new"]).max() <= SAME


def test_points_on_the_nomogram_give_the_combined_probability(study, new_manifest: Path) -> None:
    _, result, settings = study
    found = predict_table(open_study(result.study), WHOLE, settings, new_manifest)
    if result.folders["nomogram"] is None:
        assert found.points.empty
        return
    for _, rows in found.points.groupby(["set", "patient_id"]):
        assert rows["points"].sum() == pytest.approx(rows["total"].iloc[0])


def test_a_bad_case_is_named_and_the_others_go_on(study, new_manifest: Path, tmp_path: Path) -> None:
    _, result, settings = study
    table = pd.read_csv(new_manifest, dtype=str, keep_default_na=False)
    broken = table["patient_id"].iloc[0]
    table.loc[table["patient_id"] == broken, "mask"] = str(tmp_path / "nowhere.png")
    manifest = tmp_path / "new.csv"
    table.to_csv(manifest, index=False)
    out = predict_patients(open_study(result.study), WHOLE, settings, manifest, tmp_path / "out" / "p.csv")
    bad = pd.read_csv(out.with_name("p_bad.csv"), dtype=str)
    assert set(bad["patient_id"]) == {broken}
    done = pd.read_csv(out, dtype={"patient_id": str})
    assert set(table["patient_id"]) - {broken} <= set(done.loc[done["model"] == "Rad", "patient_id"])


def test_values_outside_the_training_range_are_flagged(study, new_manifest: Path, tmp_path: Path) -> None:
    _, result, settings = study
    table = pd.read_csv(new_manifest, dtype=str, keep_default_na=False)
    patient = table["patient_id"].iloc[0]
    table.loc[table["patient_id"] == patient, "age"] = "119"
    manifest = tmp_path / "new.csv"
    table.to_csv(manifest, index=False)
    outside = predict_table(open_study(result.study), WHOLE, settings, manifest).outside
    assert "age" in set(outside.loc[outside["patient_id"] == patient, "column"])


@pytest.mark.slow
def test_a_study_of_a_feature_table_predicts_from_a_feature_table(tmp_path: Path) -> None:
    manifest = feature_study(tmp_path)
    result = run_features(manifest, tmp_path / "runs")
    settings = resolve(StudySettings, {}, list(SMALL))
    sides = pd.read_parquet(result.folders["cohort"] / "cohort.parquet").set_index("patient_id")["side"]
    ids = {"patient_id": str}
    clinical = pd.read_csv(manifest, dtype=ids).set_index("patient_id").drop(columns="her2")
    features = pd.read_csv(manifest.parent / "features.csv", dtype=ids).set_index("patient_id")
    new = clinical.join(features)[sides.reindex(clinical.index).eq("test").to_numpy()]
    new.reset_index().to_csv(tmp_path / "new.csv", index=False)
    found = predict_table(open_study(result.study), TABLES_ONLY, settings, tmp_path / "new.csv").probabilities
    both = saved_signatures(result).merge(found, on=["patient_id", "model", "variant", "protocol"])
    assert len(both) == len(found) > 0
    assert np.abs(both["probability_x"] - both["probability_y"]).max() <= SAME


def test_predict_without_a_study_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the folder of a study"):
        open_study(tmp_path)


@pytest.mark.parametrize("name", ["mine.csv", "res_bad.csv", "res_points.csv", "res_outside.csv"])
def test_predict_replaces_no_file_of_the_user(study, new_manifest: Path, tmp_path: Path, name: str) -> None:
    _, result, settings = study
    mine = tmp_path / name
    mine.write_text("patient_id,note\n1,keep me\n")
    out = mine if name == "mine.csv" else tmp_path / "res.csv"
    with pytest.raises(InputError, match="another file is there already"):
        predict_patients(open_study(result.study), WHOLE, settings, new_manifest, out)
    assert mine.read_text() == "patient_id,note\n1,keep me\n"
    assert list(tmp_path.iterdir()) == [mine]


def test_predict_does_not_write_over_its_own_input(study, new_manifest: Path) -> None:
    manifest, result, settings = study
    for own in (new_manifest, manifest):
        before = own.read_bytes()
        with pytest.raises(InputError, match="this file is read by this command"):
            predict_patients(open_study(result.study), WHOLE, settings, new_manifest, own)
        assert own.read_bytes() == before


@pytest.mark.slow
def test_an_earlier_prediction_is_replaced_with_all_that_lies_beside_it(
    study, new_manifest: Path, tmp_path: Path
) -> None:
    _, result, settings = study
    opened = open_study(result.study)
    table = pd.read_csv(new_manifest, dtype=str, keep_default_na=False)
    table.loc[0, "mask"] = str(tmp_path / "nowhere.png")
    broken = tmp_path / "new.csv"
    table.to_csv(broken, index=False)
    out = predict_patients(opened, WHOLE, settings, broken, tmp_path / "res.csv")
    first = out.read_bytes()
    assert (tmp_path / "res_bad.csv").is_file()
    assert predict_patients(opened, WHOLE, settings, new_manifest, out).read_bytes() != first
    assert not (tmp_path / "res_bad.csv").exists()


@pytest.mark.slow
def test_a_shared_copy_predicts_the_same_and_names_nobody(study, new_manifest: Path, tmp_path: Path) -> None:
    manifest, result, settings = study
    copy_study(open_study(result.study), tmp_path / "handed on")
    shared = open_study(tmp_path / "handed on")
    assert nothing_of(manifest, shared.folder) == []
    assert shared.folders.keys() == result.folders.keys() - {"report"}
    assert {path.suffix for path in shared.folder.rglob("*.*")} <= {
        *(".csv", ".parquet", ".json", ".yaml", ".txt", ".safetensors")
    }
    theirs = predict_table(shared, WHOLE, settings, new_manifest).probabilities
    keys = ["patient_id", "model", "variant", "protocol"]
    both = saved_signatures(result).merge(theirs, on=keys, suffixes=("_saved", "_new"))
    assert len(both) == len(theirs) == len(saved_signatures(result)) > 0
    assert np.abs(both["probability_saved"] - both["probability_new"]).max() <= SAME


@pytest.mark.slow
def test_a_copy_with_patients_says_no_folder_either(study, tmp_path: Path) -> None:
    manifest, result, _ = study
    copy_study(open_study(result.study), tmp_path / "all", with_patients=True)
    assert not any(line.endswith(str(manifest.parent)) for line in nothing_of(manifest, tmp_path / "all"))
    cases = COHORT.read(open_study(tmp_path / "all").folders["cohort"])
    assert len(cases) and cases["image"].map(lambda name: "/" not in name).all()


def nothing_of(manifest: Path, folder: Path) -> list[str]:
    """Where an id, a file's name or the folder of the cohort stands in a folder's texts and tables."""
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    words = {*table["patient_id"], *table["case_id"], str(manifest.parent)}
    words |= {Path(cell).name for name in ("image", "mask") for cell in table[name] if cell}
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            names = [field.name for field in table.schema if pa.types.is_string(field.type)]
            text = str(table.select(names).to_pylist()) + str(table.column_names)
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(folder)}: {word}" for word in words if word in text]
    return found
