"""What a reviewer will say where an interval or a test decides it; docs/reviewer.md says how often each is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from dlr.figures import theme
from dlr.report.blocks import Remark
from dlr.report.cohorts import within
from dlr.report.contents import number_of
from dlr.report.evidence import LEADERS, Evidence, cell, surely_above, surely_below, with_interval
from dlr.report.optimism import HONEST, gap_rows
from dlr.report.sources import Sources
from dlr.stats import fisher_exact
from dlr.tables import CONFOUNDERS, COPIES, SELECTION_FREQUENCY
from dlr.words import Estimate, Target

__all__ = [
    "biased",
    "confounded",
    "copies",
    "gap",
    "implausible",
    "miscalibrated",
    "shrunken_spread",
    "unknown_by_cohort",
    "unstable_selection",
]

UNEVEN, SURE = 0.2, 0.01  # difference of two cohorts in the share of known labels; p from which it is no chance
EXTREME, TIMID = 0.8, 1.25  # calibration slopes beyond which probabilities mislead
NARROW = 0.8  # ratio of two standard deviations
OFTEN = 0.5  # share of the chains that makes a feature a stable one, and of what chains keep that is stable


def copies(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    """Of rows of features that repeat another patient's."""
    rows = sources.table(COPIES)
    if rows is None:
        return
    named = "; ".join(
        f"{row.patient_id} ({row.side}) of {row.copy_patient} ({row.copy_side})" for row in rows.head(3).itertuples()
    )
    crossing = rows.loc[rows["side"] != rows["copy_side"], "patient_id"].nunique()
    yield Remark(
        3, "Patients are copies of other patients: a leak.",
        f"{rows['patient_id'].nunique()} repeat another's features, {crossing} of them across sides: {named}"
        f"{' …' if len(rows) > 3 else ''} (copies.csv).",
        "No figure of this run holds: give one patient one patient_id, or leave the copies out, and run again.",
        "columns patient_id, exclude_reason",
    )  # fmt: skip


