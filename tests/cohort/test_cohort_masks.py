"""Outlines as people save them, and whether they lie on their image."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image as Picture
from small_cohort import picture, save

from dlr.cohort import CohortSettings, read_case, read_mask
from dlr.cohort.decoded import Grid
from dlr.cohort.geometry import better_turned, grid_differences, size_difference
from dlr.cohort.lesions import lesion_parts
from dlr.errors import InputError

SETTINGS = CohortSettings()
IMAGE, MASK = picture(7, 96)


def read(path: Path, label: object = None, **settings: object) -> np.ndarray:
    return read_mask(path, CohortSettings(**settings), label=label).array[0]


def test_masks_of_0_1_and_0_255_bits_rgb_and_palette_are_one(tmp_path: Path) -> None:
    save(tmp_path / "a.png", MASK)
    save(tmp_path / "b.png", MASK.astype(np.uint8))
    Picture.fromarray(MASK).save(tmp_path / "c.png")  # one bit
    save(tmp_path / "d.png", np.dstack([MASK] * 3))
    indexed = Picture.fromarray(MASK.astype(np.uint8))
    indexed.putpalette([0, 0, 0, 200, 30, 30])
    indexed.save(tmp_path / "e.png")
    red = np.zeros((*MASK.shape, 3), np.uint8)
    red[MASK, 0] = 255
    save(tmp_path / "f.png", red)
    for name in "abcdef":
        assert np.array_equal(read(tmp_path / f"{name}.png"), MASK), name


@pytest.mark.parametrize("quality", [95, 75, 50])
def test_a_jpeg_mask_is_cut_at_half_with_a_note(tmp_path: Path, quality: int) -> None:
    path = save(tmp_path / "m.jpg", MASK, quality=quality)
    mask = read_mask(path, SETTINGS)
    assert np.count_nonzero(mask.array[0] != MASK) <= 0.02 * MASK.sum()
    assert any("blurred mask" in note for note in mask.notes)


def test_a_resized_png_mask_is_cut_at_half_and_stray_ones_are_no_label(tmp_path: Path) -> None:
    smooth = Picture.fromarray(MASK.astype(np.uint8) * 255).resize((192, 192), Picture.Resampling.BILINEAR)
    smooth.save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png", SETTINGS)
    assert abs(mask.array.sum() / (4 * MASK.sum()) - 1) < 0.05
    stray = MASK.astype(np.uint8) * 255
    y, x = np.argwhere(MASK)[0]
    stray[y, x - 1] = 1
    assert np.array_equal(read(save(tmp_path / "s.png", stray)), MASK)


def test_labels_by_number_any_or_the_only_one(tmp_path: Path) -> None:
    labels = MASK.astype(np.uint8)
    labels[70:80, 70:80] = 2
    path = save(tmp_path / "m.png", labels)
    assert np.array_equal(read(path, 1), MASK)
    assert read(path, 2).sum() == 100
    assert read(path, "any").sum() == MASK.sum() + 100
    assert np.array_equal(read(path, mask_label=1), MASK)
    with pytest.raises(InputError, match=r"several labels: 1 \(\d+ voxels\), 2 \(100 voxels\)"):
        read(path)


def test_a_float_mask_of_whole_numbers(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(MASK.astype(np.float32)[np.newaxis]), str(tmp_path / "m.nii.gz"))
    assert np.array_equal(read(tmp_path / "m.nii.gz"), MASK)


def test_an_inverted_mask_is_questioned(tmp_path: Path) -> None:
    mask = read_mask(save(tmp_path / "m.png", ~MASK), SETTINGS)
    assert any("inverted" in note for note in mask.notes)


def test_parts_come_largest_first_and_touching_corners_are_one() -> None:
    mask = np.zeros((1, 20, 20), bool)
    mask[0, 1:3, 1:3] = True
    mask[0, 8:14, 8:14] = True
    mask[0, 3, 3] = True  # touches the first at a corner
    parts = lesion_parts(mask)
    sizes = [int(parts.part(n + 1).sum()) for n in range(len(parts))]
    assert sizes == [36, 5]
    assert tuple(sizes) == parts.sizes and np.array_equal(parts.numbers > 0, mask)


def flooded(mask: np.ndarray) -> list[set[tuple[int, ...]]]:
    """The parts by plain search, largest first, of equals the one that is met first."""
    left, parts = [tuple(map(int, p)) for p in np.argwhere(mask)], []
    while left:
        part, edge = {left[0]}, [left[0]]
        while edge:
            here = edge.pop()
            near = {p for p in left if max(abs(a - b) for a, b in zip(p, here, strict=True)) == 1} - part
            part |= near
            edge += near
        left = [p for p in left if p not in part]
        parts.append(part)
    return sorted(parts, key=len, reverse=True)


@given(st.integers(0, 10**6), st.sampled_from([(1, 9, 9), (3, 5, 6), (4, 4, 4)]), st.floats(0.05, 0.4))
@hypothesis_settings(max_examples=30, deadline=None)
def test_parts_are_those_of_a_plain_search(seed: int, shape: tuple[int, int, int], share: float) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    parts = lesion_parts(mask)
    found = [{tuple(map(int, p)) for p in np.argwhere(parts.part(n + 1))} for n in range(len(parts))]
    assert found == flooded(mask)


def test_ten_thousand_parts_take_no_more_room_than_two() -> None:
    mask = np.zeros((1, 300, 300), bool)
    mask[0, ::3, ::3] = True
    tracemalloc.start()
    parts = lesion_parts(mask)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(parts) == 10_000 and set(parts.sizes) == {1}
    assert parts.numbers[0, 0, 0] == 1 and parts.numbers[0, 297, 297] == 10_000  # equals in the order of the picture
    assert peak < 64 * mask.size  # one array a part would be 10,000 times its size


def one(tmp_path: Path, mask: np.ndarray | Path) -> dict[str, object]:
    path = mask if isinstance(mask, Path) else save(tmp_path / "m.png", mask)
    return {"case_id": "c", "patient_id": "p", "image": str(save(tmp_path / "i.png", IMAGE)), "mask": str(path)}


def test_lesion_policies(tmp_path: Path) -> None:
    two = MASK.copy()
    two[80:86, 80:86] = True
    row = one(tmp_path, two)
    assert read_case(row, SETTINGS).mask.sum() == two.sum()
    assert read_case(row, CohortSettings(lesion_policy="largest")).mask.sum() == MASK.sum()
    each = CohortSettings(lesion_policy="each")
    assert read_case({**row, "lesion_part": "2"}, each).mask.sum() == 36


def test_a_readers_lesion_is_the_one_that_meets_the_final_one(tmp_path: Path) -> None:
    final = np.zeros_like(MASK)
    final[10:30, 10:30] = True
    final[60:70, 60:70] = True
    reader = np.zeros_like(MASK)
    reader[10:18, 10:18] = True
    reader[58:72, 58:72] = True  # the reader's larger one is the final's smaller one
    row = {**one(tmp_path, final), "mask_reader1": str(save(tmp_path / "r.png", reader)), "lesion_part": "2"}
    assert read_case(row, CohortSettings(lesion_policy="each"), "mask_reader1").mask.sum() == 196


def itk_snap(path: Path, mask: np.ndarray, direction: tuple[float, ...], spacing: float = 1.0) -> Path:
    image = sitk.GetImageFromArray(mask.astype(np.uint8)[np.newaxis])
    image.SetDirection(direction)
    image.SetSpacing((spacing, spacing, 1.0))
    image.SetOrigin((3.0, -2.0, 0.0))
    sitk.WriteImage(image, str(path))
    return path


TURNED = (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0)


def test_a_stills_mask_with_another_header_is_taken_and_the_amounts_are_printed(tmp_path: Path) -> None:
    row = one(tmp_path, itk_snap(tmp_path / "m.nii.gz", MASK, TURNED))
    case = read_case(row, SETTINGS)
    assert np.array_equal(case.mask[0], MASK)
    (note,) = case.notes
    assert "(3, 2, 0)" in note and "direction [-1 0 0; 0 -1 0; 0 0 1]" in note
    still = sitk.GetImageFromArray(IMAGE[np.newaxis])
    still.SetSpacing((0.1, 0.1, 1.0))
    sitk.WriteImage(still, str(tmp_path / "i.nii.gz"))
    case = read_case({**row, "image": str(tmp_path / "i.nii.gz")}, SETTINGS)
    assert np.array_equal(case.mask[0], MASK) and case.image.spacing[1:] == pytest.approx((0.1, 0.1))
    assert any("spacing (1, 1, 1) against (0.1, 0.1, 1) mm" in note for note in case.notes)


def test_a_mirrored_outline_is_flagged_and_a_right_one_is_not() -> None:
    values = IMAGE.astype(float)
    assert better_turned(values, MASK) is None
    assert better_turned(values, MASK[:, ::-1]) == "mirrored left to right"
    assert better_turned(np.full(IMAGE.shape, 7.0), MASK) is None
    shifted = np.roll(MASK, 25, axis=0)
    moved = np.roll(values, 25, axis=0)
    assert better_turned(moved, shifted[::-1]) == "mirrored top to bottom"
    header = Grid((1.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    assert better_turned(moved, shifted.T, header) == "with its axes exchanged"


def volume(path: Path, array: np.ndarray, origin: float = 0.0, spacing: float = 1.0) -> Path:
    image = sitk.GetImageFromArray(array)
    image.SetOrigin((origin, 0.0, 0.0))
    image.SetSpacing((spacing, 1.0, 2.0))
    sitk.WriteImage(image, str(path))
    return path


def test_a_volumes_mask_within_the_tolerance_is_taken_and_beyond_refused_or_resampled(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 99, (6, 20, 20)).astype(np.int16)
    mask = np.zeros((6, 20, 20), np.uint8)
    mask[1:4, 5:12, 5:12] = 1
    row = {"case_id": "c", "patient_id": "p", "image": str(volume(tmp_path / "i.nii.gz", values))}
    near = {**row, "mask": str(volume(tmp_path / "near.nii.gz", mask, origin=1e-4))}
    assert np.array_equal(read_case(near, SETTINGS).mask, mask == 1)
    far = {**row, "mask": str(volume(tmp_path / "far.nii.gz", mask, origin=2.0))}
    with pytest.raises(InputError, match=r"off by \(2, 0, 0\)"):
        read_case(far, SETTINGS)
    moved = read_case(far, CohortSettings(geometry="resample"))
    assert np.array_equal(moved.mask, np.roll(mask, 2, axis=2) == 1)
    assert any("resampled" in note for note in moved.notes)


def test_tolerance_is_in_voxels() -> None:
    a = Grid((2.0, 2.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    b = Grid((2.0, 2.0, 2.0), (0.001, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    assert grid_differences(a, b, 1e-3) == [] and len(grid_differences(a, b, 1e-4)) == 1


def test_sizes_are_compared_in_words() -> None:
    assert size_difference((1, 3, 4), (1, 3, 4)) is None
    assert "exchanged" in str(size_difference((1, 30, 40), (1, 40, 30)))
    assert "2 times as large" in str(size_difference((1, 30, 40), (1, 60, 80)))
    assert "40 x 30 x 1" in str(size_difference((1, 30, 40), (2, 30, 40)))
