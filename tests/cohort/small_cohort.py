"""A small cohort on disk for tests: dark ellipses in speckle, half of the patients positive."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

SIZE = 72  # pixels
PATIENTS = 24


def picture(seed: int, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """An 8-bit still (y, x) with a darker ellipse left of the middle, and its mask (bool)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.uniform(0.4, 0.6) * size, rng.uniform(0.3, 0.4) * size
    mask = ((y - cy) / (0.16 * size)) ** 2 + ((x - cx) / (0.2 * size)) ** 2 <= 1
    values = rng.gamma(6.0, 20.0, (size, size)) * np.where(mask, 0.35, 1.0)
    return np.clip(values + 12, 0, 250).astype(np.uint8), mask


def save(path: Path, array: np.ndarray, **options: Any) -> Path:
    """A picture file of uint8 (y, x) or (y, x, 3); bool becomes 0/255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(array.astype(np.uint8) * 255 if array.dtype == bool else array).save(path, **options)
    return path


def rows(patients: int = PATIENTS) -> list[dict[str, str]]:
    """Manifest rows of `write`, one a patient."""
    made = []
    for n in range(patients):
        one = {"patient_id": f"{n + 1:05d}", "image": f"images/{n + 1:05d}.png", "mask": f"masks/{n + 1:05d}.png"}
        made.append({**one, "her2": str(n % 2), "age": str(40 + n), "er": str((n // 2) % 2)})
    return made


def write(
    folder: Path, table: list[dict[str, str]] | None = None, *, files: bool = True, text: str | None = None
) -> Path:
    """Images, masks and a manifest; gives the manifest's path.  `text` replaces the manifest."""
    table = rows() if table is None else table
    if files:
        for number, row in enumerate(rows(max(PATIENTS, len(table)))[: len(table)]):
            image, mask = picture(number)
            save(folder / row["image"], image)
            save(folder / row["mask"], mask)
    manifest = folder / "manifest.csv"
    if text is not None:
        manifest.write_text(text, encoding="utf-8")
        return manifest
    with open(manifest, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(k for row in table for k in row)), restval="")
        writer.writeheader()
        writer.writerows(table)
    return manifest
