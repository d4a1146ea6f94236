# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""A study of Spatial: what opens it, every marker and Ki-67 by every model, subtypes, regions, what is not there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_dce import FakeDce
from fake_volumes import FakeVolumes
from recount import agrees

from dlr.report import build_section, contents
from dlr.report.baseline import first_line
from dlr.report.blocks import FigureBlock, Missing, Prose, Section, TableBlock
from dlr.report.evidence import Evidence, markers_of
from dlr.report.features import what_was_measured
from dlr.report.headline import answer
from dlr.report.methods import methods_text
from dlr.report.networks import seeing
from dlr.report.overview import opening
from dlr.report.press import Press
from dlr.report.published import published
from dlr.report.receptors import receptors
from dlr.report.regions import heavier, of_one_protocol, read_scales, region_blocks, shares_by_patient
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.report.subtypes import counted, passes, subtypes
from dlr.tables import ABLATION, ATTENTION_SHARES, FAMILIES, METRICS, REGION_WEIGHTS, SUBTYPE_METRICS, SUBTYPES
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL


@pytest.fixture(scope="module")
def section(dce: FakeDce) -> Section:
    sources = dce.sources()
    return receptors(sources, Press(dce.folder / "out"), Evidence(sources))


def tables(section: Section | list) -> dict[str, TableBlock]:
    blocks = section.blocks if isinstance(section, Section) else section
    return {block.title: block for block in blocks if isinstance(block, TableBlock)}


def value(dce: FakeDce, *of: str) -> float:
    """Of a target, model, protocol, side and metric."""
    table = METRICS.read(dce.folder / "evaluate")
    table = table[table["subset"] == "all"].set_index(["target", "model", "protocol", "side", "metric"])["value"]
    return float(table[of])


# --- what opens the page ----------------------------------------------------------------------------------------------


def test_the_page_opens_on_every_outcome_by_spatial_and_its_yardsticks(dce: FakeDce) -> None:
    sources = dce.sources()
    table, of_ki67, said = opening(sources, Press(dce.folder / "opening"), Evidence(sources))
    assert isinstance(table, TableBlock) and isinstance(of_ki67, TableBlock) and isinstance(said, Prose)
    assert table.head == ("Outcome", "Patients", "Spatial", "DL", "Rad+DL")
    found = {(row[0], row[1].rpartition(",")[0]): row for row in table.rows}
    kinds = ("test", FROZEN_EXTERNAL, "out-of-fold, pooled", "pairs within a cohort", "left-out cohort")
    assert [kind for target, kind in found if target == "er"] == [*kinds, CROSS_VALIDATED_EXTERNAL]
    for kind, of in (
        ("test", ("crossfit", "test", "auc")),
        ("out-of-fold, pooled", ("crossfit", "train", "auc")),
        ("pairs within a cohort", ("crossfit", "train", "auc_pairs_within_cohorts")),
        ("left-out cohort", ("leave_one_cohort_out", "test", "auc")),
        (CROSS_VALIDATED_EXTERNAL, ("external_crossfit", "external", "auc")),
    ):
        for column, model in ((2, "Spatial"), (3, "DL"), (4, "Rad+DL")):
            shown = found["her2", kind][column].partition("\n(")[0]
            assert agrees(shown, value(dce, "her2", model, *of)), (kind, model)
            assert len(shown) >= len("0.72"), "as many digits as its interval allows, two at least"
    assert of_ki67.title == "ki67 at a glance: 28 patients, test"
    assert of_ki67.head == ("", "Spatial", "Rad", "DL", "Rad+DL")
    for row, metric in zip(of_ki67.rows, ("mae", "baseline_mae", "mae_gain"), strict=True):
        assert row[1].startswith(f"{value(dce, 'ki67', 'Spatial', 'crossfit', 'test', metric):.1f}\n("), metric
    assert "is no test of this study's models" in said.paragraphs[-1]


def test_other_studies_of_volumes_open_as_they_did(tmp_path: Path) -> None:
    sources = FakeVolumes(tmp_path, patients=60).write_all().sources()
    assert opening(sources, Press(tmp_path / "out"), Evidence(sources)) == []
    assert {"ablation", "subtypes"} & set(contents(sources)) == set()


