"""Volumes: cutting and resampling them, 3-D networks that answer for receptors. Knows no tables of patients."""

from __future__ import annotations

from dlr.volume.settings import (
    EmbeddingSettings,
    ReceptorSettings,
    ReceptorTraining,
    SegmentationSettings,
    VolumeSettings,
)

__all__ = ["EmbeddingSettings", "ReceptorSettings", "ReceptorTraining", "SegmentationSettings", "VolumeSettings"]
