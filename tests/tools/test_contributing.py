"""What CONTRIBUTING.md points to is there, and what it quotes stands in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = "".join(
    re.sub(r"\s+", "", path.read_text(encoding="utf-8"))
    for folder in ("dlr", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:dlr|tests|docs|pipelines|benchmarks)/[\w./-]*)`", TEXT))))
def test_every_path_exists(path):
    assert (ROOT / path).exists()


QUOTED = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith(("def ", "class ", "@", "    ", "SHARES", "TOY", "panel", "press")) and "..." not in line
]


@pytest.mark.parametrize("line", QUOTED)
def test_every_quoted_line_stands_in_the_code(line):
    start = line.removesuffix(" found, answer, setting)")  # what a remark says is long
    assert re.sub(r"\s+", "", start).removesuffix(")") in CODE
