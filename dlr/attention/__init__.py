"""Attention: class activation maps in any number of dimensions, and attention in numbers. Knows not which network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlr.attention.numbers import (
    ELSEWHERE,
    AttentionNumbers,
    attention_in_numbers,
    null_of_other_masks,
    shares_by_region,
)
from dlr.attention.settings import AttentionSettings
from dlr.errors import require_extra
from dlr.lazy import imported_later

if TYPE_CHECKING:
    from dlr.attention.cam import GradCAM, GradCAMPlusPlus

__all__ = [
    "ELSEWHERE",
    "AttentionNumbers",
    "AttentionSettings",
    "GradCAM",
    "GradCAMPlusPlus",
    "attention_in_numbers",
    "null_of_other_masks",
    "shares_by_region",
]

# the maps need torch, the numbers do not
__getattr__ = imported_later(
    __name__,
    {"GradCAM": "cam", "GradCAMPlusPlus": "cam"},
    before=partial(require_extra, "deep", "class activation maps"),
)
