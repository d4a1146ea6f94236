"""Stages volumes and receptors: 3-D networks over a whole study, honest, durable, and the same for new patients."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from dlr.engine import Result, open_study, resolve
from dlr.errors import InputError
from dlr.networks import underway
from dlr.randomness import rng
from dlr.settings import ReceptorStudySettings
from dlr.study.prediction import predict_table
from dlr.tables import COHORT, CURVES, EMBEDDINGS, FOLDS, PREDICTIONS, SEGMENTATION, VOLUMES
from dlr.words import signature
from tests.stages.small_study import bytes_of, edit_csv
from tests.stages.small_volumes import NETWORKS, SHAPE, SMALL, run_volumes, volume_study, write_volume

SAME = 1e-9  # one volume at a time through the same network; only the order of a mean's terms may differ
STAGES = ("cohort", "volumes", "receptors")
EVERY = (  # every network, every kind of target, a row of the ablation of either sort
    "receptors.models=[single, multi, spatial]", "cohort.target=[er, her2, ki67]",
    "receptors.ablation=[without_multi_task, core_only]",
)  # fmt: skip
SPATIAL = ("receptors.models=[spatial]", "receptors.training.epochs=1")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return volume_study(tmp_path_factory.mktemp("volumes") / "study")


@pytest.fixture(scope="module")
def study(manifest: Path) -> Result:
    return run_volumes(manifest, manifest.parent / "runs" / "study", *EVERY)


def outputs(result: Result) -> dict[str, dict[str, bytes]]:
    return {name: bytes_of(result.folders[name]) for name in STAGES}


def test_every_training_patient_is_predicted_once_by_a_network_that_never_saw_it(study: Result) -> None:
    predictions = PREDICTIONS.read(study.folders["receptors"])
    folds = FOLDS.read(study.folders["cohort"]).set_index("patient_id")["fold"]
    assert set(zip(predictions["model"], predictions["variant"], strict=True)) == {
        ("SingleTask", ""), ("MultiTask", ""), ("Spatial", ""), ("Spatial", "core_only"),
        ("Spatial", "without_multi_task"),
    }  # fmt: skip
    training = predictions[predictions["side"] == "train"]
    assert (training["fold"].to_numpy() == folds.loc[training["patient_id"]].to_numpy()).all()
    signatures = training.groupby(["model", "variant", "target"])["patient_id"]
    assert len(signatures) == 15 and (signatures.nunique() == len(folds)).all()
    assert not training.duplicated(["model", "variant", "target", "patient_id"]).any()


def test_a_target_in_per_cent_is_answered_in_per_cent(study: Result) -> None:
    predictions = PREDICTIONS.read(study.folders["receptors"])
    own = predictions["target"] == "ki67"
    assert set(predictions.loc[own, "kind"]) == {"per_cent"} and set(predictions.loc[~own, "kind"]) == {"probability"}
    means = predictions[own].groupby(["model", "variant"])["value"].mean()
    assert means.between(5, 75).all(), "known are 10 to 66, 38 in the mean"
    assert predictions.loc[~own, "value"].between(0, 1).all() and predictions.loc[own, "value"].between(0, 100).all()


def test_rows_of_the_ablation_keep_no_network_and_no_curve(study: Result) -> None:
    folder = study.folders["receptors"]
    assert sorted(
        path.parent.parent.relative_to(folder).as_posix() for path in folder.glob("chains/*/*/*/network")
    ) == [f"chains/all/{model}" for model in ("MultiTask", "SingleTask", "Spatial") for _ in range(2)]
    assert CURVES.read(folder).duplicated(["target", "model", "fold", "epoch", "part", "measure"]).sum() == 0


def test_a_patient_whose_label_is_unknown_still_gets_a_probability(study: Result) -> None:
    predictions = PREDICTIONS.read(study.folders["receptors"])
    unknown = predictions[(predictions["patient_id"] == "P05") & (predictions["target"] == "er")]
    assert len(unknown) and unknown["value"].between(0, 1).all()


def test_maps_are_held_against_the_outlines_of_unseen_patients_alone(study: Result) -> None:
    maps = SEGMENTATION.read(study.folders["receptors"])
    folds = FOLDS.read(study.folders["cohort"]).set_index("patient_id")["fold"]
    assert set(maps["model"]) == {"MultiTask"} and maps["dice"].between(0, 1).all()
    training = maps[maps["side"] == "train"]
    assert len(training) and (training["fold"].to_numpy() == folds.loc[training["patient_id"]].to_numpy()).all()


def test_curves_name_every_marker_and_the_embedding_is_of_one_chain(study: Result) -> None:
    curves = CURVES.read(study.folders["receptors"])
    assert {"er", "her2", "ki67", "all"} <= set(curves["target"]) and {"loss", "heads", "dice"} <= set(
        curves["measure"]
    )
    embeddings = EMBEDDINGS.read(study.folders["receptors"])
    assert (embeddings.groupby("backbone")["part"].nunique() == 1).all()
    assert set(embeddings["role"]) == {"train", "held-out"}


def test_volumes_keep_what_was_measured(study: Result) -> None:
    table = VOLUMES.read(study.folders["volumes"])
    assert len(table) == 32 and table["outlined"].all()
    assert (table["diameter_mm"] > 3).all() and (table["diameter_mm"] < 9).all()  # radii of 2.5 mm, or 1.75 by 2.75
    grey = np.load(study.folders["volumes"] / table["file"][0] / "grey.npy")
    assert grey.shape == (16, 16, 16) and grey.max() > 1.5  # not scaled


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"jobs": 2}, {"jobs": 2, "dask": "local"}], ids=["two processes", "Dask"])
def test_other_executors_give_the_same_bytes(how: dict, study: Result, manifest: Path, tmp_path: Path) -> None:
    if "dask" in how:
        pytest.importorskip("distributed", reason="Dask is an extra")
    assert outputs(run_volumes(manifest, tmp_path / "again", *EVERY, **how)) == outputs(study)


@pytest.mark.slow
def test_a_run_killed_in_epoch_three_goes_on_to_the_same_bytes(
    study: Result, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = underway.write_checkpoint

    def killed(path: Path, identity: str, content: dict) -> None:
        if content["epoch"] == 3:
            raise KeyboardInterrupt
        written(path, identity, content)

    monkeypatch.setattr(underway, "write_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        run_volumes(manifest, tmp_path / "killed", *EVERY)
    assert list((tmp_path / "killed" / "checkpoints").glob("*.pt"))
    monkeypatch.undo()
    assert outputs(run_volumes(manifest, tmp_path / "killed", *EVERY)) == outputs(study)


def test_a_dry_run_tells_the_minutes_of_trainings_before_there_is_a_volume(manifest: Path, tmp_path: Path) -> None:
    plan = run_volumes(manifest, tmp_path / "dry", dry_run=True)
    (foretold,) = [each for each in plan.outcomes if each.stage == "receptors"]
    assert foretold.state == "to do" and foretold.seconds is not None and foretold.seconds > 0
    more = run_volumes(manifest, tmp_path / "dry", "receptors.training.epochs=3000", dry_run=True)
    (longer,) = [each for each in more.outcomes if each.stage == "receptors"]
    assert longer.seconds is not None and longer.seconds > 20 * foretold.seconds  # a thousand times, by a noisy clock


@pytest.mark.parametrize(
    ("given", "networks"),
    [
        ((), 1),
        (("receptors.ablation=[core_only, without_attention]",), 3),
        (("receptors.ablation=[without_multi_task]",), 3),  # er and her2 by themselves
        (("receptors.attention=none", "receptors.ablation=[without_attention]"), 1),
        (("receptors.models=[single, spatial]", "receptors.one_network=false"), 4),
    ],
)
def test_a_dry_run_counts_every_network_of_the_ablation_once(
    given: tuple[str, ...], networks: int, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second a volume, 24 patients of whom each of two parts trains on 12, three epochs: 72 s a network."""
    monkeypatch.setattr("dlr.volume.seconds_a_volume", lambda *_: 1.0, raising=False)
    plan = run_volumes(manifest, tmp_path / "dry", "receptors.models=[spatial]", *given, dry_run=True, jobs=1)
    (foretold,) = [each for each in plan.outcomes if each.stage == "receptors"]
    assert foretold.seconds == pytest.approx(72 * networks)


