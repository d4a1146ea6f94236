"""Stage superres: none changes nothing; else each image is enhanced once, by a generator that new patients meet too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("skimage")

import dlr.report
import dlr.study.deep_new
import dlr.study.superres
from dlr.engine import Pipeline, Result, Screen, Stage, open_study, resolve, run_pipeline
from dlr.engine.stage import release
from dlr.errors import InputError
from dlr.settings import StudySettings
from dlr.stages.attention import attention
from dlr.stages.cohort import cohort
from dlr.stages.deep import deep
from dlr.stages.evaluate import evaluate
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.report import report
from dlr.stages.stability import stability
from dlr.stages.superres import superres
from dlr.stages.superres_effect import superres_effect
from dlr.study.cases import enhanced_array, enhanced_file, rows_of, source_of
from dlr.study.cohort import read_cohort
from dlr.study.pictures import Picturing
from dlr.study.prediction import predict_table
from dlr.superres import Enhancer, SuperresSettings
from dlr.superres.grid import bicubic, block_means
from dlr.tables import CHECKED, CHECKS, ENHANCED, FEATURES, SUPERRES_CURVES, SUPERRES_EXAMPLES
from dlr.words import CHOSEN, signature
from tests.stages.small_study import SMALL, bytes_of, edit_csv, feature_study, run_features, run_stills, still_study

ONLY = Pipeline("her2_ultrasound", [cohort, superres], StudySettings)
MEASURED = [cohort, superres, radiomics, radiomics_model, deep, evaluate]
WITH = Pipeline("her2_ultrasound", MEASURED, StudySettings)
CROSSFIT = ("learn.protocols=[crossfit]", "learn.algorithms=[logistic]", "evaluate.splits=0")
TINY = ("superres.training.epochs=2", "superres.crops=16", "superres.crop=32", "superres.training.device=cpu")


@pytest.fixture(scope="module", autouse=True)
def two_fields() -> object:
    """Fields of speckle are the battery's; here two do."""
    patch = pytest.MonkeyPatch()
    import dlr.superres.speckle as speckle

    usual = speckle.speckle_fields
    patch.setattr(speckle, "speckle_fields", lambda seed: usual(seed, 2))
    yield None
    patch.undo()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return still_study(tmp_path_factory.mktemp("stills") / "study", patients=20)


@pytest.fixture(scope="module")
def fitted(manifest: Path) -> Result:
    """A study by a generator that is fitted here, as far as predictions."""
    run = manifest.parent / "runs" / "fitted"
    return run_stills(manifest, run, "superres.method=psnr", *TINY, *CROSSFIT, pipeline=WITH)


def enhanced_of(result: Result) -> Path:
    folder = result.folders["superres"]
    assert folder is not None, result.left_out["superres"]
    return folder


# none -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stages",
    [
        [radiomics, stability, radiomics_model, evaluate, report],
        pytest.param([deep, attention, superres_effect, evaluate, report], marks=pytest.mark.slow),
    ],
    ids=["radiomics", "networks"],
)
def test_none_leaves_every_other_stage_its_bytes(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stages: list[Stage]
) -> None:
    monkeypatch.setattr(dlr.report, "contents", lambda sources: ["who", "methods"])
    small = (*CROSSFIT, "attention.cases=2", "attention.other_masks=2", "learn.seeds=1")
    results = [
        run_stills(manifest, tmp_path / name, *small, pipeline=Pipeline("her2_ultrasound", one, StudySettings))
        for name, one in (
            ("a/mine", [cohort, *(stage for stage in stages if stage is not superres_effect)]),
            ("b/mine", [cohort, superres, *stages]),
        )
    ]
    assert results[1].left_out["superres"] == "superres.method is none"
    for stage in stages:
        if stage is superres_effect:
            continue
        one, other = (bytes_of(result.folders[stage.name]) for result in results)  # type: ignore[arg-type]
        one.pop("looks.csv", None), other.pop("looks.csv", None)  # they carry a clock
        assert one.keys() == other.keys()
        assert [name for name in one if one[name] != other[name]] == [], stage.name


