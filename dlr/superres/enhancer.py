"""Applying a generator: by tiles in bounded memory, in the image's own sample type, with equal bytes in any process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from dlr.errors import InputError
from dlr.networks.memory import memory_ran_out
from dlr.networks.weights import ABOUT_FILE, WEIGHTS_FILE, built_empty, load_network, save_network
from dlr.superres.foreign import ForeignForm, foreign_network, foreign_tensors
from dlr.superres.grid import bicubic_tensor
from dlr.superres.networks import FORMS, Form, make_network
from dlr.superres.rrdb import RRDBForm, grey_rrdb

__all__ = ["Enhancer", "projected", "to_units"]

SMALLEST = 8  # pixels an edge that can be enhanced
ENDS = (0.1, 99.9)  # percentiles: a few hot or dead pixels do not stretch the units of all others
MOST = 1e30  # grey levels
LARGEST = 1024  # channels, and blocks, of a network that dlr saved
PROJECTIONS = 3  # they leave a tenth of the contradiction: of 2.9 grey levels (rms) .25 on 5 ultrasound images


@dataclass(frozen=True)
class Enhancer:
    """A generator, or bicubic interpolation, and how it is applied."""

    network: nn.Module | None  # (B, 1, h, w) in units to (B, 1, h·s, w·s), with its `form`; None: bicubic
    scale: int
    tile: int = 128  # edge in pixels of the input
    overlap: int = 16  # pixels of the input around a tile that the network sees too
    consistent: bool = False  # projected onto the input
    origin: Mapping[str, Any] = field(default_factory=dict)  # where the weights come from

    def apply(self, grey: np.ndarray, dtype: np.dtype[Any] | str) -> np.ndarray:
        """(h, w) of any real numbers to (h·s, w·s) of the source's sample type, which integers are rounded to.

        Values beyond the ends of `to_units` are kept; of other types than uint8 the image's own extremes limit it.
        """
        units, low, high = _scaled(grey, dtype)
        values = self.restored(units).astype(np.float64) * (high - low) + low
        values = values.clip(min(low, grey.min()), max(high, grey.max()))  # float32 units round the ends
        kept = np.dtype(dtype)
        return (np.rint(values) if np.issubdtype(kept, np.integer) else values).astype(kept)

    def restored(self, units: np.ndarray) -> np.ndarray:
        """float32 (h, w) in units to (h·s, w·s), within 0 to 1 or, where the input is not, within the input's ends.

        A network sees no value that it was not trained on: what lies beyond 0 and 1 is enlarged by bicubic
        interpolation, and added.
        Raises InputError for an image under 8 pixels, and where memory runs out with tiles of half the size as well.
        """
        if min(units.shape) < SMALLEST:
            what = f"{units.shape[0]} x {units.shape[1]} pixels are too few to enhance"
            raise InputError(
                "superres", what, f"leave out images under {SMALLEST} pixels, or set superres.method: none"
            )
        given = torch.from_numpy(np.ascontiguousarray(units, dtype=np.float32))[None, None]
        low, high = min(0.0, float(given.min())), max(1.0, float(given.max()))
        with _one_torch_thread(), torch.inference_mode():
            inside = given.clamp(0, 1)
            out = self._enlarged(inside)
            if low < 0 or high > 1:
                out = out + bicubic_tensor(given - inside, self.scale)
            if self.consistent:
                out = projected(out, given, self.scale)
            return out.clamp_(low, high)[0, 0].numpy()

    def _enlarged(self, given: Tensor) -> Tensor:
        """The whole image; with tiles of half the size where memory does not do for these."""
        if self.network is None:
            return bicubic_tensor(given, self.scale)
        half = self.tile // 4 * 2  # even, as ESRGAN's ×2 sees pairs
        for tile in (self.tile, half):
            try:
                return self._by_tiles(self.network, given, tile)
            except (MemoryError, RuntimeError) as error:
                if not memory_ran_out(error):
                    raise
                reason = str(error).partition("\n")[0]
        where = f"superres.tile {self.tile}, also {half}"
        raise InputError(where, f"memory ran out ({reason})", "set a smaller superres.tile, or use fewer --jobs")

    def _by_tiles(self, network: nn.Module, given: Tensor, tile: int) -> Tensor:
        """Each tile is cut out with its surroundings first, so that the network never holds the whole image."""
        height, width = given.shape[-2:]
        s = self.scale
        out = torch.empty(1, 1, height * s, width * s)
        for rows, rows_seen in _tiles(height, tile, self.overlap):
            for columns, columns_seen in _tiles(width, tile, self.overlap):
                said = network(given[..., rows_seen, columns_seen]).float()
                inner = said[..., _within(rows, rows_seen, s), _within(columns, columns_seen, s)]
                out[..., _times(rows, s), _times(columns, s)] = inner
        return out

    @property
    def form(self) -> Form | RRDBForm | ForeignForm | None:
        """What the network is built from."""
        return None if self.network is None else self.network.form  # type: ignore[return-value]

    def save(self, folder: Path) -> None:
        """network.safetensors (none for bicubic) and network.json; equal enhancers give equal bytes."""
        if self.network is not None:
            save_network(self.network, folder, self._about())
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ABOUT_FILE).write_text(json.dumps(self._about(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Enhancer:
        """A saved one; InputError where the folder is absent or damaged."""
        try:
            about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
            form = about["form"]
            rest = {name: about[name] for name in ("scale", "tile", "overlap", "consistent", "origin")}
            _require_known(form, **rest)
        except (OSError, ValueError, LookupError, TypeError) as error:
            mend = "name the folder of a finished run of dlr, or run the study again"
            raise InputError(str(folder), f"its generator cannot be read ({error})", mend) from error
        network = None if form is None else load_network(folder, lambda _: _rebuilt(form, folder))
        return cls(network, **rest)

    def _about(self) -> dict[str, Any]:
        return {
            "form": None if self.form is None else asdict(self.form),
            "scale": self.scale,
            "tile": self.tile,
            "overlap": self.overlap,
            "consistent": self.consistent,
            "origin": dict(self.origin),
        }


def _rebuilt(form: Mapping[str, Any], folder: Path) -> nn.Module:
    """The network of a saved form: the house's own, a published RRDBNet, or what spandrel makes of its tensors."""
    if form["network"] == "foreign":
        network = foreign_network(foreign_tensors(load_file(folder / WEIGHTS_FILE)), str(folder))
        if network.form != ForeignForm(**form):
            raise ValueError(f"form is {ForeignForm(**form)}, and its tensors are of {network.form}")
        return network
    if form["network"] == "rrdb":
        return built_empty(lambda: grey_rrdb(RRDBForm(**form)))
    return built_empty(lambda: make_network(Form(**form)))


