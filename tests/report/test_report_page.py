"""The page as a whole: everything escaped, every link leads somewhere, every missing part says why, same bytes."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from built_report import ABOUT, Built, page_of
from fake_run import INJECTION, LONG, FakeRun

from dlr.report import About, FinishedSection, bind, build_section, contents
from dlr.settings import ReportSettings
from dlr.tables import METRICS, PERMUTATIONS


class Page(HTMLParser):
    """Tags, links, ids and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def values(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(attribute))]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def page(report: Built) -> Page:
    return Page(report.html)


@pytest.fixture(scope="module")
def sparse(sparse_report: Built) -> Page:
    return Page(sparse_report.html)


def test_words_of_the_manifest_never_become_markup(report: Built, page: Page) -> None:
    assert INJECTION in page.text
    assert "<script>document.title" not in report.html
    assert "<script>alert(1)</script>" in page.text
    assert "<script>alert" not in report.html
    assert "<img src=x" not in report.html
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 1


def test_names_of_every_script_are_shown(page: Page) -> None:
    assert "年龄" in page.text
    assert "钙化" in page.text
    assert "Müller & Søn <3>" in page.text


def test_ids_are_unique_and_links_within_the_page_lead_to_them(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    within = [link[1:] for link in (*page.values("href"), *page.values("xlink:href")) if link.startswith("#")]
    assert set(within) <= set(ids)


def test_every_file_that_is_linked_exists_and_every_file_written_is_linked(report: Built, page: Page) -> None:
    folder = report.page.parent
    linked = {unquote(link) for link in page.values("href") if not link.startswith(("#", "data:"))}
    assert all((folder / link).is_file() for link in linked)
    written = {str(path.relative_to(folder)) for kind in ("tables", "figures") for path in (folder / kind).iterdir()}
    assert written - {"figures/nomogram_2.pdf"} <= linked


def test_nothing_is_fetched_from_elsewhere(report: Built, page: Page) -> None:
    assert not [link for link in (*page.values("href"), *page.values("src")) if re.match(r"(https?:)?//", link)]
    assert "@import" not in report.html and "url(http" not in report.html


def test_every_figure_has_a_title_a_caption_a_picture_and_a_pdf(page: Page, report: Built) -> None:
    figures = [attrs for tag, attrs in page.tags if tag == "figure"]
    assert len(figures) >= 25
    for pdf in (report.page.parent / "figures").glob("*.pdf"):
        assert pdf.read_bytes().startswith(b"%PDF")
    assert len([tag for tag, _ in page.tags if tag == "svg"]) >= 45
    assert report.html.count("<figcaption>") == len(figures)


EXPECTED = (
    "flow", "dice", "contact_sheet", "families", "icc", "p_violin_her2", "correlation_her2", "lasso_her2",
    "rad_score_her2", "selection_frequency_her2", "fusion_her2", "answer_her2", "auc_forest_her2", "roc_all_her2",
    "roc_each_her2",
    "p_matrix_her2", "calibration_her2_test", "calibration_her2_out-of-fold", "decision_her2", "predictions_her2",
    "pr_her2", "algorithms_her2", "optimism_her2", "splits_her2", "nomogram_her2_figure", "learning_curves_her2",
)  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_figure_with_data_is_drawn(page: Page, name: str) -> None:
    assert f"fig-{name}" in page.values("id")


def test_a_part_that_is_missing_says_why(page: Page, sparse: Page) -> None:
    assert "the networks are frozen: their class activation maps would show ImageNet" in page.text
    for words in (
        "Table 1 is not here. Stage clinical left itself out: the manifest has no clinical columns.",
        "The nomogram is not here. Stage nomogram left itself out: there is no Combined model",
        "Stability of the features is not here. Stage stability left itself out: one outline a case",
        "Comparisons of models is not here. There is one model of her2 only.",
        "Learning curves is not here. Stage deep left itself out: deep.backbone is none.",
    ):
        assert words in sparse.text


def test_the_answer_names_model_patients_time_of_use_and_intervals(page: Page) -> None:
    assert "Combined (clinical variables and an image signature) predicts her2." in page.text
    assert "It needs the biopsy, so it cannot help to decide about one (PR status)." in page.text
    assert re.search(
        r"In 60 test patients \(19 positive\) its AUC is 0\.\d{2} \(95 % interval 0\.\d{2}–\d\.\d{2}\)", page.text
    )
    assert "(stacked, optimistic)" in page.text
    at = r"−?0\.\d{2} \(−?0\.\d{2}(–| to )−?0\.\d{2}\) at %s %% \(treating everyone −?0\.\d{2}\)"
    told = "; ".join(at % threshold for threshold in (10, 20, 30))
    assert re.search(f"Its net benefit at the threshold probabilities set beforehand is {told}; treating no", page.text)


def test_a_model_of_images_only_is_used_at_imaging(sparse: Page) -> None:
    assert "Rad (radiomics) predicts her2. It needs only what is known at imaging." in sparse.text


def test_tables_hold_the_unrounded_numbers(report: Built) -> None:
    table = pd.read_csv(report.page.parent / "tables" / "models_her2.csv")
    shuffled = PERMUTATIONS.read(report.run.folder / "permutations")
    metrics = METRICS.read(report.run.folder / "evaluate")
    chance = shuffled.rename(columns={"p": "value"}).assign(side="train", metric="permutation_p")
    named = ["model", "protocol", "side", "metric"]
    source = pd.concat([metrics, chance])[[*named, "value"]]
    merged = table.merge(source, on=named, suffixes=("", "_source"))
    assert len(merged) == len(table)
    np.testing.assert_array_equal(merged["value"], merged["value_source"])


def test_chinese_tables_open_in_spreadsheets(report: Built) -> None:
    raw = (report.page.parent / "tables" / "mappings.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert "孕激素受体" in raw.decode("utf-8-sig")


def test_selection_is_counted_step_by_step(page: Page) -> None:
    words = page.text
    steps = ["Stable between outlines", "Known in enough patients", "t-test", "Correlation filter", "LASSO"]
    places = [words.index(step, words.index("Features left after each step")) for step in steps]
    assert places == sorted(places)


def test_a_long_name_may_break_at_its_underscores(report: Built) -> None:
    assert LONG.replace("_", "_<wbr>") in report.html


def test_the_same_tables_give_the_same_bytes(sparse_report: Built, tmp_path: Path) -> None:
    source = sparse_report.page.parent
    tmp_path = tmp_path / "again"
    tmp_path.mkdir()
    for name in ("contact_sheet.pdf", "examples.png"):
        shutil.copyfile(source / name, tmp_path / name)
    run = sparse_report.run
    page_of(run.sources(ABOUT), tmp_path)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert written == sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    assert [name for name in written if (tmp_path / name).read_bytes() != (source / name).read_bytes()] == []


def test_sections_drawn_apart_and_sent_as_text_make_the_same_page(sparse_report: Built, tmp_path: Path) -> None:
    run, source = sparse_report.run, sparse_report.page.parent
    sources = run.sources(ABOUT)
    sections = []
    for name in reversed(contents(sources)):
        folder = tmp_path / name
        folder.mkdir()
        if name == "who":
            shutil.copyfile(source / "examples.png", folder / "examples.png")
        sections.append(FinishedSection(**json.loads(json.dumps(asdict(build_section(name, sources, folder))))))
    page = bind(sections[::-1], sources, tmp_path)
    assert page.read_bytes() == sparse_report.page.read_bytes()


def test_a_run_without_one_result_still_gives_a_page_that_says_so(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "stages")
    run.cohort()
    reason = "no signature could be fitted"
    run.left_out["evaluate"] = reason
    page = page_of(run.sources(About("s", "p", "0", 1)), tmp_path / "out")
    text = Page(page.read_text(encoding="utf-8")).text
    assert f"The answer for her2 is not here. Stage evaluate left itself out: {reason}." in text
    assert "Radiomics features is not here. This run has no stage radiomics." in text


def test_tiff_is_written_on_demand(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "stages")
    run.cohort()
    run.settings = run.settings.model_copy(update={"report": ReportSettings(tiff=True)})
    build_section("who", run.sources(ABOUT), tmp_path / "out")
    assert (tmp_path / "out" / "figures" / "flow.tiff").read_bytes()[:2] == b"II"
