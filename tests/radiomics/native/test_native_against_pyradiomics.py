"""The native engine against pyradiomics on the same ROI, setting by setting and over random shapes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from radiomics_reference import CLOSE, ball, needs_pyradiomics, profile_of

from dlr.errors import InputError
from dlr.radiomics import engine, feature_dictionary
from dlr.radiomics.catalogue import DEPRECATED, FAMILIES

pytestmark = needs_pyradiomics

EVERY_NAME = {family: [*names, *DEPRECATED.get(family, ())] for family, names in FAMILIES.items()}
TEXTURES = {family: [] for family in ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm")}
SPACING = (2.0, 0.8, 0.7)  # mm (z, y, x)


def assert_equal(image, mask, profile, spacing=SPACING):
    ours, theirs = (engine(name).measure(image, mask, spacing, profile) for name in ("native", "pyradiomics"))
    kind = "still" if len(image) == 1 else "volume"
    dictionary = feature_dictionary(profile, kind).set_index("name")
    real = [name for name in theirs.values if not dictionary.loc[name, "noise_on_one_slice"]]
    assert set(ours.missing) == set(theirs.missing)
    np.testing.assert_allclose([ours.values[n] for n in real], [theirs.values[n] for n in real], **CLOSE)


SETTINGS = [
    {"binWidth": 7},
    {"binWidth": 0.1, "normalize": True},
    {"binCount": 16},
    {"force2D": True},
    {"force2D": True, "force2Ddimension": 1},
    {"force2D": True, "force2Ddimension": 2, "distances": [2]},
    {"distances": [1, 2]},
    {"distances": [3], "symmetricalGLCM": False},
    {"symmetricalGLCM": False},
    {"weightingNorm": "euclidean"},
    {"weightingNorm": "manhattan", "distances": [1, 3]},
    {"weightingNorm": "infinity", "symmetricalGLCM": False},
    {"weightingNorm": "no_weighting"},
    {"gldm_a": 2},
    {"voxelArrayShift": 500},
    {"normalize": True, "normalizeScale": 100, "binWidth": 5},
    {"normalize": True, "normalizeScale": 50, "removeOutliers": 1.5, "binWidth": 5},
    {"resegmentRange": [60]},
    {"resegmentRange": [0.2, 0.8], "resegmentMode": "relative"},
    {"resegmentRange": [-1, 2], "resegmentMode": "sigma", "resegmentShape": True},
    {"preCrop": True, "padDistance": 2},
    {"resampledPixelSpacing": [1.1, 1.2, 0]},
    {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkLinear", "padDistance": 8},
    {"resampledPixelSpacing": [0.7, 0.8, 2.0], "padDistance": 3},
    {"additionalInfo": False, "minimumROISize": 20, "minimumROIDimensions": 3, "geometryTolerance": 1e-4},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: " ".join(f"{k}={v}" for k, v in setting.items()))
def test_setting_has_pyradiomics_effect(setting):
    image, mask = ball((13, 20, 22), 6.5, seed=3)
    names = {family: named for family, named in EVERY_NAME.items() if family != "shape2D"}
    assert_equal(image, mask, profile_of(featureClass=names, setting=setting))


IMAGE_TYPES = [
    {"Wavelet": {}},
    {"Wavelet": {"wavelet": "haar"}},
    {"Wavelet": {"wavelet": "db3", "level": 2}},
    {"Wavelet": {"start_level": 1, "level": 2}},
    {"Wavelet": {"force2D": True}},
    {"LoG": {"sigma": [0.8, 2, 40]}},
    {"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}},
    {"Gradient": {}},
    {"Gradient": {"gradientUseSpacing": False, "binWidth": 0.7}},
    {"LBP3D": {}},
    {"LBP3D": {"lbp3DLevels": 3, "lbp3DIcosphereRadius": 1.7, "binCount": 8}},
    {"LBP3D": {"lbp3DIcosphereSubdivision": 0, "lbp3DIcosphereRadius": 0.8}},
    {"LBP2D": {"binWidth": 1}},
    {"LBP2D": {"lbp2DRadius": 2, "lbp2DSamples": 12, "lbp2DMethod": "ror", "binWidth": 50}},
    {"LBP2D": {"lbp2DMethod": "default", "force2Ddimension": 1, "force2D": True}},
    {"LBP2D": {"lbp2DMethod": "var", "lbp2DRadius": 1.5}},
]


@pytest.mark.parametrize("types", IMAGE_TYPES, ids=str)
@pytest.mark.parametrize("shape", [(13, 20, 23), (1, 41, 36)], ids=["volume", "still"])
def test_image_type_is_pyradiomics_image(types, shape):
    image, mask = ball(shape, 6.5, seed=4)
    image = image + np.random.default_rng(5).normal(0, 0.3, shape)  # no ties
    assert_equal(image, mask, profile_of(imageType=types, featureClass=TEXTURES))


def test_still_has_pyradiomics_plane_shape():
    image, mask = ball((1, 40, 50), 11.3)
    mask[0, 10, 12:20] = True
    shapes = {"shape2D": EVERY_NAME["shape2D"], "shape": EVERY_NAME["shape"]}
    assert_equal(image, mask, profile_of(featureClass=shapes, setting={"force2D": True}))


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(2, 9), st.integers(2, 9)),
    share=st.floats(0.05, 0.95),
    levels=st.integers(1, 200),
    seed=st.integers(0, 10**6),
)
def test_random_roi_has_pyradiomics_values(shape, share, levels, seed):
    # components of any form, touching the image's border, flat where levels is 1
    rng = np.random.default_rng(seed)
    image, mask = rng.integers(0, levels, shape) * 9.0, rng.random(shape) < share
    profile = profile_of(
        featureClass={family: [] for family in FAMILIES if family not in ("glcm", "shape2D")}
        | {
            "glcm": [name for name in FAMILIES["glcm"] if name not in ("Imc1", "Imc2", "MCC")]
        },  # rounding decides, see docs/native_engine.md
        setting={"minimumROIDimensions": 1},
    )
    try:
        theirs = engine("pyradiomics").measure(image, mask, SPACING, profile)
    except InputError:
        with pytest.raises(InputError):
            engine("native").measure(image, mask, SPACING, profile)
        return
    ours = engine("native").measure(image, mask, SPACING, profile)
    both = [name for name in theirs.values if name in ours.values]
    assert set(theirs.values) - set(both) == set()
    np.testing.assert_allclose([ours.values[n] for n in both], [theirs.values[n] for n in both], rtol=1e-6, atol=1e-6)
