"""From image and outline to the volume of a network: place, spacing and grey are kept, bad input is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dlr.distance import signed_distance
from dlr.errors import InputError
from dlr.volume import ReceptorSettings, RegionSettings, VolumeSettings
from dlr.volume.applying import input_of
from dlr.volume.cut import cut_volume, read_volume, save_volume
from dlr.volume.fitting import LabelledVolumes, architecture_of, prepared
from dlr.volume.regions import region_masks
from dlr.words import Target

SPACING = (1.0, 0.5, 0.4)
SHAPE = (24, 60, 70)
MIDDLE = (11.0, 14.0, 13.2)  # mm from the corner of the first voxel


def ball(radius: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """A bright ball in noise: image and outline."""
    place = [(k + 0.5) * edge for k, edge in zip(np.indices(SHAPE), SPACING, strict=True)]
    roi = sum((p - m) ** 2 for p, m in zip(place, MIDDLE, strict=True)) < radius**2
    return np.random.default_rng(0).normal(0, 1, SHAPE) + 10 * roi, roi


def settings(**more: object) -> VolumeSettings:
    return VolumeSettings.model_validate({"size": 20, "margin_mm": 3, **more})


@pytest.mark.parametrize("size", [20, 48, (10, 30, 20)])
def test_the_lesion_keeps_its_place_and_size_in_mm(size: int | tuple[int, int, int]) -> None:
    """Box: voxels 6..15 of z by 1 mm, 18..37 of y by .5, 21..45 of x by .4, and 3, 6 and 8 voxels of margin a side."""
    image, roi = ball()
    found = cut_volume(image, roi, SPACING, settings(size=size))
    first = np.array([np.flatnonzero(roi.any(axis=a))[[0, -1]] for a in ((1, 2), (0, 2), (0, 1))])
    begin = (first[:, 0] - [3, 6, 8]) * SPACING
    length = (first[:, 1] - first[:, 0] + 1 + 2 * np.array([3, 6, 8])) * SPACING
    assert np.multiply(found.spacing, found.grey.shape) == pytest.approx(length)
    grey = np.clip(found.grey - 5, 0, None)  # what is above the noise
    for seen, tolerance in ((found.mask, 0.5), (grey, 0.1)):  # nearest moves a border by half an old voxel at most
        middle = [(np.arange(n) + 0.5) @ seen.sum(axis=tuple({0, 1, 2} - {a})) for a, n in enumerate(seen.shape)]
        middle = np.array(middle) / seen.sum() * found.spacing + begin
        assert (np.abs(middle - MIDDLE) < np.multiply(tolerance, SPACING)).all()
    assert found.mask.sum() * np.prod(found.spacing) == pytest.approx(roi.sum() * np.prod(SPACING), rel=0.1)
    assert found.grey.dtype == np.float32 and found.mask.dtype == bool and found.outlined


def test_nothing_is_resampled_where_the_size_is_the_image_s() -> None:
    image, roi = ball()
    found = cut_volume(image, roi, SPACING, settings(crop="whole", size=SHAPE))
    assert np.array_equal(found.grey, image.astype(np.float32)) and np.array_equal(found.mask, roi)
    assert found.spacing == SPACING
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(image, [0.5, 99.5])), rel=1e-6)


def test_values_at_half_the_size_by_hand() -> None:
    """Shrunk by 2 with a Gaussian of half a voxel; a ramp stays a ramp, each new voxel lies between two old ones."""
    image = np.broadcast_to(np.arange(32.0)[:, None, None], (32, 32, 32))
    found = cut_volume(image, None, (1, 1, 1), settings(crop="whole", size=16))
    assert found.grey[1:-1, 5, 5] == pytest.approx(2 * np.arange(1, 15) + 0.5, abs=1e-3)


def test_what_the_grid_cannot_show_is_smoothed_away_and_only_along_axes_that_shrink() -> None:
    """Stripes of one voxel across an axis shrunk by 4 become their mean; across one that keeps its size they stay."""
    stripes = np.where(np.arange(32) % 2 == 0, 0.0, 2.0)
    for axis in range(3):
        image = np.broadcast_to(np.moveaxis(stripes[:, None, None], 0, axis), (32, 32, 32)) + 0.0
        image[0, 0, 0] += 40  # not one grey value once it is shrunk
        size = tuple(8 if a == axis else 32 for a in range(3))
        seen = cut_volume(image, None, (1, 1, 1), settings(crop="whole", size=size, clip=[0, 100])).grey
        assert np.abs(np.moveaxis(seen, axis, 0)[2:-2] - 1).max() < 0.05
        other = (axis + 1) % 3
        size = tuple(8 if a == other else 32 for a in range(3))
        seen = cut_volume(image, None, (1, 1, 1), settings(crop="whole", size=size, clip=[0, 100])).grey
        middle = np.moveaxis(seen, axis, 0)[:, 4, 4]
        assert middle == pytest.approx(stripes, abs=1e-4)


def test_enlarging_interpolates_and_stays_within_the_grey() -> None:
    image = np.random.default_rng(1).uniform(5, 6, (6, 6, 6))
    found = cut_volume(image, None, (1, 1, 1), settings(crop="whole", size=15))
    assert found.grey.min() >= 5 and found.grey.max() <= 6


def test_the_margin_ends_at_the_image() -> None:
    image, roi = ball()
    found = cut_volume(image, roi, SPACING, settings(margin_mm=1000))
    assert np.multiply(found.spacing, found.grey.shape) == pytest.approx(np.multiply(SPACING, SHAPE))


def test_a_lesion_between_the_new_voxels_keeps_the_one_its_middle_lies_in() -> None:
    image, roi = np.random.default_rng(2).normal(size=(64, 64, 64)), np.zeros((64, 64, 64), bool)
    roi[9, 33, 62] = True
    found = cut_volume(image, roi, (1, 1, 1), settings(crop="whole", size=8))
    assert np.argwhere(found.mask).tolist() == [[1, 4, 7]]


def test_whole_needs_no_outline() -> None:
    image, roi = ball()
    without = cut_volume(image, None, SPACING, settings(crop="whole"))
    assert not without.outlined and not without.mask.any()
    assert np.array_equal(without.grey, cut_volume(image, roi, SPACING, settings(crop="whole")).grey)


def away() -> np.ndarray:
    """Distance of every voxel of the ball's image to the ball's surface, mm."""
    place = [(k + 0.5) * edge for k, edge in zip(np.indices(SHAPE), SPACING, strict=True)]
    return np.sqrt(sum((p - m) ** 2 for p, m in zip(place, MIDDLE, strict=True))) - 5.0


def test_distances_are_those_of_the_outline_in_mm_whatever_the_grid() -> None:
    """Off by an edge of the largest voxel at most: centres are measured to centres, and 5 mm of depth with them."""
    image, roi = ball()
    image = image + 50  # no air
    same = cut_volume(image, roi, SPACING, settings(crop="whole", size=SHAPE))
    assert np.array_equal(same.distance, signed_distance(roi, SPACING).astype(np.float16))
    assert np.abs(same.distance - away()).max() < 1.0 and same.distance.dtype == np.float16
    assert same.deepest == -signed_distance(roi, SPACING).min()
    for more in ({"crop": "whole", "size": (12, 20, 23)}, {"margin_mm": 6, "size": 16}, {"margin_mm": 0, "size": 30}):
        found = cut_volume(image, roi, SPACING, settings(**more))
        grey = cut_volume(away(), roi, SPACING, settings(**more)).grey  # the same grid
        assert np.abs(found.distance - grey).max() < 1.0
        assert found.deepest == same.deepest


def test_a_rim_thinner_than_the_new_voxels_keeps_its_volume() -> None:
    """A rim of 1.2 mm within and without on voxels of 2 by 2.5 by 2.3 mm: its volume in mm³ to 10 %."""
    image, roi = ball()
    of_rim = RegionSettings(core_mm=1.2, rim_mm=1.2)
    wanted = region_masks(signed_distance(roi, SPACING), 5.0, of_rim)["rim"].sum() * np.prod(SPACING)
    found = cut_volume(image + 50, roi, SPACING, settings(crop="whole", size=(12, 12, 12)))
    rim = region_masks(found.distance, found.deepest, of_rim)["rim"]
    assert rim.sum() * np.prod(found.spacing) == pytest.approx(wanted, rel=0.1)


def test_outside_the_breast_it_is_infinitely_far_but_never_in_the_lesion() -> None:
    image, roi = ball()
    image = image + 50
    y = np.indices(SHAPE)[1]
    image[y < 20] = 0  # air, which a careless outline reaches into
    for size in (SHAPE, 24):
        found = cut_volume(image, roi, SPACING, settings(crop="whole", size=size))
        y = (np.indices(found.grey.shape)[1] + 0.5) * found.spacing[1]
        assert np.isinf(found.distance[(y < 9.5) & (found.distance > 0)]).all()  # to a pixel of the image
        assert np.isfinite(found.distance[(y > 10.5 + found.spacing[1] / 2)]).all()
        assert np.isfinite(found.distance[found.mask]).all() and found.mask[y < 10].any()


def test_a_lesion_in_air_between_the_new_voxels_keeps_its_distance() -> None:
    """One voxel of 64³ on 8³: its middle's new voxel is some mm away from it, and finite; its neighbours are not."""
    image, roi = np.full((64, 64, 64), 50.0), np.zeros((64, 64, 64), dtype=bool)
    image[:32] = 0
    roi[9, 33, 62] = True
    found = cut_volume(image, roi, (1, 1, 1), settings(crop="whole", size=8, clip=(0, 100)))
    assert np.argwhere(found.mask).tolist() == [[1, 4, 7]]
    assert 1 < found.distance[1, 4, 7] < 8 and np.isinf(found.distance[1, 4, 6])


