"""BBC-CV: a slow twin of the algorithm, the optimism of choosing on noise, broken input."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.stats import auc_within_folds, bbc_auc
from dlr.stats.bootstrap import draw_weights


def noise(seed: int, n: int = 80, tried: int = 8) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n) % 3 == 0, rng(seed, "noise").normal(size=(n, tried))


def share_of_pairs(positive: np.ndarray, value: np.ndarray, weight: np.ndarray) -> float:
    gaps = value[positive][:, None] - value[~positive][None, :]
    both = weight[positive][:, None] * weight[~positive][None, :]
    return float((both * ((gaps > 0) + 0.5 * (gaps == 0))).sum() / both.sum())


def test_equals_choosing_in_bag_and_scoring_out_of_bag_one_by_one() -> None:
    positive, matrix = noise(1, n=40, tried=4)
    found = bbc_auc(positive, matrix, generator=rng(2, "bbc"), replicates=30)
    scores, winners = [], []
    for weight in draw_weights(positive, 30, rng(2, "bbc")):
        inside = [share_of_pairs(positive, matrix[:, c], weight) for c in range(4)]
        winners.append(int(np.argmax(inside)))
        scores.append(share_of_pairs(positive, matrix[:, winners[-1]], (weight == 0).astype(float)))
    assert found.corrected.value == pytest.approx(np.mean(scores), abs=1e-12)
    limits = (found.corrected.lower, found.corrected.upper)
    assert limits == pytest.approx(tuple(np.quantile(scores, (0.025, 0.975))), abs=1e-12)
    assert found.frequency == pytest.approx(np.bincount(winners, minlength=4) / 30)
    assert found.areas == pytest.approx([share_of_pairs(positive, matrix[:, c], np.ones(40)) for c in range(4)])
    assert found.apparent == found.areas.max() == found.areas[found.chosen]


def test_best_of_eight_on_noise_looks_good_and_its_correction_does_not() -> None:
    apparent, corrected = zip(
        *((found.apparent, found.corrected.value) for found in (bbc_auc(*noise(s), replicates=100) for s in range(40))),
        strict=True,
    )
    assert np.mean(apparent) > 0.57
    assert np.mean(corrected) == pytest.approx(
        0.5, abs=0.03
    )  # three Monte-Carlo errors of 40 cohorts, and its known bias


def test_one_configuration_needs_little_correction() -> None:
    positive, matrix = noise(3, n=200, tried=1)
    found = bbc_auc(positive, matrix + positive[:, None])
    assert found.corrected.value == pytest.approx(found.apparent, abs=0.01)
    assert (found.tried, found.chosen, found.frequency.tolist()) == (1, 0, [1.0])
    assert found.corrected.method.startswith("BBC-CV, 1 tried")


def test_folds_and_seeds_count_pairs_as_the_out_of_fold_auc_does() -> None:
    positive, first = noise(4, n=60, tried=3)
    matrix = np.stack([first, noise(5, n=60, tried=3)[1]], axis=1)  # (patients, seeds, configurations)
    fold = np.stack([np.arange(60) % 4, np.arange(60) % 5], axis=1)
    found = bbc_auc(positive, matrix, fold, replicates=20)
    seeds = np.repeat([0, 1], 60)
    patients = np.tile([f"p{i}" for i in range(60)], 2)
    for c in range(3):
        one = auc_within_folds(
            np.tile(positive, 2), matrix[:, :, c].T.ravel(), fold.T.ravel(), seeds, patients=patients
        )
        assert found.areas[c] == pytest.approx(one.value, abs=1e-12)


def test_is_seeded_and_of_equals_takes_the_first() -> None:
    positive, matrix = noise(6, tried=2)
    doubled = np.column_stack([matrix[:, 0], matrix[:, 0]])
    found, again = bbc_auc(positive, doubled, replicates=50), bbc_auc(positive, doubled, replicates=50)
    assert found.corrected == again.corrected
    assert (found.chosen, found.frequency.tolist()) == (0, [1.0, 0.0])


@pytest.mark.parametrize(
    ("matrix", "fold", "said"),
    [
        (np.zeros((79, 3)), None, "shape"),
        (np.zeros((80, 0)), None, "shape"),
        (np.full((80, 2), np.nan), None, "missing or infinite"),
        (np.zeros((80, 2)), np.zeros((80, 2)), "folds of shape"),
        (np.zeros((80, 2)), np.arange(80), "no fold with both classes"),
    ],
)
def test_broken_matrices_are_named(matrix: np.ndarray, fold: np.ndarray | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        bbc_auc(np.arange(80) % 3 == 0, matrix, fold)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(InputError, match="each class needs 5"):
        bbc_auc([1, 1, 1, 1, 0, 0, 0, 0, 0], np.zeros((9, 2)))
