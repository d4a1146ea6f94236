"""Every input that fuzzing once found a fault with (`make fuzz` keeps them in .fuzz) is answered ever after."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest

from dlr.errors import InputError
from tools.fuzzing.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_what_was_a_fault_is_an_answer(tmp_path: Path, name: str) -> None:
    shutil.copytree(CORPUS / name, tmp_path / "input")
    said = json.loads((tmp_path / "input" / "said.json").read_text(encoding="utf-8"))
    (tmp_path / "input" / "said.json").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            TARGETS[said["target"]].read(tmp_path / "input", said["first"])
        except InputError as error:
            assert all(one.where.strip() and one.what.strip() and one.mend.strip() for one in error.problems)
