"""Networks of other architectures: spandrel (MIT) finds which from the names and shapes of the tensors, and builds it.

It is given tensors that the house's own reader took out of a file, and never a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from dlr.errors import InputError
from dlr.superres.rrdb import Grey

__all__ = ["ForeignForm", "foreign_network", "foreign_tensors"]

KNOWN = "give an RRDBNet, an architecture that spandrel knows, or the folder of a generator that dlr saved"
UNFIT = (RuntimeError, MemoryError, LookupError, ValueError, TypeError, AttributeError, AssertionError, ArithmeticError)


@dataclass(frozen=True)
class ForeignForm:
    """What spandrel said of the tensors; they are what it is built from."""

    architecture: str
    scale: int
    network: str = "foreign"  # as a saved generator calls it

    def __str__(self) -> str:
        return f"{self.architecture} ×{self.scale}"


def foreign_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under which spandrel knows them, of the state of what `foreign_network` made."""
    return {key.removeprefix("network.network."): value for key, value in state.items()}


class Foreign(nn.Module):
    """A network as spandrel calls it: filled up to the size it needs, clipped to 0..1, one image after the other."""

    def __init__(self, described: Any) -> None:
        super().__init__()
        self.network: nn.Module = described.model
        self.described = described

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.described(image[None]) for image in x])


def foreign_network(state: Mapping[str, Tensor], where: str) -> Grey:
    """The network of these tensors on grey images, in eval mode; it remembers its `form`.

    where : the file, for messages.
    Raises InputError where spandrel is not installed, does not know the architecture, or knows it as no network that
    enlarges grey or colour images.
    """
    if find_spec("spandrel") is None:
        what = "is no RRDBNet; other architectures are recognised by spandrel, which is not installed"
        raise InputError(where, what, 'pip install "dlr[superres]"')
    _require_numbered(state, where)
    import spandrel

    release = version("spandrel")
    try:
        described = spandrel.ModelLoader().load_from_state_dict(dict(state))
    except spandrel.UnsupportedModelError as error:
        first = ", ".join(sorted(state)[:3])
        said = f" ({error})" if str(error) else ""
        what = f"spandrel {release} knows no architecture of such tensors{said}: {len(state)} of them, {first} first"
        raise InputError(where, what, KNOWN) from error
    except UNFIT as error:
        reason = str(error).partition("\n")[0][:200]
        raise InputError(where, f"spandrel {release} cannot build a network of it ({reason})", KNOWN) from error
    name, colours = described.architecture.name, described.input_channels
    if not isinstance(described, spandrel.ImageModelDescriptor) or described.scale == 1:
        what = f"{name} is for {described.purpose.lower()} at the image's own size, and enlarges nothing"
        raise InputError(where, what, "give weights that enlarge by 2 or 4")
    if colours not in (1, 3) or described.output_channels != colours:
        what = f"{name} makes {described.output_channels} channels of {colours}"
        raise InputError(where, what, "give a network of grey or of RGB images")
    network = Grey(Foreign(described), colours).eval()
    network.form = ForeignForm(f"{name} {' '.join(described.tags)}".strip(), described.scale)  # type: ignore[assignment]
    return network


def _require_numbered(state: Mapping[str, Tensor], where: str) -> None:
    """Raise InputError where a tensor's name numbers a layer far beyond the tensors: spandrel would build all before.

    Twice as many, as layers without tensors are numbered too.
    """
    for name in state:
        if any(part.isdecimal() and int(part) > 2 * len(state) for part in name.split(".")):
            raise InputError(where, f"{name[:80]} numbers a layer that {len(state)} tensors cannot have", KNOWN)
