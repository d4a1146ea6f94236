"""Do the tests notice? One-line changes of the product, one at a time, each answered by the tests of its room.

    python tools/mutants.py --base origin/main --n 20 --seed 7     # of the lines that differ from a commit
    python tools/mutants.py --all --n 100                           # of every line

A comparison, an operator or a constant is changed; a change that no test of the room notices has survived, and the line
wants a test (or means nothing: a bound of a message, a limit of a list). Works in a copy of the files under git, with
their uncommitted changes; the checkout is never touched.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

SWAPS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "*"), ast.Pow: ("**", "*"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"),
}  # fmt: skip
UNTOUCHED = (ast.JoinedStr, ast.Raise, ast.Import, ast.ImportFrom)  # texts and messages: no test should pin them
MORE_TESTS = {"cohort": ("tests/broken_input",)}  # beside tests/<room>
PATIENCE = 3.0  # times as long as the tests take unchanged (and a minute): then the change counts as noticed


@dataclass(frozen=True)
class Mutant:
    """One line of one file, otherwise."""

    path: str  # dlr/room/file.py
    line: int
    start: int  # of the replaced bytes in the line
    end: int
    before: str
    after: str

    @property
    def room(self) -> str:
        """dlr/stats/roc.py -> stats; dlr/words.py -> words."""
        return Path(self.path).parts[1].removesuffix(".py")

    def applied(self, source: bytes) -> bytes:
        """The file's content with the change."""
        lines = source.splitlines(keepends=True)
        old = lines[self.line - 1]
        lines[self.line - 1] = old[: self.start] + self.after.encode() + old[self.end :]
        return b"".join(lines)


def mutants_of(path: str, source: bytes, lines: set[int] | None = None) -> list[Mutant]:
    """Every change of a file, on the given lines (None: on all), in the file's order."""
    written = source.splitlines()
    found = []
    for node in _product_nodes(ast.parse(source)):
        for line, start, end, after in _changes(node, written):
            if lines is None or line in lines:
                found.append(Mutant(path, line, start, end, written[line - 1][start:end].decode(), after))
    return sorted(found, key=lambda each: (each.line, each.start))


def _product_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that compute something: no texts, annotations, lists of names, nor the version of a stage."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "type_comment"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, UNTOUCHED):
                continue
            if isinstance(child, ast.keyword) and child.arg == "version":
                continue
            yield child
            yield from _product_nodes(child)


def _changes(node: ast.AST, written: Sequence[bytes]) -> Iterator[tuple[int, int, int, str]]:
    """line, start, end and new text of each change of one node."""
    match node:
        case ast.Constant(value=bool() | int() | float() as value) if node.lineno == node.end_lineno:
            after = str(not value) if isinstance(value, bool) else repr(value + 1)
            yield node.lineno, node.col_offset, node.end_col_offset or 0, after
        case ast.BinOp(left=left, op=op, right=right):
            if not (isinstance(op, ast.Div) and any(_is_text(side) for side in (left, right))):  # folder / "file"
                yield from _between(left, op, right, written)
        case ast.Compare(left=left, ops=ops, comparators=others):
            for first, op, second in zip([left, *others], ops, others, strict=False):
                yield from _between(first, op, second, written)
        case ast.BoolOp(op=op, values=values):
            for first, second in pairwise(values):
                yield from _between(first, op, second, written)
        case ast.UnaryOp(op=ast.Not(), operand=operand) if node.lineno == operand.lineno:
            yield node.lineno, node.col_offset, node.col_offset + len("not "), ""


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _between(
    first: ast.expr, op: ast.AST, second: ast.expr, written: Sequence[bytes]
) -> Iterator[tuple[int, int, int, str]]:
    """The change of an operator that stands on one line, whichever side the line is broken on."""
    if type(op) not in SWAPS:
        return
    old, new = SWAPS[type(op)]
    token = re.compile(rb"(?<![\w=<>!*/])" + re.escape(old.encode()).replace(rb"\ ", rb"\s+") + rb"(?![\w=<>*/])")
    for line in range(first.end_lineno or first.lineno, second.lineno + 1):
        start = first.end_col_offset or 0 if line == first.end_lineno else 0
        end = second.col_offset if line == second.lineno else len(written[line - 1])
        found = token.search(written[line - 1], start, end)
        if found:
            yield line, found.start(), found.end(), new
            return


def changed_lines(root: Path, base: str, state: str, under: str = "dlr") -> dict[str, set[int]]:
    """By file below a folder, the lines of `state` that differ from `base`."""
    out: dict[str, set[int]] = {}
    path = ""
    for line in _git(root, "diff", "--unified=0", "--no-color", "--no-ext-diff", base, state, "--", under).splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/")
        elif (hunk := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)) and path.endswith(".py"):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            out.setdefault(path, set()).update(range(first, first + count))
    return out


def room_tests(room: str, root: Path) -> list[str]:
    """The room's own tests; of a room that has none, the test files that import it."""
    own = [f"tests/{room}", f"tests/test_{room}.py", *MORE_TESTS.get(room, ())]
    found = [each for each in own if (root / each).exists()]
    if found:
        return found
    imported = re.compile(rf"^\s*(?:from|import) dlr\.{room}\b|^\s*from dlr import .*\b{room}\b", re.MULTILINE)
    files = sorted((root / "tests").rglob("test_*.py"))
    return [path.relative_to(root).as_posix() for path in files if imported.search(path.read_text(encoding="utf-8"))]