def new_patients(manifest: Path, result: Result, folder: Path, outlines: bool = True) -> Path:
    """The test side's rows alone, paths absolute, without their labels."""
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    sides = COHORT.read(result.folders["cohort"]).set_index("patient_id")["side"]
    test = table[table["patient_id"].map(sides) == "test"].drop(columns=["er", "her2", "ki67"])
    for column in ("image", "mask"):
        test[column] = [str(manifest.parent / cell) for cell in test[column]]
    out = folder / "new.csv"
    test.drop(columns=[] if outlines else ["mask"]).to_csv(out, index=False)
    return out


def largest_difference(result: Result, found: pd.DataFrame) -> float:
    rows = PREDICTIONS.read(result.folders["receptors"])
    rows = signature(rows[rows["variant"] == ""])  # a row of the ablation serves nobody new
    both = rows[rows["side"] == "test"].merge(found, on=["patient_id", "target", "model", "variant", "protocol"])
    assert len(both) == len(found) == int((rows["side"] == "test").sum()) > 0
    return float(np.abs(both["value"] - both["probability"]).max())


def test_predict_gives_the_test_sides_predictions_back(study: Result, manifest: Path, tmp_path: Path) -> None:
    settings = resolve(ReceptorStudySettings, {}, [*SMALL, *EVERY])
    found = predict_table(open_study(study.study), NETWORKS, settings, new_patients(manifest, study, tmp_path))
    assert set(found.probabilities["model"]) == {"SingleTask", "MultiTask", "Spatial"}
    assert largest_difference(study, found.probabilities) <= SAME