def test_the_first_line_ranks_spatial_with_the_frozen_network(dce: FakeDce) -> None:
    sources = dce.sources()
    line = first_line(sources, Evidence(sources))
    assert "has a higher macro AUC than the 3-D network Spatial, trained from scratch" in line
    assert f"{value(dce, 'macro', 'Spatial', 'crossfit', 'test', 'auc'):.2f} (95 % interval" in line
    words = [str(block) for block in answer(sources, Press(dce.folder / "answer"), Evidence(sources)).blocks]
    places = [
        next(k for k, one in enumerate(words) if said in one)
        for said in ("3-D network Spatial", "All markers at a glance", "predicts er.")
    ]
    assert places[:2] == [0, 1] and places[2] > 1


# --- every marker, and Ki-67 ------------------------------------------------------------------------------------------


def test_a_marker_has_every_model_its_calibration_and_what_was_printed_without_a_side(
    dce: FakeDce, section: Section
) -> None:
    table = tables(section)["pr by every model"]
    assert table.head == (
        "Patients are", "Measure", "n (positive)", "Spatial", "Spatial\n(theirs)", "DL", "Rad+DL", "Rad", "Clinical",
    )  # fmt: skip
    found = {row[:2]: row for row in table.rows}
    for metric, words in (
        ("calibration_slope", "Calibration slope"),
        ("calibration_intercept", "Calibration intercept"),
    ):
        expected = f"{value(dce, 'pr', 'Spatial', 'crossfit', 'test', metric):.2f}\n(".replace("-", "−")
        assert found["test", words][3].startswith(expected)
    theirs = {key: row[4] for key, row in found.items() if row[4] != "–"}
    assert theirs == {("theirs: side not said", "AUC"): "0.824"} and table.theirs == {4}
    assert "Zeng et al., arXiv 2601.07001" in table.note and "Huang" not in table.note
    assert published("pr", "Spatial", "test", "auc") is None, "it stands at no side"
    assert tables(section)["All markers together"].rows[-1][4] == "0.858"
    assert "printed macro ACC" not in tables(section)["All markers together"].note, "that is Huang's"


def test_ki67_is_held_against_the_median_with_bias_limits_and_rank(dce: FakeDce, section: Section) -> None:
    table = tables(section)["ki67 by every model"]
    found = {row[:2]: row for row in table.rows}
    for metric, words, digits in (
        ("mae", "Mean absolute error", 1), ("baseline_mae", "Median told to everybody", 1), ("mae_gain", "Gain over the median", 1),
        ("bias", "Bias", 1), ("limits_lower", "Lower limit of agreement", 1), ("limits_upper", "Upper limit of agreement", 1),
        ("spearman", "Spearman's ρ", 2),
    ):  # fmt: skip
        expected = f"{value(dce, 'ki67', 'Spatial', 'crossfit', 'test', metric):.{digits}f}\n(".replace("-", "−")
        assert found["test", words][3].startswith(expected), words
    assert found["theirs: side not said", "Mean absolute error"][4] == "8.2" and "8.2 ± 2.1" in table.note
    figure = next(b for b in section.blocks if isinstance(b, FigureBlock) and b.name == "receptors_agreement_ki67")
    assert len(figure.panels) == 2, "predicted against observed, and Bland and Altman's"
    pairs = tables(section)["Spatial against the frozen network and radiomics"].rows
    assert [row[3] for row in pairs if row[0] == "ki67"] == ["Spatial − Rad", "Spatial − DL", "Spatial − Rad+DL"]
    assert next(row[4] for row in pairs if row[0] == "ki67") == "−1.1 (−2.6 to 0.4)"
    assert not any("The outline that a network draws" in str(block) for block in section.blocks), "nobody draws one"


def test_a_study_without_ki67_says_so_once_and_nothing_of_it(dce_without_ki67: FakeDce) -> None:
    sources = dce_without_ki67.sources()
    section = receptors(sources, Press(dce_without_ki67.folder / "out"), Evidence(sources))
    said = [block for block in section.blocks if "Ki-67" in str(block) or "ki67" in str(block)]
    assert len(said) == 1 and isinstance(said[0], Prose)
    assert said[0].paragraphs[0].startswith("No outcome in per cent, such as Ki-67, is known in this study")
    assert "ki67" not in methods_text(sources, Evidence(sources))
    told = subtypes(sources, Press(dce_without_ki67.folder / "out")).blocks[0]
    assert (
        isinstance(told, Prose) and "luminal A and luminal B/HER2-negative cannot be told apart" in told.paragraphs[0]
    )


