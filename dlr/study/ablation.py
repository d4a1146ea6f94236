"""The ablation: the spatial network, the same without one of its parts each, and what else stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import pandas as pd

from dlr import stats
from dlr.randomness import rng
from dlr.study.comparisons import compare, macro_difference, on_the_same
from dlr.study.macro import label_rows
from dlr.study.measures import SMALLEST, Evaluated, leading, role_words
from dlr.tables import ABLATION
from dlr.volume.settings import AblationRow
from dlr.words import CHOSEN, MACRO, Estimate, Model, Role

__all__ = ["is_ablation_row", "ablation_table"]

FULL = "full"
BESIDE = {  # rows that are no setting of the network: model and algorithm
    "radiomics_logistic": (Model.RAD, "logistic"),
    "radiomics_svm": (Model.RAD, "svm"),
    "frozen": (Model.DL, CHOSEN),
}
ROWS = (FULL, *get_args(AblationRow), *BESIDE)
NAN = float("nan")


def is_ablation_row(one: Evaluated) -> bool:
    """Whether it is the spatial network without one of its parts: it stands in ABLATION alone, as it is no model that
    anybody would take.
    """
    return one.model == Model.SPATIAL and bool(one.variant)


def ablation_table(signatures: Sequence[Evaluated], seed: int, replicates: int) -> pd.DataFrame:
    """ABLATION: AUC, macro AUC and mean absolute error of every row and its difference from the whole network.

    All rows of a target, protocol and side are of the same patients, out-of-fold of the same drawings of the folds:
    those that every row has; so a difference is that of the two values. It is DeLong's with p on held-out sides, a
    paired bootstrap by patient out-of-fold and for `macro`, a paired t-test of absolute errors of a per cent. The p are
    not adjusted for their number. Apparent values, and studies without the spatial network, have no rows.
    """
    blocks: dict[tuple[str, str], dict[str, dict[str, Evaluated]]] = {}
    for one in signatures:
        row = _row_of(one)
        if row and one.role != Role.APPARENT:
            blocks.setdefault((one.protocol, one.side), {}).setdefault(row, {})[one.target.name] = one
    rows = []
    for (protocol, side), found in sorted(blocks.items()):
        named = {row: found[row] for row in ROWS if row in found}
        for entry in _rows(named, seed, replicates) if FULL in named else ():
            rows.append(entry | {"protocol": protocol, "side": side})
    return pd.DataFrame(rows, columns=list(ABLATION.names))


def _row_of(one: Evaluated) -> str:
    """The name of its row; empty where it has none."""
    if one.model == Model.SPATIAL and one.algorithm == CHOSEN:
        return one.variant or FULL
    return next((row for row, of in BESIDE.items() if of == (one.model, one.algorithm) and not one.variant), "")


def _rows(named: Mapping[str, Mapping[str, Evaluated]], seed: int, replicates: int) -> Iterator[dict[str, Any]]:
    """The rows of one protocol and side, target by target, then of all binary ones together."""
    together: dict[str, list[Evaluated]] = {row: [] for row in named}
    for target in sorted(named[FULL]):
        have = [row for row in named if target in named[row]]
        own = dict(zip(have, on_the_same([named[row][target] for row in have]), strict=True))
        full = own[FULL]
        if not (full.two_classes if full.target.binary else len(full.patients) >= SMALLEST):
            continue
        for row, one in own.items():
            against = compare(one, full) if row != FULL else {}
            metric = "auc" if one.target.binary else "mae"
            yield _entry(row, target, metric, leading(one), against)
            if one.target.binary:
                together[row].append(one)
    full_targets = together[FULL]
    for row, targets in together.items():
        if len(targets) < max(2, len(full_targets)):  # a mean over fewer targets is another measure
            continue
        rows = [label_rows(one) for one in targets]
        found = stats.macro_auc(rows, generator=rng(seed, "bootstrap"), replicates=replicates)
        found = Estimate(found.value, found.lower, found.upper, found.n, 0, role_words(targets[0]) + found.method)
        against = macro_difference(targets, full_targets, seed, replicates) if row != FULL else {}
        yield _entry(row, MACRO, "auc", found, against)


def _entry(row: str, target: str, metric: str, found: Estimate, against: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "row": row, "target": target, "metric": metric, "value": found.value, "lower": found.lower,
        "upper": found.upper, "difference": against.get("difference", NAN),
        "difference_lower": against.get("lower", NAN), "difference_upper": against.get("upper", NAN),
        "p": against.get("p", NAN), "n": found.n, "method": found.method,
        "difference_method": against.get("method", ""),
    }  # fmt: skip
