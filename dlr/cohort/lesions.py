"""Several lesions in one mask: connected parts, largest first."""

from __future__ import annotations

import cc3d
import numpy as np

__all__ = ["lesion_parts"]


def lesion_parts(mask: np.ndarray) -> list[np.ndarray]:
    """The connected parts (26 neighbours, 8 in a still) of a mask (z, y, x), largest first; of equals the first voxel.

    Parts that touch, be it at a corner, are one.
    """
    labels, count = cc3d.connected_components(np.ascontiguousarray(mask), connectivity=26, return_N=True)
    if count == 1:
        return [mask]
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    flat = labels.ravel()
    found, firsts = np.unique(flat[flat > 0], return_index=True)
    first = dict(zip(found.tolist(), firsts.tolist(), strict=True))
    order = sorted(range(1, count + 1), key=lambda n: (-int(sizes[n - 1]), first[n]))
    return [labels == n for n in order]
