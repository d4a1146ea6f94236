"""`dlr.radiomics.extract` on a case's files is what a study measures for that case's row, bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from PIL import Image as PillowImage

from dlr.cohort import CohortSettings
from dlr.engine import Task
from dlr.errors import InputError
from dlr.phantom import make_cohort
from dlr.radiomics import Measured, extract, load_profile, measure
from dlr.radiomics.profile import parse_profile
from dlr.study.cases import CaseRow, CohortFiles, OneCase
from dlr.study.measuring import Measuring, measure_case, measure_one

SMALL = parse_profile("featureClass: {shape: , firstorder: [Mean, Energy], glcm: [Contrast]}", "small")
SETTINGS = CohortSettings()


def by_the_study(image: Path, mask: Path, profile: str, **row: str) -> Measured:
    """What the task of stage radiomics measures for a row of the cohort's table."""
    case = OneCase(CohortFiles(SETTINGS), CaseRow("C1", "P1", str(image), str(mask), **row))
    return measure_one(Measuring(case, load_profile(profile), "native", "1"))


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """image, mask of a few phantom stills; absolute paths."""
    manifest = make_cohort(tmp_path_factory.mktemp("stills"), patients=20, seed=3, signal=1.0, size=96)
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    return table.loc[:2, ["image", "mask_reader1"]].map(lambda name: manifest.parent / name)


@pytest.fixture
def volume(tmp_path: Path) -> tuple[Path, Path]:
    """A noisy volume with voxels of 2 x 0.7 x 0.8 mm and a ball, outlined as 0/255 in its own voxels."""
    grid = np.indices((14, 26, 24))
    distance = sum((axis - (size - 1) / 2) ** 2 for axis, size in zip(grid, grid.shape[1:], strict=True))
    values = np.random.default_rng(4).normal(300, 60, grid.shape[1:]).astype(np.float32)
    files = tmp_path / "volume.nii.gz", tmp_path / "mask.nrrd"
    for path, array in zip(files, (values, np.where(distance < 30, 255, 0).astype(np.uint8)), strict=True):
        picture = sitk.GetImageFromArray(array)
        picture.SetSpacing((0.8, 0.7, 2.0))
        sitk.WriteImage(picture, str(path))
    return files


def assert_same_bits(values: dict[str, float], measured: Measured) -> None:
    assert {name: value for name, value in values.items() if not np.isnan(value)} == measured.values
    assert {name for name, value in values.items() if np.isnan(value)} == set(measured.missing)


def test_a_still_gives_the_numbers_of_its_row(stills):
    for image, mask in stills.itertuples(index=False):
        assert_same_bits(extract(image, mask, "ultrasound2d"), by_the_study(image, mask, "ultrasound2d"))


def test_a_volume_gives_the_numbers_of_its_row(volume):
    assert_same_bits(extract(*volume, "volume3d"), by_the_study(*volume, "volume3d"))


def test_it_gives_what_the_task_writes(stills, tmp_path):
    image, mask = stills.iloc[0]
    case = OneCase(CohortFiles(SETTINGS), CaseRow("C1", "P1", str(image), str(mask)))
    measure_case(Task("C1", {}, Measuring(case, load_profile("ultrasound2d"), "native", "1")), tmp_path)
    written = json.loads((tmp_path / "values.json").read_text(encoding="utf-8"))["values"]
    found = extract(image, mask, "ultrasound2d")
    assert written == {name: found[name] for name in written}


