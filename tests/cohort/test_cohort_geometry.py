"""Grids compared, masks moved onto them, turned outlines seen; every limit at its bound."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.cohort.formats import Grid
from dlr.cohort.geometry import _contrast, axes_text, better_turned, grid_differences, resample_mask, size_difference

STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def grid(
    spacing: tuple[float, ...] = (2.0, 2.0, 4.0),
    origin: tuple[float, ...] = (0.0, 0.0, 0.0),
    direction: tuple[float, ...] = STRAIGHT,
) -> Grid:
    return Grid(spacing, origin, direction)


def test_sizes_in_words_width_first() -> None:
    text = "mask grid 60 x 90 x 1 differs from image grid 30 x 40 x 1 (width x height x slices)"
    assert size_difference((1, 40, 30), (1, 90, 60)) == text


def test_exchanged_edges_are_told_only_where_the_slices_agree() -> None:
    assert str(size_difference((2, 40, 30), (2, 30, 40))).endswith("; width and height are exchanged")
    assert str(size_difference((2, 40, 30), (3, 30, 40))).endswith("slices)")
    assert str(size_difference((3, 40, 30), (3, 30, 45))).endswith("slices)")


def test_a_scaled_mask_is_told_within_two_hundredths_and_with_as_many_slices() -> None:
    assert str(size_difference((1, 100, 200), (1, 50, 100))).endswith(
        "; the mask is 0.5 times as large in each direction"
    )
    assert "1.51 times" in str(size_difference((1, 200, 200), (1, 300, 302)))
    assert str(size_difference((1, 100, 100), (1, 150, 152))).endswith("slices)")  # 0.02 and a rounding more
    assert str(size_difference((1, 30, 40), (1, 60, 120))).endswith("slices)")
    assert str(size_difference((1, 30, 40), (1, 90, 80))).endswith("slices)")
    assert str(size_difference((1, 30, 40), (2, 60, 80))).endswith("slices)")


def test_a_difference_of_exactly_the_tolerance_is_none() -> None:
    base = grid()
    for other in (
        grid(spacing=(2.0, 3.0, 4.0)),  # half a voxel's edge
        grid(origin=(0.0, -1.0, 0.0)),
        grid(direction=(1.0, 0.0, 0.0, 0.0, 1.0, -0.5, 0.0, 0.0, 1.0)),
    ):
        assert grid_differences(base, other, 0.5) == []
        assert len(grid_differences(base, other, 0.49)) == 1


def test_differences_are_told_with_both_values() -> None:
    other = grid((2.0, 2.5, 4.0), (10.0, 0.0, -0.123456), (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    assert grid_differences(grid(), other, 1e-3) == [
        "spacing (2, 2.5, 4) against (2, 2, 4) mm",
        "origin (10, 0, -0.12346) against (0, 0, 0) mm (off by (10, 0, 0.12346))",
        "direction [0 1 0; 1 0 0; 0 0 1] against [1 0 0; 0 1 0; 0 0 1]",
    ]
    assert axes_text(other.direction) == "[0 1 0; 1 0 0; 0 0 1]"


def test_an_origin_counts_in_voxels_of_its_own_axis() -> None:
    assert grid_differences(grid(), grid(origin=(0.0, 0.0, 1.9)), 0.5) == []
    assert len(grid_differences(grid(), grid(origin=(1.9, 0.0, 0.0)), 0.5)) == 1
    away = grid(origin=(50.0, -60.0, 70.0))
    assert grid_differences(away, away, 1e-9) == []


def test_a_mask_moves_by_nearest_neighbour_and_is_0_where_it_says_nothing() -> None:
    mask = np.zeros((2, 3, 4), np.uint8)
    mask[1, 2, 3], mask[0, 0, 0] = 5, 3
    fine = grid((1.0, 1.0, 4.0), (0.5, 0.0, 0.0))
    moved = resample_mask(mask, grid(), (2, 6, 10), fine)
    assert moved.shape == (2, 6, 10) and set(np.unique(moved)) == {0, 3, 5}
    assert np.argwhere(moved == 5)[:, 0].tolist() == [1] * int((moved == 5).sum())
    assert moved[1, 4, 5] == 5 and moved[0, 0, 9] == 0


def test_contrast_is_the_difference_of_means_in_pooled_deviations() -> None:
    values = np.array([[0.0, 4.0, 9.0, 11.0]])
    inner = np.array([[True, True, False, False]])
    assert _contrast(values, inner, ~inner) == pytest.approx(8 / np.sqrt((4 + 1) / 2))
    assert _contrast(values[:, ::-1], inner, ~inner) == pytest.approx(8 / np.sqrt((4 + 1) / 2))
    assert _contrast(values / 10, inner, ~inner) == pytest.approx(8 / np.sqrt(5 / 2))  # whatever the unit
    assert _contrast(np.array([[2.0, 2.0, 5.0, 5.0]]), inner, ~inner) == 0.0


SIZE = 120
CHECKS = np.where(np.add.outer(np.arange(SIZE), np.arange(SIZE)) % 2, 1.0, -1.0)  # mean 0, deviation 1 in any part
SQUARE = np.zeros((SIZE, SIZE), bool)
SQUARE[40:80, 14:44] = True
TURNS = {
    "mirrored left to right": lambda a: a[:, ::-1],
    "mirrored top to bottom": lambda a: a[::-1],
    "mirrored both ways": lambda a: a[::-1, ::-1],
}


def outline(top: int = 14) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[top : top + 30, 14:40] = True
    return mask


@pytest.mark.parametrize("turn", TURNS)
def test_the_turn_that_fits_better_is_named(turn: str) -> None:
    mask = outline()
    picture = CHECKS + TURNS[turn](mask) * 2.0
    assert better_turned(picture, mask) == turn
    assert better_turned(CHECKS + mask * 2.0, mask) is None


@pytest.mark.parametrize(("header", "lower", "higher"), [(None, 0.27, 0.33), (STRAIGHT, 0.27, 0.33)])
def test_a_turned_outline_must_fit_better_by_three_tenths(
    header: tuple[float, ...] | None, lower: float, higher: float
) -> None:
    told = None if header is None else grid(direction=header)
    mask = outline()
    assert better_turned(CHECKS + mask[:, ::-1] * lower, mask, told) is None
    assert better_turned(CHECKS + mask[:, ::-1] * higher, mask, told) == "mirrored left to right"
    assert better_turned(CHECKS + mask[:, ::-1] * (higher + 0.2) - mask * 0.3, mask, told) is None


@pytest.mark.parametrize("axis", [0, 4])
def test_a_tenth_is_enough_where_the_header_says_that_an_axis_is_reversed(axis: int) -> None:
    direction = [*STRAIGHT]
    direction[axis] = -1.0
    told, mask = grid(direction=tuple(direction)), outline()
    assert better_turned(CHECKS + mask[:, ::-1] * 0.08, mask, told) is None
    assert better_turned(CHECKS + mask[:, ::-1] * 0.12, mask, told) == "mirrored left to right"


def test_exchanged_or_third_axes_are_no_reversed_ones() -> None:
    mask = outline()
    for direction in [(0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)]:
        assert better_turned(CHECKS + mask[:, ::-1] * 0.2, mask, grid(direction=direction)) is None


def test_exchanged_axes_are_tried_for_square_pictures_with_a_header_alone() -> None:
    mask = outline(60)
    picture = CHECKS + mask.T * 2.0
    assert better_turned(picture, mask, grid()) == "with its axes exchanged"
    assert better_turned(picture, mask) is None
    assert better_turned(picture[:, :-2], mask[:, :-2], grid()) is None


def distance(mask: np.ndarray) -> np.ndarray:
    """Steps to the mask along rows and columns; 0 inside."""
    inside = np.argwhere(mask)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0)  # of a rectangle
    return np.maximum(0, np.maximum(top - y, y - bottom)) + np.maximum(0, np.maximum(left - x, x - right))


def depth(mask: np.ndarray) -> np.ndarray:
    """Steps from inside a rectangle to the nearest pixel outside; 0 outside."""
    inside = np.argwhere(mask)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0)
    return np.maximum(0, np.minimum.reduce([y - top, bottom - y, x - left, right - x]) + 1)


def test_eight_pixels_outside_and_inside_of_the_outline_are_compared() -> None:
    mask = outline()
    for steps, seen in ((distance(mask), True), (depth(mask), True)):
        picture = CHECKS + (steps == 8)[:, ::-1] * 40.0
        assert (better_turned(picture, mask) is not None) is seen
        picture = CHECKS + ((steps >= 9) & (steps < 14))[:, ::-1] * 40.0
        assert better_turned(picture, mask) is None


def test_corners_of_the_band_are_reached_by_steps_along_rows_and_columns() -> None:
    mask = outline()
    y, x = np.mgrid[:SIZE, :SIZE]
    square = np.maximum(np.maximum(14 - y, y - 43), np.maximum(14 - x, x - 39)) <= 8
    corners = square & (distance(mask) > 8)
    assert corners.sum() == 4 * 36
    assert better_turned(CHECKS + corners[:, ::-1] * 1000.0, mask) is None


def test_an_outline_that_leaves_nothing_outside_is_not_judged() -> None:
    assert better_turned(CHECKS, np.ones((SIZE, SIZE), bool)) is None


def test_a_picture_of_one_value_has_no_better_turn() -> None:
    assert better_turned(np.full((SIZE, SIZE), 7.0), outline()) is None
