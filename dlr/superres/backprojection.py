"""Whether the output, seen through the input's grid, is the input again (checks A and A2).

Needs no truth: r = D(blurred output) - input, with D the means of blocks. How strongly the scanner blurred is not
known, so the output is blurred by whichever of three point-spread functions explains the input best.
Detail that averages to 0 over every block leaves no trace here; the structures' check sees that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from dlr.superres.fidelity import ROUNDING
from dlr.superres.grid import bicubic, block_means
from dlr.superres.settings import DegradationSettings

__all__ = ["blurs_of", "contradiction", "on_input_grid", "residual", "residual_ratio"]

SMOOTHING = 0.8  # SD in pixels of the input: a dot as small as one of them must stand out
LEFT = 1 / np.sqrt(4 * np.pi * SMOOTHING**2)  # of the SD of white noise, after the smoothing

Blurs = Sequence[tuple[float, float]]  # SDs (axial, lateral) in pixels of the output


def blurs_of(settings: DegradationSettings) -> Blurs:
    """None at all, the middle of what the degradation draws from, and its strongest."""
    (a, b), (c, d) = settings.axial, settings.lateral
    return (0.0, 0.0), ((a + b) / 2, (c + d) / 2), (b, d)


def residual(output: np.ndarray, low: np.ndarray, scale: int, blurs: Blurs) -> np.ndarray:
    """r in levels of 255, (h, w) of the input; output (h s, w s) and input (h, w) in units."""
    found = (block_means(gaussian_filter(output, blur), scale) - low for blur in blurs)
    best: np.ndarray = min(found, key=lambda r: float(np.mean(r**2)))
    return 255 * best


def on_input_grid(lesion: np.ndarray, scale: int) -> np.ndarray:
    """Pixels of the input of which half or more is lesion; those touched at all where there is none."""
    share = block_means(lesion, scale)
    return share >= 0.5 if (share >= 0.5).any() else share > 0


def contradiction(r: np.ndarray, low: np.ndarray, lesion: np.ndarray, scale: int, blurs: Blurs) -> float:
    """Check A: by how much the lesion's largest smoothed |r| exceeds what blur explains, in robust SDs of the rest.

    r in levels, low in units, lesion : (h, w) on the input's grid. Black (0) has no residual and is no part of the
    rest. The SD (1.4826 MAD) is that of the smoothed r, or what smoothing would leave of r if it were white noise,
    whichever is larger: bicubic leaves of the noise only what smoothing removes, and would be blamed for every border.
    """
    smooth, rest = gaussian_filter(r, SMOOTHING), ~lesion & (low > 0)
    if not rest.any():
        rest = np.ones_like(lesion)
    spread = max(_robust_sd(smooth[rest]), _robust_sd(r[rest]) * LEFT, 255 * ROUNDING * LEFT)
    beyond = np.abs(smooth - np.median(smooth[rest])) - _explained(low, scale, blurs)
    return max(0.0, float(beyond[lesion].max())) / spread


def _explained(low: np.ndarray, scale: int, blurs: Blurs) -> np.ndarray:
    """By how many levels the input's own borders move where they are blurred as the simulation does in the middle.

    So much of a residual, smoothed like it, is no contradiction: how sharp a border was is what nobody knows.
    """
    image = bicubic(low, scale)
    moved = block_means(gaussian_filter(image, blurs[1]) - image, scale)
    explained: np.ndarray = 255 * np.abs(gaussian_filter(moved, SMOOTHING))
    return explained


def _robust_sd(values: np.ndarray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def residual_ratio(r: np.ndarray, noise: np.ndarray, lesion: np.ndarray) -> float:
    """Check A2: rms of r in the lesion over that of the noise that the simulation put there; noise explains up to 1.

    r in levels, noise in units, both (h, w) on the input's grid.
    """
    put_in = max(255 * float(np.sqrt(np.mean(noise[lesion] ** 2))), 255 * ROUNDING)
    return float(np.sqrt(np.mean(r[lesion] ** 2))) / put_in
