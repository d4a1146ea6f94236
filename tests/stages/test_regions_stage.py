"""Stage regions: weights of every kept chain, attention by region of who it did not see, examples, a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

import dlr.volume
from dlr.distance import signed_distance
from dlr.engine import Pipeline, Result, Run, Screen, Task, resolve, run_pipeline, stage
from dlr.randomness import rng
from dlr.settings import DceStudySettings
from dlr.stages.regions import regions
from dlr.study.region_sheet import SheetOfRegions, draw_sheet
from dlr.study.signatures import chains_folder
from dlr.tables import (
    ATTENTION_SHARES,
    EXAMPLES_IN_PLANES,
    PREDICTIONS,
    REGION_EXAMPLES,
    REGION_WEIGHTS,
    VOLUMES,
)
from dlr.volume import Architecture, RegionSettings, look, make_network
from dlr.volume.cut import Volume, save_volume
from dlr.words import REGIONS, Target, TargetKind
from tests.stages.hand_made_volumes import write_volumes
from tests.study.hand_made import cohort_of, folds_of, write_cohort

SHAPE, SPACING = (16, 16, 16), (1.5, 1.0, 1.0)
PATIENTS = [f"P{k:02d}" for k in range(6)]
FOLD = {p: k % 2 for k, p in enumerate(PATIENTS)}
TARGETS = (Target("er"), Target("ki67", TargetKind.PER_CENT))
WITHOUT_OUTLINE = "P03"
SETTINGS = RegionSettings(core_mm=1.5, rim_mm=1.0, peritumoral_mm=3.0)


def volume_of(patient: str) -> Volume:
    random = rng(1, "volume", patient)
    z, y, x = np.indices(SHAPE)
    at = 6 + 4 * random.random(3)
    mask = (1.5 * (z - at[0])) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 < 9 + 9 * random.random()
    distance = signed_distance(mask, SPACING)
    distance[:, :2] = np.inf  # no breast there
    outlined = patient != WITHOUT_OUTLINE
    if not outlined:
        distance[:] = np.inf
    grey = random.normal(size=SHAPE).astype(np.float32) + 2 * mask.astype(np.float32)
    deepest = float(-distance.min()) if outlined else 0.0
    return Volume(grey, mask & outlined, outlined, SPACING, -1.0, 3.0, distance.astype(np.float16), deepest)


def network_in(folder: Path) -> Any:
    """A network drawn from its chain's place, as if it had been read; each has weights of its own."""
    part = folder.parts[-2]
    form = Architecture(
        "spatial", ("er", "ki67"), SHAPE, depth=10, width=4, stem="light", per_cent=("ki67",), regions=SETTINGS,
        attention="none" if (folder / "blind").exists() else "multi_scale",
    )  # fmt: skip
    torch.manual_seed(int(part[-1]))
    network = make_network(form)
    network.limits.copy_(torch.tensor([-1.0, 3.0]))
    with torch.no_grad():
        network.of_regions.normal_()
    return network.eval()


@stage("cohort", version=1)
def cohort(run: Run) -> None:
    columns = {"patient_id": PATIENTS, "er": [0.0, 1, 0, 1, 0, 1], "ki67": [5.0, 10, 20, 30, 40, 50]}
    write_cohort(run.folder, cohort_of(columns, targets=TARGETS, folds=folds_of("crossfit", FOLD)))


@stage("volumes", version=1, needs=["cohort"], gives=[VOLUMES])
def volumes(run: Run) -> None:
    write_volumes(run.folder, PATIENTS, volume_of)


def receptors_of(*models: str, blind: bool = False) -> Any:
    @stage("receptors", version=1, needs=["cohort", "volumes"], gives=[PREDICTIONS])
    def receptors(run: Run) -> None:
        for model in models:
            for fold in (0, 1):
                network = chains_folder(run.folder, "all", model, f"crossfit-s0-f{fold}") / "network"
                network.mkdir(parents=True)
                (network / f"network of {fold}").write_text(model)  # a chain's key is what it holds
                if blind:
                    (network / "blind").touch()
        PREDICTIONS.write(run.folder, PREDICTIONS.empty())

    return receptors


