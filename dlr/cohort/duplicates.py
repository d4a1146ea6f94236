"""One picture, or one row of features, under several patients.

Pictures: equal samples, and those that look alike after scaling or recompression. Rows: equal but for rounding.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pandas as pd
from scipy import fft, ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["Fingerprint", "fingerprint", "find_copies", "find_near_copies", "find_row_copies", "groups_of_pairs"]

_SIDE = 32  # thumbnail edge
_BITS = 8  # low frequencies a direction
_DISTANCE = 8  # of 64 bits may differ
_ALIKE = 0.98  # correlation of thumbnails that settles it
_BLOCK = 2048
_ROUNDING = 0.02  # of a column's interquartile range: two cells closer than this agree
_AGREE = 0.9  # share of the columns that makes a row a copy
_LEAST = 5  # columns under which equal rows may be chance
_DISTINCT = 0.25  # of a column's values that differ; fewer are counts or scores, which patients share
_FIRST, _AGREE_FIRST = 32, 0.6  # columns that are compared before all are, and what of them

Fingerprint = tuple[str, np.ndarray]


def fingerprint(samples: np.ndarray) -> Fingerprint:
    """SHA-256 of the samples (type and shape included), and a thumbnail (32, 32) float32 of the middle slice."""
    content = np.ascontiguousarray(samples)
    digest = sha256(f"{content.dtype.str}{content.shape}".encode())
    digest.update(content.data)
    picture = content[content.shape[0] // 2]
    if picture.ndim == 3:
        picture = picture[..., 1]
    return digest.hexdigest(), _thumbnail(picture)


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    """Mean of blocks where the picture is large, linear in between; equal for one picture at two scales."""
    step = [max(1, n // _SIDE) for n in picture.shape]
    rows, columns = (n - n % s for n, s in zip(picture.shape, step, strict=True))
    blocks = picture[:rows, :columns].reshape(rows // step[0], step[0], columns // step[1], step[1])
    means = blocks.mean(axis=(1, 3), dtype=np.float64)
    small = ndimage.zoom(means, [_SIDE / n for n in means.shape], order=1, grid_mode=True, mode="nearest")
    return small.astype(np.float32)


def find_copies(cases: pd.DataFrame, digests: dict[str, str]) -> list[list[str]]:
    """Groups of case_ids of different patients whose image files hold equal samples.

    cases : columns case_id, patient_id.  digests : by case_id.
    """
    table = cases.assign(digest=cases["case_id"].map(digests)).dropna(subset=["digest"])
    groups = []
    for _, same in table.groupby("digest", sort=True):
        if same["patient_id"].nunique() > 1:
            groups.append(sorted(same["case_id"]))
    return sorted(groups)


def find_near_copies(cases: pd.DataFrame, thumbnails: dict[str, np.ndarray]) -> list[tuple[str, str, float]]:
    """Pairs of cases of different patients that look alike: (case_id, case_id, correlation of thumbnails), sorted.

    A pair is looked at where the perceptual hashes (signs of the 8 x 8 lowest cosine terms against their median)
    differ in 8 of 64 bits at most, and named where the thumbnails correlate by .98 or more.
    """
    table = cases[cases["case_id"].isin(thumbnails)].sort_values("case_id", ignore_index=True)
    if len(table) < 2:
        return []
    small = np.stack([thumbnails[c] for c in table["case_id"]])
    terms = fft.dctn(small, axes=(1, 2))[:, :_BITS, :_BITS].reshape(len(table), -1)
    signs = np.where(terms > np.median(terms, axis=1, keepdims=True), 1, -1).astype(np.float32)
    flat = small.reshape(len(table), -1).copy()
    flat -= flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    flat = np.divide(flat, norm, out=np.zeros_like(flat), where=norm > 0)
    patients = table["patient_id"].to_numpy()
    ids = table["case_id"].to_numpy()
    found = []
    for start in range(0, len(table), _BLOCK):
        near = signs[start : start + _BLOCK] @ signs.T >= _BITS * _BITS - 2 * _DISTANCE
        for i, j in zip(*np.nonzero(near), strict=True):
            a = start + int(i)
            b = int(j)
            if a < b and patients[a] != patients[b]:
                alike = float(flat[a] @ flat[b])
                if alike >= _ALIKE:
                    found.append((str(ids[a]), str(ids[b]), round(alike, 4)))
    return sorted(found)


def groups_of_pairs(pairs: list[tuple[str, str]]) -> list[list[str]]:
    """What hangs together by pairs, each group sorted, the groups by their first."""
    names = sorted({name for pair in pairs for name in pair})
    place = {name: k for k, name in enumerate(names)}
    rows, columns = ([place[pair[side]] for pair in pairs] for side in (0, 1))
    links = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(names), len(names)))
    _, number = connected_components(links, directed=False)
    return [[names[k] for k in np.flatnonzero(number == group)] for group in dict.fromkeys(number.tolist())]


def find_row_copies(values: np.ndarray, patients: np.ndarray) -> tuple[list[tuple[int, int, int]], int]:
    """Pairs of rows of different patients that are one measurement: (row, row, columns that agree); columns compared.

    values : float (rows, columns), NaN where missing.  patients : (rows,) whose row it is.
    Cells agree where they differ by 2 % of their column's interquartile range at most; a pair is named where of the
    cells that are not missing in both 90 % agree. Columns without such a range, or of few values (scores, counts), say
    nothing, and by fewer than five no pair is named. A pair is looked at where four of five signs against the columns'
    medians agree.
    """
    if not values.size:
        return [], 0
    with np.errstate(invalid="ignore"):
        low, middle, high = np.nanquantile(values, (0.25, 0.5, 0.75), axis=0)
    useful = (high > low) & np.array([_many_values(column) for column in values.T], dtype=bool)
    scaled = (values[:, useful] - middle[useful]) / (high - low)[useful]
    n, p = scaled.shape
    if p < _LEAST:
        return [], p
    signs = np.where(scaled > 0, 1, -1).astype(np.float32)
    first = np.linspace(0, p - 1, min(p, _FIRST)).astype(int)
    found = []
    for start in range(0, n, _BLOCK):
        near = signs[start : start + _BLOCK] @ signs[start:].T >= (4 / 5 - 1 / 5) * p
        a, b = (side + start for side in np.nonzero(np.triu(near, 1)))
        a, b = (side[patients[a] != patients[b]] for side in (a, b))
        for columns, share in ((first, _AGREE_FIRST), (np.arange(p), _AGREE)):
            agree, asked = _agreeing(scaled[:, columns], a, b)
            kept = (agree >= share * asked) & (asked >= _LEAST)
            a, b, agree = a[kept], b[kept], agree[kept]
        found += [(int(i), int(j), int(k)) for i, j, k in zip(a, b, agree, strict=True)]
    return found, p


def _many_values(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return len(np.unique(known)) >= _DISTINCT * len(known)


def _agreeing(scaled: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In how many columns rows a and b (pairs,) agree, and in how many one of them has a value."""
    agree, asked = np.zeros(len(a), int), np.zeros(len(a), int)
    for column in scaled.T:
        x, y = column[a], column[b]
        agree += np.abs(x - y) <= _ROUNDING
        asked += ~(np.isnan(x) & np.isnan(y))
    return agree, asked
