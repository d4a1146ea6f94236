"""Stage receptors: 3-D networks, for the markers alone (SingleTask) and for the outline as well (MultiTask)."""

from __future__ import annotations

import json

import pandas as pd

from dlr.engine import Run, stage
from dlr.errors import InputError, missing_modules
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.frames import probability_by_patient
from dlr.study.parts import side_under, study_parts
from dlr.study.receptors import ReceptorChain, receptor_chains, seconds_of_all
from dlr.study.receptors_new import apply_receptors
from dlr.study.signatures import held_out_rows
from dlr.study.volumes import VolumeSet, read_volume_set
from dlr.tables import CURVES, EMBEDDINGS, PREDICTIONS, SEGMENTATION
from dlr.words import CHOSEN, EVERY_PART

__all__ = ["receptors"]


def foretell_receptors(run: Run) -> float:
    """Seconds of all trainings at most, told from the cohort alone."""
    if missing_modules("deep"):
        return 0.0
    tables = read_cohort(run.needs.cohort)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    return seconds_of_all(run, tables.binary_targets, parts)


@stage(
    "receptors",
    version=1,
    needs=["cohort", "volumes"],
    sections=["receptors", "volume", "cohort", "learn.protocols"],
    libraries=["numpy", "torch"],
    gives=[PREDICTIONS, CURVES, EMBEDDINGS, SEGMENTATION],
    apply=apply_receptors,
    foretell=foretell_receptors,
)
def receptors(run: Run) -> None:
    """3-D networks trained from scratch on the whole lesion: SingleTask and MultiTask."""
    missing = missing_modules("deep")
    if missing:
        run.leave_out(f'{", ".join(missing)} not installed: pip install "dlr[deep]"')
    tables, volumes = read_cohort(run.needs.cohort), read_volume_set(run.needs.volumes)
    if not tables.binary_targets:
        run.leave_out("its networks answer targets of two classes, and the study has none")
    if "multi" in run.settings.receptors.models and not any(volumes.outlined.values()):
        raise InputError(
            "receptors.models",
            "no volume has an outline, which MultiTask learns",
            "set it to [single], or outline some",
        )
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    chains = receptor_chains(run, volumes, tables, tables.binary_targets, parts)
    if not chains:
        run.leave_out("no part knows patients of both classes of any marker")
    rows = [table for chain in chains for table in prediction_rows(run, tables, volumes, chain)]
    PREDICTIONS.write(run.folder, pd.concat(rows, ignore_index=True))
    about = {name: chains[0].origin[name] for name in ("weights", "tensors", "source")}
    (run.folder / "receptors.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    CURVES.write(run.folder, pd.concat([curve_rows(chain) for chain in chains], ignore_index=True))
    embeddings = [embedding_rows(chain) for chain in chains if chain.embeddings is not None]
    EMBEDDINGS.write(run.folder, pd.concat(embeddings, ignore_index=True))
    maps = [segmentation_rows(tables, volumes, chain) for chain in chains if len(chain.maps)]
    if maps:
        SEGMENTATION.write(run.folder, pd.concat(maps, ignore_index=True))


def prediction_rows(run: Run, tables: CohortTables, volumes: VolumeSet, chain: ReceptorChain) -> list[pd.DataFrame]:
    """PREDICTIONS of one chain, a table a marker."""
    policy = run.settings.cohort.per_patient
    out = []
    for target in chain.targets:
        value = probability_by_patient(chain.scores[target.name], volumes.patients, policy)
        value = value[value.index.isin(chain.part.predict)]
        out.append(held_out_rows(chain.part, value, target, chain.model, "", CHOSEN, tables.sides))
    return out


def curve_rows(chain: ReceptorChain) -> pd.DataFrame:
    """CURVES of one chain; a marker's own loss under its name, what serves all of them under `all`."""
    own = {f"loss_{target.name}": target.name for target in chain.targets}
    table = chain.curves.assign(**place_of(chain), model=chain.model.value, target=group_of(chain))
    if len(own) == 1:  # a marker alone: its loss is that of the heads
        return table[~table["measure"].isin(list(own))]
    table["target"] = table["measure"].map(own).fillna(table["target"])
    return table.assign(measure=table["measure"].where(~table["measure"].isin(list(own)), "loss"))


def embedding_rows(chain: ReceptorChain) -> pd.DataFrame:
    """EMBEDDINGS of the one chain that is shown whole."""
    assert chain.embeddings is not None
    named = {"target": group_of(chain), "part": chain.part.name, "backbone": chain.model.value}
    return chain.embeddings.assign(**place_of(chain), **named)


def segmentation_rows(tables: CohortTables, volumes: VolumeSet, chain: ReceptorChain) -> pd.DataFrame:
    """SEGMENTATION of one chain."""
    table = chain.maps.assign(**place_of(chain), target=group_of(chain), model=chain.model.value, variant="")
    table["unit"] = table["case_id"].map(tables.facts["spacing_known"]).map({True: "mm", False: "pixels"})
    table["patient_id"] = table["case_id"].map(volumes.patients)
    table["side"] = [side_under(chain.part.protocol, side) for side in table["patient_id"].map(tables.sides)]
    return table


def place_of(chain: ReceptorChain) -> dict[str, object]:
    """Which chain it is, as tables name it."""
    return {"protocol": chain.part.protocol, "seed": chain.part.seed, "fold": chain.part.stored_fold}


def group_of(chain: ReceptorChain) -> str:
    """The marker that a network answers for, or all of them."""
    return chain.targets[0].name if len(chain.scores.columns) == 1 else EVERY_PART
