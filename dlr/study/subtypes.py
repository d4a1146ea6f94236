"""Molecular subtypes out of ER, PR, HER2 and Ki-67: those that signatures call, and the true ones beside them.

Sources: St Gallen 2013 (Goldhirsch et al., Ann Oncol 24:2206), 2011 (Ann Oncol 22:1736).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr import stats
from dlr.tables import SUBTYPE_METRICS, SUBTYPES
from dlr.words import Estimate, Role, Subtype, Target, chose_cutoffs, signature

__all__ = ["RECEPTORS", "RULES", "Rule", "called_subtypes", "subtype_metrics", "subtypes_of"]

RECEPTORS = ("er", "pr", "her2")
KI67 = "ki67"
PR_PER_CENT = "pr_per_cent"
MEASURED = dict.fromkeys(RECEPTORS, 1.0)  # 1 of 0 and 1
LEAST = 4  # patients, for a difference to have an interval
LINE = ["model", "variant", "protocol", "side"]


@dataclass(frozen=True)
class Rule:
    """What luminal A asks of a tumour that is hormone receptor positive and HER2 negative; the others are luminal B."""

    ki67_below: float  # per cent
    pr_from: float = 0.0  # per cent, heeded where PR is a per cent


RULES = {"st_gallen_2013": Rule(20.0, 20.0), "st_gallen_2011": Rule(14.0)}


def subtypes_of(markers: pd.DataFrame, rule: Rule) -> pd.Series:
    """The subtype of every row, "" where one of its markers is unknown.

    markers : er, pr and her2, 1 or 0, NaN where unknown; ki67 in per cent, without which luminal A and luminal B/HER2-
    are one; pr_per_cent where PR is known in per cent. Ki-67 is asked for in luminal tumours without HER2 alone.
    """
    known = markers[list(RECEPTORS)].notna().all(axis=1)
    hormones, her2 = (markers["er"] == 1) | (markers["pr"] == 1), markers["her2"] == 1
    split: np.ndarray | str = Subtype.LUMINAL_A_OR_B.value
    if KI67 in markers:
        known &= markers[KI67].notna() | ~hormones | her2
        low = markers[KI67] < rule.ki67_below
        if PR_PER_CENT in markers:
            low &= markers[PR_PER_CENT] >= rule.pr_from
        split = np.where(low, Subtype.LUMINAL_A.value, Subtype.LUMINAL_B_NEGATIVE.value)
    found = np.select(
        [~known, hormones & her2, hormones, her2],
        ["", Subtype.LUMINAL_B_POSITIVE.value, split, Subtype.HER2_ENRICHED.value],
        default=Subtype.TRIPLE_NEGATIVE.value,
    )
    return pd.Series(found, index=markers.index, dtype=object)


def called_subtypes(
    predictions: pd.DataFrame,
    cutoffs: pd.DataFrame,
    targets: Sequence[Target],
    rule: str,
    labels: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """SUBTYPES: what every signature that answers all three receptors calls its patients, and the true one beside it.

    predictions : PREDICTIONS, of chosen algorithms.  cutoffs : CUTOFFS; where a receptor has none (protocols that hold
    everybody out once, the ablation's rows) nothing is called.  labels : by target, of every patient in whom it is
    known; of new patients None.
    Receptors are of two classes: of predicted per cents no cut-off is known, a regression hardly ever says under 1 %,
    and nothing is called. Ki-67 is the predicted per cent. Patients of whom the signature leaves
    a marker unanswered have no row. A signature that says nothing of Ki-67 calls luminal A and luminal B/HER2- one, and
    so the true ones beside it are.
    """
    kinds = {target.name: target for target in targets if target.name in (*RECEPTORS, KI67)}
    if not all(name in kinds and kinds[name].binary for name in RECEPTORS) or predictions.empty:
        return SUBTYPES.empty()
    asked = [*RECEPTORS, *([KI67] if KI67 in kinds and not kinds[KI67].binary else [])]
    at = {tuple(line): cutoff for *line, cutoff in cutoffs[["target", *LINE[:3], "cutoff"]].itertuples(index=False)}
    measured = pd.DataFrame({name: labels[name] for name in asked} if labels else {}, dtype=float)
    rows = []
    for names, own in signature(predictions).groupby(LINE, sort=True):
        values = own.pivot(index="patient_id", columns="target", values="value")
        answered = [name for name in asked if name in values]
        cut = {name: at.get((name, *names[:3]), np.nan) for name in RECEPTORS}
        if not set(RECEPTORS) <= set(answered) or np.isnan(list(cut.values())).any():
            continue
        called = subtypes_of(_markers(values[answered].dropna(), cut), RULES[rule])
        true = subtypes_of(_markers(measured.reindex(columns=answered), MEASURED), RULES[rule])
        found = {"patient_id": called.index, "true": true.reindex(called.index).fillna(""), "called": called}
        line = dict(zip(LINE, names, strict=True))
        rows.append(pd.DataFrame(found).assign(**line, role=own["role"].iloc[0], rule=rule))
    return pd.concat(rows, ignore_index=True)[list(SUBTYPES.names)] if rows else SUBTYPES.empty()


def subtype_metrics(subtypes: pd.DataFrame) -> pd.DataFrame:
    """SUBTYPE_METRICS of patients whose true subtype is known: accuracy, beside it the share of the commonest true one
    (no_information_rate), accuracy less that share (gain), and by subtype sensitivity and ppv, NaN where nobody has it
    or is called so. Shares with Wilson's interval; the gain with that of the paired differences (t), NaN under four
    patients. Out-of-fold given these models; the method says where the patients chose the cut-offs.
    """
    rows = []
    keys = [*LINE, "role", "rule"]
    known = subtypes[subtypes["true"] != ""]
    for names, own in known.groupby(keys, sort=True):
        true, called = own["true"], own["called"]
        found = [
            ("accuracy", "all", stats.interval_wilson(int((true == called).sum()), len(own))),
            ("no_information_rate", "all", stats.interval_wilson(int(true.value_counts().max()), len(own))),
            ("gain", "all", _gain(true, called)),
        ]
        for subtype in (one.value for one in Subtype if (true == one).any() or (called == one).any()):
            both = int(((true == subtype) & (called == subtype)).sum())
            found.append(("sensitivity", subtype, stats.interval_wilson(both, int((true == subtype).sum()))))
            found.append(("ppv", subtype, stats.interval_wilson(both, int((called == subtype).sum()))))
        rows += [_row(dict(zip(keys, names, strict=True)), *entry) for entry in found]
    return pd.DataFrame(rows, columns=list(SUBTYPE_METRICS.names))


def _gain(true: pd.Series, called: pd.Series) -> Estimate:
    """Share called rightly less that of the commonest true subtype, of equals the first by name."""
    commonest = true.value_counts().sort_index().idxmax()
    if len(true) < LEAST:
        return Estimate(float("nan"), float("nan"), float("nan"), len(true), 0, f"fewer than {LEAST} patients")
    wrong, missed = ((one != true).astype(float) for one in (called, pd.Series(commonest, index=true.index)))
    found = stats.absolute_error_difference(np.zeros(len(true)), missed, wrong)
    return Estimate(found.difference, found.lower, found.upper, len(true), 0, "paired t of right answers")


def _row(named: dict[str, str], metric: str, subtype: str, found: Estimate) -> dict[str, object]:
    given = {
        Role.HELD_OUT: found.method,
        Role.APPARENT: f"apparent, {found.method}",
        Role.OUT_OF_FOLD: f"out-of-fold, {found.method}, given these models",
        Role.STACKED: f"{Role.STACKED}, {found.method}, given these models",
    }
    chose = "; these patients chose the cut-offs" if chose_cutoffs(named["protocol"], named["side"]) else ""
    return named | {
        "metric": metric, "subtype": subtype, "value": found.value, "lower": found.lower, "upper": found.upper,
        "n": found.n, "method": given[Role(named["role"])] + chose,
    }  # fmt: skip


def _markers(values: pd.DataFrame, cut: Mapping[str, float]) -> pd.DataFrame:
    """What a subtype is made of, out of values by patient and target: 1 from the cut-off of a receptor on."""
    out = values.copy()
    for name in RECEPTORS:
        out[name] = (values[name] >= cut[name]).astype(float).where(values[name].notna())
    return out
