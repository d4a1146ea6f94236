"""Section 7: the backbones that were tried, how networks learnt, where they looked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.report.blocks import FigureBlock, Missing, Prose, Section, TableBlock
from dlr.report.networks import seeing
from dlr.report.press import Press
from dlr.report.sources import About, Sources
from dlr.settings import StudySettings
from dlr.tables import ALGORITHMS, ATTENTION, CHOICES, CURVES

GIVES = {"deep": (ALGORITHMS, CHOICES, CURVES), "attention": (ATTENTION,)}


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "columns.json").write_text(json.dumps({"targets": ["her2"], "columns": []}))
    (folder / "deep.json").write_text(json.dumps({"mode": "frozen", "backbones": {"resnet18": {}}}))
    return folder


def section(deep: Path) -> Section:
    about = About("s", "p", "0", 1)
    sources = Sources({"deep": deep}, {"attention": "none was asked for"}, StudySettings(), about, GIVES)
    return seeing(sources, Press(deep.parent / "out"))


def write_algorithms(deep: Path, rows: list[tuple[str, float, float]]) -> None:
    table = pd.DataFrame(rows, columns=["algorithm", "out_of_fold", "bbc_corrected"])
    ALGORITHMS.write(deep, table.assign(
        target="her2", model="DL", variant="", measure="auc", lower=0.5, upper=0.9, n_tried=len(rows)
    ))  # fmt: skip


def test_the_table_of_backbones_is_headed_by_how_much_the_best_is_too_good(deep: Path) -> None:
    write_algorithms(deep, [("fine-tuned resnet18", 0.75, 0.70), ("frozen resnet18", 0.72, np.nan)])
    CHOICES.write(deep, pd.DataFrame([
        ("her2", "DL", "", "crossfit", "crossfit-s0-f0", 0, 0, name, "loss", 0.5, name.startswith("frozen"), "{}")
        for name in ("fine-tuned resnet18", "frozen resnet18")
    ], columns=list(CHOICES.names)))  # fmt: skip
    head, table, *_ = section(deep).blocks
    assert isinstance(head, Prose) and isinstance(table, TableBlock)
    assert head.paragraphs[0].startswith("The best of 2 looks 0.05 better than it is: 0.75 becomes 0.70")
    assert table.rows == (
        ("fine-tuned resnet18", "0.75 (0.50–0.90)", "0 of 1"), ("frozen resnet18", "0.72 (0.50–0.90)", "1 of 1"),
    )  # fmt: skip


def test_one_backbone_needs_no_correction(deep: Path) -> None:
    write_algorithms(deep, [("frozen resnet18", 0.72, np.nan)])
    head = section(deep).blocks[0]
    assert isinstance(head, Prose)
    assert "nothing to choose" in head.paragraphs[0]


def test_frozen_networks_have_no_learning_curves_and_the_page_says_why(deep: Path) -> None:
    write_algorithms(deep, [("frozen resnet18", 0.72, np.nan)])
    missing = {block.what: block.why for block in section(deep).blocks if isinstance(block, Missing)}
    assert "frozen (deep.mode)" in missing["Learning curves for her2"]


def test_algorithms_of_no_network_are_not_among_the_networks(deep: Path) -> None:
    write_algorithms(deep, [("frozen resnet18", 0.72, np.nan), ("logistic", 0.9, np.nan)])
    table = next(block for block in section(deep).blocks if isinstance(block, TableBlock))
    assert [row[0] for row in table.rows] == ["frozen resnet18"]


def test_of_an_outcome_without_a_network_one_line_says_so(deep: Path) -> None:
    (deep / "columns.json").write_text(json.dumps({"targets": ["her2", "ki67"], "columns": []}))
    write_algorithms(deep, [("frozen resnet18", 0.72, np.nan)])
    *_, last = section(deep).blocks
    assert isinstance(last, Missing)
    assert (last.what, last.why) == ("Networks that were tried for ki67", "No network was fitted for it.")


@pytest.mark.parametrize(("part", "said"), [("validation", "Early stopping looks at"), ("train", "all epochs ran")])
def test_the_caption_of_curves_says_whether_training_was_stopped(deep: Path, part: str, said: str) -> None:
    write_algorithms(deep, [("frozen resnet18", 0.72, np.nan)])
    rows = [
        ("her2", "crossfit", "DL", 0, 0, epoch, where, "loss", 0.7) for epoch in (1, 2) for where in ("train", part)
    ]
    CURVES.write(deep, pd.DataFrame(rows, columns=list(CURVES.names)))
    figure = next(block for block in section(deep).blocks if isinstance(block, FigureBlock))
    assert said in figure.caption
