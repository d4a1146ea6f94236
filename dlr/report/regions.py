# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""What Spatial has learnt of core, rim and peritumoral tissue, and how much of its attention lies in each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.figures import (
    Plane,
    attention_scales_height,
    draw_attention_scales,
    draw_attention_shares,
    draw_region_weights,
    theme,
)
from dlr.report.blocks import Block, FigureBlock, Heading, Prose
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.tables import ATTENTION_SHARES, REGION_EXAMPLES, REGION_WEIGHTS
from dlr.words import EVERY_PART, REGIONS, Protocol

__all__ = ["heavier", "of_one_protocol", "read_scales", "region_blocks", "shares_by_patient"]

ORDER = (*REGIONS, "elsewhere")
WIDTH = 5.2  # inches of the three planes of one patient
PLANES = {"axial": (1, 2), "coronal": (0, 2), "sagittal": (0, 1)}  # of spacing: rows, columns
PROTOCOLS = (
    Protocol.CROSSFIT,
    Protocol.LEAVE_ONE_COHORT_OUT,
    Protocol.EXTERNAL_CROSSFIT,
    Protocol.NESTED,
    Protocol.PAPER,
)  # the first that a study has leads, as LEADERS among roles
WEIGHTS_NOTE = "Learnt weights of the features pooled over each region, 1 in sum a target and chain; range over the chains. A weight says how much of a region's features enters an answer, not what they are worth: features differ in size, and the ablation alone shows what is lost without a region."
SHARES_NOTE = "Of each patient, by chains that did not see the patient, as a mean where there are several. A region takes a share of the attention by its size alone: what counts is how far it lies from the region's share of the volume (preference: their ratio, 1 is none)."
SHARES_CAPTION = "Median and quartiles over patients; the grey bar and the brackets: the region's own share of the volume. A mark beyond its bar says more than the region's size."
SCALES_CAPTION = "Spatial attention of every scale, the finest first, in three planes through the middle of the lesion, turbo colours, with the outer borders of the regions. Each scale is stretched from its lowest to its highest value in these planes (named beside it), so that colours of two scales are not to be compared. Attention says where features are let through, not why."


def region_blocks(sources: Sources, press: Press) -> list[Block]:
    """Weights by target, shares by scale, the maps of examples; nothing where the pipeline knows no regions."""
    if not sources.gives(REGION_WEIGHTS):
        return []
    return [
        Heading("Regions"),
        *_weights(sources, press),
        *_shares(sources, press),
        *_scales(sources, press),
    ]


def _weights(sources: Sources, press: Press) -> list[Block]:
    table = sources.table(REGION_WEIGHTS)
    weights = None if table is None else of_one_protocol(table[table["variant"] == ""])
    if weights is None or weights.empty:
        return sources.missing("Learnt weights of the regions", REGION_WEIGHTS)
    order = [target.name for target in sources.targets]
    weights = weights.sort_values("target", key=lambda names: names.map(order.index), kind="stable")
    found = weights.groupby(["target", "region"], sort=False)["weight"].agg(["mean", "min", "max", "size"])
    regions = [name for name in ORDER if name in set(weights["region"])]
    shown = [
        {"Target": target, "Chains": f"{found.loc[target, 'size'].max():.0f}"}
        | {name.capitalize(): _range(found, target, name) for name in regions}
        for target in dict.fromkeys(weights["target"])
    ]
    title = "Learnt weights of the regions"
    lines = len(found)
    panel = Panel(partial(draw_region_weights, weights), 7.4, 1.0 + 0.24 * lines)
    caption = (
        "A tick a chain, the mark their mean, the line their range; dashed: the even share, where every network begins."
    )
    said = heavier(weights)
    return [
        press.table("region_weights", title, pd.DataFrame(shown), weights, _said_of(WEIGHTS_NOTE, weights)),
        *([Prose((said,))] if said else []),
        press.figure("region_weights", title, caption, [panel]),
    ]