def test_without_an_outline_there_is_no_distance_and_one_that_covers_all_is_deep() -> None:
    image, _ = ball()
    found = cut_volume(image, None, SPACING, settings(crop="whole"))
    assert (found.distance == np.inf).all() and found.deepest == 0
    found = cut_volume(image, np.ones(SHAPE), SPACING, settings(crop="whole", size=SHAPE))
    assert (found.distance < 0).all() and found.deepest == pytest.approx(0.5 * 24)  # to half of its slices of 1 mm


def test_a_saved_volume_is_read_back_and_equal_ones_are_equal_bytes(tmp_path: Path) -> None:
    image, roi = ball()
    made = cut_volume(image, roi, SPACING, settings())
    for name in ("a", "b"):
        save_volume(cut_volume(image, roi, SPACING, settings()), tmp_path / name)
    for mmap in (True, False):
        found = read_volume(tmp_path / "a", mmap)
        assert isinstance(found.grey, np.memmap) == mmap
        for name in ("grey", "mask", "distance"):
            assert np.array_equal(getattr(found, name), getattr(made, name))
            assert getattr(found, name).dtype == getattr(made, name).dtype
        for name in ("outlined", "spacing", "low", "high", "deepest"):
            assert getattr(found, name) == getattr(made, name)
    assert all(file.read_bytes() == (tmp_path / "b" / file.name).read_bytes() for file in (tmp_path / "a").iterdir())
    (tmp_path / "a" / "volume.json").write_text("{}")
    with pytest.raises(InputError, match="its volume cannot be read"):
        read_volume(tmp_path / "a")


