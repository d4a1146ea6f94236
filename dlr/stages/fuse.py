"""Stage fuse: the deep block. Embeddings of each part become principal components of its training patients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from dlr.engine import Run, stage
from dlr.learn import PcaBlock, components_wanted, fit_pca, load_pca, save_pca
from dlr.protocols import Part
from dlr.study.application import Application
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.deep_chains import embedding_frame
from dlr.study.frames import PatientFrame
from dlr.study.parts import study_parts
from dlr.tables import BLOCKS, CHOICES, COMPONENTS, EMBEDDINGS, FEATURES, PCA
from dlr.words import EVERY_PART, Target

__all__ = ["fuse"]


def apply_fuse(given: Application) -> None:
    """The components of new patients, by every saved block."""
    embeddings = given.made.of(EMBEDDINGS)
    policy = given.settings.cohort.per_patient
    for (target, name), rows in embeddings.groupby(["target", "part"], sort=True):
        frame = embedding_frame(rows, given.patients.tables, policy)
        block = load_pca(block_folder(given.home, target, name))
        given.made.give(COMPONENTS, scores_of(block, frame, target, Part.named(name)))


@stage(
    "fuse",
    version=2,
    needs=["cohort", "deep"],
    optional=["radiomics"],
    sections=["fuse", "cohort.per_patient", "learn.protocols"],
    libraries=["numpy", "scipy"],
    gives=[COMPONENTS, PCA, BLOCKS],
    apply=apply_fuse,
)
def fuse(run: Run) -> None:
    """Principal components of the network's features, fitted on each part's training patients."""
    tables = read_cohort(run.needs.cohort)
    embeddings, choices = EMBEDDINGS.read(run.needs.deep), CHOICES.read(run.needs.deep)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    policy = run.settings.cohort.per_patient
    frames = [
        (target, part, frame)
        for target in tables.binary_targets
        for part in parts
        if (frame := _frame(embeddings, choices, tables, target, part, policy)) is not None
    ]
    smallest = min(frame.of(part.train).patient_id.nunique() for _, part, frame in frames)
    wanted = components_wanted(run.settings.fuse.n_components, smallest)
    scores, variance = [], []
    for target, part, frame in frames:
        block = fit_pca(frame.of(part.train).values, wanted)
        save_pca(block, block_folder(run.folder, target.name, part.name))
        scores.append(scores_of(block, frame, target.name, part))
        component = range(1, len(block.explained) + 1)
        named = _named(target.name, part)
        variance.append(pd.DataFrame({"component": component, "explained": block.explained}).assign(**named))
    COMPONENTS.write(run.folder, pd.concat(scores, ignore_index=True))
    pca = pd.concat(variance, ignore_index=True)
    PCA.write(run.folder, pca)
    kept = pca.groupby(["target", "part"])["explained"].agg(["size", "sum"])
    write_blocks(run, float(kept["size"].mean()))
    counts = f"{kept['size'].min()}" + (f" to {kept['size'].max()}" if kept["size"].nunique() > 1 else "")
    run.log(
        f"{counts} components of {frames[0][2].values.shape[1]} network features keep "
        f"{100 * kept['sum'].min():.0f} to {100 * kept['sum'].max():.0f} % of their variance"
    )


def scores_of(block: PcaBlock, frame: PatientFrame, target: str, part: Part) -> pd.DataFrame:
    """COMPONENTS: scores of everybody whom the part's network was shown."""
    table = block.transform(frame.values)
    table.insert(0, "patient_id", frame.patient_id.to_numpy())
    return table.rename_axis("row").reset_index().assign(**_named(target, part))


def block_folder(home: Path, target: str, part: str) -> Path:
    """Where the components of a part lie."""
    return home / "blocks" / target / part


def write_blocks(run: Run, components: float) -> None:
    """BLOCKS: how many columns each block brings to the joined table."""
    rows = [("DL", components)]
    if run.needs.radiomics is not None:
        rows.insert(0, ("Rad", float(len(FEATURES.read(run.needs.radiomics).columns) - 2)))
    BLOCKS.write(run.folder, pd.DataFrame(rows, columns=list(BLOCKS.names)))


def _frame(
    embeddings: pd.DataFrame, choices: pd.DataFrame, tables: CohortTables, target: Target, part: Part, policy: str
) -> PatientFrame | None:
    """The embeddings of a part's patients by its own chosen network; None where none was made for it."""
    chosen = choices[(choices["target"] == target.name) & (choices["part"] == part.name) & choices["chosen"]]
    if chosen.empty:
        return None
    rows = embeddings[embeddings["backbone"] == json.loads(chosen["parameters"].iloc[0])["backbone"]]
    everywhere = rows[rows["part"] == EVERY_PART]
    own = rows[(rows["target"] == target.name) & (rows["part"] == part.name)]
    return embedding_frame(own if len(own) else everywhere, tables, policy)


def _named(target: str, part: Part) -> dict[str, Any]:
    return {
        "target": target, "protocol": part.protocol, "part": part.name, "seed": part.seed, "fold": part.stored_fold,
    }  # fmt: skip
