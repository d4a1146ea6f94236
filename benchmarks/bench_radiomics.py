"""Native engine against pyradiomics on the same cases in one run: seconds, ratio, features, largest difference.

    python benchmarks/bench_radiomics.py [--full] [--repeat 3] [--stills 8] [--data ../shared/data]

All 93 features of an image, all image types of one slice (a still) or of a volume, bin width 25; ITK on one thread.
--full adds the two cases on which pyradiomics takes minutes. Real stills, where there are any, are measured with the
shipped profiles. Differences are relative, without images that are rounding noise on one slice. Not a test.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numba
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from dlr.errors import InputError
from dlr.radiomics import Profile, engine, feature_dictionary, load_profile
from dlr.radiomics.catalogue import FAMILIES
from dlr.radiomics.interface import Engine, Measured
from dlr.radiomics.profile import parse_profile
from dlr.randomness import rng

TYPES = ("Original", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP3D")


class Case(NamedTuple):
    """What is measured."""

    name: str
    arrays: Callable[[], tuple[np.ndarray, np.ndarray]]
    profile: Profile
    slow: bool = False  # for pyradiomics


def everything(log: bool) -> Profile:
    """Every family and image type; the Laplacian of Gaussian for volumes."""
    types: dict[str, dict] = {name: {} for name in TYPES}
    if log:
        types["LoG"] = {"sigma": [1.0, 2.0, 3.0]}
    families = {family: None for family in FAMILIES if family != "shape2D"}
    content = {"imageType": types, "featureClass": families, "setting": {"binWidth": 25.0}}
    return parse_profile(json.dumps(content), "everything")


def still(scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Speckle on 600 x 800 with an ellipse of 150 x 200, times `scale`."""
    height, width = 600 * scale, 800 * scale
    speckle = gaussian_filter(rng(1, "bench", "still", scale).rayleigh(1, (height, width)), 1.2 * scale)
    y, x = np.indices((height, width))
    ellipse = ((y - height / 2) / (75 * scale)) ** 2 + ((x - width / 2) / (100 * scale)) ** 2 <= 1
    return np.clip(np.round(speckle * scale * 60), 0, 255)[None], ellipse[None]


def ball(size: int, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth noise volume with a ball in its middle."""
    noise = gaussian_filter(rng(1, "bench", "ball", size).normal(0, 1, (size,) * 3), 1.0)
    distance = ((np.indices((size,) * 3) - size / 2) ** 2).sum(axis=0)
    return np.round(noise * 300 + 100), distance <= radius**2


def real_stills(folder: Path, number: int) -> Iterator[Case]:
    """Every so many of the shared stills, under the two profiles for stills."""
    manifest = folder / "busi_us" / "manifest.csv"
    if not manifest.is_file():
        print(f"no real stills: {manifest} is not there")
        return
    with manifest.open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for row in rows[:: max(1, len(rows) // number)][:number]:

        def arrays(row: dict[str, str] = row) -> tuple[np.ndarray, np.ndarray]:
            image, mask = (np.asarray(Image.open(manifest.parent / row[key]).convert("L")) for key in ("image", "mask"))
            return image[None].astype(np.float64), mask[None] > 0

        for profile in ("hu1561", "ultrasound2d"):
            yield Case(f"{row['patient_id']} {profile}", arrays, load_profile(profile))


def best_of(repeat: int, chosen: Engine, case: Case, image: np.ndarray, mask: np.ndarray) -> tuple[float, Measured]:
    """Shortest wall time, after one call that is not counted."""
    measured = chosen.measure(image, mask, (1.0, 1.0, 1.0), case.profile)
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        measured = chosen.measure(image, mask, (1.0, 1.0, 1.0), case.profile)
        seconds.append(time.perf_counter() - start)
    return min(seconds), measured


def largest_difference(ours: Measured, theirs: Measured, profile: Profile, kind: str) -> tuple[float, str, int]:
    """Relative difference, its feature, and how many features are above 1e-6; absolute below 1e-9 counts as none."""
    dictionary = feature_dictionary(profile, kind).set_index("name")
    real = [name for name in theirs.values if not dictionary.loc[name, "noise_on_one_slice"]]
    expected = np.array([theirs.values[name] for name in real])
    off = np.abs(np.array([ours.values.get(name, np.inf) for name in real]) - expected)
    relative = np.where(off <= 1e-9, 0.0, off / np.maximum(np.abs(expected), 1e-300))
    return float(relative.max()), real[int(relative.argmax())], int((relative > 1e-6).sum())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="also where pyradiomics takes minutes")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--stills", type=int, default=8, help="how many of the shared stills")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    native = engine("native")
    try:
        other: Engine | None = engine("pyradiomics")
    except InputError as error:
        print(error)
        other = None
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}; best of {given.repeat}"
    )
    print(f"{'case':<34}{'native s':>10}{'pyradiomics s':>15}{'ratio':>8}{'features':>10}  largest difference")
    cases = [
        Case("600x800 still, 150x200", lambda: still(1), everything(log=False)),
        Case("128^3 volume, r 25", lambda: ball(128, 25), everything(log=True)),
        Case("256^3 volume, r 60", lambda: ball(256, 60), everything(log=True), slow=True),
        Case("2400x3200 still, 600x800", lambda: still(4), everything(log=False), slow=True),
        *real_stills(given.data, given.stills),
    ]
    for case in cases:
        image, mask = case.arrays()
        seconds, ours = best_of(given.repeat, native, case, image, mask)
        line = f"{case.name:<34}{seconds:>10.3f}"
        if other is None or (case.slow and not given.full):
            print(f"{line}{'-':>15}{'-':>8}{len(ours.values):>10}  -", flush=True)
            continue
        start = time.perf_counter()
        theirs = other.measure(image, mask, (1.0, 1.0, 1.0), case.profile)
        slow = time.perf_counter() - start
        if slow < 30:
            slow = best_of(1, other, case, image, mask)[0]
        kind = "still" if len(image) == 1 else "volume"
        worst, feature, above = largest_difference(ours, theirs, case.profile, kind)
        print(
            f"{line}{slow:>15.3f}{slow / seconds:>8.0f}{len(ours.values):>10}  {worst:.1e} {feature}"
            + (f", {above} above 1e-6" if above else ""),
            flush=True,
        )
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
