# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""What enhanced images change: AUCs beside those of native and of bicubic images, and which features survive."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from dlr.figures import draw_auc_differences, theme
from dlr.radiomics.regions import region_and_rest
from dlr.report.blocks import Block, Heading, Prose
from dlr.report.enhanced import times
from dlr.report.evidence import LEADING, ROLES, ROLES_SHOWN, WHOLE, Evidence, cell, measure_words
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.tables import COMPARISONS, PREDICTIONS, SURVIVAL
from dlr.words import BICUBIC_IMAGES, FROZEN_EXTERNAL, NATIVE_IMAGES, Model, Target

__all__ = ["differences", "effect_blocks", "gain_words", "moved_alone", "said_of", "survival_blocks"]

OWN = ""  # the variant of the study's own images, which are enhanced
PAIRS = ((OWN, BICUBIC_IMAGES), (OWN, NATIVE_IMAGES), (BICUBIC_IMAGES, NATIVE_IMAGES))  # a − b, what counts first
SHORT = {OWN: "enhanced", BICUBIC_IMAGES: "bicubic", NATIVE_IMAGES: "native"}
COLUMNS = ["model", "role", "a", "b", "words", "difference", "lower", "upper", "method"]
LIMITS = ["difference", "lower", "upper"]
HELD_OUT = ("test", FROZEN_EXTERNAL)  # roles of patients whom nothing was fitted on, chosen by or stopped by
FRESH = [role for role in ROLES_SHOWN if role != "apparent"]
ALONE = "Enlarging alone, which adds no information, can move an {measure}: on a finer grid textures are measured at another distance.{moved} {so} The same chains were fitted on all images, on the same folds with the same seeds; {number} intervals stand here, none of them corrected for their number."
AGAINST_BICUBIC = "So what enhancing adds is the difference to bicubic images of the same size, which stands first, and not the one to native images."
OF_BICUBIC = "So a difference between bicubic and native images is not information that enlarging added."
PUBLISHED_NOTE = "In grey italics, marked theirs: Hu et al., Sci Rep 2025, GAN ×4, other patients, as they print it: without an interval and without bicubic images beside it, and without the method by which features were looked for. Training side: ours out-of-fold."
SURVIVES = 0.75  # ICC(2,1) from which a feature counts as the same measurement
SURVIVAL_NOTE = "ICC(2,1) between a check patient's own image and what was made of its simulated low resolution, a feature at a time; a share counts those of 0.75 or more. Worst first; every feature by name is in the CSV."


def effect_blocks(sources: Sources, press: Press, evidence: Evidence) -> list[Block]:
    """By outcome: the three AUCs with their paired differences, and what may be said of them; theirs beside it."""
    blocks: list[Block] = [Heading("Effect on the signatures")]
    shown = False
    for target in sources.targets:
        rows = differences(sources, target)
        if rows.empty:
            continue
        shown = True
        if sources.several:
            blocks.append(Heading(target.name, 4))
        so = AGAINST_BICUBIC if (rows["b"] == BICUBIC_IMAGES).any() else OF_BICUBIC
        told = {"measure": measure_words(LEADING[target.kind]), "moved": moved_alone(rows, target)}
        blocks += [
            Prose((" ".join(said_of(rows, target)),)),
            _table(sources, press, evidence, target, rows),
            *_figure(sources, press, target, rows),
            Prose((ALONE.format(**told, so=so, number=len(rows)),)),
        ]
    if not shown:
        return [
            *blocks,
            *sources.missing("The same signatures on native and bicubic images", PREDICTIONS, _why(sources)),
        ]
    return [*blocks, *_theirs(sources, press)]


def _why(sources: Sources) -> str:
    """Why nothing is compared."""
    if not sources.settings.superres.effect:
        return "Setting superres.effect is off."
    stage = "superres_effect"
    reason = sources.left_out.get(stage)
    return f"Stage {stage} left itself out: {reason}." if reason else "No signature was fitted on other images."


def differences(sources: Sources, target: Target) -> pd.DataFrame:
    """A row a model, role of fresh patients and pair of images, the one against bicubic first; empty where none is.

    difference, lower, upper : of a − b, AUC or mean absolute error, paired by patient.
    """
    table = sources.of(COMPARISONS, target, metric=LEADING[target.kind], subset=WHOLE)
    if table is None:
        return pd.DataFrame(columns=COLUMNS)
    own = table[table["model_a"] == table["model_b"]]
    rows = []
    for model in sorted(dict.fromkeys(own["model_a"]), key=sources.place):
        for role in FRESH:
            of_role = _of_role(own[own["model_a"] == model], role)
            for a, b in PAIRS:
                for row in of_role[(of_role["variant_a"] == a) & (of_role["variant_b"] == b)].itertuples(index=False):
                    words = f"{role}: {SHORT[a]} − {SHORT[b]}"
                    rows.append((model, role, a, b, words, row.difference, row.lower, row.upper, row.method))
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_role(rows: pd.DataFrame, role: str) -> pd.DataFrame:
    """The rows of the first protocol and side that a role stands for."""
    for protocol, side in ROLES[role]:
        found = rows[(rows["protocol"] == str(protocol)) & (rows["side"] == str(side))]
        if len(found):
            return found
    return rows.iloc[:0]


