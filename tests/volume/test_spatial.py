"""Spatial: what it pools over, what it cannot see, what it attends to; every setting of it reaches its layers."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from dlr.volume import Architecture, RegionSettings, make_network  # noqa: E402
from dlr.volume.losses import HEADS, Wanted, make_objective  # noqa: E402
from dlr.volume.spatial import Spatial  # noqa: E402
from dlr.words import Target, TargetKind  # noqa: E402
from tests.volume.fixed_encoder import FixedEncoder  # noqa: E402
from tests.volume.small_volumes import settings  # noqa: E402

TARGETS = ("er", "pr", "ki67")
SHAPE = (8, 24, 24)


def network(shape: tuple[int, int, int] = SHAPE, **more: object) -> Spatial:
    """A small network, the same weights every time."""
    form = {"depth": 10, "width": 4, "stem": "light", "per_cent": ("ki67",), **more}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return make_network(Architecture("spatial", TARGETS, shape, **form))


def given(n: int = 4, shape: tuple[int, int, int] = SHAPE) -> torch.Tensor:
    """Grey, and shells around the middle as core, rim and peritumoral tissue."""
    place = torch.stack(torch.meshgrid(*(torch.arange(size) + 0.5 - size / 2 for size in shape), indexing="ij"))
    away = (place * torch.tensor([24 / shape[0], 1, 1])[:, None, None, None]).norm(dim=0).expand(n, *shape)
    regions = torch.stack([away < 4, (away >= 4) & (away < 7), (away >= 7) & (away < 10)], dim=1)
    grey = torch.rand(n, 1, *shape, generator=torch.Generator().manual_seed(0))
    return torch.cat([grey, regions.float()], dim=1)


EVERY = list(
    itertools.product(
        ("multi_scale", "single_scale", "none"), ("shared", "own"), ("3d", "2d"), ("fixed", "uncertainty")
    )
)


@pytest.mark.parametrize(("attention", "extractor", "dimension", "task_weights"), EVERY)
def test_gradient_reaches_every_parameter(attention: str, extractor: str, dimension: str, task_weights: str) -> None:
    made = network(attention=attention, extractor=extractor, dimension=dimension, task_weights=task_weights)
    nn.init.normal_(made.of_regions)
    targets = [Target("er"), Target("pr"), Target("ki67", TargetKind.PER_CENT)]
    labels = torch.tensor([[1.0, 0.0, 5.0], [0.0, 1.0, 70.0], [1.0, 1.0, 20.0], [0.0, 0.0, 30.0]])
    loss = make_objective("spatial", targets, settings()).losses[HEADS]
    loss.total(made(given()), Wanted(labels)).backward()
    without = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_every_option_reaches_every_layer() -> None:
    plain, flat, own = network(), network(dimension="2d"), network(extractor="own")
    for made, deep in ((plain, 3), (flat, 1)):
        convs = [m for m in made.modules() if isinstance(m, nn.Conv3d) and m.kernel_size[1] > 1]
        assert len(convs) == 12 and {m.kernel_size for m in convs} == {(deep, 3, 3)}
    assert {m.stride[0] for m in flat.modules() if isinstance(m, nn.Conv3d)} == {1}
    assert {size[0] for size in flat.encoder.sizes} == {8} and flat.encoder.sizes[4] == (8, 2, 2)
    count = [sum(p.numel() for p in made.encoder.parameters()) for made in (plain, own)]
    assert count[1] == 3 * count[0] and own.shared.in_features == plain.shared.in_features
    kinds = [type(m) for m in network(norm="group", extractor="own").modules()]
    assert nn.BatchNorm3d not in kinds and nn.GroupNorm in kinds
    assert [len(list(network(attention=name).attention.parameters())) for name in ("multi_scale", "single_scale")] == [
        6, 2,
    ]  # fmt: skip
    assert list(network(attention="none").attention.parameters()) == []
    used = network(regions=RegionSettings(use=["peritumoral", "core"]))
    assert used.regions == ("core", "peritumoral") and used.region_weights().shape == (3, 2)


@pytest.mark.parametrize("dimension", ["3d", "2d"])
def test_two_dimensions_see_nothing_of_other_slices(dimension: str) -> None:
    made, seen = network(dimension=dimension).eval(), given(1)[:, :1]
    other = seen.clone()
    other[:, :, 5] += 1
    first, second = made.encoder(seen)[2], made.encoder(other)[2]
    same = torch.isclose(first, second, atol=1e-7).all(dim=1)[0].flatten(1).all(dim=1)
    assert (same.tolist() == [slice_ != 5 for slice_ in range(8)]) == (dimension == "2d")


@pytest.mark.parametrize("use", [["core"], ["core", "rim"], ["rim", "peritumoral"]])
def test_what_lies_in_no_region_changes_nothing_and_pooling_alone_does_not_hide_it(use: list[str]) -> None:
    """The trap: without zeroing the input a network that pools over the core sees its surroundings."""
    seen = given(2)
    channels = [0, *(1 + ("core", "rim", "peritumoral").index(name) for name in use)]
    seen = seen[:, channels]
    outside = seen[:, 1:].sum(dim=1, keepdim=True) == 0
    other = torch.where(outside, 9 * torch.rand_like(seen[:, :1]) - 4, seen[:, :1])
    changed = torch.cat([other, seen[:, 1:]], dim=1)
    for mask_input in (True, False):
        made = network(regions=RegionSettings(use=use, mask_input=mask_input))
        nn.init.normal_(made.of_regions)
        for mode in (made.eval(), made.train()):
            first, second = mode(seen), mode(changed)
            assert torch.equal(first.scores, second.scores) == mask_input
            assert all(torch.equal(a, b) for a, b in zip(first.attention, second.attention, strict=True)) == mask_input


def test_means_over_regions_by_hand() -> None:
    """Of a coarse voxel half in the region a half counts: (1 · 1 + ½ · 4) / 1½; one thin as a voxel never vanishes."""
    made = network((4, 4, 4), attention="none", regions=RegionSettings(use=["core", "rim"]))
    regions = torch.zeros(1, 2, 4, 4, 4)
    regions[0, 0, :2, :2, :2] = 1  # the first coarse voxel
    regions[0, 0, :2, :2, 2] = 1  # half of the second
    regions[0, 1, 3, 3, 3] = 1  # an eighth of the last
    maps = [torch.arange(1.0, 9.0).reshape(1, 1, 2, 2, 2) ** 2 + k for k in range(3)]
    wide = [own.expand(1, channels, 2, 2, 2) for own, channels in zip(maps, (8, 16, 32), strict=True)]
    made.encoder = FixedEncoder([torch.zeros(1), torch.zeros(1), *wide])
    caught = []
    made.shared.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    with torch.no_grad():
        made.of_regions.copy_(torch.tensor([[50.0, 0.0], [0.0, 50.0], [0.0, 0.0]]))
    made(torch.cat([torch.zeros(1, 1, 4, 4, 4), regions], dim=1))
    core, rim = (1 + 0.5 * 4) / 1.5, 64
    for k, (first, last) in enumerate(((0, 8), (8, 24), (24, 56))):
        for target, value in enumerate((core, rim, (core + rim) / 2)):
            assert caught[0][0, target, first:last].tolist() == pytest.approx([value + k] * (last - first))


def test_an_empty_region_leaves_the_softmax_and_no_number_behind() -> None:
    """As if it had not been there: the others share the weight, and its own logit has no gradient."""
    made = network(norm="group")
    nn.init.normal_(made.of_regions)
    seen = given(2)
    seen[0, 1] = 0  # no core in the first
    said = made(seen)
    without = network(norm="group", regions=RegionSettings(use=["rim", "peritumoral"]))
    state = {**made.state_dict(), "of_regions": made.of_regions.detach()[:, 1:]}
    without.load_state_dict(state)
    assert torch.allclose(said.scores[:1], without(seen[:1, [0, 2, 3]]).scores, atol=1e-6)
    gradient = torch.autograd.grad(said.scores[0].sum(), made.of_regions, retain_graph=True)[0]
    assert (gradient[:, 0] == 0).all() and (gradient[:, 1:] != 0).all()
    assert (torch.autograd.grad(said.scores[1].sum(), made.of_regions)[0] != 0).all()


def test_no_region_at_all_gives_numbers_and_gradients() -> None:
    made, seen = network(), given(2)
    seen[:, 1:] = 0
    made(seen).scores.sum().backward()
    assert torch.isfinite(made(seen).scores).all()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters() if p.grad is not None)


def test_weights_of_the_regions_begin_equal_and_are_a_softmax_a_target() -> None:
    made = network()
    assert made.region_weights() == pytest.approx(torch.full((3, 3), 1 / 3).numpy())
    with torch.no_grad():
        made.of_regions[1] = torch.tensor([1.0, 2.0, 4.0]).log()
    assert made.region_weights()[1].tolist() == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    assert not made.region_weights().requires_grad
    first = made(given(1)).scores
    with torch.no_grad():
        made.of_regions[1] = 0
    assert torch.isclose(first, made(given(1)).scores).tolist() == [[True, False, True]]  # of its own target alone


def test_an_extractor_of_its_own_serves_its_target_alone() -> None:
    made = network(extractor="own")
    for place, _ in enumerate(TARGETS):
        made.zero_grad()
        made(given()).scores[:, place].sum().backward()
        own = [sum(float(p.grad.abs().sum()) for p in one.parameters()) > 0 for one in made.encoder.each]
        assert own == [other == place for other in range(3)]
    assert len({one.conv1.weight.sum().item() for one in made.encoder.each}) == 3  # drawn each by itself


def test_side_by_side_is_each_alone() -> None:
    made, grey = network(extractor="own").eval(), given()[:, :1]
    together = made.encoder(grey)
    for place, one in enumerate(made.encoder.each):
        alone = one.eval()(grey)
        for both, own in zip(together, alone, strict=True):
            assert torch.allclose(both.chunk(3, dim=1)[place], own, atol=1e-6)


@pytest.mark.parametrize(
    ("attention", "shape", "stem", "sizes"),
    [
        ("multi_scale", SHAPE, "light", [(4, 6, 6), (2, 3, 3), (1, 2, 2)]),
        ("single_scale", SHAPE, "light", [(1, 2, 2)]),
        ("single_scale", (32, 32, 32), "published", [(2, 2, 2)]),  # layer 4 is one voxel: layer 3
        ("none", SHAPE, "light", []),
    ],
)
def test_it_attends_to_the_scales_asked_for(
    attention: str, shape: tuple[int, int, int], stem: str, sizes: list[tuple[int, int, int]]
) -> None:
    said = network(shape, attention=attention, stem=stem).eval()(given(2, shape))
    assert [tuple(m.shape) for m in said.attention] == [(2, 1, *size) for size in sizes]
    assert all(((m > 0) & (m < 1)).all() for m in said.attention)


def test_attention_by_hand_from_mean_and_largest_channel_fused_from_the_coarse_to_the_fine() -> None:
    """Kernels of one voxel: logit = mean + 2 · largest, plus that of the coarser scale."""
    made = network((8, 8, 8)).attention
    for conv in made.children():
        nn.init.zeros_(conv.weight)
        nn.init.zeros_(conv.bias)
        with torch.no_grad():
            conv.weight[0, :, 1, 1, 1] = torch.tensor([1.0, 2.0])
    maps = [torch.tensor([a, b]).reshape(1, 2, 1, 1, 1).expand(1, 2, n, n, n) for a, b, n in (
        (0.1, 0.3, 4), (-0.5, 0.5, 2), (0.0, -1.0, 1),
    )]  # fmt: skip
    coarse = -0.5
    middle = coarse + 0.0 + 1.0
    fine = middle + 0.2 + 0.6
    found = made(maps)
    assert [m.shape[2] for m in found] == [4, 2, 1]
    for gates, logit in zip(found, (fine, middle, coarse), strict=True):
        assert gates.flatten().tolist() == pytest.approx([1 / (1 + torch.tensor(-logit).exp().item())] * gates.numel())


def test_what_is_attended_to_counts_as_much_as_the_gate_says() -> None:
    """All gates wide open: as without attention; shut: nothing is left but biases."""
    made, plain = network().eval(), network(attention="none").eval()
    plain.load_state_dict({k: v for k, v in made.state_dict().items() if not k.startswith("attention.")})
    for bias, wanted in ((60.0, plain(given()).scores), (-60.0, None)):
        for conv in made.attention.children():
            nn.init.zeros_(conv.weight)
            nn.init.constant_(conv.bias, bias)
        found = made(given()).scores
        assert torch.allclose(found, found[:1].expand_as(found) if wanted is None else wanted, atol=1e-5)


def test_norm_sees_the_same_in_either_layout() -> None:
    made, seen = network(norm="group"), given()
    plain = made(seen).scores
    assert torch.allclose(plain, made(seen.to(memory_format=torch.channels_last_3d)).scores, atol=1e-5)


def test_scores_are_linear_in_the_features_which_are_the_shared_layer_s_above_zero() -> None:
    made, seen = network().eval(), given()
    caught = []
    made.shared.register_forward_hook(lambda *given: caught.append(given[2]))
    said = made(seen)
    assert (caught[0] < 0).any() and torch.equal(said.features, caught[0].clamp(min=0).flatten(1))
    for place in range(3):
        own = said.features.unflatten(1, (3, -1))[:, place]
        assert torch.allclose(said.scores[:, place], made.head(own)[:, place], atol=1e-6)
