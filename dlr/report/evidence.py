"""Reading metrics.csv as a reader asks: this model's AUC on test, out-of-fold, nested; and which is the headline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from dlr.figures import theme
from dlr.report.sources import Sources
from dlr.words import CHOSEN, Estimate, Model, Protocol, Side

__all__ = [
    "FEW_EVENTS",
    "ROLES",
    "Evidence",
    "Headline",
    "cell",
    "curve_rows",
    "main_variant",
    "measure_words",
    "words_of",
]

FEW_EVENTS = 100  # test events under which the repeated nested value is the headline

# where each role of a reader's question stands in metrics.csv: protocol, side
ROLES: dict[str, tuple[tuple[str, str], ...]] = {
    "test": ((Protocol.CROSSFIT, Side.TEST), (Protocol.PAPER, Side.TEST)),
    "external": ((Protocol.CROSSFIT, Side.EXTERNAL), (Protocol.PAPER, Side.EXTERNAL)),
    "validation": ((Protocol.CROSSFIT, Side.VALIDATION), (Protocol.PAPER, Side.VALIDATION)),
    "out-of-fold": ((Protocol.CROSSFIT, Side.TRAIN),),
    "nested": ((Protocol.NESTED, Side.TEST), (Protocol.NESTED, "all"), (Protocol.NESTED, Side.TRAIN)),
    "left-out cohort": ((Protocol.LEAVE_ONE_COHORT_OUT, Side.TEST),),
    "apparent": ((Protocol.PAPER, Side.TRAIN),),
    "test, published way": ((Protocol.PAPER, Side.TEST),),
}
_MODELS = [str(model) for model in Model]


@dataclass(frozen=True)
class Headline:
    """Which number the report leads with."""

    target: str
    model: str
    role: str  # "nested", "test", "external" or "out-of-fold"
    auc: Estimate


class Evidence:
    """The rows of metrics.csv for whole sides (subset "all") and main variants."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        table = sources.table("evaluate", "metrics.csv")
        self.table = pd.DataFrame() if table is None else table
        self._estimates: dict[tuple[str, str, str, str | None], dict[str, Estimate | None]] = {}
        if not self.table.empty:
            self.table = self.table.assign(variant=self.table["variant"].fillna(""))
            whole = self.table[self.table["subset"].fillna("all") == "all"]
            self._whole = dict(iter(whole.groupby(["target", "model", "variant", "protocol", "side"], sort=False)))

    def models(self, target: str) -> list[str]:
        """The models that were evaluated, in the order of the five, others after."""
        if self.table.empty:
            return []
        found = list(dict.fromkeys(self.table.loc[self.table["target"] == target, "model"]))
        return sorted(found, key=_place)

    def variants(self, target: str, model: str) -> list[str]:
        """The variants of a model, the main one first."""
        rows = self.table[(self.table["target"] == target) & (self.table["model"] == model)]
        return _main_first(list(dict.fromkeys(rows["variant"])))

    def rows(self, target: str, model: str, role: str, variant: str | None = None) -> pd.DataFrame:
        """All measures of a model in a role; empty where there are none."""
        if self.table.empty:
            return self.table
        if variant is None:
            variants = self.variants(target, model)
            variant = variants[0] if variants else ""
        for protocol, side in ROLES[role]:
            found = self._whole.get((target, model, variant, str(protocol), str(side)))
            if found is not None:
                algorithms = list(dict.fromkeys(found["algorithm"].fillna("")))
                algorithm = CHOSEN if CHOSEN in algorithms else algorithms[0]
                return found[found["algorithm"].fillna("") == algorithm]
        return self.table.iloc[:0]

    def get(self, target: str, model: str, role: str, metric: str, variant: str | None = None) -> Estimate | None:
        """One measure with its interval, or None where it was not computed."""
        key = (target, model, role, variant)
        if key not in self._estimates:
            rows = self.rows(target, model, role, variant)
            self._estimates[key] = {row.metric: _estimate(row) for row in reversed(list(rows.itertuples()))}
        return self._estimates[key].get(metric)

    def stacked(self, model: str, role: str) -> bool:
        """Whether a value is optimistic because its inputs come from models that saw the held-out labels."""
        return model == Model.COMBINED and role == "out-of-fold" and not self.sources.setting("combine.inner", False)

    def cutoff(self, target: str, model: str, role: str = "test") -> float | None:
        """The cut-off used in a role."""
        rows = self.rows(target, model, role)
        values = rows["cutoff"].dropna() if len(rows) else pd.Series(dtype=float)
        return float(values.iloc[0]) if len(values) else None

    def headline(self, target: str) -> Headline | None:
        """The last of Clinical, Rad, DL, DLR, Combined that was evaluated: nested where test events are few, else test.

        Which model leads follows from this order alone, never from the results.
        """
        for model in reversed(self.models(target)):
            test = self.get(target, model, "test", "auc")
            nested = self.get(target, model, "nested", "auc")
            if nested is not None and (test is None or test.n_positive < FEW_EVENTS):
                return Headline(target, model, "nested", nested)
            for role in ("test", "external", "out-of-fold"):
                found = self.get(target, model, role, "auc")
                if found is not None:
                    return Headline(target, model, role, found)
        return None


