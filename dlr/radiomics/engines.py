"""The engines by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from typing import Final

from dlr.errors import InputError
from dlr.radiomics.interface import Engine

__all__ = ["DEFAULT_ENGINE", "ENGINES", "engine"]

DEFAULT_ENGINE: Final = "native"


def _pyradiomics() -> Engine:
    from dlr.radiomics.pyradiomics_adapter import PyradiomicsEngine

    return PyradiomicsEngine()


def _native() -> Engine:
    from dlr.radiomics.native.engine import NativeEngine

    return NativeEngine()


ENGINES: dict[str, Callable[[], Engine]] = {"pyradiomics": _pyradiomics, "native": _native}


@cache
def engine(name: str | None = None) -> Engine:
    """The engine of that name; None = the default. Its libraries are imported here, not before.

    Raises InputError for an unknown name, or where the engine's package is not installed.
    """
    name = name or DEFAULT_ENGINE
    if name not in ENGINES:
        near = get_close_matches(name, ENGINES, n=1)
        raise InputError(
            where="radiomics.engine",
            what=f"no engine {name!r}",
            mend=(f"did you mean {near[0]}? " if near else "") + f"Known: {', '.join(ENGINES)}",
        )
    return ENGINES[name]()
