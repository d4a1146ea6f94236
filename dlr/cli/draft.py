"""Drafting a study of one's own: a manifest from the images found, and a parameter file to edit."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from dlr.cli.screen import guarded
from dlr.cli.start import DEFAULT_PIPELINE, MANIFEST
from dlr.errors import InputError

__all__ = ["draft_study", "init"]

SUFFIXES = (".nii.gz", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".nii", ".nrrd", ".mha", ".dcm")
MASK_ENDINGS = ("_mask", "-mask", "_seg", "_segmentation", "_label", "_roi")


@guarded
def init(
    folder: Annotated[Path, Argument(help="The folder of the study.")] = Path(),
    images: Annotated[Path, Option(help="Where the images are.")] = Path("images"),
    masks: Annotated[Path, Option(help="Where the outlines are.")] = Path("masks"),
    target: Annotated[str, Option(help="The column to predict, 0 or 1.")] = "her2",
    pipeline: Annotated[str, Option(help="The pipeline whose settings are copied.")] = DEFAULT_PIPELINE,
) -> None:
    """Draft data_manifest.csv from images and masks, and params.yaml.

    \b
    Examples:
      dlr init
      dlr init my_study --images us --masks outlines --target malignant
    """
    for path, about in draft_study(folder, images, masks, target, pipeline):
        typer.echo(f"{path}: {about}")


def draft_study(folder: Path, images: Path, masks: Path, target: str, pipeline: str) -> list[tuple[Path, str]]:
    """Write data_manifest.csv and params.yaml into a folder; each path with what it holds.

    A row for every image below `images` that has a mask of the same stem below `masks` (or with _mask and the like at
    its end). Raises InputError where one of the files is there already, or no image has a mask.
    """
    manifest, params = folder / MANIFEST, folder / "params.yaml"
    for path in (manifest, params):
        if path.exists():
            raise InputError(str(path), "is there already and stays", "move it away, or choose another folder")
    pairs = _pairs(folder / images, folder / masks)
    if not pairs:
        raise InputError(
            where=f"{folder / images}, {folder / masks}",
            what="no image with a mask of the same name was found",
            mend="put images/P001.png beside masks/P001.png, or name the folders with --images and --masks",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with manifest.open("w", encoding="utf-8-sig", newline="") as stream:  # the mark lets spreadsheets read UTF-8
        writer = csv.writer(stream)
        writer.writerow(["patient_id", "case_id", "image", "mask", target, "age"])
        for image, mask in pairs:
            stem = _stem(image)
            writer.writerow([stem, stem, _beside(image, folder), _beside(mask, folder), "", ""])
    shipped = resources.files("dlr.params") / f"{pipeline}.yaml"
    text = shipped.read_text(encoding="utf-8") if shipped.is_file() else "cohort:\n  target: her2\n"
    params.write_text(text.replace("target: her2", f"target: {target}"), encoding="utf-8", newline="\n")
    return [
        (manifest, f"{len(pairs)} images with their masks; fill in patient_id, {target} and the clinical columns"),
        (params, "the settings, to be edited; use them with `dlr run --params params.yaml`"),
    ]


def _pairs(images: Path, masks: Path) -> list[tuple[Path, Path]]:
    """Images and masks of one stem, in the order of names."""
    by_stem: dict[str, Path] = {}
    for path in _pictures(masks):
        stem = _stem(path)
        for ending in MASK_ENDINGS:
            stem = stem.removesuffix(ending)
        by_stem.setdefault(stem, path)
    found = [(image, by_stem.get(_stem(image))) for image in _pictures(images)]
    return [(image, mask) for image, mask in found if mask is not None and mask != image]


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name.lower().endswith(SUFFIXES) and path.is_file())


def _stem(path: Path) -> str:
    ending = next(ending for ending in SUFFIXES if path.name.lower().endswith(ending))
    return path.name[: -len(ending)]


def _beside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path.resolve())
