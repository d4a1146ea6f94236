"""Filters against the consensus response maps of IBSI-2 whose definitions coincide with pyradiomics'."""

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics_reference import PHANTOM, profile_of

from dlr.radiomics.native.images import filtered
from dlr.radiomics.native.region import Region

MAPS = PHANTOM / "response_maps"
SIGMA, SPACING = 5.0, 2.0  # mm


def read(name):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(MAPS / f"{name}.nii.gz"))).astype(np.float64)


def response(phantom, image_type, own, band):
    """The named band of a phantom, filtered whole."""
    image = read(phantom)
    region = Region.of(np.ones(image.shape, bool), (SPACING,) * 3)
    settings = profile_of(imageType={image_type: own}).settings_of(image_type)
    bands = dict(filtered(image_type, image, np.float64(np.abs(image).max()), region, settings))
    return bands[band].astype(np.float64).reshape(image.shape)


# the maps are float32; the consensus truncates the Gaussian at 4 sigma and is in voxels, ITK's recursion is in mm
@pytest.mark.parametrize(
    ("consensus", "phantom", "image_type", "own", "band", "scale", "tolerance"),
    [
        ("5_a_1", "impulse", "Wavelet", {"wavelet": "db2"}, "wavelet-LHL", 1.0, 1e-7),
        ("6_a_1", "sphere", "Wavelet", {"wavelet": "coif1"}, "wavelet-HHL", 1.0, 1e-7),
        ("2_b", "checkerboard", "LoG", {"sigma": [SIGMA]}, "log-sigma-5-0-mm-3D", (SPACING / SIGMA) ** 2, 1e-2),
    ],
)
def test_filter_is_ibsis_within_its_share_of_the_range(consensus, phantom, image_type, own, band, scale, tolerance):
    expected = read(f"{consensus}-ValidCRM")
    given = scale * response(phantom, image_type, own, band)
    assert np.abs(given - expected).max() <= tolerance * np.ptp(expected)
