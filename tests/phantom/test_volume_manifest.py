"""The synthetic cohort of volumes as a study folder."""

import json
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.metrics import roc_auc_score

from dlr.errors import InputError
from dlr.phantom import (
    KI67,
    MARKERS,
    DcePhantomSettings,
    RegionSignal,
    VolumePhantomSettings,
    built_in_volumes,
    is_built_in,
    make_volume_cohort,
    missing_files,
    scanner_auc,
    volume_truth,
)
from dlr.phantom.volume_manifest import plan_volume_cohort

SMALL = VolumePhantomSettings(patients=9, seed=7, size=16, missing=0.1)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return make_volume_cohort(tmp_path_factory.mktemp("volumes"), SMALL)


def read(manifest):
    return pd.read_csv(manifest, dtype=str, keep_default_na=False)


def digests(folder):
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.*")}


def test_equal_settings_give_equal_bytes_and_no_time(small, tmp_path):
    make_volume_cohort(tmp_path, SMALL)
    assert digests(tmp_path) == digests(small.parent)
    assert (tmp_path / "volumes" / "V001.nii.gz").read_bytes()[3:8] == bytes(5)  # no name, no time


def test_every_named_file_is_there_with_the_promised_form(small):
    table = read(small)
    assert list(table) == ["patient_id", "case_id", "image", "mask", *MARKERS, "age", "cohort"]
    assert missing_files(small) == []
    for row in table.to_dict("records"):
        image, mask = (sitk.ReadImage(str(small.parent / row[name])) for name in ("image", "mask"))
        assert image.GetSize() == mask.GetSize() == (16, 16, 10)
        assert image.GetSpacing() == mask.GetSpacing() == pytest.approx((2.5, 2.5, 4.0))
        assert image.GetOrigin() == mask.GetOrigin()
        assert sitk.GetArrayFromImage(image).dtype == np.uint8
        assert set(np.unique(sitk.GetArrayFromImage(mask))) == {0, 1}


def test_missing_files_are_named(small, tmp_path):
    copy = tmp_path / "data_manifest.csv"
    copy.write_bytes(small.read_bytes())
    assert len(missing_files(copy)) == 2 * len(read(small))


def test_the_truth_says_labels_variables_and_exact_probabilities(small):
    table, truth = read(small), pd.read_csv(small.parent / "truth.csv")
    assert list(truth["patient_id"]) == list(table["patient_id"])
    known = table[list(MARKERS)] != ""
    assert 1 <= (~known).to_numpy().sum() <= 8
    for marker in MARKERS:
        assert (table[marker][known[marker]].astype(int) == truth[marker][known[marker]]).all()
    again = volume_truth(SMALL).probability(truth)
    for marker in MARKERS:
        np.testing.assert_allclose(truth[f"probability_{marker}"], again[marker], atol=2e-5)  # six decimals are written
    about = json.loads((small.parent / "truth.json").read_text())
    assert about["reachable_auc"] == volume_truth(SMALL).reachable_auc()
    assert about["settings"] == SMALL.model_dump()


def test_labels_have_the_published_frequencies_and_every_scanner_alike():
    plan = plan_volume_cohort(VolumePhantomSettings(patients=388))
    np.testing.assert_allclose(plan.labels.sum(), [300, 276, 160], atol=2)
    by_scanner = plan.labels.groupby(plan.manifest["cohort"]).mean()
    np.testing.assert_allclose(by_scanner, np.tile(by_scanner.mean(), (3, 1)), atol=0.02)


def test_the_null_cohort_knows_nothing():
    settings = VolumePhantomSettings(signal=0)
    assert volume_truth(settings).reachable_auc(2000)["macro"] == 0.5
    plan = plan_volume_cohort(settings.model_copy(update={"patients": 3000}))
    for variable in plan.variables:
        for marker in MARKERS:
            assert abs(np.corrcoef(plan.variables[variable], plan.labels[marker])[0, 1]) < 0.07


def test_each_variable_tells_of_its_marker():
    plan = plan_volume_cohort(VolumePhantomSettings(patients=1500))
    for variable, marker in (("margin", "er"), ("texture", "pr"), ("shadow", "her2")):
        positive = plan.labels[marker] == 1
        shift = plan.variables[variable][positive].mean() - plan.variables[variable][~positive].mean()
        assert shift == pytest.approx(2.0, abs=0.25)


def test_confounding_lifts_the_scanners_pooled_auc_and_not_the_one_within_scanners():
    plan = plan_volume_cohort(VolumePhantomSettings(patients=12_000, confounding=1.0))
    documented = scanner_auc(1.0)
    score = plan.manifest["cohort"].map({"scanner_a": 0, "scanner_b": 1, "scanner_c": 2}).to_numpy()
    other = np.random.default_rng(0).random(12_000)  # a score that knows the scanner and, within it, nothing
    for marker in MARKERS:
        truth = plan.labels[marker].to_numpy()
        assert documented[marker] > 0.6
        assert roc_auc_score(truth, score) == pytest.approx(documented[marker], abs=0.01)
        assert roc_auc_score(truth, score + 0.9 * other) > 0.6
        for scanner in range(3):
            seen = score == scanner
            assert roc_auc_score(truth[seen], score[seen]) == 0.5
            assert roc_auc_score(truth[seen], other[seen]) == pytest.approx(0.5, abs=0.07)  # 4 SE


def test_without_confounding_the_scanner_tells_nothing():
    assert scanner_auc(0.0) == {"er": 0.5, "pr": 0.5, "her2": 0.5}


def test_scanners_differ_in_gain(tmp_path):
    manifest = make_volume_cohort(tmp_path, VolumePhantomSettings(patients=24, size=16))
    table = read(manifest)
    grey = [sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name))).mean() for name in table["image"]]
    mean = pd.Series(grey).groupby(table["cohort"]).mean()
    assert mean["scanner_a"] < mean["scanner_b"] < mean["scanner_c"]


