"""Every kernel against a slow twin, written differently, and against arithmetic on paper."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from dlr.radiomics.native.diameters import diameters
from dlr.radiomics.native.discretise import bin_edges, discretise
from dlr.radiomics.native.kernels import count_neighbours, count_runs, count_zones
from dlr.radiomics.native.kernels_sphere import filter_spline
from dlr.radiomics.native.lbp3d import spherical_patterns
from dlr.radiomics.native.mesh import area_and_volume
from dlr.radiomics.native.region import Region, directions
from dlr.radiomics.native.sphere import icosphere

PAD = 2


def roi(shape, seed, levels=4, share=0.7):
    """Levels 1..levels in a random ROI that touches its box: the region, codes (0 outside) and padded codes."""
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < share
    for axis in range(3):
        mask[(slice(None),) * axis + (0,)] |= rng.random() < 2
        mask[(slice(None),) * axis + (-1,)] |= rng.random() < 2
    codes = np.where(mask, rng.integers(1, levels + 1, shape), 0)
    region = Region.of(mask, (1.0, 1.0, 1.0))
    return region, codes, region.padded(codes[mask], PAD)


def pairs_of(codes, offset):
    """Levels of all voxels and of their neighbours at the offset, 0 beyond the array."""
    far = max(map(abs, offset))
    padded = np.pad(codes, far)
    window = tuple(slice(far + step, far + step + size) for step, size in zip(offset, codes.shape, strict=True))
    return codes.ravel(), padded[window].ravel()


@pytest.mark.parametrize("distances", [(1,), (1, 2)])
@pytest.mark.parametrize("alpha", [0, 1])
@pytest.mark.parametrize("shape", [(1, 7, 9), (4, 5, 6)])
def test_count_neighbours_equals_plain_numpy(shape, alpha, distances):
    region, codes, padded = roi(shape, 1)
    offsets = directions(shape, distances, None)
    pairs, dependence, contrast = count_neighbours(
        padded, padded, region.neighbours(offsets), region.lines, offsets, PAD, 4, alpha
    )
    near, count, total = np.zeros(codes.size), np.zeros(codes.size), np.zeros(codes.size)
    for a, offset in enumerate(offsets):
        for sign in (1, -1):
            own, other = pairs_of(codes, sign * offset)
            near += (other > 0) & (np.abs(own - other) <= alpha)
            count += other > 0
            total += other
            if sign == 1:
                expected = np.zeros((5, 5))
                np.add.at(expected, (own, other), 1)
                np.testing.assert_array_equal(pairs[a, 1:, 1:], expected[1:, 1:])
    inside = codes.ravel() > 0
    own = codes.ravel()[inside]
    expected = np.zeros_like(dependence)
    np.add.at(expected, (own, near[inside].astype(int)), 1)
    np.testing.assert_array_equal(dependence[1:], expected[1:])
    distance = np.where(count > 0, np.abs(codes.ravel() - total / np.maximum(count, 1)), 0)[inside]
    np.testing.assert_allclose(contrast[1:], [distance[own == level].sum() for level in range(1, 5)], rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 7, 9), (4, 5, 6)])
def test_count_runs_equals_walking_every_line(shape):
    region, codes, padded = roi(shape, 2, levels=2)
    offsets = directions(shape, (1,), None)
    runs = count_runs(padded, region.lines, offsets, PAD, 2)
    level_of = {position: level for position, level in np.ndenumerate(codes) if level}
    for a, offset in enumerate(map(tuple, offsets.tolist())):
        expected = np.zeros(runs.shape[1:])
        for position, level in level_of.items():
            step = np.array(offset)
            if level_of.get(tuple(position - step)) == level:
                continue  # not the first of its run
            length = 1
            while level_of.get(tuple(position + length * step)) == level:
                length += 1
            expected[level, length] += 1
        np.testing.assert_array_equal(runs[a, 1:, 1:-1], expected[1:, 1:-1])


@pytest.mark.parametrize("in_plane", [False, True])
@pytest.mark.parametrize("levels", [1, 2, 20])
def test_count_zones_equals_labelled_components(levels, in_plane):
    region, codes, padded = roi((4, 8, 9), 3, levels=levels)
    zones, sizes = count_zones(padded, region.lines, PAD, levels, int(region.mask.sum()), in_plane)
    connected = np.ones((3, 3, 3))
    if in_plane:
        connected[[0, 2]] = 0
    for level in range(1, levels + 1):
        labels, _ = ndimage.label(codes == level, connected)
        expected, counts = np.unique(np.bincount(labels.ravel())[1:], return_counts=True)
        found = {int(size): int(n) for size, n in zip(sizes, zones[level - 1], strict=True) if n}
        assert found == dict(zip(expected.tolist(), counts.tolist(), strict=True))


def test_levels_are_those_of_digitize():
    rng = np.random.default_rng(4)
    for values in (rng.normal(0, 30, 500), rng.integers(-5, 6, 300) * 0.3, rng.normal(0, 3, 99).astype(np.float32)):
        for setting in ({"binWidth": 0.3}, {"binWidth": 7}, {"binCount": 11}):
            levels = discretise(values, setting)
            np.testing.assert_array_equal(
                levels.present[levels.codes - 1], np.digitize(values, bin_edges(values, setting))
            )
            np.testing.assert_array_equal(levels.counts, np.unique(levels.codes, return_counts=True)[1])


def test_bins_of_a_tenth_follow_arange():
    levels = discretise(np.array([0.3, 0.6, 0.9, 1.2]), {"binWidth": 0.1})
    assert levels.present.tolist() == [1, 4, 7, 10]  # multiples of the width would give 1, 4, 8, 10


def test_one_voxel_has_the_mesh_of_an_octahedron():
    area, volume = area_and_volume(np.ones((1, 1, 1), bool), (1.0, 1.0, 1.0))
    assert area == pytest.approx(8 * np.sqrt(3) / 8)  # eight triangles of side √½
    assert volume == pytest.approx(1 / 6)
    assert diameters(np.ones((1, 1, 1), bool), (1.0, 1.0, 1.0)) == (1, 1, 1, 1)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.7, 0.9)])
@pytest.mark.parametrize("shape", [(1, 9, 8), (5, 6, 7)])
def test_diameters_are_those_of_all_pairs(shape, spacing):
    region, _, _ = roi(shape, 5, share=0.2)
    padded = np.pad(region.mask, 1)
    points = []
    for axis in range(3):
        low, high = np.moveaxis(padded, axis, 0)[:-1], np.moveaxis(padded, axis, 0)[1:]
        edges = np.argwhere(np.moveaxis(low != high, 0, axis)).astype(float)
        edges[:, axis] += 0.5
        points.append(edges)
    place = np.concatenate(points)
    in_planes = [
        max(
            (pdist(place[place[:, axis] == value] * spacing).max(initial=0) for value in np.unique(place[:, axis])),
        )
        for axis in range(3)
    ]
    np.testing.assert_allclose(diameters(region.mask, spacing), [*in_planes, pdist(place * spacing).max()], rtol=1e-13)


@pytest.mark.parametrize("size", [2, 3, 4, 7, 90])
def test_spline_coefficients_are_scipys(size):
    data = np.random.default_rng(6).normal(size=(2, size, 21))
    out = np.empty_like(data)
    filter_spline(data, np.arange(size), -0.2679491924311227, out)
    np.testing.assert_array_equal(out, ndimage.spline_filter1d(data, 3, axis=1, mode="mirror"))


@pytest.mark.parametrize("shape", [(1, 30, 40), (12, 25, 21), (2, 9, 8)])
def test_samples_at_or_above_the_voxel_are_counted_as_scipy_interpolates(shape):
    rng = np.random.default_rng(7)
    image, mask = np.round(rng.normal(100, 20, shape)), rng.random(shape) < 0.4
    region = Region.of(mask, (1.0, 1.0, 1.0))
    points = icosphere(1, 1.0)
    place = np.argwhere(mask)[None] + points[:, None]
    samples = ndimage.map_coordinates(image, place.T, order=3)
    counts = (samples >= image[mask][:, None]).sum(axis=1)
    level = dict(spherical_patterns(image, region, {}))["m1"]
    y = 1 / (2 * np.sqrt(np.pi))
    np.testing.assert_allclose(level, counts * y * y * np.sqrt(len(points)), rtol=1e-12)
