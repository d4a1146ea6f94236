# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section receptors: several markers from volumes, the 3-D networks beside the frozen one, published figures beside ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from dlr.figures import theme
from dlr.report import per_cent
from dlr.report.blocks import Block, Heading, Prose, Section
from dlr.report.cohorts import cohort_blocks
from dlr.report.combined import sample_size
from dlr.report.contents import section
from dlr.report.evidence import ROLES, ROLES_SHOWN, Evidence, cell, markers_of, of_fewer, with_interval
from dlr.report.press import Press
from dlr.report.published import MARKERS, NEEDED, UNSAID, published, sources_of
from dlr.report.sources import Sources
from dlr.tables import COMPARISONS, METRICS, SAMPLE_SIZE, SEGMENTATION
from dlr.words import (
    CHOSEN,
    CROSS_VALIDATED_EXTERNAL,
    EVERY_PART,
    FROZEN_EXTERNAL,
    MACRO,
    Model,
    Protocol,
    Target,
    stopped_on,
)

__all__ = ["receptors"]

ORDER = (
    Model.SPATIAL, Model.SINGLE_TASK, Model.MULTI_TASK, Model.DL, Model.RAD_DL, Model.RAD, Model.CLINICAL,
)  # fmt: skip
HUANGS = ("SingleTask", "MultiTask")
PRINTED = ("Spatial", *HUANGS)  # networks of which there are printed figures
BASELINES = ("DL", "Rad+DL", "Rad")  # that Spatial is held against
SIZES = {"diameter_mm<15": "small", "diameter_mm>=15": "large"}  # their strata
ROLES_HERE = ("test", FROZEN_EXTERNAL, "validation", "nested", "out-of-fold", CROSS_VALIDATED_EXTERNAL)
MARKER = (("AUC", "auc", 3), ("Sensitivity", "sensitivity", 2), ("Specificity", "specificity", 2))
CALIBRATED = (("Calibration slope", "calibration_slope", 2), ("Calibration intercept", "calibration_intercept", 2))
TOGETHER = (
    ("Macro AUC", "auc", 3),
    ("Macro ACC\n(mean Jaccard)", "accuracy_jaccard", 2),
    ("Mean accuracy", "accuracy_mean", 2),
    ("Exact match", "exact_match", 2),
    ("Precision", "precision", 2),
    ("Recall", "recall", 2),
    ("F1", "f1", 2),
)
THEIRS = "In grey italics, marked theirs: {source}. Other patients, other images: a difference from ours is no finding."
SLOPES = "Calibration slope and intercept: 1 and 0 are ideal; a slope under 1 means probabilities that are too extreme."
IN_PER_CENT = tuple((words.replace("\n", " "), metric, digits) for words, metric, digits in per_cent.TABLE)
CUTOFF = "In brackets 95 % intervals. Sensitivity and specificity at the cut-off from training (out-of-fold or validation) patients, unchanged elsewhere. Patients needed: to show with 80 % power that such an AUC differs from 0.5 (Obuchowski), positive + negative."
APART = "Validation less test: two groups of patients, DeLong's unpaired test; that no difference is shown does not show that nothing is overfitted."
MACRO_NOTE = "Means over the markers, with a bootstrap by patient: the AUC over each marker's known patients, the others on patients of whom every marker is known."
HUANGS_ACC = "Mean Jaccard, TP/(TP + FP + FN) a marker, is what alone gives the printed macro ACC; mean accuracy and exact match stand beside it."
PAIR_NOTE = "Paired on the same patients. A large p does not show that two networks are equal."
HUANGS_P = "They printed no DeLong p below .182."
THEIR_PER_CENT = "They print a mean absolute error of 8.2 ± 2.1 percentage points."
NO_PER_CENT = (
    "No outcome in per cent, such as Ki-67, is known in this study: its head, its rows and its columns are left away."
)
STRATA_NOTE = "Each stratum is judged by itself, with the cut-offs and networks of all; the diameter is the largest of the lesion, in mm."
FED = "On what each network was fed, after cutting and resampling; a volume cut out around its lesion makes the outline easy. A patient predicted by several chains counts once, by their mean."

CHOSE_HERE = (
    "The validation side chose the network's epoch, by the markers' loss: what it draws there is not fully held out."
)


