# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section ablation: Spatial without one of its parts each, the trap apart, printed figures beside, what may be claimed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from dlr.figures import ABLATION_NAMES, TRAP, draw_ablation, theme
from dlr.report.blocks import Block, Heading, Missing, Prose, Section
from dlr.report.contents import section
from dlr.report.evidence import ROLES, Evidence
from dlr.report.press import Panel, Press, slug
from dlr.report.published import ZENG, printed_row
from dlr.report.sources import Sources
from dlr.tables import ABLATION
from dlr.words import CROSS_VALIDATED_EXTERNAL, FROZEN_EXTERNAL, MACRO

__all__ = ["ablation", "claims", "of_roles", "trap_words"]

FULL, HIDDEN = "full", "core_only"
NO_NETWORK = ("radiomics_logistic", "radiomics_svm", "frozen")  # rows beside the ablation's own
ORDER_OF_ROLES = (
    "test", FROZEN_EXTERNAL, "out-of-fold", "left-out cohort", CROSS_VALIDATED_EXTERNAL, "nested", "validation",
)  # fmt: skip
MEAN = "all (macro)"
NONE = "No row without one of its parts was asked for (receptors.ablation: none): Spatial stands beside radiomics and the frozen network."
INTRO = "Spatial was trained again without one of its parts each, on the same patients and folds with the same seeds; radiomics and the frozen network stand beside it. A row that takes a region away has the input there at zero."
VALUES = "All rows of a target are of the same patients: those whom every row predicts. AUC, and of an outcome in per cent the mean absolute error in percentage points. In brackets 95 % intervals."
THEIRS = f"In grey italics: theirs, unverified: printed by a secondary page, side not said ({ZENG}); the abstract has the whole model alone. Other patients: a difference from ours is no finding."
DIFFERENCES = "Row less whole model on the same patients; below 0 the AUC is lower, above 0 the error is larger. In brackets 95 % intervals, not corrected for the number of rows."
NO_P = "The mean of the AUCs has no p: its interval is a bootstrap of patients, and no test is made of it."
TRAP_NOTE = "Pooling alone is no ablation. In this row only the features of the core are pooled while the input stays whole: the later layers see across the whole crop, so that what is pooled from the core still holds what lies around it. Whoever reads this row as “the tumour alone is enough” is mistaken; only with the input outside the core at zero is the rest gone, and the outline's own shape stays visible even so."
NO_PROOF = "where an interval holds 0, nothing is shown: neither that the part helps nor that it does not"
FIGURE = "Each row with its 95 % interval, its difference to the whole model, and p where there is one (DeLong, of held-out sides). Open and apart: the trap. Grey crosses and italics: theirs, unverified: printed by a secondary page, side not said."


