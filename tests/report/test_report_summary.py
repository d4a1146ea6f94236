"""One A4 sheet an outcome: vector, the same bytes, nothing cut, nothing over anything else, no empty panel."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import matplotlib
import pytest
from built_report import ABOUT, Built, StudyReport
from fake_run import FakeRun
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from typer.testing import CliRunner

from dlr.cli import app
from dlr.errors import InputError
from dlr.figures import theme
from dlr.report import Sources, draw_summary, summary
from dlr.report.blocks import Remark, Remarks
from dlr.report.evidence import Evidence
from dlr.report.reviewer import remarks
from dlr.words import Target

TOUCH = 1.0  # points that two boxes may share


def sheet_of(sources: Sources, target: Target) -> Figure:
    with matplotlib.rc_context(theme.rc()):
        return summary._sheet(sources, Evidence(sources), target)


def boxes(sheet: Figure) -> list[Bbox]:
    """What each text of the sheet and each of its panels covers, in points."""
    renderer = sheet.canvas.get_renderer()  # type: ignore[attr-defined]
    found = [text.get_window_extent(renderer) for text in sheet.texts if text.get_text()]
    found += [box for ax in sheet.axes if (box := ax.get_tightbbox(renderer)) is not None]
    return [Bbox(box.get_points() * 72 / sheet.dpi) for box in found]


def hold_nothing_over_anything(sheet: Figure) -> None:
    found = boxes(sheet)
    for box in found:
        assert box.x0 >= 0.4 * 72 and box.y0 >= 0.4 * 72, box
        assert box.x1 <= (8.27 - 0.4) * 72 and box.y1 <= (11.69 - 0.4) * 72, box
    for a, b in combinations(found, 2):
        shared = Bbox.intersection(a, b)
        assert shared is None or min(shared.width, shared.height) <= TOUCH, (a, b)
    assert all(ax.has_data() for ax in sheet.axes)


def words_of(sheet: Figure) -> str:
    return " ".join(text.get_text() for text in sheet.texts)


def test_a_study_is_one_portrait_sheet_of_vectors_with_the_same_bytes_every_time(report: Built, tmp_path: Path) -> None:
    sources = report.run.sources(ABOUT)
    first, second = (draw_summary(sources, tmp_path / f"{k}.pdf").read_bytes() for k in range(2))
    assert first == second
    assert b"CreationDate" not in first and b"/Subtype /Image" not in first
    (size,) = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", first)
    assert [float(side) for side in size] == [pytest.approx(595.4, abs=1), pytest.approx(841.7, abs=1)]


def test_answer_curves_nomogram_and_the_three_worst_remarks_stand_on_it(report: Built) -> None:
    sources = report.run.sources(ABOUT)
    sheet = sheet_of(sources, sources.targets[0])
    words = words_of(sheet)
    hold_nothing_over_anything(sheet)
    assert [ax.get_title(loc="left").split(",")[0] for ax in sheet.axes] == [
        "Discrimination", "Calibration", "Net benefit", "",
    ]  # fmt: skip
    assert words.startswith(sources.title.split()[0]) and "predicts her2." in words and "Nomogram of " in words
    found = remarks(sources, Evidence(sources)).remarks
    assert len(found) > 3
    assert all(remark.says in words for remark in found[:3])
    assert not any(remark.says in words for remark in found[3:])


def test_without_a_combined_model_the_sheet_says_why_there_is_no_nomogram(sparse_report: Built) -> None:
    sources = sparse_report.run.sources(ABOUT)
    sheet = sheet_of(sources, sources.targets[0])
    hold_nothing_over_anything(sheet)
    assert len(sheet.axes) == 3
    assert "There is no nomogram. Stage nomogram left itself out" in words_of(sheet)


def test_several_outcomes_have_a_sheet_each_also_one_in_per_cent(study: StudyReport, tmp_path: Path) -> None:
    sources = study.sources
    raw = draw_summary(sources, tmp_path / "s.pdf").read_bytes()
    assert len(re.findall(rb"/MediaBox", raw)) == len(sources.targets) == 3
    for target in sources.targets:
        sheet = sheet_of(sources, target)
        hold_nothing_over_anything(sheet)
        words = words_of(sheet)
        assert words.startswith(f"{target.name} in ")
        assert ("percentage points" in words) == (not target.binary)
        of_others = {one.name for one in sources.targets} - {target.name}
        own = [one.says for one in remarks(sources, Evidence(sources)).remarks if one.of in ("", target.name)][:3]
        assert all(says in words for says in own)
        assert not any(f"predicts {name}" in words for name in of_others)


def test_without_any_result_the_sheet_says_so_and_without_an_outcome_there_is_none(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "stages")
    run.cohort()
    run.left_out["evaluate"] = "no signature could be fitted"
    sources = run.sources(ABOUT)
    sheet = sheet_of(sources, sources.targets[0])
    hold_nothing_over_anything(sheet)
    assert sheet.axes == []
    assert "There is no answer for her2. Stage evaluate left itself out: no signature could be fitted." in words_of(
        sheet
    )
    empty = FakeRun(tmp_path / "none").sources(ABOUT)
    with pytest.raises(InputError, match="no outcome"):
        draw_summary(empty, tmp_path / "s.pdf")


@pytest.mark.parametrize("length", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_however_much_there_is_to_say_it_stays_on_the_sheet(
    report: Built, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = Remark(3, "A remark of many words. " * 3, "Evidence_without_a_space_" * length, "乳腺癌" * length)
    monkeypatch.setattr(summary, "remarks", lambda sources, evidence: Remarks((long,) * 5))
    sources = report.run.sources(replace(ABOUT, study="x" * 300))
    sheet = sheet_of(sources, sources.targets[0])
    hold_nothing_over_anything(sheet)
    assert "A remark of many words." in words_of(sheet)


def test_the_command_writes_the_sheet_beside_the_finished_report_and_computes_nothing(study: StudyReport) -> None:
    folder = study.page.parents[3]
    before = (folder / "run.json").read_bytes()
    said = CliRunner().invoke(app, ["report", "--summary", str(folder)])
    assert said.exit_code == 0, said.output
    assert said.stdout.split(None, 1) == ["summary", f"{folder / 'summary.pdf'}\n"]
    assert (folder / "summary.pdf").read_bytes()[:4] == b"%PDF"
    assert (folder / "run.json").read_bytes() == before


def test_without_a_study_or_a_report_the_command_says_what_to_do(study: StudyReport, tmp_path: Path) -> None:
    folder = study.page.parents[3]
    for name in ("run.json", "settings.yaml"):
        shutil.copyfile(folder / name, tmp_path / name)
    for arguments, words in (
        (["report", "--summary", str(tmp_path / "none")], "not the folder of a study"),
        (["report", "--summary", str(tmp_path)], "its report is not made yet"),
        (["report", "--summary", str(folder), "--set", "report.tiff=true"], "sums up the report as it is"),
    ):
        said = CliRunner().invoke(app, arguments)
        assert said.exit_code == 2
        assert words in " ".join(said.stderr.split())
