"""Largest distances between points of a mesh, over all and within planes of voxels or midway between two."""

from __future__ import annotations

import numpy as np
from numba import njit

from dlr.radiomics.native.mesh import boundary_points

__all__ = ["Diameters", "diameters"]

Diameters = tuple[float, float, float, float]


def diameters(mask: np.ndarray, spacing: tuple[float, float, float]) -> Diameters:
    """In mm: within planes of equal z, of equal y, of equal x, and over all.  mask : bool (z, y, x), in its box.

    Both ends of a diameter are corners of the convex hull of their plane, and of every plane they lie in.
    """
    # each order has its plane first; along the last axis only the two ends of a line can matter
    found = []
    hulls = []
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        points = boundary_points(np.ascontiguousarray(mask.transpose(order)))
        corners = points[_corners_of_planes(points)]
        # the coordinates of pyradiomics: the box with one voxel around it
        place = (corners + 2) / 2 * np.array([spacing[axis] for axis in order])
        found.append(_largest_in_planes(place))
        hulls.append(corners[:, np.argsort(order)])
    # the first two hold points of the same lines, along x
    keys = [(hull.astype(np.int64) + 1) @ np.array([1 << 42, 1 << 21, 1]) for hull in hulls[:2]]
    both = hulls[0][np.isin(keys[0], keys[1])]
    place = (both + 2) / 2 * np.array(spacing)
    radius = np.sqrt(((place - place.mean(axis=0)) ** 2).sum(axis=1))
    outward = np.argsort(-radius, kind="stable")
    over_all = _largest(np.ascontiguousarray(place[outward]), radius[outward])
    return found[0], found[1], found[2], over_all


@njit(cache=True)
def _corners_of_planes(points: np.ndarray) -> np.ndarray:
    """bool (n,): corners of the convex hull of all points of equal first coordinate.

    points : int32 (n, 3), ordered by their coordinates. Hulls by monotone chains (Andrew 1979), in whole numbers.
    """
    n = len(points)
    keep = np.zeros(n, dtype=np.bool_)
    chain = np.empty(n, dtype=np.int64)
    start = 0
    while start < n:
        stop = start
        while stop < n and points[stop, 0] == points[start, 0]:
            stop += 1
        for side in (1, -1):
            top = 0
            for i in range(start, stop):
                while top >= 2:
                    a, b = chain[top - 2], chain[top - 1]
                    u, v = np.int64(points[b, 1] - points[a, 1]), np.int64(points[b, 2] - points[a, 2])
                    turn = u * (points[i, 2] - points[a, 2]) - v * (points[i, 1] - points[a, 1])
                    if side * turn > 0:
                        break
                    top -= 1
                chain[top] = i
                top += 1
            for i in range(top):
                keep[chain[i]] = True
        start = stop
    return keep


@njit(cache=True)
def _largest_in_planes(place: np.ndarray) -> float:
    """Largest distance between points of equal first coordinate.  place : float64 (n, 3), ordered by it."""
    largest = 0.0
    start = 0
    for i in range(len(place)):
        if place[i, 0] != place[start, 0]:
            start = i
        for j in range(start, i):
            u, v = place[i, 1] - place[j, 1], place[i, 2] - place[j, 2]
            largest = max(largest, u * u + v * v)
    return np.sqrt(largest)


@njit(cache=True)
def _largest(place: np.ndarray, radius: np.ndarray) -> float:
    """Largest distance between points.  place : float64 (n, 3), ordered by falling radius (n,) around any centre."""
    largest = 0.0
    for i in range(len(place)):
        for j in range(i):
            if (radius[i] + radius[j]) * (1 + 1e-12) < np.sqrt(largest):
                break
            w, u, v = place[i, 0] - place[j, 0], place[i, 1] - place[j, 1], place[i, 2] - place[j, 2]
            largest = max(largest, w * w + u * u + v * v)
    return np.sqrt(largest)
