"""The mesh of an outline: triangles through the midpoints between ROI voxels and their neighbours.

Cubes of eight voxel centres are told apart by which corners lie in the ROI, as Lorensen and Cline do (1987); a cube
whose last corner is in the ROI is treated as its complement. So a few ambiguous cubes do not fit their neighbours, and
the mesh is not closed everywhere: pyradiomics' areas and volumes depend on it. The table is the data of its release
3.0.1 (BSD-3-Clause); the computation is by cases: how often each occurs and the sum of its positions.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit

__all__ = ["area_and_volume", "boundary_points"]

# corners (z, y, x) of a cube, bit 0 to bit 7, and the midpoints of its twelve edges
_CORNERS = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0))
_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))

# triangles of the cases 0 to 127 as triples of edges, in base 12; "-" where there are none
_TRIANGLES = """
- 083 190 183198 12a 08312a 92a029 2832a8a98 b23 b2008b 190b23 b2119b98b 3a1ba3 a1008a8ba 9033b9ba9
98aba8 478 043473 190478 194147173 12a478 34730412a 92a902478 2a9297273479 478b23 b47b24204
190478b23 47b94bb29192 3a1ba3478 ba114b10447b 4789033b9ba9 47b4b99ba 954 954083 054015 854835315
12a954 08312a954 2a5542240 2a5325354834 954b23 b2008b954 054015b23 215258b28548 3a1ba3954
549a1008a8ba 54050ba5bb03 548a58ba8 789579 309539357 780017715 157173 78957912a 12a309395357
0288258572a5 2a5253357 579789b23 579972209b27 b23018178157 21b17b157 7895793a1ba3 5705097b0a10ba0
ba003ba50078570 ba557b 65a 08365a 19065a 18319865a 165126 165126083 965906026 598582526832 b2365a
b2008b65a 190b2365a b2119b98b65a 63b653513 08b0b50515b6 63b036065059 65969bb98 47865a 04347365a
19047865a 19414717365a 478165126 043473165126 478965906026 739479329596269 b2347865a b47b2420465a
190b2347865a 47b94bb2919265a 47863b653513 51b5b610b47b04b 47863b036065059 65969b4797b9 a4964a
a4964a083 01aa60640 18316886461a 149124264 149124264083 024426 832824426 b23a4964a b2008ba4964a
b2301aa60640 64161a148b2118b 964369139b63 18b081b61149641 63b036640 86468b 67a78a89a 67a0a709a073
67a1a7178018 67a1a7173 126168189678 269129679309739 078706602 273267 b2367a78a89a 207b2709767a9a7
67a1a7178018b23 b2117ba61167 896678169b63136 09167b 07870603bb60 67b
"""


@cache
def _triangles() -> tuple[np.ndarray, np.ndarray]:
    """float64 (t, 3, 3): corners of every triangle within its cube (z, y, x); int64 (t,): its case."""
    corners = np.array(_CORNERS, dtype=np.float64)
    midpoints = np.array([(corners[a] + corners[b]) / 2 for a, b in _EDGES])
    edges = [[int(edge, 12) for edge in case if edge != "-"] for case in _TRIANGLES.split()]
    cases = np.repeat(np.arange(len(edges)), [len(case) // 3 for case in edges])
    return midpoints[np.concatenate([np.array(case, dtype=np.int64) for case in edges])].reshape(-1, 3, 3), cases


def area_and_volume(mask: np.ndarray, spacing: tuple[float, float, float]) -> tuple[float, float]:
    """Area (mm²) and volume (mm³) of the mesh.  mask : bool (z, y, x), in its bounding box.  spacing : mm."""
    counts, positions = _count_cubes(mask)
    triangles, cases = _triangles()
    complements = 255 - np.arange(128)
    a, b, c = triangles.transpose(1, 0, 2)
    scaled = triangles * np.array(spacing)
    areas = 0.5 * np.sqrt((np.cross(scaled[:, 0] - scaled[:, 2], scaled[:, 1] - scaled[:, 2]) ** 2).sum(axis=1))
    area = float(areas @ (counts[:128] + counts[complements])[cases])
    # det(p + a, p + b, p + c) = det(a, b, c) + p · (a×b + b×c + c×a), summed over positions; complements are inside out
    signed_counts = counts[:128] - counts[complements]
    signed_positions = positions[:128] - positions[complements]
    normals = np.cross(a, b) + np.cross(b, c) + np.cross(c, a)
    own = np.einsum("td,td->t", np.cross(a, b), c)
    six_volumes = own @ signed_counts[cases] + (normals * signed_positions[cases]).sum()
    return area, float(six_volumes * np.prod(spacing) / 6)


def boundary_points(mask: np.ndarray) -> np.ndarray:
    """int32 (n, 3): twice the position (z, y, x) of the mesh's points that can be ends of a diameter.

    Of every line along x, the first and the last point.  mask : bool (z, y, x), in its bounding box.
    """
    return _boundary_points(np.pad(mask, [(1, 1), (1, 1), (0, 0)]).view(np.uint8))


@njit(cache=True)
def _count_cubes(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often each of 256 cases occurs, int64 (256,), and the sum of its positions (z, y, x), int64 (256, 3).

    Positions count from one voxel before the box.
    """
    nz, ny, nx = mask.shape
    counts, positions = np.zeros(256, dtype=np.int64), np.zeros((256, 3), dtype=np.int64)
    columns = np.zeros((4, nx + 2), dtype=np.uint8)  # the four lines of a row of cubes, one voxel longer on each side
    for z in range(nz + 1):
        for y in range(ny + 1):
            for line in range(4):
                row, depth = y - 1 + (line & 1), z - 1 + (line >> 1)
                if 0 <= row < ny and 0 <= depth < nz:
                    for x in range(nx):
                        columns[line, x + 1] = mask[depth, row, x]
                else:
                    columns[line] = 0
            for x in range(nx + 1):
                case = (
                    columns[0, x]
                    | columns[0, x + 1] << 1
                    | columns[1, x + 1] << 2
                    | columns[1, x] << 3
                    | columns[2, x] << 4
                    | columns[2, x + 1] << 5
                    | columns[3, x + 1] << 6
                    | columns[3, x] << 7
                )
                if case != 0 and case != 255:
                    counts[case] += 1
                    positions[case, 0] += z
                    positions[case, 1] += y
                    positions[case, 2] += x
    return counts, positions