@pytest.mark.parametrize("kind", [VolumePhantomSettings, DcePhantomSettings])
def test_a_built_in_cohort_is_known_by_its_manifest_whatever_the_line_ends(kind, small, tmp_path):
    text = plan_volume_cohort(kind()).manifest.to_csv(index=False)
    own = tmp_path / "data_manifest.csv"
    for ends in ("\n", "\r\n"):
        own.write_bytes(text.replace("\n", ends).encode())
        assert built_in_volumes(own) is kind
        assert not is_built_in(own)
    assert built_in_volumes(small) is None


def test_somebody_elses_manifest_is_not_overwritten(tmp_path):
    own = tmp_path / "data_manifest.csv"
    own.write_text("patient_id,image,mask\n1,a.nii,b.nii\n")
    with pytest.raises(InputError, match="another study's manifest"):
        make_volume_cohort(tmp_path, SMALL)
    assert own.read_text().startswith("patient_id,image,mask")
    assert not (tmp_path / "volumes").exists()


def test_progress_is_told_every_volume(tmp_path):
    told = []
    make_volume_cohort(tmp_path, SMALL, progress=lambda done, of: told.append((done, of)))
    assert told == [(k, 9) for k in range(1, 10)]


DCE = DcePhantomSettings(patients=9, seed=7, size=20, missing=0.1)


@pytest.fixture(scope="module")
def small_dce(tmp_path_factory):
    return make_volume_cohort(tmp_path_factory.mktemp("dce"), DCE)


@pytest.mark.slow
def test_dce_has_the_promised_form_and_equal_settings_give_equal_bytes(small_dce, tmp_path):
    table = read(small_dce)
    assert list(table) == ["patient_id", "case_id", "image", "mask", *MARKERS, KI67, "age", "cohort"]
    assert missing_files(small_dce) == []
    for row in table.to_dict("records"):
        image, mask = (sitk.ReadImage(str(small_dce.parent / row[name])) for name in ("image", "mask"))
        slices = {"scanner_a": 16, "scanner_b": 12, "scanner_c": 10}[row["cohort"]]
        assert image.GetSize() == mask.GetSize() == (20, 20, slices)
        assert image.GetSpacing() == mask.GetSpacing() == pytest.approx((2, 2, 40 / slices))
        assert sitk.GetArrayFromImage(image).dtype == np.int16
        assert set(np.unique(sitk.GetArrayFromImage(mask))) == {0, 1}
    make_volume_cohort(tmp_path, DCE)
    assert digests(tmp_path) == digests(small_dce.parent)


def test_the_truth_of_dce_says_ki67_its_median_and_what_cannot_be_avoided(small_dce):
    table, truth = read(small_dce), pd.read_csv(small_dce.parent / "truth.csv")
    known = table[KI67] != ""
    np.testing.assert_allclose(table[KI67][known].astype(float), truth[KI67][known], atol=0.0501)
    again = volume_truth(DCE)
    np.testing.assert_allclose(truth["median_ki67"], again.median_ki67(truth), atol=1e-3)  # of six decimals
    about = json.loads((small_dce.parent / "truth.json").read_text())
    assert about["settings"] == DCE.model_dump()
    assert about["reachable_auc"] == again.reachable_auc()
    assert about["reachable_auc_without"]["rim"] == again.without("rim").reachable_auc()
    assert about["ki67"]["mean_absolute_error"] == again.irreducible_mae()
    assert about["reachable_auc_of"]["core"] == again.of("core").reachable_auc()
    own = about["ki67"]["mean_absolute_error_of"]
    assert own.keys() == about["reachable_auc_of"].keys() == {"core", "rim", "peritumoral"}
    assert own["rim"] == again.of("rim").irreducible_mae()["images"]
    assert about["ki67"]["mean_absolute_error_without"]["core"] == again.without("core").irreducible_mae()["images"]
    assert about["ki67"]["mean_logit"]["er- pr- her2-"] == pytest.approx(-0.2)
    assert about["ki67"]["mean_logit"]["er+ pr- her2+"] == pytest.approx(-0.2 - 0.9 + 0.5)


def test_scanners_of_dce_have_label_rates_of_their_own():
    plan = plan_volume_cohort(DcePhantomSettings(patients=1200))
    rates = plan.labels[list(MARKERS)].groupby(plan.manifest["cohort"]).mean()
    assert (np.diff(rates, axis=0) > 0.01).all()
    assert scanner_auc(DcePhantomSettings().confounding)["er"] > 0.55


@pytest.mark.parametrize("region", ["core", "rim", "peritumoral"])
def test_a_signal_of_one_region_leaves_the_others_without_shifts(region):
    truth = volume_truth(DcePhantomSettings(signal=RegionSignal(**{region: 1.0})))
    full = volume_truth(DcePhantomSettings())
    for name, told in truth.shifts.items():
        assert told == (full.shifts[name] if name == region else dict.fromkeys(told, 0.0))
    assert truth.without(region).reachable_auc(2000)["macro"] == 0.5


def test_the_null_cohort_of_dce_knows_nothing():
    truth = volume_truth(DcePhantomSettings(signal=0))
    assert truth.reachable_auc(2000)["macro"] == 0.5
    least = truth.irreducible_mae(4000)
    assert least["images"] == pytest.approx(least["nothing"], rel=0.02)  # the median of 4,000, not of the mixture


def test_a_signal_below_zero_is_refused():
    with pytest.raises(ValueError, match="0 or above"):
        DcePhantomSettings(signal=-1.0)
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        DcePhantomSettings(signal={"rim": -1.0})
