"""File names that the manifest leaves to the settings: folders of images and masks, and names made from ids."""

from __future__ import annotations

import difflib
import re
from pathlib import Path, PurePosixPath

import pandas as pd

from dlr.cohort.formats import EXTENSIONS
from dlr.cohort.mapping import Findings, nearest
from dlr.cohort.series import files_of_series
from dlr.cohort.settings import FIELD, CohortSettings
from dlr.cohort.vocabulary import MISSING, fold_value, known_header

__all__ = ["IMAGE_COLUMNS", "complete_names", "is_file", "is_image", "why_no_file"]

IMAGE_COLUMNS = ("image", "mask", "mask_reader1", "mask_reader2")


def complete_names(
    cells: pd.DataFrame, source: str, folder: Path, settings: CohortSettings, findings: Findings
) -> pd.DataFrame:
    """The manifest's cells (text, our names) with file names made by cohort.image_pattern and mask_pattern, and with
    cohort.image_folder and mask_folder before every name. Words for missing in these columns become empty.

    A pattern that asks for the column itself (`{image}.png`) completes the cells that are given, any other fills the
    empty ones; a row without one of the ids that it asks for is left alone. Of `{image}` and `{mask}` the name without
    its extension is taken. Under cohort.mask optional, made masks that do not exist are none, with a note;
    so are the images of new patients where the manifest has no column of them and none of the made files exists.
    folder : that relative names start from, the manifest's.
    """
    patterns = {"image": settings.image_pattern, "mask": settings.mask_pattern}
    folders = {"image": settings.image_folder}
    folders |= dict.fromkeys(IMAGE_COLUMNS[1:], settings.mask_folder)
    named: dict[str, pd.Series] = {}
    for column in IMAGE_COLUMNS:
        if column in cells.columns:
            named[column] = _without_missing(cells[column], source, folder, findings)
        if pattern := patterns.get(column):
            named[column] = _made(column, pattern, cells.assign(**named), source, settings, findings)
    made_up = findings.tolerant and "image" not in cells.columns and "image" in named
    for column, names in named.items():
        start = folders[column]
        placed = names.map({name: str(PurePosixPath(start) / name) if start and name else name for name in set(names)})
        if column == "mask" and settings.mask == "optional" and settings.mask_pattern:
            placed = _those_there(placed, cells, folder, findings)
        named[column] = placed
    if made_up and not any(is_image(folder / name) for name in named["image"]):
        findings.note("cohort.image_pattern", f"none of the files is there, such as {named['image'].iloc[0]}")
        del named["image"]
    return cells.assign(**named)


def is_file(path: Path) -> bool:
    """Whether a cell names a file that can be reached; a name that no file can have is none."""
    try:
        return path.is_file()
    except OSError:  # a folder that may not be entered, a name too long
        return False


def is_image(path: Path) -> bool:
    """Whether a cell names a file or the folder of a DICOM series."""
    try:
        return path.is_file() or (path.is_dir() and bool(files_of_series(path)))
    except OSError:  # a folder that may not be entered, a name too long
        return False


def why_no_file(cell: str, path: Path) -> tuple[str, str]:
    """What is wrong with a cell or setting whose `path` is no file that can be read, and how to mend it."""
    if re.search(r"(?:^|/)\w{2,}:/", cell):
        return "is an address, not a file", "download it and give the path of the file"
    if re.search(r"(?:^|/)(?:[A-Za-z]:[\\/]|\\\\)", cell):
        return "is a path of Windows, which is not here", "give it from the folder of the manifest on"
    try:
        if path.is_dir():
            return "is a folder", "give the path of a file in it"
        if path.exists():
            return "is a device or a pipe, not a file", "give the path of a file"
        if path.is_symlink():
            return "is a link that leads to no file", "give the file that is meant"
        names = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else None
    except OSError as error:
        return f"cannot be reached ({error.strerror})", "check the name, and the rights of its folders"
    except ValueError:
        return "is no name of a file", "give the path of a file"
    if names is None:
        return "does not exist", f"there is no folder {path.parent}"
    near = [n for n in names if n.casefold() == path.name.casefold()]
    near = near or [n for n in names if n.casefold().split(".")[0] == path.name.casefold().split(".")[0]]
    near = near or difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return "does not exist", f"did you mean {near[0]}?" if near else f"check the name; {path.parent} exists"


def _without_missing(names: pd.Series, source: str, folder: Path, findings: Findings) -> pd.Series:
    """'not available' names no file, unless there is one."""
    out = []
    for cell in names:
        missing = bool(cell) and fold_value(cell) in MISSING and not is_image(folder / cell)
        if missing:
            findings.mapped(f"{source} {names.name}", cell, "missing")
        out.append("" if missing else cell)
    return pd.Series(out, index=names.index, name=names.name, dtype=object)


def _made(
    column: str, pattern: str, cells: pd.DataFrame, source: str, settings: CohortSettings, findings: Findings
) -> pd.Series:
    given = cells[column] if column in cells.columns else pd.Series("", index=cells.index, dtype=object)
    values: dict[str, pd.Series] = {}
    for asked in FIELD.findall(pattern):
        name = asked if asked in cells.columns else settings.headers.get(asked) or known_header(asked) or asked
        if name not in cells.columns:
            names = [str(c) for c in cells.columns]
            findings.problem(f"cohort.{column}_pattern", f"no column {asked} in {source}", nearest(asked, names))
            return given
        values[asked] = cells[name].map(_without_extension) if name in IMAGE_COLUMNS else cells[name]
    completes = column in values
    out = []
    for row, cell in given.items():
        parts = {f"{{{asked}}}": str(column_of.at[row]) for asked, column_of in values.items()}
        fill = bool(cell) == completes and all(parts.values())
        out.append(_filled(pattern, parts) if fill else cell)
    made = pd.Series(out, index=given.index, dtype=object)
    new = made[made != given]
    if len(new):
        findings.mapped(f"{source} {column}", pattern, f"{new.iloc[0]} …", len(new))
    return made


def _filled(pattern: str, parts: dict[str, str]) -> str:
    """The pattern with every {column} replaced at once: what a cell holds is not read as a pattern."""
    return FIELD.sub(lambda found: parts[found[0]], pattern)


def _without_extension(name: str) -> str:
    lower = name.lower()
    ending = max((e for e in EXTENSIONS if lower.endswith(e)), key=len, default="")
    return name[: len(name) - len(ending)]


def _those_there(placed: pd.Series, cells: pd.DataFrame, folder: Path, findings: Findings) -> pd.Series:
    given = cells["mask"] if "mask" in cells.columns else pd.Series("", index=cells.index, dtype=object)
    lost = (placed != "") & (given == "") & ~placed.map(lambda name: is_image(folder / name))
    if lost.any():
        what = f"{int(lost.sum())} of {len(placed)} masks are not there, the first: {placed[lost].iloc[0]}"
        findings.note("cohort.mask_pattern", f"{what}; taken as cases without outline")
    return placed.where(~lost, "")
