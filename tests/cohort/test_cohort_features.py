"""A feature table of the user's own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dlr.cohort import load_feature_table, match_features
from dlr.errors import InputError
from dlr.words import Target

HER2 = [Target("her2", derived_from=("her2_ihc", "her2_fish", "trastuzumab"))]

TEXT = (
    "Patient ID,her2,her2_ihc,side,view,diagnostics_Versions,original_glcm_Contrast,original_glcm_Idn\n"
    "001,1,3+,train,1,v3,1.5,2\n002,0,0,test,2,v3,,4e-3\n"
)


def write(tmp_path: Path, text: str = TEXT) -> Path:
    path = tmp_path / "features.csv"
    path.write_text(text)
    return path


def cohort(*ids: str, excluded: str = "") -> pd.DataFrame:
    return pd.DataFrame({"patient_id": ids, "case_id": ids, "excluded": ["x" if i == excluded else "" for i in ids]})


def test_only_features_stay(tmp_path: Path) -> None:
    table = load_feature_table(write(tmp_path), targets=HER2)
    assert table.columns.tolist() == ["case_id", "patient_id", "original_glcm_Contrast", "original_glcm_Idn"]
    assert table["patient_id"].tolist() == ["001", "002"]
    assert table["original_glcm_Idn"].tolist() == [2.0, 0.004] and table["original_glcm_Contrast"].isna().tolist()[1]


def test_parquet_and_own_exclusions(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pd.DataFrame({"case_id": ["a", "b"], "age": [1.0, 2.0], "f": [3, 4]}).to_parquet(path)
    assert load_feature_table(path, never=["age"]).columns.tolist() == ["case_id", "patient_id", "f"]


def test_rows_follow_the_cohort_and_excluded_ones_leave(tmp_path: Path) -> None:
    features = load_feature_table(write(tmp_path), targets=HER2)
    assert match_features(features, cohort("002", "001"))["case_id"].tolist() == ["002", "001"]
    assert match_features(features, cohort("002", "001", excluded="001"))["patient_id"].tolist() == ["002"]


def test_unmatched_ids_of_both_sides_are_named(tmp_path: Path) -> None:
    features = load_feature_table(write(tmp_path), targets=HER2)
    with pytest.raises(InputError) as error:
        match_features(features, cohort("001", "003"))
    assert [p.what for p in error.value.problems] == ["1 of 2 without a row: 003", "1 not in the manifest: 002"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("f\n1\n", "no column patient_id or case_id"),
        ("patient_id,f\na,1\na,2\n", "repeated: a"),
        ("patient_id,f\na,1\n,2\n", "empty in rows 3"),
        ("patient_id,f\na,1\nb,2\nc,x\n", "not a number: x"),
        ("patient_id,f\na,inf\nb,2\n", "infinite"),
        ("patient_id,f\na,x\nb,y\n", "no numeric column"),
    ],
)
def test_broken_feature_tables_are_named(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        load_feature_table(write(tmp_path, text))
