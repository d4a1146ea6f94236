"""A synthetic volume: every variable is visible in the voxels, look-alikes are less dark, the mask is the lesion's."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import label

from dlr.phantom.volume import FIELD_MM, VARIABLES, draw_anatomy, draw_volume, grid, smooth_field
from dlr.randomness import rng

SIZE = 32


def anatomy(number, decoys=0, **variables):
    looks = dict.fromkeys(VARIABLES, 0.0) | variables
    return draw_anatomy(**looks, decoys=decoys, gain_db=0.0, rng=rng(4, "anatomy", number))


def volume(drawn, number, size=SIZE):
    return draw_volume(drawn, size, rng(4, "volume", number))


def distance(body, spacing, shape):
    """From the body's smooth border, mm; negative inside."""
    at = np.meshgrid(*[(np.arange(n) + 0.5) * step for n, step in zip(shape, spacing, strict=True)], indexing="ij")
    scaled = [(p - c) / r for p, c, r in zip(at, body.centre_mm, body.radii_mm, strict=True)]
    return (np.sqrt(sum(s**2 for s in scaled)) - 1) * body.radii_mm.mean(), at


def brightness(drawn, body, number):
    """Mean grey of a body's border, of its inside, and of what lies below it less what lies beside that."""
    shown = volume(drawn, number)
    outside, (_, y, x) = distance(body, shown.spacing_mm, shown.image.shape)
    grey = shown.image.astype(float)
    z = np.arange(shown.image.shape[0])[:, None, None] * shown.spacing_mm[0]
    deeper = y > body.centre_mm[1] + body.radii_mm[1] + 1
    near = (abs(z - body.centre_mm[0]) < body.radii_mm[0] / 2) & deeper
    below = near & (abs(x - body.centre_mm[2]) < body.radii_mm[2] / 2)
    beside = near & (abs(x - body.centre_mm[2]) > body.radii_mm[2] + 2)
    return {
        "margin": grey[abs(outside - 0.5) < 1].mean(),
        "texture": grey[outside < -2].mean(),
        "shadow": grey[below].mean() - grey[beside].mean(),
    }


@pytest.mark.parametrize(("variable", "brighter"), [("margin", True), ("texture", True), ("shadow", False)])
def test_a_variable_changes_the_brightness_of_its_place_in_the_documented_direction(variable, brighter):
    for number in range(3):
        shown = [brightness(a, a.lesion, number)[variable] for a in
                 (anatomy(number, **{variable: value}) for value in (-1.0, 1.0, 3.0))]  # fmt: skip
        steps = np.diff(shown)
        assert (steps > 4).all() if brighter else (steps < -4).all()  # of 255


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_decoy_shows_its_own_variables_in_the_same_way(variable):
    drawn = anatomy(2, decoys=1)
    shown = []
    for value in (-1.0, 3.0):
        decoy = replace(drawn.decoys[0], margin=0.0, texture=0.0, shadow=0.0)
        decoy = replace(decoy, centre_mm=np.array([20.0, 15.0, 28.0]), **{variable: value})
        lesion = replace(drawn.lesion, centre_mm=np.array([20.0, 15.0, 10.0]))
        shown.append(brightness(replace(drawn, lesion=lesion, decoys=(decoy,)), decoy, 2)[variable])
    assert abs(shown[1] - shown[0]) > 8
    assert (shown[1] > shown[0]) == (variable != "shadow")


def test_decoys_are_less_dark_than_the_lesion_whatever_their_looks():
    inside = {"lesion": [], "decoy": []}
    for number in range(40):
        drawn = anatomy(number, decoys=1)
        shown = volume(drawn, number)
        for name, body in (("lesion", drawn.lesion), ("decoy", drawn.decoys[0])):
            outside, _ = distance(replace(body), shown.spacing_mm, shown.image.shape)
            inside[name].append(shown.image[outside < -1].mean())
    assert np.mean(inside["decoy"]) - np.mean(inside["lesion"]) > 15
    assert {len(anatomy(1, decoys=k).decoys) for k in (0, 1, 2)} == {0, 1, 2}