def receptors(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """All markers together, then each by itself; hospitals; sizes; what is in per cent; the outline."""
    binary = [target for target in sources.targets if target.binary]
    asked = sources.networks_asked
    blocks: list[Block] = [*_said(sources, evidence), *_together(sources, press, evidence)]
    if Model.SPATIAL in asked:
        blocks += _spatial_against_baselines(sources, press)
    if asked != (Model.SPATIAL,):
        blocks += _single_against_multi(sources, press)
    blocks += _strata(sources, press, evidence, binary)
    for target in binary:
        blocks.append(Heading(target.name))
        blocks += _marker(sources, press, evidence, target)
        blocks += cohort_blocks(sources, press, evidence, target)
        if sources.of(SAMPLE_SIZE, target) is not None or not _needed(
            evidence, _columns(evidence.models(target.name)), target.name
        ):
            blocks += sample_size(sources, press, target)
    blocks += _in_per_cent(sources, press, evidence)
    if asked != (Model.SPATIAL,):
        blocks += [Heading("Segmentation"), *_segmentation(sources, press)]
    return section("receptors", sources, blocks)


def _said(sources: Sources, evidence: Evidence) -> list[Block]:
    """The mean over the markers by the first network, in the first role that has patients."""
    model = next((str(model) for model in ORDER if model in evidence.models(MACRO)), "")
    found = {role: evidence.get(MACRO, model, role, "auc") for role in ROLES_HERE}
    role, first = next(((role, one) for role, one in found.items() if one is not None), ("", None))
    if first is None:
        return []
    return [
        Prose((f"Over all markers the mean AUC of {model} is {with_interval(first)} ({role}, {first.n} patients).",))
    ]


def _in_per_cent(sources: Sources, press: Press, evidence: Evidence) -> list[Block]:
    """Every outcome in per cent by every model, and how the first network that answers it agrees with the truth."""
    blocks: list[Block] = []
    targets = [target for target in sources.targets if not target.binary]
    for target in targets:
        blocks += [Heading(target.name), *_marker(sources, press, evidence, target)]
        models = [str(model) for model in ORDER if model in evidence.models(target.name)][:1]
        name, title = f"receptors_agreement_{sources.slug(target)}", f"{target.name} by {', '.join(models)}"
        blocks += per_cent.agreement(sources, press, evidence, target, models, name, title) if models else []
    spatial = Model.SPATIAL in sources.networks_asked
    return blocks or ([Heading("In per cent"), Prose((NO_PER_CENT,))] if spatial else [])


@dataclass(frozen=True)
class Column:
    """One column of a table of models: a model's own values, or what was printed of it."""

    model: str
    theirs: bool = False

    @property
    def head(self) -> str:
        return f"{self.model}\n(theirs)" if self.theirs else self.model


def _columns(models: Sequence[str]) -> list[Column]:
    """The networks first, each with its printed twin, then the baselines, then whatever else was fitted."""
    order = [*map(str, ORDER), *models]
    found = sorted(dict.fromkeys(models), key=order.index)
    return [Column(model, theirs) for model in found for theirs in ((False, True) if model in PRINTED else (False,))]


def _table(
    press: Press,
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[dict[str, str], dict[Column, str]]],
    data: pd.DataFrame,
    note: str,
) -> Block:
    """Rows of words and of a cell a column; columns of theirs without any value are left away."""
    kept = [column for column in columns if not column.theirs or any(column in cells for _, cells in rows)]
    table = pd.DataFrame(
        [words | {column.head: cells.get(column, theme.NOTHING) for column in kept} for words, cells in rows]
    )
    theirs = [k for k, head in enumerate(table.columns) if head in {column.head for column in kept if column.theirs}]
    if theirs:
        note = f"{note} {THEIRS.format(source=sources_of([column.model for column in kept if column.theirs]))}"
    return press.table(name, title, table, data, note, theirs=theirs)


def _cells(
    evidence: Evidence, columns: Sequence[Column], target: str, role: str, metric: str, digits: int
) -> dict[Column, str]:
    """What there is of a measure in a role, ours and theirs."""
    found = {}
    for column in columns:
        own = evidence.get(target, column.model, role, metric)
        if column.theirs:
            value = published(target, column.model, role, metric)
            if value is not None and (own is None or _as_published(target, own.method)):
                found[column] = f"{value:.3f}"
        elif own is not None:
            found[column] = cell(own, digits, "\n") + of_fewer(evidence.sources, own.method)
    return found