def test_a_mean_given_the_models_is_over_the_markers_alone() -> None:
    said = "out-of-fold, within fold and seed; patient bootstrap; mean of er, her2, pr, given these models"
    assert markers_of(said) == ("er", "her2", "pr") and markers_of("DeLong") == ()


# --- subtypes ---------------------------------------------------------------------------------------------------------


def test_subtypes_have_accuracy_and_confusion_of_those_who_are_known(dce: FakeDce) -> None:
    section = subtypes(dce.sources(), Press(dce.folder / "out"))
    table = tables(section)["Subtypes called rightly, test"]
    known = SUBTYPES.read(dce.folder / "subtypes")
    known = known[(known["true"] != "") & (known["side"] == "test") & (known["model"] == "Spatial")]
    row = next(row for row in table.rows if row[0] == "Spatial")
    assert row[1] == str(len(known)) and row[2].startswith(f"{(known['true'] == known['called']).mean():.2f}\n(")
    assert row[3].startswith(f"{known['true'].value_counts(normalize=True).max():.2f}\n(")
    whole = SUBTYPES.read(dce.folder / "subtypes")
    of_test = whole[whole["side"] == "test"]["patient_id"].nunique()
    assert f"{of_test - known['patient_id'].nunique()} of {of_test} patients stand in no matrix" in str(section.blocks)
    counts = counted(known)
    assert list(counts.index) == list(counts.columns) and counts.to_numpy().sum() == len(known)
    assert np.trace(counts.to_numpy()) == (known["true"] == known["called"]).sum()
    assert "St Gallen 2013" in str(section.blocks[0]) and "one class" not in str(section.blocks[0])
    assert {b.name for b in section.blocks if isinstance(b, FigureBlock)} == {"confusion_test", "confusion_out-of-fold"}


def test_a_class_that_nobody_has_but_that_is_called_stays_in_the_matrix() -> None:
    counts = counted(pd.DataFrame({"true": ["luminal A", "luminal A"], "called": ["luminal A", "HER2-enriched"]}))
    assert counts.to_dict("list") == {"luminal A": [1, 0], "HER2-enriched": [1, 0]}


@pytest.mark.parametrize(("lower", "shown"), [(0.001, True), (0.0, False), (-0.1, False), (np.nan, False)])
def test_subtypes_are_told_only_where_the_interval_passes_the_commonest(lower: float, shown: bool) -> None:
    rows = [("accuracy", "all", 0.5, 0.9), ("no_information_rate", "all", 0.4, 0.3), ("gain", "all", 0.1, lower)]
    by = pd.DataFrame(rows, columns=["metric", "subtype", "value", "lower"]).set_index(["metric", "subtype"])
    assert passes(by) is shown


def test_nothing_is_claimed_of_patients_who_chose_the_cut_offs(dce: FakeDce) -> None:
    blocks = subtypes(dce.sources(), Press(dce.folder / "out")).blocks
    after = {block.title: str(blocks[k + 1]) for k, block in enumerate(blocks) if isinstance(block, TableBlock)}
    assert "Shown to call more patients rightly" in after["Subtypes called rightly, test"]
    assert "the cut-offs of the markers were chosen on them" in after["Subtypes called rightly, out-of-fold"]


# --- regions ----------------------------------------------------------------------------------------------------------


def test_weights_and_shares_are_those_of_the_tables(dce: FakeDce) -> None:
    blocks = region_blocks(dce.sources(), Press(dce.folder / "regions_out"))
    weights = REGION_WEIGHTS.read(dce.folder / "regions")
    own = weights[(weights["target"] == "er") & (weights["region"] == "rim")]["weight"]
    row = next(row for row in tables(blocks)["Learnt weights of the regions"].rows if row[0] == "er")
    assert row == ("er", "5", row[2], f"{own.mean():.3f}\n({own.min():.3f}–{own.max():.3f})", row[4])
    shares = shares_by_patient(ATTENTION_SHARES.read(dce.folder / "regions"))
    assert len(shares) == 30 * 3 * 4, "a patient counts once, whatever the number of chains"
    own = shares[(shares["scale"] == "layer3") & (shares["region"] == "core")]
    row = next(row for row in tables(blocks)["Where the attention lies"].rows if row[:2] == ("layer3", "core"))
    assert row[2] == "30" and row[3].startswith(f"{own['share'].median():.3f}\n(") and row[4] == "0.100"
    assert row[5] == f"{(own['share'] / 0.1).median():.2f}"
    assert {b.name for b in blocks if isinstance(b, FigureBlock)} == {
        "region_weights", "attention_shares", "attention_scales",
    }  # fmt: skip


