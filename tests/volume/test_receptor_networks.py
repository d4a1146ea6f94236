"""SingleTask and MultiTask: published shapes, options that reach every layer, gradients where they belong."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from dlr.errors import InputError  # noqa: E402
from dlr.volume import Architecture, make_network  # noqa: E402
from tests.volume.fixed_encoder import FixedEncoder  # noqa: E402

TARGETS = ("er", "pr", "her2")
TINY = {"depth": 10, "width": 8, "stem": "light"}


def network(kind: str = "multi", shape: tuple[int, int, int] = (16, 16, 16), **more: object) -> nn.Module:
    """A small network, the same weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return make_network(Architecture(kind, TARGETS, shape, **{**TINY, **more}))


def volumes(n: int, shape: tuple[int, ...] = (16, 16, 16)) -> torch.Tensor:
    return torch.rand(n, 1, *shape, generator=torch.Generator().manual_seed(0))


def test_published_shapes_and_46_million_parameters() -> None:
    with torch.device("meta"):
        made = make_network(Architecture("single", TARGETS, (128, 128, 128)))
        maps = made.encoder(torch.empty(2, 1, 128, 128, 128))
    assert [(m.shape[1], *m.shape[2:]) for m in maps] == [
        (64, 64, 64, 64), (256, 32, 32, 32), (512, 16, 16, 16), (1024, 8, 8, 8), (2048, 4, 4, 4),
    ]  # fmt: skip
    assert made.encoder.sizes == tuple(tuple(m.shape[2:]) for m in maps)
    assert sum(p.numel() for p in made.encoder.parameters()) == 46_155_072  # MONAI's resnet50 with one channel as many


@pytest.mark.parametrize("depth", [10, 18, 34, 50])
def test_outputs_at_128(depth: int) -> None:
    with torch.device("meta"):
        form = Architecture("multi", TARGETS, (128, 128, 128), depth, deep_supervision=True)
        said = make_network(form)(torch.empty(2, 1, 128, 128, 128))
    assert said.scores.shape == (2, 3) and said.features.shape == (2, 2048 if depth == 50 else 512)
    assert said.segmentation.shape == (2, 1, 128, 128, 128)
    assert [m.shape[2] for m in said.coarse] == [64, 32, 16, 8]


@pytest.mark.parametrize(
    ("shape", "stem", "sizes"),
    [
        ((8, 40, 40), "light", [(8, 20, 20), (8, 20, 20), (8, 10, 10), (4, 5, 5), (2, 3, 3)]),
        ((32, 32, 32), "published", [(16,) * 3, (8,) * 3, (4,) * 3, (2,) * 3, (1,) * 3]),
        ((32, 32, 32), "light", [(16,) * 3, (16,) * 3, (8,) * 3, (4,) * 3, (2,) * 3]),
        ((4, 9, 64), "published", [(4, 9, 32), (4, 9, 16), (4, 5, 8), (2, 3, 4), (1, 2, 2)]),
    ],
)
def test_an_axis_is_halved_once_it_is_half_as_long_as_the_longest(
    shape: tuple[int, int, int], stem: str, sizes: list[tuple[int, int, int]]
) -> None:
    made = network(shape=shape, stem=stem).eval()
    assert [tuple(m.shape[2:]) for m in made.encoder(volumes(1, shape))] == sizes == list(made.encoder.sizes)
    assert made(volumes(1, shape)).segmentation.shape == (1, 1, *shape)


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("resolution", ["full", "stem"])
def test_group_norm_leaves_no_batch_norm(kind: str, depth: int, resolution: str) -> None:
    kinds = [type(m) for m in network(kind, norm="group", depth=depth, resolution=resolution).modules()]
    assert nn.BatchNorm3d not in kinds and nn.GroupNorm in kinds
    batch = [type(m) for m in network(kind, norm="batch", depth=depth, resolution=resolution).modules()]
    assert nn.GroupNorm not in batch and batch.count(nn.BatchNorm3d) == kinds.count(nn.GroupNorm)


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("stem", ["published", "light"])
def test_gradient_reaches_every_parameter(kind: str, stem: str) -> None:
    made = network(kind, (16, 16, 32), stem=stem, deep_supervision=True, depth=50, passes=2)
    said = made(volumes(4, (16, 16, 32)))
    outputs = [said.scores, *([] if kind == "single" else [said.segmentation, *said.coarse])]
    sum((o * torch.rand(o.shape)).sum() for o in outputs).backward()
    without = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_a_pass_more_sees_the_map_and_nothing_is_learnt_through_it() -> None:
    """One pass less with the map added by hand says the same, and what the first pass saw has no gradient."""
    one, two = network(passes=1).eval(), network(passes=2).eval()
    grey = volumes(2).requires_grad_()
    first = one(grey).segmentation.sigmoid().detach()
    one.scaled = lambda seen: seen  # what is added is not clipped
    by_hand, found = one(grey + first), two(grey)
    assert torch.allclose(found.scores, by_hand.scores, atol=1e-5)
    assert torch.allclose(found.segmentation, by_hand.segmentation, atol=1e-4)
    assert (found.scores - network(passes=1).eval()(grey).scores).abs().max() > 1e-3
    gradient = torch.autograd.grad(found.scores.sum(), grey)[0]
    assert torch.allclose(gradient, torch.autograd.grad(by_hand.scores.sum(), grey)[0], atol=1e-5)


