"""Drafting a study of one's own: a manifest from the images found, and a parameter file to edit."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from dlr.cli.screen import guarded, say
from dlr.cli.start import DEFAULT_PIPELINE, MANIFEST, PARAMS, load_pipeline
from dlr.csv_files import write_csv
from dlr.errors import InputError

if TYPE_CHECKING:
    from dlr.cli.discovery import Pair, Pictures, Sheet

__all__ = ["draft_params", "draft_study", "init"]

SUFFIXES = (".nii.gz", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".nii", ".nrrd", ".mha", ".dcm")
TARGET = re.compile(r"^(?P<key> +target: )(her2|\[.*\])$", re.MULTILINE)  # as the shipped files write it
VARIABLES = re.compile(r"^(?P<key> +variables: )\[(?P<names>[^\]]*)\].*$", re.MULTILINE)
MASK_ENDINGS = ("_mask", "-mask", "_seg", "_segmentation", "_label", "_roi")


@guarded
def init(
    folder: Annotated[Path, Argument(help="The folder of the study.")] = Path(),
    images: Annotated[Path, Option(help="Where the images are.", show_default="found")] = Path("images"),
    masks: Annotated[Path, Option(help="Where the outlines are.", show_default="found")] = Path("masks"),
    target: Annotated[
        list[str] | None, Option(help="The column to predict, 0 or 1; may be repeated.", show_default="the pipeline's")
    ] = None,
    pipeline: Annotated[str, Option(help="The pipeline whose settings are copied.")] = DEFAULT_PIPELINE,
) -> None:
    """Draft data_manifest.csv and params.yaml from what is there: images with outlines, and a hospital's table.

    Every guess is a comment in params.yaml; on a terminal it is asked.

    \b
    Examples:
      dlr init
      dlr init hospital_export
      dlr init my_study --images us --masks outlines --target malignant
      dlr init --pipeline receptors_ultrasound3d --target er --target pr
    """
    asked = _asked if sys.stdin.isatty() and sys.stdout.isatty() else _guessed
    for path, about in draft_study(folder, images, masks, target or (), pipeline, asked):
        say(f"{path}: {about}")


def _guessed(question: str, answers: Sequence[str], guess: str | None) -> str | None:
    return guess


def _asked(question: str, answers: Sequence[str], guess: str | None) -> str | None:
    """An answer from the terminal: one of those given, the guess by Enter."""
    shown = ", ".join(answers)
    while True:
        answer = str(typer.prompt(f"{question} ({shown})", default=guess or "")).strip()
        if answer in answers or answer == (guess or ""):
            return answer or None


def draft_study(
    folder: Path,
    images: Path,
    masks: Path,
    targets: Sequence[str],
    pipeline: str,
    ask: Callable[[str, Sequence[str], str | None], str | None] = _guessed,
) -> list[tuple[Path, str]]:
    """Write data_manifest.csv and params.yaml into a folder; each path with what it holds.

    Without targets those of the pipeline count, or the column of a hospital's table that looks like an outcome.
    A row for every image below `images` that has a mask of the same stem below `masks` (or with _mask and the like at
    its end); where there are no such folders, for every image with an outline below the folder, in any usual layout.
    ask : a question, its possible answers and the guess, as `_guessed` and `_asked` take it.
    Raises InputError where one of the files is there already, or no image has a mask.
    """
    import pandas as pd

    from dlr.cli.discovery import find_sheet, with_rows  # with pandas: the command's help starts without

    manifest, params = folder / MANIFEST, folder / PARAMS
    given = targets or _targets_of(pipeline)
    columns = ["patient_id", "case_id", "image", "mask", *given, "age"]
    for target in given:
        if columns.count(target) > 1:
            raise InputError(f"--target {target}", "this names another column of the manifest too", "name it once")
    draft_params(pipeline, given, columns)  # an unknown pipeline is told first
    for path in (manifest, params):
        if path.exists():
            raise InputError(str(path), "is there already and stays", "move it away, or choose another folder")
    pictures = _pictures_of(folder, images, masks)
    if not pictures.pairs:
        raise InputError(
            where=f"{folder / images}, {folder / masks}",
            what="no image with a mask of the same name was found, there or below the folder",
            mend="put images/P001.png beside masks/P001.png (or P001.png beside P001_mask.png), or name the folders "
            "with --images and --masks",
        )
    sheet = find_sheet(folder, pictures, (MANIFEST,), given)
    if sheet is None:
        rows = [[pair.name, pair.name, *_files(pair, folder), *[""] * (len(given) + 1)] for pair in pictures.pairs]
        text = draft_params(pipeline, given, columns)
        about = f"fill in patient_id, {', '.join(given)} and the clinical columns"
    else:
        sheet = with_rows(sheet, ask)
        columns, rows = _rows_of(sheet, pictures, folder)
        text = _params_of(sheet, pictures, columns, pipeline, given)
        about = f"taken from {sheet.path.name}; what was guessed stands in {PARAMS}"
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(manifest, pd.DataFrame(rows, columns=columns), mark=True)
    params.write_text(text, encoding="utf-8", newline="\n")
    return [
        (manifest, f"{len(rows)} images with their masks; {about}"),
        (params, "the settings, to be edited; every command takes them from here, beside the manifest"),
    ]


def _pictures_of(folder: Path, images: Path, masks: Path) -> Pictures:
    """By the folders that were named, or are there; else by what lies below the folder."""
    from dlr.cli.discovery import Pair, Pictures, find_pictures

    if not ((folder / images).is_dir() and (folder / masks).is_dir()):
        return find_pictures(folder) if folder.is_dir() else Pictures((), (), ())
    pairs = tuple(Pair(_stem(image), image, mask) for image, mask in _pairs(folder / images, folder / masks))
    return Pictures(pairs, (), ()) if pairs else find_pictures(folder)


def _files(pair: Pair, folder: Path) -> tuple[str, str]:
    return _beside(pair.image, folder), _beside(pair.mask, folder)


def _rows_of(sheet: Sheet, pictures: Pictures, folder: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the draft: a row a picture that the table names, with its cells as they are."""
    from dlr.cli.discovery import drafted_columns

    names = drafted_columns(sheet)
    first = [sheet.outcome] if sheet.outcome in names else []
    order = [*first, *(column for column in names if column not in first)]
    rows = [
        [row[sheet.patient], *_files(pictures.pairs[int(str(place))], folder), *(row[column] for column in order)]
        for place, row in sheet.cells.iterrows()
    ]
    return ["patient_id", "image", "mask", *(names[column] for column in order)], rows


