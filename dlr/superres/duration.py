"""How long fitting a generator, and applying it, takes on this machine, from one step measured beforehand."""

from __future__ import annotations

import time

import numpy as np
import torch

from dlr.networks import seconds_an_example
from dlr.superres.enhancer import Enhancer
from dlr.superres.networks import form_of, make_network
from dlr.superres.settings import SuperresSettings
from dlr.superres.weights import load_generator

__all__ = ["seconds_a_crop", "seconds_a_pixel"]

BATCH = 2
EDGE = 48  # pixels of the image that a generator is timed on


def seconds_a_crop(settings: SuperresSettings) -> float:
    """Seconds to show a generator one example in training: forward, backward, on the device that will train."""
    edge = settings.crop // settings.scale
    network = make_network(form_of(settings.network, settings.scale))
    return seconds_an_example(network, torch.zeros(BATCH, 1, edge, edge), settings.training)


def seconds_a_pixel(settings: SuperresSettings) -> float:
    """Seconds for a pixel of the input where the settings' generator is applied."""
    network = None
    if settings.fitted:
        network = make_network(form_of(settings.network, settings.scale)).eval()
    elif settings.weights is not None:
        network = load_generator(settings.weights, settings.scale)[0]
    enhancer = Enhancer(network, settings.scale, settings.tile, settings.seen_around)
    grey = np.full((EDGE, EDGE), 0.5, dtype=np.float32)
    for _ in range(2):  # the first one also allocates
        begin = time.perf_counter()
        enhancer.restored(grey)
    return (time.perf_counter() - begin) / EDGE**2
