"""t-SNE to three dimensions: neighbours stay together, few patients lower the perplexity, bad features are refused."""

from __future__ import annotations

import numpy as np
import pytest

from dlr.errors import InputError
from dlr.randomness import rng
from dlr.volume import EmbeddingSettings
from dlr.volume.embedding import perplexity_for, three_dimensions

QUICK = EmbeddingSettings(iterations=500, perplexity=5)


def two_groups() -> np.ndarray:
    features = rng(1, "groups").normal(size=(60, 12))
    features[::2] += 6
    return features


def test_neighbours_stay_together_and_the_seed_fixes_every_digit() -> None:
    found = three_dimensions(two_groups(), QUICK, seed=3)
    assert found.shape == (60, 3) and np.isfinite(found).all()
    distance = np.linalg.norm(found[:, None] - found[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    own = distance.argmin(axis=1) % 2 == np.arange(60) % 2
    assert own.mean() > 0.9, "a patient's nearest is of its own group; a few outliers lie alone"
    np.testing.assert_array_equal(found, three_dimensions(two_groups(), QUICK, seed=3))


def test_settings_reach_the_algorithm() -> None:
    usual = three_dimensions(two_groups(), QUICK, seed=3)
    for other in (
        EmbeddingSettings(iterations=501, perplexity=5),
        EmbeddingSettings(iterations=500, perplexity=5, learning_rate=20),
        EmbeddingSettings(iterations=500, perplexity=9),
        EmbeddingSettings(iterations=500, perplexity=5, min_grad_norm=1.0),
    ):
        assert not np.array_equal(usual, three_dimensions(two_groups(), other, seed=3))


@pytest.mark.parametrize(
    ("rows", "wanted", "used"), [(388, 30, 30), (91, 30, 30), (31, 30, 10), (7, 30, 2), (31, 5, 5)]
)
def test_few_patients_lower_the_perplexity(rows: int, wanted: float, used: float) -> None:
    assert perplexity_for(rows, wanted) == used


@pytest.mark.parametrize("features", [np.zeros((4, 3)), np.ones((9, 3)), np.full((9, 3), np.nan)])
def test_what_cannot_be_laid_out_is_refused_in_words(features: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"patients|all alike"):
        three_dimensions(features, QUICK, seed=1)