def _as_published(target: str, method: str) -> bool:
    """Whether a mean runs over the markers that theirs runs over; a marker alone always does."""
    return target != MACRO or set(markers_of(method)) == set(MARKERS)


def _measured(
    evidence: Evidence, columns: Sequence[Column], target: str, measures: Sequence[tuple[str, str, int]], counted: bool
) -> Iterator[tuple[dict[str, str], dict[Column, str]]]:
    """A row a role and measure that any of our models has; then what was printed without saying of whom."""
    head = "n (positive)" if counted else "n"
    for role in ROLES_HERE:
        for words, metric, digits in measures:
            cells = _cells(evidence, columns, target, role, metric, digits)
            own = [column for column in cells if not column.theirs]
            if not own:
                continue
            first = evidence.get(target, own[0].model, role, metric)
            assert first is not None
            count = f"{first.n} ({first.n_positive})" if counted else f"{first.n}"
            yield {"Patients are": role, "Measure": words, head: count}, cells
    for words, metric, digits in measures:
        printed = {column: f"{value:.{digits}f}" for column, value in _unsaid(evidence, columns, target, metric)}
        if printed:
            yield {"Patients are": f"theirs: {UNSAID}", "Measure": words, head: theme.NOTHING}, printed


def _unsaid(evidence: Evidence, columns: Sequence[Column], target: str, metric: str) -> Iterator[tuple[Column, float]]:
    """What was printed of a measure without the side; a mean only where ours runs over the same markers."""
    for column in columns:
        value = published(target, column.model, UNSAID, metric) if column.theirs else None
        ours = [own for role in ROLES_HERE if (own := evidence.get(target, column.model, role, metric)) is not None]
        if value is not None and all(_as_published(target, own.method) for own in ours):
            yield column, value


def _of_target(evidence: Evidence, target: str) -> pd.DataFrame:
    return evidence.table[evidence.table["target"] == target]


def _together(sources: Sources, press: Press, evidence: Evidence) -> list[Block]:
    columns = _columns(evidence.models(MACRO))
    rows = list(_measured(evidence, columns, MACRO, TOGETHER, counted=False))
    if not rows:
        return sources.missing("All markers together", METRICS, "No model answers several markers of two classes.")
    data = _of_target(evidence, MACRO)
    huangs = HUANGS_ACC if {column.model for column in columns} & set(HUANGS) else ""
    note = " ".join(filter(None, [MACRO_NOTE, huangs, evidence.stopped_note(MACRO)]))
    return [_table(press, "receptors_macro", "All markers together", columns, rows, data, note)]


def _marker(sources: Sources, press: Press, evidence: Evidence, target: Target) -> list[Block]:
    columns = _columns(evidence.models(target.name))
    models = {column.model for column in columns}
    spatial = Model.SPATIAL in models
    measures = (*MARKER, *(CALIBRATED if spatial else ())) if target.binary else IN_PER_CENT
    rows = list(_measured(evidence, columns, target.name, measures, counted=target.binary))
    if not rows:
        return sources.missing(f"Models for {target.name}", METRICS)
    rows += _needed(evidence, columns, target.name)
    apart = _apart(evidence, columns, target.name)
    notes = [CUTOFF, *([SLOPES] if spatial else [])] if target.binary else [per_cent.NOTE]
    notes += [*([APART] if apart else []), *filter(None, [evidence.stopped_note(target.name)])]
    if target.name in NEEDED and models & set(HUANGS):
        notes.append(f"They print {NEEDED[target.name]} as needed.")
    if published(target.name, Model.SPATIAL, UNSAID, "mae") is not None and spatial:
        notes.append(THEIR_PER_CENT)
    name, title = f"receptors_{sources.slug(target)}", f"{target.name} by every model"
    return [_table(press, name, title, columns, [*rows, *apart], _of_target(evidence, target.name), " ".join(notes))]


