"""Which chains of Spatial are asked about its regions, of whom, and whose examples they show."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from dlr.study.region_maps import examples_of, region_chains
from dlr.study.signatures import chains_folder
from dlr.study.volumes import VolumeSet
from dlr.tables import EXAMPLES_IN_PLANES
from tests.study.hand_made import HER2, cohort_of, folds_of

SIDES = {"P0": "train", "P1": "train", "P2": "train", "P3": "train", "V0": "validation", "T0": "test", "T1": "test"}
FOLD = {"P0": 0, "P1": 1, "P2": 0, "P3": 1}
COHORT = cohort_of(
    {"patient_id": list(SIDES), "side": list(SIDES.values()), "her2": [0.0, 1, 0, 1, 0, 1, 0]},
    targets=(HER2,),
    folds=folds_of("crossfit", FOLD),
)
OUTLINED = {patient: patient != "T1" for patient in SIDES}
VOLUMES = VolumeSet({f"case {p}": Path(p) for p in SIDES}, {f"case {p}": p for p in SIDES},
                    {f"case {p}": known for p, known in OUTLINED.items()})  # fmt: skip


def run_of(home: Path, *protocols: str, attention: Path | None = None) -> Any:
    settings = SimpleNamespace(learn=SimpleNamespace(protocols=list(protocols)))
    return SimpleNamespace(settings=settings, needs=SimpleNamespace(receptors=home, attention=attention))


def keep(home: Path, *chains: tuple[str, str, str]) -> None:
    for target, model, part in chains:
        (chains_folder(home, target, model, part) / "network").mkdir(parents=True)


def test_a_chain_is_asked_of_whom_it_did_not_see_and_paper_not_of_those_who_stopped_it(tmp_path: Path) -> None:
    keep(tmp_path, ("all", "Spatial", "paper"), ("all", "Spatial", "crossfit-s0-f1"), ("all", "MultiTask", "paper"))
    chains = region_chains(run_of(tmp_path, "paper", "crossfit"), COHORT, VOLUMES)
    found = {chain.saved.part.name: chain.cases for chain in chains}
    assert found == {"paper": ("case T0",), "crossfit-s0-f1": ("case P1", "case P3", "case T0", "case V0")}
    assert [chain.place["fold"] for chain in chains] == [1, -1]


@pytest.mark.parametrize(("kept", "number"), [(["all"], 0), (["er", "her2"], 1)])
def test_an_example_is_shown_by_the_chain_that_stage_attention_mapped(
    tmp_path: Path, kept: list[str], number: int
) -> None:
    keep(tmp_path, *((name, "Spatial", part) for part in ("crossfit-s0-f1", "paper") for name in kept))
    (tmp_path / "attention").mkdir()
    row = ("her2", "Spatial", "case P3", "P3", "true positive", 0.9, 1, "x.npz")
    EXAMPLES_IN_PLANES.write(tmp_path / "attention", pd.DataFrame([row], columns=list(EXAMPLES_IN_PLANES.names)))
    run = run_of(tmp_path, "crossfit", "paper", attention=tmp_path / "attention")
    chains = [chain for chain in region_chains(run, COHORT, VOLUMES) if chain.saved.part.protocol == "crossfit"]
    ((found, named),) = examples_of(run, chains)
    assert found == number and chains[found].saved.target in ("all", "her2")
    assert named["case_id"] in chains[found].cases and "file" not in named


def test_without_maps_there_are_no_examples(tmp_path: Path) -> None:
    keep(tmp_path, ("all", "Spatial", "paper"))
    run = run_of(tmp_path, "paper")
    assert examples_of(run, region_chains(run, COHORT, VOLUMES)) == []
