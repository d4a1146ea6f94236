"""The user's files of a study: the manifest, the files its cells name, a feature table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlr.errors import InputError

__all__ = ["Inputs", "files_named_in"]

ENCODINGS = ("utf-8-sig", "gb18030")
DELIMITERS = (",", ";", "\t")
NUMBER = re.compile(r"[-+0-9.,eE%/ ]*")


@dataclass(frozen=True)
class Inputs:
    """What a study starts from; paths are absolute."""

    manifest: Path | None = None
    features: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the manifest start from."""
        table = self.manifest or self.features
        return table.parent if table is not None else Path.cwd()

    def named(self) -> dict[str, Path]:
        """Every file of the study by the name it is known under: tables by role, others as their cell names them."""
        out: dict[str, Path] = {}
        for role, table in (("manifest", self.manifest), ("features", self.features)):
            if table is None:
                continue
            if not table.is_file():
                raise InputError(
                    where=str(table),
                    what="there is no such file",
                    mend=f"name the {'manifest' if role == 'manifest' else 'feature table'} with --{role} PATH",
                )
            out[role] = table
        if self.manifest is not None:
            out |= files_named_in(self.manifest)
        return out


def files_named_in(table: Path) -> dict[str, Path]:
    """Cells of a table (CSV with comma, semicolon or tab; .xlsx) that name a file or folder beside it."""
    cells = _xlsx_cells(table) if table.suffix.lower() in (".xlsx", ".xlsm") else _csv_cells(table)
    out: dict[str, Path] = {}
    for cell in sorted({cell.strip() for cell in cells}):
        name = cell.replace("\\", "/")
        # without a dot or a slash it is a value such as "benign", even if a folder happens to be called so
        if not any(mark in name for mark in "./") or len(name) > 400 or NUMBER.fullmatch(name):
            continue
        path = table.parent / name
        try:
            # a cell that means a folder around the table ("./", "C:\\") means no file of the study
            if path.is_file() or (path.is_dir() and not table.resolve().is_relative_to(path.resolve())):
                out[cell] = path
        except (OSError, ValueError):
            continue
    return out


def _csv_cells(table: Path) -> Iterable[str]:
    raw = table.read_bytes()
    for encoding in ENCODINGS:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = raw.decode("utf-8", errors="replace")
    cells: set[str] = set()
    for delimiter in DELIMITERS:
        if delimiter in text:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                cells.update(row)
    return cells or set(text.splitlines())


def _xlsx_cells(table: Path) -> Iterable[str]:
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(table, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError) as error:
        raise InputError(str(table), f"this is no readable .xlsx file ({error})", "save it again, or as CSV") from error
    try:
        return {
            value for sheet in book for row in sheet.iter_rows(values_only=True) for value in row
            if isinstance(value, str)
        }  # fmt: skip
    finally:
        book.close()
