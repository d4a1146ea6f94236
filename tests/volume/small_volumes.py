"""Small volumes with a bright lesion: er shows in its brightness, pr in its size, her2 nowhere."""

from __future__ import annotations

import numpy as np

from dlr.distance import signed_distance
from dlr.randomness import rng
from dlr.volume import ReceptorSettings, VolumeSettings
from dlr.volume.cut import Volume
from dlr.words import Target

TARGETS = (Target("er"), Target("pr"))
NAMES = ("er", "pr")
SHAPE = (16, 16, 16)
VOLUME = VolumeSettings(size=16)


def lesion(number: int, er: int, pr: int, seed: int = 0, outlined: bool = True, shape=SHAPE) -> Volume:
    """A ball of 3 or 5 voxels' radius, 40 or 60 above a noise of mean 100 and SD 5, somewhere near the middle."""
    draw = rng(seed, "lesion", number)
    middle = np.array(shape) / 2 + draw.uniform(-2, 2, 3)
    place = np.indices(shape) + 0.5 - middle[:, None, None, None]
    mask = (place**2).sum(axis=0) < (5 if pr else 3) ** 2
    grey = (draw.normal(100, 5, shape) + mask * (60 if er else 40)).astype(np.float32)
    low, high = np.percentile(grey, VOLUME.clip)
    mask &= outlined
    distance = signed_distance(mask, (1.0, 1.0, 1.0))
    deepest = -float(distance.min()) if outlined else 0.0
    return Volume(grey, mask, outlined, (1.0, 1.0, 1.0), float(low), float(high), distance.astype(np.float16), deepest)


def cohort(n: int, seed: int = 0, **more: object) -> tuple[list[Volume], np.ndarray, list[str]]:
    """Volumes, labels (n, 2) and names."""
    labels = np.array([[k % 2, k // 2 % 2] for k in range(n)], dtype=float)
    return [lesion(k, int(er), int(pr), seed, **more) for k, (er, pr) in enumerate(labels)], labels, [
        f"p{k:02d}" for k in range(n)
    ]  # fmt: skip


def settings(**more: object) -> ReceptorSettings:
    """A network of seconds; `training` is merged."""
    training = {"epochs": 2, "batch_size": 4, "device": "cpu", "validation_share": 0.25, **more.pop("training", {})}
    return ReceptorSettings.model_validate({"depth": 10, "width": 4, "stem": "light", **more, "training": training})
