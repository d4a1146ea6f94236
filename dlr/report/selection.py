# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Reading what was selected: stable features, counts after each step, p-values of the first step, correlations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.radiomics.regions import region_and_rest, region_words
from dlr.report.sources import Sources
from dlr.tables import CASES
from dlr.words import Protocol, Side

__all__ = [
    "ICC_WORDS",
    "STEP_WORDS",
    "correlations",
    "kept_under_all",
    "measured_regions",
    "noisy_features",
    "of_the_whole_side",
    "one_fit",
    "step_counts",
    "t_test_values",
]

ICC_WORDS = {"ICC2": "ICC(2,1)", "ICC3": "ICC(3,1)"}  # as stability.kind names them
STEP_WORDS = {
    "missing": "Known in enough patients",
    "constant": "Not constant",
    "stability": "Stable between outlines",
    "t_test": "t-test",
    "spearman": "Spearman's correlation",
    "correlation": "Correlation filter",
    "lasso": "LASSO",
    "prepared": "Prepared, no selection",
}
_FIT = ["target", "model", "protocol", "seed", "fold"]


def measured_regions(sources: Sources, total: int) -> str:
    """How many of all radiomics features are of which region, as a sentence goes on; empty where all are the lesion's."""
    regions, facts = sources.settings.radiomics.regions, sources.table(CASES)
    if len(regions) < 2:
        return ""
    words = [region_words(name) for name in regions]
    unknown = 0 if facts is None else int((~facts["spacing_known"]).sum())
    said = f" (in the {unknown:,} images without pixel spacing a twentieth of the lesion's equivalent diameter stands for 1 mm)"
    return f": {total // len(regions):,} in each of {', '.join(words[:-1])} and {words[-1]}{said if unknown else ''}"


def noisy_features(dictionary: pd.DataFrame) -> int:
    """How many features the dictionary marks as rounding noise on a single slice."""
    return int(dictionary["noise_on_one_slice"].sum())


def of_the_whole_side(stability: pd.DataFrame) -> pd.DataFrame:
    """STABILITY on the whole training side: the published protocol's part, else the first part."""
    parts = stability["part"]
    return stability[parts == (Protocol.PAPER if (parts == Protocol.PAPER).any() else parts.iloc[0])]


def kept_under_all(stability: pd.DataFrame) -> tuple[int, int]:
    """How many features reach the chosen ICC under every perturbation on the whole training side, and of how many."""
    kept = of_the_whole_side(stability).groupby("feature")["kept"].all()
    return int(kept.sum()), len(kept)


def step_counts(selection: pd.DataFrame) -> pd.DataFrame:
    """Per target, model, protocol and step: how many features each fit looked at and kept, as tuples over the fits.

    A step keeps what the steps before it kept, less the features it rejects.
    """
    rows = []
    for fit, own in selection.groupby(_FIT, sort=False, observed=True):
        left = own["feature"].nunique()
        for step, at in own.groupby("step", sort=False):
            kept = left - int((~at["kept"]).sum())
            rows.append((*fit, step, left, kept))
            left = kept
    per_fit = pd.DataFrame(rows, columns=[*_FIT, "step", "looked_at", "kept"])
    return (
        per_fit.groupby(["target", "model", "protocol", "step"], sort=False)
        .agg(looked_at=("looked_at", tuple), kept=("kept", tuple), fits=("kept", "size"))
        .reset_index()
    )


def one_fit(selection: pd.DataFrame) -> pd.DataFrame:
    """The fit that shows the steps: the published way on the whole training side, else the first cross-fitted one."""
    paper = selection[selection["protocol"] == Protocol.PAPER]
    rows = paper if len(paper) else selection
    first = rows.iloc[0]
    return rows[(rows[_FIT] == first[_FIT]).all(axis=1)]


def t_test_values(selection: pd.DataFrame) -> pd.DataFrame:
    """feature, family, p of the first step that has p-values."""
    rows = one_fit(selection)
    rows = rows[rows["p"].notna()]
    if rows.empty:
        return pd.DataFrame(columns=["feature", "family", "p"])
    rows = rows[rows["step"] == rows["step"].iloc[0]]
    names = rows["feature"].astype(str).map(lambda name: region_and_rest(name)[1])
    family = names.str.split("_").str[1].fillna("other").str.replace("shape2D", "shape")
    return pd.DataFrame({"feature": rows["feature"], "family": family, "p": rows["p"]}).reset_index(drop=True)


def correlations(
    selection: pd.DataFrame, features: pd.DataFrame, patients: pd.DataFrame | None
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Pearson's r of the features that reached the correlation filter, and of those it kept; training patients only."""
    rows = one_fit(selection)
    rows = rows[rows["step"].astype(str).str.startswith("correl")]
    names = [name for name in rows["feature"] if name in features.columns]
    if not names:
        return None, None
    by_patient = features.groupby("patient_id")[names].mean()
    if patients is not None:
        training = patients.loc[patients["side"] == Side.TRAIN, "patient_id"]
        by_patient = by_patient[by_patient.index.isin(training)]
    values = by_patient.fillna(by_patient.median()).to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = pd.DataFrame(np.nan_to_num(np.corrcoef(values, rowvar=False)), index=names, columns=names)
    kept = [name for name in rows.loc[rows["kept"], "feature"] if name in r.index]
    return r, (r.loc[kept, kept] if kept else None)
