"""Section ablation of an invented run: values as in the table, theirs apart, no claim beyond an interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_dce import LOST, FakeDce

from dlr.report.ablation import ablation, claims
from dlr.report.blocks import FigureBlock, Missing, Prose, Section, TableBlock
from dlr.report.contents import contents
from dlr.report.evidence import Evidence
from dlr.report.press import Press
from dlr.report.published import ABLATED, printed_row
from dlr.tables import ABLATION


def section_of(run: FakeDce) -> Section:
    sources = run.sources()
    return ablation(sources, Press(run.folder / "out"), Evidence(sources))


@pytest.fixture(scope="module")
def section(dce: FakeDce) -> Section:
    return section_of(dce)


def tables(section: Section) -> dict[str, TableBlock]:
    return {block.title: block for block in section.blocks if isinstance(block, TableBlock)}


def test_every_row_has_the_value_of_the_table_and_theirs_stand_apart(dce: FakeDce, section: Section) -> None:
    table = tables(section)["Rows of the ablation, test"]
    assert table.head == (
        "Row", "er\nn 42", "er\n(theirs)", "pr\nn 42", "pr\n(theirs)", "her2\nn 42", "her2\n(theirs)",
        "all (macro)\nn 42", "all (macro)\n(theirs)", "ki67\nn 42",
    )  # fmt: skip
    assert table.theirs == {2, 4, 6, 8} and table.strong == {0}
    assert "theirs, unverified: printed by a secondary page, side not said" in table.note
    data = ABLATION.read(dce.folder / "evaluate")
    data = data[data["side"] == "test"].set_index(["row", "target"])["value"]
    found = {row[0]: row for row in table.rows}
    assert len(found) == len(LOST), "the whole model and every row but the trap"
    named = {"without peritumoral tissue": "without_peritumoral", "radiomics, logistic": "radiomics_logistic"}
    for words, row in named.items():
        for k, target in ((1, "er"), (7, "macro"), (9, "ki67")):
            digits = 1 if target == "ki67" else 2
            assert found[words][k].startswith(f"{data[row, target]:.{digits}f}\n("), (words, target)
        assert [found[words][k] for k in (2, 4, 6, 8)] == [f"{value:.3f}" for value in ABLATED[row]]
    assert found["radiomics, linear SVM"][9] == "–", "it has no row of Ki-67"
    assert found["frozen 2-D network, all slices"][2] == "–", "nothing was printed of it"


def test_what_a_row_changes_stands_with_its_p_where_there_is_one(section: Section) -> None:
    rows = {row[0]: row for row in tables(section)["What each row changes, test"].rows}
    assert "Spatial, whole" not in rows and len(rows) == len(LOST) - 1
    row = rows["without peritumoral tissue"]
    assert row[1] == "−0.09\n(−0.15 to −0.03; p 0.030)" and row[4] == "−0.09\n(−0.15 to −0.03)"
    assert row[5] == "0.9\n(0.3–1.5; p 0.030)", "an error that grows"
    assert rows["attention at one scale"][1].startswith("0.000\n"), "no −0"
    inside = {row[0]: row for row in tables(section)["What each row changes, out-of-fold"].rows}
    assert inside["without peritumoral tissue"][1] == "−0.09\n(−0.15 to −0.03)"


def test_printed_means_are_means_of_the_printed_markers() -> None:
    for row, values in ABLATED.items():
        assert abs(np.mean(values[:3]) - values[3]) < 1e-3, row
    assert printed_row("core_pooled", "er") is None and printed_row("full", "ki67") is None


def rows_of(*limits: tuple[str, float, float], metric: str = "auc") -> pd.DataFrame:
    rows = [("full", np.nan, np.nan, np.nan), *((row, (lo + hi) / 2, lo, hi) for row, lo, hi in limits)]
    table = pd.DataFrame(rows, columns=["row", "difference", "difference_lower", "difference_upper"])
    return table.assign(target="er", metric=metric, value=0.7, lower=0.6, upper=0.8, p=np.nan, n=50)


@pytest.mark.parametrize(
    ("lower", "upper", "metric", "said"),
    [
        (
            -0.10,
            -0.002,
            "auc",
            "lower than the whole model is “core only, the rest hidden” by −0.051 (−0.100 to −0.002)",
        ),
        (-0.10, 0.0, "auc", ""),
        (0.001, 0.10, "auc", "higher than the whole model is “core only, the rest hidden”"),
        (0.0, 0.10, "auc", ""),
        (0.1, 2.0, "mae", "larger than the whole model is “core only, the rest hidden” by 1.1 (0.1–2.0)"),
        (-2.0, -0.1, "mae", "smaller than the whole model is “core only, the rest hidden”"),
        (-2.0, 0.1, "mae", ""),
    ],
)
def test_a_claim_stands_only_where_the_interval_excludes_0(lower: float, upper: float, metric: str, said: str) -> None:
    first, last = claims(rows_of(("core_only", lower, upper), metric=metric), ["er"])
    assert first.startswith(f"er, {'AUC' if metric == 'auc' else 'mean absolute error'}: ")
    assert f": {int(bool(said))} of 1 interval" in first
    assert said in first if said else "than the whole model" not in first
    assert "where an interval holds 0, nothing is shown" in last


def test_claims_of_the_invented_run_are_those_of_its_intervals(section: Section) -> None:
    said = next(block for block in section.blocks if isinstance(block, Prose) and "er, AUC" in block.paragraphs[0])
    sure = [row for row, (lost, half) in LOST.items() if abs(lost) > half and row != "core_pooled"]
    assert sure == ["without_peritumoral", "core_only", "frozen"]
    assert said.paragraphs[0] == (
        "er, AUC: 3 of 9 intervals exclude 0; lower than the whole model are “without peritumoral tissue” by −0.09 "
        "(−0.15 to −0.03), “core only, the rest hidden” by −0.20 (−0.28 to −0.12); higher than the whole model is "
        "“frozen 2-D network, all slices” by 0.10 (0.04–0.16)."
    )
    assert said.paragraphs[4].startswith("ki67, mean absolute error: 3 of 8 intervals exclude 0; larger than")


def test_the_trap_stands_apart_and_is_explained(section: Section) -> None:
    main = tables(section)["Rows of the ablation, test"]
    assert not any("pooled" in row[0] for row in main.rows)
    table = tables(section)["The trap: pooled over the core while the input stays whole, test"]
    assert [row[0] for row in table.rows] == [
        "Spatial, whole", "core pooled, the rest seen", "core only, the rest hidden",
    ]  # fmt: skip
    assert table.rows[1][1].startswith("0.73\n(") and table.rows[2][1].startswith("0.54\n(")
    assert table.note.startswith("Pooling alone is no ablation.") and table.quiet == {1}


def test_the_first_role_has_a_figure_with_a_panel_a_target(section: Section) -> None:
    figures = {block.name: block for block in section.blocks if isinstance(block, FigureBlock)}
    assert set(figures) == {"ablation_forest_test"}
    assert len(figures["ablation_forest_test"].panels) == 5


def test_without_ki67_its_column_is_away(dce_without_ki67: FakeDce) -> None:
    for table in tables(section_of(dce_without_ki67)).values():
        assert "ki67" not in str(table.head)


def test_a_study_that_asked_for_none_says_so(dce: FakeDce, tmp_path: Path) -> None:
    other = dce.copied_to(tmp_path)
    (tmp_path / "evaluate" / ABLATION.file).unlink()
    other.further["receptors"] = {**other.further["receptors"], "ablation": "none"}
    sources = other.sources()
    assert "ablation" in contents(sources)
    (block,) = section_of(other).blocks
    assert isinstance(block, Missing) and block.why == "None was asked for (receptors.ablation: none)."
