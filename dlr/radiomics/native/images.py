"""The images of a profile: every filter at the voxels of the ROI, named as in column names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlr.radiomics.native import filters
from dlr.radiomics.native.lbp2d import local_binary_pattern
from dlr.radiomics.native.lbp3d import spherical_patterns
from dlr.radiomics.native.log import fits, laplacian_of_gaussian
from dlr.radiomics.native.region import Region
from dlr.radiomics.native.wavelet import wavelet_bands

__all__ = ["filtered"]

_OF_INTENSITY = {
    "Square": filters.square,
    "SquareRoot": filters.squareroot,
    "Logarithm": filters.logarithm,
    "Exponential": filters.exponential,
}


def filtered(
    image_type: str, image: np.ndarray, largest: np.float64, region: Region, settings: dict[str, Any]
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and values (voxels of the ROI,) of each image of this type; float32 where pyradiomics' filter gives it.

    image : float64 (z, y, x), whole.  largest : its max|x|.
    A Laplacian of Gaussian that the image is too small for is left out.
    """

    def at_roi(box: np.ndarray) -> np.ndarray:
        return box.reshape(-1).take(region.inside)

    match image_type:
        case "Wavelet":
            for level, band, box in wavelet_bands(image, region, settings):
                yield f"wavelet{level if level > 1 else ''}-{band}", at_roi(box)
        case "LoG":
            for sigma in settings.get("sigma", ()):
                if fits(image.shape, region.spacing, sigma):
                    name = f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D"
                    yield name, at_roi(laplacian_of_gaussian(image, region, sigma))
        case "LBP3D":
            for name, values in spherical_patterns(image, region, settings):
                yield f"lbp-3D-{name}", values
        case "LBP2D":
            yield "lbp-2D", local_binary_pattern(image, region, settings)
        case "Gradient":
            yield (
                "gradient",
                at_roi(filters.gradient_magnitude(image, region, settings.get("gradientUseSpacing", True))),
            )
        case "Original":
            yield "original", at_roi(image[region.box])
        case _:
            with np.errstate(divide="ignore", invalid="ignore"):  # an image of zeros
                yield image_type.lower(), _OF_INTENSITY[image_type](at_roi(image[region.box]), largest)
