"""One call for one ROI: files, SimpleITK images and arrays give the same."""

import math

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics_reference import ball, case_arrays, case_files, needs_pyradiomics

from dlr.errors import InputError
from dlr.radiomics import engine, expected_columns, extract, load_profile, measure
from dlr.radiomics.profile import parse_profile

pytestmark = needs_pyradiomics
SMALL = parse_profile("featureClass: {shape: , firstorder: [Mean, Energy]}", "small")
CASE = "real_breast1_slice"


def _images(size=(4, 12, 12), radius=3.0):
    array, roi = ball(size, radius)
    return sitk.GetImageFromArray(array), sitk.GetImageFromArray(roi.astype(np.uint8))


def test_path_image_and_array_give_the_same_values():
    files = case_files(CASE)
    expected = extract(*files, SMALL)
    array, roi, spacing = case_arrays(CASE)
    assert extract(str(files[0]), str(files[1]), SMALL) == expected
    assert extract(*(sitk.ReadImage(str(path)) for path in files), SMALL) == expected
    assert extract((array, spacing), roi, SMALL) == expected
    assert extract((array, spacing), (roi.astype(int), spacing), SMALL, engine()) == expected


def test_two_dimensional_image_is_a_still(tmp_path):
    array, roi = ball((1, 20, 22), 6)
    array = np.clip(array, 0, 255)
    for name, pixels in (("image", array), ("mask", roi)):
        sitk.WriteImage(sitk.GetImageFromArray(pixels[0].astype(np.uint8)), str(tmp_path / f"{name}.png"))
    values = extract(tmp_path / "image.png", tmp_path / "mask.png", "ultrasound2d")
    assert tuple(values) == expected_columns(load_profile("ultrasound2d"), "still")
    assert values == extract((array[0], (1.0, 1.0)), roi[0], "ultrasound2d")
    assert values["original_shape2D_PixelSurface"] == roi.sum()


def test_undefined_feature_is_nan_in_extract_and_has_its_reason_in_measure():
    array, roi = ball((3, 20, 20), 4)
    profile = parse_profile("imageType: {LoG: {sigma: [1.0]}}\nfeatureClass: {firstorder: [Mean]}", "log")
    (value,) = extract((array, (1, 1, 1)), roi, profile).values()
    assert math.isnan(value)
    (reason,) = measure((array, (1, 1, 1)), roi, profile).missing.values()
    assert "too small" in reason


def test_label_of_the_profile_is_the_roi():
    image, mask = _images()
    second = parse_profile("featureClass: {firstorder: [Mean]}\nsetting: {label: 7}", "seven")
    assert extract(image, mask * 7, second) == extract(image, mask, parse_profile(
        "featureClass: {firstorder: [Mean]}", "one"))  # fmt: skip
    with pytest.raises(InputError, match="holds no label 7, but 1"):
        extract(image, mask, second)


def test_fractions_in_a_mask_are_refused():
    image, mask = _images()
    with pytest.raises(InputError, match="fractions"):
        extract(image, sitk.Cast(mask, sitk.sitkFloat32) * 0.999, SMALL)


def test_colour_image_is_refused_unless_its_channels_agree():
    image, mask = _images()
    grey = sitk.Compose([image] * 3)
    assert extract(grey, mask, SMALL) == extract(image, mask, SMALL)
    with pytest.raises(InputError, match="colour"):
        extract(sitk.Compose([image, image + 1, image]), mask, SMALL)


def test_mask_of_several_channels_uses_label_channel():
    image, mask = _images()
    other = sitk.Compose([mask * 0, mask])
    second = parse_profile("featureClass: {shape: , firstorder: [Mean, Energy]}\nsetting: {label_channel: 1}", "c")
    assert extract(image, other, second) == extract(image, mask, SMALL)
    with pytest.raises(InputError, match="it is empty"):
        extract(image, other, SMALL)
    third = parse_profile("setting: {label_channel: 2}", "c")
    with pytest.raises(InputError, match="label_channel is 2"):
        extract(image, other, third)


@pytest.mark.parametrize("moved", [(0, 0, 1e-3), (1.0, 0, 0)])
def test_mask_of_another_grid_is_refused_by_default(moved):
    image, mask = _images()
    mask.SetOrigin(moved)
    with pytest.raises(InputError, match="origin") as raised:
        extract(image, mask, SMALL)
    assert "correctMask" in raised.value.problems[0].mend


def test_tolerance_of_one_profile_does_not_reach_the_next():
    image, mask = _images()
    mask.SetSpacing((1.01, 1, 1))
    loose = parse_profile("featureClass: {firstorder: [Mean]}\nsetting: {geometryTolerance: 0.1}", "loose")
    assert extract(image, mask, loose)
    with pytest.raises(InputError, match="grid"):
        extract(image, mask, SMALL)


def test_correct_mask_brings_a_mask_of_another_grid_onto_the_image():
    image, mask = _images()
    whole = extract(image, mask, SMALL)
    correcting = parse_profile("featureClass: {shape: , firstorder: [Mean, Energy]}\nsetting: {correctMask: true}", "c")
    cut = sitk.RegionOfInterest(mask, [8, 8, 4], [2, 2, 0])  # a smaller grid around the same ROI
    assert extract(image, cut, correcting) == whole
    cut.SetOrigin((-40.0, 0.0, 0.0))
    with pytest.raises(InputError, match="beyond the image"):
        extract(image, cut, correcting)


def test_missing_and_unreadable_files_are_named(tmp_path):
    mask = case_files(CASE)[1]
    with pytest.raises(InputError, match=r"absent\.nrrd"):
        extract(tmp_path / "absent.nrrd", mask, SMALL)
    broken = tmp_path / "broken.nrrd"
    broken.write_text("not an image")
    with pytest.raises(InputError, match=r"broken\.nrrd: not a readable NRRD"):
        extract(broken, mask, SMALL)
