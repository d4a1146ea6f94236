"""What the battery measures in one simulated pair: a check patient's image, and what was made of its low resolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.superres.backprojection import Blurs, blurs_of, contradiction, on_input_grid, residual, residual_ratio
from dlr.superres.degradation import degraded, draw
from dlr.superres.detail import detail, fine
from dlr.superres.fidelity import psnr, rim_of, ssim_map
from dlr.superres.grid import bicubic
from dlr.superres.planted import dot, null_space_dot, somewhere, wiped_spot
from dlr.superres.settings import DegradationSettings
from dlr.superres.structures import LOST, SPECKLE_SIZES, false_structures, lost_structures

__all__ = ["Pair", "measure_enhanced", "measure_field", "measure_pair", "pair_of"]

MARGIN = 24  # pixels around lesion and rim that the structures' and the detail's filters see
EDGE = 8  # pixels along a field's edge that are not looked at
COLUMNS = ["subject", "region", "measure", "value"]

Perceptual = Callable[[np.ndarray, np.ndarray], float]  # distance of two images (h, w) in units
Row = tuple[str, str, str, float]


@dataclass(frozen=True)
class Pair:
    """An image, what a coarser scanner would have given of it, and its lesion; grey float32 in units."""

    truth: np.ndarray  # (h s, w s)
    low: np.ndarray  # (h, w)
    clean: np.ndarray  # (h, w): low before its noise
    lesion: np.ndarray  # bool (h s, w s)
    rim: np.ndarray  # bool (h s, w s): within 8 pixels of the outline
    scale: int
    blurs: Blurs  # that may explain the input


def pair_of(
    truth: np.ndarray, mask: np.ndarray, scale: int, settings: DegradationSettings, generator: np.random.Generator
) -> Pair:
    """The simulated pair of an image (h s, w s) in units; rows and columns beyond a multiple of the scale are cut off.

    mask : bool (h s, w s), the lesion.  generator : draws the degradation.
    Raises InputError for a lesion that is cut off.
    """
    height, width = (edge // scale * scale for edge in truth.shape)
    truth, lesion = np.ascontiguousarray(truth[:height, :width], dtype=np.float32), mask[:height, :width] > 0
    if not lesion.any():
        raise InputError("superres", "a lesion lies in the last rows or columns of its image", "leave that image out")
    seen = degraded(truth, scale, draw(generator, settings), settings, generator)
    return Pair(truth, seen.low, seen.clean, lesion, rim_of(lesion), scale, blurs_of(settings))


def measure_pair(
    pair: Pair,
    outputs: Mapping[str, np.ndarray],
    amplitude: float,
    generator: np.random.Generator,
    perceptual: Perceptual | None = None,
) -> pd.DataFrame:
    """Every measure of the outputs, by subject ("restored", "bicubic", ...), (h s, w s) in units, and of the controls.

    amplitude : of the planted dot, levels of 255.  generator : draws where it stands.
    Returns a row a (subject, region, measure) with its value, as table CHECKED has them without the case.
    """
    rows: list[Row] = []
    for subject, output in outputs.items():
        rows += _fidelity(pair, subject, output, perceptual)
        rows += _battery(pair, subject, output)
    for subject, output in _planted(pair, outputs["restored"], amplitude, generator).items():
        rows += _battery(pair, subject, output)
    return pd.DataFrame(rows, columns=COLUMNS)


def measure_field(
    pair: Pair, outputs: Mapping[str, np.ndarray], amplitude: float, generator: np.random.Generator
) -> pd.DataFrame:
    """False structures of a field of pure speckle (check F), dots planted into it too; `pair`: with any lesion."""
    inside = np.zeros(pair.truth.shape, dtype=bool)
    inside[EDGE:-EDGE, EDGE:-EDGE] = True
    subjects = dict(outputs) | _dotted(outputs["restored"], somewhere(inside, generator), amplitude, pair.scale)
    noise = _enlarged_noise(pair)
    counts = {
        subject: false_structures(pair.truth, output, noise, inside, SPECKLE_SIZES, LOST)
        for subject, output in subjects.items()
    }
    rows = [(subject, "field", "false_structures", float(count)) for subject, count in counts.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def measure_enhanced(
    low: np.ndarray, outputs: Mapping[str, np.ndarray], mask: np.ndarray, scale: int, settings: DegradationSettings
) -> pd.DataFrame:
    """Check A on an image truly enhanced: low (h, w) with its lesion's mask, outputs (h s, w s), in units."""
    rows, blurs = [], blurs_of(settings)
    for subject, output in outputs.items():
        r = residual(output, low, scale, blurs)
        rows.append((subject, "enhanced", "contradiction", contradiction(r, low, mask > 0, scale, blurs)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _planted(
    pair: Pair, restored: np.ndarray, amplitude: float, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    dotted = _dotted(restored, somewhere(pair.lesion, generator), amplitude, pair.scale)
    return dotted | {"planted wiped spot": wiped_spot(restored, pair.lesion)}


def _dotted(restored: np.ndarray, centre: tuple[int, int], amplitude: float, scale: int) -> dict[str, np.ndarray]:
    """The output with a dot; with one that the input's grid cannot see, where so large a thing can hide from it.

    No dot is darker than black or whiter than white, as no image is.
    """
    black, white = min(0.0, float(restored.min())), max(1.0, float(restored.max()))
    dotted = {"planted dot": dot(restored.shape, centre, amplitude)}
    if scale > 2:  # over blocks of 2 x 2 nothing of a spot's size averages to 0; finer texture is the account's
        dotted["planted null-space dot"] = null_space_dot(restored.shape, centre, amplitude, scale)
    return {name: np.clip(restored + added, black, white) for name, added in dotted.items()}


def _fidelity(pair: Pair, subject: str, output: np.ndarray, perceptual: Perceptual | None) -> Iterator[Row]:
    similar = ssim_map(pair.truth, output)
    regions = {"whole": np.ones_like(pair.lesion), "lesion": pair.lesion, "rim": pair.rim}
    for region, where in regions.items():
        yield subject, region, "psnr", psnr(pair.truth, output, where)
        yield subject, region, "ssim", float(similar[where].mean())
    if perceptual is not None:
        yield subject, "whole", "perceptual", perceptual(pair.truth, output)


def _battery(pair: Pair, subject: str, output: np.ndarray) -> Iterator[Row]:
    """Checks A to E, all of the lesion, C and D of its rim too."""
    lesion = on_input_grid(pair.lesion, pair.scale)
    r = residual(output, pair.low, pair.scale, pair.blurs)
    yield subject, "lesion", "contradiction", contradiction(r, pair.low, lesion, pair.scale, pair.blurs)
    yield subject, "lesion", "residual", residual_ratio(r, pair.low - pair.clean, lesion)
    yield subject, "lesion", "grey_level", 255 * float((output - pair.truth)[pair.lesion].mean(dtype=np.float64))
    window = _window(pair)
    truth, given, noise = pair.truth[window], output[window], _enlarged_noise(pair)[window]
    inside = pair.lesion[window]
    looked = inside | pair.rim[window]
    yield subject, "lesion", "false_structures", float(false_structures(truth, given, noise, looked))
    yield subject, "lesion", "lost_structures", float(lost_structures(truth, given, noise, looked))
    found = detail(fine(truth, pair.scale), fine(given, pair.scale), inside)
    yield subject, "lesion", "recovered", found.recovered
    yield subject, "lesion", "invented", found.invented


def _enlarged_noise(pair: Pair) -> np.ndarray:
    """What bicubic makes of the noise that the simulation put in, (h s, w s) in units."""
    return bicubic(pair.low - pair.clean, pair.scale)


def _window(pair: Pair) -> tuple[slice, slice]:
    """The rows and columns of lesion and rim with a margin, on whole blocks."""
    shape, s = pair.truth.shape, pair.scale
    window = []
    for axis in (0, 1):
        seen = np.flatnonzero((pair.lesion | pair.rim).any(axis=1 - axis))
        first, last = max(seen[0] - MARGIN, 0) // s * s, min(-(-(seen[-1] + 1 + MARGIN) // s) * s, shape[axis])
        window.append(slice(int(first), int(last)))
    return window[0], window[1]
