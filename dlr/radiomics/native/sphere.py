"""Points spread over a sphere, and spherical harmonics at them, as the three-dimensional binary pattern uses them."""

from __future__ import annotations

from itertools import combinations

import numpy as np

__all__ = ["harmonics", "icosphere"]


def icosphere(subdivisions: int, radius: float) -> np.ndarray:
    """float64 (n, 3): corners of an icosahedron, its edges halved `subdivisions` times, moved onto the sphere.

    Rounded as trimesh rounds them: points on the axes lie exactly on voxel centres.
    """
    golden = (1 + 5**0.5) / 2
    short, long = 1 / np.sqrt(golden + 2), golden / np.sqrt(golden + 2)
    signs = ((-1, 1), (1, 1), (-1, -1), (1, -1))
    points = np.array(
        [(a * short, b * long, 0.0) for a, b in signs]
        + [(0.0, a * short, b * long) for a, b in signs]
        + [(b * long, 0.0, a * short) for b, a in ((1, -1), (1, 1), (-1, -1), (-1, 1))]
    )
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    near = (distance > 0) & (distance < 1.1)
    faces = [face for face in combinations(range(12), 3) if all(near[a, b] for a, b in combinations(face, 2))]
    for _ in range(subdivisions):
        edges = sorted({tuple(sorted(edge)) for face in faces for edge in combinations(face, 2)}, key=lambda e: e[::-1])
        middle = {edge: len(points) + i for i, edge in enumerate(edges)}
        points = np.vstack([points, [(points[a] + points[b]) / 2 for a, b in edges]])
        finer = []
        for a, b, c in faces:
            ab, bc, ac = middle[min(a, b), max(a, b)], middle[min(b, c), max(b, c)], middle[min(a, c), max(a, c)]
            finer += [(a, ab, ac), (b, ab, bc), (c, ac, bc), (ab, bc, ac)]
        faces = finer
        points = _onto_sphere(points, radius)
    return points if subdivisions else _onto_sphere(points, radius)


def _onto_sphere(points: np.ndarray, radius: float) -> np.ndarray:
    length = np.sqrt((points**2) @ np.ones(3))[:, None]
    return points + points / length * (radius - length)


def harmonics(degree: int, order: int, azimuth: np.ndarray, polar: np.ndarray) -> np.ndarray:
    """complex (n,): Yₙᵐ = √((2n + 1)/(4π) (n − m)!/(n + m)!) Pₙᵐ(cos polar) exp(i m azimuth), Condon-Shortley sign."""
    m = abs(order)
    x = np.cos(polar)
    sine = np.abs(np.sin(polar))
    current = np.full_like(x, 1 / (2 * np.sqrt(np.pi))) if m % 2 == 0 else -np.sqrt(1.5) / (2 * np.sqrt(np.pi)) * sine
    for k in range(2 + m % 2, m + 1, 2):
        current = np.sqrt((2 * k + 1) * (2 * k - 1) / (4 * k * (k - 1))) * sine * sine * current
    before = np.zeros_like(x)
    for n in range(m + 1, degree + 1):  # normalised Legendre functions, as SciPy computes them
        a = np.sqrt((4 * n * n - 1) / (n * n - m * m))
        b = np.sqrt(((n - 1) ** 2 - m * m) / (4 * (n - 1) ** 2 - 1)) * a
        before, current = current, a * x * current - b * before
    value = current * np.exp(1j * m * azimuth)
    return value if order >= 0 else (-1) ** m * value.conj()
