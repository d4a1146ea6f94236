"""One picture under several names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image as Picture
from small_cohort import picture

from dlr.cohort.duplicates import find_copies, find_near_copies, fingerprint


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
