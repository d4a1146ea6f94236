"""Broken tables as the command answers them: exit 2, its three words, and what was computed before stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from small_cohort import rows
from typer.testing import CliRunner

from dlr.cli import app

SETTINGS = "cohort: {clinical: [age, er]}\nlearn: {folds: 2}\n"
FAULTS: dict[str, tuple[str, Callable[[bytes], bytes], tuple[str, str, str]]] = {
    "an open quotation mark": (
        "manifest.csv", lambda text: text.replace(b"00003", b'"00003', 1),
        ("manifest.csv row 4", "a cell without end", "quotation mark"),
    ),
    "an age of nobody": (
        "manifest.csv", lambda text: text.replace(b",45,", b",-45,"),
        ("manifest.csv age", "0 to 130 years: -45 (row 7)", "correct the cells"),
    ),
    "no workbook": (
        "manifest.csv", lambda text: b"PK\x03\x04" + text,
        ("manifest.csv", "not a readable .xlsx file", "spreadsheet program"),
    ),
    "settings with an alias": (
        "params.yaml", lambda text: text + b"seed: *a\n",
        ("line 3, column 7", "this is not YAML as expected: an anchor or alias", "quotation marks"),
    ),
}  # fmt: skip


@pytest.fixture
def checked(tmp_path: Path) -> Path:
    """A study that `dlr doctor` has checked, without images: a manifest, its settings and a table of features."""
    table = pd.DataFrame(rows(24)).drop(columns=["image", "mask"])
    table.to_csv(tmp_path / "manifest.csv", index=False)
    table[["patient_id"]].assign(size=range(24)).to_csv(tmp_path / "features.csv", index=False)
    (tmp_path / "params.yaml").write_text(SETTINGS)
    assert doctor(tmp_path).exit_code == 0
    return tmp_path


def doctor(folder: Path):  # type: ignore[no-untyped-def]  # typer does not name its result
    """What `dlr doctor` answers."""
    given = [folder / "manifest.csv", "--features", folder / "features.csv", "--out", folder / "runs"]
    return CliRunner().invoke(app, ["doctor", *map(str, given)])


def results(folder: Path) -> dict[str, bytes]:
    """All that the stages left, but for logs."""
    files = (p for p in (folder / "runs").rglob("*") if p.is_file() and p.parent != folder / "runs")
    return {str(p): p.read_bytes() for p in files}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_table_is_exit_two_and_leaves_what_was_there(checked: Path, fault: str) -> None:
    name, damage, said = FAULTS[fault]
    before, sound = results(checked), (checked / name).read_bytes()
    (checked / name).write_bytes(damage(sound))
    broken = doctor(checked)
    words = " ".join(broken.output.split())
    assert broken.exit_code == 2 and "Traceback" not in words and "fault of dlr" not in words
    assert all(word in words for word in said), words
    assert results(checked).items() >= before.items()
    (checked / name).write_bytes(sound)
    assert doctor(checked).exit_code == 0
    assert results(checked) == before