def confounded(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of a column of the acquisition that tells the outcome by itself: what is left of the headline inside it."""
    rows = sources.of(CONFOUNDERS, target)
    headline = evidence.headline(target)
    for row in () if rows is None else rows[rows["found"]].sort_values("auc", ascending=False).itertuples():
        inside = within(evidence, headline, row.column)
        area = theme.format_estimate(row.auc, row.lower, row.upper)
        shown = f"{row.column} alone: AUC {area}, p {theme.format_p(row.p_holm)}; positive: {row.shares}."
        if headline is not None and inside is not None:
            pooled = with_interval(headline.estimate)
            shown += f" {headline.model} {headline.role}: {pooled} pooled, {with_interval(inside)}"
            shown += f" among pairs of one {row.column}."
        yield Remark(
            2 if inside is not None and inside.lower > 0.5 else 3,
            f"The {row.column} alone predicts {target.name}.", shown,
            f"Lead with the value inside one {row.column}; collect both classes alike, or set one {row.column} aside.",
            "cohort.external: [VALUE]" if row.column == "cohort" else "",
        )  # fmt: skip


def implausible(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of an AUC whose whole interval lies above what is plausible."""
    settings = sources.settings.evaluate
    limit = settings.plausible_auc.get(target.name, settings.plausible_auc_default)
    high = []
    for model in evidence.models(target.name):
        for role in ("nested", *LEADERS):
            auc = evidence.get(target.name, model, role, "auc")
            if auc is not None and auc.lower > limit:
                high.append(f"{model} {role} {cell(auc, 3)}")
    if high:
        yield Remark(
            3, "The AUC is too good: look for a leak.",
            f"{'; '.join(high)}; above {limit:g} is implausible for {target.name}.",
            "Look for text or callipers in the images, one patient under two ids, a column derived from the outcome.",
            f"evaluate.plausible_auc: {{{target.name}: {limit:g}}}",
        )  # fmt: skip


def gap(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of the model whose apparent AUC lies furthest above the interval of its honest one, by .1 or more."""
    rows = gap_rows(sources, evidence, target)
    rows = rows[rows["gap"] > 0.1].sort_values("gap", ascending=False, kind="stable")
    for row in rows.itertuples():
        where = HONEST[row.against]
        honest = evidence.get(target.name, row.model, where, "auc")
        if honest is None or not surely_below(honest, row.paper_train):
            continue
        shown = f"{row.model}: {theme.format_auc(row.paper_train)} on its own training patients"
        yield Remark(
            1, "Training performance is far above honest performance.",
            f"{shown}, {theme.format_auc(honest.value)} {where}.",
            f"Print the {where} value; section {number_of(sources, 'optimism')} shows both.",
            "learn.protocols: [paper, crossfit]",
        )  # fmt: skip
        return


def miscalibrated(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of a calibration slope on test that surely is not 1; of one that may be anything, that it cannot be judged."""
    headline = evidence.headline(target)
    slope = evidence.get(target.name, headline.model, "test", "calibration_slope") if headline else None
    if slope is None or not np.isfinite([slope.lower, slope.upper]).all():
        return
    shown = f"Calibration slope on test {cell(slope, 2)}."
    extreme, timid = slope.value < EXTREME and surely_below(slope, 1), slope.value > TIMID and surely_above(slope, 1)
    if extreme or timid:
        yield Remark(
            2, "Probabilities are too extreme." if extreme else "Probabilities are too timid.", shown,
            "Show the calibration curve; recalibrate before anyone uses the probabilities.", "combine.penalty: ridge",
        )  # fmt: skip
    elif slope.lower < EXTREME or slope.upper > TIMID:
        events = min(slope.n_positive, slope.n - slope.n_positive)
        yield Remark(
            1, f"Calibration cannot be judged with {events} events.", shown,
            "Say so; judge the probabilities on more patients before anyone uses them.", "",
        )  # fmt: skip


def shrunken_spread(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of models whose probabilities spread less on test than out-of-fold by more than chance allows."""
    narrow = []
    for model in evidence.models(target.name):
        inside, test = (evidence.get(target.name, model, role, "sd_probability") for role in ("out-of-fold", "test"))
        ratio = None if inside is None or test is None else _ratio(test, inside)
        if ratio is not None and ratio.value < NARROW and surely_below(ratio, 0, np.log):
            narrow.append(f"{model} {cell(ratio, 2)}")
    if narrow:
        yield Remark(
            1, "A signature spreads less on test than out-of-fold.",
            f"Ratio of standard deviations under {NARROW}: {'; '.join(narrow)}. "
            "Means of many chains lie closer together.",
            "Compare mean and spread on both sides before trusting a cut-off there.", "learn.seeds",
        )  # fmt: skip


def _ratio(a: Estimate, b: Estimate) -> Estimate | None:
    """Ratio of two standard deviations of different patients, from their intervals on the log scale."""
    if not (a.lower > 0 and b.lower > 0 and np.isfinite([a.upper, b.upper]).all()):
        return None
    value = a.value / b.value
    down = np.hypot(np.log(a.value / a.lower), np.log(b.upper / b.value))
    up = np.hypot(np.log(a.upper / a.value), np.log(b.value / b.lower))
    return Estimate(value, value * float(np.exp(-down)), value * float(np.exp(up)), a.n + b.n, 0, "log scale")


def unstable_selection(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of a model whose chains keep, on average, mostly features that are not kept in half of the chains."""
    frequency = sources.of(SELECTION_FREQUENCY, target)
    for model, rows in [] if frequency is None else frequency.groupby("model", sort=False):
        stable = rows["frequency"] >= OFTEN
        kept = rows["kept"].sum()
        if kept and rows.loc[stable, "kept"].sum() < OFTEN * kept:
            each = kept / rows["of"].iloc[0]
            yield Remark(
                1, "The selected features change from fold to fold.",
                f"{model}: of the {each:.1f} features that a chain keeps {rows.loc[stable, 'frequency'].sum():.1f} are "
                f"kept in half of the chains or more ({stable.sum()} of {len(rows):,} ever kept).",
                "Do not interpret single features; report the frequencies.", "learn.lasso_rule: 1se",
            )  # fmt: skip


def biased(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of per cents that surely are too high or too low on average."""
    headline = evidence.headline(target)
    bias = evidence.get(target.name, headline.model, headline.role, "bias") if headline else None
    if bias is not None and (surely_above(bias, 0) or surely_below(bias, 0)):
        yield Remark(
            2, f"Predictions are too {'high' if bias.value > 0 else 'low'} on average.",
            f"Bias {with_interval(bias, 1)} percentage points.", "Show the Bland–Altman figure; recalibrate.", "",
        )  # fmt: skip


def unknown_by_cohort(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    """Of labels that cohorts know in different shares, by more than chance allows."""
    patients = sources.patients
    if patients is None or target.name not in patients or (patients["cohort"] == "").all():
        return
    known = patients[target.name].notna()
    shares = known.groupby(patients["cohort"], sort=True).mean()
    if len(shares) < 2 or shares.max() - shares.min() <= UNEVEN:
        return
    if fisher_exact(pd.crosstab(patients["cohort"], known).to_numpy()).p < SURE:
        words = "; ".join(f"{name or 'no name'} {theme.format_percent(share, 0)}" for name, share in shares.items())
        yield Remark(
            2, "The outcome is unknown more often in one cohort than in another.", f"Known: {words}.",
            "Say so; judge within cohorts, and do not take what is unknown for negative.", "",
        )  # fmt: skip
