"""The native engine by itself: its catalogue, its honest zeros, its reasons and its refusals."""

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics_reference import ball, profile_of

from dlr.errors import InputError
from dlr.radiomics import engine, feature_dictionary, load_profile
from dlr.radiomics.catalogue import DEPRECATED, FAMILIES, IMAGE_TYPES
from dlr.radiomics.dictionary import definitions
from dlr.radiomics.native.engine import TEXTURE_FAMILIES
from dlr.radiomics.native.firstorder import FIRSTORDER
from dlr.radiomics.native.preparation import normalised
from dlr.radiomics.native.shape import SHAPE
from dlr.radiomics.native.shape2d import SHAPE2D

NATIVE = {family.name: family for family in (FIRSTORDER, SHAPE, SHAPE2D, *TEXTURE_FAMILIES.values())}
SPACING = (1.0, 1.0, 1.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_feature_of_the_catalogue_is_there_with_its_ibsi_code(family):
    assert set(NATIVE[family].features) == {*FAMILIES[family], *DEPRECATED.get(family, ())}
    for name, feature in NATIVE[family].features.items():
        assert feature.ibsi_code == definitions()[family, name].ibsi_code, name


def test_noise_bands_of_a_still_are_images_of_zeros():
    image, mask = ball((1, 40, 50), 12)
    profile = load_profile("hu1561")
    values = engine("native").measure(image, mask, SPACING, profile).values
    dictionary = feature_dictionary(profile, "still")
    noise = dictionary[dictionary["noise_on_one_slice"] & (dictionary["family"] == "firstorder")]
    bands = noise["image_type"].unique()
    assert set(bands) == {"wavelet-LLH", "wavelet-LHH", "wavelet-HLH", "wavelet-HHH"}
    assert all(
        values[f"{band}_firstorder_{name}"] == 0 for band in bands for name in ("Maximum", "Minimum", "Variance")
    )


def test_same_input_gives_the_same_values_whatever_came_before():
    image, mask = ball((9, 20, 22), 6)
    profile = load_profile("onekey1834")
    native = engine("native")
    before = native.measure(image, mask, SPACING, profile).values
    native.measure(*ball((1, 30, 30), 9, seed=2), (1.0, 0.2, 0.2), load_profile("ultrasound2d"))
    frozen = image.copy()
    frozen.setflags(write=False)
    assert native.measure(frozen, mask, SPACING, profile).values == before


@pytest.mark.parametrize("shape", [(1, 30, 34), (9, 20, 22)])
def test_images_evaluated_together_and_one_by_one_agree(monkeypatch, shape):
    image, mask = ball(shape, 6)
    profile = profile_of(imageType={name: {} for name in IMAGE_TYPES if name not in ("LBP2D", "LoG")})
    together = engine("native").measure(image, mask, SPACING, profile)
    monkeypatch.setattr("dlr.radiomics.native.batch._CELLS", 0)
    alone = engine("native").measure(image, mask, SPACING, profile)
    assert together.missing == alone.missing
    assert together.values == pytest.approx(alone.values, rel=1e-10, abs=1e-12)


def test_input_is_left_as_it_was():
    image, mask = ball((9, 20, 22), 6)
    kept, outline = image.copy(), mask.copy()
    setting = {"normalize": True, "removeOutliers": 1, "resegmentRange": [-0.5, 0.5]}
    engine("native").measure(image, mask, SPACING, profile_of(setting=setting, imageType={"LBP2D": {}, "LoG": {}}))
    assert np.array_equal(image, kept) and np.array_equal(mask, outline)


def test_black_image_has_reasons_for_what_divides_by_its_maximum():
    _, mask = ball((1, 30, 30), 9)
    measured = engine("native").measure(np.zeros((1, 30, 30)), mask, SPACING, load_profile("hu1561"))
    assert {name.split("_")[0] for name in measured.missing} == {
        "square", "logarithm", "exponential", "lbp-3D-k",
    }  # fmt: skip
    assert all(measured.missing.values())
    assert np.isfinite(list(measured.values.values())).all()


def test_ring_of_black_keeps_the_case_although_samples_are_equal():
    image, mask = np.zeros((8, 24, 24)), np.ones((8, 24, 24), bool)
    image[4, 12, 12] = 50
    profile = profile_of(imageType={"LBP3D": {"binCount": 8}}, setting={})
    assert np.isfinite(list(engine("native").measure(image, mask, SPACING, profile).values.values())).all()


@pytest.mark.parametrize("setting", [{"distances": []}, {"distances": [1, 1]}])
def test_setting_without_meaning_is_refused_by_name(setting):
    image, mask = ball((1, 30, 30), 9)
    with pytest.raises(InputError, match="distances"):
        engine("native").measure(image, mask, SPACING, profile_of(setting=setting))


def test_resegmentation_that_keeps_nothing_says_so():
    image, mask = ball((1, 30, 30), 9)
    with pytest.raises(InputError, match="resegmentRange keeps 0 of"):
        engine("native").measure(image, mask, SPACING, profile_of(setting={"resegmentRange": [1e6]}))


def test_normalisation_is_itks_on_one_thread_however_many_cores_there_are():
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        for seed in range(40):
            image = np.random.default_rng(seed).normal(100, 30, (9, 17, 16 + seed))
            expected = sitk.GetArrayFromImage(sitk.Normalize(sitk.GetImageFromArray(image)))
            assert np.array_equal(normalised(image, 1.0, None), expected)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


@pytest.mark.parametrize("where", ["textures.count_neighbours", "glcm.padded_together", "glcm._sum_diagonals"])
def test_matrices_that_do_not_fit_name_the_image_type_and_the_setting(monkeypatch, where):
    def full(*_):
        raise MemoryError

    image, mask = ball((1, 30, 34), 9)
    monkeypatch.setattr("dlr.radiomics.native.batch._CELLS", 0)
    monkeypatch.setattr(f"dlr.radiomics.native.{where}", full)
    with pytest.raises(InputError, match=r"texture matrices of Original do not fit in memory.*raise binWidth"):
        engine("native").measure(image, mask, SPACING, profile_of(setting={}))
