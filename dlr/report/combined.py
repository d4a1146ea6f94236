"""Of one outcome: odds ratios of clinical variables, and the Combined model with what was left out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dlr.figures import theme
from dlr.report.blocks import Block, Prose
from dlr.report.combined_set import entered, left_words, named_beforehand, primary_set, reasons_for_none, set_words
from dlr.report.evidence import measure_words
from dlr.report.press import Press, slug
from dlr.report.sources import Sources
from dlr.tables import (
    BLOCKS,
    COMBINED_TERMS,
    FAMILIES,
    IMPUTED_ODDS,
    MULTIVARIABLE,
    OPTIMISM,
    SAMPLE_SIZE,
    STEPWISE,
    UNIVARIABLE,
    VIF,
)
from dlr.words import Target

__all__ = ["clinical_blocks", "combined_blocks", "odds_table", "sample_size", "screened"]

SIGNATURE_NOTE = "Signatures enter as logits, clipped to .001–.999: the odds ratio is that of one logit."
FIRTH_NOTE = "Firth's penalty where a term separates the classes, so that its estimate stays finite."
OPTIMISM_NOTE = "Harrell's bootstrap, the signatures given: the optimism of this last step, not of what came before."
SCREENED = "features of images looked at beside them: no criterion of sample size covers such a search"
GAP = ("apparent", "optimism", "corrected")
ODDS_TABLES = (
    (UNIVARIABLE, "univariable", "Univariable odds ratios"),
    (MULTIVARIABLE, "multivariable", "Multivariable odds ratios"),
    (IMPUTED_ODDS, "imputed_odds", "Multivariable odds ratios, missing values filled"),
    (STEPWISE, "stepwise", "Stepwise odds ratios (AIC)"),
)


def odds_table(sources: Sources, rows: pd.DataFrame) -> pd.DataFrame:
    """Terms of a logistic model as a reader meets them; profile limits come as log odds and are shown as ratios."""
    shown: dict[str, Any] = {"Term": [sources.title_of(str(term)) for term in rows["term"]]}
    shown["Coefficient (SE)"] = [
        theme.format_coefficient(b, s) for b, s in zip(rows["estimate"], rows["se"], strict=True)
    ]
    shown["Odds ratio (95 % Wald)"] = [
        theme.format_ratio(value, lo, hi)
        for value, lo, hi in zip(rows["odds_ratio"], rows["lower"], rows["upper"], strict=True)
    ]
    if "profile_lower" in rows and rows["profile_lower"].notna().any():
        shown["95 % profile"] = [
            theme.ratio_limits(np.exp(lo), np.exp(hi))
            for lo, hi in zip(rows["profile_lower"], rows["profile_upper"], strict=True)
        ]
    shown["p"] = rows["p"].map(theme.format_p)
    shown["Method"] = rows["method"]
    if "n" in rows:
        shown["n (positive)"] = [f"{n:.0f} ({k:.0f})" for n, k in zip(rows["n"], rows["n_positive"], strict=True)]
    return pd.DataFrame(shown)


def clinical_blocks(sources: Sources, press: Press, target: Target) -> list[Block]:
    """Odds ratios of the clinical variables and their inflation, or why they are not there."""
    blocks: list[Block] = []
    for table, name, title in ODDS_TABLES:
        rows = sources.of(table, target)
        if rows is None:
            continue
        note = FIRTH_NOTE if "Firth" in set(rows["method"]) else ""
        name = f"{name}_{sources.slug(target)}"
        blocks.append(press.table(name, f"{title} for {target.name}", odds_table(sources, rows), rows, note))
    if not blocks:
        return sources.missing("Odds ratios of clinical variables", UNIVARIABLE)
    vif = sources.of(VIF, target)
    if vif is not None:
        shown = pd.DataFrame({
            "Term": [sources.title_of(str(term)) for term in vif["term"]], "GVIF": vif["gvif"].map(theme.format_number),
            "df": vif["df"], "GVIF^(1/2df)": vif["gvif_scaled"].map(theme.format_number),
        })  # fmt: skip
        name = f"vif_{sources.slug(target)}"
        blocks.append(press.table(name, f"Variance inflation for {target.name}", shown, vif))
    return blocks


def combined_blocks(sources: Sources, press: Press, target: Target) -> list[Block]:
    """The sets named beforehand and their terms, the optimism of the last step, the size of the study."""
    terms, chosen = sources.of(COMBINED_TERMS, target), primary_set(sources, target)
    if terms is None or chosen is None:
        reasons = ". ".join(reason.rstrip(".") for reason in reasons_for_none(sources, target))
        return sources.missing("The Combined model", COMBINED_TERMS, f"{reasons}." if reasons else "")
    named = [named_beforehand(sources, chosen, entered(chosen)), left_words(sources, chosen)]
    blocks: list[Block] = [Prose((" ".join(filter(None, named)),))] if any(named) else []
    for variant in ("", *sorted(set(terms["variant"]) - {""})):
        blocks += _terms(sources, press, target, variant, terms)
    title = f"Terms of every admissible set for {target.name}"
    press.csv(f"combined_terms_{sources.slug(target)}", title, terms)
    riley, bound = chosen["model"].get("riley"), chosen["model"].get("bound")
    if riley is not None:
        allowed = "" if bound is None else f"; at most {bound} were allowed"
        words = f"Riley's criterion: these patients carry {theme.format_number(riley, 2)} parameters{allowed}."
        blocks.append(Prose((words,)))
    return [*blocks, *_optimism(sources, press, target), *sample_size(sources, press, target)]


def _terms(sources: Sources, press: Press, target: Target, variant: str, terms: pd.DataFrame) -> list[Block]:
    """The terms of a variant's pre-named set, with all candidates where some left, and why they did."""
    entry = primary_set(sources, target, variant)
    if entry is None:
        return []
    blocks: list[Block] = []
    ending = "_".join([sources.slug(target), *([slug(variant)] if variant else [])])
    rows = terms[
        (terms["variant"] == variant) & (terms["set"] == entry["set"]) & (terms["protocol"] == entry["protocol"])
    ]
    titles = (
        ("combined", f"The Combined model for {target.name}: {set_words(sources, entry)}"),
        ("full", f"{target.name}: {entry['set']}, with all candidates"),
    )
    for model, title in titles:
        own = rows[rows["model"] == model]
        if len(own) and not (model == "full" and len(own) == (rows["model"] == "combined").sum()):
            shown = odds_table(sources, own)
            blocks.append(press.table(f"combined_terms_{model}_{ending}", title, shown, own, SIGNATURE_NOTE))
    dropped = entry["model"]["dropped"]
    if dropped:
        lines = [(sources.title_of(str(name)), str(reason)) for name, reason in dropped]
        shown = pd.DataFrame(lines, columns=["Candidate left out", "Reason"])
        title = f"{target.name}: what was named in {entry['set']} and did not enter"
        blocks.append(press.table(f"combined_dropped_{ending}", title, shown))
    return blocks


