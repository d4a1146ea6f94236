"""Section receptors of an invented run: what is ours, what is theirs, what a sentence may claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from fake_volumes import MODELS, SHIFT, TARGETS, FakeVolumes

from dlr.report import build_section, contents
from dlr.report.baseline import first_line
from dlr.report.blocks import FigureBlock, Section, TableBlock
from dlr.report.build import _template
from dlr.report.cohorts import cohort_rows, recognised
from dlr.report.comparisons import comparisons
from dlr.report.evidence import Evidence
from dlr.report.methods import methods_text
from dlr.report.press import Press
from dlr.report.published import published
from dlr.report.receptors import receptors
from dlr.report.reporting import reporting_table
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.tables import COMPARISONS, METRICS
from dlr.words import LESION_ALONE, Target


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> FakeVolumes:
    return FakeVolumes(tmp_path_factory.mktemp("volumes")).write_all()


@pytest.fixture(scope="module")
def section(run: FakeVolumes) -> Section:
    sources = run.sources()
    return receptors(sources, Press(run.folder / "out"), Evidence(sources))


def tables(section: Section) -> dict[str, TableBlock]:
    return {block.title: block for block in section.blocks if isinstance(block, TableBlock)}


def test_the_page_has_the_sections_of_its_pipeline_and_numbers_them(run: FakeVolumes, section: Section) -> None:
    sources = run.sources()
    assert contents(sources) == [
        "answer", "who", "measured", "models", "receptors", "optimism", "seeing", "methods",
    ]  # fmt: skip
    assert (section.number, section.title) == (5, "Receptors from volumes")
    without = Sources(run.folders, {}, sources.settings, sources.about, {"cohort": run.gives["cohort"]})
    assert contents(without) == ["answer", "who", "measured", "models", "optimism", "methods"]
    assert first_line(without, Evidence(without)) == ""


def test_a_part_of_a_stage_that_the_pipeline_has_not_is_not_called_missing(run: FakeVolumes, tmp_path: Path) -> None:
    sources = run.sources()
    for name in ("who", "measured", "methods"):
        html = build_section(name, sources, tmp_path).html
        for words in ("Stability of the features", "Agreement of two outlines", "Fusion", "Combined model", "nomogram"):
            assert words not in html, f"{name}: {words}"
        assert name != "methods" or "combine:" not in html, "nor are its settings printed"
        assert name != "methods" or ("receptors:" in html and "depth: 10" in html)
    text = methods_text(sources, Evidence(sources))
    assert "Combined" not in text
    assert "was resampled to 64³ voxels, clipped at the 0.5 and 99.5 percentiles of the training volumes" in text
    assert "had 10 layers and 8 channels in the stem" in text and "at most 250 epochs with adam at 0.001" in text
    assert "draws patients once for all receptors" in text
    shown = reporting_table(sources, Evidence(sources)).set_index("Topic")
    assert shown.loc["Explanation", "Evidence of this run"].startswith("class activation maps beside a null network; ")
    assert "Rad-score" not in shown.loc["Explanation", "Evidence of this run"]
    assert shown.loc["Explanation", "Section"] == "3, 7" and shown.loc["Missing data", "Section"] == "2, 3"


@pytest.mark.parametrize("target", TARGETS)
def test_the_models_of_a_marker_stand_side_by_side_with_what_was_published(
    run: FakeVolumes, section: Section, target: str
) -> None:
    table = tables(section)[f"{target} by every model"]
    assert table.head == (
        "Patients are", "Measure", "n (positive)", "SingleTask", "SingleTask\n(theirs)", "MultiTask",
        "MultiTask\n(theirs)", "DL", "Rad+DL", "Rad", "Clinical",
    )  # fmt: skip
    assert table.theirs == {4, 6} and "marked theirs: Huang et al., Insights Imaging 2024" in table.note
    found = {row[:2]: row for row in table.rows}
    roles = ("test", "out-of-fold")
    measures = [(role, m) for role in roles for m in ("AUC", "Sensitivity", "Specificity")]
    assert list(found) == [*measures, *((role, "Patients needed") for role in roles)]
    assert found["test", "Patients needed"][3] == "61\n(46 + 15)" and "They print" in table.note
    metrics = METRICS.read(run.folder / "evaluate")
    for model, column in (("SingleTask", 3), ("Rad+DL", 8)):
        own = metrics[(metrics["target"] == target) & (metrics["model"] == model) & (metrics["subset"] == "all")]
        value = own[(own["protocol"] == "crossfit") & (own["side"] == "test") & (own["metric"] == "auc")][
            "value"
        ].item()
        assert found["test", "AUC"][column].startswith(f"{value:.2f}\n(")
    printed = {"er": ("0.809", "0.735"), "pr": ("0.688", "0.767"), "her2": ("0.626", "0.697")}[target]
    assert (found["test", "AUC"][4], found["test", "AUC"][6]) == printed
    assert found["out-of-fold", "AUC"][4] == "–", "they had no folds"
    data = pd.read_csv(run.folder / "out" / "tables" / f"receptors_{target}.csv")
    assert set(data["target"]) == {target}


def test_measures_over_all_markers(section: Section) -> None:
    table = tables(section)["All markers together"]
    assert [row[1] for row in table.rows[:7]] == [
        "Macro AUC", "Macro ACC\n(mean Jaccard)", "Mean accuracy", "Exact match", "Precision", "Recall", "F1",
    ]  # fmt: skip
    theirs = {row[1]: (row[4], row[6]) for row in table.rows[:7]}
    assert theirs["Macro AUC"] == ("0.708", "0.733") and theirs["Macro ACC\n(mean Jaccard)"] == ("0.535", "0.588")
    assert theirs["Precision"] == ("0.792", "0.804") and theirs["Recall"] == ("0.634", "0.694")
    assert theirs["F1"] == ("0.693", "0.738") and theirs["Exact match"] == ("–", "–")


def test_what_they_printed_is_found_by_role_and_size_alone() -> None:
    assert published("er", "MultiTask", "validation", "auc") == 0.745
    assert published("macro", "SingleTask", "test", "auc", "small") == 0.691
    assert published("er", "DL", "test", "auc") is None and published("er", "MultiTask", "out-of-fold", "auc") is None


def test_theirs_are_grey_and_italic_on_the_page_and_names_are_escaped(section: Section) -> None:
    html = _template("section.html.jinja").render(section=section, blocks=section.blocks)
    assert (
        '<td class="n theirs">0.809</td>' in html
        and '<th scope="col" class="n theirs">SingleTask\n(theirs)</th>' in html
    )
    assert "<b>Sons" not in html, "a cohort's name is no markup"


def test_a_table_of_several_markers_says_of_which_each_row_is(section: Section) -> None:
    several = {title for title, table in tables(section).items() if "Marker" in table.head}
    assert several == {"Single task against multi-task", "AUC by stratum"}
    for title, table in tables(section).items():
        named = {name for name in TARGETS for row in table.rows if name in row}
        assert title in several or not named, "every other table is of one marker, or of the means over all"
    pairs = tables(section)["Single task against multi-task"].rows
    assert [row[0] for row in pairs] == ["all (macro)", *TARGETS]
    assert {row[3] for row in pairs} == {"MultiTask − SingleTask"}


def test_strata_have_their_numbers_and_the_published_ones_stand_by_the_means_alone(section: Section) -> None:
    table = tables(section)["AUC by stratum"]
    assert {row[1] for row in table.rows} == {"diameter < 15 mm", "diameter ≥ 15 mm"}
    assert {row[2] for row in table.rows} == {"test", "out-of-fold"}, "a left-out cohort is no stratum of theirs"
    small = next(row for row in table.rows if row[:3] == ("all (macro)", "diameter < 15 mm", "test"))
    assert (small[5], small[7]) == ("0.691", "0.752") and small[3] == "21"
    assert {row[5] for row in table.rows if row[0] != "all (macro)"} == {"–"}


def test_dice_counts_a_patient_once(run: FakeVolumes, section: Section) -> None:
    (table,) = [table for title, table in tables(section).items() if title.startswith("The outline that a network")]
    raw = pd.read_csv(run.folder / "receptors" / "segmentation.csv")
    test = raw[raw["side"] == "test"].groupby("patient_id")["dice"].mean()
    row = next(row for row in table.rows if row[1] == "test")
    assert row[2] == str(len(test)) != str((raw["side"] == "test").sum())
    assert row[3].startswith(f"{test.median():.3f} (")
    assert table.head[4] == "95 % Hausdorff, median (quartiles) in mm" and "what each network was fed" in table.note


def test_cohorts_side_by_side_and_the_sentence(run: FakeVolumes, section: Section) -> None:
    table = tables(section)["AUC for er pooled, within and across cohorts"]
    assert table.head == ("Model", "Pooled", "Pairs within a cohort", "Mean over cohorts", "Left-out cohort")
    assert [row[0] for row in table.rows] == list(MODELS)
    assert {block.name for block in section.blocks if isinstance(block, FigureBlock)} >= {"cohort_forest_er"}
    assert "AUC for pr pooled, within and across cohorts" in tables(section)


SAID = "the network SingleTask may recognise the cohort"


def rows_of(
    pooled: float, pairs: float, left_out: float, lower: float = 0.55, model: str = "SingleTask", half: float = 0.05
) -> pd.DataFrame:
    values = pd.Series({"pooled": pooled, "pairs within a cohort": pairs, "left-out cohort": left_out})
    return pd.DataFrame(
        {"model": model, "measure": values.index, "value": values.values, "lower": lower, "upper": values.values + half}
    )


@pytest.mark.parametrize(
    ("pooled", "pairs", "left_out", "said"),
    [
        (0.80, 0.74, 0.70, [f"{SAID} (0.800 pooled, 0.740 within)"]),
        (0.80, 0.76, 0.70, []),
        (0.70, 0.69, 0.59, [f"{SAID} (0.700 pooled, 0.590 in cohorts left out)"]),
        (0.52, 0.51, 0.50, []),  # chance everywhere: nothing was recognised
        (0.80, 0.70, 0.50, [f"{SAID} (0.800 pooled, 0.700 within, 0.500 in cohorts left out)"]),
    ],
)  # fmt: skip
def test_when_a_network_may_recognise_the_cohort(pooled: float, pairs: float, left_out: float, said: list[str]) -> None:
    assert recognised(rows_of(pooled, pairs, left_out)) == said


def test_what_may_be_chance_recognises_nothing_and_radiomics_is_no_network() -> None:
    assert recognised(rows_of(0.58, 0.5, 0.5, lower=0.5)) == [], "the pooled interval holds .5"
    assert recognised(rows_of(0.80, 0.7, 0.5, half=0.35)) == [], "the intervals of the others hold the pooled value"
    assert recognised(rows_of(0.80, 0.7, 0.7, model="Rad")) == [
        "the model Rad may recognise the cohort (0.800 pooled, 0.700 within)"
    ]


def test_pairs_within_cohorts_and_folds_are_held_against_pairs_within_folds(run: FakeVolumes, tmp_path: Path) -> None:
    other = FakeVolumes(tmp_path, patients=60).write_all()
    table = METRICS.read(tmp_path / "evaluate")
    METRICS.write(tmp_path / "evaluate", table.assign(value=table["value"].mask(table["metric"] == "auc_pooled", 0.99)))
    rows = cohort_rows(Evidence(other.sources()), "er")
    own = table[(table["target"] == "er") & (table["metric"] == "auc") & (table["subset"] == "all")]
    own = own[(own["side"] == "train") & (own["protocol"] == "crossfit")].set_index("model")["value"]
    assert rows[rows["measure"] == "pooled"].set_index("model")["value"].to_dict() == own.to_dict()


FROZEN = "the frozen network over all slices (alone and with radiomics)"
TRAINED = "the 3-D networks MultiTask and SingleTask, trained from scratch"
EXCLUDES = ", with an interval of the difference that excludes 0"


def moved(run: FakeVolumes, half: float) -> str:
    """The first line where the interval of every difference is so wide to either side."""
    table = COMPARISONS.read(run.folder / "evaluate")
    limits = {"lower": table["difference"] - half, "upper": table["difference"] + half}
    COMPARISONS.write(run.folder / "evaluate", table.assign(**limits))
    sources = run.sources()
    return first_line(sources, Evidence(sources))


def test_the_first_line_says_that_the_frozen_network_is_higher(tmp_path: Path) -> None:
    run = FakeVolumes(tmp_path).write_all()
    for half, excludes in ((0.001, EXCLUDES), (2.0, "")):
        line = moved(run, half)
        said = f"{FROZEN} has a higher macro AUC than {TRAINED}{excludes}"
        assert line.startswith(f"On these 42 patients (test) {said}: 0.")
        assert (EXCLUDES in line) == (half < 1) and ("it holds 0" in line) == (half > 1)
    macro = METRICS.read(run.folder / "evaluate").query("target == 'macro' and metric == 'auc' and subset == 'all'")
    for model in ("Rad+DL", "DL", "MultiTask", "SingleTask"):
        value = macro[(macro["model"] == model) & (macro["side"] == "test") & (macro["protocol"] == "crossfit")][
            "value"
        ]
        assert f"{value.item():.2f} (95 % interval" in line and f") of {model}" in line
    assert "On these 98 patients (out-of-fold) likewise" in line and "Ensembles" not in line
    sources = run.sources()
    html = build_section("answer", sources, run.folder / "answer").html
    assert html.index("has a higher macro AUC than the 3-D networks") < html.index("predicts er.")
    found = {remark.says for remark in remarks(sources, Evidence(sources)).remarks}
    assert {  # of the last, whose intervals of the difference hold 0
        "The 3-D networks, trained from scratch, are not shown to have a higher macro AUC than the frozen one.",
        "The 3-D networks are smaller than the published ones.",
        "The outcome is unknown more often in one cohort than in another.",
    } <= found


def test_a_network_from_scratch_is_told_by_the_same_rule(tmp_path: Path) -> None:
    reversed_order = SHIFT | {"DL": 0.1, "Rad+DL": 0.1, "SingleTask": -0.5, "MultiTask": 1.5}
    run = FakeVolumes(tmp_path, reversed_order, patients=100).write_all()
    said = f"the 3-D network MultiTask, trained from scratch, has a higher macro AUC than {FROZEN}"
    assert f"{said}{EXCLUDES}: 0." in moved(run, 0.001)
    assert f"{said}: 0." in (line := moved(run, 2.0)) and EXCLUDES not in line and "it holds 0" in line
    for table in (METRICS, COMPARISONS):  # a study of the published way alone has its own test side
        rows = table.read(run.folder / "evaluate")
        table.write(run.folder / "evaluate", rows[rows["side"] == "test"].replace({"protocol": {"crossfit": "paper"}}))
    line = moved(run, 0.001)
    assert f"{said}{EXCLUDES}" in line and "out-of-fold" not in line


def test_the_first_line_calls_pretrained_networks_so_and_ensembles_by_their_size(tmp_path: Path) -> None:
    run = FakeVolumes(tmp_path, patients=60).write_all()
    (run.folder / "receptors" / "receptors.json").write_text('{"weights": "resnet_10.pth", "tensors": 9, "source": ""}')
    run.predictions(run.folder / "receptors", networks=3, others=9)
    sources = run.sources()
    line = first_line(sources, Evidence(sources))
    assert "begun from resnet_10.pth" in line and "scratch" not in line
    assert line.endswith("is the mean of so many chains: 3 for MultiTask and SingleTask, 9 for Rad+DL and DL.")
    said = next(remark for remark in remarks(sources, Evidence(sources)).remarks if "lower macro AUC" in remark.says)
    assert "begun from resnet_10.pth" in said.says and said.answer == "Lead with the frozen model."


def test_means_over_fewer_markers_say_which_and_do_not_stand_beside_theirs(tmp_path: Path) -> None:
    run = FakeVolumes(tmp_path, patients=60).write_all()
    table, fewer = METRICS.read(tmp_path / "evaluate"), "patient bootstrap; mean of er, her2"
    own = (table["target"] == "macro") & (table["model"] == "MultiTask")
    METRICS.write(tmp_path / "evaluate", table.assign(method=table["method"].mask(own, fewer)))
    sources = run.sources()
    evidence = Evidence(sources)
    found = tables(receptors(sources, Press(tmp_path / "out"), evidence))
    for title in ("All markers together", "AUC by stratum"):
        row = dict(zip(found[title].head, next(row for row in found[title].rows if "test" in row), strict=True))
        assert row["MultiTask"].endswith("\nof er, her2") and "of er" not in row["SingleTask"], title
        assert "MultiTask\n(theirs)" not in row and row["SingleTask\n(theirs)"] != "–", title
    assert "MultiTask" not in first_line(sources, evidence), "it is not ranked with the means over three"


def test_where_patients_needed_stand_no_missing_sample_size_is_lamented(tmp_path: Path) -> None:
    run = FakeVolumes(tmp_path, patients=60).write_all()
    run.folders["clinical"] = None
    sources = run.sources()
    blocks = receptors(sources, Press(tmp_path / "out"), Evidence(sources)).blocks
    assert "Sample size" not in str(blocks) and "Patients needed" in str(blocks)


def test_without_macro_rows_the_mean_of_the_markers_ranks(run: FakeVolumes, tmp_path: Path) -> None:
    other = FakeVolumes(tmp_path)
    other.write_all()
    metrics = METRICS.read(tmp_path / "evaluate")
    METRICS.write(tmp_path / "evaluate", metrics[metrics["target"] != "macro"])
    sources = other.sources()
    line = first_line(sources, Evidence(sources))
    own = metrics[(metrics["model"] == "Rad+DL") & (metrics["subset"] == "all") & (metrics["metric"] == "auc")]
    own = own[(own["protocol"] == "crossfit") & (own["side"] == "test") & (own["target"] != "macro")]
    assert f"{own['value'].mean():.3f} of Rad+DL" in line, "without an interval"


def test_a_published_network_is_not_called_small(run: FakeVolumes) -> None:
    sources = run.sources()
    about = replace(sources.about, further={"receptors": {"depth": 50, "width": 64, "stem": "published"}})
    other = Sources(run.folders, {}, sources.settings, about, run.gives)
    said = [remark.says for remark in remarks(other, Evidence(other)).remarks]
    assert "The 3-D networks are smaller than the published ones." not in said


def test_a_comparison_of_variants_names_them_and_is_not_the_one_named_beforehand(tmp_path: Path) -> None:
    run = FakeVolumes(tmp_path, patients=60).write_all()
    folder = run.folder / "evaluate"
    table = COMPARISONS.read(folder)
    pair = (table["model_a"] == "MultiTask") & (table["model_b"] == "SingleTask") & (table["target"] == "er")
    COMPARISONS.write(folder, pd.concat([table, table[pair].assign(variant_a="before biopsy", p=0.001)]))
    sources = run.sources()
    blocks = comparisons(sources, Press(tmp_path / "out"), Evidence(sources), Target("er"))
    shown = next(block for block in blocks if isinstance(block, TableBlock))
    named = [row[0] for row in shown.rows]
    assert named[-1] == "MultiTask, before biopsy − SingleTask" and named.count("MultiTask − SingleTask") == 1
    assert [named[k] for k in shown.strong] == ["MultiTask − SingleTask"]


def test_one_model_with_and_without_its_regions_is_a_comparison_too(tmp_path: Path) -> None:
    run = FakeVolumes(tmp_path, patients=60).write_all()
    folder = run.folder / "evaluate"
    metrics, table = METRICS.read(folder), COMPARISONS.read(folder)
    METRICS.write(folder, metrics[metrics["model"] == "Rad"])
    row = table[table["target"] == "er"].head(1)
    COMPARISONS.write(folder, row.assign(model_a="Rad", model_b="Rad", variant_a="", variant_b=LESION_ALONE))
    sources = run.sources()
    (block,) = comparisons(sources, Press(tmp_path / "out"), Evidence(sources), Target("er"))
    assert isinstance(block, TableBlock) and [cells[0] for cells in block.rows] == ["Rad − Rad, lesion alone"]
