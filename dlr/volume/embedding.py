"""Features of a network in three dimensions: t-SNE with the settings that were published.

van der Maaten & Hinton 2008 (JMLR 9:2579), started from the principal components. Its gradient is exact: at some
hundred patients faster than the Barnes-Hut form, which crashes on equal rows. Neighbours alone are kept: the distance
of far clusters and their sizes say nothing.
"""

from __future__ import annotations

import numpy as np

from dlr.errors import InputError
from dlr.volume.settings import EmbeddingSettings

__all__ = ["FEWEST", "perplexity_for", "three_dimensions"]

FEWEST = 5  # rows
NEIGHBOURS = 3  # times the perplexity there should be, where they all count


def perplexity_for(rows: int, wanted: float) -> float:
    """The perplexity that so many rows bear: at most a third of a row's neighbours, as its authors advise."""
    return min(wanted, (rows - 1) / NEIGHBOURS)


def three_dimensions(features: np.ndarray, settings: EmbeddingSettings, seed: int) -> np.ndarray:
    """Coordinates (n, 3) of features (n, F), finite; the same for one seed on one thread.

    Raises InputError where there are fewer than FEWEST rows, or the features are all alike or not finite.
    """
    from sklearn.manifold import TSNE

    features = np.asarray(features, dtype=np.float64)
    if len(features) < FEWEST:
        raise InputError("t-SNE", f"{len(features)} patients", f"give at least {FEWEST}")
    if not np.isfinite(features).all() or (features == features[0]).all():
        raise InputError("t-SNE", "the features are all alike or not finite", "look at the training of the network")
    shape = TSNE(
        n_components=3, init="pca", method="exact", perplexity=perplexity_for(len(features), settings.perplexity),
        learning_rate=settings.learning_rate, max_iter=settings.iterations, min_grad_norm=settings.min_grad_norm,
        random_state=seed,
    )  # fmt: skip
    return shape.fit_transform(features)
