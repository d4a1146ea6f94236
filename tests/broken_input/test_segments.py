"""Masks of named segments that do not say which is the ROI, or do not fit their image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import item, pydicom, write, write_rtstruct, write_seg, write_series

from dlr.cohort import CohortSettings, read_case, read_mask
from dlr.errors import InputError

AREA = np.zeros((6, 24, 32), bool)
AREA[1:4, 5:15, 6:20] = True
NODE = np.zeros_like(AREA)
NODE[3, 12:20, 18:30] = True


def changed(path: Path, change: Callable[[Any], object]) -> Path:
    header = pydicom.dcmread(path)
    change(header)
    header.save_as(path)
    return path


def moved(header: Any) -> None:
    for contour in header.ROIContourSequence[0].ContourSequence:
        contour.ContourData = [value + (100 if n % 3 == 2 else 0) for n, value in enumerate(contour.ContourData)]


def cut(header: Any) -> None:
    header.ROIContourSequence[0].ContourSequence[0].ContourData = ["1", "2", "3", "4"]


def opened(header: Any) -> None:
    for contour in header.ROIContourSequence[0].ContourSequence:
        contour.ContourGeometricType = "OPEN_PLANAR"


def uneven(header: Any) -> None:
    position = header.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    position.ImagePositionPatient = [-10, 20, 5 + 2.9]


def shifted(header: Any) -> None:
    for groups in header.PerFrameFunctionalGroupsSequence:
        groups.PlanePositionSequence[0].ImagePositionPatient[2] += 60


BOTH = {"lesion": AREA, "node": NODE}
FAULTS: dict[str, tuple[Callable[[Path], Path], dict[str, Any], str, str]] = {
    "two segments and no choice": (
        lambda f: write_seg(f / "m.dcm", BOTH), {}, "several segments: 1 'lesion' (420 voxels), 2 'node' (96 voxels)",
        "cohort.mask_segment, or mask_label",
    ),
    "a name that is none": (
        lambda f: write_seg(f / "m.dcm", BOTH), {"mask_segment": "cyst"},
        "no segments are named 'cyst'; it holds 1 'lesion'", "set cohort.mask_segment",
    ),
    "a number that is none": (
        lambda f: write_rtstruct(f / "m.dcm", BOTH), {"mask_label": 3}, "no segment 3; it holds 1 'lesion'",
        "set cohort.mask_label",
    ),
    "a name for a mask without names": (
        lambda f: write_series(f / "mask", AREA.astype(np.uint8)), {"mask_segment": "lesion"}, "have no names",
        "leave cohort.mask_segment away",
    ),
    "contours beyond the image": (
        lambda f: changed(write_rtstruct(f / "m.dcm", BOTH), moved), {"mask_label": 1}, "lies on no slice of the image",
        "name the image that was outlined",
    ),
    "a contour of four numbers": (
        lambda f: changed(write_rtstruct(f / "m.dcm", BOTH), cut), {"mask_label": 1}, "a contour of 4 numbers",
        "export it again",
    ),
    "open contours alone": (
        lambda f: changed(write_rtstruct(f / "m.dcm", {"lesion": AREA}), opened), {}, "the mask is empty",
        "outline the lesion",
    ),
    "frames at uneven distances": (
        lambda f: changed(write_seg(f / "m.dcm", {"lesion": AREA}), uneven), {}, "its frames lie at uneven distances",
        "on its image's slices",
    ),
    "a segmentation of another place": (
        lambda f: changed(write_seg(f / "m.dcm", {"lesion": AREA}), shifted), {}, "mask grid 32 x 24 x 3 differs",
        "cohort.geometry: resample",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_mask_of_segments_that_does_not_fit_is_named(tmp_path: Path, name: str) -> None:
    make, settings, what, mend = FAULTS[name]
    image = write_series(tmp_path / "series", np.arange(AREA.size, dtype=np.uint16).reshape(AREA.shape) % 200)
    mask = make(tmp_path)
    row = {"case_id": "c7", "patient_id": "p", "image": str(image), "mask": str(mask)}
    with pytest.raises(InputError) as error:
        read_case(row, CohortSettings(**settings))
    (problem,) = error.value.problems
    assert problem.where == f"case c7, {mask}" and what in problem.what and mend in problem.mend


@pytest.mark.parametrize(("key", "value"), [("Layer", "3"), ("LabelValue", "99999999999"), ("LabelValue", "two")])
def test_a_layer_or_label_that_is_not_there_is_named(tmp_path: Path, key: str, value: str) -> None:
    image = sitk.GetImageFromArray(AREA.astype(np.uint8))
    for name, text in {"ID": "s", "Name": "lesion", "Layer": "0", "LabelValue": "1", key: value}.items():
        image.SetMetaData(f"Segment0_{name}", text)
    sitk.WriteImage(image, str(tmp_path / "m.seg.nrrd"))
    with pytest.raises(InputError) as error:
        read_mask(tmp_path / "m.seg.nrrd", CohortSettings())
    (problem,) = error.value.problems
    assert problem.where == str(tmp_path / "m.seg.nrrd") and "again" in problem.mend
    assert "that are not there" in problem.what or "'two'" in problem.what


def test_structures_of_a_picture_without_a_place_are_refused(tmp_path: Path) -> None:
    image = write(tmp_path / "i.dcm", np.arange(768, dtype=np.uint16).reshape(24, 32))
    mask = write_rtstruct(tmp_path / "m.dcm", {"lesion": AREA[1:2]})
    row = {"case_id": "c", "patient_id": "p", "image": str(image), "mask": str(mask)}
    with pytest.raises(InputError, match="does not say where its slices lie"):
        read_case(row, CohortSettings())


def test_holes_are_contours_inside_others_and_open_ones_are_noted(tmp_path: Path) -> None:
    image = write_series(tmp_path / "series", np.arange(AREA.size, dtype=np.uint16).reshape(AREA.shape) % 200)
    mask = write_rtstruct(tmp_path / "m.dcm", {"lesion": AREA})

    def with_hole(header: Any) -> None:
        corners = [value for x, y in ((8, 8), (12, 8), (12, 11), (8, 11))
                   for value in (-10 + (x - 0.5) / 2, 20 + (y - 0.5) / 2, 7.0)]  # fmt: skip
        more = [item(ContourGeometricType=kind, ContourData=corners) for kind in ("CLOSED_PLANAR", "POINT")]
        header.ROIContourSequence[0].ContourSequence.extend(more)

    changed(mask, with_hole)
    case = read_case({"case_id": "c", "patient_id": "p", "image": str(image), "mask": str(mask)}, CohortSettings())
    wanted = AREA.copy()
    wanted[1, 8:11, 8:12] = False
    assert np.array_equal(case.mask, wanted) and any("an open contour or point" in note for note in case.notes)


def test_a_segmentation_without_positions_lies_on_the_frames_that_it_names(tmp_path: Path) -> None:
    from dlr.cohort.formats import decode

    def bare(header: Any) -> None:
        for groups in header.PerFrameFunctionalGroupsSequence:
            del groups.PlanePositionSequence

    cine = write(tmp_path / "cine.dcm", np.zeros(AREA.shape, np.uint8))
    path = changed(write_seg(tmp_path / "m.dcm", {"lesion": AREA}), bare)
    header = pydicom.dcmread(path)
    for n, groups in enumerate(header.PerFrameFunctionalGroupsSequence):
        groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber = n + 2
    header.save_as(path)
    found = decode(path, labels=True, onto=decode(cine))
    assert np.array_equal(found.array[..., 0] > 0, AREA) and found.grid is None
