"""How long training a 3-D network takes on this machine, from one step measured beforehand."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import torch

from dlr.networks import seconds_an_example
from dlr.networks.chip import device_of
from dlr.volume.fitting import Kind, architecture_of
from dlr.volume.networks import Size
from dlr.volume.regions import regions_in_use
from dlr.volume.settings import ReceptorSettings, VolumeSettings
from dlr.volume.spatial import make_network
from dlr.words import Target

__all__ = ["seconds_a_volume"]

FEWEST = 2  # volumes of a step that is measured
ENOUGH = 48**3  # voxels that a CPU measures: of a larger volume fewer, of small ones a step of several
TARGETS = (Target("er"), Target("pr"), Target("her2"))  # their number matters where each has an encoder of its own


def seconds_a_volume(kind: Kind, volume: VolumeSettings, settings: ReceptorSettings) -> float:
    """Seconds to show one volume to a network in training: forward, backward, on the device that will train."""
    shape: Size = volume.shape
    while device_of(settings.training, volumes=True) == "cpu" and prod(shape) > ENOUGH and min(shape) > 1:
        shape = (shape[0] // 2, shape[1] // 2, shape[2] // 2)
    form = replace(architecture_of(kind, TARGETS, volume, settings), shape=shape)
    batch = max(FEWEST, min(settings.training.batch_size, ENOUGH // prod(shape)))
    channels = 1 + (len(regions_in_use(form.regions)) if kind == "spatial" else 0)
    seconds = seconds_an_example(
        make_network(form), torch.ones(batch, channels, *shape), settings.training, form.norm == "batch"
    )
    return seconds * prod(volume.shape) / prod(shape)
