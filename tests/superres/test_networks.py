"""Generators: their size, where they begin, and that they can learn. Discriminators: what they look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from dlr.superres import Form, make_network  # noqa: E402
from dlr.superres.grid import bicubic_tensor  # noqa: E402
from dlr.superres.networks import Fine, PatchDiscriminator, UNetDiscriminator, form_of  # noqa: E402
from dlr.superres.perceptual import PerceptualDistance, perceptual_of  # noqa: E402

FORMS = [form_of("small", 4), form_of("small", 2), Form("full", 4, 16, 1, 8), Form("full", 2, 16, 1, 8)]


@pytest.mark.parametrize(("scale", "weights"), [(4, 171_408), (2, 171_408 - 12 * 289)])
def test_the_small_generator_has_the_stated_number_of_weights(scale: int, weights: int) -> None:
    network = make_network(form_of("small", scale))
    assert sum(parameter.numel() for parameter in network.parameters()) == weights


def test_the_full_generator_has_the_published_size_of_one_channel() -> None:
    # 16,697,987 of RGB at x4, less two input channels of conv_first and two output channels of conv_last with bias
    network = make_network(form_of("full", 4))
    assert sum(parameter.numel() for parameter in network.parameters()) == 16_697_987 - 2 * 64 * 9 - 2 * (64 * 9 + 1)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_generators_begin_as_bicubic_interpolation(form: Form) -> None:
    given = torch.rand(2, 1, 9, 13)
    said = make_network(form)(given)
    assert said.shape == (2, 1, 9 * form.scale, 13 * form.scale)
    assert torch.equal(said, bicubic_tensor(given, form.scale))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_after_a_step_gradients_reach_every_weight(form: Form) -> None:
    network = make_network(form)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(2):  # at first only the last layer, which is 0, has one
        optimiser.zero_grad()
        (network(torch.rand(2, 1, 8, 8)) - torch.rand(2, 1, 8 * form.scale, 8 * form.scale)).abs().mean().backward()
        optimiser.step()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


DISCRIMINATORS = [lambda: PatchDiscriminator(8), lambda: UNetDiscriminator(8)]


@pytest.mark.parametrize("make", DISCRIMINATORS)
def test_a_discriminator_does_not_see_the_grey_level(make: Callable[[], torch.nn.Module]) -> None:
    judge, grey = make().eval(), torch.rand(2, 1, 32, 40)
    said = judge(grey)
    assert said.shape[:2] == (2, 1)
    torch.testing.assert_close(judge(grey + 0.3), said, atol=1e-4, rtol=1e-4)
    assert (judge(torch.rand(2, 1, 32, 40)) - said).abs().max() > 1e-2


def test_fine_detail_is_what_a_blur_takes_away() -> None:
    fine, place = Fine(), torch.arange(61.0)
    ramp = fine((place / 60).expand(1, 1, 61, 61))
    assert ramp[..., 6:-6].abs().max() < 1e-4
    wave = torch.cos(2 * torch.pi * place / 20).expand(1, 1, 61, 61)  # a Gaussian of SD 2 leaves exp(-2 (pi 2 / 20)^2)
    torch.testing.assert_close(fine(wave)[..., 6:-6], 16 * (1 - 0.821) * wave[..., 6:-6], atol=0.05, rtol=0)
    plain = fine(wave)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(fine(wave), plain)


@pytest.mark.parametrize("make", DISCRIMINATORS)
def test_gradients_of_a_discriminator_reach_every_weight_and_the_image(make: Callable[[], torch.nn.Module]) -> None:
    judge, image = make(), torch.rand(2, 1, 32, 32, requires_grad=True)
    judge(image).square().mean().backward()
    assert image.grad.abs().max() > 0
    assert all(parameter.grad.abs().max() > 0 for parameter in judge.parameters())


def test_an_image_is_judged_by_itself() -> None:
    judge, images = PatchDiscriminator().eval(), torch.rand(3, 1, 32, 32)
    torch.testing.assert_close(judge(images)[1:2], judge(images[1:2]), atol=1e-5, rtol=1e-4)


def test_spectral_norm_holds_the_u_net_down() -> None:
    judge = UNetDiscriminator(8)
    for _ in range(100):
        judge(torch.rand(1, 1, 16, 16))
    for layer in (*judge.down, *judge.up, *judge.after):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_perceptual_distance_is_0_of_equal_images_and_teaches_the_image_alone() -> None:
    timm = pytest.importorskip("timm")
    features = perceptual_of(timm.create_model("tf_efficientnet_lite0", pretrained=False))
    distance = PerceptualDistance(features)
    distance.train()
    before = {name: value.clone() for name, value in features.state_dict().items()}
    image = torch.rand(2, 1, 32, 32, requires_grad=True)
    assert [feature.shape[2:] for feature in features(image)] == [(16, 16), (8, 8), (4, 4)]
    assert distance(image, image).tolist() == [0, 0, 0]
    distance(image, torch.rand(2, 1, 32, 32)).mean().backward()
    assert image.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in features.parameters())
    assert all(torch.equal(value, before[name]) for name, value in features.state_dict().items())
