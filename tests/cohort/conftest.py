"""A cohort on disk, made once, and the means to write a changed one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import small_cohort


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """The manifest of the small cohort."""
    return small_cohort.write(tmp_path)


@pytest.fixture
def table_only(tmp_path: Path) -> Callable[[list[dict[str, str]]], Path]:
    """Writes a manifest of the given rows without any file beside it."""

    def write(table: list[dict[str, str]]) -> Path:
        return small_cohort.write(tmp_path, table, files=False)

    return write
