"""A synthetic DCE-MRI: every variable shows in its own region and in no other, with room around the lesion."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, label

from dlr.phantom.dce import SCANNERS, VARIABLES, draw_dce
from dlr.randomness import rng

PLACES = {"core": (-99, -3), "rim": (-3, 3), "peritumoral": (3, 10)}  # mm from the surface


def drawn(number, scanner="scanner_b", size=40, **variables):
    looks = dict.fromkeys(VARIABLES, 0.0) | variables
    return draw_dce(looks, SCANNERS[scanner], size, rng(4, "dce", number))


def brightness(shown):
    """Mean grey of every region inside the breast, by distances from the nearest voxel on the other side."""
    out, into = (distance_transform_edt(where, sampling=shown.spacing_mm) for where in (~shown.mask, shown.mask))
    distance, breast = out - into, shown.image > 40
    return {
        name: shown.image[(distance > low) & (distance <= high) & breast].mean() for name, (low, high) in PLACES.items()
    }


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_brightens_its_own_region_and_leaves_the_others_as_they_are(variable):
    for number in range(3):
        shown = [brightness(drawn(number, **{variable: value})) for value in (-1.5, 0.5, 2.5, 4.5)]
        for region in PLACES:
            steps = np.diff([grey[region] for grey in shown])
            assert (steps > 2).all() if region == variable else (abs(steps) < 0.5).all()  # the blur of half a voxel


def test_in_every_region_the_steps_stand_out_of_what_differs_between_women():
    for region in VARIABLES:
        usual = [brightness(drawn(number))[region] for number in range(12)]
        step = np.mean([brightness(drawn(n, **{region: 2.0}))[region] for n in range(12)]) - np.mean(usual)
        assert step > 1.5 * np.std(usual)


@pytest.mark.parametrize("scanner", SCANNERS)
def test_the_lesion_is_one_body_inside_the_breast_with_ten_mm_around_it(scanner):
    room = []
    for number in range(12):
        shown = drawn(number, scanner)
        assert label(shown.mask)[1] == 1
        assert distance_transform_edt(shown.mask, sampling=shown.spacing_mm).max() > 4  # a core fits
        for axis, spacing in enumerate(shown.spacing_mm):
            there = np.flatnonzero(shown.mask.any(axis=tuple({0, 1, 2} - {axis})))
            room.append(spacing * min(there[0], shown.mask.shape[axis] - 1 - there[-1]))
        assert shown.image[shown.mask].min() > 40  # air is below
    assert min(room) >= 8 and np.median(room) >= 10  # the border wanders by a mm or two


def test_outside_the_breast_is_air():
    shown = drawn(0)
    corner = shown.image[:3, :3, :3]
    assert corner.mean() < 12 and shown.image[shown.mask].mean() > 150


def test_scanners_differ_in_gain_noise_and_slices():
    grey = {name: drawn(1, name) for name in SCANNERS}
    mean = [shown.image[shown.mask].mean() for shown in grey.values()]
    assert mean[0] < mean[1] < mean[2]
    assert [shown.image.shape[0] for shown in grey.values()] == [32, 25, 20]
    air = [shown.image[:2, :2, :2].mean() for shown in grey.values()]
    assert air[1] < air[0] < air[2]
