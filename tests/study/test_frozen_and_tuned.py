"""The deep branch's wiring on hand-made features and pictures: who trains which network, and who is shown to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dlr.deep
from dlr.deep import FrozenHead, InputSettings, Picture
from dlr.engine import Task, TaskFailure
from dlr.errors import InputError, Problem
from dlr.networks import TrainingSettings
from dlr.protocols import Part
from dlr.study import networks
from dlr.study.cases import CaseRow, OneCase, source_of
from dlr.study.deep_chains import DeepChain, backbone_file, embedding_frame, network_values, read_chain
from dlr.study.frames import PatientFrame
from dlr.study.frozen import DeepSignature, frozen_signatures
from dlr.study.networks import ApplyNetwork, FineTuning, fine_tuned_signatures
from dlr.study.pictured import Pictured
from dlr.study.pictures import (
    Picturing,
    embedding_table,
    picture_case,
    picture_of,
    picture_tasks,
    picturing_of,
    read_outlines,
    read_picture,
    read_pictured,
    unpacked,
    write_outlines,
)
from dlr.study.signatures import chains_folder
from tests.study.hand_made import HER2, HandRun, cohort_of

TRAIN = [f"T{k}" for k in range(10)]
LABELS = pd.Series([0, 1] * 5 + [1], [*TRAIN, "U0"]).drop("T9")
PARTS = (
    Part("paper", 0, -1, -1, tuple(TRAIN), (*TRAIN, "U0")),
    Part("crossfit", 0, -1, 0, tuple(TRAIN[:6]), (*TRAIN[6:], "U0")),
    Part("crossfit", 1, -1, 0, tuple(TRAIN[4:]), (*TRAIN[:4], "U0")),
    Part("nested", 0, 2, -1, tuple(TRAIN[:5]), ("U0",)),
)


def head(intercept: float = 0.5, coefficients: tuple[float, ...] = (1.0, -2.0)) -> FrozenHead:
    return FrozenHead(intercept, np.array(coefficients), 0.1, 0.4, 10, 5)


@dataclass(frozen=True)
class Point:
    """One point of a training's curve."""

    epoch: int
    part: str
    value: float
    measure: str = "loss"


@dataclass(frozen=True)
class Origin:
    """Where weights are from."""

    weights: str


# pictures -----------------------------------------------------------------------------------------------------------


def picture_folder(folder: Path, mask: np.ndarray, features: tuple[float, ...] = (1.0, 2.0)) -> Path:
    folder.mkdir(parents=True)
    np.save(folder / "grey.npy", np.full(mask.shape, 0.5, np.float32))
    np.save(folder / "mask.npy", mask)
    np.save(folder / "features.npy", np.array(features))
    return folder


def test_outlines_are_packed_and_come_back_by_case(tmp_path: Path) -> None:
    masks = {"C2": np.eye(5, dtype=bool), "C1": np.tri(5, dtype=bool)}
    write_outlines(tmp_path, {case: picture_folder(tmp_path / case, mask) for case, mask in masks.items()})
    found = read_outlines(tmp_path)
    assert list(found) == ["C1", "C2"] and found["C1"].dtype == np.uint8 and found["C1"].shape == (4,)
    for case, mask in masks.items():
        assert (unpacked(found[case], (5, 5)) == mask).all()


def test_embeddings_are_a_row_a_case_with_its_patient() -> None:
    table = embedding_table({"C2": np.array([1.0, 2.0]), "C1": np.array([3.0, 4.0])}, {"C1": "P", "C2": "Q"})
    assert table.columns.tolist() == ["case_id", "patient_id", "e0000", "e0001"] and table["e0000"].dtype == np.float32
    assert table.to_numpy().tolist() == [["C2", "Q", 1.0, 2.0], ["C1", "P", 3.0, 4.0]]


