"""Every setting of the 3-D branch acts: changed alone, it moves a stage's key, and what that stage writes differs."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from dlr.engine import Pipeline, resolve
from dlr.networks import save_weights
from dlr.settings import ReceptorStudySettings, StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.embedding import embedding
from dlr.stages.receptors import receptors
from dlr.stages.volumes import volumes
from dlr.study.cases import CaseRow
from dlr.study.volumes import cutting_of
from dlr.volume import Architecture, make_network
from tests.stages.setting_studies import keys_of
from tests.stages.small_study import bytes_of
from tests.stages.small_volumes import run_volumes, volume_study
from tests.stages.test_every_setting_acts import leaves

PIPELINE = Pipeline("receptors_ultrasound3d", [cohort, volumes, receptors, embedding], ReceptorStudySettings)
LIGHT = ("learn.protocols=[paper]", "receptors.training.epochs=2", "receptors.models=[multi]", "volume.size=8")
DRAWN = ("learn.protocols=[crossfit]", "learn.seeds=2", "receptors.models=[single]", "receptors.training.epochs=1")
SPATIAL = ("receptors.models=[spatial]", "volume.size=16", "cohort.target=[er, her2, ki67]")
WHOLE_EMBEDDING = ("embedding.iterations=250", "embedding.perplexity=3")

CHANGES: dict[str, tuple[str, str, tuple[str, ...]]] = {  # its other value, the stage, settings of both runs
    "volume.crop": ("whole", "volumes", ()),
    "volume.margin_mm": ("1", "volumes", ()),
    "volume.size": ("[8, 10, 12]", "volumes", ()),
    "volume.clip": ("[10, 90]", "volumes", ()),
    "volume.scale": ("volume", "receptors", ()),
    "receptors.models": ("[single, multi]", "receptors", ()),
    "receptors.one_network": ("false", "receptors", ()),
    "receptors.depth": ("18", "receptors", ()),
    "receptors.width": ("8", "receptors", ()),
    "receptors.stem": ("published", "receptors", ()),
    "receptors.norm": ("group", "receptors", ()),
    "receptors.passes": ("1", "receptors", ()),
    "receptors.weights": ("{folder}/medical.safetensors", "receptors", ()),
    "receptors.loss": ("focal", "receptors", ()),
    "receptors.segmentation.weight": ("0.1", "receptors", ()),
    "receptors.segmentation.resolution": ("full", "receptors", ()),
    "receptors.segmentation.deep_supervision": ("true", "receptors", ()),
    "receptors.per_cent_loss": ("huber", "receptors", SPATIAL),
    "receptors.task_weights": ("uncertainty", "receptors", SPATIAL),
    "receptors.dimension": ("2d", "receptors", SPATIAL),
    "receptors.attention": ("single_scale", "receptors", SPATIAL),
    "receptors.extractor": ("own", "receptors", SPATIAL),
    "receptors.regions.use": ("[core, rim]", "receptors", SPATIAL),
    "receptors.regions.core_mm": ("0.5", "receptors", SPATIAL),
    "receptors.regions.core_share": ("0.2", "receptors", SPATIAL),
    "receptors.regions.rim_mm": ("1", "receptors", SPATIAL),
    "receptors.regions.peritumoral_mm": ("1", "receptors", SPATIAL),
    "receptors.regions.mask_input": ("false", "receptors", SPATIAL),
    "receptors.ablation": ("[core_only]", "receptors", SPATIAL),
    "receptors.flips": ("false", "receptors", ()),
    "receptors.seeds": ("2", "receptors", DRAWN),
    "receptors.training.epochs": ("1", "receptors", ()),
    "receptors.training.batch_size": ("4", "receptors", ()),
    "receptors.training.accumulate": ("2", "receptors", ()),
    "receptors.training.rate": ("0.02", "receptors", ()),
    "receptors.training.optimiser": ("adamw", "receptors", ("receptors.training.weight_decay=0.5",)),
    "receptors.training.weight_decay": ("0.5", "receptors", ()),
    "receptors.training.warm_up": ("1", "receptors", ()),
    "receptors.training.schedule": ("cosine", "receptors", ()),
    "receptors.training.clip_norm": ("0.01", "receptors", ()),
    "receptors.training.ema": ("0.05", "receptors", ()),
    "receptors.training.patience": ("null", "receptors", ()),
    "receptors.training.validation_share": ("0.4", "receptors", ()),
    "receptors.training.augment": ("false", "receptors", ()),
    "embedding.perplexity": ("2", "embedding", WHOLE_EMBEDDING),
    "embedding.learning_rate": ("20", "embedding", WHOLE_EMBEDDING),
    "embedding.iterations": ("300", "embedding", WHOLE_EMBEDDING),
    "embedding.min_grad_norm": ("1000", "embedding", ("embedding.iterations=1000", "embedding.perplexity=3")),
}
NO_PART_OF_A_RESULT = {  # a value beside the reason
    "receptors.training.device": ("cuda", "says where a training runs"),
    "receptors.training.devices": ("2", "says on how many chips it runs"),
    "receptors.training.threads": ("2", "says how many threads it takes"),
    "receptors.training.workers": ("1", "says who makes its batches ready; the batches are the same"),
    "receptors.training.checkpoint_every": ("2", "says how often an unfinished training is kept"),
    "receptors.training.checkpointing": ("on", "trades time for memory; the weights are the same"),
}
ON_A_GPU = {  # in the key, but felt on another chip alone
    "receptors.training.precision": "a processor convolves volumes in float32 (dlr/networks/chip.py)",
    "receptors.training.compile": "a processor compiles nothing",
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen patients, and a file of other weights of the small encoder."""
    folder = tmp_path_factory.mktemp("volumes") / "study"
    made = volume_study(folder, patients=16)
    form = Architecture("single", ("er",), (8, 8, 8), depth=10, width=4, stem="light")
    save_weights(make_network(form).encoder, folder / "medical.safetensors")
    return made


