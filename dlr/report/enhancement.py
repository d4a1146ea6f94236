# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section enhancement: the verdict on enhanced images, every check behind it, how near they are to the truth, what they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.figures import theme
from dlr.report.blocks import Block, Heading, Mark, Prose, Section
from dlr.report.contents import section
from dlr.report.enhanced import SUBJECTS, about, found, generator_saw, method_words, times
from dlr.report.enhancement_effect import effect_blocks, gain_words, survival_blocks
from dlr.report.enhancement_pictures import account_figure, before_and_after, training_curves
from dlr.report.evidence import Evidence
from dlr.report.press import Press
from dlr.report.sources import Sources
from dlr.superres.verdict import CONTROLS as ASKED
from dlr.superres.verdict import NOT_ASSESSABLE, PASSED, missed_controls
from dlr.tables import CHECKED, CHECKS, FIDELITY
from dlr.words import Side

__all__ = ["enhancement"]

RESTORED, DOT = "restored", "planted dot"
REGIONS = {"whole": "whole image", "lesion": "lesion", "rim": "rim (8 px)"}
CONTROLS = {
    "planted dot": "a bright dot",
    "planted null-space dot": "a dot that averages to 0 over every pixel of the input",
    "planted wiped spot": "the lesion's brightest spot wiped out",
}


BLIND = ("planted null-space dot", "A")


def _share(value: float) -> str:
    return theme.format_percent(value).replace("-", "−")


def _number(digits: int) -> Callable[[float], str]:
    return lambda value: f"{value:.{digits}f}".replace("-", "−")


@dataclass(frozen=True)
class Question:
    """What a check asks, in plain words, and how its value is printed."""

    name: str
    asks: str
    printed: Callable[[float], str]


QUESTIONS = {
    "A": Question("Back-projection", "Coarsened again, does the image contradict its input in one place? Share of patients.", _share),
    "A2": Question("Residual", "Does it contradict the input more than noise explains? Residual over the noise.", _number(2)),
    "B": Question("Grey level", "Is the lesion brighter or darker than it was? Grey levels of 255.", _number(2)),
    "C": Question("False structure", "Spots that the truth has not: how many more than bicubic's, a lesion.", _number(2)),
    "D": Question("Lost structure", "Spots of the truth that are gone: how many more than bicubic's, a lesion.", _number(2)),
    "E": Question("Detail account", "Of detail finer than the input's pixels: invented less recovered, share of the truth's.", _number(3)),
    "F": Question("Pure speckle", "Spots in uniform tissue, all of them false: how many more than bicubic's, a field.", _number(2)),
    "G": Question("Radiomics", "Features that survive (ICC ≥ 0.75): share less bicubic's.", _number(3)),
    "H": Question("Decisions", "Decisions of the model that change: share less bicubic's.", _number(3)),
}  # fmt: skip
PRINTED_ONLY = "printed only"
PRINTED = {  # what rows without a verdict of their own say
    "recovered": "Of the truth's detail finer than the input's pixels: the share that is there.",
    "invented": "Of the same: how much was added that the truth has not.",
}
CHECKS_NOTE = "On simulated pairs of check patients, to whom the generator was never fitted: their own image is the truth, its simulated low resolution the input. Bicubic goes through the same checks and is what they are held against. In brackets 95 % intervals by patient; a check finds something only where the whole interval lies beyond its limit, and A, A2, B and E only where they exceed bicubic's as well. n: patients, of check F fields."
CONTROLS_NOTE = "Planted into this generator's own outputs, one a lesion, before any verdict: a check that does not see them could not have seen a hallucination. Check A must be blind to a dot that averages to 0. Check D counts what is lost against the same images without the control. What other checks said of the controls is in the CSV."
FIDELITY_NOTE = "Means over check patients; the difference to bicubic is paired by patient. A higher PSNR or SSIM is nearer to the truth, a lower distance of features too. Sharper is not nearer."
NOTES = "A profile's minimumROISize, the radius of LBP and the distances of GLCM count pixels: on the enlarged grid they reach over a {part} of the physical distance, so features of enhanced and of native images are not the same measurements. Sizes in millimetres, the margin around a lesion and the smallest ROI follow the enlargement. The outlines were enlarged by nearest neighbour with their steps rounded, not drawn again."