def test_whole_volumes_are_predicted_without_outline_as_with_one(manifest: Path, tmp_path: Path) -> None:
    given = ("volume.crop=whole", "cohort.mask=optional", "receptors.training.epochs=1")
    study = run_volumes(manifest, tmp_path / "whole", *given)
    settings = resolve(ReceptorStudySettings, {}, [*SMALL, *given])
    for outlines in (True, False):
        patients = new_patients(manifest, study, tmp_path, outlines)
        found = predict_table(open_study(study.study), NETWORKS, settings, patients)
        assert largest_difference(study, found.probabilities) <= SAME


def test_a_lesion_cannot_be_cut_without_an_outline_and_the_patient_is_named(
    study: Result, manifest: Path, tmp_path: Path
) -> None:
    settings = resolve(ReceptorStudySettings, {}, [*SMALL, *EVERY, "cohort.mask=optional"])
    table = pd.read_csv(new_patients(manifest, study, tmp_path), dtype=str, keep_default_na=False)
    bare = table["patient_id"].iloc[0]
    table.loc[table["patient_id"] == bare, "mask"] = ""
    table.to_csv(tmp_path / "some.csv", index=False)
    found = predict_table(open_study(study.study), NETWORKS, settings, tmp_path / "some.csv")
    assert found.bad["patient_id"].tolist() == [bare] and "outline" in found.bad["what"].iloc[0]
    assert set(found.probabilities["patient_id"]) == set(table["patient_id"]) - {bare}


