# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Reading metrics.csv as a reader asks: this model's AUC on test, out-of-fold, nested; and which is the headline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dlr.figures import theme
from dlr.report.sources import Sources
from dlr.tables import CUTOFFS, METRICS, PERMUTATIONS, Table
from dlr.words import (
    CHOSEN,
    CROSS_VALIDATED_EXTERNAL,
    FROZEN_EXTERNAL,
    MODELS,
    Estimate,
    Protocol,
    Role,
    Side,
    Target,
    TargetKind,
    stopped_on,
)

__all__ = [
    "FEW_EVENTS",
    "ROLES",
    "ROLES_SHOWN",
    "WHOLE",
    "ELSEWHERE",
    "Evidence",
    "Headline",
    "LEADERS",
    "LEADING",
    "cell",
    "held_out_once",
    "judged_on",
    "main_variant",
    "markers_of",
    "of_fewer",
    "surely_above",
    "surely_below",
    "measure_words",
    "with_interval",
]

WHOLE = "all"  # the subset that is a whole side

WIDER = 2.5758 / 1.96  # a 99 % interval against a 95 % one
FEW_EVENTS = 100  # test events (of a per cent: patients) under which the repeated nested value is the headline

# where each role of a reader's question stands in metrics.csv: protocol, side
ROLES: dict[str, tuple[tuple[str, str], ...]] = {
    "test": ((Protocol.CROSSFIT, Side.TEST), (Protocol.PAPER, Side.TEST)),
    FROZEN_EXTERNAL: ((Protocol.CROSSFIT, Side.EXTERNAL), (Protocol.PAPER, Side.EXTERNAL)),
    CROSS_VALIDATED_EXTERNAL: ((Protocol.EXTERNAL_CROSSFIT, Side.EXTERNAL),),  # no external test: fitted among them
    "validation": ((Protocol.CROSSFIT, Side.VALIDATION), (Protocol.PAPER, Side.VALIDATION)),
    "out-of-fold": ((Protocol.CROSSFIT, Side.TRAIN),),
    "nested": ((Protocol.NESTED, Side.TEST), (Protocol.NESTED, "all"), (Protocol.NESTED, Side.TRAIN)),
    "left-out cohort": ((Protocol.LEAVE_ONE_COHORT_OUT, Side.TEST),),
    "apparent": ((Protocol.PAPER, Side.TRAIN),),
    "test, published way": ((Protocol.PAPER, Side.TEST),),
}
ELSEWHERE = (FROZEN_EXTERNAL, "left-out cohort")  # roles of patients from another source than the training side
ROLES_SHOWN = (  # in tables
    "nested", "test", FROZEN_EXTERNAL, "validation", "left-out cohort", "out-of-fold", CROSS_VALIDATED_EXTERNAL,
    "apparent",
)  # fmt: skip
LEADERS = ("test", FROZEN_EXTERNAL, "left-out cohort", "out-of-fold", CROSS_VALIDATED_EXTERNAL)  # the first leads
LEADING = {TargetKind.BINARY: "auc", TargetKind.PER_CENT: "mae"}  # the measure that a headline gives


@dataclass(frozen=True)
class Headline:
    """Which number the report leads with."""

    target: Target
    model: str
    role: str  # "nested" or one of LEADERS
    estimate: Estimate  # the AUC, or the mean absolute error of a per cent


