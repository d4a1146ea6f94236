"""What lies in a folder: pictures with their outlines in the usual layouts, and the spreadsheet that names them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from dlr.cohort.filenames import is_image
from dlr.cohort.formats import EXTENSIONS
from dlr.cohort.spreadsheets import read_sheet
from dlr.cohort.vocabulary import IDENTITY, KNOWN, MISSING, fold_header, fold_id, fold_value, known_header, words_of
from dlr.cohort.workbook import Workbook
from dlr.errors import InputError

__all__ = [
    "Pair",
    "Pictures",
    "Sheet",
    "drafted_columns",
    "find_pictures",
    "find_sheet",
    "unclear_columns",
    "with_rows",
]

IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "picture", "pictures", "us", "scans"})
MASK_FOLDERS = frozenset({
    "mask", "masks", "label", "labels", "seg", "segmentation", "segmentations", "roi", "rois", "gt", "outline",
    "outlines", "annotations",
})  # fmt: skip
MASK = re.compile(r"(?:^|[_\-. ])(masks?|seg|segmentation|labels?|roi|gt|tumou?r|lesion)(?:[_\- ]?(\d+))?$", re.I)
WHOLE = frozenset({"image", "img", "picture", "scan", "t1", "t2", "us", "ct", "mr"})  # a case's picture by its own name
OUTCOME = re.compile(r"class|diagnos|malign|outcome|target|label|patholog|histolog", re.I)
POSITIVE = re.compile(r"malig|cancer|positiv|carcinom|^(1|yes|true|\+)$", re.I)
OURS = ("patient_id", "image", "mask")  # columns of the draft that are written anew
MOST_LEVELS = 4  # of a column that may be an outcome
SPACING = re.compile(r"pixel.?(size|spacing)", re.I)
SHARE = 0.5  # of the pictures that a column must name to be taken for theirs


@dataclass(frozen=True)
class Pair:
    """A picture and its outline, by the name that both share."""

    name: str
    image: Path
    mask: Path


@dataclass(frozen=True)
class Pictures:
    """What was found: pairs in the order of names, and what is left."""

    pairs: tuple[Pair, ...]
    alone: tuple[Path, ...]  # pictures without an outline
    more: tuple[Path, ...]  # second outlines of a picture


@dataclass(frozen=True)
class Sheet:
    """A hospital's table whose rows were found among the pictures, and what its columns were taken for."""

    path: Path
    sheet: str | None  # of a workbook
    others: tuple[str, ...]  # sheets that were not taken
    cells: pd.DataFrame  # text, a row a picture that was found; index: place among the pairs
    image: str | None  # the column that names the files; None: the ids do
    mask: str | None
    patient: str
    outcome: str | None
    outcomes: tuple[str, ...]  # all columns that could be the outcome
    positive: tuple[str, ...]  # values of the outcome that count as positive; none where they are 0 and 1


def find_pictures(folder: Path) -> Pictures:
    """Pictures and outlines below a folder: x.png beside x_mask.png, images/x.png and masks/x.png, case/image.nii.gz
    and case/mask.nii.gz, and folders of DICOM series. Hidden folders and runs/ are left alone."""
    images: dict[tuple[str, ...], Path] = {}
    masks: dict[tuple[str, ...], list[Path]] = {}
    for path in _candidates(folder):
        key, outline = _key(path, folder)
        if outline:
            masks.setdefault(key, []).append(path)
        else:
            images.setdefault(key, path)
    pairs = [Pair(_name(key), image, masks[key][0]) for key, image in sorted(images.items()) if key in masks]
    return Pictures(
        tuple(pairs),
        tuple(image for key, image in sorted(images.items()) if key not in masks),
        tuple(mask for key in sorted(masks) if key in images for mask in masks[key][1:]),
    )


def _candidates(folder: Path) -> list[Path]:
    """Picture files and series folders, in the order of names; files of a series are none."""
    found = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each != "runs")
        here = Path(place)
        slices = [name for name in files if name.lower().endswith((".dcm", ".dicom", ".ima")) or "." not in name]
        if len(slices) > 1 and here != folder and is_image(here):
            found.append(here)
            files = [name for name in files if name not in slices]
        found += [here / name for name in sorted(files) if _ending(name)]
    return found


