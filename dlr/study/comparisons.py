"""Rows of comparisons.csv: every pair of models on the same patients."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.randomness import rng
from dlr.study.measures import SMALLEST, Evaluated
from dlr.tables import COMPARISONS, RECLASSIFICATION
from dlr.words import Model, Role

__all__ = ["comparison_table", "reclassification_table"]

NAN = float("nan")
CAUTION = "rises for useless markers in miscalibrated models; read the AUC and net benefit first"


def comparison_table(signatures: list[Evaluated], primary: tuple[str, str], seed: int, replicates: int) -> pd.DataFrame:
    """Paired DeLong on held-out sides, Holm around the pre-named primary pair; out-of-fold a bootstrap without a p.

    signatures : the chosen ones of whole sides, variant "".
    """
    blocks: dict[tuple[str, str, str], list[Evaluated]] = {}
    for one in signatures:
        blocks.setdefault((one.target.name, one.protocol, one.side), []).append(one)
    rows: list[dict[str, Any]] = []
    for (target, protocol, side), models in blocks.items():
        pairs = [(b, a) if (b.model, a.model) == primary else (a, b) for a, b in combinations(models, 2)]
        found = [_compare(a, b, seed, replicates) for a, b in pairs]
        block = [row | {"target": target, "protocol": protocol, "side": side} for row in found if row]
        others = [row for row in block if {row["model_a"], row["model_b"]} != set(primary) and np.isfinite(row["p"])]
        for row in block:
            row["p_holm"] = row["p"] if {row["model_a"], row["model_b"]} == set(primary) else NAN
        for row, adjusted in zip(others, stats.holm([row["p"] for row in others]) if others else [], strict=True):
            row["p_holm"] = float(adjusted)
        rows += block
    return pd.DataFrame(rows, columns=list(COMPARISONS.names))


def _compare(a: Evaluated, b: Evaluated, seed: int, replicates: int) -> dict[str, Any]:
    """One pair on the patients that both have; {} where these are too few."""
    shared = set(a.patients) & set(b.patients)
    a, b = a.of(shared, "all"), b.of(shared, "all")
    if a.target.binary and not a.two_classes:
        return {}
    order = {patient: place for place, patient in enumerate(b.patients)}
    second = b.value[[order[patient] for patient in a.patients]]
    metric = "auc" if a.target.binary else "mae"
    row: dict[str, Any] = {
        "subset": "all",
        "metric": metric,
        "model_a": a.model,
        "variant_a": a.variant,
        "model_b": b.model,
        "variant_b": b.variant,
    }
    if not a.target.binary:
        found_errors = _compare_errors(a, second)
        return row | found_errors if found_errors else {}
    if a.role == Role.HELD_OUT:
        test = stats.delong_test(a.positive, a.probability, second)
        return row | {
            "difference": test.difference,
            "lower": test.lower,
            "upper": test.upper,
            "p": test.p,
            "method": test.method,
        }
    if a.role == Role.APPARENT:
        return {}
    rows = a.chains.merge(b.chains, on=["patient_id", "seed", "fold"], suffixes=("_a", "_b"))
    truth = pd.Series(a.positive, index=list(a.patients))
    found = stats.auc_difference(
        truth.loc[rows["patient_id"]].to_numpy(),
        rows["value_a"].to_numpy(),
        rows["value_b"].to_numpy(),
        rows["fold"].to_numpy(),
        rows["seed"].to_numpy(),
        patients=rows["patient_id"].to_numpy(),
        generator=rng(seed, "bootstrap", a.target.name, a.protocol, a.model, b.model),
        replicates=replicates,
    )
    method = f"out-of-fold within fold and seed, {found.method}, given these models; no p is valid here"
    return row | {
        "difference": found.value,
        "lower": found.lower,
        "upper": found.upper,
        "p": NAN,
        "method": method,
    }


def _compare_errors(a: Evaluated, second: np.ndarray) -> dict[str, Any]:
    """Two models of a per cent target by their mean absolute errors; apparent ones compare nothing."""
    if a.role == Role.APPARENT or len(a.patients) < SMALLEST:
        return {}
    found = stats.absolute_error_difference(a.truth, a.value, second)
    held_out = a.role == Role.HELD_OUT
    return {
        "difference": found.difference, "lower": found.lower, "upper": found.upper,
        "p": found.p if held_out else NAN,
        "method": found.method if held_out else f"out-of-fold, {found.method}, given these models; no p is valid here",
    }  # fmt: skip


def reclassification_table(signatures: list[Evaluated]) -> pd.DataFrame:
    """RECLASSIFICATION: NRI and IDI of Combined over each other model on held-out sides, with their caution."""
    rows = []
    for new in (one for one in signatures if one.model == Model.COMBINED and one.role == Role.HELD_OUT):
        for old in signatures:
            alike = (old.target, old.protocol, old.side) == (new.target, new.protocol, new.side)
            if old.model == new.model or not alike:
                continue
            shared = set(old.patients) & set(new.patients)
            before, after = old.of(shared, "all"), new.of(shared, "all")
            if not after.two_classes or before.patients != after.patients:
                continue
            found = {
                "nri": stats.nri(after.positive, before.probability, after.probability).total,
                "idi": stats.idi(after.positive, before.probability, after.probability),
            }
            for measure, test in found.items():
                row: dict[str, Any] = after.names | {"model_old": old.model, "measure": measure, "caution": CAUTION}
                rows.append(row | {"value": test.difference, "lower": test.lower, "upper": test.upper, "p": test.p})
    return pd.DataFrame(rows, columns=list(RECLASSIFICATION.names))
