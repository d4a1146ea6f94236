"""Matrices and features of one small image, worked on paper.

1 1 2
1 3 2      every voxel in the ROI; rows y, columns x
3 3 2
"""

import numpy as np
import pytest
from radiomics_reference import profile_of

from dlr.radiomics import engine
from dlr.radiomics.native.discretise import discretise
from dlr.radiomics.native.region import Region
from dlr.radiomics.native.textures import Textures

LEVELS = np.array([[[1, 1, 2], [1, 3, 2], [3, 3, 2]]])
SPACING = (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def textures():
    settings = profile_of(setting={"binWidth": 1}).settings
    region = Region.of(np.ones(LEVELS.shape, bool), SPACING)
    return Textures(region, discretise(LEVELS.ravel().astype(float), settings), settings)


@pytest.fixture(scope="module")
def values():
    profile = profile_of(setting={"binWidth": 1})
    image = LEVELS.astype(float)
    measured = engine("native").measure(image, np.ones(LEVELS.shape, bool), SPACING, profile).values
    return {name.removeprefix("original_"): value for name, value in measured.items()}


def test_levels_are_those_of_the_image(textures):
    assert textures.levels.codes.tolist() == LEVELS.ravel().tolist()
    assert textures.grey.tolist() == [1, 2, 3]


def test_pairs_along_x(textures):
    # 1-1, 1-2 | 1-3, 3-2 | 3-3, 3-2, counted both ways: 12 pairs
    pairs = np.array([[2, 1, 1], [1, 0, 2], [1, 2, 2]]) / 12
    assert any(np.allclose(p, pairs, atol=1e-15) for p in textures.glcm.p[0])
    assert len(textures.glcm.p[0]) == 4


def test_runs_along_x(textures):
    # row 1: 11 2, row 2: 1 3 2, row 3: 33 2
    runs = np.array([[1, 1, 0], [3, 0, 0], [1, 1, 0]])
    assert any((counts == runs).all() for counts in textures.glrlm.counts[0])
    # along y level 2 is one run of three: columns 11 3, 1 33, 222
    columns = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 0]])
    assert any((counts == columns).all() for counts in textures.glrlm.counts[0])


def test_zones(textures):
    # each level is one zone of three
    assert textures.glszm.size.tolist() == [[[3]]]
    assert textures.glszm.counts.tolist() == [[[[1], [1], [1]]]]


def test_dependences(textures):
    # ones: the corner touches both others (3 with itself), and these touch each other; twos: 2, 3, 2; threes: 3, 3, 3
    assert textures.gldm.size.tolist() == [[[2, 3]]]
    assert textures.gldm.counts.tolist() == [[[[0, 3], [2, 1], [0, 3]]]]


def test_neighbourhood_differences(textures):
    # means of the neighbours: 5/3, 9/5, 6/3 | 11/5, 15/8, 11/5 | 7/3, 11/5, 8/3
    differences = [2 / 3 + 4 / 5 + 6 / 5, 0 + 1 / 5 + 2 / 3, 9 / 8 + 2 / 3 + 4 / 5]
    np.testing.assert_allclose(textures.ngtdm.s, differences, rtol=1e-14)


def test_features_of_these_matrices(values):
    assert values["firstorder_Mean"] == 2
    assert values["firstorder_Energy"] == 3 * (1 + 4 + 9)
    assert values["firstorder_Variance"] == pytest.approx(2 / 3, rel=1e-15)
    assert values["firstorder_Entropy"] == pytest.approx(np.log2(3), rel=1e-14)
    assert values["firstorder_Uniformity"] == pytest.approx(1 / 3, rel=1e-15)
    assert values["glszm_SmallAreaEmphasis"] == pytest.approx(1 / 9, rel=1e-15)
    assert values["glszm_LargeAreaEmphasis"] == 9
    assert values["glszm_ZonePercentage"] == pytest.approx(3 / 9, rel=1e-15)
    assert values["gldm_SmallDependenceEmphasis"] == pytest.approx((2 / 4 + 7 / 9) / 9, rel=1e-14)
    assert values["gldm_LargeDependenceEmphasis"] == pytest.approx((2 * 4 + 7 * 9) / 9, rel=1e-15)
    assert values["shape_VoxelVolume"] == 9
    # Contrast: along x and y and on both diagonals these levels meet; the mean of the four
    down = [(1, 3), (1, 2), (1, 3), (3, 2)]
    up = [(1, 1), (2, 3), (3, 3), (2, 3)]
    along_x = [(1, 1), (1, 2), (1, 3), (3, 2), (3, 3), (3, 2)]
    along_y = [(1, 1), (1, 3), (1, 3), (3, 3), (2, 2), (2, 2)]
    contrasts = [np.mean([(i - j) ** 2 for i, j in pairs]) for pairs in (along_x, along_y, down, up)]
    assert values["glcm_Contrast"] == pytest.approx(np.mean(contrasts), rel=1e-14)
