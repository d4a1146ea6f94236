"""Check patients' images as they are and as they come back: the same field and type, the same draws, and what is
decided of them by chains that never saw the patient."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Picture

pytest.importorskip("torch")

from dlr.cohort import CohortSettings
from dlr.protocols import Part
from dlr.study import superres_survival
from dlr.study.cases import GENERATOR, CaseRow, CohortFiles, rows_of
from dlr.study.frames import PatientFrame
from dlr.study.simulated import BICUBIC, RESTORED, SUBJECTS, TRUTH, SimulatedFiles, simulated_pair
from dlr.study.superres_effect import BicubicFiles, Fitted
from dlr.study.superres_survival import check_rows, decisions
from dlr.superres import DegradationSettings, Enhancer
from dlr.superres.grid import bicubic, block_means, enlarged_outline
from dlr.words import CHOSEN, NATIVE_IMAGES, expit, logit
from tests.study.hand_made import HER2, KI67, cohort_of, predictions_of

HEIGHT, WIDTH, SEED = 62, 81, 3  # neither is a multiple of 4
FILES = CohortFiles(CohortSettings())


def digest(path: str | Path) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture
def row(tmp_path: Path) -> CaseRow:
    """A still with a dark ellipse, outlined, and a generator that is bicubic interpolation."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    lesion = ((y - 30) / 12) ** 2 + ((x - 42) / 17) ** 2 <= 1
    grey = np.random.default_rng(5).normal(120, 25, (HEIGHT, WIDTH)) - 50 * lesion
    Picture.fromarray(grey.clip(1, 254).astype(np.uint8)).save(tmp_path / "still.png")
    Picture.fromarray(lesion.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    Enhancer(None, 4).save(tmp_path / GENERATOR)
    return CaseRow("C1", "P1", str(tmp_path / "still.png"), str(tmp_path / "mask.png"), pixel_spacing_mm=0.2)


def of(subject: str, row: CaseRow, **changes: Any) -> SimulatedFiles:
    home = Path(row.image).parent
    return replace(SimulatedFiles(FILES, subject, home, 4, DegradationSettings(), SEED), **changes)


def test_the_truth_is_the_image_less_what_lies_beyond_a_multiple_of_the_scale(row: CaseRow) -> None:
    own, truth = FILES.read(row), of(TRUTH, row).read(row)
    assert truth.image.array.shape == truth.mask.shape == (1, 60, 80)
    assert np.array_equal(truth.image.array, own.image.array[:, :60, :80])
    assert np.array_equal(truth.mask, own.mask[:, :60, :80])
    assert truth.image.spacing == own.image.spacing and truth.image.scale == 1


def test_a_hot_pixel_is_no_truth_that_a_restored_image_is_held_against(row: CaseRow) -> None:
    """In 16 bits: truth, restored and bicubic lie within the same two percentiles, in whole levels."""
    grey = 40 * np.asarray(Picture.open(row.image)).astype(np.uint16)
    grey[3, 3] = 65_000
    Picture.fromarray(grey).save(Path(row.image).with_name("deep.png"))
    deep = replace(row, image=str(Path(row.image).with_name("deep.png")))
    low, high = np.percentile(grey, 0.1, method="higher"), np.percentile(grey, 99.9, method="lower")
    for subject in SUBJECTS:
        found = of(subject, deep).read(deep).image
        assert found.dtype == "uint16" and found.array.min() >= low and found.array.max() <= high < 10_000
        assert (found.array == np.rint(found.array)).all() and found.array.std() > 300
    truth = of(TRUTH, deep).read(deep).image.array[0]
    assert (truth == np.clip(grey[:60, :80], low, high)).all()


def test_what_comes_back_is_made_of_the_simulated_input_alone_in_the_types_whole_levels(row: CaseRow) -> None:
    grey = FILES.read(row).image.array[0]
    mask = FILES.read(row).mask[0]
    pair = simulated_pair(grey.astype(np.float32) / 255, mask, "C1", 4, DegradationSettings(), SEED)
    found = of(BICUBIC, row).read(row)
    expected = np.rint(bicubic(pair.low, 4).clip(0, 1).astype(np.float64) * 255)
    assert np.array_equal(found.image.array[0], expected)
    assert np.array_equal(found.mask, of(TRUTH, row).read(row).mask)
    assert np.abs(block_means(found.image.array[0], 4) - 255 * pair.low).mean() < 3
    assert np.abs(found.image.array[0] - grey[:60, :80]).mean() > 5, "it is not the truth"


def test_the_restored_image_is_that_of_the_saved_generator(row: CaseRow) -> None:
    class Darker(Enhancer):
        """Half of everything."""

        def restored(self, units: np.ndarray) -> np.ndarray:
            return super().restored(units) / 2

    assert np.array_equal(of(RESTORED, row).read(row).image.array, of(BICUBIC, row).read(row).image.array)
    from dlr.study import simulated

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated, "read_generator", lambda folder: Darker(None, 4))
        darker = of(RESTORED, row).read(row).image.array
    assert np.abs(darker - of(BICUBIC, row).read(row).image.array / 2).max() <= 0.5


