"""`make mutants`: changes are one line each, the tests of the room answer, and the checkout stays as it is."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from tools.mutants import changed_lines, main, mutants_of, room_tests

SOURCE = '''\
"""A room."""
from math import tau
VERSION: dict[str, int | None] = {}

def area(r, unit="cm"):
    """π r², 3 < 4."""
    if r < 0 and not unit:
        raise ValueError(f"{r + 1} is too small" + "!")
    return (r ** 2) * 3.5

def label(größe, files):
    return files / "ü" if größe is not None else files in ("a", (
        1 +
        2))
'''


def test_every_change_is_one_line_that_still_parses_to_something_else():
    mutants = mutants_of("dlr/room/file.py", SOURCE.encode())
    assert [(m.line, m.before, m.after) for m in mutants] == [
        (7, "<", "<="), (7, "0", "1"), (7, "and", "or"), (7, "not ", ""),
        (9, "**", "*"), (9, "2", "3"), (9, "*", "/"), (9, "3.5", "4.5"),
        (12, "is not", "is"), (12, "in", "not in"), (13, "1", "2"), (13, "+", "-"), (14, "2", "3"),
    ]  # fmt: skip
    plain = ast.dump(ast.parse(SOURCE))
    for mutant in mutants:
        changed = mutant.applied(SOURCE.encode())
        assert ast.dump(ast.parse(changed)) != plain
        assert sum(a != b for a, b in zip(changed.splitlines(), SOURCE.encode().splitlines(), strict=True)) == 1


def test_every_line_of_the_product_can_be_changed_and_still_parses():
    root = Path(__file__).parents[2]
    for path in sorted((root / "dlr" / "cli").glob("*.py")):
        source = path.read_bytes()
        for mutant in mutants_of(path.as_posix(), source):
            ast.parse(mutant.applied(source))


def git(root: Path, *arguments: str) -> str:
    own = ("-c", "user.name=a", "-c", "user.email=a@b")
    return subprocess.run(["git", *own, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two rooms under git; since the first commit one line of room `a` is other, and not committed."""
    files = {
        "dlr/__init__.py": "",
        "dlr/a.py": "def twice(x):\n    return x * 2\n\n\ndef more(x):\n    return x + 0\n",
        "dlr/b.py": "def half(x):\n    return x / 2\n",
        "tests/test_a.py": "from dlr.a import twice\n\n\ndef test_twice():\n    assert twice(3) == 6\n",
        "tests/test_other.py": "from dlr import b\n\n\ndef test_half():\n    assert b.half(2) == 1\n",
    }
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the tests of this checkout start at once
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "dlr" / "a.py").write_text(files["dlr/a.py"].replace("x + 0", "x + 5"))
    return tmp_path


def test_only_lines_that_differ_are_changed_and_the_checkout_stays(checkout, capsys):
    state, before = git(checkout, "status", "--short"), (checkout / "dlr" / "a.py").read_text()
    assert changed_lines(checkout, "HEAD", git(checkout, "stash", "create").strip()) == {"dlr/a.py": {6}}
    assert main(["--root", str(checkout), "--base", "HEAD", "--at-least", "50"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said[:-1]] == [["survived", "dlr/a.py:6"]] * 2
    assert said[-1] == "noticed 0 % of 2: a 0/2"
    assert (git(checkout, "status", "--short"), (checkout / "dlr" / "a.py").read_text()) == (state, before)
    assert git(checkout, "stash", "list") == ""


def test_with_all_every_line_is_changed_and_noticed_by_the_tests_that_import_the_room(checkout, capsys):
    assert room_tests("a", checkout) == ["tests/test_a.py"]
    assert room_tests("b", checkout) == ["tests/test_other.py"]
    assert main(["--root", str(checkout), "--all", "--n", "99", "--at-least", "60"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "noticed 67 % of 6: a 2/4, b 2/2"
    assert any(line.startswith("killed    dlr/b.py:2  / -> *:  return x / 2 (") for line in said)
