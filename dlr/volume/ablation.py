"""The ablation of Spatial: every row is the same network under another of its own settings."""

from __future__ import annotations

from typing import Any

from dlr.volume.settings import ReceptorSettings
from dlr.words import REGIONS

__all__ = ["ablated"]

WITHOUT: dict[str, dict[str, Any]] = {  # what the rows that drop no region change
    "without_attention": {"attention": "none"},
    "single_scale": {"attention": "single_scale"},
    "without_multi_task": {"one_network": False},
    "without_shared_extractor": {"extractor": "own"},
}


def ablated(settings: ReceptorSettings) -> dict[str, ReceptorSettings]:
    """The settings of every row that `receptors.ablation` asks for, in the order of the names; empty for none.

    Where a region leaves, what lies in it is zero in the input too: the maps of later layers reach across the whole
    volume, so that pooling alone hides nothing. The one row that only pools, core_pooled, is there to show it.
    """
    return {row: _changed(settings, row) for row in settings.rows}


def _changed(settings: ReceptorSettings, row: str) -> ReceptorSettings:
    if row.startswith("core_"):
        return _pooled_over(settings, ["core"], mask_input=row == "core_only")
    left_out = row.removeprefix("without_")
    if left_out in REGIONS:
        return _pooled_over(settings, [name for name in settings.regions.use if name != left_out], mask_input=True)
    return settings.model_copy(update=WITHOUT[row])


def _pooled_over(settings: ReceptorSettings, regions: list[str], mask_input: bool) -> ReceptorSettings:
    changed = settings.regions.model_copy(update={"use": regions, "mask_input": mask_input})
    return settings.model_copy(update={"regions": changed})