def test_passes_are_the_same_in_training_and_after_it() -> None:
    made, grey = network(norm="group", passes=3), volumes(2)
    assert torch.equal(made.train()(grey).scores, made.eval()(grey).scores)


def test_grey_is_clipped_to_the_limits_and_scaled() -> None:
    made = network("single")
    made.limits.copy_(torch.tensor([10.0, 30.0]))
    assert made.scaled(torch.tensor([0.0, 10.0, 15.0, 30.0, 99.0])).tolist() == [0.0, 0.0, 0.25, 1.0, 1.0]
    grey = 10 + 20 * volumes(2)
    plain = network("single").eval()
    assert torch.allclose(made.eval()(grey).scores, plain(volumes(2)).scores, atol=1e-5)
    assert "limits" in made.state_dict()


def test_a_tiny_map_is_classified_too() -> None:
    """At 32³ the published stem ends in one voxel, which the further pool leaves alone."""
    made = network(shape=(32, 32, 32), stem="published").eval()
    said = made(volumes(2, (32, 32, 32)))
    assert torch.isfinite(said.scores).all() and said.segmentation.shape == (2, 1, 32, 32, 32)


def test_the_classification_branch_takes_the_largest_of_eight() -> None:
    made = network(passes=1, shape=(48, 48, 48)).eval()
    deepest = torch.zeros(1, 64, 3, 3, 3)
    deepest[0, 0, 0, 0, 0], deepest[0, 0, 2, 2, 2] = 8.0, 4.0
    made.encoder = FixedEncoder(
        [torch.zeros(1, c, n, n, n) for c, n in ((8, 24), (8, 24), (16, 12), (32, 6))] + [deepest]
    )
    features = made(volumes(1, (48, 48, 48))).features
    assert features[0, 0].item() == pytest.approx(12 / 8) and features[0, 1:].abs().max() == 0  # of 2³ pooled voxels


@pytest.mark.parametrize(
    ("size", "stem", "layer"),
    [(32, "published", "layer2"), (32, "light", "layer3"), (128, "published", "layer4"), (8, "light", "layer1")],
)
def test_one_looks_at_the_last_map_of_four_voxels(size: int, stem: str, layer: str) -> None:
    with torch.device("meta"):
        made = make_network(Architecture("single", TARGETS, (size,) * 3, 10, 8, stem))
    assert made.attention_layer == f"encoder.{layer}"
    with pytest.raises(InputError, match="nothing to look at"):
        _ = make_network(Architecture("single", TARGETS, (6, 6, 6), 10, 8)).attention_layer