def _optimism(sources: Sources, press: Press, target: Target) -> list[Block]:
    rows = sources.of(OPTIMISM, target)
    if rows is None:
        return []
    shown = pd.DataFrame({
        "Set": rows["variant"].replace("", "main"),
        "Measure": rows["measure"].map(measure_words),
        **{name.capitalize(): rows[name].map(theme.format_auc) for name in GAP},
        "Bootstrap samples": rows["replicates"],
    })  # fmt: skip
    name, title = f"combined_optimism_{sources.slug(target)}", f"Optimism of the last step for {target.name}"
    return [press.table(name, title, shown, rows, OPTIMISM_NOTE)]


def screened(sources: Sources, target: Target) -> pd.DataFrame:
    """Rows of SAMPLE_SIZE for the features of images that were offered to selection beside the clinical columns."""
    families, joined = sources.table(FAMILIES), sources.table(BLOCKS)
    offered = 0.0 if families is None else float(families["count"].sum())
    offered = offered if joined is None else max(offered, float(joined["count"].sum()))
    rows = [("features_screened", offered, SCREENED, target.name)] if offered else []
    return pd.DataFrame(rows, columns=list(SAMPLE_SIZE.names))


def sample_size(sources: Sources, press: Press, target: Target) -> list[Block]:
    """What the patients of an outcome carry, and how many it would take."""
    rows = sources.of(SAMPLE_SIZE, target)
    if rows is None:
        return [Prose((f"Sample size: {sources.why(SAMPLE_SIZE)}",), quiet=True)]
    rows = pd.concat([rows, screened(sources, target)], ignore_index=True)
    shown = pd.DataFrame({
        "Quantity": rows["quantity"].str.replace("_", " "), "Value": rows["value"].map(theme.format_number),
        "What it means": rows["explanation"],
    })  # fmt: skip
    title = f"Size of the study against size of the model for {target.name}"
    return [press.table(f"sample_size_{sources.slug(target)}", title, shown, rows)]