def _require_known(
    form: Mapping[str, Any] | None, scale: object, tile: object, overlap: object, consistent: object, origin: object
) -> None:
    """Raise ValueError, naming it, where a part of network.json is none that `save` could have written."""
    parts = {
        "scale": (scale, _whole(scale, 2, 4) and scale != 3),
        "tile": (tile, _whole(tile, 16)),
        "overlap": (overlap, _whole(overlap, 0)),
        "consistent": (consistent, isinstance(consistent, bool)),
        "origin": (origin, isinstance(origin, dict)),
    }
    if form is not None:
        parts["form.network"] = form["network"], form["network"] in (*FORMS, "rrdb", "foreign")
        parts["form.scale"] = form["scale"], form["scale"] == scale
        for name in ("channels", "blocks", "growth", "colours"):
            parts[f"form.{name}"] = form.get(name), name not in form or _whole(form[name], name != "growth", LARGEST)
    wrong = [f"{name} is {value!r}" for name, (value, right) in parts.items() if not right]
    if wrong:
        raise ValueError(", ".join(wrong))


def _whole(value: object, least: int, most: float = float("inf")) -> bool:
    return type(value) is int and least <= value <= most


def to_units(grey: np.ndarray, dtype: np.dtype[Any] | str) -> tuple[np.ndarray, float, float]:
    """float32 units, 0 to 1, and what 0 and 1 stand for: 0 and 255 of uint8, else percentiles .1 and 99.9 of the image.

    Values beyond are cut off. Where nearly all of an image is one level, its minimum and maximum stand for 0 and 1.
    Raises InputError where a value is no number, or so large that float32 cannot reckon with it.
    """
    units, low, high = _scaled(grey, dtype)
    return np.clip(units, 0, 1), low, high


def _scaled(grey: np.ndarray, dtype: np.dtype[Any] | str) -> tuple[np.ndarray, float, float]:
    """The same with values below 0 and above 1."""
    values = np.asarray(grey, dtype=np.float64)
    if not (np.abs(values) < MOST).all():
        what = f"an image holds values that are not numbers, or beyond {MOST:g}"
        raise InputError("superres", what, "mend the image, or leave it out")
    if np.dtype(dtype) == np.uint8:
        low, high = 0.0, 255.0
    else:  # of a small image too, the one brightest and the one darkest pixel do not count
        low = float(np.percentile(values, ENDS[0], method="higher"))
        high = float(np.percentile(values, ENDS[1], method="lower"))
        if low >= high:
            low, high = float(values.min()), float(values.max())
    return ((values - low) / (high - low if high > low else 1.0)).astype(np.float32), low, high


def projected(out: Tensor, given: Tensor, scale: int) -> Tensor:
    """The nearest images whose block means are the input's, nearly: y + U(x − D(y)), three times; (B, 1, h·s, w·s).

    Source: Vella & Mota 2020, arXiv 2004.00380; Irani & Peleg 1991 for the iteration.
    """
    for _ in range(PROJECTIONS):
        out = out + bicubic_tensor(given - functional.avg_pool2d(out, scale), scale)
    return out


def _tiles(size: int, tile: int, overlap: int) -> Iterator[tuple[slice, slice]]:
    """The pieces of an edge, and each with what the network sees around it."""
    for start in range(0, size, tile):
        stop = min(start + tile, size)
        yield slice(start, stop), slice(max(start - overlap, 0), min(stop + overlap, size))


def _times(piece: slice, scale: int) -> slice:
    return slice(piece.start * scale, piece.stop * scale)


def _within(piece: slice, seen: slice, scale: int) -> slice:
    """Where the piece lies in what came of the piece with its surroundings."""
    return slice((piece.start - seen.start) * scale, (piece.stop - seen.start) * scale)


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Sums in the same order in every process."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
