"""The line that was given is kept with the study: quoted for a shell, with no private folder in it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from launching import dlr_

from dlr.cli.command_line import as_typed
from dlr.engine import open_study

FORCED = "dlr run --force deep"
HOME = Path("/home/someone")


@pytest.mark.parametrize(
    ("words", "here", "line"),
    [
        (["run"], "/data", "dlr run"),
        (["run", "--set", "report.title=A new one"], "/data", "dlr run --set 'report.title=A new one'"),
        (["run", "--manifest", "/data/a b/m.csv"], "/data", "dlr run --manifest 'a b/m.csv'"),
        (["run", "--manifest=/data/m.csv"], "/data", "dlr run --manifest=m.csv"),
        (["run", "--out", "/elsewhere/x"], "/data", "dlr run --out /elsewhere/x"),
        (["run", "--manifest", "/home/someone/m.csv"], "/home/someone/study", "dlr run --manifest ../m.csv"),
        (["run", "--manifest", "/home/someone/my m.csv"], "/data", "dlr run --manifest \"$HOME\"/'my m.csv'"),
        (["run", "--set", "a.b=/home/someone/w.pt"], "/data", 'dlr run --set a.b="$HOME"/w.pt'),
        (["run", "--manifest", "/home/someoneelse/m.csv"], "/data", "dlr run --manifest /home/someoneelse/m.csv"),
        (["run", "--jobs", "4", "-j2", "-j", "3", "--dask=local", "--wait", "9", "--force", "deep"], "/data", FORCED),
        (["run", "--set", "cohort.target=[er, pr]"], "/data", "dlr run --set 'cohort.target=[er, pr]'"),
    ],
)  # fmt: skip
def test_a_line_is_shown_as_another_would_type_it(words: list[str], here: str, line: str) -> None:
    assert as_typed(words, Path(here), HOME) == line


def test_a_line_gives_its_words_back() -> None:
    words = ["run", "--set", "cohort.target=it's; rm $x `y`", "--name", 'a "b"']
    assert shlex.split(as_typed(words, Path("/data"), HOME)) == ["dlr", *words]


def test_a_study_remembers_the_lines_that_made_it_what_it_is(folder: Path) -> None:
    study = folder / "runs" / "paper"
    assert dlr_("run", "paper", "--jobs", "1", "--set", "square.power=2").exit_code == 0
    assert open_study(study).commands == ("dlr run paper --set square.power=2",)
    assert dlr_("report", study).exit_code == 0
    assert open_study(study).commands == ("dlr run paper --set square.power=2",), "written again, nothing else"
    assert dlr_("report", "runs/paper", "--set", "square.power=3").exit_code == 0
    assert open_study(study).commands == (
        "dlr run paper --set square.power=2",
        "dlr report runs/paper --set square.power=3",
    )
    assert dlr_("run", "paper").exit_code == 0
    assert open_study(study).commands == ("dlr run paper",)
