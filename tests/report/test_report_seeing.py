"""Section 7: the backbones that were tried, how networks learnt, where they looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.report.blocks import Missing, Prose, Section, Table
from dlr.report.press import Press
from dlr.report.seeing import seeing
from dlr.report.sources import About, Sources


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    folder = tmp_path / "deep"
    folder.mkdir()
    return folder


def section(deep: Path, /, **settings: Any) -> Section:
    sources = Sources({"deep": deep}, {"attention": "none was asked for"}, settings, About("s", "p", "0", 1))
    return seeing(sources, Press(deep.parent / "out"))


def write_algorithms(deep: Path, rows: list[tuple[str, float, float]]) -> None:
    table = pd.DataFrame(rows, columns=["algorithm", "out_of_fold_auc", "bbc_corrected"])
    named = {"target": "her2", "model": "DL", "variant": "", "lower": 0.5, "upper": 0.9, "n_tried": len(rows)}
    table.assign(**named).to_csv(deep / "algorithms.csv", index=False)


def test_the_table_of_backbones_is_headed_by_how_much_the_best_is_too_good(deep: Path) -> None:
    write_algorithms(deep, [("fine-tuned resnet18", 0.75, 0.70), ("frozen resnet18", 0.72, np.nan)])
    chosen = [
        ("her2", "crossfit", name, name.startswith("frozen")) for name in ("fine-tuned resnet18", "frozen resnet18")
    ]
    pd.DataFrame(chosen, columns=["target", "protocol", "algorithm", "chosen"]).to_csv(
        deep / "choices.csv", index=False
    )
    head, table, *_ = section(deep).blocks
    assert isinstance(head, Prose) and isinstance(table, Table)
    assert head.paragraphs[0].startswith("The best of 2 looks 0.050 better than it is: 0.750 becomes 0.700")
    assert table.rows == (
        ("fine-tuned resnet18", "0.750 (0.500–0.900)", "0 of 1"), ("frozen resnet18", "0.720 (0.500–0.900)", "1 of 1"),
    )  # fmt: skip


def test_one_backbone_needs_no_correction(deep: Path) -> None:
    write_algorithms(deep, [("frozen resnet18", 0.72, np.nan)])
    head = section(deep).blocks[0]
    assert isinstance(head, Prose)
    assert "nothing to choose" in head.paragraphs[0]


def test_frozen_networks_have_no_learning_curves_and_the_page_says_why(deep: Path) -> None:
    write_algorithms(deep, [("frozen resnet18", 0.72, np.nan)])
    found = section(deep, deep={"mode": "frozen"})
    missing = {block.what: block.why for block in found.blocks if isinstance(block, Missing)}
    assert "frozen (deep.mode)" in missing["Learning curves"]