class Evidence:
    """The rows of metrics.csv for whole sides (subset "all") and main variants."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        table = sources.table(METRICS)
        self.table = METRICS.empty() if table is None else table
        self._estimates: dict[tuple[str, str, str, str | None], dict[str, Estimate | None]] = {}
        whole = self.table[self.table["subset"] == WHOLE]
        self._whole = dict(iter(whole.groupby(["target", "model", "variant", "protocol", "side"], sort=False)))

    def models(self, target: str) -> list[str]:
        """The models that were evaluated, in the order of the house's, a pipeline's own after them."""
        found = dict.fromkeys(self.table.loc[self.table["target"] == target, "model"])
        return sorted(found, key=self.sources.place)

    def variants(self, target: str, model: str) -> list[str]:
        """The variants of a model, the main one first."""
        rows = self.table[(self.table["target"] == target) & (self.table["model"] == model)]
        return _main_first(list(dict.fromkeys(rows["variant"])))

    def rows(self, target: str, model: str, role: str, variant: str | None = None) -> pd.DataFrame:
        """All measures of a model in a role; empty where there are none."""
        if variant is None:
            variants = self.variants(target, model)
            variant = variants[0] if variants else ""
        for protocol, side in ROLES[role]:
            found = self._whole.get((target, model, variant, str(protocol), str(side)))
            if found is not None:
                algorithms = list(dict.fromkeys(found["algorithm"]))
                algorithm = CHOSEN if CHOSEN in algorithms else algorithms[0]
                return found[found["algorithm"] == algorithm]
        return self.table.iloc[:0]

    def get(self, target: str, model: str, role: str, metric: str, variant: str | None = None) -> Estimate | None:
        """One measure with its interval, or None where it was not computed."""
        key = (target, model, role, variant)
        if key not in self._estimates:
            rows = self.rows(target, model, role, variant)
            self._estimates[key] = {row.metric: _estimate(row) for row in reversed(list(rows.itertuples()))}
        return self._estimates[key].get(metric)

    def shuffled(self, target: str, model: str, variant: str | None = None) -> Estimate | None:
        """The permutation p of a model's out-of-fold AUC, n the shuffles; None where no outcome was shuffled."""
        rows = self.sources.table(PERMUTATIONS)
        if rows is None:
            return None
        variant = self.variants(target, model)[0] if variant is None else variant
        rows = rows[(rows["target"] == target) & (rows["model"] == model) & (rows["variant"] == variant)]
        if rows.empty:
            return None
        row = rows.iloc[0]
        return Estimate(float(row["p"]), float("nan"), float("nan"), int(row["permutations"]), 0, str(row["method"]))

    def of_cohorts(self, target: str, model: str) -> pd.DataFrame:
        """The out-of-fold AUC of a model's main variant inside each cohort; empty where there is one cohort."""
        table = self.table
        own = (table["target"] == target) & (table["model"] == model) & (table["metric"] == "auc")
        whole = (
            (table["protocol"] == Protocol.CROSSFIT) & (table["side"] == Side.TRAIN) & (table["algorithm"] == CHOSEN)
        )
        return table[own & whole & (table["variant"] == "") & table["subset"].str.startswith("cohort=")]

    def stacked(self, target: str, model: str, role: str) -> bool:
        """Whether a value is optimistic because its inputs come from models that saw the held-out labels."""
        return Role.STACKED in set(self.rows(target, model, role)["role"])

    def role_words(self, target: str, model: str, role: str) -> str:
        """A role as tables and figures call it, marked where the model's values in it are stacked."""
        return f"{role} ({Role.STACKED})" if self.stacked(target, model, role) else role

    def cutoff(self, target: str, model: str, role: str = "test") -> float | None:
        """The cut-off used in a role."""
        rows = self.rows(target, model, role)
        values = rows["cutoff"].dropna() if len(rows) else pd.Series(dtype=float)
        return float(values.iloc[0]) if len(values) else None

    def cutoff_from(self, target: str, model: str, role: str = "test") -> str:
        """The patients that gave the cut-off used in a role: "training", "validation", or the external ones themselves."""
        if role == CROSS_VALIDATED_EXTERNAL:
            return "the same"
        used, table = self.rows(target, model, role), self.sources.table(CUTOFFS)
        if table is None or used.empty:
            return "training"
        own = (table["target"] == target) & (table["model"] == model) & (table["variant"] == used["variant"].iloc[0])
        rules = table.loc[own & (table["protocol"] == used["protocol"].iloc[0]), "rule"]
        return "validation" if rules.str.endswith("validation side").any() else "training"

    def stopped_note(self, target: str) -> str:
        """That the patients of role validation chose the epoch of networks, where they did; else nothing."""
        rows = {model: self.rows(target, model, "validation") for model in self.models(target)}
        named = [
            model
            for model, own in rows.items()
            if len(own) and stopped_on(model, own["protocol"].iloc[0], Side.VALIDATION)
        ]
        if not named:
            return ""
        return f"The validation side chose the epoch of the networks ({', '.join(named)}) and the cut-off: what they reach there is not fully held out."

    def headline(self, target: Target) -> Headline | None:
        """The model that was named beforehand, in the role that says most: nested where few were tested, else test.

        It is the first of evaluate.primary; where that was not fitted, the last of the house's order; a pipeline's own
        model where there is no other. Never the results decide.
        """
        metric = LEADING[target.kind]
        for model in self._leaders(target.name):
            test = self.get(target.name, model, "test", metric)
            nested = self.get(target.name, model, "nested", metric)
            if nested is not None and (test is None or self.few(target, test)):
                return Headline(target, model, "nested", nested)
            for role in LEADERS:
                found = self.get(target.name, model, role, metric)
                if found is not None:
                    return Headline(target, model, role, found)
        return None

    def _leaders(self, target: str) -> list[str]:
        """The models in the order in which they may lead."""
        named, houses = self.sources.settings.evaluate.primary[0], {spec.name for spec in MODELS}
        return sorted(
            self.models(target),
            key=lambda model: (model != named, model not in houses, -self.sources.place(model)),
        )

    @staticmethod
    def few(target: Target, estimate: Estimate) -> bool:
        """Whether a side has too few events, or of a per cent too few patients, to lead."""
        return (estimate.n_positive if target.binary else estimate.n) < FEW_EVENTS

    def in_order(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows in the order of the models, within a model as they were."""
        return table.sort_values("model", key=lambda names: names.map(self.sources.place), kind="stable")

    def curve(self, table: Table, target: Target, role: str) -> pd.DataFrame | None:
        """The rows of a curve's table (ROC, PR, CALIBRATION ...) for a target in a role, main variants."""
        rows = self.sources.of(table, target)
        if rows is None:
            return None
        rows = main_variant(rows)
        for protocol, side in ROLES[role]:
            found = rows[(rows["protocol"] == protocol) & (rows["side"] == side)]
            if len(found):
                return self.in_order(found)
        return None


def cell(estimate: Estimate | None, digits: int = 3, between: str = " ") -> str:
    """A value with its interval in brackets, at most `digits` after the point; a dash where it was not computed."""
    if estimate is None:
        return theme.NOTHING
    return theme.format_estimate(estimate.value, estimate.lower, estimate.upper, digits, between)


def with_interval(estimate: Estimate, digits: int = 3) -> str:
    """A value with its interval in the words of a sentence."""
    return theme.format_estimate(estimate.value, estimate.lower, estimate.upper, digits, words="95 % interval ")


def surely_above(estimate: Estimate, value: float, scale: Callable[[float], float] = float) -> bool:
    """Whether the 99 % interval, widened out of the 95 % one on a scale, lies above a value; of no interval never.

    The reviewer's list accuses at 99 %: of several models, outcomes and checks it is then wrong in few studies.
    """
    middle, end = scale(estimate.value), scale(estimate.lower)
    return bool(middle - WIDER * (middle - end) > value)


def surely_below(estimate: Estimate, value: float, scale: Callable[[float], float] = float) -> bool:
    """Whether the 99 % interval lies below a value; as `surely_above`."""
    middle, end = scale(estimate.value), scale(estimate.upper)
    return bool(middle + WIDER * (end - middle) < value)


def measure_words(metric: str) -> str:
    """A measure's name as a reader meets it."""
    words = {
        "auc": "AUC",
        "brier": "Brier score",
        "slope": "calibration slope",
        "intercept": "calibration intercept",
        "mae": "mean absolute error",
    }
    return words.get(metric, metric.replace("_", " "))


def held_out_once(sources: Sources) -> bool:
    """Whether a protocol predicted training patients by models that had not seen them."""
    others = (Protocol.PAPER, Protocol.EXTERNAL_CROSSFIT)
    return any(protocol not in others for protocol in sources.settings.learn.protocols)


def judged_on(sources: Sources) -> str:
    """On which predictions cut-offs were chosen."""
    table = sources.table(CUTOFFS)
    by_side = table is not None and table["rule"].str.endswith("validation side").any()
    if not held_out_once(sources):
        return "predictions of the validation side" if by_side else "predictions of the models' own training patients"
    return "out-of-fold predictions" + (", of the published protocol on the validation side" if by_side else "")


def markers_of(method: str) -> tuple[str, ...]:
    """Over which markers a row of target `macro` is the mean, by its method; of other rows none."""
    named = method.partition("; mean of ")[2].removesuffix(", given these models")
    return tuple(filter(None, named.split(", ")))


def of_fewer(sources: Sources, method: str) -> str:
    """Over which markers a mean runs, where these are not all of the study's."""
    named = markers_of(method)
    every = {target.name for target in sources.targets if target.binary}
    return "" if not named or set(named) == every else f"\nof {', '.join(named)}"


def _estimate(row: Any) -> Estimate | None:
    """A row of metrics.csv; None where its value was not computed. A per cent has no positive patients: 0."""
    if pd.isna(row.value):
        return None
    positive = 0 if pd.isna(row.n_positive) else int(row.n_positive)
    return Estimate(float(row.value), float(row.lower), float(row.upper), int(row.n), positive, str(row.method))


def main_variant(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of each model's main variant."""
    main = {
        model: _main_first(list(dict.fromkeys(rows["variant"])))[0]
        for model, rows in table.groupby("model", sort=False)
    }
    return table[table["variant"] == table["model"].map(main)]


def _main_first(variants: list[str]) -> list[str]:
    return sorted(variants, key=bool)  # the main one has no name
