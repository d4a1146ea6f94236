"""A result is written where the user says, and replaces nothing but an earlier result."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dlr.engine.outputs import check_new, check_outputs, check_pictures
from dlr.errors import InputError

COLUMNS = ("patient_id", "probability")


def refused(path: Path, inputs: tuple[Path, ...] = (), columns: tuple[str, ...] = COLUMNS) -> str:
    with pytest.raises(InputError) as info:
        check_outputs({path: columns}, inputs)
    (problem,) = info.value.problems
    assert problem.where == str(path)
    assert problem.mend
    return problem.what


def test_a_new_file_may_be_written_also_in_a_new_folder_and_leaves_no_trace(tmp_path):
    check_outputs({tmp_path / "new.csv": COLUMNS, tmp_path / "a" / "b" / "new.csv": COLUMNS}, [tmp_path / "in.csv"])
    assert list(tmp_path.iterdir()) == []


def test_the_result_of_an_earlier_call_may_be_replaced(tmp_path):
    for line in ("patient_id,probability\n", "patient_id,probability,cutoff\r\n1,0.5,0.4\r\n"):
        (tmp_path / "old.csv").write_text(line)
        check_outputs({tmp_path / "old.csv": COLUMNS}, [])
        assert (tmp_path / "old.csv").read_text() == line.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"patient_id\n",
        b"patient_id,probability_of_rain\n",
        b"id,patient_id,probability\n",
        b"\xff\xfe\0",
        b"\0" * 9,
    ],
)
def test_a_file_of_another_kind_stays(tmp_path, content):
    (tmp_path / "mine.csv").write_bytes(content)
    assert "another file is there" in refused(tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").read_bytes() == content


def test_an_input_stays_even_where_it_looks_like_an_earlier_result(tmp_path, monkeypatch):
    (tmp_path / "in.csv").write_text("patient_id,probability\n")
    assert "this file is read by" in refused(tmp_path / "in.csv", (tmp_path / "in.csv",))
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "this file is read by" in refused(Path("in.csv"), (tmp_path / "x" / ".." / "in.csv",))
    os.link("in.csv", "twin.csv")
    assert "this file is read by" in refused(tmp_path / "twin.csv", (tmp_path / "in.csv",))
    if sys.platform != "win32":
        os.symlink("in.csv", "link.csv")
        assert "this file is read by" in refused(Path("link.csv"), (tmp_path / "in.csv",))


def test_a_folder_is_no_file(tmp_path):
    assert "is a folder" in refused(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of a name")
def test_a_pipe_and_a_device_are_no_files_and_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", Path("/dev/null")):
        assert refused(path) == "this is a device or a pipe, no file"
        with pytest.raises(InputError, match="a device or a pipe"):
            check_pictures([path], "dlr try")


def test_what_cannot_be_written_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "below.csv", tmp_path / f"{'n' * 300}.csv", Path("/proc/version/x.csv")):
        assert "cannot be written" in refused(path)
    if sys.platform != "win32":
        os.symlink("loop.csv", tmp_path / "loop.csv")
        assert "cannot be written" in refused(tmp_path / "loop.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) in (["file"], ["file", "loop.csv"])


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_new_place_is_one_where_nothing_is_and_something_can_be(tmp_path):
    (tmp_path / "x.zip").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for path in (tmp_path / "x.zip", tmp_path / "link", tmp_path):
        with pytest.raises(InputError, match=r"is there already and stays.*--out"):
            check_new(path)
    for path in (tmp_path / "x.zip" / "below", tmp_path / ("n" * 300), Path("/proc/version/x")):
        with pytest.raises(InputError, match=r"cannot be written.*--out"):
            check_new(path)
    check_new(tmp_path / "new" / "place")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "x.zip"]


def test_every_problem_is_said_at_once(tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    (tmp_path / "b.csv").write_text("mine")
    with pytest.raises(InputError) as info:
        check_outputs({tmp_path / "a.csv": COLUMNS, tmp_path / "b.csv": COLUMNS}, [])
    assert len(info.value.problems) == 2


def picture(path: Path, software: str | None) -> Path:
    text = PngInfo()
    if software is not None:
        text.add_text("Software", software)
    Image.new("L", (3, 2)).save(path, pnginfo=text)
    return path


def test_a_picture_replaces_only_one_of_the_same_program_and_never_an_input(tmp_path):
    ours, theirs = picture(tmp_path / "ours.png", "dlr try"), picture(tmp_path / "theirs.png", "another")
    bare, other = picture(tmp_path / "bare.png", None), tmp_path / "other.png"
    other.write_text("no picture")
    before = {path: path.read_bytes() for path in (ours, theirs, bare, other)}
    check_pictures([ours, tmp_path / "new" / "x.png"], "dlr try")
    with pytest.raises(InputError) as info:
        check_pictures([ours, theirs, bare, other], "dlr try")
    assert [problem.where for problem in info.value.problems] == [str(theirs), str(bare), str(other)]
    assert all("no earlier picture of `dlr try`" in problem.what for problem in info.value.problems)
    with pytest.raises(InputError, match="this file is read by this command"):
        check_pictures([ours], "dlr try", [ours])
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "new").exists()