def _ending(name: str) -> str | None:
    return next((ending for ending in sorted(EXTENSIONS, key=len, reverse=True) if name.lower().endswith(ending)), None)


def _stem(name: str) -> str:
    return name[: len(name) - len(_ending(name) or "")]


def _key(path: Path, folder: Path) -> tuple[tuple[str, ...], bool]:
    """What a picture and its outline share, and whether this is the outline."""
    parts = path.relative_to(folder).parts
    above, stem = parts[:-1], _stem(parts[-1])
    if path.is_dir():  # a series, alone in its case's folder or named as the case
        stem = "" if {part.casefold() for part in above} - IMAGE_FOLDERS else parts[-1]
    outline = any(part.casefold() in MASK_FOLDERS for part in above)
    picture = not outline and any(part.casefold() in IMAGE_FOLDERS for part in above)
    if (match := MASK.search(stem)) and not (picture and match[1].casefold() in ("lesion", "tumor", "tumour")):
        outline, stem = True, stem[: match.start()]
    elif not outline and _is_dicom_outline(path):
        outline, stem = True, ""
    elif picture and match:
        stem = stem[: match.start()]  # a picture of a lesion, as its outline is
    if stem.casefold() in WHOLE | IMAGE_FOLDERS:
        stem = ""
    return (*(part for part in above if part.casefold() not in IMAGE_FOLDERS | MASK_FOLDERS), stem), outline


def _is_dicom_outline(path: Path) -> bool:
    """A segmentation or structure set, which says of itself that it is no picture."""
    if _ending(path.name) not in (".dcm", ".dicom") or not path.is_file() or find_spec("pydicom") is None:
        return False
    from pydicom import dcmread

    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["Modality"])
        return str(header.get("Modality", "")) in ("SEG", "RTSTRUCT")
    except Exception:  # noqa: BLE001  a damaged file is a picture that the check of the cohort will name
        return False


def _name(key: Sequence[str]) -> str:
    return key[-1] or "_".join(key[:-1])


def find_sheet(folder: Path, pictures: Pictures, leave: Sequence[str], targets: Sequence[str]) -> Sheet | None:
    """The table in a folder (.xlsx or .csv, none of `leave`) that names most pictures; None where none names half.

    targets : the outcome where the user has said it.
    """
    best: tuple[int, Sheet] | None = None
    for path in sorted(folder.iterdir()):
        if path.name in leave or path.name.startswith("~") or path.suffix.lower() not in (".xlsx", ".csv"):
            continue
        for sheet, others in _sheets(path):
            found = _judged(path, sheet, others, pictures, targets)
            if found is not None and (best is None or len(found.cells) > best[0]):
                best = len(found.cells), found
    return None if best is None else best[1]


def _sheets(path: Path) -> list[tuple[str | None, tuple[str, ...]]]:
    if path.suffix.lower() == ".csv":
        return [(None, ())]
    try:
        names = list(Workbook(path).names)
    except InputError:
        return []
    return [(name, tuple(other for other in names if other != name)) for name in names]


def _judged(
    path: Path, sheet: str | None, others: tuple[str, ...], pictures: Pictures, targets: Sequence[str]
) -> Sheet | None:
    try:
        cells = read_sheet(path, sheet).frame
    except InputError:
        return None
    images = {place: _spellings(pair.image, pair.name) for place, pair in enumerate(pictures.pairs)}
    placed = {str(column): _places(cells[column], images) for column in cells.columns}
    column = max(placed, key=lambda name: len(placed[name]), default=None)
    if column is None or len(placed[column]) < SHARE * len(pictures.pairs):
        return None
    rows = placed[column]
    own = cells.loc[list(rows.values())].set_axis(list(rows), axis=0).sort_index()
    named_files = any(_ending(cell) for cell in own[column])
    outlines = {place: _spellings(pair.mask, "") for place, pair in enumerate(pictures.pairs)}
    masks = {str(c): len(_places(cells[c], outlines)) for c in cells.columns if c != column}
    mask = max(masks, key=lambda name: masks[name], default=None)
    mask = mask if mask is not None and masks[mask] >= SHARE * len(rows) else None
    patient = next((str(c) for c in cells.columns if known_header(str(c)) == "patient_id"), None)
    patient = patient or next((str(c) for c in cells.columns if re.search(r"id$", fold_header(str(c)))), column)
    outcomes = [str(c) for c in cells.columns if c not in (column, mask, patient) and _may_be_outcome(own[c])]
    outcome = next((t for t in targets if t in cells.columns), None)
    outcome = outcome or next((c for c in outcomes if known_header(c) in targets), None)
    outcome = outcome or next((c for c in outcomes if OUTCOME.search(c)), None)
    levels = () if outcome is None else tuple(sorted({v for v in own[outcome] if fold_value(v) not in MISSING}))
    plain = {fold_value(level) for level in levels} <= {"0", "1"}
    positive = () if plain else tuple(level for level in levels if POSITIVE.search(level))
    return Sheet(
        path, sheet, others, own, column if named_files else None, mask, patient, outcome, tuple(outcomes), positive
    )


