"""A task's files among a stage's outputs: the same bytes once on the disk where it can link."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["linked"]


def linked(source: Path, target: Path) -> None:
    """A file under another name, linked, or copied where the disk cannot link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
