"""Profiles: pyradiomics' parameter file, read without pyradiomics, with every mistake named."""

import json

import pytest
from radiomics_reference import needs_pyradiomics, profile_of

from dlr.errors import InputError
from dlr.radiomics import RadiomicsSettings, StabilitySettings, engine, load_profile, shipped_profiles
from dlr.radiomics.catalogue import DEPRECATED, FAMILIES, IMAGE_TYPES, WITHDRAWN
from dlr.radiomics.parameters import DEFAULTS, SETTINGS, VOXEL_SETTINGS
from dlr.radiomics.profile import parse_profile


def _problems(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(InputError) as raised:
        parse_profile(text, "mine")
    return [(problem.where, problem.what, problem.mend) for problem in raised.value.problems]


def test_shipped_profiles_load_without_problems():
    assert set(shipped_profiles()) >= {"hu1561", "onekey1834", "ultrasound2d", "volume3d"}
    for name in shipped_profiles():
        assert load_profile(name).name == name
        assert load_profile(name).notes == ()


def test_a_file_of_ones_own_works_by_its_path(tmp_path):
    path = tmp_path / "radiologie_é.yaml"
    path.write_bytes(b"\xef\xbb\xbfimageType:\n  LoG: {sigma: [2]}\nsetting:\n  geometryTolerance: 1e-5\n")
    profile = load_profile(path)
    assert profile.name == "radiologie_é"
    assert profile.settings["geometryTolerance"] == 1e-5  # YAML 1.1 reads this spelling as text
    assert list(profile.families) == list(FAMILIES)


def test_json_is_read_as_well(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"imageType": {"Original": {}}, "featureClass": {"glcm": ["Contrast"]}}))
    assert load_profile(str(path)).families == {"glcm": ["Contrast"]}


def test_empty_image_type_and_family_mean_defaults():
    profile = parse_profile("imageType:\n  Wavelet:\nfeatureClass:\n  shape:\n", "mine")
    assert profile.image_types == {"Wavelet": {}}
    assert profile.families == {"shape": []}
    assert profile_of(setting={}).image_types == {"Original": {}}


def test_comments_do_not_change_the_digest_and_values_do():
    plain = parse_profile("setting:\n  binWidth: 25\n", "a")
    assert parse_profile("# mine\nsetting:\n  binWidth: 25  # HU\n", "b").sha256 == plain.sha256
    assert parse_profile("setting:\n  binWidth: 24\n", "a").sha256 != plain.sha256


@pytest.mark.parametrize(
    ("text", "place", "nearest"),
    [
        ("setting: {binwidth: 25}", "setting, binwidth", "binWidth"),
        ("imagetype: {Original: {}}", "imagetype", "imageType"),
        ("imageType: {Wavelets: {}}", "imageType, Wavelets", "Wavelet"),
        ("imageType: {LoG: {sigmas: [1]}}", "imageType, LoG, sigmas", "sigma"),
        ("featureClass: {GLCM: }", "featureClass, GLCM", "glcm"),
        ("featureClass: {glcm: [Contrasts]}", "featureClass, glcm", "Contrast"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest_known(text, place, nearest):
    ((where, _, mend),) = _problems(text)
    assert where == f"profile mine, {place}"
    assert mend == f"did you mean {nearest}?"


@pytest.mark.parametrize(
    ("setting", "value", "wants"),
    [
        ("binWidth", 0, "a number > 0"),
        ("binWidth", "wide", "a number > 0"),
        ("binCount", 2.5, "a whole number >= 1"),
        ("force2D", "yes please", "true or false"),
        ("force2Ddimension", 3, "at most 2"),
        ("label", True, "a whole number"),
        ("resampledPixelSpacing", [1, 1], "a list of 3 values"),
        ("resegmentMode", "local", "one of absolute, relative, sigma"),
        ("interpolator", "cubic", "sitkBSpline"),
        ("wavelet", "coif", "coif1"),
        ("weightingNorm", "euclid", "euclidean"),
        ("removeOutliers", float("nan"), "a number > 0"),
    ],
)
def test_value_out_of_range_is_refused(setting, value, wants):
    with pytest.raises(InputError, match=setting) as raised:
        profile_of(setting={setting: value})
    assert wants in raised.value.problems[0].mend


def test_every_problem_of_a_file_is_named_at_once():
    found = _problems("setting: {binwidth: 1, label: 0}\nfeatureClass: {glcm: [A, Contrast]}\nextra: 1\n")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("setting:\n  binWidth: 1\n  binWidth: 2\n", "stands twice"),
        ("setting: [1", "expected"),
        ("just words", "holds no sections"),
        ("setting: 5", "holds no keys"),
    ],
)
def test_broken_file_says_what_is_wrong(text, what):
    assert what in _problems(text)[0][1]


def test_unknown_profile_names_the_nearest_shipped():
    with pytest.raises(InputError, match="did you mean ultrasound2d"):
        load_profile("ultrasound2")


def test_file_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes("setting: {} # größe".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        load_profile(path)


def test_what_has_no_effect_is_noted():
    profile = profile_of(
        imageType={"LoG": {}, "Wavelet": {"normalize": True}},
        featureClass={"glcm": ["Homogeneity1"], "shape2D": None},
        voxelSetting={"kernelRadius": 1},
    )
    text = "\n".join(profile.notes)
    for said in ("Homogeneity1", "normalize below Wavelet", "no sigma", "force2D: true", "voxelSetting"):
        assert said in text
    assert len(profile.notes) == 5


def test_unknown_engine_names_the_nearest():
    with pytest.raises(InputError, match="did you mean pyradiomics"):
        engine("pyradiomic")


def test_settings_refuse_unknown_keys_and_have_the_documented_defaults():
    with pytest.raises(ValueError, match="profil"):
        RadiomicsSettings(profil="hu1561")
    assert StabilitySettings().agreement == 0.75
    with pytest.raises(ValueError, match="perturbations"):
        StabilitySettings(perturbations=("melt",))


@needs_pyradiomics
def test_catalogue_is_pyradiomics_own():
    from radiomics import getFeatureClasses, getImageTypes
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    assert set(getImageTypes()) == set(IMAGE_TYPES)
    assert RadiomicsFeatureExtractor._getDefaultSettings() == DEFAULTS
    assert list(getFeatureClasses()) == list(FAMILIES)
    for family, cls in getFeatureClasses().items():
        names = cls.getFeatureNames()
        assert tuple(name for name, old in names.items() if not old) == FAMILIES[family]
        old = {name for name, deprecated in names.items() if deprecated}
        assert old == {*DEPRECATED.get(family, ()), *WITHDRAWN.get(family, {})}


@needs_pyradiomics
def test_settings_are_those_of_pyradiomics_own_schema():
    import yaml
    from radiomics import getParameterValidationFiles

    with open(getParameterValidationFiles()[0]) as file:
        schema = yaml.safe_load(file)["mapping"]
    assert set(schema["setting"]["mapping"]) == set(SETTINGS)
    assert set(schema["voxelSetting"]["mapping"]) == set(VOXEL_SETTINGS)
