"""Super-resolution: generators, what they are trained on and against, and the checks that can fail them.

Grey images are float32 (h, w) in units of the source's own range, 0 to 1; differences are said in levels of 255.
"""

from __future__ import annotations

from dlr.superres.settings import AdversarialSettings, DegradationSettings, SuperresSettings, SuperresTraining

__all__ = ["AdversarialSettings", "DegradationSettings", "SuperresSettings", "SuperresTraining"]
