"""Optional parts of the installation: what an extra brings, and the command that installs a missing one."""

from __future__ import annotations

from importlib.util import find_spec

from dlr.errors import InputError

__all__ = ["MODULES", "command", "is_missing", "require"]

MODULES = {  # an extra and the modules that show it is there
    "deep": ("torch", "torchvision", "timm", "vit_pytorch", "lightning_fabric", "safetensors"),
}


def command(extra: str) -> str:
    """The line that installs an extra."""
    return f'pip install "dlr[{extra}]"'


def is_missing(extra: str) -> tuple[str, ...]:
    """The modules of an extra that are not installed; nothing is imported."""
    return tuple(name for name in MODULES[extra] if find_spec(name) is None)


def require(extra: str, what: str) -> None:
    """InputError naming the command where a part of an extra is missing; `what` needs it."""
    missing = is_missing(extra)
    if missing:
        raise InputError(what, f"not installed: {', '.join(missing)}", command(extra))
