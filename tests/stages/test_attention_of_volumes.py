"""Stage attention where volumes have networks: both on the same patients, paired, three planes kept."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import wilcoxon

import dlr.volume
from dlr.attention import GradCAMPlusPlus, attention_in_numbers
from dlr.engine import Pipeline, Result, Run, Screen, resolve, run_pipeline, stage
from dlr.randomness import rng
from dlr.settings import ReceptorStudySettings
from dlr.stages.attention import attention
from dlr.study import volume_maps
from dlr.study.signatures import chains_folder
from dlr.study.volume_maps import three_planes
from dlr.tables import ATTENTION, ATTENTION_COMPARED, EXAMPLES_IN_PLANES, PREDICTIONS, VOLUMES
from dlr.volume import Architecture, make_network
from dlr.volume.cut import Volume
from dlr.words import Target
from tests.stages.hand_made_volumes import write_volumes
from tests.study.hand_made import cohort_of, folds_of, predictions_of, write_cohort

SHAPE = (8, 12, 10)
PATIENTS = [f"P{k:02d}" for k in range(14)]
FOLD = {p: k % 2 for k, p in enumerate(PATIENTS)}
TARGETS = ("er", "her2")
WITHOUT_OUTLINE, NOT_PREDICTED = "P03", "P05"


def volume_of(patient: str) -> Volume:
    random = rng(1, "volume", patient)
    z, y, x = np.indices(SHAPE)
    at = 3 + random.random(3) * (np.array(SHAPE) - 6)
    mask = (z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 < 6
    grey = random.normal(size=SHAPE).astype(np.float32) + 2 * mask.astype(np.float32)
    outlined = patient != WITHOUT_OUTLINE
    return Volume(grey, mask & outlined, outlined, (2.0, 0.5, 0.5), -1.0, 3.0, np.zeros(SHAPE, np.float16), 1.0)


def network_in(folder: Path) -> Any:
    """A network drawn from its chain's place, as if it had been read."""
    model, part = folder.parts[-3], folder.parts[-2]
    torch.manual_seed(len(model) * 10 + int(part[-1]))
    kind = {"SingleTask": "single", "MultiTask": "multi", "Spatial": "spatial"}[model]
    form = Architecture(kind, TARGETS, SHAPE, depth=10, width=4, stem="light", passes=2)  # type: ignore[arg-type]
    network = make_network(form)
    network.limits.copy_(torch.tensor([-1.0, 3.0]))
    return network.eval()


@stage("cohort", version=1)
def cohort(run: Run) -> None:
    random = rng(2, "labels")
    columns = {"patient_id": PATIENTS, **{name: (random.random(14) < 0.5).astype(float) for name in TARGETS}}
    columns["er"][:2], columns["her2"][:2] = [0, 1], [1, 0]
    tables = cohort_of(columns, targets=tuple(map(Target, TARGETS)), folds=folds_of("crossfit", FOLD))
    write_cohort(run.folder, tables)


@stage("volumes", version=1, needs=["cohort"], gives=[VOLUMES])
def volumes(run: Run) -> None:
    write_volumes(run.folder, PATIENTS, volume_of)


@stage("receptors", version=1, needs=["cohort", "volumes"], gives=[PREDICTIONS])
def receptors(run: Run) -> None:
    rows = []
    for model in ("SingleTask", "MultiTask"):
        for fold in (0, 1):
            (chains_folder(run.folder, "all", model, f"crossfit-s0-f{fold}") / "network").mkdir(parents=True)
        for target in TARGETS:
            for patient in PATIENTS:
                if (model, patient) != ("MultiTask", NOT_PREDICTED):
                    value = {patient: float(rng(3, model, target, patient).random())}
                    rows.append(predictions_of(value, target=target, model=model, fold=FOLD[patient]))
    PREDICTIONS.write(run.folder, pd.concat(rows, ignore_index=True))


def mapped(folder: Path, *more: str, stages: tuple = (cohort, volumes, receptors, attention)) -> Result:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.csv").write_text("patient_id\np1\n")
    settings = resolve(
        ReceptorStudySettings, {}, ["attention.cases=8", "attention.examples=1", "attention.other_masks=4", *more]
    )
    pipeline = Pipeline("volumes", list(stages), ReceptorStudySettings)
    return run_pipeline(pipeline, folder / "run", folder / "manifest.csv", settings, screen=Screen(quiet=True))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dlr.volume, "load_receptors", network_in, raising=False)
        volume_maps._network.cache_clear()
        volume_maps._chance.cache_clear()
        yield mapped(tmp_path_factory.mktemp("maps"))


def test_both_networks_are_mapped_on_the_same_patients(done: Result) -> None:
    table = ATTENTION.read(done.folders["attention"])  # type: ignore[arg-type]
    for _, own in table.groupby("target"):
        single, multi = (set(own.loc[own["model"] == model, "case_id"]) for model in ("SingleTask", "MultiTask"))
        assert single == multi and len(single) == 8
        assert not {f"case {WITHOUT_OUTLINE}", f"case {NOT_PREDICTED}"} & single
    assert set(table["variant"]) == {"outlines of other cases", "random weights"}
    assert set(table["layer"]) == {"encoder.layer1"}, "the last whose map has four voxels along an edge"


