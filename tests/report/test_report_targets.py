"""A page of several outcomes, made by a real study: every section speaks of each, and mixes none."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from built_report import TARGETS, StudyReport

from dlr.report.combined_set import primary_set
from dlr.report.evidence import Evidence
from dlr.report.methods import methods_text
from dlr.report.reviewer import remarks
from dlr.report.time_of_use import clinical_variables
from dlr.tables import COMBINED_TERMS, METRICS, SAMPLE_SIZE, SELECTION_FREQUENCY, UNIVARIABLE
from dlr.words import Model

BINARY = ("her2", "er")


class Page(HTMLParser):
    """The texts of h3 and h4 by section, ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.links: list[str] = []
        self.section = ""
        self.within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if named.get("href"):
            self.links.append(str(named["href"]))
        if tag == "section":
            self.section = str(named.get("id"))
            self.headings[self.section] = []
        if tag in ("h3", "h4"):
            self.within = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self.within:
            self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within and self.section:
            self.headings[self.section].append(data.strip())


@pytest.fixture(scope="module")
def page(study: StudyReport) -> Page:
    return Page(study.html)


def table(study: StudyReport, name: str) -> pd.DataFrame:
    return pd.read_csv(study.page.parent / "tables" / f"{name}.csv")


@pytest.mark.slow
@pytest.mark.parametrize("section", ["answer", "measured", "models", "optimism", "nomogram"])
def test_every_section_is_by_outcome(page: Page, section: str) -> None:
    found = [words for words in page.headings[section] if words in TARGETS]
    assert found == list(TARGETS)


@pytest.mark.slow
def test_ids_are_unique_and_links_lead_somewhere(page: Page, study: StudyReport) -> None:
    assert len(page.ids) == len(set(page.ids))
    files = {unquote(link) for link in page.links if not link.startswith(("#", "data:"))}
    assert all((study.page.parent / file).is_file() for file in files)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


@pytest.mark.slow
@pytest.mark.parametrize("target", BINARY)
def test_a_table_of_odds_ratios_holds_one_outcome(study: StudyReport, target: str) -> None:
    shown, source = table(study, f"univariable_{target}"), study.sources.table(UNIVARIABLE)
    assert source is not None and set(source["target"]) == set(BINARY)
    assert set(shown["target"]) == {target}
    assert len(shown) == (source["target"] == target).sum()
    assert set(table(study, f"combined_terms_{target}")["target"]) == {target}


@pytest.mark.slow
def test_every_outcome_has_its_own_combined_model(study: StudyReport) -> None:
    er, her2 = (next(t for t in study.sources.targets if t.name == name) for name in ("er", "her2"))
    for target in (er, her2):
        chosen = primary_set(study.sources, target)
        assert chosen is not None and chosen["target"] == target.name
    terms = study.sources.of(COMBINED_TERMS, er)
    assert terms is not None and set(terms["target"]) == {"er"}


@pytest.mark.slow
def test_an_outcome_is_no_predictor_of_itself(study: StudyReport) -> None:
    for target in study.sources.targets:
        assert target.name not in clinical_variables(study.sources, Model.CLINICAL, target)


@pytest.mark.slow
def test_a_remark_names_its_outcome_and_its_own_size(study: StudyReport) -> None:
    found = remarks(study.sources, Evidence(study.sources)).remarks
    too_many = {remark.of: remark.evidence for remark in found if "more parameters" in remark.says}
    assert set(too_many) == set(BINARY)
    for target in study.sources.targets:
        size = study.sources.of(SAMPLE_SIZE, target)
        if size is not None:
            bound = size.set_index("quantity")["value"]["riley_maximum_parameters"]
            assert f"allows {bound:.2g}" in too_many[target.name]
    assert all(remark.of in ("", *TARGETS) for remark in found)
    assert any(remark.of == "" for remark in found), "some speak of the study"