class Scratch:
    """A copy of the files of a commit, in which the tests run."""

    def __init__(self, root: Path, state: str, folder: Path) -> None:
        self.folder = folder
        archive = subprocess.run(["git", "archive", state], cwd=root, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")

    @contextlib.contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """The copy with one change; afterwards as before, also in its time, so that compiled code stays valid."""
        path = self.folder / mutant.path
        before, times = path.read_bytes(), path.stat()
        try:
            path.write_bytes(mutant.applied(before))
            os.utime(path, (times.st_atime + 10, times.st_mtime + 10))  # same size, same second: Python would not look
            yield
        finally:
            path.write_bytes(before)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def passes(self, tests: Sequence[str], limit: float | None = None) -> tuple[bool, float]:
        """Whether the tests pass, and the seconds they took; over the limit they do not."""
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", *tests]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"}
        if limit is not None:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        begin = time.perf_counter()
        try:
            done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return False, time.perf_counter() - begin
        return done.returncode == 0, time.perf_counter() - begin


def drawn(root: Path, state: str, base: str | None, n: int, seed: int, under: str = "dlr") -> list[Mutant]:
    """n changes at random of the lines that differ from the base; of every line where there is no base."""
    if base is None:
        names = _git(root, "ls-tree", "-r", "--name-only", state, "--", under).splitlines()
        lines: Mapping[str, set[int] | None] = {name: None for name in names if name.endswith(".py")}
    else:
        lines = changed_lines(root, base, state, under)
    known = [
        mutant
        for path in sorted(lines)
        for mutant in mutants_of(path, _git(root, "show", f"{state}:{path}").encode(), lines[path])
    ]
    return random.Random(seed).sample(known, min(n, len(known)))


def run(root: Path, mutants: Sequence[Mutant], state: str) -> Counter[tuple[str, bool]]:
    """Try every change and print what became of it; how many of each room were noticed, and were not."""
    noticed: Counter[tuple[str, bool]] = Counter()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, contextlib.suppress(KeyboardInterrupt):
        scratch = Scratch(root, state, Path(folder))
        unchanged: dict[str, tuple[bool, float]] = {}
        for mutant in mutants:
            tests = room_tests(mutant.room, scratch.folder)
            if mutant.room not in unchanged:
                unchanged[mutant.room] = scratch.passes(tests) if tests else (False, 0.0)
                if not unchanged[mutant.room][0]:
                    print(f"! {mutant.room}: {'its tests fail without any change' if tests else 'no test imports it'}")
            passing, seconds = unchanged[mutant.room]
            if not passing:
                continue
            with scratch.changed(mutant):
                passed, took = scratch.passes(tests, PATIENCE * seconds + 60)
            noticed[mutant.room, not passed] += 1
            word = "survived" if passed else "killed"
            text = _line(scratch.folder / mutant.path, mutant)
            print(f"{word:<9} {mutant.path}:{mutant.line}  {text} ({took:.0f} s)", flush=True)
    return noticed


def _line(path: Path, mutant: Mutant) -> str:
    line = path.read_bytes().splitlines()[mutant.line - 1].decode().strip()
    return f"{mutant.before} -> {mutant.after or 'nothing'}:  {line}"


def summary(noticed: Counter[tuple[str, bool]]) -> str:
    """Shares in all and by room."""
    rooms = sorted({room for room, _ in noticed})
    by_room = [f"{room} {noticed[room, True]}/{noticed[room, True] + noticed[room, False]}" for room in rooms]
    return (
        f"noticed {share(noticed):.0f} % of {noticed.total()}: {', '.join(by_room)}" if rooms else "nothing to change"
    )


def share(noticed: Counter[tuple[str, bool]]) -> float:
    """Per cent of the changes that were noticed; 100 where there were none."""
    return 100 * sum(n for (_, seen), n in noticed.items() if seen) / noticed.total() if noticed.total() else 100.0


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, encoding="utf-8").stdout


def _usual_base(root: Path) -> str:
    """origin/main where there is one and it is another commit, else the commit before."""
    known = subprocess.run(["git", "rev-parse", "-q", "--verify", "origin/main"], cwd=root, capture_output=True)
    main_is = known.stdout.decode().strip()
    return "origin/main" if main_is and main_is != _git(root, "rev-parse", "HEAD").strip() else "HEAD~1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 where fewer are noticed than --at-least."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base", help="the commit that lines are compared with; origin/main, else HEAD~1")
    parser.add_argument("--all", action="store_true", help="every line of dlr/, whatever has changed")
    parser.add_argument("--under", default="dlr", metavar="PATH", help="only files below this folder, e.g. dlr/cohort")
    parser.add_argument("--n", type=int, default=20, help="how many changes are drawn")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--at-least", type=float, default=0.0, metavar="PER_CENT")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    state = (
        _git(given.root, "stash", "create").strip() or "HEAD"
    )  # a commit of what is not committed yet; moves nothing
    base = None if given.all else given.base or _usual_base(given.root)
    noticed = run(given.root, drawn(given.root, state, base, given.n, given.seed, given.under), state)
    print(summary(noticed))
    return int(share(noticed) < given.at_least)


if __name__ == "__main__":
    sys.exit(main())