def noisy(manifest: Path, folder: Path, patients: set[str]) -> Path:
    """The same study with noise for some patients' volumes, outlines and labels."""
    shutil.copytree(manifest.parent / "volumes", folder / "volumes")
    shutil.copyfile(manifest, folder / manifest.name)
    generator = rng(1, "noise")

    def scramble(table: pd.DataFrame) -> None:
        theirs = table["patient_id"].isin(patients)
        for _, row in table[theirs].iterrows():
            write_volume(generator.integers(0, 255, SHAPE).astype(np.uint8), folder / row["image"])
            write_volume((generator.random(SHAPE) < 0.3).astype(np.uint8), folder / row["mask"])
        for name in ("er", "her2"):
            table.loc[theirs, name] = table.loc[theirs, name].map({"0": "1", "1": "0", "": "1"})
        table.loc[theirs, "ki67"] = table.loc[theirs, "ki67"].map(lambda cell: str(100 - int(cell or 50)))

    edit_csv(folder / manifest.name, scramble)
    return folder / manifest.name


@pytest.mark.slow
def test_scrambled_test_side_leaves_every_network_its_limits_and_its_stopping_byte_equal(
    study: Result, manifest: Path, tmp_path: Path
) -> None:
    sides = COHORT.read(study.folders["cohort"]).set_index("patient_id")["side"]
    plain, other = (tmp_path / name for name in ("plain", "noisy"))
    shutil.copytree(manifest.parent / "volumes", plain / "volumes")
    shutil.copyfile(manifest, plain / manifest.name)
    edit_csv(plain / manifest.name, lambda table: table.insert(1, "side", table["patient_id"].map(sides)))
    noisy(plain / manifest.name, other, set(sides.index[sides == "test"]))
    first, second = (run_volumes(home / manifest.name, home / "run", *EVERY) for home in (plain, other))
    rows = [PREDICTIONS.read(each.folders["receptors"]) for each in (first, second)]
    test = rows[0]["side"] == "test"
    for _, own in rows[0][test].groupby(["model", "variant"]):
        assert not own.equals(rows[1].loc[own.index])  # the noise did reach the study
    assert rows[0][~test].equals(rows[1][~test])  # rows of the ablation, whose networks are not kept, among them
    for name in ("chains", "curves.csv"):
        a, b = (bytes_of(each.folders["receptors"]) for each in (first, second))
        own = [file for file in a if file.startswith(name)]
        assert own and [file for file in own if a[file] != b[file]] == []


def test_a_marker_that_a_part_cannot_know_is_left_out_there_with_a_line(manifest: Path, tmp_path: Path) -> None:
    home = tmp_path / "cohorts"
    shutil.copytree(manifest.parent / "volumes", home / "volumes")
    shutil.copyfile(manifest, home / manifest.name)

    def two_hospitals(table: pd.DataFrame) -> None:
        second = table.index >= 16
        table["cohort"] = np.where(second, "B", "A")
        table.loc[second, "er"] = ""

    edit_csv(home / manifest.name, two_hospitals)
    result = run_volumes(
        home / manifest.name, home / "run", "learn.protocols=[leave_one_cohort_out]", "receptors.models=[single]",
        "receptors.training.epochs=1",
    )  # fmt: skip
    rows = PREDICTIONS.read(result.folders["receptors"])
    held_out = rows.groupby("target")["patient_id"].agg(lambda names: {name >= "P16" for name in names})
    assert held_out["her2"] == {False, True}
    assert held_out["er"] == {True}  # trained on A, which knows it, shown B


def changed(manifest: Path, home: Path, change: object) -> Path:
    """The same study with another table."""
    home.mkdir()
    (home / "volumes").symlink_to(manifest.parent / "volumes")
    shutil.copyfile(manifest, home / manifest.name)
    edit_csv(home / manifest.name, change)
    return home / manifest.name


def two_hospitals(table: pd.DataFrame) -> None:
    table["cohort"] = np.where(table.index >= 16, "B", "A")


LEFT_OUT = ("learn.protocols=[leave_one_cohort_out]", "receptors.training.epochs=1", "cohort.target=[er]")


