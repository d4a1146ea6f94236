"""Losses of the 3-D networks by hand; what is not known leaves no gradient anywhere."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from dlr.volume import Architecture, make_network  # noqa: E402
from dlr.volume.losses import HEADS, Wanted, focal_loss, make_objective, soft_dice_loss, voxel_cross_entropy  # noqa: E402
from dlr.volume.networks import ReceptorOutput  # noqa: E402
from dlr.words import Target  # noqa: E402
from tests.volume.small_volumes import settings  # noqa: E402

NAN = float("nan")
NAMES = ("er", "pr")
TARGETS = (Target("er"), Target("pr"))


def said(logits: torch.Tensor, segmentation: torch.Tensor | None = None, *coarse: torch.Tensor) -> ReceptorOutput:
    return ReceptorOutput(logits, segmentation, coarse, torch.zeros(len(logits), 1))


def test_dice_by_hand() -> None:
    """Two voxels of lesion among eight; p is 1 at one and 1/2 at another voxel: 1 - (2·1 + 1) / (1.5 + 2 + 1)."""
    mask = torch.zeros(1, 1, 2, 2, 2)
    mask[0, 0, 0, 0] = 1
    logits = torch.full((1, 1, 2, 2, 2), -100.0)
    logits[0, 0, 0, 0, 0], logits[0, 0, 1, 1, 1] = 100.0, 0.0
    assert soft_dice_loss(logits, mask).tolist() == pytest.approx([1 - 3 / 4.5])
    assert soft_dice_loss(logits.bfloat16(), mask).dtype == torch.float32
    assert voxel_cross_entropy(logits, mask).tolist() == pytest.approx([(100 + math.log(2)) / 8])


def test_dice_of_many_voxels_does_not_lose_the_small_lesion() -> None:
    """In bfloat16 a sum stops growing at 256."""
    mask = torch.zeros(1, 1, 32, 32, 32)
    mask[0, 0, :8, :8, :16] = 1  # 1,024 voxels
    logits = torch.where(mask > 0, 0.0, -100.0).bfloat16()
    assert soft_dice_loss(logits, mask).item() == pytest.approx(1 - (1024 + 1) / (512 + 1024 + 1), rel=1e-6)


def test_focal_loss_by_hand() -> None:
    """p = 3/4 of what is true: (1/4)² (-ln 3/4); without focus the cross-entropy; unknown 0."""
    logits = torch.tensor([[math.log(3), -math.log(3), 5.0]])
    found = focal_loss(logits, torch.tensor([[1.0, 0.0, NAN]]))
    assert found[0].tolist() == pytest.approx([math.log(4 / 3) / 16, math.log(4 / 3) / 16, 0.0])
    assert torch.isfinite(focal_loss(torch.tensor([[1e4, -1e4]]), torch.tensor([[0.0, 1.0]]))).all()


def test_the_markers_alone_judge_and_each_is_measured() -> None:
    objective = make_objective("multi", TARGETS, settings(segmentation={"weight": 0.5}))
    assert objective.judged_by == HEADS and list(objective.losses) == [HEADS, "dice", "voxels"]
    assert [loss.weight for loss in objective.losses.values()] == [1.0, 0.5, 0.5]
    assert list(make_objective("single", TARGETS, settings()).losses) == [HEADS]
    wanted = Wanted(torch.tensor([[1.0, NAN], [0.0, 0.0]]))
    outputs = said(torch.tensor([[0.0, 7.0], [math.log(3), 0.0]]))
    rows = {name: m.of_batch(outputs, wanted) for name, m in objective.measures.items()}
    means = {name: objective.measures[name].of_all(rows[name]) for name in rows}
    assert means == pytest.approx({"loss_er": (math.log(2) + math.log(4)) / 2, "loss_pr": math.log(2)})
    assert math.isnan(objective.measures["loss_er"].of_all(torch.tensor([NAN, NAN])))
    loss = objective.losses[HEADS]
    assert int(loss.count(wanted)) == 3
    assert loss.total(outputs, wanted).item() == pytest.approx(2 * math.log(2) + math.log(4))


def test_the_loss_chosen_is_the_one_taken() -> None:
    outputs, wanted = said(torch.zeros(1, 2)), Wanted(torch.tensor([[1.0, 0.0]]))
    for name, each in (("cross_entropy", math.log(2)), ("focal", math.log(2) / 4)):
        loss = make_objective("single", TARGETS, settings(loss=name)).losses[HEADS]
        assert loss.total(outputs, wanted).item() == pytest.approx(2 * each)


def test_coarser_maps_weigh_a_half_and_a_quarter() -> None:
    """Mask of half a coarse voxel: against the share .5 a logit of 0 costs ln 2 like every other logit of 0."""
    mask = torch.zeros(1, 1, 4, 4, 4)
    mask[0, 0, 0, :2, :2] = 1
    maps = [torch.full((1, 1, n, n, n), value) for n, value in ((4, 0.0), (2, -200.0), (1, -400.0))]
    wanted = Wanted(torch.full((1, 2), NAN), mask, torch.tensor([True]))
    voxels = make_objective("multi", TARGETS, settings()).losses["voxels"]
    fine, half, quarter = math.log(2), 200 * 0.5 / 8, 400 * 4 / 64
    found = voxels.total(said(torch.zeros(1, 2), *maps), wanted).item()
    assert found == pytest.approx((fine + half / 2 + quarter / 4) / 1.75)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_what_is_not_known_leaves_no_gradient_and_no_parameter_out(loss: str) -> None:
    """A batch without a label or an outline: every parameter has a gradient, and it is 0."""
    form = Architecture("multi", NAMES, (16, 16, 16), 10, 4, "light", deep_supervision=True)
    network = make_network(form)
    outputs = network(torch.rand(2, 1, 16, 16, 16))
    wanted = Wanted(torch.full((2, 2), NAN), torch.ones(2, 1, 16, 16, 16, dtype=bool), torch.zeros(2, dtype=bool))
    losses = make_objective("multi", TARGETS, settings(loss=loss)).losses
    assert [int(one.count(wanted)) for one in losses.values()] == [0, 0, 0]
    sum(one.total(outputs, wanted) for one in losses.values()).backward()
    assert all(p.grad is not None and p.grad.abs().max() == 0 for p in network.parameters())


def test_one_known_label_teaches_its_column_and_one_outline_its_volume() -> None:
    logits, maps = torch.zeros(2, 2, requires_grad=True), torch.zeros(2, 1, 4, 4, 4, requires_grad=True)
    wanted = Wanted(
        torch.tensor([[NAN, 1.0], [NAN, NAN]]), torch.ones(2, 1, 4, 4, 4, dtype=bool), torch.tensor([False, True])
    )
    losses = make_objective("multi", TARGETS, settings()).losses
    sum(one.total(said(logits, maps), wanted) for one in losses.values()).backward()
    assert logits.grad.tolist() == [[0.0, -0.5], [0.0, 0.0]]
    assert maps.grad[0].abs().max() == 0 and (maps.grad[1] < 0).all()
