"""The house: a room imports only from lower floors, never from a sibling. Every import of dlr/ is read with `ast`."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    "cli": 6,
    "pipelines": 6,
    "params": 0,  # files only
    "stages": 5,
    "report": 4,
    "study": 4,
    "settings": 3,
    "figures": 3,
    "doctor": 3,
    "learn": 2,
    "radiomics": 2,
    "deep": 2,
    "volume": 2,
    "superres": 2,
    "tables": 1,
    "networks": 1,
    "protocols": 1,
    "attention": 1,
    "cohort": 1,
    "phantom": 1,
    "stats": 1,
    "engine": 1,
    "words": 0,
    "distance": 0,
    "errors": 0,
    "csv_files": 0,
    "lazy": 0,
    "randomness": 0,
    "compat": 0,
}

# (importing file, imported room): may only shrink
EXCEPTIONS: set[tuple[str, str]] = set()
EXCEPTIONS_AT_MOST = 0

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def sources() -> list[Path]:
    return sorted(
        [*(ROOT / "dlr").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py"), *(ROOT / "params").rglob("*.py")]
    )


def room_of(module: str) -> str | None:
    """The room of a dotted module name, "" for the package itself, None outside dlr."""
    parts = module.split(".")
    if parts[0] != "dlr":
        return None
    if len(parts) == 1:
        return ""
    return "cli" if parts[1] == "__main__" else parts[1]  # `python -m dlr` is the command


def module_of(path: Path) -> str:
    relative = path.relative_to(ROOT).with_suffix("")
    parts = relative.parts if relative.parts[0] == "dlr" else ("dlr", *relative.parts)
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> Iterator[str]:
    """Every module of dlr that a file imports, inside functions and for type checkers too."""
    for base, names in _import_statements(path):
        if base == "dlr":  # from dlr import X: X is a room or a name of the package
            yield from (f"dlr.{name}" if name in FLOORS else "dlr" for name in names)
        else:
            yield base


def imported_files(path: Path, files: Mapping[str, Path]) -> set[str]:
    """The modules whose own files a file imports: of `from dlr.engine import keys` the one of keys."""
    out = set()
    for base, names in _import_statements(path):
        within = [f"{base}.{name}" for name in names if f"{base}.{name}" in files]
        out.update(within)
        if len(within) < len(names) or not names:
            out.add(base)
    return (out & files.keys()) - {module_of(path)}


def _import_statements(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The module of each import statement in full, and the names taken from it."""
    module = module_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            yield base, [alias.name for alias in node.names]


def wrong_imports() -> list[tuple[str, str]]:
    """(file, room) of every import that does not point to a lower floor."""
    out = []
    for path in sources():
        room = room_of(module_of(path))
        for imported in imports(path):
            other = room_of(imported)
            if other is None or other == room or other == "":
                continue
            if room == "":  # the package itself installs the cures and nothing else
                allowed = other == "compat"
            else:  # a room without a floor may neither import nor be imported
                allowed = other in FLOORS and room in FLOORS and FLOORS[other] < FLOORS[room]
            if not allowed:
                out.append((path.relative_to(ROOT).as_posix(), other))
    return sorted(set(out))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_belongs_to_a_room_with_a_floor(path):
    room = room_of(module_of(path))
    assert room == "" or room in FLOORS
    assert not FORBIDDEN_NAMES & set(path.relative_to(ROOT).with_suffix("").parts)


def test_rooms_import_only_from_lower_floors():
    assert [found for found in wrong_imports() if found not in EXCEPTIONS] == []


def test_no_stage_imports_a_stage():
    stages = {module_of(path): path for path in sources() if path.parent.name == "stages" and path.stem != "__init__"}
    found = {module: imported_files(path, stages) for module, path in stages.items()}
    assert {module: others for module, others in found.items() if others} == {}
    assert len(stages) > 10


def test_every_package_is_installed():
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert set(packed) >= {module_of(path) for path in sources() if path.name == "__init__.py"}


def test_no_files_import_one_another_in_a_circle():
    files = {module_of(path): path for path in sources()}
    circle = circle_in({module: imported_files(path, files) for module, path in files.items()})
    assert circle == [], f"a type or a name that both sides need belongs into a file of its own: {' -> '.join(circle)}"


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """The nodes of one circle, each after the one that leads to it; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_a_circle_is_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])


def test_exceptions_are_still_needed_and_only_become_fewer():
    assert set(wrong_imports()) >= EXCEPTIONS
    assert len(EXCEPTIONS) <= EXCEPTIONS_AT_MOST


def test_the_cures_are_all_that_the_package_imports():
    assert set(imports(ROOT / "dlr" / "__init__.py")) == {"dlr.compat"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import dlr.stats.roc", ["dlr.stats.roc"]),
        ("def f():\n    from dlr.learn import LassoSelector", ["dlr.learn"]),
        ("from dlr import stats, __version__", ["dlr.stats", "dlr"]),
        ("from . import keys", ["dlr.engine"]),
        ("from ..stats import auc", ["dlr.stats"]),
        ("from ...x import y", ["x"]),
    ],
)
def test_imports_are_found_however_they_are_written(tmp_path, monkeypatch, text, found):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "dlr" / "engine" / "new.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert list(imports(path)) == found


def test_modules_are_of_a_size_that_can_be_read():
    long = {path.name: n for path in sources() if (n := len(path.read_text(encoding="utf-8").splitlines())) > 450}
    assert long == {}
