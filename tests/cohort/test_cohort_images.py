"""Image files of every kind as grey values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image as Picture
from small_cohort import picture, save

from dlr.cohort import CohortSettings, read_case, read_image
from dlr.cohort.formats import recognise
from dlr.cohort.scanned import coloured, grey
from dlr.errors import InputError

SETTINGS = CohortSettings()


def row(image: Path, mask: Path, **more: object) -> dict[str, object]:
    return {"case_id": "c", "patient_id": "p", "image": str(image), "mask": str(mask), "mask_label": "", **more}


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff"])
def test_lossless_pictures_give_their_grey_values(tmp_path: Path, suffix: str) -> None:
    values, _ = picture(1)
    image = read_image(save(tmp_path / f"a{suffix}", values), SETTINGS)
    assert image.array.dtype == np.float64 and image.array.shape == (1, 72, 72)
    assert np.array_equal(image.array[0], values)
    assert image.spacing == (1.0, 1.0, 1.0) and not image.spacing_known


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
def test_volumes_give_values_and_spacing(tmp_path: Path, suffix: str) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 5
    volume = sitk.GetImageFromArray(values)
    volume.SetSpacing((0.5, 0.6, 2.0))
    sitk.WriteImage(volume, str(tmp_path / f"a{suffix}"))
    image = read_image(tmp_path / f"a{suffix}", SETTINGS)
    assert np.array_equal(image.array, values)
    assert image.spacing == pytest.approx((2.0, 0.6, 0.5)) and image.spacing_known


def test_jpeg_is_close(tmp_path: Path) -> None:
    values, _ = picture(1)
    image = read_image(save(tmp_path / "a.jpg", values, quality=95), SETTINGS)
    assert np.abs(image.array[0] - values).mean() < 3


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", np.uint16), (".tif", np.uint16), (".tif", np.float32)])
def test_sixteen_bits_and_floats_keep_their_values(tmp_path: Path, suffix: str, dtype: type) -> None:
    values = np.linspace(0, 60000, 64).reshape(8, 8).astype(dtype)
    Picture.fromarray(values).save(tmp_path / f"a{suffix}")
    assert np.array_equal(read_image(tmp_path / f"a{suffix}", SETTINGS).array[0], values)


def test_equal_channels_give_the_grey_picture(tmp_path: Path) -> None:
    values, _ = picture(2)
    path = save(tmp_path / "a.png", np.dstack([values] * 3))
    assert np.array_equal(read_image(path, SETTINGS).array[0], values)


def test_palette_and_transparency_give_the_grey_picture(tmp_path: Path) -> None:
    values, _ = picture(2)
    Picture.fromarray(values).convert("P").save(tmp_path / "p.png")
    Picture.fromarray(np.dstack([values] * 3 + [np.full_like(values, 128)])).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "p.png", SETTINGS).array[0], values)
    image = read_image(tmp_path / "a.png", SETTINGS)
    assert np.array_equal(image.array[0], values) and "its transparency was left away" in image.notes


def test_content_decides_over_the_extension(tmp_path: Path) -> None:
    values, _ = picture(3)
    save(tmp_path / "a.png", values).rename(tmp_path / "a.jpg")
    image = read_image(tmp_path / "a.jpg", SETTINGS)
    assert np.array_equal(image.array[0], values)
    assert image.notes == ("a.jpg is named .jpg but holds PNG",)


def test_a_file_without_extension_is_recognised(tmp_path: Path) -> None:
    save(tmp_path / "a.bmp", picture(1)[0]).rename(tmp_path / "a")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4), np.uint8)), str(tmp_path / "b.nii.gz"))
    (tmp_path / "b.nii.gz").rename(tmp_path / "b")
    assert recognise(tmp_path / "a")[0] == "BMP" and recognise(tmp_path / "b")[0] == "NIfTI"


def test_a_one_slice_axis_is_turned_to_be_the_slices(tmp_path: Path) -> None:
    values, mask = picture(1)
    for name, array in (("i.nii.gz", values), ("m.nii.gz", mask.astype(np.uint8))):
        sitk.WriteImage(sitk.GetImageFromArray(array[:, :, np.newaxis]), str(tmp_path / name))
    case = read_case(row(tmp_path / "i.nii.gz", tmp_path / "m.nii.gz"), SETTINGS)
    assert np.array_equal(case.image.array[0], values) and np.array_equal(case.mask[0], mask)


def test_a_one_millimetre_still_counts_as_unknown_and_is_said(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(picture(1)[0][np.newaxis]), str(tmp_path / "a.nii.gz"))
    image = read_image(tmp_path / "a.nii.gz", SETTINGS)
    assert not image.spacing_known and "taken as unknown" in image.notes[0]
    assert read_image(tmp_path / "a.nii.gz", SETTINGS, pixel_spacing_mm=0.2).spacing == (0.2, 0.2, 0.2)


def test_the_files_spacing_goes_before_a_given_one_and_a_stills_slice_has_its_mean_edge(tmp_path: Path) -> None:
    still = sitk.GetImageFromArray(picture(1)[0][np.newaxis])
    still.SetSpacing((0.1, 0.4, 5.0))
    sitk.WriteImage(still, str(tmp_path / "a.nrrd"))
    image = read_image(tmp_path / "a.nrrd", CohortSettings(pixel_spacing_mm=0.3))
    assert image.spacing == pytest.approx((0.2, 0.4, 0.1)) and image.spacing_known
    assert "not 0.3 mm as given" in image.notes[0]
    assert read_image(tmp_path / "a.nrrd", CohortSettings(spacing="ignore")).spacing == (1, 1, 1)


def screen(doppler: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A scanner's screen: 300 x 420 RGB, scan at rows 40-260, columns 60-330; logo, ruler, white text, grey bar."""
    values, mask = picture(4, 220)
    scan = np.zeros((300, 420), np.uint8)
    scan[40:260, 60:280] = np.clip(values, 20, 220)
    roi = np.zeros((300, 420), bool)
    roi[40:260, 60:280] = mask
    rgb = np.dstack([scan] * 3)
    rgb[5:20, 5:60] = (255, 140, 0)  # logo
    rgb[40:260:22, 300:310] = (255, 255, 0)  # ruler
    rgb[8:18, 100:200:3] = 255  # text
    rgb[60:200, 380:395] = np.linspace(255, 0, 140).astype(np.uint8)[:, None, None]  # grey bar
    if doppler:
        y, x = np.nonzero(roi)
        rgb[y[::3], x[::3]] = (220, 20, 10)
    return rgb, roi, scan


