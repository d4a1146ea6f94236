"""Section 2, who: flow of patients, Table 1, what was missing, how far two readers agree, examples."""

from __future__ import annotations

import base64

import pandas as pd
from markupsafe import Markup

from dlr.figures import draw_dice, draw_flow, flow_rows, theme
from dlr.report.blocks import Block, Drawing, Figure, Heading, Missing, Prose, Section
from dlr.report.press import Panel, Press, slug
from dlr.report.sources import Sources

__all__ = ["who"]


def who(sources: Sources, press: Press) -> Section:
    """The patients of the study."""
    blocks = [
        *_flow(sources, press),
        *_table_one(sources, press),
        Heading("How the manifest was read"),
        *_mappings(sources, press),
        Heading("Agreement of the outlines"),
        *_agreement(sources, press),
        *_examples(sources, press),
    ]
    return Section(2, "who", "Who", tuple(blocks))


def _flow(sources: Sources, press: Press) -> list[Block]:
    flow = sources.table("cohort", "flow.csv")
    if flow is None:
        return [Missing("Flow chart", sources.why("cohort", "flow.csv"))]
    panel = Panel(lambda ax: draw_flow(flow, ax), 7.0, 0.2 + 0.62 * flow_rows(flow))
    blocks: list[Block] = [
        press.figure(
            "flow", "Flow of patients", "Counts are patients; a case is one image with its outline.", [panel], flow
        )
    ]
    patients = sources.patients
    rows = []
    if patients is not None:
        for target in sources.targets:
            if target not in patients:
                continue
            for side, own in patients.groupby("side", sort=False):
                known = own[target].dropna()
                events = int(pd.to_numeric(known, errors="coerce").sum())
                rows.append((target, side, len(own), events, len(known) - events, len(own) - len(known)))
    if rows:
        shown = pd.DataFrame(rows, columns=["Outcome", "Side", "Patients", "Positive", "Negative", "Unknown"])
        shown["Positive"] = [
            f"{k} ({theme.format_percent(k / (k + n) if k + n else None)})"
            for k, n in zip(shown["Positive"], shown["Negative"], strict=True)
        ]
        blocks.append(press.table("outcomes", "Outcome by side", shown))
    return blocks


def _table_one(sources: Sources, press: Press) -> list[Block]:
    by_side = sources.table("clinical", "table1_side.csv")
    if by_side is None:
        return [Missing("Table 1", sources.why("clinical", "table1_side.csv"))]
    blocks: list[Block] = []
    for number, (side, rows) in enumerate(by_side.groupby("side", sort=False)):
        name = "table1_side" if number == 0 else f"table1_side_{number + 1}"
        blocks.append(press.table(name, f"Table 1: {side}", _shown(sources, rows), rows, _note(rows)))
    by_outcome = sources.table("clinical", "table1_outcome.csv")
    if by_outcome is not None:
        for side, rows in by_outcome.groupby("side", sort=False):
            name = f"table1_outcome_{slug(str(side))}"
            blocks.append(
                press.table(name, f"Patients by outcome, {side} side", _shown(sources, rows), rows, _note(rows))
            )
    return blocks


def _shown(sources: Sources, table: pd.DataFrame) -> pd.DataFrame:
    first = table.iloc[0]
    counted = set(table.loc[table["level"].fillna("") != "", "variable"])
    words = [
        _row_words(sources, str(v), level, v in counted)
        for v, level in zip(table["variable"], table["level"], strict=True)
    ]
    group_a, group_b = str(first["group_a"]), str(first["group_b"])
    missing = table[["missing_a", "missing_b"]].fillna(0).to_numpy()
    return pd.DataFrame({
        "Variable": words,
        group_a: table["value_a"].fillna(theme.NOTHING), group_b: table["value_b"].fillna(theme.NOTHING),
        "Missing": [f"{a:.0f} / {b:.0f}" for a, b in missing], "Test": table["test"].fillna(""),
        "p": [theme.format_p(p) if pd.notna(p) else "" for p in table["p"]],
        "SMD": [f"{d:.2f}".replace("-", "−") if pd.notna(d) else "" for d in table["smd"]],
    })  # fmt: skip


def _row_words(sources: Sources, variable: str, level: object, counted: bool) -> str:
    """A variable with its level; a binary column's 0 and 1 in its own words; a counted one's first row is its total."""
    title = sources.title_of(variable)
    if pd.isna(level) or str(level) == "":  # type: ignore[call-overload]
        return f"{title}, known" if counted else title
    word = str(level)
    column = next((c for n, c in sources.columns.items() if variable in (n, sources.title_of(n))), {})
    if column.get("kind") == "binary" and word in ("0", "1", "0.0", "1.0"):
        word = (column.get("levels") or ("no", "yes"))[int(float(word))]
    return f"{title}: {word}"


def _note(table: pd.DataFrame) -> str:
    missing = table.drop_duplicates("variable")[["missing_a", "missing_b"]].fillna(0).to_numpy().sum()
    words = "Mean ± SD, median [quartiles] or count (per cent of the known). SMD: standardised difference."
    return f"{words} Missing values: {missing:.0f}." if missing else f"{words} No value is missing."


def _mappings(sources: Sources, press: Press) -> list[Block]:
    blocks: list[Block] = []
    mappings = sources.table("cohort", "mappings.csv")
    if mappings is not None:
        names = {"source": "Where", "header_or_value": "In the manifest", "mapped_to": "Read as", "cells": "Cells"}
        shown = mappings.rename(columns=names)
        blocks.append(press.table("mappings", "Headers and values that were mapped", shown, mappings))
    else:
        blocks.append(Prose(("No header and no value had to be mapped.",), quiet=True))
    notes = sources.table("cohort", "notes.csv")
    if notes is not None:
        shown = notes.rename(columns={"where": "Where", "what": "What was noticed"})
        blocks.append(press.table("notes", "What was noticed on reading", shown, notes, most=25))
    return blocks


def _agreement(sources: Sources, press: Press) -> list[Block]:
    table = sources.table("stability", "agreement.csv")
    if table is None:
        return [Missing("Agreement of two outlines", sources.why("stability", "agreement.csv (one reader's outlines)"))]
    unit = str(table["unit"].iloc[0])
    below = table[table["below"].astype(bool)]
    panel = Panel(lambda ax: draw_dice(table, ax), 5.2, 2.9)
    quartiles = table["dice"].quantile([0.25, 0.5, 0.75]).to_list()
    far = table["hausdorff95"].quantile([0.25, 0.5, 0.75]).to_list()
    caption = (
        f"Dice median {quartiles[1]:.3f} (quartiles {quartiles[0]:.3f}–{quartiles[2]:.3f}), 95 % Hausdorff "
        "distance median "
        f"{far[1]:.1f} {unit} ({far[0]:.1f}–{far[2]:.1f}) over {len(table)} cases with two outlines."
    )
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
    figure = Figure("contact_sheet", "Outlines over images", caption, (Drawing(image, 960),), "contact_sheet.pdf")
    press.figures.append(figure)
    return [figure]