def test_cases_that_cannot_be_pictured_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    run = HandRun(settings={"deep": {"input": {"size": 32}}})
    rows = [CaseRow("C1", "P", "a.png", "m.png"), CaseRow("C2", "P", "b.png")]
    tasks = picture_tasks(run, picturing_of(run.settings, source_of(run.settings), rows, "resnet18", tmp_path, "abc"))  # type: ignore[arg-type]
    assert tasks[0].payload.every_slice  # of a still: its one
    assert [task.name for task in tasks] == ["C1-resnet18", "C2-resnet18"] and all(task.may_fail for task in tasks)
    assert tasks[0].payload.input.size == 32 and tasks[0].payload.flips == run.settings.deep.flips
    problem = Problem("b.png", "no ROI", "outline it")
    failure = TaskFailure("C2", problem, (problem,), False)
    done = picture_folder(tmp_path / "C1", np.eye(4, dtype=bool))
    folders, features = read_pictured(run, tasks, [done, failure])  # type: ignore[arg-type]
    assert folders == {"C1": done} and features["C1"].tolist() == [1.0, 2.0]
    assert run.warned == ["case C2 is left out: no ROI. outline it"]
    with pytest.raises(InputError, match="no ROI"):
        read_pictured(run, tasks[1:], [failure])  # type: ignore[arg-type]


@pytest.mark.parametrize(("every_slice", "shown"), [(True, 2), (False, 1)])
def test_a_case_leaves_the_picture_of_its_largest_roi_and_what_the_frozen_backbone_says_of_its_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_slice: bool, shown: int
) -> None:
    array = np.arange(192.0).reshape(3, 8, 8)
    read = SimpleNamespace(case_id="C7", image=SimpleNamespace(array=array, scale=1), mask=array > 110)
    case = OneCase(SimpleNamespace(read=lambda *ignored: read), CaseRow("C7", "P", "a.png"))

    def mean_features(backbone: str, pictures: list[Picture], flips: bool) -> np.ndarray:
        assert (backbone, flips) == ("resnet18 of w.safetensors", False)
        return np.array([len(pictures), pictures[0].mask.sum()])

    # set in their module without being asked for: they would load torch
    monkeypatch.setitem(vars(dlr.deep), "mean_features", mean_features)
    monkeypatch.setitem(vars(dlr.deep), "load_weights", lambda name, file: (f"{name} of {file}", "where it came from"))
    payload = Picturing(case, InputSettings(size=32), every_slice, False, "resnet18", "abc", Path("w.safetensors"))
    picture_case(Task("C7", {}, payload), tmp_path)
    found = read_picture(tmp_path)
    assert found.grey.shape == found.mask.shape == (32, 32) and found.grey.std() > 0.5
    largest = picture_of(case, InputSettings(size=32))
    assert (found.grey == largest.grey).all() and (found.mask == largest.mask).all()
    assert np.load(tmp_path / "features.npy").tolist() == [shown, found.mask.sum()]


def test_a_fine_tuned_network_is_read_from_its_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("load_network", lambda folder: folder), ("Network", None)):
        monkeypatch.setitem(vars(dlr.deep), name, value)
    chain = DeepChain(tmp_path, tmp_path / "chain", "fine_tune", "resnet18")
    assert chain.read_network() == tmp_path / "chain" / "resnet18" / "network"


def test_a_picture_that_cannot_be_cut_names_its_case() -> None:
    image = SimpleNamespace(array=np.ones((1, 8, 8)), scale=1)
    read = SimpleNamespace(case_id="C7", image=image, mask=np.zeros((1, 8, 8), dtype=bool))
    case = OneCase(SimpleNamespace(read=lambda *ignored: read), CaseRow("C7", "P", "a.png"))
    with pytest.raises(InputError, match=r"case C7.*the mask is empty"):
        picture_of(case, InputSettings(size=32))


# saved chains -------------------------------------------------------------------------------------------------------


def test_a_heads_probability_is_averaged_by_patient(tmp_path: Path) -> None:
    chain = DeepChain(tmp_path, tmp_path, "frozen", "resnet18")
    chain.files.mkdir()
    (chain.files / "head.json").write_text(head().to_json())
    values = pd.DataFrame({"e0000": [1.0, 0.0], "e0001": [0.0, 1.0]}, index=["C1", "C2"])
    found = chain.frozen_values(PatientFrame(values, pd.Series(["P", "P"], values.index)))
    expected = (1 / (1 + np.exp(-1.5)) + 1 / (1 + np.exp(1.5))) / 2
    assert found.to_dict() == {"P": pytest.approx(expected)}
    assert backbone_file(tmp_path, "resnet18") == tmp_path / "backbones" / "resnet18.safetensors"


def test_the_chosen_chain_of_a_part_is_read(tmp_path: Path) -> None:
    folder = chains_folder(tmp_path, "her2", "", "paper")
    folder.mkdir(parents=True)
    (folder / "choice.json").write_text(json.dumps({"mode": "fine_tune", "backbone": "resnet18"}))
    assert read_chain(tmp_path, "her2", "paper") == DeepChain(tmp_path, folder, "fine_tune", "resnet18")
    with pytest.raises(InputError, match="holds no chain"):
        read_chain(tmp_path, "er", "paper")