def test_a_screen_is_cut_as_in_a_study(stills, tmp_path):
    image, mask = stills.iloc[0]
    grey, roi = (np.asarray(PillowImage.open(path)) for path in (image, mask))
    screen = np.pad(np.clip(grey // 2 + 10, 10, 200).astype(np.uint8), ((40, 0), (120, 0)))
    screen[5:15, 5:15] = 255  # the maker's name, brighter than everything scanned
    PillowImage.fromarray(screen).save(tmp_path / "screen.png")
    PillowImage.fromarray(np.pad(roi, ((40, 0), (120, 0)))).save(tmp_path / "roi.png")
    measured = measure(tmp_path / "screen.png", tmp_path / "roi.png", "ultrasound2d")
    assert any("cut to the scanned region" in note for note in measured.notes)
    assert measured.values == by_the_study(tmp_path / "screen.png", tmp_path / "roi.png", "ultrasound2d").values


def test_one_slice_with_a_header_is_as_thick_as_that_says(stills, tmp_path):
    roi = np.asarray(PillowImage.open(stills.iloc[0, 1]))[np.newaxis]
    files = tmp_path / "slice.nii.gz", tmp_path / "slice_mask.nii.gz"
    for array, path in zip((np.where(roi, 90, 40).astype(np.int16), roi), files, strict=True):
        picture = sitk.GetImageFromArray(array)
        picture.SetSpacing((0.5, 0.5, 3.0))
        sitk.WriteImage(picture, str(path))
    volume = parse_profile("featureClass: {shape: [VoxelVolume]}", "v")
    assert extract(*files, volume) == extract(*(sitk.ReadImage(str(path)) for path in files), volume)
    assert extract(*files, volume)["original_shape_VoxelVolume"] == pytest.approx((roi > 0).sum() * 0.75)


@pytest.mark.parametrize("kind", ["files", "SimpleITK images", "arrays"])
@pytest.mark.parametrize("value", [1, 2, 255])
def test_the_one_label_of_a_mask_is_the_roi_whatever_its_number(kind, value, stills, tmp_path):
    image, mask = stills.iloc[0]
    roi = (np.asarray(PillowImage.open(mask)) > 0).astype(np.uint8)
    PillowImage.fromarray(roi * value).save(tmp_path / "mask.png")
    given = {
        "files": (image, tmp_path / "mask.png"),
        "SimpleITK images": (sitk.ReadImage(str(image)), sitk.GetImageFromArray(roi * value)),
        "arrays": ((np.asarray(PillowImage.open(image)), (1.0, 1.0)), roi * value),
    }[kind]
    assert extract(*given, SMALL) == extract(image, mask, SMALL)


def test_the_label_of_the_profile_decides_among_several(volume, tmp_path):
    labels = sitk.ReadImage(str(volume[1]))
    array = sitk.GetArrayFromImage(labels) // 255 * 2
    array[1:3, 1:4, 1:4] = 7
    several = sitk.GetImageFromArray(array)
    several.CopyInformation(labels)
    sitk.WriteImage(several, str(tmp_path / "several.nrrd"))
    second, seventh, third = (
        parse_profile(f"featureClass: {{shape: , firstorder: [Mean]}}\nsetting: {{label: {n}}}", "p") for n in (2, 7, 3)
    )
    alone = parse_profile("featureClass: {shape: , firstorder: [Mean]}", "alone")
    assert extract(volume[0], tmp_path / "several.nrrd", second) == extract(*volume, alone)
    assert extract(volume[0], tmp_path / "several.nrrd", seventh)["original_shape_VoxelVolume"] == pytest.approx(
        18 * 2.0 * 0.7 * 0.8
    )
    with pytest.raises(InputError, match=r"several\.nrrd.*no label 3, but 2, 7"):
        extract(volume[0], tmp_path / "several.nrrd", third)


def test_a_label_that_was_asked_for_is_not_replaced_by_another(volume):
    seventh = parse_profile("featureClass: {firstorder: [Mean]}\nsetting: {label: 7}", "seven")
    with pytest.raises(InputError, match="no label 7, but 255"):
        extract(*volume, seventh)


def test_a_mask_with_blurred_edges_is_cut_as_in_a_study(stills, tmp_path):
    image, mask = stills.iloc[0]
    PillowImage.open(mask).save(tmp_path / "mask.jpg", quality=90)
    measured = measure(image, tmp_path / "mask.jpg", SMALL)
    assert any("blurred mask" in note for note in measured.notes)
    case = OneCase(CohortFiles(SETTINGS), CaseRow("C1", "P1", str(image), str(tmp_path / "mask.jpg")))
    assert measured.values == measure_one(Measuring(case, SMALL, "native", "1")).values


def test_the_smallest_roi_is_the_profiles_and_not_the_cohorts(volume, tmp_path):
    small = np.zeros((14, 26, 24), np.uint8)
    small[6:8, 10:12, 10:12] = 255
    picture = sitk.GetImageFromArray(small)
    picture.CopyInformation(sitk.ReadImage(str(volume[1])))
    sitk.WriteImage(picture, str(tmp_path / "small.nrrd"))
    assert extract(volume[0], tmp_path / "small.nrrd", SMALL)["original_shape_VoxelVolume"] == pytest.approx(8 * 1.12)
    asking = parse_profile("featureClass: {shape: }\nsetting: {minimumROISize: 8}", "asking")
    with pytest.raises(InputError, match="8 voxels; minimumROISize"):
        extract(volume[0], tmp_path / "small.nrrd", asking)


def test_an_empty_mask_is_named(stills, tmp_path):
    image, mask = stills.iloc[0]
    PillowImage.fromarray(np.zeros_like(np.asarray(PillowImage.open(mask)))).save(tmp_path / "empty.png")
    with pytest.raises(InputError, match=r"empty\.png: the mask holds no label 1: it is empty"):
        extract(image, tmp_path / "empty.png", SMALL)


def test_a_truncated_volume_is_refused_beside_an_image_too(volume, tmp_path):
    whole = sitk.ReadImage(str(volume[0]))
    sitk.WriteImage(whole, str(tmp_path / "cut.nii"))
    content = (tmp_path / "cut.nii").read_bytes()
    (tmp_path / "cut.nii").write_bytes(content[: len(content) // 2])
    for mask in (volume[1], sitk.ReadImage(str(volume[1]))):
        with pytest.raises(InputError, match="truncated"):
            extract(tmp_path / "cut.nii", mask, SMALL)


def test_a_file_beside_an_array_is_read_by_the_same_road(stills, volume):
    image, mask = stills.iloc[0]
    grey, roi = np.asarray(PillowImage.open(image)), np.asarray(PillowImage.open(mask))
    whole = extract(image, mask, SMALL)
    assert extract(image, roi, SMALL) == whole
    assert extract((grey, (1.0, 1.0)), mask, SMALL) == whole
    for pair in ((volume[0], sitk.ReadImage(str(volume[1]))), (sitk.ReadImage(str(volume[0])), volume[1])):
        assert extract(*pair, SMALL) == extract(*volume, SMALL)
    with pytest.raises(InputError, match="grid"):
        extract(image, roi[1:], SMALL)


def test_measuring_of_arrays_loads_no_reader_of_files():
    code = (
        "import sys, numpy, dlr.radiomics as r\n"
        "profile = r.load_profile('ultrasound2d')\n"
        "mask = numpy.zeros((1, 30, 30), bool); mask[:, 9:20, 9:20] = True\n"
        "r.measure((numpy.arange(900.).reshape(1, 30, 30) % 17, (1., 1., 1.)), mask, profile)\n"
        "print(*[name for name in ('SimpleITK', 'pandas', 'pydantic', 'PIL') if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
