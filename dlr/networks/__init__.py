"""Networks: one training loop for all of the house, safe weights and their origin. Knows not what is trained."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlr.errors import require_extra
from dlr.lazy import imported_later
from dlr.networks.settings import TrainingSettings

if TYPE_CHECKING:
    from dlr.networks.adversarial import Adversary, TrainedAgainst, train_against
    from dlr.networks.duration import seconds_an_example
    from dlr.networks.examples import Batch, Examples
    from dlr.networks.loop import Trained, train
    from dlr.networks.objective import Loss, Measure, Objective, binary_cross_entropy
    from dlr.networks.underway import CurvePoint
    from dlr.networks.weights import (
        Origin,
        load_network,
        read_weights,
        save_network,
        save_weights,
        take_weights,
        without_prefixes,
    )

__all__ = [
    "Adversary",
    "Batch",
    "CurvePoint",
    "Examples",
    "Loss",
    "Measure",
    "Objective",
    "Origin",
    "Trained",
    "TrainedAgainst",
    "TrainingSettings",
    "binary_cross_entropy",
    "load_network",
    "read_weights",
    "save_network",
    "save_weights",
    "seconds_an_example",
    "take_weights",
    "train",
    "train_against",
    "without_prefixes",
]

HOMES = {
    "adversarial": ("Adversary", "TrainedAgainst", "train_against"),
    "duration": ("seconds_an_example",),
    "examples": ("Batch", "Examples"),
    "loop": ("Trained", "train"),
    "objective": ("Loss", "Measure", "Objective", "binary_cross_entropy"),
    "underway": ("CurvePoint",),
    "weights": (
        "Origin", "load_network", "read_weights", "save_network", "save_weights", "take_weights", "without_prefixes",
    ),
}  # fmt: skip

# names that need torch: settings can be read without it
__getattr__ = imported_later(
    __name__,
    {name: home for home, names in HOMES.items() for name in names},
    before=partial(require_extra, "deep", "training a network"),
)
