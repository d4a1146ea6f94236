"""Cures for other packages, each with its cause and when it may go. Installed when `dlr` is imported; cheap."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import pathlib
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["install"]

_kept: list[Any] = []  # torch forgets a library's operators when the object is collected


def install() -> None:
    """Put one import hook a cured package in front of the finders; each leaves when its package is imported."""
    for name, cure in (("torchvision", _define_missing_operators), ("radiomics", _restore_sph_harm)):
        already = any(isinstance(hook, _BeforeImport) and hook.name == name for hook in sys.meta_path)
        if name not in sys.modules and not already:
            sys.meta_path.insert(0, _BeforeImport(name, cure))


class _BeforeImport(importlib.abc.MetaPathFinder):
    """Runs a cure just before an installed package is first looked for, then takes itself away."""

    def __init__(self, name: str, cure: Callable[[], None]) -> None:
        self.name, self.cure = name, cure

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname == self.name:
            sys.meta_path.remove(self)
            if importlib.util.find_spec(fullname) is not None:
                self.cure()


def _define_missing_operators() -> None:
    """Declare torchvision's operators where its compiled part does not load.

    Cause: torchvision's Linux wheel is a CUDA build; beside a CPU build of torch its `_C.so` cannot load and
    `import torchvision` stops with "operator torchvision::nms does not exist", and timm and Fabric with it.
    May go when the registry carries a CPU build of torchvision.
    """
    find = importlib.machinery.PathFinder.find_spec
    spec = find("torchvision")
    if spec is None or find("torch") is None:
        return
    import torch

    for folder in spec.submodule_search_locations or []:
        for library in [*pathlib.Path(folder).glob("_C*.so"), *pathlib.Path(folder).glob("_C*.pyd")]:
            try:
                torch.ops.load_library(str(library))
            except OSError:
                continue
            return  # a matching build: nothing to cure
    fragment = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        fragment.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(fragment)


def _restore_sph_harm() -> None:
    """Give SciPy's removed `sph_harm` back to pyradiomics.

    Cause: SciPy 1.17 removed `scipy.special.sph_harm`; pyradiomics 3.0.1 then drops LBP-3D with one log line
    (1,288 features instead of 1,561). It passes the polar angle as azimuth; the order of arguments here keeps
    its values. May go when pyradiomics is no longer offered as an engine.
    """
    import scipy.special

    if not hasattr(scipy.special, "sph_harm"):

        def sph_harm(m: Any, n: Any, theta: Any, phi: Any) -> Any:
            return scipy.special.sph_harm_y(n, m, phi, theta)

        scipy.special.sph_harm = sph_harm
