"""The Methods text: this run's numbers, and only what was done."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from built_report import ABOUT, Built

from dlr.report.blocks import FigureBlock
from dlr.report.comparisons import algorithms
from dlr.report.evidence import Evidence
from dlr.report.methods import methods_text
from dlr.report.press import Press
from dlr.report.reporting import reporting_table
from dlr.report.sources import Sources
from dlr.tables import CASES, CUTOFFS, FAMILIES, IMPUTED_ODDS, MULTIVARIABLE, STABILITY


def both(built: Built) -> tuple[Sources, Evidence]:
    sources = built.run.sources(ABOUT)
    return sources, Evidence(sources)


def test_methods_carry_the_numbers_of_this_run(report: Built) -> None:
    text = methods_text(*both(report))
    for words in (
        "201 patients",
        "5 for HER2 status missing (2+ without FISH)",
        "positive in 58 of 201 patients",
        "141 train, 60 test",
        "seed 20250607",
        "1,032 features",
        "profile hu1561 (engine pyradiomics)",
        "Welch's t-test (p < 0.05)",
        "|r| > 0.8",
        "5-fold cross-fitting with 3 seeds",
        "evaluated 2 times",
        "median Dice",
        "lightgbm 4.6.0",
    ):
        assert words in text


def test_methods_do_not_describe_what_was_not_done(sparse_report: Built) -> None:
    text = methods_text(*both(sparse_report))
    assert "Agreement between readers was not assessed." in text
    assert "There was no Combined model." in text
    assert "stepwise" not in text
    assert "nested" not in text


def test_standards_get_evidence_and_no_verdict(report: Built) -> None:
    table = reporting_table(*both(report))
    assert (table["Evidence of this run"].str.len() > 0).all()
    assert not table["Evidence of this run"].str.contains("low risk|fulfilled|compliant").any()
    evidence = table.set_index("Topic")["Evidence of this run"]
    assert evidence["External validation"].startswith("internal only")
    assert "2 clinical values, 3 feature values" in evidence["Missing data"]


def test_stable_features_are_those_kept_under_every_perturbation_of_the_whole_training_side(report: Built) -> None:
    table = STABILITY.read(report.run.folder / "stability")
    whole = table[table["part"] == "paper"]
    kept = set.intersection(*(set(rows.loc[rows["kept"], "feature"]) for _, rows in whole.groupby("perturbation")))
    every = whole["feature"].nunique()
    assert 0 < len(kept) < int(whole["kept"].sum()) < len(table)
    assert f"({len(kept):,} of {every:,} reached it under every perturbation" in methods_text(*both(report))
    assert f"here {len(kept):,} of {every:,} reach it under every perturbation" in report.html


def test_without_the_filter_no_threshold_is_printed(report: Built) -> None:
    run = report.run.copied_to(report.run.folder.parent / "unfiltered")
    learn = run.settings.learn.model_copy(update={"icc_filter": None})
    run.settings = run.settings.model_copy(update={"learn": learn})
    sources = run.sources(ABOUT)
    text = methods_text(sources, Evidence(sources))
    assert "Stability of the features was measured by ICC(2,1) (erode, shift)." in text
    assert "under an ICC of" not in text


def test_a_ridge_of_all_features_as_logs_is_described_as_that(report: Built) -> None:
    run = report.run.copied_to(report.run.folder.parent / "all features")
    learn = run.settings.learn.model_copy(update={"algorithms": ["ridge"], "select": False, "log": True})
    run.settings = run.settings.model_copy(update={"learn": learn})
    sources = run.sources(ABOUT)
    text = methods_text(sources, Evidence(sources))
    assert "Features were taken as sign(x) log(1 + |x|), standardised and entered without selection." in text
    assert "Ridge-penalised logistic regression was tuned on grids of at most" in text
    assert "by the log loss of inner folds; all of this" in text and "LASSO" not in text.split("Networks.")[0]


def test_classifiers_that_are_only_reported_are_told_apart_from_those_chosen_among(
    report: Built, tmp_path: Path
) -> None:
    run = report.run.copied_to(report.run.folder.parent / "reported beside")
    learn = run.settings.learn.model_copy(update={"algorithms": ["ridge"], "reported": ["logistic", "svm"]})
    run.settings = run.settings.model_copy(update={"learn": learn})
    text = methods_text(run.sources(ABOUT), Evidence(run.sources(ABOUT)))
    assert "Ridge-penalised logistic regression was tuned on grids" in text and "chose among them" not in text
    assert "Beside, never chosen and in no combination, logistic regression and a linear support vector machine" in text
    assert "never chosen" not in methods_text(*both(report))
    sources = run.sources(ABOUT)
    (figure,) = algorithms(sources, Press(tmp_path), sources.targets[0])
    assert isinstance(figure, FigureBlock) and "Logistic regression: reported beside, never" in figure.caption


def test_features_are_counted_by_region(report: Built, tmp_path: Path) -> None:
    """1,032 features thrice; without pixel spacing in some images the millimetres are said to be none."""
    run = report.run.copied_to(tmp_path)
    asked = run.settings.radiomics.model_copy(update={"regions": ("lesion", "core_3mm", "peritumoral_4mm")})
    run.settings = run.settings.model_copy(update={"radiomics": asked})
    table = FAMILIES.read(tmp_path / "radiomics")
    FAMILIES.write(tmp_path / "radiomics", table.assign(count=3 * table["count"]))
    facts = pd.DataFrame({name: ["1"] for name in CASES.names})
    for known, said in ((True, ""), (False, " (in the 1 images without pixel spacing")):
        CASES.write(tmp_path / "cohort", facts.assign(spacing_known=known))
        sources = run.sources(ABOUT)
        text = methods_text(sources, Evidence(sources))
        counted = "1,032 in each of the lesion, its core deeper than 3 mm and the tissue up to 4 mm around it"
        assert "3,096 features were computed" in text and f"{counted}{said}" in text
        assert ("twentieth" in text) == (not known) and "on those of the lesion alone" in text
    assert "in each of" not in methods_text(*both(report))
    FAMILIES.write(tmp_path / "radiomics", table.assign(family="given", image_type="given"))
    text = methods_text(run.sources(ABOUT), Evidence(run.sources(ABOUT)))
    assert "started from a table of 1,032 features." in text and "in each of" not in text, "the user's own columns"


def test_shapes_imputation_and_intervals_are_told_as_they_were_made(report: Built, tmp_path: Path) -> None:
    usual = methods_text(*both(report))
    assert "widened by what drawings of the folds disagree about" in usual
    assert (
        "Brier scores and the AUC corrected for the choice among algorithms have percentiles of 10,000 draws" in usual
    )
    assert "splines" not in usual and "Rubin" not in usual
    run = report.run.copied_to(tmp_path)
    learn = run.settings.learn.model_copy(update={"impute": "multiple", "imputations": 7, "seeds": 1})
    clinical = run.settings.clinical.model_copy(update={"splines": ("age",)})
    run.settings = run.settings.model_copy(update={"learn": learn, "clinical": clinical})
    odds = MULTIVARIABLE.read(tmp_path / "clinical").assign(fraction_missing=0.1, copies=7)
    IMPUTED_ODDS.write(tmp_path / "clinical", odds)
    sources = run.sources(ABOUT)
    text = methods_text(sources, Evidence(sources))
    title = sources.title_of("age")
    assert f"Combined model {title} entered as restricted cubic splines of three knots, two parameters each." in text
    assert "missing clinical values were filled by chained regressions" in text
    assert "by multiple imputation (7 draws), pooled by Rubin's rules." in text
    assert "widened by a fixed share, as one drawing of the folds" in text


def test_the_combined_model_says_which_signature_was_named_beforehand(report: Built) -> None:
    assert "Its image signature is DLR, named beforehand (combine.signature: DLR)." in methods_text(*both(report))


def test_a_validation_side_that_gave_the_published_protocols_cut_off_is_said(report: Built, tmp_path: Path) -> None:
    assert "Youden's on out-of-fold predictions, used unchanged" in methods_text(*both(report))
    run = report.run.copied_to(tmp_path)
    cutoffs = CUTOFFS.read(tmp_path / "evaluate")
    CUTOFFS.write(tmp_path / "evaluate", cutoffs.assign(rule="Youden, validation side"))
    sources = run.sources(ABOUT)
    assert "of the published protocol on the validation side, used unchanged" in methods_text(
        sources, Evidence(sources)
    )
    assert [found(both(report)[1]) for found in (chosen_on, lambda e: chosen_on(e, "Nobody's"))] == ["training"] * 2
    assert chosen_on(Evidence(sources)) == "validation"


def chosen_on(evidence: Evidence, model: str = "Combined") -> str:
    return evidence.cutoff_from("her2", model, "test")