def _needed(
    evidence: Evidence, columns: Sequence[Column], target: str
) -> list[tuple[dict[str, str], dict[Column, str]]]:
    """How many patients it takes, by the AUC of each model in a role."""
    out = []
    for role in ROLES_HERE:
        cells = {}
        for column in columns:
            found = [
                evidence.get(target, column.model, role, f"sample_size_{name}")
                for name in ("needed", "positive", "negative")
            ]
            if not column.theirs and found[0] is not None and found[1] is not None and found[2] is not None:
                total, positive, negative = (f"{one.value:.0f}" for one in found if one is not None)
                cells[column] = f"{total}\n({positive} + {negative})"
        if cells:
            out.append(({"Patients are": role, "Measure": "Patients needed", "n (positive)": theme.NOTHING}, cells))
    return out


def _apart(
    evidence: Evidence, columns: Sequence[Column], target: str
) -> list[tuple[dict[str, str], dict[Column, str]]]:
    """The AUC on the validation side less that on the test side, with its p."""
    cells = {}
    for column in columns:
        difference = evidence.get(target, column.model, "test", "auc_validation_less_test")
        p = evidence.get(target, column.model, "test", "auc_validation_less_test_p")
        if not column.theirs and difference is not None and p is not None:
            cells[column] = f"{cell(difference, 3, chr(10))}\np {theme.format_p(p.value)}"
    words = {"Patients are": "validation, test", "Measure": "Validation less test", "n (positive)": theme.NOTHING}
    return [(words, cells)] if cells else []


def _single_against_multi(sources: Sources, press: Press) -> list[Block]:
    """The two networks paired, of all markers together and of each: a column says of which."""
    title, note = "Single task against multi-task", f"{PAIR_NOTE} {HUANGS_P}"
    return _compared(sources, press, [HUANGS], "receptors_compared", title, note) or sources.missing(
        "The two networks compared", COMPARISONS, "Not both of them answer the same patients."
    )


def _spatial_against_baselines(sources: Sources, press: Press) -> list[Block]:
    """Spatial paired with the frozen network and with radiomics, of all markers together and of each."""
    pairs = [("Spatial", baseline) for baseline in BASELINES]
    title = "Spatial against the frozen network and radiomics"
    return _compared(sources, press, pairs, "receptors_baselines", title, PAIR_NOTE) or sources.missing(
        title, COMPARISONS, "None of these answers the same patients."
    )


def _compared(
    sources: Sources, press: Press, pairs: Sequence[tuple[str, str]], name: str, title: str, note: str
) -> list[Block]:
    """The comparisons of some pairs of models; nothing where there are none."""
    table = sources.table(COMPARISONS)
    rows = None if table is None else table[_are_pairs(table, pairs)]
    if rows is None or rows.empty:
        return []
    order = [MACRO, *(target.name for target in sources.targets)]
    rows = rows.sort_values("target", key=lambda names: names.map(order.index), kind="stable")
    digits = [1 if metric == "mae" else 3 for metric in rows["metric"]]
    limits = zip(rows["difference"], rows["lower"], rows["upper"], digits, strict=True)
    shown = pd.DataFrame({
        "Marker": rows["target"].replace(MACRO, "all (macro)"), "Patients are": _role_words(rows),
        "Measure": rows["metric"].replace({"auc": "AUC", "mae": "mean absolute error"}),
        "Networks": [f"{a} − {b}" for a, b in zip(rows["model_a"], rows["model_b"], strict=True)],
        "Difference (95 % interval)": [theme.format_estimate(d, lo, hi, k) for d, lo, hi, k in limits],
        "p": rows["p"].map(theme.format_p), "p (Holm)": rows["p_holm"].map(theme.format_p), "Method": rows["method"],
    })  # fmt: skip
    return [press.table(name, title, shown, rows, note)]


