"""What a mask's values mean: labels, colours, blurred edges; every limit at its bound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from small_cohort import picture, save

from dlr.cohort.formats import Decoded
from dlr.cohort.masks import Labels, read_labels, select_roi
from dlr.cohort.settings import CohortSettings
from dlr.errors import InputError

PATH = Path("m.png")


def chosen(array: np.ndarray, label: int | str | None = None, **settings: float) -> tuple[np.ndarray, list[str]]:
    """The ROI (y, x) of one slice of values, and what is said of it."""
    labels = Labels(array[np.newaxis], Decoded(array[np.newaxis], "PNG", None, None), ())
    roi, notes = select_roi(labels, label, PATH, CohortSettings(**settings))
    return roi[0], notes


def refusal(array: np.ndarray, label: int | str | None = None, **settings: float) -> str:
    with pytest.raises(InputError) as error:
        chosen(array, label, **settings)
    (problem,) = error.value.problems
    assert problem.where == "m.png" and problem.mend
    return problem.what


def blocks(count: int, size: int = 3, kind: type = np.uint8) -> np.ndarray:
    """`count` labels from 1, each a square of size x size pixels, one pixel apart."""
    array = np.zeros((64, 64), kind)
    for n in range(count):
        y, x = (n // 8) * (size + 1), (n % 8) * (size + 1)
        array[y : y + size, x : x + size] = n + 1
    return array


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_label_that_is_absent_is_named_beside_those_that_are_there(kind: type) -> None:
    assert refusal(blocks(2, kind=kind), 3) == "label 3 is not in the mask; it holds 1 (9 voxels), 2 (9 voxels)"
    assert refusal(blocks(1).astype(bool), 2) == "label 2 is not in the mask; it holds 1 (9 voxels)"
    assert refusal(np.zeros((4, 4), bool)) == "the mask is empty"


def test_eight_labels_are_listed_and_of_more_the_first_eight() -> None:
    listed = [f"{n} (9 voxels)" for n in range(1, 9)]
    assert refusal(blocks(8)) == f"several labels: {', '.join(listed)}"
    assert refusal(blocks(9)) == f"several labels: {', '.join(listed)} and 1 more"
    assert refusal(blocks(20)).endswith("8 (9 voxels) and 12 more")


def test_thirty_two_labels_are_labels_and_more_are_a_blurred_edge() -> None:
    assert refusal(blocks(32)).startswith("several labels: ")
    roi, notes = chosen(blocks(33))
    assert roi.sum() == 17 * 9 and notes == ["blurred mask: 288 pixels between 0 and 33, cut at 16.5"]


def test_a_label_fills_three_by_three_pixels_somewhere() -> None:
    array = np.zeros((30, 30), np.uint8)
    array[2:12, 2:12] = 200
    array[20:23, 20:23] = 90
    assert refusal(array) == "several labels: 90 (9 voxels), 200 (100 voxels)"
    array[20:23, 20:23] = 0
    array[12:14, 2:12] = 90  # two wide: the trace of a smooth edge
    roi, notes = chosen(array)
    assert roi.sum() == 100 and notes == ["blurred mask: 20 pixels between 0 and 200, cut at 100"]


def test_any_takes_every_label_and_a_number_its_own() -> None:
    array = blocks(3)
    assert chosen(array, "any")[0].sum() == 27 and chosen(array, 2)[0].sum() == 9
    assert np.array_equal(chosen(array, 3)[0], array == 3)


def test_half_of_the_highest_value_belongs_to_the_roi_and_less_does_not() -> None:
    array = np.zeros((30, 30), np.uint8)
    array[2:12, 2:12] = 100
    array[12, 2:12], array[1, 2:12] = 50, 49
    roi, notes = chosen(array)
    assert roi.sum() == 110 and roi[12, 2:12].all() and not roi[1].any()
    assert notes == ["blurred mask: 20 pixels between 0 and 100, cut at 50"]


def test_fractions_are_a_blurred_edge_even_below_one() -> None:
    array = np.zeros((30, 30), np.float64)
    array[2:12, 2:12] = 1.0
    array[12, 2:12], array[1, 2:12] = 0.5, 0.25
    roi, notes = chosen(array)
    assert roi.sum() == 110 and notes == ["blurred mask: 20 pixels between 0 and 1, cut at 0.5"]
    assert refusal(array - 0.5) == "the mask holds negative values, from -0.5"


def test_a_blurred_mask_has_the_highest_values_label_alone() -> None:
    array = np.zeros((30, 30), np.uint8)
    array[2:12, 2:12], array[12, 2:12] = 100, 60
    assert chosen(array, 100)[0].sum() == chosen(array, "any")[0].sum() == chosen(array)[0].sum() == 110
    assert refusal(array, 60) == "label 60 in a mask with blurred values between 0 and 100"


def edged(blurred: int, value: int = 60) -> np.ndarray:
    """A square of 10 x 10 at 100, whose outline has 36 pixels, and `blurred` lone pixels of `value` elsewhere."""
    array = np.zeros((40, 40), np.uint8)
    array[2:12, 2:12] = 100
    array[14:40:2, 1:40:2].flat[:blurred] = value
    return array


def test_blurred_pixels_may_be_as_many_as_the_limit_times_the_outline() -> None:
    assert chosen(edged(36, 40), mask_blur_limit=1)[0].sum() == 100
    what = "37 blurred pixels for an outline of 36: a picture or a smooth map, not a mask"
    assert refusal(edged(37, 40), mask_blur_limit=1) == what
    assert refusal(edged(73, 40), mask_blur_limit=2).startswith("73 blurred pixels for an outline of 36")
    assert chosen(edged(72, 40), mask_blur_limit=2)[0].sum() == 100


def test_from_a_tenth_to_nine_tenths_of_the_highest_value_a_pixel_is_blurred() -> None:
    for value in (10, 90):
        assert chosen(edged(37, value), mask_blur_limit=0.01)[0].any()
    for value in (11, 89):
        assert " blurred pixels for an outline" in refusal(edged(37, value), mask_blur_limit=0.01)
    assert refusal(edged(37, 11), mask_blur_limit=0.01).startswith("37 blurred")


def test_a_fifth_of_the_picture_may_be_blurred_whatever_the_limit() -> None:
    array = np.zeros((30, 30), np.uint8)
    array[:10, :10] = 100
    array[12:30:2, :20] = 30  # 180 of 900 pixels
    assert chosen(array, mask_blur_limit=1000)[0].sum() == 100
    array[12, 20] = 30
    assert refusal(array, mask_blur_limit=1000).startswith("181 blurred pixels for an outline of 36")


@pytest.mark.parametrize(("y", "x"), [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_a_mask_of_all_four_corners_is_questioned_and_one_of_three_is_not(y: int, x: int) -> None:
    array = np.ones((20, 20), np.uint8)
    array[8:12, 8:12] = 0
    assert chosen(array)[1] == ["the mask holds all four corners: is it inverted?"]
    array[y, x] = 0
    assert chosen(array)[1] == []
    assert refusal(np.ones((20, 20), np.uint8)) == "the mask fills the picture"


def coloured(colours: list[tuple[int, int, int]]) -> np.ndarray:
    array = np.zeros((60, 60, 3), np.uint8)
    for n, colour in enumerate(colours):
        array[5 * n : 5 * n + 4, 3:7] = colour
    return array


def test_areas_in_several_colours_are_named_and_a_picture_is_told_apart(tmp_path: Path) -> None:
    eight = [(10 * n + 10, 7, 200 - n) for n in range(8)]
    for colours, what in [
        ([(0, 255, 0), (255, 0, 1)], "areas in 2 colours: #00ff00 (16 voxels), #ff0001 (16 voxels)"),
        ([(0, 0, 1), (0, 2, 0)], "areas in 2 colours: #000001 (16 voxels), #000200 (16 voxels)"),
        (eight, "areas in 8 colours: "),
        ([*eight, (0, 255, 0)], "9 colours: a picture, not a mask"),
    ]:
        with pytest.raises(InputError) as error:
            read_labels(save(tmp_path / "m.png", coloured(colours)))
        assert error.value.problems[0].what.startswith(what)


def test_one_colour_is_the_roi_and_a_lossy_file_may_hold_many(tmp_path: Path) -> None:
    labels = read_labels(save(tmp_path / "m.png", coloured([(0, 90, 20)])))
    assert labels.array.shape == (1, 60, 60) and labels.array.max() == 90 and np.count_nonzero(labels.array) == 16
    assert labels.notes == ("its one colour was read as the ROI",)
    for colour in [(255, 0, 0), (0, 255, 0), (0, 0, 255)]:
        labels = read_labels(save(tmp_path / "m.png", coloured([colour])))
        assert np.count_nonzero(labels.array) == 16 and labels.notes == ("its one colour was read as the ROI",)
    mask = picture(3)[1]
    red = np.zeros((*mask.shape, 3), np.uint8)
    red[mask, 0] = 255
    labels = read_labels(save(tmp_path / "m.jpg", red, quality=75, subsampling=0))
    roi, notes = select_roi(labels, None, PATH, CohortSettings())
    assert np.count_nonzero(roi[0] != mask) < 0.03 * mask.sum() and "blurred mask" in notes[-1]
    grey = read_labels(save(tmp_path / "g.png", coloured([(9, 9, 9)])))
    assert grey.notes == () and grey.array.max() == 9


def test_a_lossy_file_of_two_areas_is_cut_at_half(tmp_path: Path) -> None:
    array = np.zeros((64, 64), np.uint8)
    array[8:32, 8:32], array[40:48, 40:48] = 255, 100
    Picture.fromarray(array).save(tmp_path / "m.jpg", quality=95)
    roi, _ = select_roi(read_labels(tmp_path / "m.jpg"), None, PATH, CohortSettings())
    assert roi[0, 8:32, 8:32].all() and not roi[0, 40:48, 40:48].any()