@pytest.mark.parametrize(
    ("policy", "value"),
    [("mean_probability", (0.5 + 0.9) / 2), ("mean_feature", 1 / (1 + 1 / 3)), ("largest_roi", 0.75)],
)
def test_several_cases_of_a_patient_are_averaged_by_policy(
    monkeypatch: pytest.MonkeyPatch, policy: str, value: float
) -> None:
    """Logits 0 and log 9: probabilities .5 and .9, of the mean logit log 3 .75."""
    logits = {"a": 0.0, "b": np.log(9.0), "c": np.log(4.0)}

    def embed(backbone: Any, top: Any, picture: str, flips: bool) -> SimpleNamespace:
        assert flips
        return SimpleNamespace(logits=np.array([logits[picture], 99.0]), features=np.array([len(picture)]))

    monkeypatch.setitem(vars(dlr.deep), "embed", embed)  # not loaded: it would load torch
    network = SimpleNamespace(backbone=None, head=None)
    cases = {"C1": "a", "C3": "c", "C2": "b"}
    found, features = network_values(network, cases, {"C1": "P", "C2": "P", "C3": "Q"}, True, policy)  # type: ignore[arg-type]
    assert found.index.tolist() == ["P", "Q"] and found.tolist() == pytest.approx([value, 0.8])
    assert list(features) == ["C1", "C3", "C2"]


def test_columns_beyond_a_backbones_width_are_left_out() -> None:
    table = pd.DataFrame({"case_id": ["C1", "C2"], "patient_id": ["P", "Q"], "part": "all", "e0000": [1.0, np.nan]})
    table = table.assign(e0001=[2.0, 3.0], e0002=np.nan, e12=9.0)
    tables = cohort_of({"patient_id": ["P", "Q"], "case_id": ["C1", "C2"]})
    frame = embedding_frame(table, tables, "mean_feature")
    assert frame.values.columns.tolist() == ["e0000", "e0001"] and frame.values.loc["Q", "e0001"] == 3.0


# heads and fine-tuned networks ---------------------------------------------------------------------------------------


def pictured(folder: Path) -> Pictured:
    """Two cases of T0, one of everybody else; frozen features follow the label."""
    patients = {"T0-1": "T0", "T0-2": "T0"} | {f"{p}-1": p for p in [*TRAIN[1:], "U0"]}
    label = pd.Series([0, 1] * 5 + [1], [*TRAIN, "U0"])
    rows = {case: np.array([label[p] + k % 3 / 10, k % 4]) for k, (case, p) in enumerate(patients.items())}
    table = embedding_table(rows, patients)
    values = table.set_index("patient_id")[["e0000", "e0001"]].groupby(level=0, sort=False).mean()
    pictures = {case: picture_folder(folder / "pictures" / f"key of {case}", np.eye(4, dtype=bool)) for case in rows}
    frames = {"resnet18": PatientFrame.by_patient(values)}
    return Pictured(frames, {"resnet18": table}, {"resnet18": "abc"}, pictures, patients)