def _spellings(path: Path, name: str) -> set[str]:
    """How a cell may name a file: by its name, without its ending, or by what picture and outline share."""
    return {fold_id(text) for text in (path.name, _stem(path.name), name) if text}


def _places(cells: pd.Series, spellings: dict[int, set[str]]) -> dict[int, int]:
    """Row of the table by place among the pairs, where a cell names one; each row and each place once."""
    place_of: dict[str, int] = {}
    for place, texts in spellings.items():
        place_of |= {text: place for text in texts if text not in place_of}
    out: dict[int, int] = {}
    for row, cell in cells.items():
        if cell and (text := fold_id(re.split(r"[\\/]", cell)[-1])) in place_of:
            out.setdefault(place_of[text], int(str(row)))
    return out


def _may_be_outcome(cells: pd.Series) -> bool:
    levels = {fold_value(cell) for cell in cells} - MISSING
    return 2 <= len(levels) <= MOST_LEVELS


def with_rows(sheet: Sheet, ask: Callable[[str, Sequence[str], str | None], str | None]) -> Sheet:
    """The guesses as a person answers: `ask` is given a question, the possible answers and the guess."""
    columns = [str(c) for c in sheet.cells.columns]
    patient = ask("Which column names the patients?", columns, sheet.patient) or sheet.patient
    outcome = ask("Which column is to be predicted?", [*sheet.outcomes], sheet.outcome)
    positive = sheet.positive
    if (outcome is not None and outcome != sheet.outcome) or (outcome and not positive):
        levels = sorted({v for v in sheet.cells[outcome] if fold_value(v) not in MISSING})
        if not {fold_value(level) for level in levels} <= {"0", "1"}:
            guess = next((level for level in levels if POSITIVE.search(level)), levels[-1])
            positive = tuple(filter(None, [ask(f"Which value of {outcome} counts as positive?", levels, guess)]))
        else:
            positive = ()
    return replace(sheet, patient=patient, outcome=outcome, positive=positive)


def drafted_columns(sheet: Sheet) -> dict[str, str]:
    """Header of the draft by header of the sheet, in its order; names, birth dates and other files are left."""
    out = {}
    for column in map(str, sheet.cells.columns):
        cells = sheet.cells[column]
        files = any(_ending(cell) for cell in cells)
        identity = fold_header(column) in IDENTITY
        taken = column in (sheet.patient, sheet.image, sheet.mask) or known_header(column) in OURS
        if taken or files or identity:
            continue
        numbers = pd.to_numeric(cells, errors="coerce").dropna()
        if SPACING.search(column) and len(numbers):
            out[column] = "pixel_spacing_cm" if numbers.median() < 0.03 else "pixel_spacing_mm"
        else:
            out[column] = column
    return out


def unclear_columns(sheet: Sheet) -> tuple[str, ...]:
    """Our names of known two-valued columns that hold other words than yes and no; they are categories."""
    out = []
    for column in drafted_columns(sheet):
        name = known_header(column)
        if column == sheet.outcome or name not in KNOWN or KNOWN[name].kind != "binary":
            continue
        accepted, _ = words_of(name)
        if not {fold_value(cell) for cell in sheet.cells[column]} - MISSING <= accepted.keys():
            out.append(name)
    return tuple(out)
