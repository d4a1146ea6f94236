"""Lazy names of a package (PEP 562): the module behind a name is imported when the name is first asked for.

So `import dlr.deep` costs nothing until a network is wanted, and --help answers without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["imported_later"]


def imported_later(
    package: str, homes: Mapping[str, str], before: Callable[[], None] | None = None
) -> Callable[[str], Any]:
    """A package's `__getattr__` (PEP 562).

    homes : by name, the package's module it stands in.  before : called before an import, may refuse it.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if before is not None:
            before()
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return get
