"""Whole parameter files: the native engine against pyradiomics on random and on real images, and at its own door."""

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from radiomics_reference import CLOSE, ball, needs_pyradiomics, profile_of
from test_native_against_pyradiomics import EVERY_NAME, IMAGE_TYPES, SETTINGS, assert_equal

from dlr.errors import InputError
from dlr.radiomics import engine, extract, load_profile
from dlr.radiomics.catalogue import IMAGE_TYPES as IMAGE_TYPE_NAMES
from dlr.radiomics.parameters import INTERPOLATORS
from dlr.radiomics.parameters import SETTINGS as KNOWN

DATA = Path(__file__).parents[4] / "shared" / "data"  # real images, too large for this repository
SHIPPED = ("hu1561", "onekey1834", "ultrasound2d", "volume3d")

# every image type, every feature by name, bins by count
EVERYTHING = profile_of(
    "everything",
    imageType={name: {"sigma": [1.5]} if name == "LoG" else {} for name in IMAGE_TYPE_NAMES},
    featureClass={family: names for family, names in EVERY_NAME.items() if family != "shape2D"},
    setting={"binCount": 12},
)

DOOR = [  # read with the files, before an engine sees arrays
    {"label": 2},
    {"label": 1, "label_channel": 1},
    {"geometryTolerance": 1e-2},
    {"correctMask": True},
]


def parameter_file(name):
    return EVERYTHING if name == "everything" else load_profile(name)


@needs_pyradiomics
@pytest.mark.parametrize("name", (*SHIPPED, "everything"))
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # one example takes seconds, so none is made smaller
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    shape=st.tuples(st.sampled_from([1, 6, 9]), st.integers(12, 30), st.integers(12, 30)),
    radius=st.floats(3, 9),
    shift=st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    spacing=st.tuples(*[st.floats(0.3, 3)] * 3),
    seed=st.integers(0, 10**6),
)
def test_random_image_has_pyradiomics_values_under_every_parameter_file(name, shape, radius, shift, spacing, seed):
    image, mask = ball(shape, radius, seed)
    image += np.random.default_rng(seed).normal(0, 0.3, shape)  # no ties
    mask = np.roll(mask, shift, axis=(1, 2))  # cut by the border it leaves: two parts, touching it
    try:
        assert_equal(image, mask, parameter_file(name), spacing)
    except InputError:
        with pytest.raises(InputError):
            engine("pyradiomics").measure(image, mask, spacing, parameter_file(name))


def real_cases():
    """(profile, cohort, row) of two stills and one volume, none where the shared data are not."""
    rows = {}
    for cohort in ("busi_us", "dce_receptors"):
        manifest = DATA / cohort / "manifest.csv"
        if manifest.is_file():
            with manifest.open(encoding="utf-8") as table:
                rows[cohort] = list(csv.DictReader(table))
    stills, volumes = rows.get("busi_us", [])[40:80:20], rows.get("dce_receptors", [])[7:8]
    return [
        *[(name, "busi_us", row) for row in stills for name in ("hu1561", "ultrasound2d")],
        *[(name, "dce_receptors", row) for row in volumes for name in ("onekey1834", "volume3d")],
    ]


def real_arrays(path):
    if path.suffix == ".png":
        return np.asarray(Image.open(path).convert("L"))[None].astype(np.float64), (1.0, 1.0, 1.0)
    image = sitk.ReadImage(str(path))
    return sitk.GetArrayFromImage(image).astype(np.float64), tuple(reversed(image.GetSpacing()))


@needs_pyradiomics
@pytest.mark.parametrize(
    ("name", "cohort", "row"), real_cases(), ids=lambda given: given if isinstance(given, str) else given["patient_id"]
)
def test_real_image_has_pyradiomics_values(name, cohort, row):
    image, spacing = real_arrays(DATA / cohort / row["image"])
    mask, _ = real_arrays(DATA / cohort / row["mask"])
    assert_equal(image, mask > 0, load_profile(name), spacing)


