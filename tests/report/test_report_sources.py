"""What the report reads: tables of whichever stages give them, and why one is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from dlr.errors import InputError
from dlr.report import About, Sources
from dlr.settings import StudySettings
from dlr.tables import FLOW, SPLITS, VIF, Table
from dlr.words import Target, TargetKind

ABOUT = About("s", "p", "0", 1)


def sources_of(folders: dict[str, Path | None], gives: dict[str, tuple[Table, ...]], **left_out: str) -> Sources:
    return Sources(folders, left_out, StudySettings(), ABOUT, gives)


def splits(model: str, target: str = "her2") -> pd.DataFrame:
    return pd.DataFrame([(target, model, "logistic", 0, False, 0.7, 0.6, 0.8, 20, 6)], columns=list(SPLITS.names))


def test_a_table_is_that_of_every_stage_that_gives_it_in_the_order_of_the_pipeline(tmp_path: Path) -> None:
    for name in ("second", "first", "silent"):
        (tmp_path / name).mkdir()
        SPLITS.write(tmp_path / name, splits(name))
    folders = {name: tmp_path / name for name in ("first", "second", "silent")}
    sources = sources_of(folders, {"first": (SPLITS,), "second": (SPLITS,), "silent": (FLOW,)})
    table = sources.table(SPLITS)
    assert table is not None and list(table["model"]) == ["first", "second"]
    assert sources.of(SPLITS, Target("er")) is None


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    SPLITS.write(tmp_path, splits("Rad"))
    (tmp_path / "tables.json").write_text(json.dumps({SPLITS.file: 99}))
    with pytest.raises(InputError, match="newer dlr"):
        sources_of({"a": tmp_path}, {"a": (SPLITS,)}).table(SPLITS)


def test_what_is_not_there_has_a_reason_for_every_stage_that_might_have_given_it(tmp_path: Path) -> None:
    gives: dict[str, tuple[Table, ...]] = {"a": (SPLITS,), "b": (SPLITS,), "c": (VIF,)}
    sources = sources_of({"a": None, "b": None, "c": tmp_path}, gives, a="no columns")
    assert sources.why(SPLITS) == "Stage a left itself out: no columns. This run has no stage b."
    assert sources.why(VIF) == "Stage c had nothing to write into vif.csv."
    assert sources.why(FLOW) == "No stage of this run gives flow.csv."


def test_a_table_of_other_outcomes_is_not_said_to_be_absent(tmp_path: Path) -> None:
    SPLITS.write(tmp_path, splits("Rad"))
    assert sources_of({"a": tmp_path}, {"a": (SPLITS,)}).why(SPLITS) == "No stage gave it for this outcome."


def test_targets_are_names_or_say_their_kind(tmp_path: Path) -> None:
    found = {"name": "ki67", "kind": "per_cent", "derived_from": ["ki67_low"]}
    (tmp_path / "columns.json").write_text(json.dumps({"targets": ["er", found], "columns": []}))
    er, ki67 = sources_of({"cohort": tmp_path}, {}).targets
    assert er == Target("er") and ki67 == Target("ki67", TargetKind.PER_CENT, ("ki67_low",))


def test_two_targets_never_share_a_file_name(tmp_path: Path) -> None:
    (tmp_path / "columns.json").write_text(json.dumps({"targets": ["HER2 +", "her2/+", "钙化"], "columns": []}))
    sources = sources_of({"cohort": tmp_path}, {})
    assert [sources.slug(target) for target in sources.targets] == ["HER2", "her2_", "钙化"]


def test_documents_and_files_beside_a_table_are_found_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text(json.dumps({"mode": "frozen"}))
    SPLITS.write(tmp_path, splits("Rad"))
    sources = sources_of({"left": None, "a": tmp_path}, {"a": (SPLITS,)})
    assert sources.document("deep.json") == {"mode": "frozen"}
    assert sources.document("nomogram.json") is None
    assert sources.beside(SPLITS, "deep.json") == tmp_path / "deep.json"
    assert sources.beside(VIF, "deep.json") is None and sources.beside(SPLITS, "other") is None
