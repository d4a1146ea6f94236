# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section who: flow of patients, Table 1, what was missing, how far two readers agree, examples."""

from __future__ import annotations

import base64

import pandas as pd
from markupsafe import Markup

from dlr.engine import one_a_kind
from dlr.figures import draw_dice, draw_flow, flow_rows, theme
from dlr.report.blocks import Block, Drawing, FigureBlock, Heading, Missing, Prose, Section
from dlr.report.contents import section
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources
from dlr.tables import AGREEMENT, FLOW, MAPPINGS, NOTES, TABLE1_OUTCOME, TABLE1_SIDE

__all__ = ["who"]

DRAWN = "Where sides were drawn at random, their p-values test that draw and no hypothesis; the SMD says how far apart they lie."


def who(sources: Sources, press: Press) -> Section:
    """The patients of the study."""
    blocks = [
        *_counted(sources),
        *_flow(sources, press),
        *_table_one(sources, press),
        *_examples(sources, press),
        Heading("How the manifest was read"),
        *_mappings(sources, press),
        *([Heading("Agreement of the outlines"), *_agreement(sources, press)] if sources.gives(AGREEMENT) else []),
    ]
    return section("who", sources, blocks)


def _counted(sources: Sources) -> list[Block]:
    """How many patients stand on which side, and what is known of their outcomes."""
    patients = sources.patients
    if patients is None:
        return []
    sides = " and ".join(f"{n} {side}" for side, n in patients["side"].value_counts(sort=False).items())
    return [Prose((f"{'; '.join(map(sources.counted, sources.targets))}: {sides}.",))]


def _flow(sources: Sources, press: Press) -> list[Block]:
    flow = sources.table(FLOW)
    if flow is None:
        return sources.missing("Flow chart", FLOW)
    panel = Panel(lambda ax: draw_flow(flow, ax), 7.0, 0.2 + 0.62 * flow_rows(flow))
    caption = "Counts are patients; a case is one image with its outline."
    return [
        press.figure("flow", "Flow of patients", caption, [panel], flow),
        *_classes(sources, press),
        *_per_cents(sources, press),
    ]


def _classes(sources: Sources, press: Press) -> list[Block]:
    """Binary outcomes by side."""
    rows = []
    for target, side, own in _known_by_side(sources, binary=True):
        known = own.dropna()
        events = int(known.sum())
        rows.append((target, side, len(own), events, len(known) - events, len(own) - len(known)))
    if not rows:
        return []
    shown = pd.DataFrame(rows, columns=["Outcome", "Side", "Patients", "Positive", "Negative", "Unknown"])
    shown["Positive"] = [
        f"{k} ({theme.format_percent(k / (k + n) if k + n else None)})"
        for k, n in zip(shown["Positive"], shown["Negative"], strict=True)
    ]
    return [press.table("outcomes", "Outcome by side", shown)]


def _per_cents(sources: Sources, press: Press) -> list[Block]:
    """Outcomes in per cent by side."""
    rows = []
    for target, side, own in _known_by_side(sources, binary=False):
        known = own.dropna()
        middle = span = theme.NOTHING
        if len(known):
            low, median, high = (f"{value:.1f}" for value in known.quantile([0.25, 0.5, 0.75]))
            middle, span = f"{median} ({low}–{high})", f"{known.min():g}–{known.max():g}"
        rows.append((target, side, len(own), middle, span, len(own) - len(known)))
    if not rows:
        return []
    names = ["Outcome (%)", "Side", "Patients", "Median (quartiles)", "Range", "Unknown"]
    return [press.table("outcomes_per_cent", "Outcome in per cent by side", pd.DataFrame(rows, columns=names))]


def _known_by_side(sources: Sources, binary: bool) -> list[tuple[str, str, pd.Series]]:
    """Name, side and values of every outcome of a kind, NaN where it is not known."""
    patients = sources.patients
    if patients is None:
        return []
    return [
        (target.name, str(side), pd.to_numeric(own[target.name], errors="coerce"))
        for target in sources.targets
        if target.binary == binary and target.name in patients
        for side, own in patients.groupby("side", sort=False)
    ]


def _table_one(sources: Sources, press: Press) -> list[Block]:
    by_side = sources.table(TABLE1_SIDE)
    if by_side is None:
        return sources.missing("Table 1", TABLE1_SIDE)
    blocks: list[Block] = []
    for number, (side, rows) in enumerate(by_side.groupby("side", sort=False)):
        name = "table1_side" if number == 0 else f"table1_side_{number + 1}"
        blocks.append(press.table(name, f"Table 1: {side}", _shown(sources, rows), rows, f"{_note(rows)} {DRAWN}"))
    for target in sources.targets:
        by_outcome = sources.of(TABLE1_OUTCOME, target)
        for side, rows in [] if by_outcome is None else by_outcome.groupby("side", sort=False):
            name = f"table1_outcome_{sources.slug(target)}_{slug(str(side))}"
            title = f"Patients by {target.name}, {side} side"
            blocks.append(press.table(name, title, _shown(sources, rows), rows, _note(rows)))
    return blocks