def outputs(manifest: Path, stage: str, *more: str) -> tuple[str, dict[str, bytes]]:
    """Key and outputs of a stage; all runs share one store."""
    given = [text.replace("{folder}", str(manifest.parent)) for text in (*LIGHT, *more)]
    out = manifest.parent / "runs" / "run"
    result = run_volumes(manifest, out, *given, pipeline=PIPELINE, only=stage)
    folder = result.folders[stage]
    assert folder is not None, result.left_out[stage]
    return keys_of(out)[stage], {
        name: content for name, content in bytes_of(folder).items() if not name.endswith("network.json")
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_moves_a_key_and_changes_an_output(manifest: Path, name: str) -> None:
    value, stage, given = CHANGES[name]
    before = outputs(manifest, stage, *given)
    after = outputs(manifest, stage, *given, f"{name}={value}")
    assert before[0] != after[0], f"{name} is not in the key of {stage}"
    same = before[1] == after[1]  # not compared in the assertion, which would print all bytes
    assert not same, f"{name} changes nothing that {stage} writes"


@pytest.mark.slow
@pytest.mark.parametrize("name", NO_PART_OF_A_RESULT)
def test_where_and_how_a_training_runs_moves_no_key(manifest: Path, name: str) -> None:
    value, reason = NO_PART_OF_A_RESULT[name]
    keys = []
    for more in ((), (f"{name}={value}",)):
        run_volumes(manifest, manifest.parent / "runs" / "planned", *LIGHT, *more, pipeline=PIPELINE, only="cohort")
        keys.append(keys_of(manifest.parent / "runs" / "planned"))
    assert keys[0] == keys[1], f"{name} {reason}"


@pytest.mark.slow
def test_every_setting_of_the_branch_stands_in_one_of_the_two_tables() -> None:
    own = set(leaves(ReceptorStudySettings)) - set(leaves(StudySettings))
    tables = (CHANGES, NO_PART_OF_A_RESULT, ON_A_GPU)
    assert own == set().union(*tables) and len(own) == sum(map(len, tables))


@pytest.mark.slow
def test_a_case_is_cut_once_whichever_way_it_is_scaled() -> None:
    row = CaseRow("P1", "P1", "image.nii.gz", "mask.nii.gz")
    settings = [resolve(ReceptorStudySettings, {}, [f"volume.scale={scale}"]) for scale in ("part", "volume")]
    assert settings[0].volume != settings[1].volume
    assert cutting_of(settings[0], [row]) == cutting_of(settings[1], [row])
