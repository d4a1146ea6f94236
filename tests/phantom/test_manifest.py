"""The synthetic cohort as a study folder."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlr.errors import InputError
from dlr.phantom import MANIFEST_COLUMNS, PhantomSettings, is_built_in, make_cohort, missing_files
from dlr.phantom.manifest import plan_cohort
from dlr.phantom.truth import PREVALENCE

ROOT = Path(__file__).parents[2]
SMALL = PhantomSettings(patients=20, seed=7, size=128, excluded=2)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("small"), settings=SMALL)


def read(manifest):
    return pd.read_csv(manifest, dtype=str, keep_default_na=False)


def digests(folder):
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.*")}


def test_equal_settings_give_equal_bytes(small, tmp_path):
    make_cohort(tmp_path, settings=SMALL)
    assert digests(tmp_path) == digests(small.parent)


def test_a_cohort_is_made_again_over_itself(small):
    before = digests(small.parent)
    make_cohort(small.parent, settings=SMALL)
    assert digests(small.parent) == before


def test_another_seed_gives_other_patients_and_stills(small, tmp_path):
    make_cohort(tmp_path, settings=SMALL.model_copy(update={"seed": 8}))
    assert digests(tmp_path)["images/P001_1.png"] != digests(small.parent)["images/P001_1.png"]
    assert not read(tmp_path / "data_manifest.csv").equals(read(small))


def test_every_named_file_is_there_with_the_promised_form(small):
    table = read(small)
    assert tuple(table.columns) == MANIFEST_COLUMNS
    assert missing_files(small) == []
    for _, row in table.iterrows():
        image = Image.open(small.parent / row["image"])
        assert (image.mode, image.size) == ("L", (128, 128))
        for column in ("mask", "mask_reader1", "mask_reader2"):
            mask = np.asarray(Image.open(small.parent / row[column]))
            assert set(np.unique(mask)) == {0, 255}
        assert 0.2 < float(row["pixel_spacing_mm"]) < 0.4  # half the pixels, twice the spacing


def test_missing_files_are_named(small, tmp_path):
    copy = tmp_path / "data_manifest.csv"
    copy.write_bytes(small.read_bytes())
    assert len(missing_files(copy)) == 4 * len(read(small))


def test_the_truth_stays_out_of_the_manifest(small):
    truth = pd.read_csv(small.parent / "truth.csv")
    assert list(truth["patient_id"]) == sorted(set(read(small)["patient_id"]))
    for column in ("probability_image", "probability_clinical", "probability_both"):
        assert truth[column].between(0, 1).all()
    assert not set(truth.columns[1:]) & set(MANIFEST_COLUMNS)


def test_default_cohort_has_160_patients_and_the_prevalence():
    plan = plan_cohort(PhantomSettings())
    table = plan.manifest
    assert table["patient_id"].nunique() == 166
    assert table["case_id"].is_unique
    patients = table[table["exclude_reason"] == ""].drop_duplicates("patient_id")
    assert len(patients) == 160
    drawn = plan.truth.set_index("patient_id").loc[patients["patient_id"], "positive"]
    assert drawn.sum() == round(160 * PREVALENCE)
    excluded = table[table["exclude_reason"] != ""]
    assert excluded["patient_id"].nunique() == 6
    assert "neoadjuvant therapy" in set(excluded["exclude_reason"])
    assert 20 < len(table) - 166 < 65
    assert (table["patient_id"].str.fullmatch(r"P\d{3}")).all()


def test_her2_follows_from_ihc_and_fish_and_is_missing_without_fish():
    table = plan_cohort(PhantomSettings()).manifest.drop_duplicates("patient_id")
    unresolved = (table["her2_ihc"] == "2+") & (table["her2_fish"] == "")
    assert unresolved.sum() == 2
    expected = np.where(
        unresolved,
        "",
        np.where((table["her2_ihc"] == "3+") | (table["her2_fish"] == "amplified"), "1", "0"),
    )
    np.testing.assert_array_equal(table["her2"].to_numpy(dtype=str), expected.astype(str))


def test_two_cases_of_a_patient_share_all_but_files_and_view():
    table = plan_cohort(PhantomSettings()).manifest
    same = table.drop(columns=["case_id", "image", "mask", "mask_reader1", "mask_reader2", "view"])
    assert len(same.drop_duplicates()) == 166
    assert set(table.groupby("patient_id")["view"].agg(tuple)) == {("longitudinal",), ("longitudinal", "transverse")}


def test_a_few_values_are_missing_but_never_the_complete_ones():
    table = plan_cohort(PhantomSettings()).manifest.drop_duplicates("patient_id")
    empty = (table == "").sum()
    assert 1 <= sum(empty[name] for name in ("ki67", "cea", "ca125", "ca199", "ca153", "lymph_metastasis")) <= 40
    for name in ("age", "er", "pr", "calcification", "menopause", "family_history"):
        assert empty[name] == 0


def test_null_cohorts_true_probability_is_the_prevalence():
    truth = plan_cohort(PhantomSettings(signal=0.0)).truth
    assert set(truth["probability_both"]) == {f"{PREVALENCE:.6f}"}
    assert set(truth["probability_image"]) == {f"{PREVALENCE:.6f}"}


def test_the_roots_manifest_is_the_built_in_cohort():
    assert is_built_in(ROOT / "data_manifest.csv")


def test_another_manifest_is_not_built_in(small):
    assert not is_built_in(small)


def test_windows_line_ends_leave_the_manifest_built_in(tmp_path):
    copy = tmp_path / "data_manifest.csv"
    copy.write_bytes((ROOT / "data_manifest.csv").read_bytes().replace(b"\n", b"\r\n"))
    assert is_built_in(copy)


def test_somebody_elses_manifest_is_not_overwritten(tmp_path):
    own = tmp_path / "data_manifest.csv"
    own.write_text("patient_id,image,mask\n1,a.png,b.png\n")
    with pytest.raises(InputError, match="another study's manifest"):
        make_cohort(tmp_path, settings=SMALL)
    assert own.read_text().startswith("patient_id,image,mask")
    assert not (tmp_path / "images").exists()


def test_progress_is_told_every_case(tmp_path):
    told = []
    manifest = make_cohort(tmp_path, settings=SMALL, progress=lambda done, of: told.append((done, of)))
    cases = len(read(manifest))
    assert told == [(k, cases) for k in range(1, cases + 1)]


def test_unknown_setting_is_refused():
    with pytest.raises(ValueError, match="colour"):
        PhantomSettings(colour="blue")
