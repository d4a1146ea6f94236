"""Single DICOM files: rescale, MONOCHROME1, regions in centimetres, and no identity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import SPACING, pydicom, slice_tags, write, write_enhanced, write_series

from dlr.cohort import CohortSettings, files_of_image, read_case, read_image
from dlr.cohort.formats import decode
from dlr.errors import InputError

SETTINGS = CohortSettings()


def region(x0: int, y0: int, x1: int, y1: int, delta_cm: float, unit: int = 3, form: int = 1) -> Any:
    item = pydicom.Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1, y1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = unit
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta_cm, delta_cm
    item.RegionSpatialFormat = form
    return item


VALUES = (np.arange(80 * 100, dtype=np.uint32) % 251).astype(np.uint8).reshape(80, 100)


def test_grey_values_and_pixel_spacing(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm", VALUES, PixelSpacing=[0.2, 0.3]), SETTINGS)
    assert np.array_equal(image.array[0], VALUES)
    assert image.spacing[1:] == (0.2, 0.3) and image.spacing_known


def test_a_dicom_file_without_extension_is_recognised(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", VALUES).rename(tmp_path / "IM000001")
    assert np.array_equal(read_image(tmp_path / "IM000001", SETTINGS).array[0], VALUES)


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", VALUES, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(read_image(path, SETTINGS).array[0], 255.0 - VALUES)


def test_rescale_is_applied_once_and_before_inversion(tmp_path: Path) -> None:
    tags = {"RescaleSlope": 2, "RescaleIntercept": -10}
    signed = VALUES.astype(np.int16) - 100
    assert np.array_equal(read_image(write(tmp_path / "a.dcm", signed, **tags), SETTINGS).array[0], signed * 2.0 - 10)
    path = write(tmp_path / "b.dcm", VALUES, PhotometricInterpretation="MONOCHROME1", **tags)
    assert np.array_equal(read_image(path, SETTINGS).array[0], (255.0 - VALUES) * 2 - 10)


def test_spacing_of_ultrasound_comes_from_its_region_in_centimetres(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", VALUES, SequenceOfUltrasoundRegions=[region(10, 5, 89, 74, 0.012)])
    image = read_image(path, SETTINGS)
    assert image.spacing == pytest.approx((0.12, 0.12, 0.12)) and image.spacing_known
    assert image.box == (10, 5, 90, 75) and np.array_equal(image.array[0], VALUES[5:75, 10:90])


def test_the_region_that_holds_the_roi_is_taken_and_curves_are_none(tmp_path: Path) -> None:
    regions = [region(0, 0, 49, 79, 0.01), region(50, 0, 99, 79, 0.02), region(0, 0, 99, 79, 0.5, unit=4, form=3)]
    path = write(tmp_path / "a.dcm", VALUES, SequenceOfUltrasoundRegions=regions)
    mask = np.zeros_like(VALUES)
    mask[20:40, 60:80] = 255
    one = {"case_id": "c", "patient_id": "p", "image": str(path), "mask": str(write(tmp_path / "m.dcm", mask))}
    case = read_case(one, SETTINGS)
    assert case.image.spacing == pytest.approx((0.2, 0.2, 0.2)) and case.image.box == (50, 0, 100, 80)
    assert case.mask.sum() == 400 and case.mask[0, 20:40, 10:30].all()


def test_units_other_than_centimetres_are_no_spacing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", VALUES, SequenceOfUltrasoundRegions=[region(0, 0, 99, 79, 0.01, unit=4)])
    assert not read_image(path, SETTINGS).spacing_known


def test_rgb_with_equal_channels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", np.dstack([VALUES] * 3))
    assert np.array_equal(read_image(path, SETTINGS).array[0], VALUES)


def test_full_ybr_colour_is_turned_into_rgb(tmp_path: Path) -> None:
    ybr = np.dstack([VALUES, np.full_like(VALUES, 128), np.full_like(VALUES, 128)])
    path = write(tmp_path / "a.dcm", ybr, PhotometricInterpretation="YBR_FULL")
    assert np.abs(read_image(path, SETTINGS).array[0] - VALUES).max() <= 1


def test_a_cine_is_refused_as_a_still_and_a_volume_otherwise(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", np.stack([VALUES] * 4), SpacingBetweenSlices=1.5, PixelSpacing=[0.2, 0.2])
    with pytest.raises(InputError, match="4 slices or frames"):
        read_image(path, CohortSettings(kind="still"))
    assert read_image(path, CohortSettings(kind="volume")).spacing == (1.5, 0.2, 0.2)


def test_no_identity_leaves_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", VALUES, BurnedInAnnotation="YES")
    decoded, image = decode(path), read_image(path, SETTINGS)
    assert "Doe" not in repr(decoded) + repr(image) and "SECRET7" not in repr(decoded) + repr(image)
    assert image.notes == ("its header says that annotations are burnt in",)


@pytest.mark.parametrize("modality", ["SEG", "RTSTRUCT"])
def test_objects_that_are_no_pictures_are_named(tmp_path: Path, modality: str) -> None:
    with pytest.raises(InputError, match="not a picture"):
        read_image(write(tmp_path / "a.dcm", VALUES, Modality=modality), SETTINGS)


def test_a_broken_file_is_named_without_its_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", VALUES)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError) as error:
        read_image(path, SETTINGS)
    assert "Doe" not in str(error.value)


def test_samples_without_a_decoder_come_from_simpleitk_with_equal_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dlr.cohort import dicom

    tags = {"RescaleSlope": 2, "RescaleIntercept": -10}
    paths = [
        write(tmp_path / "a.dcm", VALUES, PhotometricInterpretation="MONOCHROME1", **tags),
        write(tmp_path / "b.dcm", VALUES.astype(np.int16) - 100, **tags),
        write(tmp_path / "c.dcm", np.dstack([VALUES] * 3)),
    ]
    expected = [read_image(path, SETTINGS).array for path in paths]

    def no_decoder(*_: object) -> np.ndarray:
        raise RuntimeError("no decoder")

    monkeypatch.setattr(dicom, "_with_pydicom", no_decoder)
    for path, values in zip(paths, expected, strict=True):
        assert np.array_equal(read_image(path, SETTINGS).array, values)


def test_a_missing_package_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    path = write(tmp_path / "a.dcm", VALUES)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r'pip install "dlr\[dicom\]"'):
        read_image(path, SETTINGS)


def test_a_roi_outside_all_regions_is_said_and_they_are_not_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", VALUES, SequenceOfUltrasoundRegions=[region(0, 0, 39, 39, 0.01)])
    roi = np.zeros((1, *VALUES.shape), bool)
    roi[0, 60:70, 60:70] = True
    image = read_image(path, SETTINGS, roi)
    assert not image.spacing_known and any("none of the regions" in note for note in image.notes)


VOLUME = np.random.default_rng(0).integers(0, 900, (6, 24, 32)).astype(np.uint16)


def test_a_series_is_sorted_by_position_and_not_by_name(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series", VOLUME)
    decoded = decode(folder)
    assert np.array_equal(decoded.array, VOLUME) and decoded.spacing == SPACING
    assert decoded.grid is not None and decoded.grid.origin == (-10.0, 20.0, 5.0)
    assert decoded.grid.direction == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert files_of_image(folder) == tuple(sorted(folder.iterdir()))


def test_files_that_are_no_dicom_do_not_disturb_a_series(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series", VOLUME)
    write(folder / "DICOMDIR", VOLUME[0])
    (folder / "Thumbs.db").write_bytes(b"of another program")
    assert np.array_equal(decode(folder).array, VOLUME)


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    write(tmp_path / "one/IM1", VALUES)
    assert np.array_equal(read_image(tmp_path / "one", SETTINGS).array[0], VALUES)


def test_slices_are_rescaled_each_by_its_own_header(tmp_path: Path) -> None:
    for n in (0, 1):
        tags = slice_tags(n, RescaleSlope=n + 1, RescaleIntercept=-3)
        write(tmp_path / "series" / f"{n}.dcm", VOLUME[n], **tags)
    assert np.array_equal(decode(tmp_path / "series").array, VOLUME[:2] * np.array([1.0, 2.0])[:, None, None] - 3)


def test_frames_of_an_enhanced_file_come_in_the_order_of_their_places_with_their_own_scale(tmp_path: Path) -> None:
    path = write_enhanced(tmp_path / "a.dcm", VOLUME)
    decoded = decode(path)
    assert np.array_equal(decoded.array, VOLUME) and decoded.spacing == SPACING
    header = pydicom.dcmread(path)
    for n, groups in enumerate(header.PerFrameFunctionalGroupsSequence):
        one = pydicom.Dataset()
        one.RescaleSlope, one.RescaleIntercept = 6 - n, 1  # the last slice stands first
        groups.PixelValueTransformationSequence = [one]
    header.save_as(path)
    assert np.array_equal(decode(path).array, VOLUME * np.arange(1.0, 7.0)[:, None, None] + 1)


def test_the_grid_of_oblique_slices_is_what_simpleitk_reads(tmp_path: Path) -> None:
    import SimpleITK as sitk

    c, s = np.cos(0.3), np.sin(0.3)
    rows, columns = np.array([c, s, 0]), np.array([-s, c, 0]) * 0.8 + np.array([0, 0, 0.6])
    normal = np.cross(rows, columns)
    for n in range(4):
        position = [float(v) for v in np.round(np.array([1.0, 2.0, 3.0]) + 2.0 * n * normal, 8)]
        turned = [float(v) for v in np.round([*rows, *columns], 8)]
        write(tmp_path / "s" / f"{n}", VOLUME[n],
              **slice_tags(n, ImagePositionPatient=position, ImageOrientationPatient=turned))  # fmt: skip
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "s")))
    read, own = reader.Execute(), decode(tmp_path / "s")
    assert own.grid is not None and np.array_equal(sitk.GetArrayFromImage(read), own.array)
    assert np.allclose(read.GetDirection(), own.grid.direction, atol=1e-6)
    assert np.allclose(read.GetOrigin(), own.grid.origin) and np.allclose(read.GetSpacing(), own.grid.spacing)


@pytest.mark.parametrize("frame", ["outlined", 3])
def test_one_frame_of_a_loop_is_a_still_by_its_mask_or_its_number(tmp_path: Path, frame: Any) -> None:
    mask = np.zeros(VOLUME.shape, np.uint8)
    mask[2, 5:15, 8:20] = 1
    row = {"case_id": "c", "patient_id": "p", "image": str(write(tmp_path / "cine.dcm", VOLUME))}
    settings = CohortSettings(frame=frame, scanned_region="whole")
    case = read_case(row | {"mask": str(write(tmp_path / "m.dcm", mask))}, settings)
    assert np.array_equal(case.image.array[0], VOLUME[2]) and np.array_equal(case.mask[0], mask[2] > 0)
    assert "frame 3 of 6" in case.notes
    one = row | {"mask": str(write(tmp_path / "one.dcm", mask[2]))}
    if frame == 3:
        assert np.array_equal(read_case(one, settings).mask, case.mask)
        with pytest.raises(InputError, match="6 frames, and frame 7 is asked for"):
            read_case(one, CohortSettings(frame=7))
    else:
        with pytest.raises(InputError, match="outlines in 1 of 1 frames, and the image has 6"):
            read_case(one, settings)
        mask[4] = mask[2]
        with pytest.raises(InputError, match="outlines in 2 of 6 frames"):
            read_case(row | {"mask": str(write(tmp_path / "two.dcm", mask))}, settings)