def test_a_case_has_draws_of_its_own_and_the_same_each_time(row: CaseRow) -> None:
    def array(one: CaseRow = row, **changes: Any) -> np.ndarray:
        return of(BICUBIC, row, **changes).read(one).image.array

    assert np.array_equal(array(), array())
    assert not np.array_equal(array(), array(replace(row, case_id="C2")))
    assert not np.array_equal(array(), array(seed=4))
    assert not np.array_equal(array(), array(degradation=DegradationSettings(looks=(2, 3))))


def test_all_that_an_image_depends_on_is_in_its_key(row: CaseRow, tmp_path: Path) -> None:
    base = of(RESTORED, row)
    key = base.key(row, "mask", digest)
    changes = [
        {"subject": BICUBIC}, {"subject": TRUTH}, {"scale": 2}, {"seed": 4},
        {"degradation": DegradationSettings(looks=(2, 3))}, {"files": CohortFiles(CohortSettings(colour="grey"))},
    ]  # fmt: skip
    found = [replace(base, **change).key(row, "mask", digest) for change in changes]  # type: ignore[arg-type]
    found.append(base.key(replace(row, case_id="C2"), "mask", digest))
    assert all(other != key for other in found)
    others = {subject: of(subject, row).key(row, "mask", digest) for subject in SUBJECTS}
    Enhancer(None, 4, tile=64).save(tmp_path / GENERATOR)
    moved = [subject for subject in SUBJECTS if of(subject, row).key(row, "mask", digest) != others[subject]]
    assert moved == [RESTORED], "the others know no generator"


def test_a_bicubic_image_is_of_the_enhanced_grid_or_back_on_its_own(row: CaseRow) -> None:
    own, fine = FILES.read(row), BicubicFiles(FILES, 4, native=False).read(row)
    expected = np.rint(bicubic(own.image.array[0].astype(np.float32) / 255, 4).clip(0, 1) * 255)
    assert fine.image.scale == 4 and fine.image.spacing[1] == pytest.approx(0.05)
    assert np.abs(fine.image.array[0] - expected).max() <= 1
    assert np.array_equal(fine.mask[0], enlarged_outline(own.mask[0], 4))
    back = BicubicFiles(FILES, 4, native=True).read(row)
    assert np.allclose(back.image.array[0], block_means(fine.image.array[0], 4)) and back.image.scale == 1
    keys = [BicubicFiles(FILES, s, n).key(row, "mask", digest) for s, n in ((4, False), (4, True), (2, False))]
    assert keys[0] != keys[1] != keys[2] != keys[0] and FILES.key(row, "mask", digest) not in keys


def test_a_check_patients_first_outlined_case_is_the_one_that_is_checked() -> None:
    tables = cohort_of({
        "patient_id": ["P1", "P2", "P2", "P2", "P3"], "case_id": list("abcde"), "her2": [1, 0, 0, 0, 1],
        "image": ["i.png"] * 5, "mask": ["m.png", "", "m.png", "m.png", "m.png"],
    })  # fmt: skip
    roles = ["checked", "checked", "checked", "checked", "fitted"]
    enhanced = pd.DataFrame({"case_id": list("abcde"), "role": roles})
    assert [row.case_id for row in check_rows(tables, enhanced)] == ["a", "c"]
    assert check_rows(tables, enhanced.assign(role="other")) == []
    assert len(rows_of(tables.cases)) == 5


