"""The whole battery on phantoms: bicubic passes, controls are seen, bad generators fail by the check that is meant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from dlr.errors import InputError
from dlr.phantom.still import draw_anatomy, draw_still
from dlr.randomness import rng
from dlr.superres import DegradationSettings
from dlr.superres.checked import Pair, _planted, measure_enhanced, measure_field, measure_pair, pair_of
from dlr.superres.checks import checks_of, fidelity_of
from dlr.superres.grid import bicubic, block_means
from dlr.superres.planted import dot, somewhere
from dlr.superres.speckle import speckle_fields
from dlr.superres.verdict import verdict
from dlr.tables import CHECKED, CHECKS, FIDELITY

SETTINGS = DegradationSettings()
PATIENTS, SIZE = 12, 160
Generator = Callable[[int, Pair, np.ndarray], np.ndarray]  # patient, pair, bicubic


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    made = []
    for k in range(PATIENTS):
        draws = rng(7, "phantom", k)
        still = draw_still(draw_anatomy(0.0, 0.0, 0.0, False, draws), SIZE, draws)
        made.append(pair_of(still.image / np.float32(255), still.mask, 4, SETTINGS, draws))
    return made


def measured(pairs: list[Pair], generator: Generator, amplitude: float = 90) -> pd.DataFrame:
    frames = []
    for k, pair in enumerate(pairs):
        plain = np.clip(bicubic(pair.low, pair.scale), 0, 1)
        outputs = {"restored": generator(k, pair, plain), "bicubic": plain}
        frame = measure_pair(pair, outputs, amplitude, rng(7, "planted", k))
        frames.append(frame.assign(case_id=f"case {k}", patient_id=f"patient {k}"))
    return CHECKED.conform(pd.concat(frames))


def found(checked: pd.DataFrame, subject: str = "restored") -> set[str]:
    table = CHECKS.conform(checks_of(checked, 1))
    return set(table.loc[(table["subject"] == subject) & table["found"], "check"])


@pytest.fixture(scope="module")
def plain(pairs: list[Pair]) -> pd.DataFrame:
    return measured(pairs, lambda k, pair, image: image)


def test_bicubic_passes_and_every_planted_control_is_seen_by_its_check(plain: pd.DataFrame) -> None:
    assert found(plain) == set()
    assert {"A", "C"} <= found(plain, "planted dot")
    assert "C" in found(plain, "planted null-space dot")
    assert "A" not in found(plain, "planted null-space dot")
    assert "A" in found(plain, "planted wiped spot")
    assert verdict(CHECKS.conform(checks_of(plain, 1))).word == "passed"


def test_a_generator_that_paints_a_dot_into_a_third_of_lesions_fails_by_contradiction_and_false_structure(
    pairs: list[Pair],
) -> None:
    def paint(k: int, pair: Pair, image: np.ndarray) -> np.ndarray:
        centre = somewhere(pair.lesion, rng(9, k))
        return image + dot(image.shape, centre, 200) if k % 3 == 0 else image

    checked = measured(pairs, paint)
    assert {"A", "C"} <= found(checked)
    assert verdict(CHECKS.conform(checks_of(checked, 1))).word == "hallucination"


def test_sharpened_borders_contradict_nothing(pairs: list[Pair]) -> None:
    def sharpened(k: int, pair: Pair, image: np.ndarray) -> np.ndarray:
        return image + np.float32(0.8) * (image - gaussian_filter(image, 2))

    checked = measured(pairs[:4], sharpened)
    worst = checked[(checked["measure"] == "contradiction") & (checked["subject"] == "restored")]["value"]
    assert worst.max() < 2  # with nothing explained by blur: 4.3


def test_a_darkened_output_fails_by_its_grey_level_and_by_more_residual_than_noise(pairs: list[Pair]) -> None:
    # of these dark lesions bicubic itself is 2.6 levels too bright: blur spills into them what is around
    assert found(measured(pairs, lambda k, pair, image: image - np.float32(5 / 255))) == {"A2", "B"}


@pytest.mark.slow
def test_a_sharpened_output_invents_detail(pairs: list[Pair]) -> None:
    def sharpened(k: int, pair: Pair, image: np.ndarray) -> np.ndarray:
        return np.clip(image + 4 * (image - gaussian_filter(image, 2)), 0, 1)

    assert {"A2", "E"} <= found(measured(pairs, sharpened))


def test_the_truth_as_output_recovers_everything_and_is_as_near_as_can_be(pairs: list[Pair]) -> None:
    checked = measured(pairs[:2], lambda k, pair, image: pair.truth)
    own = checked[checked["subject"] == "restored"].groupby(["region", "measure"])["value"].mean()
    assert own["lesion"][["recovered", "invented", "false_structures", "lost_structures"]].tolist() == [1, 0, 0, 0]
    assert own["whole", "ssim"] == pytest.approx(1.0)
    assert own["rim", "psnr"] > 58
    fidelity = FIDELITY.conform(fidelity_of(checked, 1))
    better = fidelity[(fidelity["subject"] == "restored") & (fidelity["measure"] == "psnr")]
    assert (better["difference"] > 10).all()
    assert len(better) == 3


def test_no_control_is_whiter_than_white(pairs: list[Pair]) -> None:
    white = np.full(pairs[0].truth.shape, 0.98, dtype=np.float32)
    planted = _planted(pairs[0], white, 60, rng(1))
    assert len(planted) == 3
    assert all(image.min() >= 0 and image.max() <= 1 for image in planted.values())
    assert planted["planted dot"].max() == 1
    assert _planted(pairs[0], white + np.float32(0.5), 60, rng(1))["planted dot"].max() == np.float32(1.48)  # as it was


def test_every_row_is_there_once_and_a_distance_only_where_one_is_given(pairs: list[Pair]) -> None:
    image = bicubic(pairs[0].low, 4)
    outputs = {"restored": image, "bicubic": image, "psnr": image}
    rows = measure_pair(pairs[0], outputs, 60, rng(1), lambda truth, output: 7.0)
    assert not rows.duplicated(["subject", "region", "measure"]).any()
    assert rows[rows["measure"] == "perceptual"]["value"].tolist() == [7.0, 7.0, 7.0]
    assert set(rows["subject"]) == {*outputs, "planted dot", "planted null-space dot", "planted wiped spot"}
    again = measure_pair(pairs[0], outputs, 60, rng(1))
    assert "perceptual" not in set(again["measure"])
    pd.testing.assert_frame_equal(rows[rows["measure"] != "perceptual"].reset_index(drop=True), again)
    assert rows["value"].notna().all()


@pytest.mark.parametrize("scale", [2, 4])
def test_a_pair_is_cut_to_whole_blocks_and_its_parts_fit(scale: int) -> None:
    image, mask = speckle_fields(1, number=1, size=95)[0][:, :90], np.zeros((95, 90), dtype=bool)
    mask[30:60, 20:50] = True
    pair = pair_of(image, mask, scale, SETTINGS, rng(2))
    assert pair.truth.shape == pair.lesion.shape == pair.rim.shape == (95 // scale * scale, 90 // scale * scale)
    assert pair.low.shape == pair.clean.shape == (95 // scale, 90 // scale)
    assert np.abs(pair.clean - block_means(pair.truth, scale)).max() < 0.2
    output = bicubic(pair.low, scale)
    rows = measure_pair(pair, {"restored": output, "bicubic": output}, 60, rng(3))
    assert rows["value"].notna().all()
    assert ("planted null-space dot" in set(rows["subject"])) == (scale == 4)


def test_a_lesion_that_is_cut_off_with_the_last_rows_is_named() -> None:
    mask = np.zeros((66, 64), dtype=bool)
    mask[64:] = True
    with pytest.raises(InputError, match="last rows or columns"):
        pair_of(np.zeros((66, 64), dtype=np.float32), mask, 4, SETTINGS, rng(1))


def test_fields_of_speckle_hold_no_lesion_and_dots_in_them_are_seen() -> None:
    fields, frames = speckle_fields(3, number=8, size=112), []
    assert np.std([field.mean() for field in fields]) < 0.01
    assert all(0.02 < field.std() < 0.07 for field in fields)  # speckle of 5 to 18 levels
    for k, field in enumerate(fields):
        pair = pair_of(field, np.ones(field.shape, dtype=bool), 4, SETTINGS, rng(4, k))
        output = bicubic(pair.low, 4)
        rows = measure_field(pair, {"restored": output, "bicubic": output}, 90, rng(5, k))
        frames.append(rows.assign(case_id=f"field {k}", patient_id=""))
    counts = pd.concat(frames).groupby("subject")["value"].sum()
    assert counts["restored"] == counts["bicubic"] == 0
    assert counts["planted dot"] >= 6
    assert counts["planted null-space dot"] >= 6
    assert not np.array_equal(fields[0], fields[1])
    assert np.array_equal(fields[1], speckle_fields(3, number=2, size=112)[1])


def test_an_enhanced_image_is_judged_by_its_own_input(pairs: list[Pair]) -> None:
    low, mask = pairs[0].low, block_means(pairs[0].lesion, 4) >= 0.5
    image = bicubic(low, 4)
    centre = somewhere(pairs[0].lesion, rng(1))
    outputs = {"restored": image + dot(image.shape, centre, 120), "bicubic": image}
    rows = measure_enhanced(low, outputs, mask, 4, SETTINGS).set_index("subject")
    assert rows["value"]["bicubic"] < 6 < rows["value"]["restored"]
    assert set(rows["region"]) == {"enhanced"}