def words_of(model: str) -> str:
    """What a model is made of, in a few words."""
    return {
        Model.CLINICAL: "clinical variables",
        Model.RAD: "radiomics",
        Model.DL: "a network",
        Model.DLR: "radiomics and deep features",
        Model.COMBINED: "clinical variables and an image signature",
    }.get(model, model)  # type: ignore[call-overload]


def cell(estimate: Estimate | None, digits: int, between: str = " ") -> str:
    """A value with its interval in brackets; a dash where it was not computed."""
    if estimate is None:
        return theme.NOTHING
    value = f"{estimate.value:.{digits}f}".replace("-", "−")
    limits = theme.format_interval(estimate.lower, estimate.upper, digits)
    return value if limits == theme.NOTHING else f"{value}{between}({limits})"


def measure_words(metric: str) -> str:
    """A measure's name as a reader meets it."""
    words = {"auc": "AUC", "brier": "Brier score", "slope": "calibration slope", "intercept": "calibration intercept"}
    return words.get(metric, metric.replace("_", " "))


def _estimate(row: Any) -> Estimate | None:
    """A row of metrics.csv; None where its value was not computed."""
    if pd.isna(row.value):
        return None
    method = "" if pd.isna(row.method) else str(row.method)
    return Estimate(float(row.value), float(row.lower), float(row.upper), int(row.n), int(row.n_positive), method)


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of the five models, within a model as they were."""
    return table.sort_values("model", key=lambda names: names.map(_place), kind="stable")


def main_variant(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of each model's main variant."""
    if "variant" not in table:
        return table
    table = table.assign(variant=table["variant"].fillna(""))
    main = {
        model: _main_first(list(dict.fromkeys(rows["variant"])))[0]
        for model, rows in table.groupby("model", sort=False)
    }
    return table[table["variant"] == table["model"].map(main)]


def curve_rows(table: pd.DataFrame | None, target: str, role: str) -> pd.DataFrame | None:
    """The rows of a curve table (roc, pr, calibration, decision, histogram) for a target in a role, main variants."""
    if table is None:
        return None
    table = main_variant(table[table["target"] == target])
    for protocol, side in ROLES[role]:
        found = table[(table["protocol"] == protocol) & (table["side"] == side)]
        if len(found):
            return in_order(found)
    return None


def _place(model: str) -> int:
    return _MODELS.index(model) if model in _MODELS else len(_MODELS)


def _main_first(variants: list[str]) -> list[str]:
    named = [v for v in ("", "primary", "main") if v in variants]
    return [*named, *(v for v in variants if v not in named)]
