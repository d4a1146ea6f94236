"""Convolutions out of a network saved for ncnn: a text of layers (.param) and all their numbers in a row (.bin).

A convolution of half precision is, in the .bin: the tag 0x01306B47 (4 bytes), its weights (out, in, k, k) as float16
filled up to 4 bytes, its bias (out) as float32. Source: ncnn's documentation, "param and model file structure".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dlr.errors import InputError

__all__ = ["read_convolutions"]

MAGIC, HALF = "7767517", 0x01306B47
WITHOUT_NUMBERS = ("Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp")
MEND = "install the package again, or give the weights as safetensors"


@dataclass(frozen=True)
class Layer:
    """A convolution as the .param tells it."""

    name: str
    outputs: int
    kernel: int
    count: int  # of weights, without bias


def read_convolutions(param: Path, numbers: Path) -> list[tuple[Tensor, Tensor]]:
    """Weight (out, in, k, k) and bias (out) of every convolution, float32, in the order of the file.

    Raises InputError where a file cannot be read, holds other layers with numbers than half-precision convolutions with
    bias, or where the .bin does not end with the last of them.
    """
    content = _content(numbers)
    out, place = [], 0
    for layer in _layers(param):
        inputs, rest = divmod(layer.count, layer.outputs * layer.kernel**2)
        if rest or not inputs:
            raise InputError(str(param), f"{layer.name} has {layer.count} weights, no number of whole filters", MEND)
        after = place + 4 + (2 * layer.count + 3) // 4 * 4
        end = after + 4 * layer.outputs
        if end > len(content):
            raise InputError(str(numbers), f"ends inside {layer.name}: {len(content)} bytes instead of {end}", MEND)
        tag = int.from_bytes(content[place : place + 4], "little")
        if tag != HALF:
            raise InputError(str(numbers), f"{layer.name} is tagged {tag:#010x}, not as half precision", MEND)
        weight = np.frombuffer(content, "<f2", layer.count, place + 4).astype(np.float32)
        bias = np.frombuffer(content, "<f4", layer.outputs, after).astype(np.float32)
        shape = (layer.outputs, inputs, layer.kernel, layer.kernel)
        out.append((torch.from_numpy(weight.reshape(shape)), torch.from_numpy(bias)))
        place = end
    if place != len(content):
        raise InputError(str(numbers), f"{len(content) - place} bytes are left over after the last convolution", MEND)
    return out


def _layers(param: Path) -> list[Layer]:
    """The convolutions of a .param in order: `type name inputs outputs blobs… key=value…`, after a magic and counts."""
    lines = _content(param).decode("ascii", errors="replace").splitlines()
    if len(lines) < 3 or lines[0].strip() != MAGIC:
        raise InputError(str(param), "is no network of ncnn", MEND)
    found = []
    for line in lines[2:]:
        words = line.split()
        if not words or words[0] in WITHOUT_NUMBERS:
            continue
        settings = dict(word.split("=", 1) for word in words[4:] if "=" in word)
        try:
            if words[0] != "Convolution" or int(settings["5"]) != 1:
                raise InputError(str(param), f"layer {' '.join(words[:2])} is no convolution with a bias", MEND)
            found.append(Layer(words[1], int(settings["0"]), int(settings["1"]), int(settings["6"])))
        except (LookupError, ValueError) as error:
            raise InputError(str(param), f"layer {' '.join(words[:2])} does not tell its size", MEND) from error
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be opened ({error.strerror})", MEND) from error
