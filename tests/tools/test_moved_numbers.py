"""The table of numbers that moved between two releases."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("moved_numbers", Path("tools/moved_numbers.py").resolve())
assert SPEC is not None and SPEC.loader is not None
moved_numbers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(moved_numbers)

HEAD = "target,model,variant,algorithm,protocol,side,subset,metric,value,lower,upper\n"
BEFORE = HEAD + (
    "her2,Rad,,chosen,crossfit,test,all,auc,0.7,0.6,0.8\n"
    "her2,Rad,,chosen,crossfit,test,all,brier,0.2,,\n"
    "her2,Rad,,chosen,crossfit,test,cohort=A,auc,0.1,,\n"
    "her2,Rad,,svm,crossfit,test,all,auc,0.2,,\n"
)
AFTER = HEAD + (
    "her2,Rad,,chosen,crossfit,test,all,auc,0.7001,0.55,0.8\n"
    "her2,Rad,,chosen,crossfit,test,all,brier,0.20004,,\n"
    "her2,DL,,chosen,crossfit,test,all,ici,0.05,,\n"
)


def test_what_prints_differently_is_listed_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("before.csv", BEFORE), ("after.csv", AFTER)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    moved_numbers.main(str(tmp_path / "before.csv"), str(tmp_path / "after.csv"))
    said = capsys.readouterr().out
    assert "| Rad crossfit test | 0.700 (0.60–0.80) | 0.700 (0.55–0.80) |" in said
    assert "**AUC**: 1 of 1 moved" in said and "**Brier**: none of 1 moved" in said
    assert "| DL crossfit test | – | 0.050 |" in said
    assert said.rstrip().endswith("Gone: none. New: ici.")
