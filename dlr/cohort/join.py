"""A second table of clinical values, joined by patient: every patient must match, or both lists are printed."""

from __future__ import annotations

import difflib
import re

import pandas as pd

from dlr.cohort.mapping import Findings, shown
from dlr.cohort.settings import CohortSettings
from dlr.cohort.vocabulary import fold_value

__all__ = ["join_clinical", "unmatched"]


def join_clinical(
    manifest: pd.DataFrame,
    clinical: pd.DataFrame,
    sources: tuple[str, str],
    settings: CohortSettings,
    findings: Findings,
) -> pd.DataFrame:
    """The manifest with the clinical table's columns beside it; both hold text cells and a column patient_id.

    Stops with a problem where an id has no partner, a patient has several rows that differ, or both tables hold a
    column with different cells. Patients of the clinical table only may be left out by settings.clinical_extra.
    """
    first, second = sources
    if "patient_id" not in clinical.columns:
        findings.problem(
            f"{second} headers",
            f"no column patient_id (there are: {shown([str(c) for c in clinical.columns])})",
            "name it so, or map it in cohort.headers",
        )
        return manifest
    clinical = clinical[clinical["patient_id"] != ""]
    several = clinical[clinical["patient_id"].duplicated(keep=False)]
    differing = [str(p) for p, rows in several.groupby("patient_id", sort=True) if len(rows.drop_duplicates()) > 1]
    if differing:
        findings.problem(second, f"several rows that differ for patients {shown(differing)}", "leave one row a patient")
    once = clinical.drop_duplicates("patient_id")
    if len(once) < len(clinical) and not differing:
        findings.note(second, f"{len(clinical) - len(once)} repeated rows were left out")
    mend = "write the ids alike in both tables (they are compared as text, 00123 is not 123)"
    ours, theirs = sorted(set(manifest["patient_id"]) - {""}), sorted(once["patient_id"])
    lost, extra = unmatched(ours, theirs)
    if findings.tolerant:
        if lost:
            findings.note(first, f"{len(lost)} patients are not in {second}: its columns are missing for them")
        lost, extra = [], []
    if lost:
        findings.problem(
            first, f"{len(lost)} of {len(ours)} patients are not in {second}: {_with_nearest(lost, theirs)}", mend
        )
    if extra and (lost or settings.clinical_extra == "refuse"):
        findings.problem(
            second,
            f"{len(extra)} of {len(theirs)} patients are not in {first}: {_with_nearest(extra, ours)}",
            f"{mend}; or cohort.clinical_extra: leave",
        )
    elif extra:
        findings.note(second, f"{len(extra)} patients without an image were left out: {shown(extra)}")
    if lost or differing:
        return manifest
    aligned = once.set_index("patient_id").reindex(manifest["patient_id"])
    joined = manifest.copy()
    for name in aligned.columns:
        values = aligned[name].fillna("").to_numpy(dtype=object)
        if name in manifest.columns:
            clash = (manifest[name] != values) & (manifest[name] != "") & (values != "")
            if clash.any():
                ids = sorted(set(manifest.loc[clash, "patient_id"]))
                findings.problem(
                    f"{first} and {second}",
                    f"column {name} differs between the tables for patients {shown(ids)}",
                    "correct it, or rename the column in one of them",
                )
            joined[name] = manifest[name].where(manifest[name] != "", pd.Series(values, index=manifest.index))
        else:
            joined[name] = values
    return joined


def unmatched(ours: list[str], theirs: list[str]) -> tuple[list[str], list[str]]:
    """Ids of either side without a partner, sorted."""
    return sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))


def _with_nearest(ids: list[str], others: list[str]) -> str:
    """'0012 (nearest: 12)' for the first few."""
    bare: dict[str, str] = {}
    for other in others:
        bare.setdefault(_bare(other), other)
    named = []
    for number, one in enumerate(ids):
        near = [bare[_bare(one)]] if _bare(one) in bare else []
        if not near and number < 12:
            near = difflib.get_close_matches(one, others, n=1, cutoff=0.6)
        named.append(f"{one} (nearest: {near[0]})" if near else one)
    return shown(named) if len(named) > 40 else ", ".join(named)


def _bare(patient_id: str) -> str:
    """An id without case, forms of a letter, zeros in front, punctuation and a spreadsheet's '.0'."""
    text = re.sub(r"\.0$", "", fold_value(patient_id))
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\W_]+", "", text))