def test_the_first_part_may_be_one_in_which_nothing_can_be_learnt(manifest: Path, tmp_path: Path) -> None:
    def unlabelled(table: pd.DataFrame) -> None:
        two_hospitals(table)
        table.loc[table.index >= 16, "er"] = ""

    result = run_volumes(changed(manifest, tmp_path / "study", unlabelled), tmp_path / "run", *LEFT_OUT)
    embeddings = EMBEDDINGS.read(result.folders["receptors"])
    assert set(embeddings["part"]) == {"leave_one_cohort_out-s0-o1-f-1"}
    assert CURVES.read(result.folders["receptors"]).duplicated(["model", "fold", "epoch", "part", "measure"]).sum() == 0


def test_a_part_without_outlines_trains_single_task_alone_and_says_so(manifest: Path, tmp_path: Path) -> None:
    def half_outlined(table: pd.DataFrame) -> None:
        two_hospitals(table)
        table.loc[table.index >= 16, "mask"] = ""

    given = ("volume.crop=whole", "cohort.mask=optional")
    result = run_volumes(changed(manifest, tmp_path / "study", half_outlined), tmp_path / "run", *LEFT_OUT, *given)
    rows = PREDICTIONS.read(result.folders["receptors"])
    assert rows.groupby("model")["fold"].agg(set).to_dict() == {"MultiTask": {1}, "SingleTask": {0, 1}}
    assert any("outline" in line for each in result.outcomes for line in each.warnings)


def test_a_target_named_as_all_of_them_is_refused(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="all"):
        run_volumes(manifest, tmp_path / "run", "cohort.target=[er, all]")


def test_networks_of_one_marker_each_are_told_apart_in_every_table(manifest: Path, tmp_path: Path) -> None:
    given = ("receptors.one_network=false", "receptors.training.epochs=1", "cohort.spacing=ignore")
    result = run_volumes(manifest, tmp_path / "run", *given)
    maps = SEGMENTATION.read(result.folders["receptors"])
    assert set(maps["target"]) == {"er", "her2"} and set(maps["unit"]) == {"pixels"}
    assert not maps.duplicated(["case_id", "target", "model", "protocol", "seed", "fold"]).any()
    assert VOLUMES.read(result.folders["volumes"])["diameter_mm"].isna().all()


@pytest.mark.parametrize(("kind", "model"), [("multi", "MultiTask"), ("spatial", "Spatial")])
def test_a_network_of_outlines_without_any_is_refused(kind: str, model: str, manifest: Path, tmp_path: Path) -> None:
    home = tmp_path / "bare"
    shutil.copytree(manifest.parent / "volumes", home / "volumes")
    shutil.copyfile(manifest, home / manifest.name)
    edit_csv(home / manifest.name, lambda table: table.pop("mask"))
    given = ("volume.crop=whole", "cohort.mask=optional", f"receptors.models=[single, {kind}]")
    with pytest.raises(InputError, match=f"no volume has an outline, which {model} needs"):
        run_volumes(home / manifest.name, home / "run", *given)
    with pytest.raises(InputError, match="mask"):
        run_volumes(home / manifest.name, home / "run", "volume.crop=whole")


def rows_of(result: Result) -> pd.DataFrame:
    return PREDICTIONS.read(result.folders["receptors"])


def values_of(predictions: pd.DataFrame, row: str) -> list[tuple[str, str, float]]:
    own = predictions[predictions["variant"] == row].sort_values(["target", "seed", "fold", "patient_id"])
    return list(own[["patient_id", "target", "value"]].itertuples(index=False, name=None))


def computed(result: Result) -> int:
    (outcome,) = [each for each in result.outcomes if each.stage == "receptors"]
    return outcome.computed


