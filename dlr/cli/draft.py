"""Drafting a study of one's own: a manifest from the images found, and a parameter file to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from dlr.cli.screen import guarded, say
from dlr.cli.start import DEFAULT_PIPELINE, MANIFEST, PARAMS, load_pipeline
from dlr.csv_files import write_csv
from dlr.errors import InputError

__all__ = ["draft_params", "draft_study", "init"]

SUFFIXES = (".nii.gz", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".nii", ".nrrd", ".mha", ".dcm")
TARGET = re.compile(r"^(?P<key> +target: )(her2|\[.*\])$", re.MULTILINE)  # as the shipped files write it
VARIABLES = re.compile(r"^(?P<key> +variables: )\[(?P<names>[^\]]*)\].*$", re.MULTILINE)
MASK_ENDINGS = ("_mask", "-mask", "_seg", "_segmentation", "_label", "_roi")


@guarded
def init(
    folder: Annotated[Path, Argument(help="The folder of the study.")] = Path(),
    images: Annotated[Path, Option(help="Where the images are.")] = Path("images"),
    masks: Annotated[Path, Option(help="Where the outlines are.")] = Path("masks"),
    target: Annotated[
        list[str] | None, Option(help="The column to predict, 0 or 1; may be repeated.", show_default="the pipeline's")
    ] = None,
    pipeline: Annotated[str, Option(help="The pipeline whose settings are copied.")] = DEFAULT_PIPELINE,
) -> None:
    """Draft data_manifest.csv from images and masks, and params.yaml.

    \b
    Examples:
      dlr init
      dlr init my_study --images us --masks outlines --target malignant
      dlr init --pipeline receptors_ultrasound3d --target er --target pr
    """
    for path, about in draft_study(folder, images, masks, target or (), pipeline):
        say(f"{path}: {about}")


def draft_study(
    folder: Path, images: Path, masks: Path, targets: Sequence[str], pipeline: str
) -> list[tuple[Path, str]]:
    """Write data_manifest.csv and params.yaml into a folder; each path with what it holds.

    Without targets those of the pipeline count.
    A row for every image below `images` that has a mask of the same stem below `masks` (or with _mask and the like at
    its end). Raises InputError where one of the files is there already, or no image has a mask.
    """
    import pandas as pd

    targets = targets or _targets_of(pipeline)
    columns = ["patient_id", "case_id", "image", "mask", *targets, "age"]
    for target in targets:
        if columns.count(target) > 1:
            raise InputError(f"--target {target}", "this names another column of the manifest too", "name it once")
    text = draft_params(pipeline, targets, columns)
    manifest, params = folder / MANIFEST, folder / PARAMS
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
    rows = [
        [_stem(image), _stem(image), _beside(image, folder), _beside(mask, folder), *[""] * (len(targets) + 1)]
        for image, mask in pairs
    ]
    write_csv(manifest, pd.DataFrame(rows, columns=columns), mark=True)
    params.write_text(text, encoding="utf-8", newline="\n")
    return [
        (
            manifest,
            f"{len(pairs)} images with their masks; fill in patient_id, {', '.join(targets)} and the clinical columns",
        ),
        (params, "the settings, to be edited; every command takes them from here, beside the manifest"),
    ]


def draft_params(pipeline: str, targets: Sequence[str], columns: Sequence[str]) -> str:
    """The shipped settings of a pipeline as text to edit, for these targets.

    columns : of the manifest. Of the clinical variables named for the Combined model only these can stay.
    """
    loaded = load_pipeline(pipeline)
    shipped = resources.files("dlr.params") / f"{pipeline}.yaml"
    if shipped.is_file():
        text = shipped.read_text(encoding="utf-8")
    else:
        text = "cohort:\n  target: her2\n" if "cohort" in loaded.settings.model_fields else "{}\n"
    names = [_written(target, alone=len(targets) == 1) for target in targets]
    written = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    text = TARGET.sub(lambda line: f"{line['key']}{written}", text)
    return VARIABLES.sub(lambda line: _variables(line, targets, columns), text)


def _targets_of(pipeline: str) -> list[str]:
    """The targets that a pipeline has where nothing is said."""
    cohort = getattr(load_pipeline(pipeline).settings(), "cohort", None)
    target = getattr(cohort, "target", "her2")
    return [target] if isinstance(target, str) else list(target)


def _written(text: str, alone: bool) -> str:
    """Text as a value of YAML, alone or in a list; in quotes where it would be read as something else."""
    from dlr.engine import read_yaml

    value = text if alone else [text]
    try:
        plain = read_yaml(f"key: {text}" if alone else f"key: [{text}]", "") == {"key": value}
    except InputError:
        plain = False
    return text if plain else json.dumps(text, ensure_ascii=False)


def _variables(line: re.Match[str], targets: Sequence[str], columns: Sequence[str]) -> str:
    """The line of `combine.variables`; where a name has no column, it becomes an example."""
    names = [name.strip() for name in line["names"].split(",")]
    kept = [name for name in names if name in columns and name not in targets]
    if kept == names:
        return line[0]
    value = f"[{', '.join(kept)}]" if kept else "null"
    example = f"clinical columns named beforehand, such as [{', '.join(names)}]"
    return f"{line['key']}{value}   # {example}; null = the Clinical signature"


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
