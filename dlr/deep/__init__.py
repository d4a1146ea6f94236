"""Deep: pictures of lesions, backbones and their weights, frozen features, fine-tuning. Knows no tables of patients."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlr.deep.head import FrozenHead, fit_head
from dlr.deep.input import Picture, augment, cut_picture, cut_pictures
from dlr.deep.settings import BACKBONE_NAMES, DeepSettings, FuseSettings, InputSettings
from dlr.errors import require_extra
from dlr.lazy import imported_later

if TYPE_CHECKING:
    from dlr.deep.backbones import BACKBONES, Network, make_backbone
    from dlr.deep.duration import seconds_an_image
    from dlr.deep.embeddings import Embedded, embed, mean_features
    from dlr.deep.finetuning import fine_tune, load_network, save_network
    from dlr.deep.weights import load_weights

__all__ = [
    "BACKBONES",
    "BACKBONE_NAMES",
    "DeepSettings",
    "Embedded",
    "FrozenHead",
    "FuseSettings",
    "InputSettings",
    "Network",
    "Picture",
    "augment",
    "cut_picture",
    "cut_pictures",
    "embed",
    "fine_tune",
    "fit_head",
    "load_network",
    "load_weights",
    "make_backbone",
    "mean_features",
    "save_network",
    "seconds_an_image",
]

# names that need torch: settings and pictures can be had without it
__getattr__ = imported_later(
    __name__,
    {
        "BACKBONES": "backbones",
        "Network": "backbones",
        "make_backbone": "backbones",
        "seconds_an_image": "duration",
        "Embedded": "embeddings",
        "embed": "embeddings",
        "mean_features": "embeddings",
        "fine_tune": "finetuning",
        "load_network": "finetuning",
        "save_network": "finetuning",
        "load_weights": "weights",
    },
    before=partial(require_extra, "deep", "the deep branch"),
)