@needs_pyradiomics
@pytest.mark.parametrize("interpolator", [*INTERPOLATORS, 3])
def test_every_interpolator_is_pyradiomics(interpolator):
    image, mask = ball((13, 20, 22), 6.5, seed=3)
    setting = {"resampledPixelSpacing": [1.1, 0.9, 1.7], "interpolator": interpolator}
    assert_equal(image, mask, profile_of(featureClass={"firstorder": [], "glcm": []}, setting=setting))


@needs_pyradiomics
@pytest.mark.parametrize("setting", DOOR, ids=str)
def test_file_is_read_as_pyradiomics_reads_it(setting, tmp_path):
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    array, roi = ball((9, 20, 22), 6, seed=8)
    labels = np.where(roi, setting.get("label", 1), 0).astype(np.uint8)
    labels[4, 3:6, 3:6] = 5  # another label
    image, mask = sitk.GetImageFromArray(array), sitk.GetImageFromArray(labels)
    image.SetSpacing((0.7, 0.8, 2.0))
    if "label_channel" in setting:
        mask = sitk.Compose(sitk.GetImageFromArray(labels[::-1].copy()), mask)
    mask.SetSpacing((0.7, 0.8, 2.0 + (0.001 if "geometryTolerance" in setting else 0)))
    if "correctMask" in setting:  # drawn on a finer grid
        mask = sitk.Resample(mask, (44, 40, 9), sitk.Transform(), sitk.sitkNearestNeighbor, (0, 0, 0), (0.35, 0.4, 2.0))
    paths = tmp_path / "image.nrrd", tmp_path / "mask.nrrd"
    for picture, path in zip((image, mask), paths, strict=True):
        sitk.WriteImage(picture, str(path))
    families = {"firstorder": [], "glcm": [], "shape": []}
    extractor = RadiomicsFeatureExtractor({"featureClass": families, "setting": {**setting, "additionalInfo": False}})
    expected = {name: float(value) for name, value in extractor.execute(*map(str, paths)).items()}
    values = extract(*paths, profile_of(featureClass=families, setting=setting), engine="native")
    assert set(values) == set(expected)
    np.testing.assert_allclose([values[name] for name in expected], list(expected.values()), **CLOSE)


def test_every_setting_that_pyradiomics_knows_is_tried():
    own = [own for types in IMAGE_TYPES for own in types.values()]
    tried = {key for setting in (*SETTINGS, *DOOR, *own) for key in setting}
    assert set(KNOWN) - tried == set()


@pytest.mark.parametrize("image_type", IMAGE_TYPE_NAMES)
def test_single_voxel_is_refused_whatever_the_filter(image_type):
    image, _ = ball((9, 16, 16), 3)
    mask = np.zeros(image.shape, bool)
    mask[4, 8, 8] = True
    profile = profile_of(imageType={image_type: {}}, setting={"minimumROIDimensions": 1})
    with pytest.raises(InputError, match="single voxel"):
        engine("native").measure(image, mask, (1.0, 1.0, 1.0), profile)


@pytest.mark.parametrize("name", ["native", pytest.param("pyradiomics", marks=needs_pyradiomics)])
def test_nan_outside_the_roi_is_refused_with_its_count(name):
    image, mask = ball((9, 16, 16), 3)
    image[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="1 voxels are NaN or infinite, 0 of them in the ROI"):
        engine(name).measure(image, mask, (1.0, 1.0, 1.0), load_profile("volume3d"))


def test_more_samples_than_bits_are_refused_by_name():
    image, mask = ball((1, 30, 30), 9)
    profile = profile_of(imageType={"LBP2D": {"lbp2DSamples": 63}})
    with pytest.raises(InputError, match="lbp2DSamples is above 62"):
        engine("native").measure(image, mask, (1.0, 1.0, 1.0), profile)