def said_of(rows: pd.DataFrame, target: Target) -> list[str]:
    """What may be said, a sentence a claim: a gain only where the whole interval lies on the better side of 0.

    Better or worse of patients held out from everything; of others higher or lower, which holds for these models alone.
    Of each model and role the difference that counts: to bicubic images, or to native ones where there are no others.
    """
    measure, sign = measure_words(LEADING[target.kind]), 1 if target.binary else -1
    said: dict[str, list[str]] = {}
    for _, own in rows.groupby(["model", "role"], sort=False):
        first = own.iloc[0]
        other, value = f"{SHORT[first['b']]} images", _with_limits(first, target)
        low, high = sorted((sign * first["lower"], sign * first["upper"]))
        held_out = first["role"] in HELD_OUT
        if np.isnan([first["difference"], low, high]).any():
            claim = f"No gain over {other} is shown, as there is no interval"
        elif low <= 0 <= high:
            claim = f"No gain over {other} is shown, as the interval of the difference holds 0"
        elif held_out:
            claim = f"The {measure} is {'better' if low > 0 else 'worse'} than on {other}"
        else:
            claim = (
                f"The {measure} is {'higher' if first['lower'] > 0 else 'lower'} than on {other}, given these models"
            )
        said.setdefault(claim, []).append(value)
    return [f"{claim}: {'; '.join(values)}." for claim, values in said.items()]


def moved_alone(rows: pd.DataFrame, target: Target) -> str:
    """Where bicubic enlargement by itself changed the measure, with a space before it; else nothing."""
    alone = rows[(rows["a"] == BICUBIC_IMAGES) & ((rows["lower"] > 0) | (rows["upper"] < 0))]
    values = [_with_limits(row, target) for _, row in alone.iterrows()]
    return f" Here it did, bicubic − native: {'; '.join(values)}." if values else ""


def _with_limits(row: pd.Series, target: Target) -> str:
    """ "Rad (test) −0.012 (−0.027 to 0.004)"."""
    digits = 3 if target.binary else 2
    return f"{row['model']} ({row['role']}) {_difference(row['difference'], row['lower'], row['upper'], digits, ' ')}"


def _table(sources: Sources, press: Press, evidence: Evidence, target: Target, rows: pd.DataFrame) -> Block:
    """A row a model and role: the value on every kind of images, then their differences."""
    metric, digits = LEADING[target.kind], 3 if target.binary else 2
    known = {*rows["a"], *rows["b"]}
    shown = []
    for (model, role), own in rows.groupby(["model", "role"], sort=False):
        values = {
            SHORT[variant].capitalize(): cell(evidence.get(target.name, model, role, metric, variant), digits, "\n")
            for variant in (NATIVE_IMAGES, BICUBIC_IMAGES, OWN)
            if variant in known
        }
        pairs = {
            f"{SHORT[row.a].capitalize()}\n− {SHORT[row.b]}": _difference(row.difference, row.lower, row.upper, digits)
            for row in own.itertuples(index=False)
        }
        shown.append({"Model": model, "Patients are": role} | values | pairs)
    measure, bicubic = measure_words(metric), f", bicubic {times(sources)}" if BICUBIC_IMAGES in known else ""
    title = f"{measure[:1].upper()}{measure[1:]} for {target.name} on native{bicubic} and enhanced images"
    better = "" if target.binary else " A lower error is better."
    note = f"In brackets 95 % intervals; differences are paired by patient.{better}"
    return press.table(f"enhancement_effect_{sources.slug(target)}", title, pd.DataFrame(shown), rows, note)


def _difference(value: float, lower: float, upper: float, digits: int, between: str = "\n") -> str:
    return theme.format_estimate(value, lower, upper, digits, between)