def test_a_screen_is_cut_to_what_was_scanned_and_its_text_sets_no_maximum(tmp_path: Path) -> None:
    rgb, roi, scan = screen()
    case = read_case(row(save(tmp_path / "i.png", rgb), save(tmp_path / "m.png", roi)), SETTINGS)
    x0, y0, x1, y1 = case.image.box
    assert max(abs(x0 - 60), abs(y0 - 40), abs(x1 - 280), abs(y1 - 260)) <= 4
    assert np.array_equal(case.image.array[0], scan[y0:y1, x0:x1])
    assert np.array_equal(case.mask[0], roi[y0:y1, x0:x1])
    assert case.image.array.max() <= 220 < grey(rgb).max()
    assert any("cut to the scanned region" in note for note in case.notes)


def test_a_grey_screen_is_cut_only_where_something_outside_is_brighter(tmp_path: Path) -> None:
    rgb, roi, scan = screen()
    mask = save(tmp_path / "m.png", roi)
    text = scan.copy()
    text[8:18, 100:200:3] = 255
    assert read_case(row(save(tmp_path / "a.png", text), mask), SETTINGS).image.array.max() <= 220
    assert read_case(row(save(tmp_path / "b.png", scan), mask), SETTINGS).image.box is None
    whole = read_case(row(save(tmp_path / "c.png", rgb), mask), CohortSettings(scanned_region="whole"))
    assert whole.image.array.shape == (1, 300, 420)
    fixed = read_case(row(tmp_path / "c.png", mask), CohortSettings(scanned_region=(60, 40, 280, 260)))
    assert np.array_equal(fixed.image.array[0], scan[40:260, 60:280])


def test_colour_in_the_roi_is_refused_or_turned_grey(tmp_path: Path) -> None:
    rgb, roi, _ = screen(doppler=True)
    one = row(save(tmp_path / "i.png", rgb), save(tmp_path / "m.png", roi))
    with pytest.raises(InputError, match="Doppler"):
        read_case(one, SETTINGS)
    case = read_case(one, CohortSettings(colour="grey"))
    assert any("turned into grey" in note for note in case.notes)


def test_a_caliper_in_the_margin_is_counted_not_refused(tmp_path: Path) -> None:
    rgb, roi, _ = screen()
    y, x = np.argwhere(roi)[0]
    rgb[y - 3, x - 4 : x + 4] = (0, 255, 0)
    case = read_case(row(save(tmp_path / "i.png", rgb), save(tmp_path / "m.png", roi)), SETTINGS)
    assert any("8 coloured pixels in ROI and margin" in note for note in case.notes)


def test_all_outlines_of_a_case_lie_on_one_grid(tmp_path: Path) -> None:
    rgb, roi, _ = screen()
    smaller = roi & np.roll(roi, 9, axis=1)
    one = row(
        save(tmp_path / "i.png", rgb),
        save(tmp_path / "m.png", roi),
        mask_reader2=str(save(tmp_path / "r.png", smaller)),
    )
    first, second = read_case(one, SETTINGS), read_case(one, SETTINGS, "mask_reader2")
    assert np.array_equal(first.image.array, second.image.array)
    assert second.mask.sum() == smaller.sum() and not (second.mask & ~first.mask).any()


def test_jpeg_noise_of_a_grey_picture_is_no_colour(tmp_path: Path) -> None:
    values, _ = picture(5)
    Picture.fromarray(np.dstack([values] * 3)).save(tmp_path / "a.jpg", quality=40)
    assert not coloured(np.asarray(Picture.open(tmp_path / "a.jpg"))).any()