@stage("attention", version=1, needs=["cohort"], gives=[EXAMPLES_IN_PLANES])
def attention(run: Run) -> None:
    names = list(EXAMPLES_IN_PLANES.names)
    rows = [
        ("er", "MultiTask", "case P00", "P00", "true negative", 0.2, 0, "a.npz"),
        ("er", "Spatial", "case P02", "P02", "false positive", 0.7, 0, "b.npz"),
        ("er", "Spatial", "case P05", "P05", "true positive", 0.9, 1, "c.npz"),
        ("her2", "Spatial", "case P01", "P01", "true positive", 0.9, 1, "d.npz"),
    ]
    EXAMPLES_IN_PLANES.write(run.folder, pd.DataFrame(rows, columns=names))


def ran(folder: Path, *stages: Any) -> Result:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.csv").write_text("patient_id\np1\n")
    changes = [
        f"receptors.regions.{name}={getattr(SETTINGS, name)}" for name in ("core_mm", "rim_mm", "peritumoral_mm")
    ]
    settings = resolve(DceStudySettings, {}, changes)
    pipeline = Pipeline("volumes", [cohort, volumes, *stages, regions], DceStudySettings)
    return run_pipeline(pipeline, folder / "run", folder / "manifest.csv", settings, screen=Screen(quiet=True))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dlr.volume, "load_receptors", network_in, raising=False)
        yield ran(tmp_path_factory.mktemp("regions"), receptors_of("MultiTask", "Spatial"), attention)


def home_of(done: Result) -> Path:
    folder = done.folders["regions"]
    assert folder is not None
    return folder


def test_weights_are_those_of_every_chain_and_sum_to_one(done: Result) -> None:
    table = REGION_WEIGHTS.read(home_of(done))
    assert set(table["model"]) == {"Spatial"} and set(table["variant"]) == {""} and len(table) == 2 * 2 * 3
    np.testing.assert_allclose(table.groupby(["fold", "target"])["weight"].sum(), 1, atol=1e-6)  # float32
    for fold in (0, 1):
        own = table[table["fold"] == fold].pivot(index="target", columns="region", values="weight")
        expected = network_in(Path(f"all/Spatial/crossfit-s0-f{fold}/network")).region_weights().numpy()
        np.testing.assert_allclose(own.loc[["er", "ki67"], list(REGIONS)], expected, atol=1e-7)


def test_a_chain_is_asked_of_the_outlined_patients_that_it_did_not_see(done: Result) -> None:
    table = ATTENTION_SHARES.read(home_of(done))
    for fold in (0, 1):
        held_out = {p for p in PATIENTS if FOLD[p] == fold} - {WITHOUT_OUTLINE}
        assert set(table.loc[table["fold"] == fold, "patient_id"]) == held_out
    assert set(table["target"]) == {"all"} and set(table["protocol"]) == {"crossfit"}
    assert len(table) == 5 * 3 * 4
    sums = table.groupby(["case_id", "scale"])[["share", "volume_share"]].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-9)