def enhancement(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """The verdict first; then what it rests on, and what the images change."""
    judged = found(sources)
    blocks: list[Block] = []
    if judged is not None:
        blocks.append(Prose((judged.sentence,)) if judged.word == PASSED else Mark(judged.sentence))
    blocks.append(Prose((_what_was_done(sources),)))
    warned = generator_saw(sources)
    if warned:
        blocks.append(Mark(warned))
    blocks += [*_checks(sources, press, evidence), *_controls(sources, press)]
    blocks += [*_fidelity(sources, press), *before_and_after(sources, press), *account_figure(sources, press)]
    blocks += effect_blocks(sources, press, evidence)
    blocks += survival_blocks(sources, press)
    if sources.settings.superres.measure_on == "enhanced":
        part = {2: "half", 4: "quarter"}[sources.settings.superres.scale]
        blocks += [Heading("What the larger grid changes by itself"), Prose((NOTES.format(part=part),), quiet=True)]
    blocks += training_curves(sources, press)
    return section("enhancement", sources, blocks)


def _what_was_done(sources: Sources) -> str:
    """Which images were enlarged by what, and who checked it."""
    told, settings = about(sources), sources.settings.superres
    sentences = [f"Every image was enlarged {times(sources)} by {method_words(sources)}."]
    if settings.fitted:
        sentences.append(
            f"It was fitted once on images of {told.get('fitted_on')} training patients, without labels, and checked on {told.get('check_patients')} others of the training side. {_whom_it_saw(sources)}"
        )
    elif told.get("check_patients"):
        sentences.append(f"That was checked on {told['check_patients']} patients of the training side.")
    if settings.measure_on == "native":
        sentences.append("Measured was on the images' own grid, to which they were brought back.")
    return " ".join(sentences)


def _whom_it_saw(sources: Sources) -> str:
    """On whom the generator was not fitted: no side but training's, and of that nobody in particular."""
    others = [side for side in (Side.VALIDATION, Side.TEST, Side.EXTERNAL) if sources.has(side)]
    named = f"It never saw an image of {' and '.join(others)} patients. " if others else ""
    return f"{named}It is the same in every fold: patients held out of a fold, which out-of-fold values are of, were held out from the models and not from the generator."


def _interval(value: float, lower: float, upper: float, printed: Callable[[float], str]) -> str:
    """A value with its interval in brackets, in the check's own format."""
    if pd.isna(value):
        return theme.NOTHING
    if pd.isna(lower) or pd.isna(upper):
        return printed(value)
    return f"{printed(value)} ({printed(lower)} to {printed(upper)})"


def _checks(sources: Sources, press: Press, evidence: Evidence) -> list[Block]:
    table = sources.table(CHECKS)
    if table is None:
        return sources.missing("Checks of the enhanced images", CHECKS)
    rows: list[tuple[str, ...]] = []
    strong = []
    own = table[table["subject"] == RESTORED]
    for check, question in QUESTIONS.items():
        for row in own[own["check"] == check].itertuples(index=False):
            judged = bool(row.severity)
            if row.found and row.severity not in ("", NOT_ASSESSABLE):
                strong.append(len(rows))
            asks = question.asks if judged else PRINTED.get(str(row.statistic), f"{str(row.statistic).capitalize()}.")
            rows.append((
                f"{check} {question.name}", asks,
                _interval(row.value, row.lower, row.upper, question.printed), _printed(row.bicubic, question.printed),
                _limit(check, row.limit, question.printed), _found(str(row.severity), bool(row.found)), str(row.n),
            ))  # fmt: skip
    gain = gain_words(sources)
    if gain is not None:
        rows.append(("I Gain", *gain, theme.NOTHING, theme.NOTHING, PRINTED_ONLY, ""))
    quiet = [k for k, row in enumerate(rows) if PRINTED_ONLY in row]
    head = ["Check", "What it asks", "Value\n(95 % interval)", "Bicubic", "Limit", "Found", "n"]
    shown = pd.DataFrame(rows, columns=head)
    return [
        press.table("enhancement_checks", "Checks of the enhanced images", shown, table, CHECKS_NOTE, strong, quiet)
    ]


def _printed(value: float, printed: Callable[[float], str]) -> str:
    return theme.NOTHING if pd.isna(value) else printed(value)


def _limit(check: str, limit: float, printed: Callable[[float], str]) -> str:
    """The limit; of B it holds to both sides."""
    words = _printed(limit, printed)
    return f"±{words}" if check == "B" and words != theme.NOTHING else words


def _found(severity: str, found_something: bool) -> str:
    if severity in ("", NOT_ASSESSABLE):
        return "not assessed" if severity else PRINTED_ONLY
    return "found" if found_something else "not found"


def _controls(sources: Sources, press: Press) -> list[Block]:
    """What was planted, and whether the checks that must see it did."""
    table = sources.table(CHECKS)
    if table is None:
        return []
    planted = table[table["subject"].isin(CONTROLS)]
    if planted.empty:
        return []
    rows: list[tuple[str, ...]] = []
    strong = []
    missed = " ".join(missed_controls(table))
    judged = table[(table["subject"] == RESTORED) & (table["severity"] != "")]
    without = dict(zip(judged["check"], judged["value"], strict=True))
    for subject, words in CONTROLS.items():
        for row in planted[planted["subject"] == subject].itertuples(index=False):
            check, question = str(row.check), QUESTIONS[str(row.check)]
            asked, blind = any(check in group for group in ASKED[subject]), (subject, check) == BLIND
            if not (asked or blind or check == "F") or pd.isna(row.limit):
                continue
            if subject in missed:
                strong.append(len(rows))
            before = theme.NOTHING if check == "D" else _printed(without.get(check, np.nan), question.printed)
            rows.append((
                words.capitalize(), f"{check} {question.name}",
                _interval(row.value, row.lower, row.upper, question.printed), before,
                _limit(check, row.limit, question.printed),
                "blind to it" if blind else "caught" if row.found else "not caught", str(row.n),
            ))  # fmt: skip
    head = ["Planted", "Check", "Value\n(95 % interval)", "Without it", "Limit", "Caught", "n"]
    shown = pd.DataFrame(rows, columns=head)
    block = press.table("enhancement_controls", "Planted controls", shown, planted, CONTROLS_NOTE, strong)
    return [block, *_honest_limits(sources)]


def _honest_limits(sources: Sources) -> list[Block]:
    """In how many lesions check C sees the dot that was planted into every one."""
    checked = sources.table(CHECKED)
    if checked is None:
        return []
    own = checked[(checked["measure"] == "false_structures") & (checked["region"] == "lesion")]
    counts = own.pivot_table(index="case_id", columns="subject", values="value")
    if not {DOT, RESTORED} <= set(counts):
        return []
    seen, n = int((counts[DOT] > counts[RESTORED]).sum()), len(counts)
    levels = f"{sources.settings.superres.planted_amplitude:g}"
    words = f"What the checks cannot see: of the dots of {levels} grey levels planted one a lesion, check C found {seen} of {n}; a fainter one is found less often. The checks tell whether a generator hallucinates in many lesions, not whether a single one is true."
    return [Prose((words,))]


MEASURES = {"psnr": ("PSNR (dB)", 2), "ssim": ("SSIM", 3), "perceptual": ("Distance of features", 4)}


def _fidelity(sources: Sources, press: Press) -> list[Block]:
    table = sources.table(FIDELITY)
    if table is None:
        return sources.missing("Nearness to the truth", FIDELITY)
    rows = []
    for measure, (words, digits) in MEASURES.items():
        printed = _number(digits)
        for region, where in REGIONS.items():
            for subject in ("restored", "psnr"):
                of_subject = table[(table["measure"] == measure) & (table["subject"] == subject)]
                own = of_subject[of_subject["region"] == region]
                for row in own.itertuples(index=False):
                    sign = "+" if row.difference > 0 else ""
                    difference = sign + _interval(row.difference, row.lower, row.upper, printed)
                    named = (words, where, SUBJECTS[subject])
                    rows.append((*named, printed(row.value), printed(row.bicubic), difference, int(row.n)))
    if not rows:
        return []
    head = ["Measure", "Where", "Images", "Value", "Bicubic", "Difference\n(95 % interval)", "n"]
    title = "Nearness to the truth"
    return [press.table("enhancement_fidelity", title, pd.DataFrame(rows, columns=head), table, FIDELITY_NOTE)]