def test_chains_of_one_protocol_are_told_the_one_that_leads() -> None:
    rows = [("er", protocol, region, 0.4) for protocol in ("paper", "crossfit", "external_crossfit") for region in "ab"]
    table = pd.DataFrame(rows, columns=["target", "protocol", "region", "weight"])
    assert set(of_one_protocol(table)["protocol"]) == {"crossfit"} and len(of_one_protocol(table)) == 2
    assert set(of_one_protocol(table[table["protocol"] != "crossfit"])["protocol"]) == {"external_crossfit"}
    assert of_one_protocol(table.iloc[:0]).empty


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([0.51, 0.6], "Above the even share in every chain: for er core."),
        ([0.5, 0.6], ""),  # one chain stays where it began
        ([0.6], ""),  # one chain alone shows nothing
    ],
)
def test_a_region_is_called_heavier_only_where_every_chain_says_so(weights: list[float], said: str) -> None:
    rows = [("er", region, w) for core in weights for region, w in (("core", core), ("rim", 1 - core))]
    assert heavier(pd.DataFrame(rows, columns=["target", "region", "weight"])) == said


def test_regions_of_radiomics_are_told_from_those_of_spatial(dce: FakeDce, tmp_path: Path) -> None:
    run = dce.copied_to(tmp_path)
    FAMILIES.write(run.stage("radiomics"), pd.DataFrame([("firstorder", "original", 36)], columns=list(FAMILIES.names)))
    for regions, told in (("lesion",), False), (("lesion", "rim_2mm"), True):
        sources = run.sources()
        asked = sources.settings.radiomics.model_copy(update={"regions": regions})
        sources.settings = sources.settings.model_copy(update={"radiomics": asked})
        said = str(what_was_measured(sources, Press(tmp_path / "out")).blocks)
        assert (
            ("18 in each of the lesion and a rim" in said) == ("not those of Spatial by the same words" in said) == told
        )


def test_every_scale_is_stretched_over_its_planes_and_says_from_where_to_where(dce: FakeDce) -> None:
    scales = read_scales(dce.folder / "regions" / "planes_0.npz")
    assert list(scales) == ["layer2, 0.00–1.00", "layer3, 0.30–0.50"]
    for planes in scales.values():
        heat = np.concatenate([plane.heat.ravel() for plane in planes if plane.heat is not None])
        assert heat.min() == 0 and heat.max() == 1
        assert [plane.edges for plane in planes] == [(1.0, 0.9), (2.0, 0.9), (2.0, 1.0)]
        assert all(set(plane.regions) == {"core", "rim", "peritumoral"} for plane in planes)


def test_seeing_does_not_say_that_no_network_answers_ki67(dce: FakeDce) -> None:
    section = seeing(dce.sources(), Press(dce.folder / "seeing"))
    (missing,) = [block for block in section.blocks if isinstance(block, Missing)]
    assert missing.what == "Class activation maps for ki67" and missing.why.startswith(
        "Spatial answers it, as the curves"
    )


# --- what a reviewer and the methods say ------------------------------------------------------------------------------


def said_of(dce: FakeDce) -> dict[str, str]:
    sources = dce.sources()
    return {
        f"{one.of} {one.says}".strip(): f"{one.weight} {one.evidence}"
        for one in remarks(sources, Evidence(sources)).remarks
    }


def test_what_a_reviewer_says_of_spatial(dce: FakeDce) -> None:
    said = said_of(dce)
    assert "The 3-D network, trained from scratch, has a lower macro AUC than the frozen one." in said
    trap = said["Pooling over the tumour's core alone is no ablation of what lies around it."]
    assert "all (macro): Spatial, whole 0.70 (0.62–0.78), core pooled, the rest seen 0.69 (0.61–0.77)" in trap
    inside = said["Cross-validation inside the external side is no external test."]
    assert inside.startswith("1 ") and "The frozen external test stands beside it." in inside
    assert "The 3-D network is smaller than the one that is taken for the published one." in said
    assert "ki67 Spatial is not shown to be better than the median of the training patients." in said
    assert "There is no external validation." not in said