def test_studies_of_tables_and_of_volumes_leave_it_out(tmp_path: Path) -> None:
    numbers = run_features(feature_study(tmp_path / "n", patients=30), tmp_path / "n" / "runs" / "r",
                           "superres.method=bicubic", pipeline=ONLY)  # fmt: skip
    assert "no images" in numbers.left_out["superres"]
    import SimpleITK as sitk

    from tests.cohort.small_cohort import picture, rows, write

    made = []
    for number, row in enumerate(rows(16)):
        names = {"image": f"{number}.nii.gz", "mask": f"{number}_mask.nii.gz"}
        for name, flat in zip(names.values(), picture(number, 24), strict=True):
            volume = np.stack([flat] * 3).astype(np.uint8)
            volume[1, 0, 0] += number if "mask" not in name else 0
            sitk.WriteImage(sitk.GetImageFromArray(volume), str(tmp_path / name))
        made.append(row | names)
    solid = write(tmp_path, made, files=False)
    (tmp_path / "short.yaml").touch()
    run = run_stills(solid, tmp_path / "runs" / "v", "superres.method=bicubic", "cohort.kind=volume", pipeline=ONLY)
    assert "volumes" in run.left_out["superres"]


# what it gives --------------------------------------------------------------------------------------------------------


def test_every_case_is_enhanced_in_its_own_type_and_named_in_a_table(fitted: Result) -> None:
    home, tables = enhanced_of(fitted), read_cohort(fitted.folders["cohort"])  # type: ignore[arg-type]
    table = ENHANCED.read(home).set_index("case_id")
    raw = source_of(StudySettings())
    assert set(table.index) == set(tables.cases["case_id"])
    for row in rows_of(tables.cases)[:5]:
        array, case = np.load(home / table.loc[row.case_id, "file"]), raw.read(row)
        assert array.dtype == np.uint8 and table.loc[row.case_id, "dtype"] == "uint8"
        assert array.shape == tuple(4 * edge for edge in case.image.array.shape[1:])
        assert array.shape == (table.loc[row.case_id, "rows"], table.loc[row.case_id, "columns"])
        assert np.abs(block_means(array, 4) - case.image.array[0]).mean() < 12  # a picture of the same thing
        assert enhanced_file(home, row.case_id) == home / table.loc[row.case_id, "file"]


def test_check_patients_are_drawn_of_the_training_side_and_never_fitted_on(fitted: Result) -> None:
    home, tables = enhanced_of(fitted), read_cohort(fitted.folders["cohort"])  # type: ignore[arg-type]
    table = ENHANCED.read(home)
    role = table.drop_duplicates("patient_id").set_index("patient_id")["role"]
    assert (table.groupby("patient_id")["role"].nunique() == 1).all()  # several cases a patient: one role
    assert set(tables.sides[role.index[role != "other"]]) == {"train"}
    training = int((tables.sides == "train").sum())
    assert (role == "checked").sum() == round(training / 4) and (role == "fitted").sum() == training - (
        role == "checked"
    ).sum()
    about = json.loads((home / "superres.json").read_text())
    assert about["fitted_on"] == (role == "fitted").sum() and about["check_patients"] == (role == "checked").sum()
    checked = CHECKED.read(home)
    of_patients = checked[checked["patient_id"] != ""]
    assert set(of_patients["patient_id"]) == set(role.index[role == "checked"])


