"""Generators: their size, where they begin, and that they can learn."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from dlr.superres import make_network  # noqa: E402
from dlr.superres.grid import bicubic_tensor  # noqa: E402
from dlr.superres.networks import form_of  # noqa: E402


@pytest.mark.parametrize(("scale", "weights"), [(4, 171_408), (2, 171_408 - 12 * 289)])
def test_the_small_generator_has_the_stated_number_of_weights(scale: int, weights: int) -> None:
    network = make_network(form_of("small", scale))
    assert sum(parameter.numel() for parameter in network.parameters()) == weights


@pytest.mark.parametrize("scale", [2, 4])
def test_the_small_generator_begins_as_bicubic_interpolation(scale: int) -> None:
    given = torch.rand(2, 1, 9, 13)
    said = make_network(form_of("small", scale))(given)
    assert said.shape == (2, 1, 9 * scale, 13 * scale)
    assert torch.equal(said, bicubic_tensor(given, scale))


def test_after_a_step_gradients_reach_every_weight() -> None:
    network = make_network(form_of("small", 4))
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(2):  # at first only the last layer, which is 0, has one
        optimiser.zero_grad()
        (network(torch.rand(2, 1, 8, 8)) - torch.rand(2, 1, 32, 32)).abs().mean().backward()
        optimiser.step()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())
