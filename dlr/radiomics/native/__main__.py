"""Compiles every kernel into numba's cache: python -m dlr.radiomics.native (once after installation)."""

from __future__ import annotations

import json
import time

import numpy as np

from dlr.radiomics.catalogue import FAMILIES, IMAGE_TYPES
from dlr.radiomics.native.engine import NativeEngine
from dlr.radiomics.profile import parse_profile


def main() -> None:
    """Measure a small ball with every family and image type."""
    start = time.perf_counter()
    types: dict[str, dict] = {name: {} for name in IMAGE_TYPES} | {"LoG": {"sigma": [1.0]}}
    content = {"imageType": types, "featureClass": dict.fromkeys(FAMILIES)}
    ball = ((np.indices((9, 9, 9)) - 4) ** 2).sum(axis=0)
    NativeEngine().measure(ball * 9.0, ball < 12, (1.0, 1.0, 1.0), parse_profile(json.dumps(content), "warm-up"))
    print(f"the native radiomics engine is compiled ({time.perf_counter() - start:.1f} s)")


if __name__ == "__main__":
    main()
