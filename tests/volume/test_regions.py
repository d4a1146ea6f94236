"""Regions by exact distances in mm, a partition of what lies near the lesion, and the breast they stay inside."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dlr.distance import signed_distance
from dlr.volume import RegionSettings
from dlr.volume.regions import breast_of, region_masks, regions_in_use
from dlr.words import REGIONS


def brute_force(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Every voxel against every voxel of the other kind."""
    places = np.argwhere(np.ones_like(mask))
    roi = mask.ravel()
    out = np.empty(mask.size)
    for k, place in enumerate(places):
        others = places[roi != roi[k]]
        out[k] = np.sqrt((((others - place) * spacing) ** 2).sum(axis=1).min()) * (-1 if roi[k] else 1)
    return out.reshape(mask.shape)


def test_region_volumes_equal_brute_force_on_100_random_anisotropic_masks_exactly() -> None:
    draw = np.random.default_rng(0)
    for _ in range(100):
        shape, spacing = draw.integers(4, 12, 3), tuple(draw.uniform(0.3, 4.0, 3))
        place = np.indices(shape) - draw.uniform(0, shape)[:, None, None, None]
        mask = (place**2 / draw.uniform(1, 4, 3)[:, None, None, None] ** 2).sum(axis=0) < draw.uniform(0.6, 1.5)
        mask ^= draw.random(shape) < 0.02
        assert mask.any() and not mask.all()
        core_mm, rim_mm = draw.uniform(0.5, 4, 2)
        settings = RegionSettings(core_mm=core_mm, rim_mm=rim_mm, peritumoral_mm=rim_mm + draw.uniform(0, 6))
        slow, fast = brute_force(mask, spacing).astype(np.float32), signed_distance(mask, spacing)
        assert fast.dtype == np.float32 and np.array_equal(fast, slow)
        core = -min(core_mm, 0.5 * -float(slow.min()))
        wanted = (
            slow <= core,
            (slow > core) & (slow <= rim_mm),
            (slow > rim_mm) & (slow <= settings.peritumoral_mm),
        )
        found = region_masks(fast, float(-fast.min()), settings)
        assert [found[name].sum() for name in REGIONS] == [own.sum() for own in wanted]


def test_a_row_by_hand() -> None:
    """Seven voxels of 2 mm in a row of fifteen: inside 2, 4, 6, 8, 6, 4, 2 mm deep; outside 2, 4, 6, 8 mm away."""
    mask = np.zeros((1, 1, 15), dtype=bool)
    mask[..., 4:11] = True
    distance = signed_distance(mask, (9.0, 9.0, 2.0))
    assert distance[0, 0].tolist() == [8, 6, 4, 2, -2, -4, -6, -8, -6, -4, -2, 2, 4, 6, 8]
    found = region_masks(distance, 8.0, RegionSettings(core_mm=5, rim_mm=2, peritumoral_mm=6))
    assert np.flatnonzero(found["core"]).tolist() == [5, 6, 7, 8, 9]  # from 4 mm on, half of the largest depth
    found = region_masks(distance, 8.0, RegionSettings(core_mm=5, core_share=0.9, rim_mm=2, peritumoral_mm=6))
    assert [np.flatnonzero(found[name]).tolist() for name in REGIONS] == [
        [6, 7, 8], [3, 4, 5, 9, 10, 11], [1, 2, 12, 13],
    ]  # fmt: skip


def test_a_small_lesion_has_a_core_by_the_share_of_its_depth() -> None:
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[1:4, 1:4, 1:4] = True
    distance = signed_distance(mask, (0.5, 0.5, 0.5))
    assert np.argwhere(region_masks(distance, 1.0, RegionSettings(core_share=0.6))["core"]).tolist() == [[2, 2, 2]]


def test_regions_are_disjoint_and_infinity_belongs_to_none() -> None:
    distance = np.random.default_rng(1).uniform(-8, 14, (6, 7, 8)).astype(np.float16)
    distance[0] = np.inf
    found = region_masks(distance, 8.0, RegionSettings())
    for one, other in itertools.combinations(REGIONS, 2):
        assert not (found[one] & found[other]).any()
    together = np.any([found[name] for name in REGIONS], axis=0)
    assert np.array_equal(together, distance <= 10) and not together[0].any()
    assert not region_masks(distance, 8.0, RegionSettings(use=["core", "rim"], peritumoral_mm=0))["peritumoral"].any()
    assert not any(own.any() for own in region_masks(np.full((2, 2, 2), np.inf), 0.0, RegionSettings()).values())


def test_without_a_lesion_everything_is_infinitely_far_and_without_surroundings_deep() -> None:
    assert (signed_distance(np.zeros((2, 3, 4), bool), (1, 1, 1)) == np.inf).all()
    assert (signed_distance(np.ones((2, 3, 4), bool), (1, 1, 1)) == -np.inf).all()


def test_regions_in_use_go_from_the_inside_out() -> None:
    assert regions_in_use(RegionSettings(use=["peritumoral", "core"])) == ("core", "peritumoral")


@pytest.mark.parametrize("reach", [2.9, 3.0])
def test_peritumoral_tissue_that_ends_within_the_rim_is_refused_where_it_is_used(reach: float) -> None:
    with pytest.raises(ValueError, match="the rim reaches 3 mm out, peritumoral tissue"):
        RegionSettings(rim_mm=3.0, peritumoral_mm=reach)
    assert RegionSettings(rim_mm=3.0, peritumoral_mm=3.1).peritumoral_mm == 3.1
    assert RegionSettings(use=["core", "rim"], rim_mm=3.0, peritumoral_mm=reach).rim_mm == 3.0


@pytest.mark.parametrize("air", [0.0, -1000.0])
def test_the_breast_is_the_largest_part_above_air(air: float) -> None:
    """A half ball with dark fat and a hole beside a smaller bright body; noise of air stays air."""
    draw, shape = np.random.default_rng(2), (6, 60, 60)
    _, y, x = np.indices(shape)
    breast = (y - 60) ** 2 + (x - 25) ** 2 < 34**2
    other = (y < 12) & (x > 45)
    hole = (y - 48) ** 2 + (x - 25) ** 2 < 25
    image = air + np.abs(draw.normal(0, 1.0, shape))
    image[breast] += 20  # suppressed fat beside tissue of 100
    image[breast & (x > 20) & (x < 30)] += 80
    image[other] += 100
    image[hole] = air
    found = breast_of(image)
    assert not found[other].any() and found[hole].all()
    edge = np.abs(np.hypot(y - 60, x - 25) - 34) < 2
    assert np.array_equal(found[~edge & ~other], breast[~edge & ~other])
    assert np.array_equal(breast_of(image[0]), breast_of(image[:1])[0])  # a still


def test_an_image_of_one_grey_is_all_breast() -> None:
    assert breast_of(np.full((2, 4, 4), 7.0)).all()


def test_the_breast_is_the_part_that_the_lesion_lies_in_however_large_the_others_are() -> None:
    image = np.zeros((3, 40, 60))
    image[:, 5:35, 2:30], image[:, 10:30, 40:55] = 100, 100
    lesion = np.zeros(image.shape, dtype=bool)
    lesion[1, 18:22, 45:49] = True
    assert breast_of(image)[1, 20, 10] and not breast_of(image)[1, 20, 47]
    found = breast_of(image, lesion)
    assert found[1, 20, 47] and not found[1, 20, 10]
