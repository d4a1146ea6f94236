"""Texture matrices: compiled counting over the lines of a ROI. Levels in, counts out."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["count_neighbours", "count_runs", "count_zones"]


@njit(cache=True)
def count_neighbours(
    codes: np.ndarray,
    greys: np.ndarray,
    neighbours: np.ndarray,
    lines: np.ndarray,
    offsets: np.ndarray,
    pad: int,
    n_levels: int,
    alpha: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neighbours of every voxel, once for GLCM, GLDM and NGTDM.

    codes : int32 (z, y, x) padded by `pad`, 1..n_levels in the ROI and 0 outside.  greys : the same with grey levels.
    neighbours : uint16 (z, y, x) without padding, how many of a voxel's neighbours both ways lie in the ROI.
    lines : int64 (n, 4), z, y, first x, last x + 1 without the padding.  offsets : int64 (a, 3), one of each pair.
    Returns pairs int64 (a, n_levels + 1, n_levels + 1), voxel and its neighbour at +offset; dependence int64
    (n_levels + 1, 2 a + 1), voxels by their number of neighbours within `alpha`; contrast float64 (n_levels + 1,),
    sum of |grey level - mean of the neighbours|. Row and column 0 count what lies outside.
    """
    n_offsets, width, n_columns = len(offsets), codes.shape[2], n_levels + 1
    pairs = np.zeros((n_offsets, n_columns * n_columns), dtype=np.int64)
    dependence = np.zeros((n_columns, 2 * n_offsets + 1), dtype=np.int64)
    contrast = np.zeros(n_columns, dtype=np.float64)
    total, alike = np.empty(width, dtype=np.int32), np.empty(width, dtype=np.int32)
    for line in range(len(lines)):
        z, y = lines[line, 0] + pad, lines[line, 1] + pad
        start, stop = lines[line, 2] + pad, lines[line, 3] + pad
        n = stop - start
        own_code, own = codes[z, y, start:stop], greys[z, y, start:stop]
        total[:n], alike[:n] = 0, 0
        for a in range(n_offsets):
            dz, dy, dx = offsets[a, 0], offsets[a, 1], offsets[a, 2]
            ahead = codes[z + dz, y + dy, start + dx : stop + dx]
            table = pairs[a]
            for x in range(n):
                table[np.uint32(own_code[x] * n_columns + ahead[x])] += 1
            for sign in (-1, 1):
                other = greys[z + sign * dz, y + sign * dy, start + sign * dx : stop + sign * dx]
                if alpha == 0:
                    for x in range(n):
                        total[x] += other[x]
                        alike[x] += other[x] == own[x]
                else:
                    for x in range(n):
                        total[x] += other[x]
                        alike[x] += (other[x] > 0) & (abs(other[x] - own[x]) <= alpha)
        count = neighbours[lines[line, 0], lines[line, 1], lines[line, 2] : lines[line, 3]]
        for x in range(n):
            code = own_code[x]
            if code > 0:
                dependence[code, alike[x]] += 1
                if count[x] > 0:
                    contrast[code] += abs(own[x] - total[x] / count[x])
    return pairs.reshape(n_offsets, n_columns, n_columns), dependence, contrast