@pytest.mark.slow
def test_how_often_a_feature_was_kept_is_counted_by_outcome(study: StudyReport) -> None:
    source = study.sources.table(SELECTION_FREQUENCY)
    assert source is not None
    for target in TARGETS:
        shown = table(study, f"selection_frequency_{target}")
        assert set(shown["target"]) == {target}
        assert shown["kept"].max() <= shown["of"].max() == 3, "folds times seeds, of one outcome"


@pytest.mark.slow
def test_a_per_cent_is_answered_by_its_error_beside_that_of_the_median(study: StudyReport) -> None:
    metrics = study.sources.table(METRICS)
    assert metrics is not None
    rows = metrics[(metrics["target"] == "ki67") & (metrics["model"] == "Rad") & (metrics["side"] == "test")]
    value = rows[(rows["protocol"] == "crossfit") & (rows["algorithm"] == "chosen")].set_index("metric")["value"]
    assert "Rad (radiomics) predicts ki67 in per cent." in study.html
    assert f"it is off by {value['mae']:.1f} (95 % interval" in study.html
    assert (
        f"Who tells everybody the median of the training patients is off by {value['baseline_mae']:.1f}" in study.html
    )
    for words in ("bias is", "limits of agreement are", "correlation with the truth is"):
        assert words in study.html


@pytest.mark.slow
def test_a_per_cent_has_its_own_figures_and_none_of_two_classes(page: Page, study: StudyReport) -> None:
    assert {"fig-answer_ki67", "fig-agreement_ki67", "fig-algorithms_ki67", "fig-optimism_ki67"} <= set(page.ids)
    for kind in ("roc_all", "roc_each", "pr", "decision", "predictions", "calibration", "nomogram", "splits"):
        assert not [name for name in page.ids if re.match(f"fig-{kind}.*ki67", name)]
    assert "for an outcome in per cent there is none of them" in study.html
    assert "The nomogram for ki67" in study.html
    assert set(table(study, "models_ki67")["metric"]) >= {"mae", "bias", "baseline_mae", "mae_gain", "pearson"}


@pytest.mark.slow
def test_a_nomogram_is_that_of_its_outcome(page: Page, study: StudyReport) -> None:
    for target in BINARY:
        assert f"fig-nomogram_{target}_figure" in page.ids
        assert set(table(study, f"nomogram_{target}_figure")["target"]) == {target}
    pages = [re.search(rf'id="fig-nomogram_{target}_figure".*?href="([^"]+)">A4 page', study.html, re.DOTALL)
             for target in BINARY]  # fmt: skip
    files = [found.group(1) for found in pages if found]
    assert len(set(files)) == 2 and all((study.page.parent / file).is_file() for file in files)


@pytest.mark.slow
def test_missing_labels_are_counted_where_they_are_missing(study: StudyReport) -> None:
    outcomes = table(study, "outcomes")
    unknown = outcomes.groupby("Outcome")["Unknown"].sum()
    assert unknown["er"] == 16 and unknown["her2"] == 0
    assert table(study, "outcomes_per_cent")["Outcome (%)"].unique().tolist() == ["ki67"]


@pytest.mark.slow
def test_methods_speak_of_every_outcome(study: StudyReport) -> None:
    text = methods_text(study.sources, Evidence(study.sources))
    for words in (
        "The outcome er was positive in",
        "The outcome ki67, in per cent, was known in 110 patients",
        "For ki67, in per cent, features were selected by Spearman's correlation (p < 0.05)",
        "Features kept at the end by Rad for er:",
        "The Combined model for her2 was",
        "For ki67 Rad reached a mean absolute error of",
        "bias and limits of agreement",
    ):
        assert words in text


@pytest.mark.slow
def test_no_stage_is_named_in_the_code_of_the_report() -> None:
    """Whoever adds a stage changes nothing in the report."""
    folder = Path(__file__).parents[2] / "dlr" / "report"
    stages = ("radiomics_model", "fusion_model", "evaluate", "fuse", "attention", "deep")
    for file in folder.glob("*.py"):
        for name in stages:
            assert f'"{name}"' not in file.read_text(encoding="utf-8"), f"{file.name} names stage {name}"