def test_cross_validation_inside_the_external_side_alone_is_no_external_validation(
    dce: FakeDce, tmp_path: Path
) -> None:
    run = dce.copied_to(tmp_path)
    table = METRICS.read(tmp_path / "evaluate")
    frozen = (table["side"] == "external") & (table["protocol"] == "crossfit")
    left_out = table["protocol"] == "leave_one_cohort_out"
    METRICS.write(tmp_path / "evaluate", table[~frozen & ~left_out])
    ABLATION.write(tmp_path / "evaluate", ABLATION.read(tmp_path / "evaluate").query("row != 'core_pooled'"))
    said = said_of(run)
    assert said["Cross-validation inside the external side is no external test."].startswith("3 ")
    assert "There is no external validation." in said
    assert not any("Pooling" in one for one in said), "no trap was printed"


def test_ki67_is_better_than_the_median_only_where_the_interval_says_so(dce: FakeDce, tmp_path: Path) -> None:
    run = dce.copied_to(tmp_path)
    table = METRICS.read(tmp_path / "evaluate")
    for gain, shown in ((2.01, True), (2.0, False)):
        METRICS.write(tmp_path / "evaluate", table[table["target"] != "ki67"])
        run.in_per_cent(gain)
        remark = "ki67 Spatial is not shown to be better than the median of the training patients."
        assert (remark in said_of(run)) != shown, gain


def test_methods_tell_of_regions_loss_and_ablation(dce: FakeDce) -> None:
    sources = dce.sources()
    text = methods_text(sources, Evidence(sources))
    for words in (
        "Spatial (one encoder of 3-D kernels, spatial attention on layers 2 to 4",
        "core deeper than 3 mm (or than 0.5 of the largest depth, where that is less), rim from there to 3 mm outside, peritumoral tissue from there to 10 mm",
        "What lies in no region that is pooled was zero in the input.",
        "and of ki67 the squared error in units of 10 per cent, equally weighed",
        "For the ablation Spatial was trained 7 further times (without attention, single scale,",
        "Molecular subtypes were called from the answers (St Gallen 2013",
    ):  # fmt: skip
        assert words in text, words
    own = dce.further["receptors"]
    changed = {
        **own,
        "attention": "none",
        "extractor": "own",
        "dimension": "2d",
        "per_cent_loss": "huber",
        "task_weights": "uncertainty",
    }
    changed["regions"] = {**own["regions"], "mask_input": False, "use": ["core", "rim"]}
    about = replace(sources.about, further={**dce.further, "receptors": changed})
    other = Sources(dce.folders, {}, sources.settings, about, dce.gives)
    text = methods_text(other, Evidence(other))
    for words in ("an encoder for each outcome of 2-D kernels, slice by slice, no spatial attention", "regions core, rim,",
                  "The input outside the regions stayed as it was.", "Huber's loss in units of 10 per cent, weighed by learnt variances"):  # fmt: skip
        assert words in text, words


def test_parts_that_are_not_there_are_said_and_nothing_breaks(dce: FakeDce, tmp_path: Path) -> None:
    run = dce.copied_to(tmp_path)
    for stage in ("regions", "subtypes", "attention"):
        run.folders[stage] = None
    (tmp_path / "evaluate" / ABLATION.file).unlink()
    sources = run.sources()
    sources.left_out["regions"] = "no network of regions was fitted (receptors.models)"
    for name, words in (
        ("ablation", "Stage evaluate had nothing to write into ablation.csv"),
        ("subtypes", "This run has no stage subtypes"),
        ("seeing", "Stage regions left itself out: no network of regions was fitted"),
    ):
        html = build_section(name, sources, tmp_path / "out").html
        assert words in html and 'class="missing"' in html, name
    assert json.loads(json.dumps(sorted(said_of(run)))), "a reviewer still speaks"


def test_spatial_without_attention_has_weights_and_no_shares(dce: FakeDce, tmp_path: Path) -> None:
    run = dce.copied_to(tmp_path)
    for table in (ATTENTION_SHARES, SUBTYPE_METRICS):
        (next(tmp_path.glob(f"*/{table.file}"))).unlink()
    blocks = region_blocks(run.sources(), Press(tmp_path / "out"))
    missing = next(block for block in blocks if isinstance(block, Missing))
    assert missing.why == "Spatial has no spatial attention under these settings."
    assert "Subtypes called rightly, test" not in tables(subtypes(run.sources(), Press(tmp_path / "out")))
