"""Stage fusion_model: radiomics features and deep components through the same selection and classifiers: DLR."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.stages.parts import study_parts
from dlr.stages.radiomics_model import reproducible_features
from dlr.stages.signatures import PatientFrame, Question, SignatureTables, fit_signature, patient_frame, write_selected
from dlr.stages.tables import read_cohort
from dlr.words import Model

__all__ = ["fusion_model", "joined"]

STEPS = ("joined", "t_test", "correlation", "lasso")
SHOWN = {"joined": "joined", "t_test": "after the t-test", "correlation": "after |r|", "lasso": "kept by the LASSO"}


@stage(
    "fusion_model",
    version=3,
    needs=["cohort", "radiomics", "deep", "fuse"],
    optional=["stability"],
    sections=["cohort.per_patient", "learn", "evaluate.bootstrap"],
    libraries=["numpy", "scipy", "scikit-learn", "lightgbm", "xgboost"],
)
def fusion_model(run: Run) -> None:
    """Radiomics and deep features joined, selected and classified like radiomics alone: the DLR signature."""
    tables = read_cohort(run.needs.cohort)
    features = pd.read_parquet(run.needs.radiomics / "features.parquet")
    rad = patient_frame(features, tables, run.settings.cohort.per_patient)
    components = pd.read_parquet(run.needs.fuse / "components.parquet")
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    allowed = reproducible_features(run)
    made: dict[str, SignatureTables] = {}
    shares = []
    for target in tables.targets:
        own = {str(name): rows for name, rows in components[components["target"] == target].groupby("part")}
        frames = {name: joined(rad, rows.set_index("row")) for name, rows in own.items()}
        there = tuple(part for part in parts if part.name in frames)
        deep = {name: [c for c in frame.values.columns if c.startswith("pca_")] for name, frame in frames.items()}
        kept = None if allowed is None else {name: [*allowed.get(name, []), *deep[name]] for name in frames}
        question = Question(
            target, Model.DLR.value, rad, tables.labels(target), tables.sides, select=True, by_part=frames
        )
        made[target] = fit_signature(run, question, there, kept)
        shares.append(block_shares(made[target].selection, frames))
    write_selected(run, tables, made)
    pd.concat(shares).groupby(["step", "block"], sort=False)["count"].mean().reset_index().to_csv(
        run.folder / "shares.csv", index=False
    )


def joined(rad: PatientFrame, components: pd.DataFrame) -> PatientFrame:
    """Both blocks side by side, rows that have both.

    components : a part's scores, indexed as `rad` is (by patient, or by case where probabilities are meant).
    """
    names = sorted(c for c in components.columns if c.startswith("pca_") and components[c].notna().any())
    both = rad.values.index[rad.values.index.isin(components.index)]
    values = rad.values.loc[both].join(components.loc[both, names])
    return PatientFrame(values, rad.patient_id.loc[both])


def block_shares(selection: pd.DataFrame, frames: dict[str, PatientFrame]) -> pd.DataFrame:
    """step, block, count: columns of each block at every step, a mean over the parts."""
    columns = [frame.values.columns.str.startswith("pca_") for frame in frames.values()]
    rows = [
        (SHOWN["joined"], block, sum(float((deep == is_deep).sum()) for deep in columns) / len(columns))
        for block, is_deep in (("Rad", False), ("DL", True))
    ]
    fits = len(frames)
    for step in STEPS[1:]:
        kept = selection[(selection["step"] == step) & selection["kept"].astype(bool)]
        deep_kept = int(kept["feature"].str.startswith("pca_").sum())
        rows += [(SHOWN[step], "Rad", (len(kept) - deep_kept) / fits), (SHOWN[step], "DL", deep_kept / fits)]
    return pd.DataFrame(rows, columns=["step", "block", "count"])
