"""ESRGAN's generator: published names and size, every wire by a twin written otherwise, and how it starts."""

import numpy as np
import pytest
import torch

from dlr.superres.grid import bicubic_tensor
from dlr.superres.rrdb import FromBicubic, Grey, RRDBForm, RRDBNet

TINY = {"channels": 6, "growth": 3, "blocks": 2}


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def seeded(network, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return network.eval()


def convolved(state, name, x):
    """Zero-padded correlation by nine shifted products."""
    weight, bias = state[f"{name}.weight"].numpy(), state[f"{name}.bias"].numpy()
    height, width = x.shape[1:]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    shifted = [[padded[:, dy : dy + height, dx : dx + width] for dx in range(3)] for dy in range(3)]
    out = sum(np.tensordot(weight[:, :, dy, dx], shifted[dy][dx], axes=1) for dy in range(3) for dx in range(3))
    return out + bias[:, None, None]


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def by_hand(state, form, x):
    """The whole network of one image (colours, h, w), one block after the other."""
    height, width = x.shape[1:]
    fold = 4 // form.scale
    if fold > 1:
        x = np.pad(x, ((0, 0), (0, -height % fold), (0, -width % fold)), mode="reflect")
        x = np.stack([channel[dy::fold, dx::fold] for channel in x for dy in range(fold) for dx in range(fold)])
    first = convolved(state, "conv_first", x)
    body = first
    for block in range(form.blocks):
        before = body
        for dense in (1, 2, 3):
            seen = [body]
            for number in (1, 2, 3, 4, 5):
                out = convolved(state, f"body.{block}.rdb{dense}.conv{number}", np.concatenate(seen))
                seen.append(leaky(out))
            body = body + 0.2 * out
        body = before + 0.2 * body
    x = first + convolved(state, "conv_body", body)
    for name in ("conv_up1", "conv_up2"):
        x = leaky(convolved(state, name, x.repeat(2, axis=1).repeat(2, axis=2)))
    x = convolved(state, "conv_last", leaky(convolved(state, "conv_hr", x)))
    return x[:, : height * form.scale, : width * form.scale]


def test_the_published_network_has_16_697_987_numbers_in_351_convolutions_in_the_published_order():
    with torch.device("meta"):
        network = RRDBNet(RRDBForm())
    assert sum(each.numel() for each in network.parameters()) == 16_697_987
    convolutions = [key.removesuffix(".weight") for key in network.state_dict() if key.endswith(".weight")]
    body = [f"body.{b}.rdb{d}.conv{c}" for b in range(23) for d in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    assert convolutions == ["conv_first", *body, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    assert len(convolutions) == 351


@pytest.mark.parametrize(
    "form, size",
    [
        (RRDBForm(4, **TINY), (5, 7)),
        (RRDBForm(4, **TINY, colours=1), (4, 3)),
        (RRDBForm(2, **TINY), (6, 8)),
        (RRDBForm(2, **TINY), (5, 7)),  # reflected by a row and a column
        (RRDBForm(1, **TINY, colours=1), (9, 6)),
    ],
)
def test_the_network_equals_plain_numpy(form, size):
    network = seeded(RRDBNet(form))
    x = noise(1, form.colours, *size)
    with torch.inference_mode():
        out = network(x)[0].numpy()
    assert out.shape == (form.colours, form.scale * size[0], form.scale * size[1])
    # float32 sums in another order
    np.testing.assert_allclose(out, by_hand(network.state_dict(), form, x[0].numpy()), rtol=1e-4, atol=1e-4)


def test_gradient_reaches_every_parameter():
    network = Grey(RRDBNet(RRDBForm(2, **TINY)), 3)
    network(noise(2, 1, 6, 6)).square().mean().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in network.parameters())


def test_grey_is_the_mean_of_the_colours_of_equal_channels():
    inner = seeded(RRDBNet(RRDBForm(4, **TINY)))
    x = noise(2, 1, 4, 5)
    with torch.inference_mode():
        colours = inner(torch.cat((x, x, x), dim=1))
        torch.testing.assert_close(Grey(inner, 3)(x)[:, 0], (colours[:, 0] + colours[:, 1] + colours[:, 2]) / 3)


@pytest.mark.parametrize("scale", [2, 4])
def test_what_is_trained_here_starts_at_bicubic_and_can_leave_it(scale):
    inner = RRDBNet(RRDBForm(scale, **TINY))
    network = FromBicubic(Grey(inner, 3), inner.conv_last, scale)
    x = noise(2, 1, 6, 8)
    assert torch.equal(network(x), bicubic_tensor(x, scale))
    network(x).square().mean().backward()
    assert inner.conv_last.weight.grad.abs().sum() > 0
    assert all(name.startswith("correction.") for name in network.state_dict())
