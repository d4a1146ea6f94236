"""The picture a network sees: cut, scaled without distortion, padded with the mean, augmented by case and epoch."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.deep import DeepSettings, InputSettings, augment, cut_picture, cut_pictures
from dlr.deep.input import Crop, draw_crops
from dlr.errors import InputError
from dlr.randomness import rng

SMALL = InputSettings(margin_px=2, size=32)


def lesion(shape: tuple[int, int, int] = (1, 40, 60)) -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).normal(100, 20, shape)
    mask = np.zeros(shape, bool)
    mask[0, 10:20, 15:39] = True
    return image, mask


def test_bounding_box_and_margin_by_hand() -> None:
    """Box 10 x 24, margin 2: 14 x 28, twice as wide as high, so 16 rows of 32 with 8 rows of padding on both sides."""
    image, mask = lesion()
    picture = cut_picture(image, mask, SMALL)
    filled = np.flatnonzero((picture.grey != 0).any(axis=1))
    assert (filled[0], filled[-1]) == (8, 23) and (picture.grey[8:24] != 0).mean() > 0.99
    assert picture.grey.shape == picture.mask.shape == (32, 32) and picture.grey.dtype == np.float32
    assert picture.mask.sum() == pytest.approx(240 * (32 / 28) ** 2, rel=0.1)


def test_pixels_beyond_the_margin_do_not_matter() -> None:
    image, mask = lesion()
    far = image.copy()
    far[0, :8], far[0, 22:], far[0, :, :13], far[0, :, 41:] = -1e6, 1e6, 0, 7
    assert np.array_equal(cut_picture(image, mask, SMALL).grey, cut_picture(far, mask, SMALL).grey)


def test_the_slice_with_the_largest_roi_is_taken() -> None:
    image = np.random.default_rng(0).normal(size=(3, 40, 60))
    mask = np.zeros((3, 40, 60), bool)
    mask[0, 5:9, 5:9] = True
    mask[2, 10:20, 15:39] = True
    alone = cut_picture(image[2:], mask[2:], SMALL)
    assert np.array_equal(cut_picture(image, mask, SMALL).grey, alone.grey)


def test_every_slice_of_the_lesion_is_cut_around_its_own_outline_the_largest_first() -> None:
    image = np.random.default_rng(0).normal(size=(5, 40, 60))
    mask = np.zeros((5, 40, 60), bool)
    mask[0, 5:9, 5:9] = True
    mask[2, 10:20, 15:39] = True  # the largest
    mask[3, 30:36, 50:58] = True
    mask[4, 12:18, 3:9] = True
    image[3] = 7.0  # nothing is seen there
    pictures = cut_pictures(image, mask, SMALL)
    alone = [cut_picture(image[z : z + 1], mask[z : z + 1], SMALL) for z in (2, 0, 4)]
    assert len(pictures) == 3
    for picture, own in zip(pictures, alone, strict=True):
        assert np.array_equal(picture.grey, own.grey) and np.array_equal(picture.mask, own.mask)


def test_of_a_still_every_slice_is_its_one_picture() -> None:
    image, mask = lesion()
    (only,) = cut_pictures(image, mask, SMALL)
    assert np.array_equal(only.grey, cut_picture(image, mask, SMALL).grey)


def test_fine_tuning_on_every_slice_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match="slices: auto"):
        DeepSettings(mode="fine_tune", slices="all")
    assert DeepSettings(mode="fine_tune").slices == "auto"


def test_brightness_and_contrast_of_the_machine_do_not_matter() -> None:
    image, mask = lesion()
    first, second = cut_picture(image, mask, SMALL), cut_picture(2 * image + 30, mask, SMALL)
    np.testing.assert_allclose(first.grey, second.grey, atol=1e-4)


def test_a_lesion_at_the_border_keeps_its_shape() -> None:
    image, _ = lesion()
    mask = np.zeros(image.shape, bool)
    mask[0, :10, :10] = True
    picture = cut_picture(image, mask, SMALL)  # 12 x 12 after the margin: no padding
    assert (picture.grey != 0).mean() > 0.99 and picture.mask[0, 0] and not picture.mask[-1, -1]


@pytest.mark.parametrize(("fill", "said"), [("empty", "mask is empty"), ("flat", "one grey value")])
def test_pictures_that_cannot_be_made_are_named(fill: str, said: str) -> None:
    image, mask = lesion()
    if fill == "empty":
        mask[:] = False
    else:
        image[:] = 5
    for cut in (cut_picture, cut_pictures):
        with pytest.raises(InputError, match=said):
            cut(image, mask, SMALL)


def test_crops_keep_seven_tenths_and_stay_inside() -> None:
    crops = [draw_crops(rng(0, "crop", k)) for k in range(300)]
    assert all(c.edge**2 >= 0.7 and c.top >= 0 and c.left >= 0 and max(c.top, c.left) + c.edge <= 1 for c in crops)
    assert 0.4 < np.mean([c.flip_x for c in crops]) < 0.6 and 0.4 < np.mean([c.flip_y for c in crops]) < 0.6


def test_flips_and_crop_by_hand() -> None:
    grey = np.arange(16, dtype=np.float32).reshape(4, 4)
    whole = {"top": 0.0, "left": 0.0, "edge": 1.0}
    assert np.array_equal(augment(grey, Crop(**whole, flip_x=True, flip_y=False)), grey[:, ::-1])
    assert np.array_equal(augment(grey, Crop(**whole, flip_x=False, flip_y=True)), grey[::-1])
    half = augment(grey, Crop(top=0.5, left=0.0, edge=0.5, flip_x=False, flip_y=False))
    assert half.shape == (4, 4) and half.mean() == pytest.approx(10.5, abs=1) and half[3, 3] > half[3, 0] > half[0, 0]
