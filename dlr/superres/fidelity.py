"""How near an output is to the truth, by region: PSNR and SSIM."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.metrics import structural_similarity

__all__ = ["psnr", "rim_of", "ssim_map"]

RIM = 8.0  # pixels of the truth to either side of the outline
ROUNDING = 1 / 255 / np.sqrt(12)  # rms of rounding to 256 grey levels: no error is told from 0 below it


def rim_of(lesion: np.ndarray) -> np.ndarray:
    """Where the outline is within 8 pixels, bool (h, w)."""
    return np.where(lesion, distance_transform_edt(lesion), distance_transform_edt(~lesion)) <= RIM


def psnr(truth: np.ndarray, output: np.ndarray, region: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB within a region, of images in units (peak 1); at most that of rounding, 58.9."""
    error = np.mean((output[region].astype(np.float64) - truth[region]) ** 2)
    return float(-10 * np.log10(max(error, ROUNDING**2)))


def ssim_map(truth: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Structural similarity around every pixel, (h, w): windows of 7 x 7, constants .01 and .03 of the range.

    Source: Wang et al. 2004, IEEE TIP 13:600, as scikit-image has it with its defaults.
    """
    found: np.ndarray = structural_similarity(truth, output, data_range=1.0, full=True)[1]
    return found
