"""Rows of comparisons.csv: every pair of models on the same patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.randomness import rng
from dlr.study.macro import label_rows, together
from dlr.study.measures import SMALLEST, WHOLE, Evaluated, role_words
from dlr.tables import COMPARISONS, RECLASSIFICATION
from dlr.words import LESION_ALONE, MACRO, OTHER_IMAGES, Model, Role, signature, stopped_on

__all__ = ["compare", "comparison_table", "macro_difference", "on_the_same", "reclassification_table"]

NAN = float("nan")
CHOSE = "these patients chose the network's epoch, so no p is valid here"
CAUTION = "rises for useless markers in miscalibrated models; read the AUC and net benefit first"


def comparison_table(
    signatures: list[Evaluated],
    primary: tuple[str, str],
    seed: int,
    replicates: int,
    held_against: Sequence[Evaluated] = (),
) -> pd.DataFrame:
    """Paired DeLong on held-out sides, Holm around the pre-named primary pair; out-of-fold no p.

    Nor has a network a p on the side whose patients chose its epoch.

    signatures : the chosen ones of whole sides; of a model there may be two variants. The rows of two or more binary
    targets together (`macro`) have a bootstrap everywhere.
    held_against : the same signatures fitted on other images, or other columns, of the same patients (variants
    HELD_AGAINST). Each is compared with its own model alone, outside Holm's family: what enhancing does, or the tissue
    around a lesion adds, is no question of which model to take.
    """
    blocks: dict[tuple[str, str, str], list[Evaluated]] = {}
    for one in signatures:
        blocks.setdefault((one.target.name, one.protocol, one.side), []).append(one)
    rows: list[dict[str, Any]] = []
    for (target, protocol, side), models in blocks.items():
        pairs = _pairs(models, primary)
        found = [compare(a, b) for a, b in pairs]
        block = [row | {"target": target, "protocol": protocol, "side": side} for row in found if row]
        others = [row for row in block if {row["model_a"], row["model_b"]} != set(primary) and np.isfinite(row["p"])]
        for row in block:
            row["p_holm"] = row["p"] if {row["model_a"], row["model_b"]} == set(primary) else NAN
        for row, adjusted in zip(others, stats.holm([row["p"] for row in others]) if others else [], strict=True):
            row["p_holm"] = float(adjusted)
        rows += block
    rows += _macro_differences(signatures, primary, seed, replicates)
    rows += _own_differences(signatures, held_against)
    return pd.DataFrame(rows, columns=list(COMPARISONS.names))


def _own_differences(signatures: Sequence[Evaluated], held_against: Sequence[Evaluated]) -> Iterator[dict[str, Any]]:
    """Every two of a model's own images, bicubic and native, the one that more was done to first; a model and its
    lesion alone."""
    lines: dict[tuple[str, ...], list[Evaluated]] = {}
    for one in [*(one for one in signatures if not one.variant), *held_against]:
        lines.setdefault((one.target.name, one.protocol, one.side, one.model), []).append(one)
    for (target, protocol, side, _), found in lines.items():
        by_variant = {one.variant: one for one in found}
        for asked in (("", *reversed(OTHER_IMAGES)), ("", LESION_ALONE)):
            for a, b in combinations([by_variant[name] for name in asked if name in by_variant], 2):
                if row := compare(a, b):
                    yield row | {"target": target, "protocol": protocol, "side": side, "p_holm": NAN}


def _pairs(models: Sequence[Evaluated], primary: tuple[str, str]) -> list[tuple[Evaluated, Evaluated]]:
    """Every two of them, the pre-named pair in its own order."""
    return [(b, a) if (b.model, a.model) == primary else (a, b) for a, b in combinations(models, 2)]


def _pair_of(a: Evaluated, b: Evaluated) -> dict[str, Any]:
    """What stands before the numbers of a row."""
    names = {"model_a": a.model, "variant_a": a.variant, "model_b": b.model, "variant_b": b.variant}
    return {"subset": WHOLE, "metric": "auc" if a.target.binary else "mae", **names}


def _macro_differences(
    signatures: Sequence[Evaluated], primary: tuple[str, str], seed: int, replicates: int
) -> Iterator[dict[str, Any]]:
    """Rows of target `macro`: mean AUC over the targets that both models answer, patients drawn for both at once."""
    blocks: dict[tuple[str, str], dict[tuple[str, str], list[Evaluated]]] = {}
    for targets in together(signatures):
        first = targets[0]
        if first.role != Role.APPARENT:
            blocks.setdefault((first.protocol, first.side), {})[first.model, first.variant] = targets
    for (protocol, side), models in blocks.items():
        for first, second in _pairs([targets[0] for targets in models.values()], primary):
            a, b = (models[one.model, one.variant] for one in (first, second))
            found = macro_difference(a, b, seed, replicates)
            if found:
                yield _pair_of(first, second) | found | {
                    "target": MACRO, "protocol": protocol, "side": side, "p_holm": NAN,
                }  # fmt: skip


def macro_difference(a: Sequence[Evaluated], b: Sequence[Evaluated], seed: int, replicates: int) -> dict[str, Any]:
    """Mean AUC of a less that of b over the targets that both answer; {} where these are not two with two classes."""
    other = {one.target.name: one for one in b}
    both = [on_the_same([one, other[one.target.name]]) for one in a if one.target.name in other]
    if len(both) < 2 or not all(pair[0].two_classes for pair in both):
        return {}
    found = stats.macro_auc_difference(
        *([label_rows(pair[k]) for pair in both] for k in (0, 1)),
        generator=rng(seed, "bootstrap"), replicates=replicates,
    )  # fmt: skip
    return {
        "difference": found.value, "lower": found.lower, "upper": found.upper, "p": NAN,
        "method": role_words(a[0]) + found.method,
    }  # fmt: skip


def on_the_same(signatures: Sequence[Evaluated]) -> list[Evaluated]:
    """Signatures on the patients, and out-of-fold on the chains, that all have; each in its own order.

    Out-of-fold a value is that of the shared chains alone: nobody's mean of many is held against another's of one.
    """
    patients = set.intersection(*(set(one.patients) for one in signatures))
    if not signatures[0].cross_fitted:
        return [one.of(patients, one.subset) for one in signatures]
    keys = ["patient_id", "seed", "fold"]
    places = [pd.MultiIndex.from_frame(one.chains[keys]) for one in signatures]
    shared = reduce(pd.Index.intersection, places)
    patients &= set(shared.get_level_values(0))
    found = []
    for one, place in zip(signatures, places, strict=True):
        alike = replace(one, chains=one.chains[place.isin(shared)]).of(patients, one.subset)
        values = signature(alike.chains).set_index("patient_id")["value"]
        found.append(replace(alike, value=values.loc[list(alike.patients)].to_numpy()))
    return found


def compare(a: Evaluated, b: Evaluated) -> dict[str, Any]:
    """a less b on the patients that both have: difference, lower, upper, p, method beside their names; {} where these
    are too few, or apparent.
    """
    a, b = (replace(one, subset=WHOLE) for one in on_the_same([a, b]))
    if a.target.binary and not a.two_classes:
        return {}
    order = {patient: place for place, patient in enumerate(b.patients)}
    second = b.value[[order[patient] for patient in a.patients]]
    row = _pair_of(a, b)
    if not a.target.binary:
        found_errors = _compare_errors(a, b, second)
        return row | found_errors if found_errors else {}
    if a.role == Role.HELD_OUT:
        test = stats.delong_test(a.positive, a.probability, second)
        stopped = _chose(a, b)
        return row | {
            "difference": test.difference,
            "lower": test.lower,
            "upper": test.upper,
            "p": NAN if stopped else test.p,
            "method": test.method + (f"; {CHOSE}" if stopped else ""),
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
    )
    stacked = f", {Role.STACKED}" if Role.STACKED in (a.role, b.role) else ""
    method = f"out-of-fold within fold and seed{stacked}, {found.method}; no p is valid here"
    return row | {
        "difference": found.value,
        "lower": found.lower,
        "upper": found.upper,
        "p": NAN,
        "method": method,
    }


def _compare_errors(a: Evaluated, b: Evaluated, second: np.ndarray) -> dict[str, Any]:
    """Two models of a per cent target by their mean absolute errors; apparent ones compare nothing.

    second : what b says of the patients of a, in their order.
    """
    if a.role == Role.APPARENT or len(a.patients) < SMALLEST:
        return {}
    found = stats.absolute_error_difference(a.truth, a.value, second)
    p, method = found.p, found.method
    if a.cross_fitted:
        p, method = NAN, f"out-of-fold, {method}, given these models; no p is valid here"
    elif _chose(a, b):
        p, method = NAN, f"{method}; {CHOSE}"
    return {"difference": found.difference, "lower": found.lower, "upper": found.upper, "p": p, "method": method}


def _chose(*pair: Evaluated) -> bool:
    """Whether the patients chose the epoch of either."""
    return any(stopped_on(one.model, one.protocol, one.side) for one in pair)


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
