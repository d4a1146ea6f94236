"""From all patients of the tables to those of each side: the counts of a flow chart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dlr.words import Side, Target

__all__ = ["flow_chart", "largest_roi_cases"]


def flow_chart(table: pd.DataFrame, targets: Sequence[Target]) -> pd.DataFrame:
    """step, patients, cases, reason in the order of the chart; sides appear once they are drawn.

    A patient counts as excluded, under the first of its reasons, when all of its cases are; a patient with some
    excluded cases stays, and these cases are counted on their own. Of a binary target a side's positive patients are
    counted, of a per cent those for whom it is known. Cases without outline (`cohort.mask: optional`) have a row.
    """
    kept = table[table["excluded"] == ""]
    staying = set(kept["patient_id"])
    out = table[table["excluded"] != ""]
    gone = out[~out["patient_id"].isin(staying)]
    rows = [_row("enrolled", table, "")]
    first = gone.drop_duplicates("patient_id").set_index("patient_id")["excluded"]
    by_reason = gone.assign(reason=gone["patient_id"].map(first))
    for reason in by_reason["reason"].value_counts(sort=False).sort_index().index:
        rows.append(_row("excluded", by_reason[by_reason["reason"] == reason], str(reason)))
    some = out[out["patient_id"].isin(staying)]
    for reason in sorted(set(some["excluded"])):
        cases = some[some["excluded"] == reason]
        rows.append({"step": "case excluded", "patients": 0, "cases": len(cases), "reason": str(reason)})
    rows.append(_row("in the study", kept, ""))
    bare = kept[(kept["image"] != "") & (kept["mask"] == "") & (kept["mask_reader1"] == "")] if "image" in kept else ()
    if len(bare):
        rows.append(_row("without an outline", bare, "stays, for models that need none"))
    for target in targets:
        missing = kept[kept[target.name].isna()]
        if len(missing):
            rows.append(_row(f"{target.name} not known", missing, "stays, without a label"))
    for side in Side:
        part = kept[kept["side"] == side.value]
        if len(part):
            rows.append(_row(side.value, part, ""))
            for target in targets:
                values = part[target.name]
                word, own = ("positive", values == 1) if target.binary else ("known", values.notna())
                rows.append(_row(f"{side.value}, {target.name} {word}", part[own], ""))
    return pd.DataFrame(rows, columns=["step", "patients", "cases", "reason"])


def _row(step: str, part: pd.DataFrame, reason: str) -> dict[str, object]:
    return {"step": step, "patients": int(part["patient_id"].nunique()), "cases": len(part), "reason": reason}


def largest_roi_cases(table: pd.DataFrame, sizes: pd.Series) -> list[str]:
    """One case a patient, the one with the largest ROI (of equals the first by case_id), sorted; excluded ones never.

    sizes : index case_id, the ROI's size; all in one unit.
    """
    kept = table.loc[table["excluded"] == "", ["patient_id", "case_id"]].copy()
    kept["size"] = kept["case_id"].map(sizes)
    kept = kept.dropna(subset=["size"]).sort_values(
        ["patient_id", "size", "case_id"], ascending=[True, False, True], kind="stable"
    )
    return sorted(kept.drop_duplicates("patient_id")["case_id"])
