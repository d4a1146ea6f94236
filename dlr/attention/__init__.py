"""Attention: class activation maps in any number of dimensions, and attention in numbers. Knows not which network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlr.attention.numbers import AttentionNumbers, attention_in_numbers, null_of_other_masks
from dlr.attention.settings import AttentionSettings

if TYPE_CHECKING:
    from dlr.attention.cam import GradCAM, GradCAMPlusPlus

__all__ = [
    "AttentionNumbers",
    "AttentionSettings",
    "GradCAM",
    "GradCAMPlusPlus",
    "attention_in_numbers",
    "null_of_other_masks",
]


def __getattr__(name: str) -> Any:
    """The maps need torch, the numbers do not."""
    if name not in ("GradCAM", "GradCAMPlusPlus"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from dlr.errors import require_extra

    require_extra("deep", "class activation maps")
    return getattr(import_module(f"{__name__}.cam"), name)
