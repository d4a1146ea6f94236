"""Stage fuse: the deep block. Embeddings of each part become principal components of its training patients."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.engine import Run, stage
from dlr.learn import PcaBlock, components_wanted, fit_pca, save_pca
from dlr.protocols import Part
from dlr.stages.deep import FROZEN_ROWS
from dlr.stages.parts import fold_of, study_parts
from dlr.stages.signatures import PatientFrame, patient_frame
from dlr.stages.tables import CohortTables, read_cohort

__all__ = ["block_folder", "embedding_frame", "fuse"]

DEEP_COLUMN = r"e\d{4}"


@stage(
    "fuse",
    version=1,
    needs=["cohort", "deep"],
    optional=["radiomics"],
    sections=["fuse", "cohort.per_patient", "learn.protocols"],
    libraries=["numpy", "scipy"],
)
def fuse(run: Run) -> None:
    """Principal components of the network's features, fitted on each part's training patients."""
    tables = read_cohort(run.needs.cohort)
    embeddings = pd.read_parquet(run.needs.deep / "embeddings.parquet")
    choices = pd.read_csv(run.needs.deep / "choices.csv")
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    frames = {
        (target, part.name): frame
        for target in tables.targets
        for part in parts
        if (frame := _frame(embeddings, choices, tables, target, part, run.settings.cohort.per_patient)) is not None
    }
    train = {name: (frame, part) for name, frame in frames.items() for part in parts if part.name == name[1]}
    smallest = min(frame.of(part.train).patient_id.nunique() for frame, part in train.values())
    wanted = components_wanted(run.settings.fuse.n_components, smallest)
    scores, variance = [], []
    for (target, name), (frame, part) in train.items():
        block = fit_pca(frame.of(part.train).values, wanted)
        save_pca(block, block_folder(run.folder, target, name))
        scores.append(_scores(block, frame, target, part))
        variance.append(_variance(block, target, part))
    pd.concat(scores, ignore_index=True).to_parquet(run.folder / "components.parquet", index=False)
    pca = pd.concat(variance, ignore_index=True)
    pca.to_csv(run.folder / "pca.csv", index=False)
    kept = pca.groupby(["target", "part"])["explained"].agg(["size", "sum"])
    write_shares(run, kept)
    counts = f"{kept['size'].min()}" + (f" to {kept['size'].max()}" if kept["size"].nunique() > 1 else "")
    run.log(
        f"{counts} components of {frames[next(iter(frames))].values.shape[1]} network features keep "
        f"{100 * kept['sum'].min():.0f} to {100 * kept['sum'].max():.0f} % of their variance"
    )


def embedding_frame(table: pd.DataFrame, tables: CohortTables, policy: str) -> PatientFrame:
    """Rows for learning out of embeddings a case; columns beyond a backbone's width are left out."""
    deep = table[[name for name in table.columns if re.fullmatch(DEEP_COLUMN, name)]]
    width = deep.columns[deep.notna().any(axis=0)]
    return patient_frame(table[["case_id", "patient_id", *width]], tables, policy)


def block_folder(home: Path, target: str, part: str) -> Path:
    """Where the components of a part lie."""
    return home / "blocks" / target / part


def _frame(
    embeddings: pd.DataFrame, choices: pd.DataFrame, tables: CohortTables, target: str, part: Part, policy: str
) -> PatientFrame | None:
    """The embeddings of a part's patients by its own chosen network; None where none was made for it."""
    chosen = choices[(choices["target"] == target) & (choices["part"] == part.name) & choices["chosen"]]
    if chosen.empty:
        return None
    rows = embeddings[embeddings["backbone"] == chosen["backbone"].iloc[0]]
    frozen = rows[rows["part"] == FROZEN_ROWS]
    own = rows[(rows["target"] == target) & (rows["part"] == part.name)]
    return embedding_frame(own if len(own) else frozen, tables, policy)


def _named(target: str, part: Part) -> dict[str, Any]:
    return {
        "target": target,
        "protocol": part.protocol,
        "part": part.name,
        "seed": part.seed,
        "fold": fold_of(part),
    }


def _scores(block: PcaBlock, frame: PatientFrame, target: str, part: Part) -> pd.DataFrame:
    """components.parquet: scores of everybody the part's network saw."""
    table = block.transform(frame.values)
    table.insert(0, "patient_id", frame.patient_id.to_numpy())
    table = table.rename_axis("row").reset_index()
    return table.assign(**_named(target, part))


def _variance(block: PcaBlock, target: str, part: Part) -> pd.DataFrame:
    """pca.csv: the share of variance of every component."""
    component = range(1, len(block.explained) + 1)
    return pd.DataFrame({"component": component, "explained": block.explained}).assign(**_named(target, part))


def write_shares(run: Run, kept: pd.DataFrame) -> None:
    """shares.csv: how many columns each block brings to the joined table."""
    rows = [("joined", "DL", float(kept["size"].mean()))]
    if run.needs.radiomics is not None:
        columns = pd.read_parquet(run.needs.radiomics / "features.parquet").columns
        rows.insert(0, ("joined", "Rad", float(len(columns) - 2)))
    pd.DataFrame(rows, columns=["step", "block", "count"]).to_csv(run.folder / "shares.csv", index=False)