@pytest.mark.parametrize(
    ("row", "setting"),
    [
        ("without_multi_task", "receptors.one_network=false"),
        ("without_shared_extractor", "receptors.extractor=own"),
        ("core_only", "receptors.regions.use=[core]"),
    ],
)
def test_a_row_is_the_study_under_its_setting_and_what_both_ask_for_is_trained_once(
    row: str, setting: str, manifest: Path, tmp_path: Path
) -> None:
    first = run_volumes(manifest, tmp_path / "run", *SPATIAL, f"receptors.ablation=[{row}]")
    assert values_of(rows_of(first), row) != values_of(rows_of(first), "")
    second = run_volumes(manifest, tmp_path / "run", *SPATIAL, setting)
    assert values_of(rows_of(first), row) == values_of(rows_of(second), "")
    shown_whole = 2 if row == "without_multi_task" else 1  # the first chain of every marker, for the embedding
    assert computed(second) == shown_whole


def test_a_row_that_changes_nothing_is_not_trained_again_and_said(manifest: Path, tmp_path: Path) -> None:
    given = (*SPATIAL, "receptors.attention=none", "receptors.ablation=[without_attention]")
    result = run_volumes(manifest, tmp_path / "run", *given)
    assert computed(result) == 4  # two trainings, two applications
    assert values_of(rows_of(result), "without_attention") == values_of(rows_of(result), "")
    log = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "run").rglob("*.log"))
    assert "without_attention is what Spatial is already" in log


def test_spatial_neither_learns_from_nor_answers_for_who_has_no_outline_and_names_them(
    manifest: Path, tmp_path: Path
) -> None:
    def two_bare(table: pd.DataFrame) -> None:
        table.loc[table["patient_id"].isin(["P03", "P08"]), "mask"] = ""

    given = (
        "volume.crop=whole", "cohort.mask=optional", "receptors.models=[single, spatial]",
        "receptors.training.epochs=1",
    )  # fmt: skip
    table = changed(manifest, tmp_path / "study", two_bare)
    result = run_volumes(table, tmp_path / "run", *given)
    answered = rows_of(result).groupby("model")["patient_id"].agg(set)
    assert answered["SingleTask"] - answered["Spatial"] == {"P03", "P08"}
    assert any("without outline: P03, P08" in line for each in result.outcomes for line in each.warnings)

    settings = resolve(ReceptorStudySettings, {}, [*SMALL, *given])
    new = pd.read_csv(table, dtype=str, keep_default_na=False).drop(columns=["er", "her2", "ki67"])[3:5]
    for column in ("image", "mask"):
        new[column] = [str(table.parent / cell) if cell else "" for cell in new[column]]
    new.to_csv(tmp_path / "new.csv", index=False)
    found = predict_table(open_study(result.study), NETWORKS, settings, tmp_path / "new.csv")
    served = found.probabilities.groupby("model")["patient_id"].agg(set)
    assert served.to_dict() == {"SingleTask": {"P03", "P04"}, "Spatial": {"P04"}}
    assert found.bad["patient_id"].tolist() == ["P03"] and "Spatial" in found.bad["what"].iloc[0]


def test_peritumoral_tissue_beyond_the_margin_is_warned_of_with_its_mend(manifest: Path, tmp_path: Path) -> None:
    for reach, said in (("2", False), ("2.5", True)):
        given = (*SPATIAL, f"receptors.regions.peritumoral_mm={reach}", "learn.folds=2")
        result = run_volumes(manifest, tmp_path / "run", *given)
        lines = [line for each in result.outcomes for line in each.warnings if "peritumoral" in line]
        assert bool(lines) == said and all("raise volume.margin_mm to 2.5" in line for line in lines)


def test_ki67_that_no_table_holds_leaves_with_a_line(manifest: Path, tmp_path: Path) -> None:
    table = changed(manifest, tmp_path / "study", lambda table: table.pop("ki67"))
    result = run_volumes(table, tmp_path / "run", *SPATIAL, "cohort.target=[er, her2, ki67]")
    assert set(rows_of(result)["target"]) == {"er", "her2"}
    assert any("no target column 'ki67'" in line for each in result.outcomes for line in each.warnings)
