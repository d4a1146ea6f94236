"""Checkpoints: everything a killed training needs to end as if it had not been killed. Read with weights_only."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import torch

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(path: Path, identity: str, content: dict[str, Any]) -> None:
    """Write beside and rename, so that a kill leaves the last whole one.

    identity : what is trained on what with which settings; a checkpoint of another one is not taken up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    torch.save({"identity": identity, **content}, beside)
    os.replace(beside, path)


def read_checkpoint(path: Path | None, identity: str) -> dict[str, Any] | None:
    """The checkpoint of this training; None where there is none, it is damaged, or it belongs to another."""
    if path is None or not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, LookupError, struct.error, pickle.UnpicklingError):
        return None
    return content if isinstance(content, dict) and content.get("identity") == identity else None
