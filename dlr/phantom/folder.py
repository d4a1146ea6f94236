"""A synthetic cohort's folder: its manifest, the truth beside it, and whether another study's lies there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dlr.errors import InputError

__all__ = ["FILE_COLUMNS", "MANIFEST_NAME", "TRUTH_NAME", "missing_files", "refuse_another_study", "text_of"]

MANIFEST_NAME = "data_manifest.csv"
TRUTH_NAME = "truth.csv"
FILE_COLUMNS = ("image", "mask", "mask_reader1", "mask_reader2")


def text_of(manifest: Path) -> str:
    """A manifest's text with the line ends of any platform as \\n."""
    return manifest.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n")


def refuse_another_study(folder: Path, text: str) -> None:
    """Raise InputError where a manifest lies in the folder that is not a synthetic cohort's, and is not this text."""
    manifest = folder / MANIFEST_NAME
    if manifest.exists() and not (folder / TRUTH_NAME).exists() and text_of(manifest) != text:
        raise InputError(
            where=str(manifest),
            what="is another study's manifest, and a synthetic cohort would replace it",
            mend="choose an empty folder",
        )


def missing_files(manifest: Path) -> list[str]:
    """Images and masks that a synthetic cohort's manifest names and its folder does not hold, as written there."""
    table = pd.read_csv(manifest, dtype=str, usecols=lambda name: name in FILE_COLUMNS)
    return [name for column in table for name in table[column] if not (manifest.parent / name).exists()]
