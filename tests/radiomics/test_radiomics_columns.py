"""Expected columns, the counts of the families and the feature dictionary."""

import pytest
from radiomics_reference import ball, needs_pyradiomics, profile_of

from dlr.radiomics import engine, expected_columns, family_counts, feature_dictionary, load_profile, split_column
from dlr.radiomics.catalogue import FAMILIES
from dlr.radiomics.dictionary import definitions


@pytest.mark.parametrize(
    ("name", "kind", "shape", "firstorder", "texture"),
    [
        ("hu1561", "still", 14, 306, 1241),
        ("hu1561", "volume", 14, 306, 1241),
        ("ultrasound2d", "still", 9, 198, 803),
        ("volume3d", "volume", 14, 360, 1460),
        ("volume3d_original", "volume", 14, 18, 73),
        ("onekey1834", "volume", 14, 360, 1460),
        ("onekey1834", "still", 14, 306, 1241),
    ],
)
def test_shipped_profiles_have_frozen_counts(name, kind, shape, firstorder, texture):
    profile = load_profile(name)
    columns = expected_columns(profile, kind)
    assert len(columns) == len(set(columns)) == shape + firstorder + texture
    counts = family_counts(profile, kind).groupby("family")["count"].sum()
    assert counts[[family for family in counts.index if family.startswith("shape")]].sum() == shape
    assert counts["firstorder"] == firstorder
    assert counts.drop([f for f in counts.index if f.startswith("shape")]).sum() - firstorder == texture


def test_force2d_leaves_four_wavelets():
    columns = expected_columns(_with(load_profile("hu1561"), force2D=True), "still")
    assert len(columns) == 1197
    assert {split_column(c).image_type for c in columns if c.startswith("wavelet")} == {
        "wavelet-LH", "wavelet-HL", "wavelet-HH", "wavelet-LL",
    }  # fmt: skip


def test_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="table"):
        expected_columns(load_profile("onekey1834"), "table")


def _with(profile, **setting):
    sections = {**profile.parameters, "setting": {**profile.parameters["setting"], **setting}}
    return profile_of(**sections)


PROFILES = {
    "nothing named": {},
    "levels": {"imageType": {"Wavelet": {"level": 2, "start_level": 1, "wavelet": "haar"}}},
    "force2D of one type": {"imageType": {"Wavelet": {"force2D": True, "force2Ddimension": 1}, "Original": {}}},
    "sigmas as written": {"imageType": {"LoG": {"sigma": [1, 2.5]}, "LBP2D": {}}, "setting": {"force2D": True}},
    "sphere levels": {"imageType": {"LBP3D": {"lbp3DLevels": 3, "binCount": 8}, "Gradient": {}}},
    "deprecated by name": {
        "imageType": {"Square": {}, "Original": {}},
        "featureClass": {
            "shape": ["Compactness2", "Flatness"], "firstorder": ["StandardDeviation", "Mean"],
            "glcm": ["Homogeneity1", "Contrast"], "gldm": ["DependencePercentage"], "ngtdm": [],
        },
    },
    "two shapes": {"featureClass": {"shape2D": None, "glcm": ["MCC"], "shape": None}, "setting": {"force2D": True}},
}  # fmt: skip


@needs_pyradiomics
@pytest.mark.parametrize("kind", ["still", "volume"])
@pytest.mark.parametrize("name", PROFILES)
def test_expected_columns_are_pyradiomics_own_in_its_order(name, kind):
    sections = {**PROFILES[name]}
    if not sections.get("featureClass"):
        sections["featureClass"] = {"firstorder": ["Mean"], "shape": None, "glcm": None}
    profile = profile_of(**sections)
    image, mask = ball((1, 24, 26) if kind == "still" else (12, 13, 14), 5)
    measured = engine("pyradiomics").measure(image, mask, (1.0, 1.0, 1.0), profile)
    everything = [*measured.values, *measured.missing]
    assert sorted(everything) == sorted(expected_columns(profile, kind))
    assert tuple(measured.values) == tuple(c for c in expected_columns(profile, kind) if c in measured.values)
    if not (name == "two shapes" and kind == "volume"):
        assert not measured.missing


def test_dictionary_marks_364_features_of_a_still_as_noise():
    table = feature_dictionary(load_profile("hu1561"), "still")
    noise = table[table["noise_on_one_slice"]]
    assert len(noise) == 364
    assert set(noise["image_type"]) == {"wavelet-LLH", "wavelet-LHH", "wavelet-HLH", "wavelet-HHH"}
    assert not feature_dictionary(load_profile("hu1561"), "volume")["noise_on_one_slice"].any()
    assert not feature_dictionary(load_profile("ultrasound2d"), "still")["noise_on_one_slice"].any()


def test_noise_bands_follow_the_axes_that_are_filtered():
    profile = profile_of(imageType={"Wavelet": {"level": 2, "force2D": True, "force2Ddimension": 1}})
    table = feature_dictionary(profile, "still")
    noise = set(table.loc[table["noise_on_one_slice"], "image_type"])
    assert noise == {"wavelet-LH", "wavelet-HH", "wavelet2-LH", "wavelet2-HH"}  # letters are x, z


def test_dictionary_has_a_row_a_column_and_units():
    profile = load_profile("volume3d")
    table = feature_dictionary(profile, "volume").set_index("name")
    assert tuple(table.index) == expected_columns(profile, "volume")
    assert list(table.columns) == ["family", "image_type", "ibsi_code", "unit", "noise_on_one_slice"]
    assert table.loc["original_shape_MeshVolume", "unit"] == "mm³"
    assert table.loc["log-sigma-1-0-mm-3D_glcm_Contrast", "ibsi_code"] == "ACUI"
    assert table.loc["lbp-3D-k_firstorder_Mean", "ibsi_code"] == "Q4LE"
    assert table.loc["original_firstorder_Energy", "ibsi_code"] == ""  # the profile shifts intensities


@pytest.mark.parametrize(
    ("column", "setting", "code"),
    [
        ("original_shape_MajorAxisLength", {}, ""),  # covariance / N
        ("original_firstorder_Kurtosis", {}, ""),  # not the excess
        ("original_firstorder_Energy", {}, "N8CA"),
        ("original_glcm_Contrast", {"weightingNorm": "euclidean"}, ""),
        ("original_glcm_Contrast", {"weightingNorm": "no_weighting"}, "ACUI"),
        ("original_glcm_Contrast", {"symmetricalGLCM": False}, ""),
        ("original_gldm_DependenceEntropy", {"gldm_a": 1}, ""),
        ("original_gldm_DependenceEntropy", {}, "FCBV"),
    ],
)
def test_ibsi_code_stands_where_definitions_coincide(column, setting, code):
    table = feature_dictionary(profile_of(setting=setting), "volume").set_index("name")
    assert table.loc[column, "ibsi_code"] == code


def test_every_feature_is_defined():
    for family, features in FAMILIES.items():
        for feature in features:
            assert (family, feature) in definitions()