@njit(cache=True)
def _boundary_points(padded: np.ndarray) -> np.ndarray:
    """padded : uint8 (z, y, x), with a plane of zeros on each side along z and y."""
    nz, ny, nx = padded.shape
    points = np.empty((6 * nz * ny, 3), dtype=np.int32)
    n = 0
    for z2 in range(1, 2 * nz - 2):  # twice the position in `padded`; odd midway between two voxels
        for y2 in range(1, 2 * ny - 2):
            if z2 % 2 == 1 and y2 % 2 == 1:
                continue
            here, there = padded[z2 // 2, y2 // 2], padded[(z2 + 1) // 2, (y2 + 1) // 2]
            along = z2 % 2 == 0 and y2 % 2 == 0  # the line runs through voxels, its points between them
            first = 0
            while first < nx and (here[first] == 0 if along else here[first] == there[first]):
                first += 1
            if first == nx:
                continue
            last = nx - 1
            while here[last] == 0 if along else here[last] == there[last]:
                last -= 1
            ends = (2 * first - 1, 2 * last + 1) if along else (2 * first, 2 * last)
            for k in range(1 if ends[0] == ends[1] else 2):
                points[n, 0], points[n, 1], points[n, 2] = z2 - 2, y2 - 2, ends[k]
                n += 1
    return points[:n].copy()
