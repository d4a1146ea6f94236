"""One picture under several names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image as Picture
from small_cohort import picture

from dlr.cohort.duplicates import find_copies, find_near_copies, find_row_copies, fingerprint
from dlr.phantom import feature_cohort


def smooth(seed: int) -> np.ndarray:
    """A picture with large structures, as tissue has."""
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 9)).astype(np.uint8)
    return np.asarray(Picture.fromarray(coarse).resize((256, 200), Picture.Resampling.BICUBIC))


CASES = pd.DataFrame({"case_id": ["a", "b", "c"], "patient_id": ["1", "1", "2"]})


def test_equal_samples_of_two_patients_are_a_group_and_of_one_are_not() -> None:
    digest = fingerprint(smooth(1)[np.newaxis])[0]
    assert find_copies(CASES, {"a": digest, "b": digest, "c": "other"}) == []
    assert find_copies(CASES, {"a": digest, "b": "other", "c": digest}) == [["a", "c"]]


def test_type_and_shape_belong_to_the_samples() -> None:
    flat = np.zeros((1, 4, 6), np.uint8)
    assert len({fingerprint(a)[0] for a in (flat, flat.reshape(1, 6, 4), flat.astype(np.int8))}) == 3


def test_a_scaled_and_recompressed_copy_is_found_and_another_picture_is_not() -> None:
    first = smooth(1)
    small = np.asarray(Picture.fromarray(first).resize((180, 141), Picture.Resampling.LANCZOS))
    noisy = np.clip(small + np.random.default_rng(0).normal(0, 4, small.shape), 0, 255).astype(np.uint8)
    thumbnails = {n: fingerprint(p[np.newaxis])[1] for n, p in {"a": first, "b": smooth(2), "c": noisy}.items()}
    ((one, other, alike),) = find_near_copies(CASES, thumbnails)
    assert (one, other) == ("a", "c") and alike > 0.98


def test_a_flat_picture_is_like_none() -> None:
    thumbnails = {n: fingerprint(np.zeros((1, 50, 50)))[1] for n in "ac"}
    assert find_near_copies(CASES, thumbnails) == []


def test_different_lesions_in_speckle_are_no_copies() -> None:
    cases = pd.DataFrame({"case_id": [str(n) for n in range(40)], "patient_id": [str(n) for n in range(40)]})
    assert find_near_copies(cases, {str(n): fingerprint(picture(n)[0][np.newaxis])[1] for n in range(40)}) == []


def own(rows: int) -> np.ndarray:
    return np.arange(rows)


def test_equal_rows_of_two_patients_are_copies_and_of_one_are_not() -> None:
    values = np.random.default_rng(0).normal(size=(30, 6))
    values[17] = values[3]
    assert find_row_copies(values, own(30)) == ([(3, 17, 6)], 6)
    assert find_row_copies(values, np.where(own(30) == 17, 3, own(30))) == ([], 6)


def test_rounding_missing_cells_and_a_changed_column_hide_no_copy() -> None:
    """Row 1 repeats row 0 in whole numbers, with a gap where it has one and one column of its own; row 2 has three."""
    values = 1000 + 100 * np.random.default_rng(1).normal(size=(40, 20))
    values[:2, 3] = np.nan
    values[1] = np.round(values[0])
    values[1, 5] += 300
    values[2] = values[0]
    values[2, :3] -= 300
    assert find_row_copies(values, own(40)) == ([(0, 1, 18)], 20), "of 19 that one of them has; 16 of 19 are too few"


def test_columns_that_say_nothing_make_no_copies() -> None:
    """Ninety columns of one value for most rows, and four that tell rows apart: too few to judge by."""
    values = np.zeros((50, 94))
    values[:5, :90] = 1
    values[:, 90:] = np.random.default_rng(2).normal(size=(50, 4))
    values[1] = values[0]
    assert find_row_copies(values, own(50)) == ([], 4)


def test_scores_that_patients_share_make_no_copies() -> None:
    """Six scores of four steps: of 200 patients some have all six in common, and are nobody's copy."""
    scores = np.random.default_rng(0).integers(0, 4, (200, 6)).astype(float)
    assert len(np.unique(scores, axis=0)) < 200
    assert find_row_copies(scores, own(200)) == ([], 0)


def test_pairs_are_those_of_a_plain_loop_and_noise_has_none() -> None:
    features, *_ = feature_cohort(90, 60, seed=5)
    values = features.to_numpy().copy()
    assert find_row_copies(values, own(90))[0] == []
    draw = np.random.default_rng(3)
    for copy, first in ((80, 2), (81, 2), (40, 7)):
        values[copy] = values[first]
        values[copy, draw.permutation(60)[:5]] += 1e6
    low, high = np.quantile(values, (0.25, 0.75), axis=0)
    agree = {
        (i, j): int((np.abs(values[i] - values[j]) <= 0.02 * (high - low)).sum()) for i in range(90) for j in range(i)
    }
    slow = sorted((j, i, k) for (i, j), k in agree.items() if k >= 54)
    assert find_row_copies(values, own(90)) == (slow, 60)
    assert {(a, b) for a, b, _ in slow} >= {(2, 80), (2, 81), (7, 40)}


def test_a_table_without_rows_or_columns_has_no_copies() -> None:
    assert find_row_copies(np.zeros((0, 8)), own(0)) == ([], 0)
    assert find_row_copies(np.zeros((3, 0)), own(3)) == ([], 0)