def ablation(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """A table of values and one of differences a role, what they allow to claim, the trap; of the first role a figure."""
    found = list(of_roles(sources))
    if not found:
        asked = (sources.about.further.get("receptors") or {}).get("ablation", "none")
        why = "None was asked for (receptors.ablation: none)." if asked == "none" else sources.why(ABLATION)
        return section("ablation", sources, [Missing("The ablation", why)])
    blocks: list[Block] = [Prose((INTRO if any(_own(rows) for _, rows in found) else NONE, *_absent(found)))]
    for role, rows in found:
        if len(found) > 1:
            blocks.append(Heading(f"{role[:1].upper()}{role[1:]}", opens=role == found[0][0]))
        name = slug(role)
        targets = _targets(sources, rows)
        own = rows[rows["row"] != TRAP]
        blocks += [
            Prose(tuple(claims(own, targets))),
            _values(press, f"ablation_{name}", f"Rows of the ablation, {role}", own, targets),
            _differences(press, f"ablation_differences_{name}", f"What each row changes, {role}", own, targets),
            *_trap(press, name, role, rows, targets),
            *([_figure(press, name, role, rows, targets)] if role == found[0][0] else []),
        ]
    return section("ablation", sources, blocks)


def _own(rows: pd.DataFrame) -> bool:
    """Whether Spatial was trained without one of its parts."""
    return bool((~rows["row"].isin([FULL, *NO_NETWORK])).any())


def _absent(found: Sequence[tuple[str, pd.DataFrame]]) -> list[str]:
    """Which of the rows that are no network of ours are not there, and what gives them."""
    there = {row for _, rows in found for row in rows["row"]}
    absent = {"logistic": "radiomics_logistic", "svm": "radiomics_svm"}
    names = [name for name, row in absent.items() if row not in there]
    if not names:
        return []
    rows = " and ".join(f"“{_named(absent[name])}”" for name in names)
    return [
        f"{rows} stand{'s' if len(names) == 1 else ''} only where learn.reported (or learn.algorithms) names {' and '.join(names)}."
    ]


def of_roles(sources: Sources) -> Iterator[tuple[str, pd.DataFrame]]:
    """ABLATION by the role of its patients, held-out ones first; roles without the whole model have nothing to say."""
    table = sources.table(ABLATION)
    for role in ORDER_OF_ROLES if table is not None else ():
        for protocol, side in ROLES[role]:
            rows = table[(table["protocol"] == protocol) & (table["side"] == side)]  # type: ignore[index]
            if (rows["row"] == FULL).any():
                yield role, rows
                break


def _targets(sources: Sources, rows: pd.DataFrame) -> list[str]:
    """The markers of two classes, their mean, then what is in per cent."""
    there = set(rows["target"])
    binary = [target.name for target in sources.targets if target.binary]
    order = [*binary, MACRO, *(target.name for target in sources.targets if not target.binary)]
    return [name for name in order if name in there]


def _words(target: str) -> str:
    return MEAN if target == MACRO else target


def _named(row: str) -> str:
    return ABLATION_NAMES.get(row, row.replace("_", " "))


def _in_order(rows: pd.DataFrame) -> list[str]:
    """Rows in the order in which they are named everywhere."""
    order = list(ABLATION_NAMES)
    found = dict.fromkeys(rows["row"])
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def _digits(one: pd.Series) -> int:
    return 1 if one["metric"] == "mae" else 3


def _with_limits(one: pd.Series, value: str, lower: str, upper: str, between: str = "\n") -> str:
    """A number of a row with its interval; a dash where it was not computed."""
    return theme.format_estimate(one[value], one[lower], one[upper], _digits(one), between)


def _value(by: pd.DataFrame, row: str, target: str) -> str:
    """The cell of a table of values.  by : ABLATION of one role, by row and target."""
    there = (row, target) in by.index
    return _with_limits(by.loc[(row, target)], "value", "lower", "upper") if there else theme.NOTHING


def _difference(one: pd.Series, between: str = "\n") -> str:
    return _with_limits(one, "difference", "difference_lower", "difference_upper", between)


def _values(press: Press, name: str, title: str, rows: pd.DataFrame, targets: Sequence[str]) -> Block:
    """A line a row, a column a target and, where something was printed, one of theirs."""
    by = rows.set_index(["row", "target"])
    names = _in_order(rows)
    shown: dict[str, list[str]] = {"Row": [_named(row) for row in names]}
    theirs = []
    for target in targets:
        n = rows.loc[(rows["target"] == target) & (rows["row"] == FULL), "n"]
        count = f"\nn {n.iloc[0]:.0f}" if len(n) else ""
        shown[f"{_words(target)}{count}"] = [_value(by, row, target) for row in names]
        printed = [printed_row(row, target) for row in names]
        if any(value is not None for value in printed):
            theirs.append(len(shown))
            shown[f"{_words(target)}\n(theirs)"] = [
                theme.NOTHING if value is None else f"{value:.3f}" for value in printed
            ]
    note = f"{VALUES} {THEIRS}" if theirs else VALUES
    return press.table(name, title, pd.DataFrame(shown), _with_theirs(rows), note, strong=[0], theirs=theirs)


def _with_theirs(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the printed AUC, NaN where there is none."""
    pairs = zip(rows["row"], rows["target"], strict=True)
    return rows.assign(published=pd.Series([printed_row(row, target) for row, target in pairs], rows.index, float))


def _differences(press: Press, name: str, title: str, rows: pd.DataFrame, targets: Sequence[str]) -> Block:
    by = rows.set_index(["row", "target"])
    names = [row for row in _in_order(rows) if row != FULL]
    shown: dict[str, list[str]] = {"Row": [_named(row) for row in names]}
    for target in targets:
        cells = []
        for row in names:
            one = by.loc[(row, target)] if (row, target) in by.index else None
            cell = theme.NOTHING if one is None else _difference(one)
            p = "" if one is None or pd.isna(one["p"]) else f"; p {theme.format_p(one['p'])})"
            cells.append(f"{cell.removesuffix(')')}{p}" if p else cell)
        shown[_words(target)] = cells
    methods = "; ".join(dict.fromkeys(filter(None, rows["difference_method"])))
    note = DIFFERENCES + (f" How: {methods}." if methods else "")
    return press.table(name, title, pd.DataFrame(shown), rows, f"{note} {NO_P}" if MACRO in targets else note)


def claims(rows: pd.DataFrame, targets: Sequence[str]) -> list[str]:
    """What the intervals of the differences allow to say, a sentence a target; only what excludes 0 is claimed.

    rows : ABLATION of one role.
    """
    said = []
    for target in targets:
        own = rows[(rows["target"] == target) & (rows["row"] != FULL) & rows["difference"].notna()]
        own = own[own[["difference_lower", "difference_upper"]].notna().all(axis=1)]
        if own.empty:
            continue
        own = own.set_index("row").loc[_in_order(own)]
        error = bool((own["metric"] == "mae").all())
        below, above = own["difference_upper"] < 0, own["difference_lower"] > 0
        what = "mean absolute error" if error else "AUC"
        words = [
            f"{direction} than the whole model {'is' if found.sum() == 1 else 'are'} {_list(own[found])}"
            for direction, found in ((("larger" if error else "lower"), above if error else below), (("smaller" if error else "higher"), below if error else above))
            if found.any()
        ]  # fmt: skip
        count = int((below | above).sum())
        head = f"{_words(target)}, {what}: {count} of {len(own)} intervals exclude{'s' if count == 1 else ''} 0"
        said.append(f"{head}{'; ' + '; '.join(words) if words else ''}.")
    if said:
        said.append(
            f"That is all these patients allow to claim: {NO_PROOF}. Of twenty intervals without any effect one excludes 0 by chance."
        )
    return said  # fmt: skip


def _list(rows: pd.DataFrame) -> str:
    return ", ".join(f"“{_named(str(row))}” by {_difference(one, ' ')}" for row, one in rows.iterrows())


def trap_words(rows: pd.DataFrame, targets: Sequence[str]) -> str:
    """The whole model, the core pooled and the core alone in figures, target by target; "" without the trap's row.

    rows : ABLATION of one role.
    """
    by = rows.set_index(["row", "target"])
    said = []
    for target in targets:
        if (TRAP, target) not in by.index:
            continue
        found = [
            f"{_named(row)} {_with_limits(by.loc[(row, target)], 'value', 'lower', 'upper', ' ')}"
            for row in (FULL, TRAP, HIDDEN)
            if (row, target) in by.index
        ]
        said.append(f"{_words(target)}: {', '.join(found)}")
    return "; ".join(said)


def _trap(press: Press, name: str, role: str, rows: pd.DataFrame, targets: Sequence[str]) -> list[Block]:
    """The row that pools over the core alone, beside the whole model and the core with the rest hidden."""
    own = rows[rows["row"].isin([FULL, HIDDEN, TRAP])]
    if not (own["row"] == TRAP).any():
        return []
    by = own.set_index(["row", "target"])
    names = [row for row in (FULL, TRAP, HIDDEN) if (own["row"] == row).any()]
    shown = {"Row": [_named(row) for row in names]} | {
        _words(target): [_value(by, row, target) for row in names] for target in targets
    }
    quiet = [names.index(TRAP)]
    title = f"The trap: pooled over the core while the input stays whole, {role}"
    return [press.table(f"ablation_trap_{name}", title, pd.DataFrame(shown), own, TRAP_NOTE, quiet=quiet)]


def _figure(press: Press, name: str, role: str, rows: pd.DataFrame, targets: Sequence[str]) -> Block:
    """A panel a target."""
    data = _with_theirs(rows)
    panels = []
    for target in targets:
        own = data[data["target"] == target]
        own = own.set_index("row").loc[_in_order(own)].reset_index()
        panels.append(Panel(partial(draw_ablation, own), 8.6, 1.2 + 0.27 * len(own), _words(target)))
    return press.figure(f"ablation_forest_{name}", f"The ablation, {role}", FIGURE, panels, data, across=1)
