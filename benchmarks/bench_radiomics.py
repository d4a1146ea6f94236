"""Native engine against pyradiomics on the same cases in one run: seconds, ratio, features, largest difference.

    python benchmarks/bench_radiomics.py [--slow] [--only WORD] [--repeat 3] [--stills 8] [--data ../shared/data]

All 93 features of an image, all image types of one slice (a still) or of a volume, bin width 25; ITK on one thread.
Seconds are of the processor, so that a busy machine does not blur them; --slow also runs pyradiomics on the two cases
that take it minutes. Real stills, where there are any, are measured with the shipped profiles. Differences are
relative (dlr.radiomics.compare). Last, each of the made cases in a process of its own: seconds from its first line to
the first result with a warm cache, and its peak memory. Not a test.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numba
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from dlr.errors import InputError
from dlr.radiomics import Profile, engine, load_profile
from dlr.radiomics.catalogue import FAMILIES
from dlr.radiomics.compare import differences
from dlr.radiomics.interface import Engine
from dlr.radiomics.profile import parse_profile
from dlr.randomness import rng

TYPES = ("Original", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP3D")


Result = TypeVar("Result")


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


def still(scale: int, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Speckle on 600 x 800 with an ellipse of 150 x 200 times `size`; enlarged `scale` times by cubic splines."""
    speckle = gaussian_filter(rng(1, "bench", "still").rayleigh(1, (600, 800)), 1.2) * 60
    y, x = np.indices((600 * scale, 800 * scale)) / scale
    ellipse = ((y - 300) / 75) ** 2 + ((x - 400) / 100) ** 2 <= size**2
    return np.clip(np.round(zoom(speckle, scale, order=3)), 0, 255)[None], ellipse[None]


def noise() -> tuple[np.ndarray, np.ndarray]:
    """The same ellipse in white noise over all 256 grey levels: the slow case of zones and wide matrices."""
    image, ellipse = still(1)
    return np.floor(rng(1, "bench", "noise").uniform(0, 256, image.shape)), ellipse


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


def best_of(repeat: int, call: Callable[[], Result]) -> tuple[float, Result]:
    """Least processor time, after one call that is not counted, and what the call gives."""
    result = call()
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds), result


def in_its_own_process(case: Case) -> tuple[float, float]:
    """Seconds of wall time from the first line to the first result, and peak memory in MiB with the image (Linux)."""
    image, mask = case.arrays()
    with tempfile.TemporaryDirectory() as place:
        np.savez(Path(place) / "case.npz", image=image, mask=mask)
        (Path(place) / "profile.yaml").write_text(case.profile.text, encoding="utf-8")
        said = subprocess.run(
            [sys.executable, "-c", FIRST_CALL, place], check=True, capture_output=True, text=True
        ).stdout.split()
    return float(said[-2]), float(said[-1])


FIRST_CALL = """
import time
start = time.perf_counter()
import sys
import numpy as np
from dlr.radiomics import engine, load_profile
stored = np.load(sys.argv[1] + "/case.npz")
image, mask, profile = stored["image"], stored["mask"], load_profile(sys.argv[1] + "/profile.yaml")
engine("native").measure(image, mask, (1.0, 1.0, 1.0), profile)
seconds = time.perf_counter() - start
print(seconds, next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024)
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slow", action="store_true", help="pyradiomics also where it takes minutes")
    parser.add_argument("--only", default="", help="cases whose name holds this")
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
    made = [
        Case("600x800 still, 150x200", lambda: still(1), everything(log=False)),
        Case("600x800 white noise, 150x200", noise, everything(log=False)),
        Case("128^3 volume, r 25", lambda: ball(128, 25), everything(log=True)),
        Case("256^3 volume, r 60", lambda: ball(256, 60), everything(log=True), slow=True),
        Case("2400x3200 still, 600x800", lambda: still(4), everything(log=False), slow=True),
    ]
    mean_lesion = 0.932  # of BUSI's stills: 20,460 pixels
    made += [
        Case("mean lesion of BUSI", partial(still, 1, mean_lesion), load_profile("ultrasound2d")),
        Case("mean lesion of BUSI x4", partial(still, 4, mean_lesion), load_profile("ultrasound2d"), slow=True),
    ]
    cases = [*made, *real_stills(given.data, given.stills)]
    cases = [case for case in cases if given.only in case.name]
    for case in cases:
        image, mask = case.arrays()
        seconds, ours = best_of(given.repeat, partial(native.measure, image, mask, (1.0, 1.0, 1.0), case.profile))
        line = f"{case.name:<34}{seconds:>10.3f}"
        if other is None or (case.slow and not given.slow):
            print(f"{line}{'-':>15}{'-':>8}{len(ours.values):>10}  -", flush=True)
            continue
        call = partial(other.measure, image, mask, (1.0, 1.0, 1.0), case.profile)
        start = time.process_time()
        theirs = call()
        slow = time.process_time() - start
        if slow < 30:
            slow = best_of(1, call)[0]
        kind = "still" if len(image) == 1 else "volume"
        apart = differences(ours, theirs, case.profile, kind)
        worst = apart.loc[apart["difference"].idxmax()]
        print(
            f"{line}{slow:>15.3f}{slow / seconds:>8.0f}{len(ours.values):>10}  {worst.difference:.1e} {worst.feature}",
            flush=True,
        )
    print(f"\n{'native in a new process':<34}{'first s':>10}{'peak MiB':>15}")
    for case in cases:
        if case in made:
            seconds, peak = in_its_own_process(case)
            print(f"{case.name:<34}{seconds:>10.2f}{peak:>15.0f}", flush=True)


if __name__ == "__main__":
    main()
