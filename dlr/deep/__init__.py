"""Deep: pictures of lesions, backbones and their weights, frozen features, fine-tuning. Knows no tables of patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlr.deep.head import FrozenHead, fit_head
from dlr.deep.input import Picture, augment, cut_picture
from dlr.deep.settings import BACKBONE_NAMES, DeepSettings, FuseSettings, InputSettings

if TYPE_CHECKING:
    from dlr.deep.backbones import BACKBONES, Network, make_backbone
    from dlr.deep.duration import seconds_an_image
    from dlr.deep.embeddings import Seen, look
    from dlr.deep.finetuning import fine_tune, load_network, save_network
    from dlr.deep.weights import Origin, load_weights

__all__ = [
    "BACKBONES",
    "BACKBONE_NAMES",
    "DeepSettings",
    "FrozenHead",
    "FuseSettings",
    "InputSettings",
    "Network",
    "Origin",
    "Picture",
    "Seen",
    "augment",
    "cut_picture",
    "fine_tune",
    "fit_head",
    "load_network",
    "load_weights",
    "look",
    "make_backbone",
    "save_network",
    "seconds_an_image",
]

_HOME = {
    "BACKBONES": "backbones",
    "Network": "backbones",
    "make_backbone": "backbones",
    "seconds_an_image": "duration",
    "Seen": "embeddings",
    "look": "embeddings",
    "fine_tune": "finetuning",
    "load_network": "finetuning",
    "save_network": "finetuning",
    "Origin": "weights",
    "load_weights": "weights",
}


def __getattr__(name: str) -> Any:
    """Names that need torch are imported when they are asked for: settings and pictures can be had without it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from dlr.errors import require_extra

    require_extra("deep", "the deep branch")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
