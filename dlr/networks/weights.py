"""Weights as files: read without running anything in them, taken by name and shape, kept as equal bytes."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dlr.errors import InputError

__all__ = [
    "ABOUT_FILE", "WEIGHTS_FILE", "Origin", "built_empty", "file_sha256", "load_network", "read_weights",
    "save_network", "save_weights", "take_weights", "without_prefixes",
]  # fmt: skip

WEIGHTS_FILE, ABOUT_FILE = "network.safetensors", "network.json"
NOT_WEIGHTS = (  # what torch raises over bytes that are no weights
    OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, struct.error,
    pickle.UnpicklingError, MemoryError, zipfile.BadZipFile,
)  # fmt: skip
MOST_NUMBERS = 200_000_000  # of a network: several times the largest that anybody names here
PACKED = 4  # times the file's size: torch packs nothing, and weights cannot be packed as much
MEND = "give a state dict saved by torch.save or as safetensors"
WRAPPERS = ("state_dict", "params_ema", "params", "model", "model_state_dict", "teacher", "network")
PREFIXES = ("module.", "model.", "backbone.", "encoder.", "network.", "_orig_mod.")

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


@dataclass(frozen=True)
class Origin:
    """What weights a network started from; recorded with every result."""

    network: str  # its architecture
    weights: str  # imagenet, none, or the file's name
    source: str  # package and release, or where the file came from
    sha256: str  # of the file; "" for random weights
    tensors: int  # taken over


def file_sha256(path: Path) -> str:
    """SHA-256 of a weights file, as `Origin` records it."""
    return sha256(path.read_bytes()).hexdigest()


def read_weights(path: Path) -> dict[str, Tensor]:
    """The named tensors of a file: safetensors by its suffix, else torch's own format, weights only.

    What wraps them (state_dict, model, ...) is taken off. Raises InputError where the file holds no weights, or where
    it is a small file that stands for numbers without end.
    """
    try:
        if path.suffix == ".safetensors":
            content: object = load_file(path)
        else:
            _require_unpacked(path)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise InputError(str(path), f"is no safetensors file ({error})", MEND) from error
    except NOT_WEIGHTS as error:
        first = str(error).partition("\n")[0][:200]
        if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):  # torch's advice is to run it
            first = "it holds more than tensors, and dlr runs nothing that is in a file"
        raise InputError(str(path), f"cannot be read as weights ({first})", MEND) from error
    for name in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise InputError(str(path), f"holds a {type(content).__name__}, not named tensors", MEND)
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not state:
        raise InputError(str(path), "holds no tensor", MEND)
    _require_stored(state, path)
    return state


def _require_unpacked(path: Path) -> None:
    """Raise InputError where a file of zip holds much more than its own size."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as content:
        unpacked = sum(entry.file_size for entry in content.infolist())
    if unpacked > PACKED * path.stat().st_size:
        what = f"is packed: {path.stat().st_size:,} bytes stand for {unpacked:,}"
        raise InputError(str(path), what, MEND)


def _require_stored(state: Mapping[str, Tensor], path: Path) -> None:
    """Raise InputError unless every number of every tensor is in the file, and there are no more than a network has."""
    for name, value in state.items():
        dense = value.layout == torch.strided and value.device.type == "cpu" and not value.is_quantized
        if not dense or value.untyped_storage().nbytes() < value.numel() * value.element_size():
            what = f"{name} has the shape {tuple(value.shape)}, and not as many numbers are in the file"
            raise InputError(str(path), what, MEND)
    numbers = sum(value.numel() for value in state.values())
    if numbers > MOST_NUMBERS:
        raise InputError(str(path), f"holds {numbers:,} numbers, more than {MOST_NUMBERS:,}", "give a smaller network")


def built_empty(build: Callable[[], AnyNetwork]) -> AnyNetwork:
    """A network whose tensors hold anything yet, for weights to be loaded into; ValueError where they are too many.

    It is laid out without memory first, so that a form out of a file can ask for none.
    """
    with torch.device("meta"):
        network = build()
    numbers = sum(value.numel() for value in network.state_dict().values())
    if numbers > MOST_NUMBERS:
        raise ValueError(f"a network of {numbers:,} numbers, more than {MOST_NUMBERS:,}")
    return network.to_empty(device="cpu")


def without_prefixes(state: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without what other programs put before their names, as soon as most of `wanted` are found."""
    for _ in range(3):  # prefixes may be nested: module.model.conv1.weight
        if len(state.keys() & wanted.keys()) > len(wanted) // 2:
            return state
        state = {_without_prefix(key): value for key, value in state.items()}
    return state


def _without_prefix(key: str) -> str:
    for prefix in PREFIXES:
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    return key


def take_weights(network: nn.Module, name: str, state: Mapping[str, Tensor], path: Path) -> int:
    """Load what belongs to the network, and say how many tensors that were.

    name, path : of the network and of the file, for the message.
    Raises InputError unless every tensor of the network is there in its shape and holds numbers.
    """
    wanted = network.state_dict()
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}  # older files have none
    missing = [key for key in wanted if key not in state and key not in counters]
    wrong = [key for key, value in state.items() if key in wanted and value.shape != wanted[key].shape]
    if missing or wrong:
        said = []
        if missing:
            said.append(f"{len(missing)} of {len(wanted)} tensors are not in it, {missing[0]} first")
        if wrong:
            key = wrong[0]
            said.append(f"{key} has the shape {tuple(state[key].shape)} instead of {tuple(wanted[key].shape)}")
        raise InputError(
            where=str(path), what=f"not the weights of {name}: {'; '.join(said)}", mend="name its own architecture"
        )
    kept = {key: value.to(wanted[key].dtype) for key, value in state.items() if key in wanted}
    broken = [key for key, value in kept.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        raise InputError(str(path), f"{broken[0]} holds values that are not numbers", "take another file")
    network.load_state_dict(kept, strict=False)
    return len(kept)


def save_weights(network: nn.Module, path: Path) -> None:
    """Keep a network's tensors as safetensors, which `read_weights` reads back; equal networks give equal bytes."""
    save_file({key: value.detach().contiguous() for key, value in network.state_dict().items()}, path)


def save_network(network: nn.Module, folder: Path, about: Mapping[str, object]) -> None:
    """network.safetensors, and network.json with what is needed to build it again; equal networks, equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network, folder / WEIGHTS_FILE)
    (folder / ABOUT_FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")


def load_network(folder: Path, build: Callable[[dict[str, Any]], AnyNetwork]) -> AnyNetwork:
    """A saved network in eval mode.

    build : makes the network, with any weights, from what `save_network` was told about it.
    Raises InputError where the folder is absent or damaged, or holds another network's weights.
    """
    mend = "name the folder of a finished run of dlr, or run the study again"
    try:
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        state = load_file(folder / WEIGHTS_FILE)
        network = build(about)
    except (OSError, ValueError, LookupError, TypeError, SafetensorError) as error:
        raise InputError(str(folder), f"its network cannot be read ({error})", mend) from error
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(str(folder), "its weights do not fit what network.json says of them", mend) from error
    return network.eval()
