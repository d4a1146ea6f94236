"""Outlines that were drawn and not filled, lines, and masks of which a part lies outside the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image as Picture
from scipy import ndimage

from dlr.cohort import CohortSettings, read_case
from dlr.cohort.checking import check_case
from dlr.errors import InputError

Y, X = np.mgrid[:96, :96]
DISTANCE = np.hypot(Y - 48, X - 48)
PICTURE = (60 + 90 * (DISTANCE < 24) + (7 * X + 3 * Y) % 11).astype(np.uint8)


def row_of(folder: Path, mask: np.ndarray) -> dict[str, str]:
    """A case of this picture and mask."""
    Picture.fromarray(PICTURE).save(folder / "a.png")
    Picture.fromarray(mask.astype(np.uint8) * 255).save(folder / "mask.png")
    return {"patient_id": "P", "case_id": "P", "image": str(folder / "a.png"), "mask": str(folder / "mask.png"),
            "mask_label": "", "mask_reader1": "", "mask_reader2": ""}  # fmt: skip


@pytest.mark.parametrize("pen", [1, 2, 3.9])
def test_a_contour_that_is_not_filled_is_refused_filled_or_kept(tmp_path: Path, pen: float):
    drawn = np.abs(DISTANCE - 24) <= pen / 2
    row = row_of(tmp_path, drawn)
    (problem,) = check_case(2, row, CohortSettings()).problems
    inside = ndimage.binary_fill_holes(drawn)
    assert (
        problem.what
        == f"the outline is not filled: {drawn.sum()} voxels are drawn, {inside.sum() - drawn.sum()} lie inside"
    )
    assert "cohort.contour: fill" in problem.mend and problem.where.endswith("mask.png")
    filled = read_case(row, CohortSettings(contour="fill"))
    np.testing.assert_array_equal(filled.mask[0], inside)
    assert any("the outline was filled" in note for note in filled.notes)
    np.testing.assert_array_equal(read_case(row, CohortSettings(contour="keep")).mask[0], drawn)


@pytest.mark.parametrize("mask", [
    DISTANCE < 24, (DISTANCE < 24) & (DISTANCE > 15), (DISTANCE < 24) & (DISTANCE > 3),
    (DISTANCE < 5) | (np.abs(DISTANCE - 30) < 4),
])  # fmt: skip
def test_lesions_rims_and_holes_are_no_contours(tmp_path: Path, mask: np.ndarray):
    checked = check_case(2, row_of(tmp_path, mask), CohortSettings())
    assert not checked.problems and not any("inside" in note for note in checked.notes)


def test_every_slice_of_a_volume_is_filled_by_itself(tmp_path: Path):
    ring = np.abs(DISTANCE - 24) <= 1
    mask = np.stack([np.zeros_like(ring), ring, ring, np.zeros_like(ring)])
    for name, array in (("a", np.stack([PICTURE] * 4)), ("mask", mask.astype(np.uint8))):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{name}.nii.gz"))
    row = row_of(tmp_path, ring) | {"image": str(tmp_path / "a.nii.gz"), "mask": str(tmp_path / "mask.nii.gz")}
    filled = read_case(row, CohortSettings(contour="fill", kind="volume")).mask
    assert not filled[[0, 3]].any()
    np.testing.assert_array_equal(filled[1], ndimage.binary_fill_holes(ring))
    with pytest.raises(InputError, match="not filled"):
        read_case(row, CohortSettings(kind="volume"))


def test_a_line_is_told(tmp_path: Path):
    line = np.zeros((96, 96), bool)
    line[40, 8:88] = True
    notes = check_case(2, row_of(tmp_path, line), CohortSettings()).notes
    assert any("a line or single voxels (80): it has no inside" in note for note in notes)


def test_what_a_resampled_mask_loses_is_told(tmp_path: Path):
    """Half of a box lies beside the image; a box inside it loses nothing."""
    image, mask = (sitk.GetImageFromArray(np.stack([PICTURE] * 4)) for _ in range(2))
    box = np.zeros((4, 96, 96), np.uint8)
    box[:, 40:60, 40:60] = 1
    for shift, share in ((0.0, None), (46.0, "50%")):
        mask = sitk.GetImageFromArray(box)
        mask.SetOrigin((shift + 0.25, 0, 0))
        sitk.WriteImage(image, str(tmp_path / "v.nii.gz"))
        sitk.WriteImage(mask, str(tmp_path / "m.nii.gz"))
        row = row_of(tmp_path, box[0]) | {"image": str(tmp_path / "v.nii.gz"), "mask": str(tmp_path / "m.nii.gz")}
        notes = read_case(row, CohortSettings(kind="volume", geometry="resample")).notes
        told = [note for note in notes if "lies outside the image" in note]
        assert bool(told) is (share is not None) and all(note.startswith(share or "") for note in told)


def test_look_alikes_are_told_once_a_group():
    from dlr.cohort.duplicates import groups_of_pairs

    pairs = [("c", "d"), ("a", "b"), ("b", "e"), ("x", "y")]
    assert groups_of_pairs(pairs) == [["a", "b", "e"], ["c", "d"], ["x", "y"]]
    many = [(f"{i:03d}", f"{j:03d}") for i in range(300) for j in range(i)]
    assert groups_of_pairs(many) == [[f"{i:03d}" for i in range(300)]] and groups_of_pairs([]) == []
