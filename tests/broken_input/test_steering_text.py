"""Cells that steer a terminal, forge a line of the log, or send the log elsewhere."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from small_cohort import rows

from dlr.cli.screen import guarded, print_table, say
from dlr.cohort import CohortSettings, load_cohort
from dlr.engine.log import LOG, logged, logger
from dlr.engine.progress import Screen
from dlr.errors import InputError, Problem, shown

STEERING = "a\x1b[2J\x9b31m\x07\r\u202e\udcffb"
SPELLED = r"a\x1b[2J\x9b31m\x07\r\u202e\udcffb"


def test_what_steers_is_spelled_out_and_scripts_stay():
    assert shown(STEERING) == SPELLED
    plain = "Müller 姓名 עברית\nline −0.5 \U0001f468\u200d\U0001f469"
    assert shown(plain) == plain
    assert shown("a\tb") == "a b"
    assert all(not shown(chr(code)).isspace() or code in (9, 10, 32) for code in range(0xA0))


def test_a_problem_and_its_error_hold_no_steering_text():
    problem = Problem(STEERING, STEERING, STEERING)
    assert (problem.where, problem.what, problem.mend) == (SPELLED, SPELLED, SPELLED)
    assert "\x1b" not in str(InputError(STEERING, STEERING, STEERING))
    assert "\x1b" not in str(InputError.of([problem]))


def test_a_cell_reaches_the_screen_without_what_steers_it(tmp_path: Path, capsys):
    table = pd.DataFrame(rows()).drop(columns=["image", "mask"])
    table.loc[0, "her2"] = "a\x1b[2Jb"
    table.to_csv(tmp_path / "m.csv", index=False)

    @guarded
    def command():
        load_cohort(tmp_path / "m.csv", CohortSettings(), images=False)

    with pytest.raises(Exception) as ended:
        command()
    assert ended.value.exit_code == 2
    error = capsys.readouterr().err
    assert "a[2Jb" in error and "\x1b" not in error and "m.csv her2" in error


def test_lines_tables_and_progress_are_spelled_out(capsys):
    say(STEERING)
    say(STEERING, err=True)
    print_table(["", ""], [[STEERING, "x"]])
    Screen(Console(stderr=True, width=200)).say(STEERING)
    out, err = capsys.readouterr()
    assert out.count(SPELLED) == 2 and err.count(SPELLED) == 2
    assert "\x1b" not in out + err and "\x9b" not in out + err


def test_the_log_takes_no_steering_text_and_no_forged_record(tmp_path: Path):
    with logged(tmp_path):
        logger.warning("%s\n2026-01-01 00:00:00,000 ERROR forged", STEERING)
    text = (tmp_path / LOG).read_text(encoding="utf-8")
    assert SPELLED in text and "\x1b" not in text
    assert "\n    2026-01-01" in text and len([line for line in text.splitlines() if line[0] != " "]) == 1


def test_the_log_is_not_written_through_a_link(tmp_path: Path):
    study, other = tmp_path / "study", tmp_path / "mine.txt"
    study.mkdir()
    other.write_text("mine")
    (study / LOG).symlink_to(other)
    with pytest.raises(InputError) as error, logged(study):
        pass
    (problem,) = error.value.problems
    assert problem.where.endswith(LOG) and "is a link to" in problem.what and problem.mend == "delete it"
    assert other.read_text() == "mine" and not logging.getLogger("dlr").handlers


def test_no_command_prints_past_the_one_door():
    folder = Path(__file__).resolve().parents[2] / "dlr" / "cli"
    found = [path.name for path in sorted(folder.glob("*.py")) if "echo(" in path.read_text(encoding="utf-8")]
    assert found == ["screen.py"]
