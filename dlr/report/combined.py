"""The clinical tables of odds ratios and the Combined model: terms, what was left out, its last step's optimism."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dlr.figures import theme
from dlr.report.blocks import Block, Heading, Missing, Prose
from dlr.report.evidence import measure_words
from dlr.report.press import Press, slug
from dlr.report.sources import Sources
from dlr.report.use import primary_set

__all__ = ["combined_blocks", "odds_table"]

SIGNATURE_NOTE = "Signatures enter as logits, clipped to .001–.999: the odds ratio is that of one logit."
OPTIMISM = ("apparent", "optimism", "corrected")
TABLES = (
    ("univariable", "Univariable odds ratios"),
    ("multivariable", "Multivariable odds ratios"),
    ("stepwise", "Stepwise odds ratios (AIC)"),
)


def combined_blocks(sources: Sources, press: Press) -> list[Block]:
    """Clinical odds ratios and the Combined model, or why they are not there."""
    return [
        Heading("Clinical variables"),
        *_clinical(sources, press),
        Heading("The Combined model"),
        *_combined(sources, press),
    ]


def odds_table(sources: Sources, rows: pd.DataFrame) -> pd.DataFrame:
    """Terms of a logistic model as a reader meets them; profile limits come as log odds and are shown as ratios."""
    shown: dict[str, Any] = {}
    if "variant" in rows and rows["variant"].fillna("").nunique() > 1:
        shown["Variant"] = rows["variant"].fillna("").replace("", "main")
    shown["Term"] = [sources.title_of(str(term)) for term in rows["term"]]
    shown["Coefficient (SE)"] = [
        f"{theme.format_auc(b)} ({theme.format_auc(s)})" for b, s in zip(rows["estimate"], rows["se"], strict=True)
    ]
    shown["Odds ratio (95 % Wald)"] = _with_limits(rows, "lower", "upper")
    if "profile_lower" in rows and rows["profile_lower"].notna().any():
        shown["95 % profile"] = [
            f"{theme.format_ratio(np.exp(lo))}–{theme.format_ratio(np.exp(hi))}"
            for lo, hi in zip(rows["profile_lower"], rows["profile_upper"], strict=True)
        ]
    shown["p"] = rows["p"].map(theme.format_p)
    shown["Method"] = rows["method"]
    if "n" in rows:
        shown["n (positive)"] = [f"{n:.0f} ({k:.0f})" for n, k in zip(rows["n"], rows["n_positive"], strict=True)]
    return pd.DataFrame(shown)


def _with_limits(rows: pd.DataFrame, lower: str, upper: str) -> list[str]:
    return [
        f"{theme.format_ratio(value)} ({theme.format_ratio(lo)}–{theme.format_ratio(hi)})"
        for value, lo, hi in zip(rows["odds_ratio"], rows[lower], rows[upper], strict=True)
    ]


def _clinical(sources: Sources, press: Press) -> list[Block]:
    blocks: list[Block] = []
    for name, title in TABLES:
        table = sources.table("clinical", f"{name}.csv")
        if table is None:
            continue
        firth = "Firth" in set(table["method"].astype(str))
        note = "Firth's penalty where a term separates the classes, so that its estimate stays finite." if firth else ""
        blocks.append(press.table(name, title, odds_table(sources, table), table, note))
    if not blocks:
        return [Missing("Odds ratios of clinical variables", sources.why("clinical", "table of odds ratios"))]
    vif = sources.table("clinical", "vif.csv")
    if vif is not None:
        shown = pd.DataFrame({
            "Term": [sources.title_of(str(term)) for term in vif["term"]], "GVIF": vif["gvif"].map(theme.format_number),
            "df": vif["df"], "GVIF^(1/2df)": vif["gvif_scaled"].map(theme.format_number),
        })  # fmt: skip
        blocks.append(press.table("vif", "Variance inflation", shown, vif))
    return blocks


def _combined(sources: Sources, press: Press) -> list[Block]:
    terms = sources.table("combine", "combined_terms.csv")
    chosen = primary_set(sources)
    if terms is None or chosen is None:
        reasons = (sources.json("combine", "combined_model.json") or {}).get("reasons") or []
        return [Missing("The Combined model", ". ".join(reasons) or sources.why("combine", "combined_terms.csv"))]
    blocks: list[Block] = []
    for variant in ("", *sorted(set(terms["variant"].fillna("")) - {""})):
        entry = primary_set(sources, variant)
        if entry is None:
            continue
        rows = terms[
            (terms["variant"].fillna("") == variant) & (terms["set"] == entry["set"])
            & (terms["protocol"] == entry["protocol"]) & (terms["target"] == entry["target"])
        ]  # fmt: skip
        for model, words in (("combined", ""), ("full", ", with all candidates")):
            own = rows[rows["model"] == model]
            if len(own) and not (model == "full" and len(own) == (rows["model"] == "combined").sum()):
                name = "_".join(["combined_terms", model, *([slug(variant)] if variant else [])])
                blocks.append(
                    press.table(name, f"{entry['set']}{words}", odds_table(sources, own), own, SIGNATURE_NOTE)
                )
        dropped = entry["model"]["dropped"]
        if dropped:
            shown = pd.DataFrame(
                [(sources.title_of(str(name)), str(reason)) for name, reason in dropped],
                columns=["Candidate left out", "Reason"],
            )
            blocks.append(press.table(f"combined_dropped_{slug(variant)}", f"What did not enter {entry['set']}", shown))
    press.csv("combined_terms", "Terms of every admissible set", terms)
    riley, bound = chosen["model"].get("riley"), chosen["model"].get("bound")
    if riley is not None:
        allowed = "" if bound is None else f"; at most {bound} were allowed"
        blocks.append(
            Prose((f"Riley's criterion: these patients carry {theme.format_number(riley, 2)} parameters{allowed}.",))
        )
    optimism = sources.table("combine", "optimism.csv")
    if optimism is not None:
        shown = pd.DataFrame({
            "Set": optimism["variant"].fillna("").replace("", "main"),
            "Measure": optimism["measure"].map(measure_words),
            **{name.capitalize(): optimism[name].map(theme.format_auc) for name in OPTIMISM},
            "Bootstrap samples": optimism["replicates"],
        })  # fmt: skip
        note = "Harrell's bootstrap, the signatures given: the optimism of this last step, not of what came before."
        blocks.append(press.table("combined_optimism", "Optimism of the last step", shown, optimism, note))
    size = sources.table("clinical", "sample_size.csv")
    if size is not None:
        shown = pd.DataFrame({
            "Quantity": size["quantity"].astype(str).str.replace("_", " "), "Value": size["value"].map(_plain),
            "What it means": size["explanation"],
        })  # fmt: skip
        blocks.append(press.table("sample_size", "Size of the study against size of the model", shown, size))
    else:
        blocks.append(Prose(("Sample size: " + sources.why("clinical", "sample_size.csv"),), quiet=True))
    return blocks


def _plain(value: Any) -> str:
    try:
        return theme.format_number(float(value))
    except ValueError:
        return str(value)
