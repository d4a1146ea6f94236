"""Networks: one training loop for all of the house, 2-D and 3-D. Knows not what is trained."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlr.errors import require_extra
from dlr.lazy import imported_later
from dlr.networks.settings import TrainingSettings

if TYPE_CHECKING:
    from dlr.networks.examples import Batch, Examples
    from dlr.networks.loop import Trained, train
    from dlr.networks.losses import BinaryLoss

__all__ = ["Batch", "BinaryLoss", "Examples", "Trained", "TrainingSettings", "train"]

# names that need torch: settings can be read without it
__getattr__ = imported_later(
    __name__,
    {"Batch": "examples", "Examples": "examples", "Trained": "loop", "train": "loop", "BinaryLoss": "losses"},
    before=partial(require_extra, "deep", "training a network"),
)
