"""The backbones, as one literal table, and the network made of one: features, then a linear head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dlr.errors import InputError
from dlr.randomness import seed_of

__all__ = ["BACKBONES", "Backbone", "Network", "make_backbone"]


@dataclass(frozen=True)
class Backbone:
    """An architecture without its last layer."""

    make: Callable[[], nn.Module]  # random weights
    last: str  # the linear layer that is taken away, "" where the maker leaves it out
    width: int  # penultimate features
    layer: str  # the last convolution's output: where attention is looked for
    source: str  # the package, and its name for ImageNet weights


def _torchvision(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import torchvision.models

        return getattr(torchvision.models, name)(weights=None)

    return make


def _crossformer() -> nn.Module:
    from vit_pytorch.crossformer import CrossFormer

    return CrossFormer(num_classes=1000, dim=(64, 128, 256, 512), depth=(2, 2, 8, 2), global_window_size=(8, 4, 2, 1))


def _efficientnet_lite0() -> nn.Module:
    import timm

    return timm.create_model("tf_efficientnet_lite0", pretrained=False)


BACKBONES: dict[str, Backbone] = {
    "resnet18": Backbone(_torchvision("resnet18"), "fc", 512, "layer4", "torchvision"),
    "resnet50": Backbone(_torchvision("resnet50"), "fc", 2048, "layer4", "torchvision"),
    "resnet101": Backbone(_torchvision("resnet101"), "fc", 2048, "layer4", "torchvision"),
    "vgg19": Backbone(_torchvision("vgg19"), "classifier.6", 4096, "features.35", "torchvision"),
    "densenet121": Backbone(_torchvision("densenet121"), "classifier", 1024, "features", "torchvision"),
    "crossformer": Backbone(_crossformer, "to_logits.1", 512, "layers.3.1", "vit-pytorch"),
    "efficientnet_lite0": Backbone(_efficientnet_lite0, "classifier", 1280, "bn2", "timm"),
}


class Network(nn.Module):
    """A backbone and a linear head; grey pictures become three equal channels here."""

    def __init__(self, name: str, backbone: nn.Module, outputs: int = 1) -> None:
        super().__init__()
        self.name = name
        self.backbone = backbone
        self.head = nn.Linear(BACKBONES[name].width, outputs)

    @property
    def attention_layer(self) -> str:
        """Where class activation maps are taken."""
        return f"backbone.{BACKBONES[self.name].layer}"

    def features(self, pictures: Tensor) -> Tensor:
        """Penultimate features (B, width) of grey pictures (B, 1, S, S)."""
        return self.backbone(pictures.expand(-1, 3, -1, -1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (B, outputs) of grey pictures (B, 1, S, S)."""
        return self.head(self.features(pictures))


def make_backbone(name: str, seed: int) -> nn.Module:
    """A backbone of random weights, the same for the same seed, without its last layer."""
    if name not in BACKBONES:
        raise InputError("deep.backbone", f"there is no backbone {name!r}", f"one of: {', '.join(BACKBONES)}")
    recipe = BACKBONES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "random weights", name))
        network = recipe.make()
    return without_last(network, recipe.last)


def without_last(network: nn.Module, last: str) -> nn.Module:
    """The network with its last linear layer replaced by the identity."""
    *above, own = last.split(".")
    home = network.get_submodule(".".join(above))
    setattr(home, own, nn.Identity())
    return network