def _holed(value: float) -> np.ndarray:
    image = ball()[0]
    image[3, 4, 5] = value
    return image


BAD = {
    "NaN": (_holed(np.nan), ball()[1], {}, "not numbers"),
    "infinite": (_holed(np.inf), ball()[1], {}, "not numbers"),
    "constant": (np.ones(SHAPE), ball()[1], {}, "one grey value"),
    "nearly constant": (np.where(np.indices(SHAPE).sum(axis=0) < 2, 9.0, 0.0), None, {"crop": "whole"}, "percentiles"),
    "one slice": (ball()[0][:1], ball()[1][:1], {}, "one slice"),
    "a picture": (ball()[0][0], ball()[1][0], {}, "2 dimensions"),
    "four": (ball()[0][None], ball()[1][None], {}, "4 dimensions"),
    "another's mask": (ball()[0], ball()[1][:, 1:], {}, "shape"),
    "empty mask": (ball()[0], np.zeros(SHAPE, bool), {}, "empty"),
    "no mask": (ball()[0], None, {}, "no outline"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_volume_is_named(name: str) -> None:
    image, roi, more, words = BAD[name]
    with pytest.raises(InputError, match=words):
        cut_volume(image, roi, SPACING, settings(**more))


@pytest.mark.parametrize("spacing", [(1.0, 0.0, 1.0), (1.0, np.nan, 1.0), (1.0, 1.0)])
def test_a_spacing_that_is_none_is_named(spacing: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="spacing"):
        cut_volume(*ball(), spacing, settings())


@pytest.mark.parametrize("scale", ["part", "volume"])
@pytest.mark.parametrize("size", [20, (5, 30, 20)])
@pytest.mark.parametrize("use", [["core"], ["core", "rim"], ["rim", "peritumoral"]])
def test_nothing_of_a_hidden_region_is_smoothed_or_interpolated_into_what_is_seen(
    use: list[str], size: int | tuple[int, int, int], scale: str
) -> None:
    """Noise in the image where it is hidden, planted before anything is cut, changes no bit of what a network is fed,
    in training and after it; where the input stays whole it does.
    """
    image, roi = ball()
    widths = RegionSettings.model_validate({"core_mm": 2, "rim_mm": 1, "peritumoral_mm": 3})
    distance = signed_distance(roi, SPACING)
    regions = region_masks(distance, float(-distance.min()), widths)
    hidden = ~np.any([regions[name] for name in use], axis=0)
    other = image + np.where(hidden, np.random.default_rng(1).uniform(0, 9, SHAPE), 0)
    given = settings(size=size, scale=scale)
    volumes = [cut_volume(grey + 50, roi, SPACING, given, widths) for grey in (image, other)]
    for masked in (True, False):
        own = widths.model_copy(update={"use": use, "mask_input": masked})
        form = architecture_of("spatial", [Target("er")], given, ReceptorSettings(regions=own))
        fed = [input_of(volume, form) for volume in volumes]
        assert np.array_equal(*fed) == masked
        moved = [
            prepared(
                LabelledVolumes([one], np.ones((1, 1)), ["a"], form, 0, True).batch([0], 3), torch.tensor([0.0, 90])
            )
            for one in volumes
        ]
        assert torch.equal(moved[0].inputs, moved[1].inputs) == masked
        assert fed[0][1:].any(axis=(1, 2, 3)).all()


def test_regions_together_are_the_grey_where_nothing_is_hidden() -> None:
    image, roi = ball()
    widths = RegionSettings.model_validate({"core_mm": 2, "rim_mm": 1, "peritumoral_mm": 4})
    found = cut_volume(image + 50, roi, SPACING, settings(size=16), widths)
    share, inside = found.shares.sum(axis=0), found.distance < 0.5
    assert share[inside] == pytest.approx(1, abs=1e-5) and share.max() < 1 + 1e-5 and share.min() == 0
    assert found.sums.sum(axis=0)[inside] == pytest.approx(found.grey[inside], rel=1e-4)


def test_sums_and_shares_of_regions_are_kept(tmp_path: Path) -> None:
    image, roi = ball()
    made = cut_volume(image, roi, SPACING, settings(), RegionSettings())
    save_volume(made, tmp_path)
    found = read_volume(tmp_path)
    assert np.array_equal(found.sums, made.sums) and np.array_equal(found.shares, made.shares)
    assert made.sums.dtype == made.shares.dtype == np.float32 and made.sums.shape == (3, 20, 20, 20)