def of_one_protocol(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the protocol that leads, of those that a table has: chains of two are no sample of one training set."""
    there = set(table["protocol"])
    return table[table["protocol"] == next((name for name in PROTOCOLS if name in there), "")]


def _said_of(note: str, rows: pd.DataFrame) -> str:
    return f"{note} Chains of protocol {rows['protocol'].iloc[0]} alone."


def _range(found: pd.DataFrame, target: str, region: str) -> str:
    if (target, region) not in found.index:
        return theme.NOTHING
    own = found.loc[(target, region)]
    return f"{own['mean']:.3f}\n({own['min']:.3f}–{own['max']:.3f})"


def heavier(weights: pd.DataFrame) -> str:
    """Which regions weigh more than the even share in every one of several chains, target by target; "" for none.

    weights : REGION_WEIGHTS.
    """
    said = []
    for target, own in weights.groupby("target", sort=False):
        even = 1 / own["region"].nunique()
        found = own.groupby("region", sort=False)["weight"].agg(["min", "size"])
        names = [str(name) for name, one in found.iterrows() if one["size"] > 1 and one["min"] > even]
        said += [f"for {target} {' and '.join(names)}"] if names else []
    return f"Above the even share in every chain: {'; '.join(said)}." if said else ""


def shares_by_patient(table: pd.DataFrame) -> pd.DataFrame:
    """ATTENTION_SHARES with one row a target, patient, scale and region: the mean over chains and volumes."""
    keys = ["target", "patient_id", "scale", "region"]
    return table.groupby(keys, sort=False)[["share", "volume_share"]].mean().reset_index()


def _shares(sources: Sources, press: Press) -> list[Block]:
    table = sources.table(ATTENTION_SHARES)
    if table is None:
        why = (
            "Spatial has no spatial attention under these settings."
            if sources.table(REGION_WEIGHTS) is not None
            else ""
        )
        return sources.missing("Shares of the attention", ATTENTION_SHARES, why)
    table = of_one_protocol(table)
    patients = shares_by_patient(table)
    rows, panels = [], []
    for target, own in patients.groupby("target", sort=False):
        words = "" if target == EVERY_PART else f"{target}"
        for scale, at in own.groupby("scale", sort=False):
            for region in ORDER:
                one = at[at["region"] == region]
                if one.empty:
                    continue
                low, middle, high = one["share"].quantile([0.25, 0.5, 0.75])
                size = one["volume_share"].median()
                ratio = (one["share"] / one["volume_share"]).replace([np.inf, -np.inf], np.nan).median()
                rows.append({
                    **({"Network of": words} if words else {}), "Scale": scale, "Region": region, "Patients": str(len(one)),
                    "Share of the attention\nmedian (quartiles)": f"{middle:.3f}\n({low:.3f}–{high:.3f})",
                    "Share of the volume\nmedian": f"{size:.3f}",
                    "Preference\nmedian ratio": theme.NOTHING if pd.isna(ratio) else f"{ratio:.2f}",
                })  # fmt: skip
        lines = own[["scale", "region"]].drop_duplicates()
        panels.append(Panel(partial(draw_attention_shares, own), 6.4, 1.0 + 0.25 * len(lines), words))
    title = "Where the attention lies"
    return [
        press.table("attention_shares", title, pd.DataFrame(rows), patients, _said_of(SHARES_NOTE, table)),
        press.figure("attention_shares", title, SHARES_CAPTION, panels),
    ]


def _scales(sources: Sources, press: Press) -> list[Block]:
    """A panel an example: a row of planes a scale."""
    table = sources.table(REGION_EXAMPLES)
    examples = None if table is None else table.drop_duplicates("outcome")  # one of each: a page of them is heavy
    panels = []
    for row in [] if examples is None else examples.itertuples(index=False):
        path = sources.beside(REGION_EXAMPLES, str(row.file))
        scales = {} if path is None else read_scales(path)
        if scales:
            said = f"{row.target}: {row.outcome}, probability {row.probability:.2f}"
            height = attention_scales_height(scales, WIDTH) + 0.55
            panels.append(Panel(partial(draw_attention_scales, scales), WIDTH + 0.3, height, str(row.case_id), said))
    if not panels:
        return sources.missing("Attention by scale of examples", REGION_EXAMPLES)
    title = "Where Spatial attends, scale by scale"
    figure: FigureBlock = press.figure("attention_scales", title, SCALES_CAPTION, panels, examples, across=2)
    return [figure]


def read_scales(path: Path) -> dict[str, Sequence[Plane]]:
    """Three planes a scale as stage regions keeps them, the finest first; heat stretched over these planes."""
    with np.load(path) as kept:
        names = dict.fromkeys(name.rpartition("_")[0] for name in kept.files if "_" in name)
        regions = [name for name in ORDER if name in names]
        spacing = kept["spacing"].tolist()
        out: dict[str, Sequence[Plane]] = {}
        for scale in sorted(name for name in names if name not in ("grey", "mask", *regions)):
            heat = {plane: kept[f"{scale}_{plane}"].astype(float) for plane in PLANES}
            low, high = min(map(np.min, heat.values())), max(map(np.max, heat.values()))
            out[f"{scale}, {low:.2f}–{high:.2f}"] = [
                Plane(
                    kept[f"grey_{plane}"].astype(float),
                    kept[f"mask_{plane}"],
                    (heat[plane] - low) / ((high - low) or 1.0),
                    (spacing[rows], spacing[columns]),
                    {name: kept[f"{name}_{plane}"] for name in regions},
                )
                for plane, (rows, columns) in PLANES.items()
            ]
        return out