def test_shares_are_those_of_the_maps_on_the_volumes_grid(done: Result) -> None:
    """By brute force: every voxel's distance to all voxels of the lesion, and theirs to all others."""
    table = ATTENTION_SHARES.read(home_of(done))
    volume = volume_of("P05")
    network = network_in(Path("all/Spatial/crossfit-s0-f1/network"))
    points = np.argwhere(np.ones(SHAPE, dtype=bool)) * np.array(SPACING)
    lesion = volume.mask.ravel()
    away = np.linalg.norm(points[:, None] - points[lesion][None], axis=2).min(axis=1).reshape(SHAPE)
    own = volume.mask | (away <= SETTINGS.rim_mm)
    around = (away > SETTINGS.rim_mm) & (away <= SETTINGS.peritumoral_mm)
    around[:, :2] = False
    depth = np.linalg.norm(points[:, None] - points[~lesion][None], axis=2).min(axis=1).reshape(SHAPE)
    core = depth >= min(SETTINGS.core_mm, SETTINGS.core_share * depth.max())
    for k, scale in enumerate(("layer2", "layer3", "layer4")):
        maps = look(network, volume, flips=True).attention
        heat = functional.interpolate(torch.from_numpy(maps[k])[None, None], SHAPE, mode="trilinear")[0, 0].numpy()
        rows = table[(table["patient_id"] == "P05") & (table["scale"] == scale)].set_index("region")
        assert rows.loc["peritumoral", "share"] == pytest.approx(heat[around].sum() / heat.sum(), rel=1e-5)
        assert rows.loc["peritumoral", "volume_share"] == pytest.approx(around.mean())
        assert rows.loc[["core", "rim"], "share"].sum() == pytest.approx(heat[own].sum() / heat.sum(), rel=1e-5)
        assert rows.loc["core", "share"] == pytest.approx(heat[core].sum() / heat.sum(), rel=1e-5)
        assert rows.loc["core", "volume_share"] == pytest.approx(core.mean())


def test_examples_are_those_of_the_first_target_by_the_chain_of_their_fold(done: Result) -> None:
    home = home_of(done)
    table = REGION_EXAMPLES.read(home)
    assert table[["case_id", "outcome", "probability", "fold"]].values.tolist() == [
        ["case P02", "false positive", 0.7, 0], ["case P05", "true positive", 0.9, 1],
    ]  # fmt: skip
    volume = volume_of("P05")
    z, y, x = np.argwhere(volume.mask).mean(axis=0).round().astype(int)
    with np.load(home / table["file"].iloc[1]) as kept:
        layers = ("grey", "mask", *REGIONS, "layer2", "layer3", "layer4")
        assert set(kept) == {f"{a}_{b}" for a in layers for b in ("axial", "coronal", "sagittal")} | {
            "spacing", "middle",
        }  # fmt: skip
        np.testing.assert_array_equal(kept["mask_axial"], volume.mask[z])
        np.testing.assert_array_equal(kept["grey_sagittal"], volume.grey[:, :, x])
        rim = (volume.distance[:, y] > -SETTINGS.core_mm) & (volume.distance[:, y] <= SETTINGS.rim_mm)
        np.testing.assert_array_equal(kept["rim_coronal"], rim)
        assert 0 < kept["layer2_axial"].max() <= 1 and kept["layer4_axial"].shape == SHAPE[1:]


def test_the_sheet_of_all_outlined_lesions_is_published_and_the_same_bytes_every_time(
    done: Result, tmp_path: Path
) -> None:
    cases = [f"case {p}" for p in PATIENTS if p != WITHOUT_OUTLINE]
    folders = tuple(tmp_path / p for p in PATIENTS if p != WITHOUT_OUTLINE)
    for folder in folders:
        save_volume(volume_of(folder.name), folder)
    draw_sheet(Task("sheet", {}, SheetOfRegions((), tuple(cases), SETTINGS, folders)), tmp_path)
    drawn = (tmp_path / "region_sheet.pdf").read_bytes()
    assert drawn.startswith(b"%PDF") and (done.study / "region_sheet.pdf").read_bytes() == drawn


def test_without_attention_there_are_weights_and_no_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlr.volume, "load_receptors", network_in, raising=False)
    home = home_of(ran(tmp_path, receptors_of("Spatial", blind=True)))
    assert len(REGION_WEIGHTS.read(home)) == 12
    assert not ATTENTION_SHARES.there(home) and not REGION_EXAMPLES.there(home)


def test_without_a_network_of_regions_the_stage_leaves_itself_out(tmp_path: Path) -> None:
    assert "no network of regions" in ran(tmp_path, receptors_of("MultiTask")).left_out["regions"]