def _shown(sources: Sources, table: pd.DataFrame) -> pd.DataFrame:
    first = table.iloc[0]
    counted = set(table.loc[table["level"] != "", "variable"])
    words = [
        _row_words(sources, str(v), level, v in counted)
        for v, level in zip(table["variable"], table["level"], strict=True)
    ]
    group_a, group_b = str(first["group_a"]), str(first["group_b"])
    missing = table[["missing_a", "missing_b"]].fillna(0).to_numpy()
    return pd.DataFrame({
        "Variable": words,
        group_a: table["value_a"].replace("", theme.NOTHING), group_b: table["value_b"].replace("", theme.NOTHING),
        "Missing": [f"{a:.0f} / {b:.0f}" for a, b in missing], "Test": table["test"],
        "p": [theme.format_p(p) if pd.notna(p) else "" for p in table["p"]],
        "SMD": [f"{d:.2f}".replace("-", "−") if pd.notna(d) else "" for d in table["smd"]],
    })  # fmt: skip


def _row_words(sources: Sources, variable: str, level: object, counted: bool) -> str:
    """A variable with its level; a binary column's 0 and 1 in its own words; a counted one's first row is its total."""
    title = sources.title_of(variable)
    if str(level) == "":
        return f"{title}, known" if counted else title
    word = str(level)
    column = next((c for n, c in sources.columns.items() if variable in (n, sources.title_of(n))), {})
    if column.get("kind") == "binary" and word in ("0", "1", "0.0", "1.0"):
        word = (column.get("levels") or ("no", "yes"))[int(float(word))]
    return f"{title}: {word}"


def _note(table: pd.DataFrame) -> str:
    missing = table.drop_duplicates("variable")[["missing_a", "missing_b"]].fillna(0).to_numpy().sum()
    words = "Mean ± SD, median [quartiles] or count (per cent of the known). SMD: standardised difference, of ranks beside a median."
    return f"{words} Missing values: {missing:.0f}." if missing else f"{words} No value is missing."


def _mappings(sources: Sources, press: Press) -> list[Block]:
    blocks: list[Block] = []
    mappings = sources.table(MAPPINGS)
    if mappings is not None:
        names = {"source": "Where", "header_or_value": "In the manifest", "mapped_to": "Read as", "cells": "Cells"}
        shown = mappings.rename(columns=names)
        blocks.append(press.table("mappings", "Headers and values that were mapped", shown, mappings))
    else:
        blocks.append(Prose(("No header and no value had to be mapped.",), quiet=True))
    notes = sources.table(NOTES)
    if notes is not None:
        lines = one_a_kind(notes["where"] + ": " + notes["what"])
        shown = pd.DataFrame([line.partition(": ")[::2] for line in lines], columns=["Where", "What was noticed"])
        note = "" if len(lines) == len(notes) else "A line a kind; the CSV has every one."
        blocks.append(press.table("notes", "What was noticed on reading", shown, notes, note, most=25))
    return blocks


def _agreement(sources: Sources, press: Press) -> list[Block]:
    table = sources.table(AGREEMENT)
    if table is None:
        needed = "It takes outlines of two readers (columns mask_reader1, mask_reader2)."
        return [Missing("Agreement of two outlines", f"{sources.why(AGREEMENT)} {needed}")]
    unit, below = str(table["unit"].iloc[0]), table[table["below"]]
    panel = Panel(lambda ax: draw_dice(table, ax), 5.2, 2.9)
    low, middle, high = table["dice"].quantile([0.25, 0.5, 0.75]).to_list()
    near, median, far = table["hausdorff95"].quantile([0.25, 0.5, 0.75]).to_list()
    caption = f"Dice median {middle:.3f} (quartiles {low:.3f}–{high:.3f}), 95 % Hausdorff distance median {median:.1f} {unit} ({near:.1f}–{far:.1f}) over {len(table)} cases with two outlines."
    blocks: list[Block] = [press.figure("dice", "Overlap of two outlines of each case", caption, [panel], table)]
    if len(below):
        shown = pd.DataFrame({
            "Case": below["case_id"], "Patient": below["patient_id"], "Dice": [f"{d:.3f}" for d in below["dice"]],
            f"95 % Hausdorff ({unit})": [f"{d:.1f}" for d in below["hausdorff95"]],
        })  # fmt: skip
        blocks.append(
            press.table("third_reader", "Cases for a third reader", shown.sort_values("Dice"), below, most=12)
        )
    return blocks


def _examples(sources: Sources, press: Press) -> list[Block]:
    """A picture of examples that was drawn beside the page, with a link to all outlines as PDF."""
    picture = press.out / "examples.png"
    if not picture.is_file():
        why = "None was drawn: a study that starts from a table of features has no images."
        return [Missing("Contact sheet of outlines", why)]
    data = base64.b64encode(picture.read_bytes()).decode("ascii")
    image = Markup('<img src="data:image/png;base64,{}" alt="Outlines of example cases over their images">').format(
        data
    )
    caption = "Examples of each class with their outline; the PDF has all cases."
    figure = FigureBlock("contact_sheet", "Outlines over images", caption, (Drawing(image, 960),), "contact_sheet.pdf")
    press.figures.append(figure)
    return [figure]
