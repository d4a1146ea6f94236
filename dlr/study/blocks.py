"""What the cheap chains of a study read of its patients, and noise of that shape while nothing is measured."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dlr.engine import Run
from dlr.learn import components_wanted
from dlr.protocols import Part
from dlr.randomness import rng
from dlr.study.cheap_chains import Blocks
from dlr.study.cohort import CohortTables
from dlr.study.deep_chains import FROZEN, embedding_frame
from dlr.study.frames import PatientFrame, patient_frame
from dlr.tables import EMBEDDINGS, FEATURES

__all__ = ["blocks_of", "noise_blocks"]

USUAL_FEATURES, USUAL_WIDTH = 1000, 1280  # of radiomics and of a backbone, while nothing is measured


def blocks_of(run: Run, tables: CohortTables, patients: Sequence[str], parts: Sequence[Part]) -> Blocks:
    """What the chains of the study's models read of some patients.

    parts : that will be fitted; the smallest says how many components there can be.
    """
    policy = run.settings.cohort.per_patient
    clinical, deep, rad = {}, {}, None
    if run.needs.clinical is not None:
        for variant, values in tables.clinical_variants(run.settings.learn.missing_indicator).items():
            clinical[variant] = PatientFrame.by_patient(values).of(patients)
    if run.needs.radiomics_model is not None:
        rad = patient_frame(FEATURES.read(run.needs.radiomics), tables, policy).of(patients)
    if run.needs.deep is not None:
        embeddings = EMBEDDINGS.read(run.needs.deep)
        for name, rows in embeddings[embeddings["role"] == FROZEN].groupby("backbone", sort=False):
            deep[str(name)] = embedding_frame(rows, tables, policy).of(patients)
    components = None
    if run.needs.fusion_model is not None and rad is not None and deep:
        smallest = min(frame.of(part.train).patient_id.nunique() for frame in deep.values() for part in parts)
        components = components_wanted(run.settings.fuse.n_components, smallest)
    return Blocks(clinical, rad, deep, components)


def noise_blocks(run: Run, tables: CohortTables, patients: Sequence[str]) -> Blocks:
    """Noise of some patients in place of what is not measured yet, as wide as it will be: to foretell the time."""
    features = FEATURES.read(run.needs.radiomics).shape[1] if FEATURES.there(run.needs.radiomics) else USUAL_FEATURES
    draw = rng(run.seed, "blocks", "foretold")

    def noise(columns: int) -> PatientFrame:
        names = [f"noise_{number}" for number in range(columns)]
        return PatientFrame.by_patient(pd.DataFrame(draw.normal(size=(len(patients), columns)), patients, names))

    deep = {"network": noise(USUAL_WIDTH)} if run.inputs.features is None and len(tables.facts) else {}
    fused = components_wanted(None, len(patients) // 2) if deep and hasattr(run.settings, "fuse") else None
    return Blocks({"": PatientFrame.by_patient(tables.clinical()).of(patients)}, noise(features), deep, fused)