def test_where_nothing_is_fitted_all_are_checked_and_too_few_are_said_before_a_training(
    fitted: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, said = read_cohort(fitted.folders["cohort"]), []  # type: ignore[arg-type]
    training = set(tables.sides.index[tables.sides == "train"])
    run = SimpleNamespace(seed=0, warn=said.append)

    def members(**settings: object) -> dlr.study.superres.Members:
        return dlr.study.superres.members_of(run, tables, SuperresSettings(**settings))  # type: ignore[arg-type]

    plain = members(method="bicubic", check_share=0.1)
    assert {row.patient_id for row in plain.checked} == training and not plain.fitted and not said
    rows = [row for row in rows_of(tables.cases) if row.patient_id in training and row.outlined]
    assert [row.case_id for row in plain.checked] == [row.case_id for row in rows] and len(rows) > len(training)
    monkeypatch.setattr(dlr.study.superres, "MOST_CHECKED", 9)
    some = members(method="weights", weights="real_esrgan")
    chosen = {row.patient_id for row in some.checked}
    assert len(chosen) == 9 and chosen < training and not said
    assert {row.case_id for row in some.checked} == {row.case_id for row in rows if row.patient_id in chosen}
    few = members(method="psnr")
    assert 0 < len(few.checked) < 8 and {row.patient_id for row in few.fitted + few.checked} == training
    number = len({row.patient_id for row in few.checked})
    assert len(said) == 1 and said[0].startswith(f"{number} training patients") and "check_share" in said[0]
    assert [line for line in fitted["superres"].warnings if "no verdict is given on fewer than 8" in line]


def test_the_checks_stand_beside_the_images_with_a_verdict_and_lesions_to_show(fitted: Result) -> None:
    home = enhanced_of(fitted)
    said = json.loads((home / "verdict.json").read_text())
    assert said["word"] == "not assessable" and said["n"] < 8  # few patients here
    assert {"A", "A2", "B", "C", "D", "E", "F"} == set(CHECKS.read(home)["check"])
    assert set(SUPERRES_CURVES.read(home)["phase"]) == {"psnr"}
    examples = SUPERRES_EXAMPLES.read(home)
    assert examples["rank"].tolist() == ["best", "median", "worst"] and examples["gain"].is_monotonic_decreasing
    psnr = CHECKED.read(home).query("region == 'lesion' and measure == 'psnr'")
    for row in examples.itertuples():
        parts = {name: np.load(home / row.file / f"{name}.npy") for name in
                 ("input", "bicubic", "restored", "truth", "mask")}  # fmt: skip
        assert {part.dtype for part in parts.values()} == {np.dtype(np.uint8), np.dtype(bool)}
        assert {parts[name].shape for name in ("bicubic", "restored", "truth", "mask")} == {
            tuple(4 * edge for edge in parts["input"].shape)
        }
        own = psnr[psnr["case_id"] == row.case_id].set_index("subject")["value"]
        assert row.gain == pytest.approx(own["restored"] - own["bicubic"], abs=1e-12)
        error = (parts["restored"].astype(float) - parts["truth"])[parts["mask"]] / 255
        assert -10 * np.log10(np.mean(error**2)) == pytest.approx(own["restored"], abs=0.1)  # rounded to levels
        assert np.abs(block_means(parts["truth"], 4) - parts["input"]).mean() < 25


def test_bicubic_is_bicubic(manifest: Path, tmp_path: Path) -> None:
    result = run_stills(manifest, tmp_path / "runs" / "b", "superres.method=bicubic", "superres.scale=2", pipeline=ONLY)
    home, tables = enhanced_of(result), read_cohort(result.folders["cohort"])  # type: ignore[arg-type]
    row = rows_of(tables.cases)[0]
    grey = source_of(StudySettings()).read(row).image.array[0]
    own = bicubic(grey / 255, 2).clip(0, 1).astype(float) * 255
    assert np.abs(np.load(enhanced_file(home, row.case_id)) - own).max() <= 0.5 + 1e-4  # rounded
    assert not SUPERRES_CURVES.there(home) and json.loads((home / "superres.json").read_text())["network"] is None


def test_readers_are_held_against_one_another_on_the_grid_that_they_drew_on(manifest: Path, tmp_path: Path) -> None:
    """Distances between outlines in pixels, and in mm, are what they are without enhanced images; features are not."""
    pipeline = Pipeline("her2_ultrasound", [cohort, superres, radiomics, stability], StudySettings)
    native, finer = (
        run_stills(manifest, tmp_path / method, f"superres.method={method}", "superres.scale=2", *CROSSFIT,
                   pipeline=pipeline).folders["stability"]
        for method in ("none", "bicubic")
    )  # fmt: skip
    assert native is not None and finer is not None
    assert (native / "agreement.csv").read_bytes() == (finer / "agreement.csv").read_bytes()
    assert (native / "stability.parquet").read_bytes() != (finer / "stability.parquet").read_bytes()


# new patients ---------------------------------------------------------------------------------------------------------


def new_patients(manifest: Path, result: Result, folder: Path) -> Path:
    """The test side's rows as new patients, targets taken out."""
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    sides = read_cohort(result.folders["cohort"]).sides  # type: ignore[arg-type]
    test = table[table["patient_id"].map(sides).eq("test") & table["exclude_reason"].eq("")].copy()
    for column in ("image", "mask", "mask_reader1", "mask_reader2"):
        test[column] = [str(manifest.parent / cell) for cell in test[column]]
    test.drop(columns=["her2", "her2_ihc", "her2_fish"]).to_csv(folder / "new.csv", index=False)
    return folder / "new.csv"


def settings_of(manifest: Path, *more: str) -> StudySettings:
    profile = f"radiomics.profile={manifest.parent / 'short.yaml'}"
    return resolve(StudySettings, {}, [*SMALL, profile, *TINY, *CROSSFIT, *more])


def test_a_raw_image_of_a_new_patient_becomes_the_stored_one_byte_for_byte(fitted: Result) -> None:
    home, tables = enhanced_of(fitted), read_cohort(fitted.folders["cohort"])  # type: ignore[arg-type]
    source = source_of(StudySettings(), home, new=True)
    for row in rows_of(tables.cases[tables.cases["side"] == "test"]):
        stored = np.load(enhanced_file(home, row.case_id))
        assert (source.read(row).image.array[0] == stored).all()
        assert source.read(row).image.scale == 4


def test_predictions_of_raw_test_images_are_the_studys_own(manifest: Path, fitted: Result, tmp_path: Path) -> None:
    new, settings = new_patients(manifest, fitted, tmp_path), settings_of(manifest, "superres.method=psnr")
    found = predict_table(open_study(fitted.study), WITH, settings, new).probabilities
    tables = [pd.read_parquet(fitted.folders[name] / "predictions.parquet") for name in ("radiomics_model", "deep")]  # type: ignore[operator]
    rows = signature(pd.concat(tables, ignore_index=True))
    own = rows[(rows["side"] == "test") & (rows["algorithm"] == CHOSEN)]
    both = own.merge(found, on=["patient_id", "model", "variant", "protocol"])
    assert len(both) == len(own) == len(found) > 0 and set(both["model"]) == {"Rad", "DL"}
    assert np.abs(both["value"] - both["probability"]).max() <= 1e-9


def test_a_new_image_is_enhanced_once_for_all_backbones(
    manifest: Path, fitted: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers that ask for the same image one after the other: and networks ask case by case."""
    home, tables = enhanced_of(fitted), read_cohort(fitted.folders["cohort"])  # type: ignore[arg-type]
    rows = rows_of(tables.cases[tables.cases["side"] == "test"])[:2]
    usual, enhanced, asked = Enhancer.apply, [], []

    def counted(self: Enhancer, grey: np.ndarray, dtype: str) -> np.ndarray:
        enhanced.append(grey.tobytes())
        return usual(self, grey, dtype)

    def seen(one: Picturing) -> tuple[np.ndarray, np.ndarray]:
        asked.append((one.case.row.case_id, one.backbone))
        return one.case.read().image.array, np.zeros(2)

    monkeypatch.setattr(Enhancer, "apply", counted)
    monkeypatch.setattr(dlr.study.deep_new, "picture_one", seen)
    given = SimpleNamespace(
        settings=settings_of(manifest), needs=SimpleNamespace(superres=home), home=manifest.parent,
        patients=SimpleNamespace(tables=tables),
    )  # fmt: skip
    (manifest.parent / "backbones").mkdir()
    for name in ("one", "two", "three"):
        (manifest.parent / "backbones" / f"{name}.safetensors").touch()
    shown = dlr.study.deep_new._show(given, rows)  # type: ignore[arg-type]
    assert asked == [(row.case_id, name) for row in rows for name in ("one", "three", "two")]
    assert len(enhanced) == 2 and set(shown.tables) == {"one", "two", "three"}
    for row in rows:
        assert (shown.pictures[row.case_id][0] == np.load(enhanced_file(home, row.case_id))).all()


def test_a_new_image_that_cannot_be_enhanced_is_named_and_the_others_go_on(
    manifest: Path, fitted: Result, tmp_path: Path
) -> None:
    new = new_patients(manifest, fitted, tmp_path)
    Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10)).save(tmp_path / "small.png")
    outline = np.zeros((6, 10), np.uint8)
    outline[1:5, 2:8] = 255
    Image.fromarray(outline).save(tmp_path / "small_mask.png")
    table = pd.read_csv(new, dtype=str, keep_default_na=False)
    small = table["patient_id"].iloc[0]
    own = table["patient_id"] == small
    table.loc[own, ["image", "mask", "mask_reader1", "mask_reader2"]] = [
        str(tmp_path / "small.png"), str(tmp_path / "small_mask.png"), "", ""
    ]  # fmt: skip
    table = table[~own | ~own.duplicated()]
    table.to_csv(new, index=False)
    settings = settings_of(manifest, "superres.method=psnr", "cohort.roi_min_voxels=4")
    found = predict_table(open_study(fitted.study), WITH, settings, new)
    assert small not in set(found.probabilities["patient_id"])
    assert set(found.probabilities["patient_id"]) == set(table["patient_id"]) - {small}
    ((where, what),) = found.bad.loc[found.bad["patient_id"] == small, ["where", "what"]].to_numpy()
    case = table.loc[table["patient_id"] == small, "case_id"].iloc[0]
    assert case in where and "too few to enhance" in what


# any executor, any image ----------------------------------------------------------------------------------------------


def differing(one: Result, other: Result, but: tuple[str, ...] = ()) -> list[str]:
    """Names of the stage's outputs whose bytes differ."""
    first, second = bytes_of(enhanced_of(one)), bytes_of(enhanced_of(other))
    assert first.keys() == second.keys()
    return [name for name in first if first[name] != second[name] and name not in but]


@pytest.mark.slow
@pytest.mark.parametrize("dask", [None, "local"])
def test_any_executor_gives_the_same_bytes(manifest: Path, fitted: Result, tmp_path: Path, dask: str | None) -> None:
    if dask:
        pytest.importorskip("distributed", reason="Dask is an extra")
    settings = settings_of(manifest, "superres.method=psnr")
    again = run_pipeline(
        ONLY, tmp_path / "runs" / "two", manifest, settings, jobs=2, dask=dask, screen=Screen(quiet=True)
    )
    of_fields = ("checked.csv", "checked.parquet", "hallucination.csv")  # workers count all fields
    assert differing(fitted, again, but=of_fields) == []


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    manifest: Path, fitted: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, done = ("superres.method=psnr", *TINY, *CROSSFIT), []

    def stopped(case: object, generator: Path) -> np.ndarray:
        done.append(case)
        if len(done) > 5:
            raise KeyboardInterrupt
        return enhanced_array(case, generator)  # type: ignore[arg-type]

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(dlr.study.superres, "enhanced_array", stopped)
        run_stills(manifest, tmp_path / "r", *given, pipeline=ONLY)
    again = run_stills(manifest, tmp_path / "r", *given, pipeline=ONLY)
    images = len(ENHANCED.read(enhanced_of(fitted)))
    checked = json.loads((enhanced_of(fitted) / "superres.json").read_text())["check_patients"]
    assert again["superres"].computed == images - 5 + checked + 1  # the fit and five images were kept
    assert differing(fitted, again) == []


@pytest.mark.slow
def test_another_release_of_what_only_the_checks_use_trains_and_enhances_nothing_again(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, module = ("superres.method=psnr", *TINY, *CROSSFIT), sys.modules["dlr.engine.stage"]
    first = run_stills(manifest, tmp_path / "r", *given, pipeline=ONLY)
    with monkeypatch.context() as patch:
        patch.setattr(module, "release", lambda name: "another" if name in ("timm", "scikit-image") else release(name))
        again = run_stills(manifest, tmp_path / "r", *given, pipeline=ONLY)
    checked = json.loads((enhanced_of(first) / "superres.json").read_text())["check_patients"]
    assert again["superres"].computed == checked + 1  # and the fields


def test_a_stopped_duel_goes_on_where_it_was(manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The phase before it has ended, and takes no checkpoint of this one away."""
    found = []

    def stopped(*given: object, checkpoint: Path, **more: object) -> None:
        found.append(checkpoint.exists())
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("dlr.superres.fitting.train_against", stopped)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_stills(manifest, tmp_path / "r", "superres.method=gan", *TINY, *CROSSFIT, pipeline=ONLY)
    assert found == [False, True]


def test_a_dry_run_tells_the_minutes_and_trains_nothing(manifest: Path, tmp_path: Path) -> None:
    settings = settings_of(manifest, "superres.method=gan", "superres.training.epochs=1000", "superres.crops=1000")
    found = run_pipeline(ONLY, tmp_path / "r", manifest, settings, dry_run=True, screen=Screen(quiet=True))
    outcome = found["superres"]
    assert outcome.state == "to do" and "by one measured step" in outcome.reason
    assert outcome.seconds is not None and outcome.seconds > 100  # a million crops
    assert not list((tmp_path / "r" / "stages" / "superres").glob("tasks/*/*"))


def rewritten(manifest: Path, folder: Path, change: Callable[[np.ndarray], np.ndarray], ending: str) -> Path:
    """The same cohort, its images changed and saved as another kind of file."""
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    folder.mkdir()
    for number, row in table.iterrows():
        with Image.open(manifest.parent / row["image"]) as image:
            array = change(np.asarray(image))
        name = f"{number}{ending}"
        if ending == ".nii.gz":
            import SimpleITK as sitk

            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / name))
        else:
            Image.fromarray(array).save(folder / name)
        table.loc[number, "image"] = name
        for column in ("mask", "mask_reader1", "mask_reader2"):
            if row[column]:
                table.loc[number, column] = str(manifest.parent / row[column])
    table.to_csv(folder / "data_manifest.csv", index=False)
    (folder / "short.yaml").write_text((manifest.parent / "short.yaml").read_text())
    return folder / "data_manifest.csv"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "ending", "dtype", "scale"),
    [
        (lambda grey: grey.astype(np.uint16) * 200 + 3, ".png", "uint16", 2),
        (lambda grey: grey.astype(np.float32) / 7 - 5, ".nii.gz", "float32", 4),
        (lambda grey: np.repeat(grey[..., None], 3, axis=2), ".png", "uint8", 2),  # a screen
    ],
    ids=["16-bit x2", "float x4", "RGB x2"],
)
def test_images_keep_their_sample_type_and_range(
    manifest: Path, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], ending: str, dtype: str, scale: int
) -> None:
    other = rewritten(manifest, tmp_path / "other", change, ending)
    given = ("superres.method=bicubic", f"superres.scale={scale}", "superres.tile=32", *CROSSFIT)
    pipeline = Pipeline("her2_ultrasound", [cohort, superres, radiomics], StudySettings)
    result = run_stills(other, tmp_path / "runs" / "r", *given, pipeline=pipeline)
    home, tables = enhanced_of(result), read_cohort(result.folders["cohort"])  # type: ignore[arg-type]
    table = ENHANCED.read(home)
    assert set(table["dtype"]) == {dtype} and set(table["scale"]) == {scale}
    row = rows_of(tables.cases)[0]
    raw, made = source_of(StudySettings()).read(row), source_of(StudySettings(), home).read(row)
    means = block_means(made.image.array[0], scale)
    spread = raw.image.array.max() - raw.image.array.min()
    assert np.abs(means - raw.image.array[0]).mean() < 0.04 * spread
    assert raw.image.array.min() - 0.05 * spread <= made.image.array.min()
    assert made.image.array.max() <= raw.image.array.max() + 0.05 * spread
    assert FEATURES.read(result.folders["radiomics"]).notna().all().all()  # type: ignore[arg-type]


# what cannot be -------------------------------------------------------------------------------------------------------


def test_nobody_left_to_fit_on_is_said(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"superres.check_share.*nobody is left to fit it on"):
        run_stills(manifest, tmp_path / "r", "superres.method=psnr", "superres.check_share=0.99", pipeline=ONLY)


def test_an_image_too_small_is_left_out_by_name(manifest: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    other = rewritten(manifest, folder, lambda grey: grey, ".png")
    table = pd.read_csv(other, dtype=str, keep_default_na=False)
    Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10)).save(folder / "0.png")
    outline = np.zeros((6, 10), np.uint8)
    outline[1:5, 2:8] = 255
    Image.fromarray(outline).save(folder / "m.png")

    def change(rows: pd.DataFrame) -> None:
        rows.loc[0, ["mask", "mask_reader1", "mask_reader2"]] = [str(folder / "m.png"), "", ""]

    edit_csv(other, change)
    given = ("superres.method=bicubic", "cohort.roi_min_voxels=4", *CROSSFIT)
    pipeline = Pipeline("her2_ultrasound", [cohort, superres, radiomics], StudySettings)
    result = run_stills(other, tmp_path / "r", *given, pipeline=pipeline)
    case = table.loc[0, "case_id"]
    assert case not in set(ENHANCED.read(enhanced_of(result))["case_id"])
    warned = [line for outcome in result.outcomes for line in outcome.warnings if case in line]
    assert any("too few to enhance" in line for line in warned) and any(
        "could not be enhanced" in line for line in warned
    )
