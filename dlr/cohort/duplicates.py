"""One picture under several patients: equal samples, and pictures that look alike after scaling or recompression."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pandas as pd
from scipy import fft, ndimage

__all__ = ["Fingerprint", "fingerprint", "find_copies", "find_near_copies"]

_SIDE = 32  # thumbnail edge
_BITS = 8  # low frequencies a direction
_DISTANCE = 8  # of 64 bits may differ
_ALIKE = 0.98  # correlation of thumbnails that settles it
_BLOCK = 2048

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
