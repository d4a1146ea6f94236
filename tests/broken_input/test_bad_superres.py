"""What super-resolution cannot do is refused with its mend, and by the command with status 2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("skimage")

import torch
from safetensors.torch import save_file
from small_cohort import picture, rows, save, write

import dlr.errors
from dlr.cli import app
from dlr.engine import Pipeline, Screen, resolve, run_pipeline
from dlr.errors import InputError
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.superres import superres

PIPELINE = Pipeline("her2_ultrasound", [cohort, superres], StudySettings)
READ = ("learn.folds=2", "learn.protocols=[crossfit]")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken superres")
    for number, row in enumerate(rows(16)):
        for name, array in zip(("image", "mask"), picture(number, 40), strict=True):
            save(folder / row[name], array)
    return write(folder, rows(16), files=False)


def refused(manifest: Path, *given: str) -> str:
    """What the run says as it stops: where, what, mend."""
    with pytest.raises(InputError) as caught:
        settings = resolve(StudySettings, {}, [*READ, *given])
        run_pipeline(PIPELINE, manifest.parent / "runs" / "r", manifest, settings, screen=Screen(quiet=True))
    (problem,) = caught.value.problems
    assert problem.mend
    return f"{problem.where}: {problem.what}. {problem.mend}"


def test_weights_without_their_method_and_the_method_without_weights(manifest: Path) -> None:
    assert "set superres.method to weights" in refused(manifest, "superres.weights=real_esrgan")
    assert "real_esrgan" in refused(manifest, "superres.method=weights")


def test_a_file_that_is_not_there_and_one_of_another_architecture_are_named(manifest: Path, tmp_path: Path) -> None:
    assert "nowhere.pth" in refused(manifest, "superres.method=weights", f"superres.weights={tmp_path}/nowhere.pth")
    file = tmp_path / "classifier.safetensors"
    save_file({"head.weight": torch.zeros(2, 3)}, file)
    assert "classifier.safetensors" in refused(manifest, "superres.method=weights", f"superres.weights={file}")


def test_weights_of_another_scale_are_refused_before_any_image(manifest: Path, tmp_path: Path) -> None:
    from dlr.superres import Enhancer, make_network
    from dlr.superres.networks import form_of

    Enhancer(make_network(form_of("small", 4)), 4).save(tmp_path / "four")
    said = refused(manifest, "superres.method=weights", f"superres.weights={tmp_path / 'four'}", "superres.scale=2")
    assert "enlarge by 4" in said and "four" in said and "set the scale to 4" in said


def test_what_is_not_installed_is_said_with_the_command_that_installs_it(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dlr.errors, "missing_modules", lambda extra: ["spandrel"] if extra == "superres" else [])
    said = refused(manifest, "superres.method=bicubic")
    assert "not installed: spandrel" in said and 'pip install "dlr[superres]"' in said


def test_no_image_that_can_be_enhanced_stops_the_stage_with_every_case(tmp_path: Path) -> None:
    for number, row in enumerate(rows(16)):
        image = (np.arange(60) * 4).reshape(6, 10).astype(np.uint8)
        image[0, :] = number
        mask = np.zeros((6, 10), dtype=bool)
        mask[1:5, 2:8] = True
        save(tmp_path / row["image"], image)
        save(tmp_path / row["mask"], mask)
    manifest = write(tmp_path, rows(16), files=False)
    with pytest.raises(InputError) as caught:
        settings = resolve(StudySettings, {}, [*READ, "superres.method=bicubic", "cohort.roi_min_voxels=4"])
        run_pipeline(PIPELINE, tmp_path / "runs" / "r", manifest, settings, screen=Screen(quiet=True))
    assert len(caught.value.problems) == 16
    assert all("case " in one.where and "too few to enhance" in one.what for one in caught.value.problems)


def test_the_command_ends_with_status_2_and_no_traceback(manifest: Path, tmp_path: Path) -> None:
    words = ["run", "--manifest", str(manifest), "--out", str(tmp_path / "runs" / "c"), "--until", "superres"]
    given = (*READ, "superres.method=psnr", "superres.check_share=0.99")
    done = CliRunner().invoke(app, [*words, *(word for one in given for word in ("--set", one))])
    assert done.exit_code == 2 and "superres.check_share" in done.output and "Traceback" not in done.output