def _figure(sources: Sources, press: Press, target: Target, rows: pd.DataFrame) -> list[Block]:
    drawn = rows.dropna(subset=LIMITS)
    if drawn.empty or not target.binary:
        return []
    panel = Panel(partial(draw_auc_differences, drawn), 7.6, 0.9 + 0.27 * len(drawn) + 0.12 * drawn["model"].nunique())
    caption = "Paired differences of the AUC with 95 % intervals. Filled: the interval does not hold 0. Open: no difference is shown."
    title = f"What enhancing changes for {target.name}"
    return [press.figure(f"enhancement_differences_{sources.slug(target)}", title, caption, [panel], drawn)]


def gain_words(sources: Sources) -> tuple[str, str] | None:
    """Check I for the table of checks: what it asks of the first model of the first outcome, and its difference."""
    for target in sources.targets:
        rows = differences(sources, target)
        if len(rows):
            first = rows.iloc[0]
            measure, other = measure_words(LEADING[target.kind]), SHORT[first["b"]]
            asks = f"{measure[:1].upper()}{measure[1:]} of {first['model']} ({target.name}, {first['role']}) less that on {other} images. Never fails; more below."
            value, lower, upper = first[LIMITS]
            words = _difference(value, lower, upper, 3 if target.binary else 2, " ")
            return asks, words.replace("–", " to ")
    return None


def _theirs(sources: Sources, press: Press) -> list[Block]:
    """What Hu et al. print beside what was measured here, for the first outcome of two classes."""
    target = next((target for target in sources.targets if target.binary), None)
    rows = pd.DataFrame(columns=COLUMNS) if target is None else differences(sources, target)
    rows = rows[rows["model"] == Model.RAD]
    if target is None or rows.empty:
        return []
    shown = []
    for words, role, theirs in (
        ("AUC of Rad, training side", "out-of-fold", "+6.2 %"),
        ("AUC of Rad, test side", "test", "+4.1 %"),
    ):
        own = rows[rows["role"] == role].set_index(["a", "b"])
        cells = []
        for pair in PAIRS[:2]:
            value, lower, upper = own.loc[pair, LIMITS] if pair in own.index else (np.nan, np.nan, np.nan)
            cells.append(_difference(value, lower, upper, 3, " "))
        shown.append((words, *cells, theirs))
    shown.append(("Hallucinated features", "see the verdict", "see the verdict", "“no hallucinated features observed”"))
    head = ["What", "Enhanced\n− bicubic", "Enhanced\n− native", "GAN − native\n(theirs)"]
    table = pd.DataFrame(shown, columns=head)
    title = "The published assertion beside what was measured"
    named = f" Ours: {target.name}." if sources.several else ""
    return [press.table("enhancement_published", title, table, note=PUBLISHED_NOTE + named, theirs=[3])]


def survival_blocks(sources: Sources, press: Press) -> list[Block]:
    """Which share of the features is the same measurement after all, and where they are lost."""
    table = sources.table(SURVIVAL)
    if table is None:
        return []
    known = table.dropna(subset=["icc", "icc_bicubic"])
    if known.empty:
        return []
    share, bicubic = ((known[name] >= SURVIVES).mean() for name in ("icc", "icc_bicubic"))
    words = f"Of {len(known):,} features {theme.format_percent(share)} survive (ICC ≥ {SURVIVES:g}; bicubic {theme.format_percent(bicubic)}), in {int(known['n'].max())} check patients: the others say something else in a restored image than in the true one."
    families = _families(known)
    shown = pd.DataFrame({
        "Image type": families["image"], "Family": families["family"], "Features": families["features"],
        "Survive, restored": families["restored"].map(theme.format_percent),
        "Survive, bicubic": families["bicubic"].map(theme.format_percent),
        "Median ICC, restored": families["median"].map(theme.format_auc),
    })  # fmt: skip
    title = "Features that survive, by image type and family"
    block = press.table("enhancement_survival", title, shown, table.sort_values("icc"), SURVIVAL_NOTE, most=15)
    return [Heading("Which features survive"), Prose((words,)), block]


def _families(known: pd.DataFrame) -> pd.DataFrame:
    """image, family, features, shares of restored and of bicubic ones that survive, median ICC; the worst first."""
    names = known["feature"].map(lambda name: region_and_rest(name)[1])
    parts = names.str.split("_", n=2, expand=True).reindex(columns=[0, 1])
    rows = known.assign(image=parts[0], family=parts[1].fillna(""))
    rows = rows.assign(restored=rows["icc"] >= SURVIVES, bicubic=rows["icc_bicubic"] >= SURVIVES)
    out = rows.groupby(["image", "family"], sort=True).agg(
        features=("feature", "size"),
        restored=("restored", "mean"),
        bicubic=("bicubic", "mean"),
        median=("icc", "median"),
    )
    return out.reset_index().sort_values(["restored", "median", "image", "family"], kind="stable")