def _are_pairs(table: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.Series:
    """Rows of some pairs of models, main variants, on whole sides."""
    wanted = {frozenset(pair) for pair in pairs}
    both = [frozenset(names) in wanted for names in zip(table["model_a"], table["model_b"], strict=True)]
    return pd.Series(both, index=table.index) & (table["subset"] == "all") & (table["variant_a"] == table["variant_b"])


def _role_words(rows: pd.DataFrame) -> list[str]:
    """Protocol and side as the role that a reader knows."""
    known = {(str(p), str(s)): role for role in reversed(ROLES_SHOWN) for p, s in reversed(ROLES[role])}
    return [known.get(key, ", ".join(key)) for key in zip(rows["protocol"], rows["side"], strict=True)]


def _strata(sources: Sources, press: Press, evidence: Evidence, binary: Sequence[Target]) -> list[Block]:
    """The AUC by size of the lesion, or by whatever strata were asked for; a column says of which marker."""
    table = evidence.table
    ranges = table["subset"].str.contains("[<>]", regex=True) & ~table["subset"].str.startswith("cohort=")
    strata = table[(table["metric"] == "auc") & ranges & (table["variant"] == "")]
    strata = strata[strata["protocol"].isin([Protocol.CROSSFIT, Protocol.PAPER]) & (strata["algorithm"] == CHOSEN)]
    strata = strata.assign(role=_role_words(strata))
    strata = strata[strata["role"] != "apparent"].drop_duplicates(["target", "model", "role", "subset"])
    if strata.empty:
        return []
    columns = [column for column in _columns(list(strata["model"])) if column.model in map(str, ORDER[:5])]
    rows = []
    for target in (MACRO, *(target.name for target in binary)):
        own = strata[strata["target"] == target]
        for (role, subset), found in own.groupby(["role", "subset"], sort=False):
            cells = {}
            for row in found.itertuples(index=False):
                shown = theme.format_estimate(row.value, row.lower, row.upper, between="\n")
                cells[Column(str(row.model))] = shown + of_fewer(sources, str(row.method))
            methods = dict(zip(found["model"], found["method"].astype(str), strict=True))
            for column in columns:
                size = SIZES.get(str(subset), "")
                value = published(target, column.model, str(role), "auc", size) if column.theirs else None
                if value is not None and (column.model not in methods or _as_published(target, methods[column.model])):
                    cells[column] = f"{value:.3f}"
            count, positive = found["n"].iloc[0], found["n_positive"].iloc[0]
            words = {
                "Marker": "all (macro)" if target == MACRO else target,
                "Patients with": _range_words(str(subset)),
                "Patients are": str(role), "n (positive)": f"{count:.0f}" + (f" ({positive:.0f})" if positive == positive else ""),
            }  # fmt: skip
            rows.append((words, cells))
    return [_table(press, "receptors_strata", "AUC by stratum", columns, rows, strata, STRATA_NOTE)]


def _range_words(subset: str) -> str:
    """A stratum's name in a reader's words: diameter_mm<15 is a diameter < 15 mm."""
    words = subset.replace(">=", " ≥ ").replace("<=", " ≤ ")
    words = re.sub("(?<=[^ ])<", " < ", words)
    return f"{words.replace('_mm', '')} mm" if "_mm" in words else words


def _segmentation(sources: Sources, press: Press) -> list[Block]:
    """Dice and 95 % Hausdorff distance, median and quartiles, of patients that a chain did not see."""
    table = sources.table(SEGMENTATION)
    if table is None:
        return sources.missing("The outline that a network draws", SEGMENTATION)
    rows = []
    keys = ["model", "variant", "target", "protocol", "side", "unit"]
    by_patient = table.groupby([*keys, "patient_id"], sort=False)[["dice", "hausdorff95"]].mean().reset_index()
    note = FED
    for (model, variant, target, protocol, side, unit), own in by_patient.groupby(keys, sort=False):
        name = ", ".join(filter(None, [str(model), str(variant), "" if target == EVERY_PART else f"of {target}"]))
        note = f"{FED} {CHOSE_HERE}" if stopped_on(str(model), str(protocol), str(side)) else note
        role = _role_words(pd.DataFrame({"protocol": [protocol], "side": [side]}))[0]
        rows.append({
            "Network": name, "Patients are": role, "n": len(own),
            "Dice, median (quartiles)": _quartiles(own["dice"], 3),
            f"95 % Hausdorff, median (quartiles) in {unit}": _quartiles(own["hausdorff95"], 1),
        })  # fmt: skip
    title = "The outline that a network draws, against the reader's"
    return [press.table("segmentation", title, pd.DataFrame(rows).fillna(theme.NOTHING), table, note)]


def _quartiles(values: pd.Series, digits: int) -> str:
    known = values.dropna()
    if known.empty:
        return theme.NOTHING
    low, middle, high = (f"{value:.{digits}f}" for value in known.quantile([0.25, 0.5, 0.75]))
    left = len(values) - len(known)
    return f"{middle} ({low}–{high})" + (f"; {left} without" if left else "")
