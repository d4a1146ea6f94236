"""A generator sees images of training patients and nothing else: no label, no test patient, no check patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("skimage")

import dlr.superres.speckle as speckle
from dlr.engine import Pipeline
from dlr.settings import StudySettings
from dlr.stages.cohort import cohort
from dlr.stages.superres import superres
from dlr.tables import ENHANCED
from tests.cohort.small_cohort import picture, rows, save, write
from tests.stages.small_study import bytes_of, run_stills

PIPELINE = Pipeline("her2_ultrasound", [cohort, superres], StudySettings)
GIVEN = (
    "learn.folds=2", "learn.protocols=[crossfit]", "superres.method=psnr", "superres.training.epochs=2",
    "superres.crops=8", "superres.crop=32", "superres.training.device=cpu",
)  # fmt: skip
PATIENTS, TRAINING = 24, 14
OF_THE_TRAINING_SIDE = ("superres_curves.csv", "fidelity.csv", "hallucination.csv", "checked.parquet", "verdict.json")


def cohort_of(folder: Path, labels: np.ndarray, noisy: set[int]) -> Path:
    """Stills with the sides fixed; those of some patients are noise."""
    table = []
    for number, row in enumerate(rows(PATIENTS)):
        image, mask = picture(number, 44)
        if number in noisy:
            image = np.random.default_rng(900 + number).integers(0, 255, image.shape, dtype=np.uint8)
        save(folder / row["image"], image)
        save(folder / row["mask"], mask)
        side = "train" if number < TRAINING else "test"
        table.append(row | {"her2": str(labels[number]), "side": side})
    (folder / "short.yaml").touch()
    return write(folder, table, files=False)


def made(folder: Path, labels: np.ndarray, noisy: set[int]) -> tuple[dict[str, bytes], dict[str, bytes], set[str]]:
    """The generator, all that the stage wrote, and who was checked."""
    manifest = cohort_of(folder, labels, noisy)
    home = run_stills(manifest, folder / "runs" / "r", *GIVEN, pipeline=PIPELINE).folders["superres"]
    assert home is not None
    table = ENHANCED.read(home)
    return bytes_of(home / "generator"), bytes_of(home), set(table.loc[table["role"] == "checked", "patient_id"])


@pytest.fixture(scope="module", autouse=True)
def one_field() -> Iterator[None]:
    """Fields of speckle know nobody; here one does."""
    patch, fields = pytest.MonkeyPatch(), speckle.speckle_fields
    patch.setattr(speckle, "speckle_fields", lambda seed: fields(seed, 1))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], dict[str, bytes], set[str]]:
    return made(tmp_path_factory.mktemp("plain"), np.arange(PATIENTS) % 2, set())


def test_scrambled_test_side_leaves_generator_and_checks_byte_equal(plain, tmp_path: Path) -> None:
    generator, everything, checked = plain
    scrambled, other, same = made(tmp_path, np.arange(PATIENTS) % 2, set(range(TRAINING, PATIENTS)))
    assert generator and generator == scrambled and same == checked
    assert [name for name in OF_THE_TRAINING_SIDE if everything[name] != other[name]] == []
    assert everything != other  # the noise did reach the stage


def test_scrambled_labels_leave_every_byte_of_the_stage(plain, tmp_path: Path) -> None:
    labels = np.random.default_rng(1).permutation(np.arange(PATIENTS) % 2)
    assert (labels != np.arange(PATIENTS) % 2).sum() > 4
    assert made(tmp_path, labels, set())[1] == plain[1]


def test_scrambled_check_patients_leave_the_generator_byte_equal(plain, tmp_path: Path) -> None:
    generator, everything, checked = plain
    assert 1 <= len(checked) < TRAINING
    scrambled, other, _ = made(tmp_path, np.arange(PATIENTS) % 2, {int(patient) - 1 for patient in checked})
    assert generator == scrambled and everything["fidelity.csv"] != other["fidelity.csv"]


def test_the_patients_fitted_on_do_move_it(plain, tmp_path: Path) -> None:
    fitted = {number for number in range(TRAINING) if f"{number + 1:05d}" not in plain[2]}
    assert made(tmp_path, np.arange(PATIENTS) % 2, fitted)[0] != plain[0]
