"""A task's key is made of its payload: every field that is sent moves it, or says why it does not."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dlr.study
from dlr.cohort import CohortSettings
from dlr.deep import InputSettings
from dlr.engine.keys import key_of
from dlr.learn import CandidateSet, LearnSettings
from dlr.networks import TrainingSettings
from dlr.protocols import Part
from dlr.radiomics import load_profile
from dlr.settings import CombineSettings
from dlr.study.activation_maps import ActivationMap
from dlr.study.cases import CaseRow, CohortFiles, OneCase
from dlr.study.cheap_chains import Blocks, CheapChains
from dlr.study.combining import Combining
from dlr.study.deep_chains import DeepChain
from dlr.study.frames import PatientFrame
from dlr.study.frozen import FitHead
from dlr.study.generators import FitGenerator, JudgeDiscriminator
from dlr.study.measuring import Measuring
from dlr.study.networks import ApplyNetwork, FineTuning
from dlr.study.permuting import StackedCombined
from dlr.study.pictures import Picturing
from dlr.study.receptors import ApplyReceptors, TrainReceptors
from dlr.study.region_maps import LookAtRegions
from dlr.study.region_sheet import SheetOfRegions
from dlr.study.signatures import FitPart
from dlr.study.superres import EnhanceCase, NativeImage
from dlr.study.superres_checks import CheckFields, CheckPatient, Generators
from dlr.study.tasks import OUT, key_of_payload, out_of_key
from dlr.study.volume_maps import VolumeMap
from dlr.superres import DegradationSettings, SuperresSettings
from dlr.volume import ReceptorSettings, RegionSettings, VolumeSettings
from dlr.words import Target

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=["P1", "P2"])
IDS, OUTCOME = np.array(["P1", "P2"], dtype=object), np.array([0, 1])


def digest(path: str | Path) -> str:
    return f"content of {Path(path).name}"


def case(**changes: object) -> OneCase:
    row = CaseRow("C1", "P1", "a.png", "a_mask.png", mask_reader1="r1.png", **changes)  # type: ignore[arg-type]
    return OneCase(CohortFiles(CohortSettings()), row)


def payloads(home: Path) -> dict[type, object]:
    """One payload of every kind; the files that paths name lie in `home`."""
    weights = home / "weights.safetensors"
    return {
        FitPart: FitPart(FRAME, IDS, OUTCOME, "binary", LearnSettings(), "crossfit", 1, True, frozenset({"a"})),
        FitHead: FitHead(FRAME, IDS, OUTCOME == 1, 1, True),
        CheapChains: CheapChains(
            Blocks({"": PatientFrame.by_patient(FRAME)}), Target("er"), pd.Series(OUTCOME, IDS),
            Part("crossfit", 0, -1, 1, ("P1",), ("P2",)), LearnSettings(), frozenset({"a"}), 1,
            frozenset({"Rad"}),
        ),
        StackedCombined: StackedCombined(
            Combining(Target("er"), "crossfit", "", FRAME, FRAME["a"], FRAME["b"], FRAME, CombineSettings()),
            CandidateSet(("a",), ("Rad",)),
        ),
        Measuring: Measuring(case(), load_profile("ultrasound2d"), "native", "1", "erode", 1),
        Picturing: Picturing(case(), InputSettings(), True, True, "resnet18", "abc", weights),
        FineTuning: FineTuning(
            ("k1",), ("C1",), ("P1",), OUTCOME == 1, "resnet18", "abc", "imagenet", TrainingSettings(), 1,
            (home,), weights, "x", home / "c.pt",
        ),
        ApplyNetwork: ApplyNetwork("k", {"C1": "k1"}, {"C1": "P1"}, True, "largest_roi", home, (home,)),
        ActivationMap: ActivationMap(
            case(), "frozen", "resnet18", home, weights, (np.zeros(4, np.uint8),), InputSettings(), "gradcam", 1,
            DeepChain(home, home, "frozen", "resnet18"),
        ),
        TrainReceptors: TrainReceptors(
            "single", (Target("er"),), ("k1",), ("C1",), ("P1",), np.array([[1.0], [0.0]]), np.array([True, False]),
            VolumeSettings(), ReceptorSettings(), "abc", "32-true", 1, (home,), "x", home / "c.pt",
        ),
        ApplyReceptors: ApplyReceptors("k", ("k1",), ("C1",), (True,), True, True, home, (home,)),
        LookAtRegions: LookAtRegions(home, ("k1",), ("C1",), (True,), RegionSettings(), True, (home,)),
        SheetOfRegions: SheetOfRegions(("k1",), ("C1",), RegionSettings(), (home,)),
        NativeImage: NativeImage(case()),
        FitGenerator: FitGenerator(
            (weights,), weights, SuperresSettings(method="psnr"), "32-true", weights, 1, ("C1",), "x", home / "c.pt",
        ),
        JudgeDiscriminator: JudgeDiscriminator((weights,), weights, weights, SuperresSettings(method="psnr"), 1),
        EnhanceCase: EnhanceCase(case(), weights),
        CheckPatient: CheckPatient(
            weights, weights, "C1", Generators(weights, None, 4), DegradationSettings(), 60.0, 1, weights
        ),
        CheckFields: CheckFields(Generators(weights, weights, 4), DegradationSettings(), 60.0, 1),
        VolumeMap: VolumeMap("k1", ("k2",), weights, "er", "gradcam++", 1, home, (home,)),
    }  # fmt: skip


def changed(value: object, home: Path) -> object:
    """Another value of the same type."""
    others = {
        OneCase: lambda v: case(mask_label="2"), LearnSettings: lambda v: LearnSettings(p=0.01),
        InputSettings: lambda v: InputSettings(size=64), TrainingSettings: lambda v: TrainingSettings(epochs=2),
        VolumeSettings: lambda v: VolumeSettings(size=32), ReceptorSettings: lambda v: ReceptorSettings(depth=10),
        RegionSettings: lambda v: RegionSettings(core_mm=1), Part: lambda v: replace(v, train=("P1", "P3")),
        Blocks: lambda v: Blocks(v.clinical, PatientFrame.by_patient(FRAME)), Target: lambda v: Target("pr"),
        pd.Series: lambda v: 1 - v, Combining: lambda v: replace(v, settings=CombineSettings(penalty="ridge")),
        CandidateSet: lambda v: replace(v, clinical=("b",)),
        Generators: lambda v: replace(v, scale=2), float: lambda v: v + 1,
        DegradationSettings: lambda v: DegradationSettings(jpeg=(30, 40)),
        SuperresSettings: lambda v: v.model_copy(update={"scale": 2}),
        DeepChain: lambda v: replace(v, mode="other"), np.ndarray: lambda v: v[::-1].copy() if v.any() else v + 1,
        pd.DataFrame: lambda v: v + 1, frozenset: lambda v: v | {"b"}, bool: lambda v: not v, int: lambda v: v + 1,
        str: lambda v: v + "x", dict: lambda v: {**v, "C2": "k2"}, tuple: lambda v: (*v, v[0]),
    }  # fmt: skip
    if isinstance(value, Path):
        return home / "other.safetensors"
    if type(value).__name__ == "Profile":
        return load_profile("hu1561")
    return others[type(value)](value)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("weights.safetensors", "other.safetensors"):
        (tmp_path / name).write_text(name)
    return tmp_path


def of(payload: object) -> str:
    return key_of(key_of_payload(payload, digest))


def test_every_field_of_every_payload_moves_the_key_or_says_why_not(home: Path) -> None:
    for kind, payload in payloads(home).items():
        for each in fields(payload):  # type: ignore[arg-type]
            moved = replace(payload, **{each.name: changed(getattr(payload, each.name), home)})  # type: ignore[type-var]
            said = OUT in each.metadata
            assert (of(moved) == of(payload)) == said, f"{kind.__name__}.{each.name}"
            assert not said or len(each.metadata[OUT]) > 10, f"{kind.__name__}.{each.name} gives no reason"


def test_no_payload_is_missing_from_this_test(home: Path) -> None:
    """A dataclass of the room with a field out of the key is sent somewhere."""
    found = set()
    for module in pkgutil.iter_modules(dlr.study.__path__):
        for each in vars(importlib.import_module(f"dlr.study.{module.name}")).values():
            if is_dataclass(each) and any(OUT in f.metadata for f in fields(each)):
                found.add(each)
    assert found <= set(payloads(home))


@pytest.mark.parametrize(
    "change", [{"mask_label": "2"}, {"lesion_part": "1"}, {"pixel_spacing_mm": 0.1}, {"mask": "b.png"}]
)
def test_a_row_that_reads_otherwise_is_another_case(change: dict) -> None:
    one = case()
    assert replace(one, row=replace(one.row, **change)).key(digest) != one.key(digest)


def test_the_outline_that_stands_for_a_missing_mask_is_part_of_a_case() -> None:
    one = case()
    without = replace(one, row=replace(one.row, mask=""))
    other = replace(without, row=replace(without.row, mask_reader1="other.png"))
    assert other.key(digest) != without.key(digest)
    for outline in ("mask_reader2", "mask"):
        assert replace(other, outline=outline).key(digest) != replace(without, outline=outline).key(digest)


def test_names_and_other_readers_are_no_part_of_a_case(home: Path) -> None:
    one = case()
    for change in ({"case_id": "C9"}, {"patient_id": "P9"}, {"mask_reader1": "other.png"}):
        assert replace(one, row=replace(one.row, **change)).key(digest) == one.key(digest)


def test_only_settings_that_change_the_reading_are_part_of_a_case() -> None:
    one = case()
    assert replace(one, source=CohortFiles(CohortSettings(colour="grey"))).key(digest) != one.key(digest)
    assert replace(one, source=CohortFiles(CohortSettings(target="er"))).key(digest) == one.key(digest)


def test_arrays_of_one_content_and_another_shape_differ() -> None:
    @dataclass(frozen=True)
    class Sent:
        values: object
        where: Path = field(default=Path("x"), metadata=out_of_key("a place"))

    flat, square = np.arange(4.0), np.arange(4.0).reshape(2, 2)
    keys = {of(Sent(v)) for v in (flat, square, flat.astype(np.float32), flat.astype(object))}
    assert len(keys) == 4
    assert of(Sent(FRAME)) != of(Sent(FRAME.rename(columns={"a": "c"})))
    assert of(Sent(FRAME)) != of(Sent(FRAME.set_axis(["P1", "P3"])))
    assert of(Sent({"a", "b"})) == of(Sent({"b", "a"}))
    with pytest.raises(TypeError, match="values: a object"):
        of(Sent(object()))


@dataclass(frozen=True)
class Holding:
    """A payload of anything."""

    values: object


def test_what_is_nested_counts_by_its_fields_and_a_class_has_no_form() -> None:
    assert of(Holding(Holding(1))) != of(Holding(Holding(2)))
    with pytest.raises(TypeError, match="values: a type has no form in a key"):
        key_of_payload(Holding(Holding), digest)


def test_nothing_is_a_value_of_its_own() -> None:
    assert key_of_payload(Holding(None), digest) == {"values": None}
    assert len({of(Holding(value)) for value in (None, "None", "", 0, False)}) == 5


def test_the_type_of_a_column_counts_beside_text_too() -> None:
    mixed = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert of(Holding(mixed)) != of(Holding(mixed.astype({"a": np.float32})))
    assert of(Holding(FRAME)) != of(Holding(FRAME.astype(np.float32)))