def test_a_head_is_fitted_on_the_parts_labelled_patients_and_kept(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    run, seen = HandRun(tmp_path / "stage"), pictured(tmp_path)
    paper, *others, nested = frozen_signatures(run, seen, HER2, LABELS, PARTS)  # type: ignore[arg-type]
    sent = [task.payload for task in run.asked]
    assert [task.name for task in run.asked] == [f"frozen-her2-resnet18-{part.name}" for part in PARTS]
    assert sent[0].patient_id.tolist() == TRAIN[:9], "T9 has no label"
    assert sent[0].positive.tolist() == [False, True] * 4 + [False]
    assert sent[1].patient_id.tolist() == TRAIN[:6] and sent[0].seed != sent[1].seed
    assert paper.value.index.tolist() == [*TRAIN, "U0"] and nested.value.index.tolist() == ["U0"]
    chain = DeepChain(run.folder, chains_folder(run.folder, "her2", "", "paper"), "frozen", "resnet18")
    assert (chain.frozen_values(seen.frames["resnet18"]) == paper.value).all()
    assert paper.inner == chain.read_head().inner_loss and paper.criterion == "log loss of inner folds"
    assert paper.algorithm == "frozen resnet18" and [one.part for one in others] == list(PARTS[1:3])


def test_how_a_network_was_used_is_its_algorithm() -> None:
    part, value = PARTS[0], pd.Series(dtype=float)
    assert DeepSignature("fine_tune", "resnet18", part, value, "", 0.1).algorithm == "fine-tuned resnet18"


@pytest.fixture
def tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[HandRun, list[DeepSignature]]:
    """Trainings and applications that write what real ones do; each says the number of its training patients."""

    def train(task: Task, folder: Path) -> None:
        (folder / "network").mkdir()
        about = {"epochs": 5, "best_epoch": 3, "loss": 0.25}
        (folder / "network" / "network.json").write_text(json.dumps(about))
        curves = pd.DataFrame({"epoch": [0], "part": ["train"], "measure": ["loss"], "value": [0.7]})
        curves.to_csv(folder / "curves.csv", index=False)

    def apply(task: Task, folder: Path) -> None:
        given = task.payload
        assert (given.network / "network.json").is_file()
        ids = list(dict.fromkeys(given.patients.values()))
        pd.DataFrame({"patient_id": ids, "value": 0.5}).to_parquet(folder / "values.parquet")
        features = {case: np.array([1.0]) for case in given.pictures}
        embedding_table(features, given.patients).to_parquet(folder / "embeddings.parquet")

    monkeypatch.setattr(networks, "fine_tune_part", train)
    monkeypatch.setattr(networks, "apply_network", apply)
    monkeypatch.setitem(vars(dlr.deep), "seconds_an_image", lambda name, settings: 600.0)
    (tmp_path / "stage").mkdir()
    (tmp_path / "study" / "checkpoints").mkdir(parents=True)
    deep = {"backbone": "resnet18", "weights": "none", "seeds": 1, "input": {"size": 64}, "training": {"epochs": 20}}
    run = HandRun(
        tmp_path / "stage", settings={"deep": deep}, executor=SimpleNamespace(workers=2),
        store=SimpleNamespace(study=tmp_path / "study"),
    )  # fmt: skip
    backbone_file(run.folder, "resnet18").parent.mkdir()
    return run, fine_tuned_signatures(run, pictured(tmp_path), HER2, LABELS, PARTS)  # type: ignore[arg-type]


def test_only_the_first_drawings_and_the_papers_part_are_trained(tuned: tuple[HandRun, list[DeepSignature]]) -> None:
    run, found = tuned
    assert [one.part.name for one in found] == ["paper", "crossfit-s0-f0", "nested-s0-o2-f-1"]
    assert [task.name for task in run.asked[:3]] == [f"fine_tune-her2-resnet18-{one.part.name}" for one in found]
    assert len(run.asked) == 6 and not (run.store.study / "checkpoints").exists()


def test_a_training_sees_the_pictures_of_its_labelled_patients(tuned: tuple[HandRun, list[DeepSignature]]) -> None:
    run, _ = tuned
    paper, first, _ = (task.payload for task in run.asked[:3])
    assert paper.cases == ("T0-1", "T0-2", *[f"T{k}-1" for k in range(1, 9)])
    assert paper.patients == ("T0", "T0", *TRAIN[1:9])
    assert paper.positive.tolist() == [False, False, True, False, True, False, True, False, True, False]
    assert first.patients == ("T0", "T0", *TRAIN[1:6]) and first.pictures[0] == "key of T0-1"
    assert first.folders[0].name == "key of T0-1" and first.weights_sha256 == "abc" and first.weights_name == "none"
    assert first.identity != paper.identity and first.checkpoint.name == f"{first.identity[:20]}.pt"
    assert first.checkpoint.parent == run.store.study / "checkpoints" and first.seed != paper.seed


def test_a_network_is_shown_the_parts_own_patients_and_says_something_of_those_it_predicts(
    tuned: tuple[HandRun, list[DeepSignature]],
) -> None:
    run, (paper, first, nested) = tuned
    shown = run.asked[4].payload
    assert set(shown.patients.values()) == {*TRAIN, "U0"} and shown.patients["T0-2"] == "T0"
    assert set(run.asked[5].payload.patients.values()) == {*TRAIN[:5], "U0"}
    assert shown.pictures["U0-1"] == "key of U0-1" and shown.trained == "1 fine_tune-her2-resnet18-crossfit-s0-f0"
    assert set(paper.value.index) == {*TRAIN, "U0"} and set(first.value.index) == {*TRAIN[6:], "U0"}
    assert nested.value.index.tolist() == ["U0"]
    roles = first.embeddings.groupby("role")["patient_id"].unique().map(set).to_dict()  # type: ignore[union-attr]
    assert roles == {"train": set(TRAIN[:6]), "held-out": {*TRAIN[6:], "U0"}}
    kept = chains_folder(run.folder, "her2", "", "crossfit-s0-f0") / "resnet18" / "network" / "network.json"
    assert kept.is_file()
    assert (first.inner, first.criterion) == (0.25, "loss of the validation part, epoch 3 of 5")
    assert first.algorithm == "fine-tuned resnet18"
    assert nested.curves[["protocol", "seed", "fold", "model"]].to_numpy().tolist() == [["nested", 0, 2, "DL resnet18"]]  # type: ignore[index]


def test_how_long_the_trainings_can_take_is_said_beforehand(tuned: tuple[HandRun, list[DeepSignature]]) -> None:
    """10 + 7 + 6 pictures of 600 s each, 20 epochs, two processes: 2,300 min."""
    assert tuned[0].logged == [
        "resnet18 at 64 px: 3 trainings of at most 20 epochs, 6e+02 s an image: up to 2,300 min with 2 processes here"
    ]


@pytest.mark.parametrize(("validation", "loss"), [((), 0.6), ((0.9, 0.8, 0.7), 0.8)])
def test_a_training_leaves_its_curves_and_the_loss_of_its_best_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validation: tuple[float, ...], loss: float
) -> None:
    """Of the validation part where there is one, else of the training part; epoch 1 is the best."""
    given = [Point(k, "train", 0.7 - 0.1 * k) for k in range(3)]
    given += [Point(k, "validation", value) for k, value in enumerate(validation)]
    trained = SimpleNamespace(network="a network", curves=given, epochs=3, best_epoch=1, precision="float32")
    saved: list[Any] = []

    def fine_tune(backbone: str, pictures: list[Any], positive: Any, patients: Any, cases: Any, *more: Any, **how: Any):
        assert (backbone, len(pictures), patients, cases) == ("resnet18", 1, ("P",), ("C1",))
        assert how == {"seed": 7, "checkpoint": tmp_path / "c.pt", "identity": "x"}
        return trained, Origin(str(tmp_path / "w.safetensors"))

    def save_network(network: str, origin: Origin, folder: Path, **about: Any) -> None:
        saved.append((network, origin.weights, folder, about))

    monkeypatch.setitem(vars(dlr.deep), "fine_tune", fine_tune)
    monkeypatch.setitem(vars(dlr.deep), "save_network", save_network)
    payload = FineTuning(
        ("k",), ("C1",), ("P",), np.array([True]), "resnet18", "abc", "imagenet", TrainingSettings(), 7,
        (picture_folder(tmp_path / "k", np.eye(4, dtype=bool)),), tmp_path / "w.safetensors", "x", tmp_path / "c.pt",
    )  # fmt: skip
    monkeypatch.setattr(networks, "DeepSettings", lambda **given: given)
    networks.fine_tune_part(Task("t", {}, payload), tmp_path)
    about = {"epochs": 3, "best_epoch": 1, "precision": "float32", "loss": pytest.approx(loss)}
    assert saved == [("a network", "imagenet", tmp_path / "network", about)]
    assert pd.read_csv(tmp_path / "curves.csv")["value"].tolist()[:3] == pytest.approx([0.7, 0.6, 0.5])


def test_an_application_leaves_values_by_patient_and_embeddings_by_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = SimpleNamespace(logits=np.array([np.log(3.0)]), features=np.array([5.0, 6.0]))
    monkeypatch.setitem(vars(dlr.deep), "embed", lambda *ignored: said)
    monkeypatch.setitem(vars(dlr.deep), "load_network", lambda folder: SimpleNamespace(backbone=None, head=None))
    folder = picture_folder(tmp_path / "k", np.eye(4, dtype=bool))
    payload = ApplyNetwork("key", {"C1": "k"}, {"C1": "P"}, True, "largest_roi", tmp_path, (folder,))
    networks.apply_network(Task("t", {}, payload), tmp_path)
    values = pd.read_parquet(tmp_path / "values.parquet")
    assert values["patient_id"].tolist() == ["P"] and values["value"].tolist() == pytest.approx([0.75])
    assert pd.read_parquet(tmp_path / "embeddings.parquet").to_numpy().tolist() == [["C1", "P", 5.0, 6.0]]
