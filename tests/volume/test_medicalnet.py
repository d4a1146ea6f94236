"""Weights of MedicalNet from a local file: loaded by name and shape, counted, never in part without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.volume import Architecture, VolumeSettings, fit_network, make_network  # noqa: E402
from dlr.volume.medicalnet import load_medicalnet  # noqa: E402
from dlr.volume.networks import Encoder  # noqa: E402
from tests.volume.small_volumes import TARGETS, cohort, settings  # noqa: E402


def encoder(**more: object) -> Encoder:
    form = {"depth": 18, "width": 4, **more}
    return make_network(Architecture("single", TARGETS, (32, 32, 32), **form)).encoder


def written(path: Path, state: dict[str, torch.Tensor]) -> Path:
    """As MedicalNet writes it: wrapped, prefixed, with a decoder of its own."""
    more = {"module.conv_seg.0.weight": torch.zeros(2, 2), "module.conv_seg.0.bias": torch.zeros(2)}
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()} | more}, path)
    return path


def test_all_tensors_are_taken_and_counted(tmp_path: Path) -> None:
    theirs, ours = encoder(), encoder()
    origin = load_medicalnet(ours, "3-D ResNet18", written(tmp_path / "resnet_18.pth", theirs.state_dict()))
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in ours.state_dict().items())
    assert origin.tensors == len(ours.state_dict()) and len(origin.sha256) == 64
    assert origin.source == "MedicalNet's file: trained with dilation, used with stride"


def test_shortcuts_of_type_a_are_counted_as_absent(tmp_path: Path) -> None:
    """Three of them at depth 18: a convolution and a norm of five tensors each, whose counter is no tensor."""
    state = {key: value for key, value in encoder().state_dict().items() if "downsample" not in key}
    ours = encoder()
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    origin = load_medicalnet(ours, "3-D ResNet18", written(tmp_path / "a.pth", state))
    assert "15 tensors of shortcuts are not in it" in origin.source and origin.tensors == len(state)
    for key, value in ours.state_dict().items():
        assert torch.equal(value, before[key] if "downsample" in key else state[key])


def test_a_file_of_another_network_is_named_and_nothing_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path / "w.pth", encoder().state_dict())
    for form, words in (
        ({"width": 8}, "another shape"),
        ({"depth": 34}, "not in it"),
        ({"depth": 10}, "in it alone"),
        ({"stem": "light"}, "another shape"),
        ({"norm": "group"}, "BatchNorm"),
        ({"dimension": "2d"}, "receptors.dimension: 3d"),
    ):
        ours = encoder(**form)
        before = {key: value.clone() for key, value in ours.state_dict().items()}
        with pytest.raises(InputError, match=words):
            load_medicalnet(ours, "3-D ResNet", path)
        assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())
    broken = {
        key: value * float("nan") if key == "conv1.weight" else value for key, value in encoder().state_dict().items()
    }
    with pytest.raises(InputError, match="not numbers"):
        load_medicalnet(encoder(), "3-D ResNet18", written(tmp_path / "nan.pth", broken))
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match="cannot be read as weights"):
        load_medicalnet(encoder(), "3-D ResNet18", tmp_path / "text.pth")


@pytest.mark.parametrize(("kind", "extractor"), [("single", "shared"), ("spatial", "shared"), ("spatial", "own")])
def test_a_training_starts_from_the_file(kind: str, extractor: str, tmp_path: Path) -> None:
    path = written(tmp_path / "w.pth", encoder(depth=10).state_dict())
    volumes, labels, names = cohort(8, shape=(32, 32, 32))
    given = settings(
        stem="published", extractor=extractor, weights=str(path), training={"epochs": 1, "rate": 1e-12, "ema": None}
    )
    found = fit_network(kind, volumes, labels, TARGETS, names, names, VolumeSettings(size=32), given, seed=0)
    first = torch.load(path)["state_dict"]["module.conv1.weight"]
    encoders = found.network.encoder.each
    assert len(encoders) == (2 if extractor == "own" else 1) and found.origin.weights == "w.pth"
    assert all(torch.allclose(one.conv1.weight, first, atol=1e-9) for one in encoders)