def test_bodies_keep_apart_and_inside():
    gaps = []
    for number in range(60):
        drawn = anatomy(number, decoys=2)
        bodies = (drawn.lesion, *drawn.decoys)
        for body in bodies:
            assert (body.centre_mm - body.radii_mm > 0).all()
            assert (body.centre_mm + body.radii_mm < FIELD_MM).all()
        gaps += [
            np.linalg.norm(a.centre_mm - b.centre_mm) - a.radii_mm.max() - b.radii_mm.max()
            for k, a in enumerate(bodies)
            for b in bodies[:k]
        ]
    assert np.mean(np.array(gaps) > 0) > 0.95


@pytest.mark.parametrize("number", range(4))
def test_mask_is_the_lesions_ellipsoid_but_for_its_wandering_border(number):
    drawn = anatomy(number, decoys=2)
    shown = volume(drawn, number)
    outside, _ = distance(drawn.lesion, shown.spacing_mm, shown.image.shape)
    ellipsoid = outside < 0
    dice = 2 * np.sum(shown.mask & ellipsoid) / (shown.mask.sum() + ellipsoid.sum())
    assert 0.8 < dice < 1
    assert label(shown.mask)[1] == 1
    assert shown.image[shown.mask].mean() < shown.image[~shown.mask].mean() - 20


def test_a_volume_is_a_cube_in_mm_with_slices_further_apart_as_published():
    shape, spacing = grid(40)
    assert shape == (25, 40, 40)
    assert [n * step for n, step in zip(shape, spacing, strict=True)] == pytest.approx([40, 40, 40])
    assert spacing[0] / spacing[1] == pytest.approx(0.48 / 0.30)
    shown = volume(anatomy(0), 0)
    assert (shown.image.shape, shown.mask.shape) == ((20, 32, 32), (20, 32, 32))
    assert shown.image.dtype == np.uint8


def test_the_lesion_is_the_same_at_another_size():
    small, large = (volume(anatomy(1), 1, size) for size in (32, 64))
    assert small.mask.sum() * np.prod(small.spacing_mm) == pytest.approx(
        large.mask.sum() * np.prod(large.spacing_mm), rel=0.03
    )


def test_speckle_has_the_spread_of_three_averaged_looks_whatever_the_size():
    # the mean of three exponential variables has a logarithm of SD 4.34 sqrt(trigamma(3)) = 2.73 dB: 11.6 grey levels
    # of 255 at 60 dB; the tissue's own field adds a little
    drawn = anatomy(0)
    far = replace(drawn, lesion=replace(drawn.lesion, centre_mm=np.array([-60.0, 20.0, 20.0])))
    for size in (40, 64):
        grey = volume(far, 0, size).image.astype(float)
        local = grey - smoothed(grey)
        assert 10.5 < local.std() < 13.5
        assert 165 < grey.mean() < 195


def smoothed(grey):
    from scipy.ndimage import uniform_filter

    return uniform_filter(grey, 9)


def test_smooth_field_has_sd_one_and_its_correlation_length():
    at = [np.arange(0, FIELD_MM, 2.0)] * 3
    fields = np.array([smooth_field(at, 4.0, rng(1, "field", k)) for k in range(40)])
    assert fields.mean() == pytest.approx(0, abs=0.05)
    assert fields.std() == pytest.approx(1, abs=0.05)
    near = np.mean(fields[:, 1:] * fields[:, :-1])
    far = np.mean(fields[:, 8:] * fields[:, :-8])
    assert near > 0.7 > 0.1 > abs(far)


def test_brighter_gain_is_a_brighter_volume():
    drawn = anatomy(0)
    dim, bright = (volume(replace(drawn, gain_db=gain), 0).image.mean() for gain in (-3.0, 3.0))
    assert bright - dim == pytest.approx(255 * 6 / 60, abs=3)