# decisions ----------------------------------------------------------------------------------------------------------

SHIFT = {"paper": 0.4, "crossfit-s0-f0": 0.0, "crossfit-s0-f1": 0.0, "crossfit-s1-f0": -0.2, "crossfit-s1-f1": -0.2}
EVERYBODY = ("P0", "P1", "P2", "P3")
PARTS = (
    Part("paper", 0, -1, -1, EVERYBODY, EVERYBODY),
    Part("crossfit", 0, -1, 0, ("P2", "P3"), ("P0", "P1")),
    Part("crossfit", 0, -1, 1, ("P0", "P1"), ("P2", "P3")),
    Part("crossfit", 1, -1, 0, ("P1", "P3"), ("P0", "P2")),
    Part("crossfit", 1, -1, 1, ("P0", "P2"), ("P1", "P3")),
)
NATIVE = dict(zip(EVERYBODY, [0.9, 0.8, 0.2, 0.1], strict=True))  # Youden's cut-off is .5


def chain_says(folder: Path, algorithm: str, rows: PatientFrame) -> pd.Series:
    """A chain says the feature, shifted by its part."""
    assert algorithm == CHOSEN and folder.name == "chains"
    return (rows.values["x"] + SHIFT[folder.parent.name]).clip(0.01, 0.99)


@pytest.fixture
def chains(monkeypatch: pytest.MonkeyPatch) -> Fitted:
    monkeypatch.setattr(superres_survival, "apply_chains", chain_says)
    rows = [predictions_of(NATIVE, variant=NATIVE_IMAGES), predictions_of(NATIVE, protocol="paper")]
    folders = tuple((part, Path(part.name)) for part in PARTS)
    return Fitted(HER2, folders, pd.concat(rows, ignore_index=True))


def seen(**x: float) -> pd.DataFrame:
    return pd.DataFrame({"x": x})


def cohort(**more: Any) -> Any:
    return cohort_of({"patient_id": list(EVERYBODY), "her2": [1, 1, 0, 0], "ki67": [10.0, 20, 30, 40]}, **more)


def test_decisions_are_by_the_mean_of_the_chains_that_did_not_train_on_the_patient(chains: Fitted) -> None:
    """Restored: P0 is .62 and .42, whose mean logit is .58 − .08 above 0; .58 and .38 lie below .5 in the mean."""
    assert float(expit(logit(np.array([0.62, 0.42])).mean())) > 0.5 > float(expit(logit(np.array([0.58, 0.38])).mean()))
    features = {
        "truth": seen(P0=0.9, P2=0.1), "restored": seen(P0=0.62, P2=0.58), "bicubic": seen(P0=0.58, P2=0.62),
    }  # fmt: skip
    found = decisions(cohort(), [chains], features)
    assert {name: table["her2"].to_dict() for name, table in found.items()} == {
        "truth": {"P0": True, "P2": False},
        "restored": {"P0": True, "P2": False},
        "bicubic": {"P0": False, "P2": True},
    }


def test_without_cross_fitted_chains_or_classes_nothing_is_decided(chains: Fitted) -> None:
    features = dict.fromkeys(("truth", "restored", "bicubic"), seen(P0=0.9, P2=0.1))
    rows = chains.predictions
    paper = replace(chains, parts=chains.parts[:1], predictions=rows[rows["protocol"] == "paper"])
    per_cent = replace(chains, target=KI67, predictions=rows.assign(target="ki67", kind="per_cent", value=20.0))
    found = decisions(cohort(targets=(HER2, KI67)), [paper, per_cent], features)
    assert all(table.empty for table in found.values())
    both = decisions(cohort(targets=(HER2, KI67)), [chains, per_cent], features)
    assert list(both["truth"].columns) == ["her2"]
