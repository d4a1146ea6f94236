"""Stage receptors: 3-D networks for the markers (SingleTask), the outline too (MultiTask), by regions (Spatial)."""

from __future__ import annotations

import json
from functools import partial

import pandas as pd

from dlr.engine import Run, stage
from dlr.errors import missing_modules
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.frames import value_by_patient
from dlr.study.parts import side_under, study_parts
from dlr.study.receptor_networks import check_outlines, seconds_of_all
from dlr.study.receptors import ReceptorChain, receptor_chains
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
    return seconds_of_all(run, tables.targets, parts)


@stage(
    "receptors",
    version=4,
    needs=["cohort", "volumes"],
    sections=["receptors", "volume", "cohort", "learn.protocols"],
    libraries=["numpy", "torch"],
    gives=[PREDICTIONS, CURVES, EMBEDDINGS, SEGMENTATION],
    apply=apply_receptors,
    foretell=foretell_receptors,
)
def receptors(run: Run) -> None:
    """3-D networks trained from scratch on the lesion: SingleTask, MultiTask, Spatial and the rows of its ablation."""
    missing = missing_modules("deep")
    if missing:
        run.leave_out(f'{", ".join(missing)} not installed: pip install "dlr[deep]"')
    tables, volumes = read_cohort(run.needs.cohort), read_volume_set(run.needs.volumes)
    check_outlines(run, volumes)
    parts = study_parts(tables.folds, run.settings.learn.protocols, tables.sides)
    chains = receptor_chains(run, volumes, tables, tables.targets, parts)
    if not chains:
        run.leave_out("no part knows patients of both classes, or six per cents, of any marker")
    rows = [table for chain in chains for table in prediction_rows(run, tables, volumes, chain)]
    PREDICTIONS.write(run.folder, pd.concat(rows, ignore_index=True))
    about = {name: chains[0].origin[name] for name in ("weights", "tensors", "source")}
    (run.folder / "receptors.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    whole = [chain for chain in chains if not chain.row]
    CURVES.write(run.folder, pd.concat([curve_rows(chain) for chain in whole], ignore_index=True))
    embeddings = [embedding_rows(chain) for chain in whole if chain.embeddings is not None]
    EMBEDDINGS.write(run.folder, pd.concat(embeddings, ignore_index=True))
    maps = [segmentation_rows(tables, volumes, chain) for chain in whole if len(chain.maps)]
    if maps:
        SEGMENTATION.write(run.folder, pd.concat(maps, ignore_index=True))


def prediction_rows(run: Run, tables: CohortTables, volumes: VolumeSet, chain: ReceptorChain) -> list[pd.DataFrame]:
    """PREDICTIONS of one chain, a table a marker."""
    from dlr.volume import value_of

    policy = run.settings.cohort.per_patient
    out = []
    for target in chain.targets:
        scores = chain.scores[target.name]
        value = value_by_patient(scores, volumes.patients, policy, partial(value_of, target=target))
        value = value[value.index.isin(chain.part.predict)]
        out.append(held_out_rows(chain.part, value, target, chain.model, chain.row, CHOSEN, tables.sides))
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
