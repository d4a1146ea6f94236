"""Super-resolution: generators, what they are trained on and against, and the checks that can fail them.

Grey images are float32 (h, w) in units of the source's own range, 0 to 1; differences are said in levels of 255.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlr.errors import require_extra
from dlr.lazy import imported_later
from dlr.superres.settings import AdversarialSettings, DegradationSettings, SuperresSettings, SuperresTraining

if TYPE_CHECKING:
    from dlr.superres.degradation import degraded, draw
    from dlr.superres.enhancer import Enhancer, to_units
    from dlr.superres.fitting import Fitted, discriminator_auc, fit
    from dlr.superres.networks import Form, make_network
    from dlr.superres.perceptual import perceptual_of
    from dlr.superres.weights import load_generator

__all__ = [
    "AdversarialSettings",
    "DegradationSettings",
    "Enhancer",
    "Fitted",
    "Form",
    "SuperresSettings",
    "SuperresTraining",
    "degraded",
    "discriminator_auc",
    "draw",
    "fit",
    "load_generator",
    "make_network",
    "perceptual_of",
    "to_units",
]

HOMES = {
    "degradation": ("degraded", "draw"),
    "enhancer": ("Enhancer", "to_units"),
    "fitting": ("Fitted", "discriminator_auc", "fit"),
    "networks": ("Form", "make_network"),
    "perceptual": ("perceptual_of",),
    "weights": ("load_generator",),
}

# names that need torch: settings can be read without it
__getattr__ = imported_later(
    __name__,
    {name: home for home, names in HOMES.items() for name in names},
    before=partial(require_extra, "superres", "super-resolution"),
)
