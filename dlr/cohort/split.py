"""Sides and folds: drawn once, by patient, stratified over the joint pattern of all targets and the cohort.

"missing" is a level; a per cent enters by its third among the patients that are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dlr.errors import InputError, Problem
from dlr.randomness import rng
from dlr.words import Protocol, Side, Target

__all__ = ["FOLD_COLUMNS", "draw_folds", "draw_side", "learnable", "patient_table"]

FOLD_COLUMNS = ("protocol", "patient_id", "seed", "outer", "fold")
CROSSFITTED = {  # protocols that deal one side into folds
    Protocol.CROSSFIT: (Side.TRAIN, "on the training side"),
    Protocol.EXTERNAL_CROSSFIT: (Side.EXTERNAL, "among the external patients"),
}
PER_FOLD = 3  # patients with a known per cent


def patient_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row a patient of the study (cases not excluded), index patient_id, sorted: whatever is the same in all of
    a patient's cases (side, cohort, targets, clinical columns)."""
    kept = table[table["excluded"] == ""]
    own = ["case_id", "image", "mask", "mask_label", "mask_reader1", "mask_reader2", "excluded", "lesion_part"]
    kept = kept.drop(columns=[*own, "pixel_spacing_mm"], errors="ignore")
    return kept.drop_duplicates("patient_id").set_index("patient_id").sort_index()


def draw_side(
    table: pd.DataFrame, targets: Sequence[Target], seed: int, test_share: float = 0.3, validation_share: float = 0.0
) -> pd.Series:
    """The side of every row of the cohort's table, index as in `table`; "" for excluded cases.

    Patients that have a side already keep it (the manifest's own sides; external cohorts). If one of them is train
    or test, nothing is drawn. Else ceil(test_share · n) patients become test, from each pattern of targets its share
    (largest remainders; of equals the pattern that sorts first), and from the others, alike, ceil(validation_share · n)
    validation.
    """
    patients = patient_table(table)
    side = patients["side"].astype(object).copy()
    if not side.isin([Side.TRAIN.value, Side.TEST.value, Side.VALIDATION.value]).any():
        free = side.index[side == ""]
        patterns = _patterns(patients.loc[free], targets)
        side[free] = Side.TRAIN.value
        for name, share, purpose in (
            (Side.TEST, test_share, "side"),
            (Side.VALIDATION, validation_share, "validation"),
        ):
            left = patterns[side[free] == Side.TRAIN.value]
            for pattern, count in _shares(left, min(len(left), math.ceil(share * len(free) - 1e-9))).items():
                members = sorted(left.index[left == pattern])
                drawn = rng(seed, purpose, pattern).permutation(len(members))[:count]
                side[[members[i] for i in drawn]] = name.value
    out = table["patient_id"].map(side).where(table["excluded"] == "", "").fillna("")
    return out.astype(object).rename("side")


def draw_folds(
    table: pd.DataFrame,
    targets: Sequence[Target],
    seed: int,
    folds: int = 5,
    seeds: int = 3,
    protocols: Sequence[str] = (Protocol.CROSSFIT.value,),
) -> pd.DataFrame:
    """folds.parquet: FOLD_COLUMNS, sorted.

    crossfit : patients of side train, seeds 0..seeds-1, outer -1, fold 0..folds-1.
    external_crossfit : the same of side external, which then is no external test, as published.
    nested : all patients but the external ones; per seed and outer 0..folds-1 the outer fold's own patients have
        fold -1 (they are test there), the others their inner fold.
    leave_one_cohort_out : the same with cohorts (by name) as outer folds and seed 0. Its chains are fitted on everybody
        outside a cohort, so a target need only be learnable without one of them.
    Raises InputError where a class of a binary target has fewer patients than folds, or the only target is a per cent
    and known for fewer than three times as many. One of several is not fitted where it is known for too few
    (dlr.study.parts).
    """
    patients = patient_table(table)
    needed = [target for target in targets if target.binary or len(targets) == 1]
    rows: list[pd.DataFrame] = []
    problems: list[Problem] = []
    for protocol in protocols:
        if protocol in CROSSFITTED:
            side, where = CROSSFITTED[Protocol(protocol)]
            members = patients[patients["side"] == side.value]
            if members.empty and side is Side.EXTERNAL:
                problems.append(
                    Problem(
                        "learn.protocols",
                        f"protocol {protocol} cross-fits the external patients, and there are none",
                        "name their cohorts in cohort.external, or leave the protocol away",
                    )
                )
                continue
            problems += _too_few(members, needed, folds, where)
            for s in range(seeds):
                rows.append(_rows(protocol, _deal(members, targets, folds, seed, protocol, s, -1), s, -1))
        elif protocol in (Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT):
            inner = patients[patients["side"] != Side.EXTERNAL.value]
            by_cohort = protocol == Protocol.LEAVE_ONE_COHORT_OUT
            if by_cohort and inner["cohort"].nunique() < 2:
                problems.append(
                    Problem("column cohort", f"protocol {protocol} needs two cohorts or more", "name them in `cohort`")
                )
                continue
            problems += _too_few(inner, needed, folds, "in all, without the external ones")
            if by_cohort:
                problems += [
                    Problem(
                        f"target {target.name}",
                        "without any one of the cohorts there are too few patients to learn it from",
                        f"leave protocol {protocol} or the target away, or add cohorts",
                    )
                    for target in needed
                    if not any(
                        learnable(target, inner.loc[inner["cohort"] != c, target.name]) for c in set(inner["cohort"])
                    )
                ]
            for s in range(1 if by_cohort else seeds):
                if by_cohort:
                    names = {name: number for number, name in enumerate(sorted(set(inner["cohort"])))}
                    outer = inner["cohort"].map(names)
                else:
                    outer = _deal(inner, targets, folds, seed, protocol, s, -1).reindex(inner.index)
                for o in sorted(set(outer)):
                    rest = inner[outer != o]
                    if not by_cohort:
                        problems += _too_few(rest, needed, folds, f"without outer fold {o} of protocol {protocol}")
                    dealt = _deal(rest, targets, folds, seed, protocol, s, int(o))
                    held = pd.Series(-1, index=inner.index[outer == o])
                    rows.append(_rows(protocol, pd.concat([dealt, held]), s, int(o)))
    if problems:
        raise InputError.of(list(dict.fromkeys(problems)))
    if not rows:
        return pd.DataFrame({c: pd.Series(dtype=object if c in FOLD_COLUMNS[:2] else int) for c in FOLD_COLUMNS})
    return pd.concat(rows, ignore_index=True).sort_values(list(FOLD_COLUMNS), kind="stable", ignore_index=True)


