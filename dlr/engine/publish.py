"""Copies of what a reader wants first, at the top of the study's folder: report, nomogram, metrics, figures."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

__all__ = ["publish_outputs"]


def publish_outputs(stage_folder: Path, names: Sequence[str], study: Path) -> list[Path]:
    """Copy outputs of a stage, files or folders, to the study's folder; what is equal there stays untouched."""
    out = []
    for name in names:
        source, target = stage_folder / name, study / name
        if source.is_dir():
            _copy_folder(source, target)
        elif source.is_file():
            _copy_file(source, target)
        else:
            continue
        out.append(target)
    return out


def _copy_folder(source: Path, target: Path) -> None:
    wanted = {file.relative_to(source) for file in source.rglob("*") if file.is_file()}
    if target.is_dir():
        for file in [f for f in target.rglob("*") if f.is_file() and f.relative_to(target) not in wanted]:
            file.unlink()
    for relative in sorted(wanted):
        _copy_file(source / relative, target / relative)


def _copy_file(source: Path, target: Path) -> None:
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, beside)
    os.replace(beside, target)
