# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Pictures of section enhancement: lesions before and after, the account of detail, how the generator was trained."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.figures import (
    Restored,
    draw_detail_account,
    draw_learning_curves,
    draw_restored,
    restored_height,
    theme,
)
from dlr.report.blocks import Block
from dlr.report.enhanced import SUBJECTS, about
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.tables import CHECKS, SUPERRES_CURVES, SUPERRES_EXAMPLES

__all__ = ["account_figure", "before_and_after", "training_curves"]

RANKS = ("best", "median", "worst")
EDGE = 256  # pixels of the truth that a picture shows at most
AROUND = 24  # pixels of the truth around the lesion
WIDTH = 9.4  # inches of a row
PARTS = ("recovered", "invented")
PHASES = {"psnr": "Fidelity", "gan": "Against the discriminator"}
LOSSES = {"adversarial": "adversarial loss", "discriminator": "its loss", "features": "distance of features"}
CAPTION = "Check patients by their gain in lesion PSNR over bicubic: best, median and worst. The truth is the patient's own image, the input its simulated low resolution. Four columns share one window of grey; restored − truth in grey levels of 255, red where the restored image is too bright, all rows on one scale. The lesion is outlined on the input and on the difference{cut}."
ACCOUNT = "Of the detail that the input's pixels cannot hold, within the lesion: how much of the truth's variance the images recover, and how much they add that is not there. Means over check patients with 95 % intervals. What is invented looks as sharp as what is true."


def before_and_after(sources: Sources, press: Press) -> list[Block]:
    """A row a lesion: input, bicubic, restored, truth, difference."""
    table = sources.table(SUPERRES_EXAMPLES)
    if table is None:
        return sources.missing("Lesions before and after", SUPERRES_EXAMPLES)
    shown: list[tuple[str, Restored]] = []
    cut = False
    for rank in RANKS:
        for row in table[table["rank"] == rank].itertuples(index=False):
            whole = _read(sources, str(row.file))
            if whole is not None:
                part = around_lesion(whole)
                cut = cut or _cut_through(whole, part)
                words = f"{rank.capitalize()}: {row.gain:+.2f} dB".replace("-", "−")
                shown.append((f"{words}\n{row.case_id}", part))
    if not shown:
        return []
    limit = _limit([one for _, one in shown])
    panels = []
    for words, one in shown:
        title, case = words.split("\n", 1)
        height = restored_height(one, WIDTH - 0.3) + 0.5
        panels.append(Panel(partial(draw_restored, one, limit), WIDTH, height, title, theme.shorten(case, 80)))
    caption = CAPTION.format(cut=f"; of a large one the middle {EDGE} pixels are shown" if cut else "")
    return [press.figure("enhancement_before_after", "Lesions before and after", caption, panels, table, across=1)]


def _read(sources: Sources, name: str) -> Restored | None:
    """The arrays of one lesion, uint8 levels of 255; None where they are not there."""
    first = sources.beside(SUPERRES_EXAMPLES, f"{name}/truth.npy")
    if first is None:
        return None
    folder: Path = first.parent
    low, bicubic, restored, truth = (
        np.load(folder / f"{part}.npy", allow_pickle=False).astype(float)
        for part in ("input", "bicubic", "restored", "truth")
    )
    return Restored(low, bicubic, restored, truth, np.load(folder / "mask.npy", allow_pickle=False) > 0)


def around_lesion(whole: Restored) -> Restored:
    """The lesion with some pixels around it, on whole pixels of the input; of a large one its middle."""
    scale = whole.truth.shape[0] // whole.low.shape[0]
    coarse, fine = [], []
    for axis, edge in enumerate(whole.low.shape):
        seen = np.flatnonzero(whole.mask.any(axis=1 - axis))
        first, last = (seen[0], seen[-1] + 1) if len(seen) else (0, whole.mask.shape[axis])
        size = min(last - first + 2 * AROUND, EDGE)
        start = max(0, int((first + last - size) / 2) // scale)
        stop = min(edge, start + -(-size // scale))
        coarse.append(slice(start, stop))
        fine.append(slice(start * scale, stop * scale))
    small, large = tuple(coarse), tuple(fine)
    return replace(
        whole, low=whole.low[small], bicubic=whole.bicubic[large], restored=whole.restored[large],
        truth=whole.truth[large], mask=whole.mask[large],
    )  # fmt: skip


def _cut_through(whole: Restored, part: Restored) -> bool:
    """Whether some of the lesion is not shown."""
    return bool(part.mask.sum() < whole.mask.sum())


def _limit(shown: list[Restored]) -> float:
    """Grey levels at the ends of the colour bar: what 99 % of the pixels of all lesions stay under, in tens."""
    differences = np.concatenate([np.abs(one.difference).ravel() for one in shown])
    return max(10.0, 10.0 * np.ceil(np.percentile(differences, 99) / 10))


def account_figure(sources: Sources, press: Press) -> list[Block]:
    """Recovered against invented detail, by what the image went through."""
    checks = sources.table(CHECKS)
    account = pd.DataFrame() if checks is None else detail_account(checks)
    if account.empty:
        return []
    panel = Panel(partial(draw_detail_account, account), 6.4, 1.2 + 0.5 * account["subject"].nunique())
    return [press.figure("enhancement_detail", "Detail recovered and invented", ACCOUNT, [panel], account)]


def detail_account(checks: pd.DataFrame) -> pd.DataFrame:
    """subject (words), part (recovered, invented), value, lower, upper of table CHECKS; of bicubic without an interval."""
    shares = checks[checks["statistic"].isin(PARTS)]
    rows = []
    for subject in ("restored", "psnr"):
        for row in shares[shares["subject"] == subject].itertuples(index=False):
            rows.append((SUBJECTS[subject], str(row.statistic), row.value, row.lower, row.upper))
    for row in shares[shares["subject"] == "restored"].itertuples(index=False):
        rows.append((SUBJECTS["bicubic"], str(row.statistic), row.bicubic, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["subject", "part", "value", "lower", "upper"]).dropna(subset=["value"])


def training_curves(sources: Sources, press: Press) -> list[Block]:
    """How the generator learnt, a panel a phase and measure; of a method that trains nothing none."""
    curves = sources.table(SUPERRES_CURVES)
    if curves is None:
        return []
    panels = []
    for (phase, measure), rows in curves.groupby(["phase", "measure"], sort=False):
        words = LOSSES.get(str(measure), str(measure).replace("_", " "))
        drawn = rows.assign(measure=words, part="train", seed=0, fold=0)
        panels.append(
            Panel(partial(draw_learning_curves, drawn), 4.2, 2.8, f"{PHASES.get(str(phase), phase)}: {words}")
        )
    caption = "One generator, fitted once; nothing stopped it early, and the test side was not looked at."
    told = about(sources).get("discriminator_auc")
    if told is not None:
        caption += f" Before the generator moved, the discriminator told its images of check patients from true ones with an AUC of {told:.2f}."
    title = "Supplementary: training of the generator"
    return [press.figure("enhancement_training", title, caption, panels, curves)]
