"""Maps of the 3-D networks: of every marker, at the volume's size, finite whatever the logits, the network as found."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dlr.attention import GradCAMPlusPlus
from dlr.errors import InputError
from dlr.volume import Architecture, make_network

TARGETS = ("er", "pr", "her2")
SHAPE = (12, 20, 24)


def network(kind: str, stem: str = "light", shape: tuple[int, int, int] = SHAPE) -> nn.Module:
    torch.manual_seed(4)
    form = Architecture(kind, TARGETS, shape, depth=10, width=4, stem=stem)  # type: ignore[arg-type]
    made = make_network(form)
    made.limits.copy_(torch.tensor([-2.0, 2.0]))
    return made


def logit(output: Any, place: int) -> Tensor:
    return output.logits[:, place]


def volumes(n: int) -> Tensor:
    return torch.randn(n, 1, *SHAPE, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_a_map_of_every_marker_is_finite_and_of_the_volumes_size(kind: str, scale: float) -> None:
    net = network(kind)
    with torch.no_grad():
        net.head.weight.mul_(scale)
        net.head.bias.copy_(torch.tensor([100.0, -100.0, 0.0]))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    maps = [
        GradCAMPlusPlus(net, net.attention_layer)(volumes(1), partial(logit, place=k))[0] for k in range(len(TARGETS))
    ]
    assert all(heat.shape == SHAPE and torch.isfinite(heat).all() and heat.min() >= 0 for heat in maps)
    assert any(heat.max() > 0 for heat in maps) and not torch.allclose(maps[0], maps[2])
    assert net.training, "the mode is as it was found"
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items()), "BatchNorm saw nothing"
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in net.modules())


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_batch_gives_the_maps_that_its_volumes_give_alone(kind: str) -> None:
    net, shown = network(kind).eval(), volumes(4)
    cam = GradCAMPlusPlus(net, net.attention_layer)
    together = cam(shown, partial(logit, place=1))
    for k in range(4):
        alone = cam(shown[k : k + 1], partial(logit, place=1))[0]
        np.testing.assert_allclose(together[k], alone, atol=1e-6 * float(together.max()))


def test_volumes_too_small_to_look_at_are_refused_in_words() -> None:
    with pytest.raises(InputError, match=r"raise volume.size, or set receptors.stem: light"):
        _ = network("single", "published", (4, 4, 4)).attention_layer
