"""Regions around a lesion: their names, their voxels, and the columns that they give."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.distance import signed_distance
from dlr.engine import resolve
from dlr.engine.keys import identity_of_settings
from dlr.errors import InputError
from dlr.radiomics import expected_columns, family_counts, feature_dictionary, load_profile, split_column
from dlr.radiomics.regions import (
    LESION,
    lesion_columns,
    parse_region,
    region_and_rest,
    region_mask,
    region_words,
)
from dlr.radiomics.settings import RadiomicsSettings
from dlr.settings import StudySettings

REGIONS = ("lesion", "core_1.5mm", "rim_2mm", "peritumoral_4mm")
WIDTHS = (0.9, 2.0, 3.7)


def brute_distance(mask: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Of every voxel, to the nearest centre on the other side of the outline; negative inside."""
    places = np.argwhere(np.ones_like(mask)) * spacing
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    inside = mask.ravel()
    nearest = np.where(inside, -apart[:, ~inside].min(axis=1), apart[:, inside].min(axis=1))
    return nearest.reshape(mask.shape)


@pytest.mark.parametrize("shape", [(1, 13, 11), (5, 8, 7)])
@pytest.mark.parametrize("seed", range(4))
def test_regions_hold_the_voxels_that_brute_force_finds(shape: tuple[int, int, int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(size // 4, size // 4 + max(1, size // 2)) for size in shape)] = True
    mask &= draw.random(shape) < 0.85  # holes and a ragged border
    mask.flat[mask.size // 2] = True
    spacing = tuple(draw.uniform(0.3, 2.5, 3))
    expected, distance = brute_distance(mask, spacing), signed_distance(mask, spacing)
    for width in WIDTHS:
        for millimetre in (1.0, 0.6):
            reach = width * millimetre
            by_hand = {
                f"core_{width}mm": mask & (expected <= -reach),
                f"rim_{width}mm": (expected <= reach) & (expected >= -reach),
                f"peritumoral_{width}mm": ~mask & (expected <= reach),
            }
            for name, region in by_hand.items():
                np.testing.assert_array_equal(region_mask(name, distance, millimetre), region, name)


def test_shells_of_a_disc_have_the_area_of_rings() -> None:
    """Radius 12 mm in pixels of .1 mm: pi r^2 of the circles between which each region lies."""
    edge, radius = 0.1, 12.0
    y, x = (np.arange(-190, 191) * edge for _ in range(2))
    mask = ((y[:, None] ** 2 + x[None] ** 2) <= radius**2)[None]
    distance = signed_distance(mask, (edge, edge, edge))
    areas = {
        "core_3mm": radius - 3, "rim_2mm": (radius - 2, radius + 2), "peritumoral_4mm": (radius, radius + 4),
    }  # fmt: skip
    for name, circles in areas.items():
        inner, outer = circles if isinstance(circles, tuple) else (0.0, circles)
        found = float(region_mask(name, distance).sum()) * edge**2
        # a pixel's centre lies up to one edge beside the circle
        assert found == pytest.approx(np.pi * (outer**2 - inner**2), abs=2 * np.pi * (outer + inner) * edge), name
        assert abs(found / (np.pi * (outer**2 - inner**2)) - 1) < 0.02, name


def test_a_peritumoral_shell_and_the_lesion_share_no_voxel_and_a_rim_lies_on_both_sides() -> None:
    mask = np.zeros((1, 9, 9), dtype=bool)
    mask[0, 3:6, 3:6] = True
    distance = signed_distance(mask, (1.0, 1.0, 1.0))
    assert not (region_mask("peritumoral_2mm", distance) & mask).any()
    assert region_mask("rim_1mm", distance).sum() == 8 + 12  # all but the middle; four neighbours of three each
    assert region_mask("core_2mm", distance).sum() == 1


def test_columns_come_region_by_region_and_the_lesions_keep_their_names() -> None:
    profile = load_profile("ultrasound2d")
    alone, all_of_them = (expected_columns(profile, "still", regions) for regions in ((LESION,), REGIONS))
    assert alone == expected_columns(profile, "still")
    assert all_of_them == (*alone, *(f"{name}_{column}" for name in REGIONS[1:] for column in alone))
    assert lesion_columns(all_of_them) == list(alone)
    for name in REGIONS[1:]:
        assert split_column(f"{name}_{alone[-1]}") == split_column(alone[-1])
        assert region_and_rest(f"{name}_{alone[-1]}") == (name, alone[-1])


@pytest.mark.parametrize("column", ["original_glcm_Contrast", "rim_texture", "core_3_mean", "rim_2mm", "age"])
def test_a_column_that_only_looks_like_a_region_is_the_lesions(column: str) -> None:
    assert region_and_rest(column) == (LESION, column)


def test_the_dictionary_says_the_same_of_a_feature_in_every_region() -> None:
    profile = load_profile("volume3d_original")
    table = feature_dictionary(profile, "volume", REGIONS).set_index("name")
    for column in expected_columns(profile, "volume"):
        for name in REGIONS[1:]:
            assert table.loc[f"{name}_{column}"].equals(table.loc[column])
    once, all_of_them = (family_counts(profile, "volume", regions) for regions in ((LESION,), REGIONS))
    assert (all_of_them["count"] == 4 * once["count"]).all()
    assert all_of_them.drop(columns="count").equals(once.drop(columns="count"))


@pytest.mark.parametrize(
    ("regions", "what"),
    [
        ("[lesion, peritumoral]", "no region peritumoral"),
        ("[lesion, ring_2mm]", "no region ring_2mm"),
        ("[lesion, rim_2]", "no region rim_2"),
        ("[lesion, rim_0mm]", "no region rim_0mm"),
        ("[lesion, rim_-2mm]", "no region rim_-2mm"),
        ("[peritumoral_4mm]", "lesion does not stand first"),
        ("[]", "lesion does not stand first"),
        ("[lesion, rim_2mm, rim_2.0mm]", "stands twice"),
        ("[lesion, lesion]", "stands twice"),
    ],
)
def test_a_region_that_is_none_is_answered_with_the_form(regions: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        resolve(StudySettings, {}, [f"radiomics.regions={regions}"])
    assert "rim_2mm" in caught.value.problems[0].mend and "peritumoral_4mm" in caught.value.problems[0].mend


def test_widths_are_read_from_the_name() -> None:
    assert parse_region("peritumoral_4mm") == ("peritumoral", 4.0)
    assert parse_region("core_0.5mm") == ("core", 0.5)
    assert [parse_region(name) for name in ("lesion", "core_.5mm", "core_5", "Rim_2mm", "rim_2mm_")] == [None] * 5
    assert region_words("rim_2mm") == "a rim of 2 mm to either side of its outline"
    assert region_words(LESION) == "the lesion"


def test_a_study_of_the_lesion_alone_keeps_its_key() -> None:
    assert set(identity_of_settings(RadiomicsSettings())) == {"profile", "engine"}
    assert identity_of_settings(RadiomicsSettings(regions=REGIONS))["regions"] == list(REGIONS)
