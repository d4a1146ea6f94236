"""Training: one loop for every network of the house, 2-D and 3-D. Knows not what is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlr.training.settings import TrainingSettings

if TYPE_CHECKING:
    from dlr.training.examples import Batch, Examples
    from dlr.training.loop import Trained, train
    from dlr.training.losses import BinaryLoss

__all__ = ["Batch", "BinaryLoss", "Examples", "Trained", "TrainingSettings", "train"]

_HOME = {"Batch": "examples", "Examples": "examples", "Trained": "loop", "train": "loop", "BinaryLoss": "losses"}


def __getattr__(name: str) -> Any:
    """Names that need torch are imported when they are asked for: settings can be read without it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from dlr.errors import require_extra

    require_extra("deep", "training a network")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
