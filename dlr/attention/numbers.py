"""Attention in numbers: how much of a map lies inside a mask, beside what a meaningless map or mask would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from dlr.errors import InputError

__all__ = ["ELSEWHERE", "AttentionNumbers", "attention_in_numbers", "null_of_other_masks", "shares_by_region"]

ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class AttentionNumbers:
    """Three measures of one map against one mask; NaN where the map is flat or the mask empty or everywhere."""

    energy: float  # share of the map inside the mask / share of the picture inside it; 1 = no preference
    pointing: float  # 1 where the map's highest value lies inside the mask
    iou: float  # of the mask and the map's highest values, as many as the mask has voxels

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    def values(self) -> dict[str, float]:
        """The measures by name."""
        return {name: float(getattr(self, name)) for name in self.names()}


def attention_in_numbers(heat: np.ndarray, mask: np.ndarray) -> AttentionNumbers:
    """Measures of a map (at least 0) against a mask (bool), both of the picture's size, any number of dimensions."""
    heat, mask = np.asarray(heat, dtype=float), np.asarray(mask, dtype=bool)
    if heat.shape != mask.shape:
        raise InputError("attention in numbers", f"map {heat.shape} and mask {mask.shape}", "give both on one grid")
    if not np.isfinite(heat).all() or heat.min() < 0:
        raise InputError("attention in numbers", "the map has negative or missing values", "give the raw map")
    count = int(mask.sum())
    total = float(heat.sum())
    if count in (0, mask.size) or total == 0 or heat.max() == heat.min():
        return AttentionNumbers(np.nan, np.nan, np.nan)
    inside = float(heat[mask].sum())
    highest = heat == heat.max()
    order = np.argsort(-heat.ravel(), kind="stable")[:count]
    both = int(mask.ravel()[order].sum())
    return AttentionNumbers(
        energy=(inside / total) / (count / mask.size),
        pointing=float(mask[highest].mean()),  # a tie counts by its share inside
        iou=both / (2 * count - both),
    )


def null_of_other_masks(heat: np.ndarray, masks: Sequence[np.ndarray]) -> AttentionNumbers:
    """The mean of each measure of one map against the masks of other cases: what a map gets for being central."""
    if not masks:
        return AttentionNumbers(np.nan, np.nan, np.nan)
    found = [attention_in_numbers(heat, mask) for mask in masks]
    means = {}
    for name in AttentionNumbers.names():
        values = np.array([getattr(each, name) for each in found])
        known = values[np.isfinite(values)]
        means[name] = float(known.mean()) if len(known) else float("nan")
    return AttentionNumbers(**means)


def shares_by_region(heat: np.ndarray, regions: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """By name, the share of a map's sum that lies in each region and elsewhere, and the region's share of the voxels.

    heat : at least 0.  regions : disjoint bool arrays of the map's size. Either share sums to 1; those of a map of
    nothing but 0 are NaN.
    """
    heat = np.asarray(heat, dtype=float)
    none = np.zeros(heat.shape, dtype=bool)
    masks = {**regions, ELSEWHERE: ~np.logical_or.reduce([none, *regions.values()])}
    total = float(heat.sum()) or float("nan")
    return {name: (float(heat[mask].sum()) / total, float(mask.mean())) for name, mask in masks.items()}
