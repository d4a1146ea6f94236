"""What is measured around a lesion: the right voxels, in the right unit, and a reason where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlr.cohort import Case
from dlr.cohort.images import Image
from dlr.distance import signed_distance
from dlr.engine.keys import key_of
from dlr.radiomics import measure
from dlr.radiomics.profile import parse_profile
from dlr.study.cases import CaseRow, OneCase, enhanced_case
from dlr.study.measuring import Measuring, measure_one, region_masks_of
from dlr.study.tasks import key_of_payload
from dlr.volume.regions import breast_of

PROFILE = parse_profile("featureClass: {firstorder: [Mean, Energy], glcm: [Contrast]}", "small")
MEAN = "original_firstorder_Mean"


class Held:
    """A case that is at hand."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def read(self, row: CaseRow, outline: str = "mask") -> Case:
        return self.case

    def key(self, row: CaseRow, outline: str, digest: object) -> dict:
        return {"case": row.case_id}


def square(edge: float = 1.0, half: int = 6, size: int = 41, known: bool = True) -> Case:
    """A still: a square lesion of 2 half + 1 pixels, its grey values those of the pixel's place."""
    array = np.random.default_rng(2).normal(100, 9, (1, size, size))
    mask = np.zeros(array.shape, dtype=bool)
    middle = slice(size // 2 - half, size // 2 + half + 1)
    mask[0, middle, middle] = True
    return Case("C1", "P1", Image(array, (edge,) * 3, known), mask, ())


def asked(case: Case, *regions: str, **more: object) -> Measuring:
    return Measuring(OneCase(Held(case), CaseRow("C1", "P1", "")), PROFILE, "native", "1", regions=regions, **more)


def test_each_region_is_measured_as_a_lesion_of_its_own_would_be() -> None:
    case = square()
    found = measure_one(asked(case, "lesion", "core_3mm", "rim_2mm", "peritumoral_4mm"))
    pixels, distance = (case.image.array, case.image.spacing), signed_distance(case.mask, case.image.spacing)
    shells = {
        "": case.mask, "core_3mm_": distance <= -3, "rim_2mm_": abs(distance) <= 2,
        "peritumoral_4mm_": ~case.mask & (distance <= 4),
    }  # fmt: skip
    assert len(found.values) == 4 * 3 and not found.missing
    for prefix, mask in shells.items():
        for column, value in measure(pixels, mask, PROFILE).values.items():
            assert found.values[prefix + column] == value
    assert found.values[f"peritumoral_4mm_{MEAN}"] == pytest.approx(case.image.array[shells["peritumoral_4mm_"]].mean())


def test_a_region_of_too_few_voxels_is_missing_with_its_reason_and_the_lesion_stays() -> None:
    case = square(half=2)  # 5 x 5: the middle is 3 mm deep
    found = measure_one(asked(case, "lesion", "core_3mm", "core_4mm"))
    assert found.values == measure_one(asked(case, "lesion")).values
    assert set(found.missing) == {f"{name}_{column}" for name in ("core_3mm", "core_4mm") for column in found.values}
    assert found.missing[f"core_3mm_{MEAN}"] == "core_3mm: the ROI is a single voxel"
    assert found.missing[f"core_4mm_{MEAN}"] == "core_4mm: no voxel of the image lies in it"


def test_without_spacing_a_millimetre_is_a_twentieth_of_the_equivalent_diameter() -> None:
    """13 x 13 pixels have the area of a disc of diameter 14.67: 4 mm are 2.93 pixels."""
    case = square(known=False)
    region = region_masks_of(case, case.mask, ("lesion", "peritumoral_4mm"))["peritumoral_4mm"]
    reach = 4 / 20 * 2 * np.sqrt(169 / np.pi)
    np.testing.assert_array_equal(region, ~case.mask & (signed_distance(case.mask, (1.0, 1.0, 1.0)) <= reach))
    known = region_masks_of(square(), case.mask, ("lesion", "peritumoral_4mm"))["peritumoral_4mm"]
    assert region.sum() < known.sum()


@pytest.mark.parametrize("known", [True, False])
def test_an_enlarged_image_has_the_region_of_the_same_field(known: bool) -> None:
    case = square(edge=0.5 if known else 1.0, known=known)
    finer = enhanced_case(case, np.kron(case.image.array[0], np.ones((2, 2))), 2)
    name = "peritumoral_2mm"
    own, fine = (region_masks_of(one, one.mask, ("lesion", name))[name] for one in (case, finer))
    edge = case.image.spacing[1]
    border = 4 * 2 * 13 * edge * edge  # a line of pixels around the lesion and its shell
    assert abs(fine.sum() * (edge / 2) ** 2 - own.sum() * edge**2) < border


def test_in_a_volume_regions_end_where_the_breast_does_and_never_lose_lesion() -> None:
    array = np.random.default_rng(1).normal(100, 5, (6, 40, 40))
    array[:, :, :14] = 0  # air
    mask = np.zeros(array.shape, dtype=bool)
    mask[2:4, 16:24, 13:22] = True  # its outline reaches a voxel into the air
    case = Case("C1", "P1", Image(array, (2.0, 1.0, 1.0), True), mask, ())
    found = region_masks_of(case, mask, ("lesion", "core_1mm", "rim_3mm", "peritumoral_4mm"))
    distance, breast = signed_distance(mask, (2.0, 1.0, 1.0)), breast_of(array)
    assert not breast[:, :, :12].any() and breast[:, :, 16:].all()
    np.testing.assert_array_equal(found["peritumoral_4mm"], (distance > 0) & (distance <= 4) & breast)
    np.testing.assert_array_equal(found["rim_3mm"], (abs(distance) <= 3) & (breast | mask))
    np.testing.assert_array_equal(found["core_1mm"], mask)
    assert found["rim_3mm"][2:4, 16:24, 13].all() and not found["peritumoral_4mm"][:, :, :12].any()


def test_another_readers_outline_moves_its_regions_too() -> None:
    case, region = square(), "peritumoral_4mm"
    plain, grown = (
        measure_one(asked(case, "lesion", region, perturbation=kind, seed=None if kind is None else 1))
        for kind in (None, "dilate")
    )
    assert plain.values[f"{region}_{MEAN}"] != grown.values[f"{region}_{MEAN}"]


def test_a_task_of_the_lesion_alone_keeps_its_key() -> None:
    def digest(path: str | Path) -> str:
        return str(path)

    alone, more = asked(square(), "lesion"), asked(square(), "lesion", "rim_2mm")
    assert "regions" not in key_of_payload(alone, digest)
    assert key_of(key_of_payload(more, digest)) != key_of(key_of_payload(alone, digest))
    other = replace(more, regions=("lesion", "rim_3mm"))
    assert key_of(key_of_payload(more, digest)) != key_of(key_of_payload(other, digest))