def test_numbers_are_those_of_the_chain_that_did_not_see_the_patient(done: Result) -> None:
    table = ATTENTION.read(done.folders["attention"])  # type: ignore[arg-type]
    for model, target in (("SingleTask", "er"), ("MultiTask", "her2")):
        own = table[(table["model"] == model) & (table["target"] == target) & (table["variant"] == "random weights")]
        case = own["case_id"].iloc[0]
        volume, fold = volume_of(case.removeprefix("case ")), FOLD[case.removeprefix("case ")]
        net = network_in(Path("all") / model / f"crossfit-s0-f{fold}" / "network")
        cam = GradCAMPlusPlus(net, "encoder.layer1")
        heat = cam(torch.from_numpy(volume.grey)[None, None], partial(volume_maps._logit, place=TARGETS.index(target)))
        expected = attention_in_numbers(heat[0].double().numpy(), volume.mask)
        row = own[own["case_id"] == case].set_index("measure")["value"]
        assert row["energy"] == pytest.approx(expected.energy, rel=1e-5)
        assert row["iou"] == pytest.approx(expected.iou)
    nulls = table[table["measure"] == "energy"].pivot_table(
        index=["target", "model", "case_id"], columns="variant", values="null_value"
    )
    assert (nulls["random weights"] != nulls["outlines of other cases"]).all()


def test_the_two_networks_are_compared_paired(done: Result) -> None:
    folder = done.folders["attention"]
    assert folder is not None
    table, compared = ATTENTION.read(folder), ATTENTION_COMPARED.read(folder)
    assert set(compared["measure"]) == {"energy", "iou"} and set(compared["target"]) == set(TARGETS)
    row = compared[(compared["target"] == "er") & (compared["measure"] == "energy")].iloc[0]
    own = table[(table["target"] == "er") & (table["measure"] == "energy") & (table["variant"] == "random weights")]
    pairs = own.pivot(index="case_id", columns="model", values="value").dropna()
    difference = pairs["MultiTask"] - pairs["SingleTask"]
    assert (row["model_a"], row["model_b"], row["n"]) == ("MultiTask", "SingleTask", len(pairs))
    assert row["median_difference"] == pytest.approx(difference.median())
    expected = wilcoxon(difference, method="asymptotic", correction=True)
    assert row["p"] == pytest.approx(expected.pvalue)


def test_examples_are_three_planes_through_the_lesion_of_both_networks(done: Result) -> None:
    folder = done.folders["attention"]
    assert folder is not None and not (folder / "examples.csv").exists()
    table = EXAMPLES_IN_PLANES.read(folder)
    for _, own in table.groupby("target"):
        assert set(own.loc[own["model"] == "SingleTask", "case_id"]) == set(
            own.loc[own["model"] == "MultiTask", "case_id"]
        )
        assert own[own["model"] == "MultiTask"]["outcome"].is_unique, "one of each of the last network's outcomes"
    row = table.iloc[0]
    with np.load(folder / row["file"]) as kept:
        volume = volume_of(row["patient_id"])
        middle = np.argwhere(volume.mask).mean(axis=0).round().astype(int)
        assert kept["middle"].tolist() == middle.tolist() and kept["spacing"].tolist() == [2.0, 0.5, 0.5]
        for plane, cut in zip(("axial", "coronal", "sagittal"), three_planes(volume.mask, middle), strict=True):
            np.testing.assert_array_equal(kept[f"mask_{plane}"], cut)
            assert kept[f"heat_{plane}"].shape == cut.shape and kept[f"heat_{plane}"].max() <= 1
        assert kept["grey_axial"].shape == (12, 10) and kept["grey_coronal"].shape == (8, 10)
        assert kept["grey_sagittal"].shape == (8, 12)


@stage("receptors", version=1, needs=["cohort", "volumes"], gives=[PREDICTIONS])
def with_spatial(run: Run) -> None:
    """Three networks, the last one with a row of its ablation, which keeps no chains."""
    rows = []
    for model, variant in (("SingleTask", ""), ("MultiTask", ""), ("Spatial", ""), ("Spatial", "core_only")):
        for fold in (0, 1):
            (chains_folder(run.folder, "all", model, f"crossfit-s0-f{fold}") / "network").mkdir(
                parents=True, exist_ok=True
            )
        for patient in PATIENTS:
            value = {patient: float(rng(4, model, variant, patient).random())}
            rows.append(predictions_of(value, target="er", model=model, fold=FOLD[patient], variant=variant))
    PREDICTIONS.write(run.folder, pd.concat(rows, ignore_index=True))


def test_spatial_is_mapped_beside_the_others_and_the_rows_of_its_ablation_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dlr.volume, "load_receptors", network_in, raising=False)
    volume_maps._network.cache_clear()
    volume_maps._chance.cache_clear()
    done = mapped(tmp_path, stages=(cohort, volumes, with_spatial, attention))
    folder = done.folders["attention"]
    assert folder is not None
    table, compared, kept = ATTENTION.read(folder), ATTENTION_COMPARED.read(folder), EXAMPLES_IN_PLANES.read(folder)
    assert (table.groupby("model")["case_id"].nunique() == 8).all() and set(kept["model"]) == set(table["model"])
    assert table.groupby(["model", "case_id", "variant", "measure"]).size().max() == 1, "one map a model and patient"
    energy = table[table["measure"] == "energy"]
    assert np.isfinite(energy.loc[energy["model"] == "Spatial", "value"]).all()
    found = compared[["model_a", "model_b"]].drop_duplicates().values.tolist()
    assert found == [["MultiTask", "SingleTask"], ["Spatial", "SingleTask"], ["Spatial", "MultiTask"]]
    outcomes = kept[kept["model"] == "Spatial"].set_index("patient_id")["probability"]
    for patient, probability in outcomes.items():
        assert probability == rng(4, "Spatial", "", patient).random(), "of the whole network"


def test_without_any_network_the_stage_leaves_itself_out(tmp_path: Path) -> None:
    left = mapped(tmp_path, stages=(cohort, attention)).left_out
    assert "there is no network" in left["attention"]
