"""Grad-CAM++ of the networks, for every marker."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from dlr.attention import GradCAMPlusPlus  # noqa: E402
from dlr.errors import InputError  # noqa: E402
from dlr.volume import Architecture, make_network  # noqa: E402

TARGETS = ("er", "pr", "her2")


def seen(kind: str, n: int, shape: tuple[int, int, int] = (8, 24, 32)) -> torch.Tensor:
    """Grey, and of Spatial three regions."""
    grey = torch.rand(n, 1, *shape)
    if kind != "spatial":
        return grey
    depth = torch.arange(shape[2]).expand(n, 1, *shape)
    return torch.cat([grey, depth < 8, (depth >= 8) & (depth < 12), depth >= 12], dim=1)


def network(kind: str, shape: tuple[int, int, int] = (8, 24, 32), stem: str = "light") -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = make_network(Architecture(kind, TARGETS, shape, 10, 8, stem))
        made.train()(seen(kind, 8, shape))  # running statistics that are not 0 and 1
    return made.eval()


@pytest.mark.parametrize("kind", ["single", "multi", "spatial"])
def test_maps_of_every_marker_have_the_volume_s_size_and_are_each_their_own(kind: str) -> None:
    made, grey = network(kind), seen(kind, 4)
    cam = GradCAMPlusPlus(made, made.attention_layer)
    maps = [cam(grey, lambda out, k=k: out.scores[:, k]) for k in range(3)]
    for found in maps:
        assert found.shape == (4, 8, 24, 32) and torch.isfinite(found).all() and float(found.min()) >= 0
        assert float(found.max()) > 0
    assert not torch.allclose(maps[0], maps[1]) and not torch.allclose(maps[1], maps[2])
    for k in range(4):
        alone = cam(grey[k : k + 1], lambda out: out.scores[:, 0])
        assert (alone[0] - maps[0][k]).abs().max() <= 1e-6 * maps[0].max()


@pytest.mark.parametrize("kind", ["single", "multi", "spatial"])
@pytest.mark.parametrize("logit", [100.0, -100.0])
def test_maps_are_finite_at_any_logit(kind: str, logit: float) -> None:
    made, grey = network(kind), seen(kind, 1)
    made.head.bias.data += logit - made(grey).scores[0]
    assert made(grey).scores[0].tolist() == pytest.approx([logit] * 3, rel=1e-4)
    found = GradCAMPlusPlus(made, made.attention_layer)(grey, lambda out: out.scores[:, 2])
    assert torch.isfinite(found).all() and float(found.max()) > 0


@pytest.mark.parametrize("kind", ["single", "multi", "spatial"])
def test_the_network_is_left_as_found(kind: str) -> None:
    made, grey = network(kind).train(), seen(kind, 2)
    made.encoder.layer1.eval()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    modes = [module.training for module in made.modules()]
    GradCAMPlusPlus(made, made.attention_layer)(grey, lambda out: out.scores[:, 0])
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())
    assert [module.training for module in made.modules()] == modes
    assert all(p.grad is None and p.requires_grad for p in made.parameters())
    assert not any(module._forward_hooks for module in made.modules())


def test_of_several_passes_the_last_is_looked_at() -> None:
    made, grey = network("multi"), torch.rand(1, 1, 8, 24, 32)
    found = GradCAMPlusPlus(made, made.attention_layer)(grey, lambda out: out.scores[:, 0])
    with torch.no_grad():
        first, _ = made.decoder(made.encoder(grey), (8, 24, 32))
    alone = make_network(Architecture("multi", TARGETS, (8, 24, 32), 10, 8, "light", passes=1)).eval()
    alone.load_state_dict(made.state_dict())
    alone.scaled = lambda seen: seen
    second = GradCAMPlusPlus(alone, alone.attention_layer)(grey + first.sigmoid(), lambda out: out.scores[:, 0])
    assert torch.allclose(found, second, atol=1e-6 * float(second.max()))


@pytest.mark.parametrize("kind", ["single", "multi", "spatial"])
def test_a_map_of_one_voxel_is_refused_in_words(kind: str) -> None:
    """At 32³ the published stem ends in one voxel; the last map of four voxels does."""
    made, grey = network(kind, (32, 32, 32), "published"), seen(kind, 1, (32, 32, 32))
    with pytest.raises(InputError, match="which is no map"):
        GradCAMPlusPlus(made, "encoder.layer4")(grey, lambda out: out.scores[:, 0])
    assert made.attention_layer == "encoder.layer2"
    assert GradCAMPlusPlus(made, made.attention_layer)(grey, lambda out: out.scores[:, 0]).max() > 0


def test_the_stem_can_be_looked_at() -> None:
    """Its activation works in place, which must not change what is kept."""
    made, grey = network("single", (8, 8, 8)), torch.rand(1, 1, 8, 8, 8)
    assert GradCAMPlusPlus(made, "encoder.relu")(grey, lambda out: out.scores[:, 0]).shape == (1, 8, 8, 8)


def test_encoders_side_by_side_are_looked_at_by_the_marker_s_own() -> None:
    """Channels of the others have no gradient: another encoder of random weights changes nothing of a marker's map."""
    form = Architecture("spatial", TARGETS, (8, 24, 32), 10, 4, "light", extractor="own")
    made, given = make_network(form).eval(), seen("spatial", 1)
    maps = [GradCAMPlusPlus(made, made.attention_layer)(given, lambda out, k=k: out.scores[:, k]) for k in range(3)]
    for one in made.encoder.each[:2]:
        one.conv1.weight.data.normal_()
    after = [GradCAMPlusPlus(made, made.attention_layer)(given, lambda out, k=k: out.scores[:, k]) for k in range(3)]
    assert [torch.allclose(a, b, atol=1e-9) for a, b in zip(maps, after, strict=True)] == [False, False, True]
