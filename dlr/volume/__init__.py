"""Volumes: cutting and resampling them, 3-D networks that answer for receptors. Knows no tables of patients."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlr.errors import require_extra
from dlr.lazy import imported_later
from dlr.volume.settings import (
    EmbeddingSettings,
    ReceptorSettings,
    ReceptorTraining,
    RegionSettings,
    SegmentationSettings,
    VolumeSettings,
)

if TYPE_CHECKING:
    from dlr.volume.applying import Looked, look, network_input, value_of
    from dlr.volume.duration import seconds_a_volume
    from dlr.volume.fitting import Fitted, fit_network, load_receptors, save_receptors
    from dlr.volume.networks import Architecture, MultiTask, ReceptorOutput, SingleTask
    from dlr.volume.spatial import Spatial, make_network

__all__ = [
    "Architecture",
    "EmbeddingSettings",
    "Fitted",
    "Looked",
    "MultiTask",
    "ReceptorOutput",
    "ReceptorSettings",
    "ReceptorTraining",
    "RegionSettings",
    "SegmentationSettings",
    "SingleTask",
    "Spatial",
    "VolumeSettings",
    "fit_network",
    "load_receptors",
    "look",
    "make_network",
    "network_input",
    "save_receptors",
    "seconds_a_volume",
    "value_of",
]

HOMES = {
    "applying": ("Looked", "look", "network_input", "value_of"),
    "duration": ("seconds_a_volume",),
    "fitting": ("Fitted", "fit_network", "load_receptors", "save_receptors"),
    "networks": ("Architecture", "MultiTask", "ReceptorOutput", "SingleTask"),
    "spatial": ("Spatial", "make_network"),
}

# names that need torch: settings and volumes (dlr.volume.cut) can be had without it
__getattr__ = imported_later(
    __name__,
    {name: home for home, names in HOMES.items() for name in names},
    before=partial(require_extra, "deep", "the 3-D networks"),
)
