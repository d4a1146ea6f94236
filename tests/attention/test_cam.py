"""Class activation maps: values known by hand, any number of dimensions, the network left as it was found."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from dlr.attention import GradCAM, GradCAMPlusPlus  # noqa: E402
from dlr.errors import InputError  # noqa: E402
from tests.attention.tiny_maps import ByHand, TwoOutputs  # noqa: E402

PICTURE = torch.tensor([[[[1.0, 0.25], [1.75, 5.0]]]])


def test_gradcam_by_hand() -> None:
    """dS0/dA is 3/4 and -1/4 at each of 4 places, so L = 3/4 x - 1/4 (2 x) = x/4; dS1/dA is 0 and 1/4, so L = x/2."""
    cam = GradCAM(ByHand(), "body")
    assert torch.allclose(cam(PICTURE, 0), PICTURE[:, 0] / 4)
    assert torch.allclose(cam(PICTURE, 1), PICTURE[:, 0] / 2)


def test_a_negative_map_is_cut_at_zero() -> None:
    assert torch.equal(GradCAM(ByHand(), "body")(PICTURE, lambda out: -out[:, 0]), torch.zeros(1, 2, 2))


def test_gradcam_plus_plus_by_hand() -> None:
    """Score 1 at the ReLU: g = 1/4 everywhere, sum(A) = 16, so alpha = (1/16)/(2/16 + 16/64) = 1/6 at each of 4 places,
    w = 4/6 * 1/4 = 1/6 and L = 2x/6."""
    found = GradCAMPlusPlus(ByHand(), "relu")(PICTURE, 1)
    assert torch.allclose(found, PICTURE[:, 0] / 3)


def test_gradcam_plus_plus_has_no_weight_where_there_is_no_gradient() -> None:
    found = GradCAMPlusPlus(ByHand(), "relu")(torch.zeros(1, 1, 2, 2), lambda out: out[:, 0] * 0)
    assert torch.equal(found, torch.zeros(1, 2, 2))


@pytest.mark.parametrize("maker", [GradCAM, GradCAMPlusPlus])
def test_a_volume_and_several_outputs_give_maps_of_the_input_s_size(maker: type[GradCAM]) -> None:
    volume = torch.rand(2, 1, 9, 12, 10)
    cam = maker(TwoOutputs(), "body")
    for target in (lambda out: out.logits[:, 2], lambda out: out.ki67[:, 0]):
        found = cam(volume, target)
        assert found.shape == (2, 9, 12, 10) and float(found.min()) >= 0 and torch.isfinite(found).all()


def test_a_signal_gives_a_map_too() -> None:
    network = nn.Sequential(nn.Conv1d(1, 2, 3, padding=1), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(2, 1))
    assert GradCAM(network, "0")(torch.rand(1, 1, 7), 0).shape == (1, 7)


def test_maps_of_a_batch_are_those_of_each_alone() -> None:
    network, volumes = TwoOutputs(), torch.rand(3, 1, 6, 6, 6)
    cam = GradCAM(network, network.body)
    together = cam(volumes, lambda out: out.logits[:, 0])
    alone = torch.cat([cam(volumes[k : k + 1], lambda out: out.logits[:, 0]) for k in range(3)])
    assert torch.allclose(together, alone, atol=1e-7)


def test_mode_gradients_and_hooks_are_left_as_found() -> None:
    network = ByHand().train()
    network.relu.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    network.head.weight.requires_grad_(True)
    network.head.weight.grad = torch.ones(2, 2)
    GradCAM(network, "body")(PICTURE, 0)
    assert (network.training, network.body.training, network.relu.training) == (True, True, False)
    assert not network.body.weight.requires_grad and network.head.weight.requires_grad
    assert torch.equal(network.head.weight.grad, torch.ones(2, 2)) and not network.body._forward_hooks


def test_a_frozen_network_within_no_grad_has_a_map_too() -> None:
    network = ByHand().requires_grad_(False)
    with torch.no_grad():
        assert torch.allclose(GradCAM(network, "body")(PICTURE, 0), PICTURE[:, 0] / 4)


@pytest.mark.parametrize(
    ("layer", "target", "said"),
    [
        ("head", 0, "which is no map"),
        ("nowhere", 0, "no such layer"),
        ("body", 2, "there are 2 outputs"),
        ("body", lambda out: out, r"no \(B,\) scores"),
    ],
)
def test_what_gives_no_map_is_named(layer: str, target: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        GradCAM(ByHand(), layer)(PICTURE, target)


def test_several_outputs_ask_for_a_function() -> None:
    with pytest.raises(InputError, match=r"the network gives Outputs.*lambda"):
        GradCAM(TwoOutputs(), "body")(torch.rand(1, 1, 6, 6, 6), 0)


def test_a_layer_that_takes_no_part_is_named() -> None:
    network = ByHand()
    network.unused = nn.Conv2d(1, 1, 1)
    with pytest.raises(InputError, match="takes no part"):
        GradCAM(network, "unused")(PICTURE, 0)


@pytest.mark.slow
def test_monai_s_raw_maps_agree() -> None:
    monai = pytest.importorskip("monai.visualize")
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    ).eval()
    network[4].weight.data *= 30  # so that the 1e-7 that MONAI adds to a denominator is nothing
    picture = torch.rand(1, 1, 8, 8)
    for own, theirs, scale in (
        (GradCAM, monai.GradCAM, 1.0),
        (GradCAMPlusPlus, monai.GradCAMpp, network(picture)[0, 1].exp().item()),  # its score is exp(S)
    ):
        raw = theirs(network, target_layers="1", postprocessing=lambda x: x)(picture, class_idx=1)[:, 0]
        assert torch.allclose(own(network, "1")(picture, 1) * scale, raw, rtol=1e-3, atol=1e-7)