@njit(cache=True)
def count_runs(codes: np.ndarray, lines: np.ndarray, offsets: np.ndarray, pad: int, n_levels: int) -> np.ndarray:
    """Runs of equal level along every offset, all of whose steps are -1, 0 or 1.

    codes, lines, pad : as in `count_neighbours`.  Returns int64 (a, n_levels + 1, longest + 2): runs by length.
    A voxel is the last of a run so far of the length before it plus 1; every run of length r passes through
    1, 2, ..., r, so the counts of lengths reached, minus those of one more, are the runs.
    """
    n_offsets = len(offsets)
    longest = 0
    for axis in range(3):
        longest = max(longest, codes.shape[axis] - 2 * pad)
    n_columns = longest + 2
    reached = np.zeros((n_offsets, (n_levels + 1) * n_columns), dtype=np.int64)
    length = np.zeros(codes.shape, dtype=np.int32)
    for a in range(n_offsets):
        dz, dy, dx = offsets[a, 0], offsets[a, 1], offsets[a, 2]
        table = reached[a]
        for line in range(len(lines)):
            z, y = lines[line, 0] + pad, lines[line, 1] + pad
            start, stop = lines[line, 2] + pad, lines[line, 3] + pad
            own, before = codes[z, y, start:stop], codes[z - dz, y - dy, start - dx : stop - dx]
            now, then = length[z, y, start:stop], length[z - dz, y - dy, start - dx : stop - dx]
            if dz != 0 or dy != 0:
                for x in range(stop - start):
                    now[x] = 1 + then[x] * ((own[x] == before[x]) & (own[x] > 0))
            else:
                run = 0
                for x in range(stop - start):
                    run = run + 1 if own[x] == before[x] and own[x] > 0 else 1
                    now[x] = run
            for x in range(stop - start):
                table[np.uint32(own[x] * n_columns + now[x])] += 1
    runs = reached.reshape(n_offsets, n_levels + 1, n_columns)
    runs[:, :, :-1] -= runs[:, :, 1:].copy()
    return runs


@njit(cache=True)
def _root(parent: np.ndarray, i: int) -> int:
    """The first run of the zone that run i belongs to; paths are halved on the way."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def count_zones(
    codes: np.ndarray, lines: np.ndarray, pad: int, n_levels: int, n_voxels: int, in_plane: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Zones of connected voxels of equal level (26 neighbours, or 8 within each z with `in_plane`).

    codes, lines, pad : as in `count_neighbours`, lines ordered by z, then y.
    Returns zones int64 (n_levels, s) and sizes int64 (s,), the s sizes that occur, ascending.
    Runs along x are joined to the runs they touch in the four lines before (union-find).
    """
    first = np.full((codes.shape[0], codes.shape[1], 2), -1, dtype=np.int64)  # a line's runs: first, last + 1
    begin, end = np.empty(n_voxels, dtype=np.int64), np.empty(n_voxels, dtype=np.int64)
    level, parent = np.empty(n_voxels, dtype=np.int64), np.empty(n_voxels, dtype=np.int64)
    n_runs = 0
    for line in range(len(lines)):
        z, y = lines[line, 0] + pad, lines[line, 1] + pad
        x, stop = lines[line, 2] + pad, lines[line, 3] + pad
        own = codes[z, y]
        first[z, y, 0] = n_runs
        while x < stop:
            code = own[x]
            if code == 0:
                x += 1
                continue
            begin[n_runs], level[n_runs], parent[n_runs] = x, code, n_runs
            while own[x] == code:  # the padding ends the last run
                x += 1
            end[n_runs] = x
            n_runs += 1
        first[z, y, 1] = n_runs
        for before in range(1 if in_plane else 4):
            q, q_last = first[z - (before > 0), y - 1 + max(before - 1, 0)]
            if q < 0:
                continue
            for run in range(first[z, y, 0], n_runs):
                while q < q_last and end[q] < begin[run]:
                    q += 1
                other = q
                while other < q_last and begin[other] <= end[run]:
                    if level[other] == level[run]:
                        a, b = _root(parent, other), _root(parent, run)
                        parent[max(a, b)] = min(a, b)
                    other += 1
    size = np.zeros(n_runs, dtype=np.int64)
    for run in range(n_runs):
        size[_root(parent, run)] += end[run] - begin[run]
    column = np.zeros(n_voxels + 1, dtype=np.int64)
    for run in range(n_runs):
        column[size[run]] = 1
    column[0] = 0
    sizes = np.flatnonzero(column)
    for i in range(len(sizes)):
        column[sizes[i]] = i
    zones = np.zeros((n_levels, len(sizes)), dtype=np.int64)
    for run in range(n_runs):
        if size[run] > 0:
            zones[level[run] - 1, column[size[run]]] += 1
    return zones, sizes