def learnable(target: Target, values: pd.Series, folds: int = 2) -> bool:
    """Whether patients of these values suffice for so many folds: one of each class a fold, or three known per cents.
    For two folds, the least, a chain can be fitted on them.
    """
    return not _too_few(pd.DataFrame({target.name: values}), [target], folds, "")


def _patterns(patients: pd.DataFrame, targets: Sequence[Target]) -> pd.Series:
    """'1|0|missing' per patient; of a per cent its third, 0 to 2, from the lowest; then the cohort, of several.

    The labels stand first: patients of one pattern of labels are dealt together, cohort after cohort, so that folds
    stay as even in labels as without cohorts.
    """
    parts = []
    for target in targets:
        values = patients[target.name].astype(float)
        level = values if target.binary else _thirds(values)
        parts.append(["missing" if np.isnan(v) else f"{v:g}" for v in level])
    if "cohort" in patients and patients["cohort"].nunique() > 1:
        parts.append([str(name) for name in patients["cohort"]])
    joint = ["|".join(values) for values in zip(*parts, strict=True)] if len(patients) else []
    return pd.Series(joint, index=patients.index, dtype=object)


def _thirds(values: pd.Series) -> pd.Series:
    """0, 1 or 2 of every known value: how many of the two values that close the lower thirds lie below it."""
    known = np.sort(values.dropna().to_numpy())
    if not len(known):
        return values
    ends = [known[-(-k * len(known) // 3) - 1] for k in (1, 2)]  # whole-number arithmetic: no rounding decides
    return sum(((values > end).astype(float) for end in ends), values * 0)


def _shares(patterns: pd.Series, wanted: int) -> dict[str, int]:
    """How many of each pattern, by largest remainders, `wanted` in all."""
    sizes = patterns.value_counts().sort_index()
    exact = sizes * (wanted / max(1, len(patterns)))
    counts = np.floor(exact + 1e-9).astype(int)
    by_rest = sorted(sizes.index, key=lambda p: (-(round(float(exact[p] - counts[p]), 9)), str(p)))
    for pattern in by_rest[: wanted - int(counts.sum())]:
        counts[pattern] += 1
    return {str(p): int(counts[p]) for p in sizes.index}


def _deal(
    patients: pd.DataFrame, targets: Sequence[Target], folds: int, seed: int, protocol: str, s: int, outer: int
) -> pd.Series:
    """Patients dealt to folds like cards, pattern after pattern, so that folds and patterns are even."""
    patterns = _patterns(patients, targets)
    order: list[str] = []
    for pattern in sorted(set(patterns)):
        members = sorted(patterns.index[patterns == pattern])
        shuffled = rng(seed, "folds", str(protocol), s, outer, str(pattern)).permutation(len(members))
        order += [members[i] for i in shuffled]
    fold_order = rng(seed, "folds", str(protocol), s, outer, "order").permutation(folds)
    return pd.Series([int(fold_order[i % folds]) for i in range(len(order))], index=order, dtype=int)


def _rows(protocol: str, fold: pd.Series, s: int, outer: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "protocol": str(protocol),
            "patient_id": fold.index.astype(object),
            "seed": s,
            "outer": outer,
            "fold": fold.to_numpy(),
        }
    )


def _too_few(patients: pd.DataFrame, targets: Sequence[Target], folds: int, where: str) -> list[Problem]:
    """Classes of a binary target with fewer patients than folds; a per cent known for fewer than three a fold."""
    mend = "lower learn.folds or cohort.test_share, leave the protocol away, or add patients"
    found = []
    for target in targets:
        values = patients[target.name]
        if not target.binary:
            known = int(values.notna().sum())
            if known < PER_FOLD * folds:
                what = f"known for {known} patients {where}, but {folds} folds need {PER_FOLD * folds}"
                found.append(Problem(f"target {target.name}", what, mend))
            continue
        for level, word in ((1.0, "positive"), (0.0, "negative")):
            count = int((values == level).sum())
            if count < folds:
                what = f"{count} {word} patients {where}, but {folds} folds"
                found.append(Problem(f"target {target.name}", what, mend))
    return found