def _params_of(sheet: Sheet, pictures: Pictures, columns: Sequence[str], pipeline: str, targets: Sequence[str]) -> str:
    """The settings with what was guessed, each guess a comment."""
    from dlr.cli.discovery import drafted_columns, unclear_columns

    outcomes = [sheet.outcome] if sheet.outcome else list(targets)
    text = draft_params(pipeline, outcomes, columns)
    if sheet.positive and sheet.outcome:
        levels = ", ".join(_written(level, alone=False) for level in sheet.positive)
        more = f"\n  positive_levels: {{{_written(sheet.outcome, alone=False)}: [{levels}]}}"
    else:
        more = ""
    unclear = unclear_columns(sheet)
    if unclear:
        kinds = ", ".join(f"{name}: {{kind: nominal}}" for name in unclear)
        more += f"\n  columns: {{{kinds}}}   # more values than yes and no"
    text = re.sub(r"^ +target: .*$", lambda found: found[0] + more, text, count=1, flags=re.MULTILINE)
    others = [column for column in sheet.outcomes if column != sheet.outcome]
    said = [
        f"table: {sheet.path.name}" + (f", sheet {sheet.sheet}" if sheet.sheet else "")
        + (f" (not taken: {', '.join(sheet.others)})" if sheet.others else ""),
        f"images: {f'column {sheet.image}' if sheet.image else 'by their names'}"
        + (f", outlines: column {sheet.mask}" if sheet.mask else ", outlines by their names"),
        f"patients: column {sheet.patient}; a patient with several rows keeps one id",
        f"to be predicted: {sheet.outcome or 'none was found: add a column ' + ', '.join(targets)}"
        + (f", positive: {', '.join(sheet.positive)}" if sheet.positive else "")
        + (f" (could be: {', '.join(others[:8])})" if others else ""),
        *(f"{new}: column {old}" for old, new in drafted_columns(sheet).items() if old != new),
        f"{len(pictures.pairs) - len(sheet.cells)} images have no row in it; {len(pictures.alone)} have no outline, "
        f"{len(pictures.more)} further outlines were left",
    ]  # fmt: skip
    head = "# What was guessed; what is wrong is changed below, or in data_manifest.csv.\n"
    return head + "".join(f"#   {line}\n" for line in said) + text


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
