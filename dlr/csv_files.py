"""Every CSV that is written, and how it is read back: no cell of it is a formula where a spreadsheet opens it.

A text cell that a spreadsheet would take for a formula gets an apostrophe in front; so does one that begins with such
apostrophes already, which makes the way back exact. Numbers stay as they are.
Source: OWASP, CSV injection.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_text", "as_written", "csv_text", "read_csv", "write_csv"]

# a formula begins with = + - @ (full-width too, and after blanks); a lone sign or a number is none
_FORMULA = re.compile(r"'*(?!\s*[+-]?[\d.,]*(?:[eE][+-]?\d+)?\s?%?\Z)(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")


def as_text(cell: Any) -> Any:
    """A cell as a CSV of ours holds it: text that would be a formula begins with an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def as_written(cell: Any) -> Any:
    """A cell of a CSV as it was before `as_text`."""
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_text(frame: pd.DataFrame) -> str:
    """A table as the text of a CSV, without the index; equal tables give equal text."""
    import pandas as pd

    safe = pd.DataFrame(
        {
            place: frame.iloc[:, place] if pd.api.types.is_numeric_dtype(kind) else frame.iloc[:, place].map(as_text)
            for place, kind in enumerate(frame.dtypes)
        }
    )
    header = [as_text(str(name)) for name in frame.columns]

    def written(quoting: int) -> str:
        text: str = safe.to_csv(index=False, header=header, lineterminator="\n", quoting=quoting)
        return text

    plain = written(csv.QUOTE_MINIMAL)
    # a lone carriage return is left without quotation marks, and would end the row
    return written(csv.QUOTE_NONNUMERIC) if "\r" in plain else plain


def write_csv(path: Path, frame: pd.DataFrame, mark: bool = False) -> None:
    """Write a table (UTF-8).  mark : a byte order mark, by which spreadsheets read every script."""
    path.write_text(csv_text(frame), encoding="utf-8-sig" if mark else "utf-8", newline="")


def read_csv(path: Path) -> pd.DataFrame:
    """A table written by `write_csv`, numbers as numbers."""
    import pandas as pd

    frame = pd.read_csv(path, encoding="utf-8-sig")
    frame.columns = [as_written(name) for name in frame.columns]
    for name in frame.select_dtypes(include=["object", "string"]):
        frame[name] = frame[name].map(as_written)
    return frame
