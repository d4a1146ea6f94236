"""Losses of the 3-D networks by hand; what is not known leaves no gradient anywhere."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from dlr.volume import Architecture, make_network  # noqa: E402
from dlr.volume.losses import (  # noqa: E402
    HEADS,
    Wanted,
    focal_loss,
    make_objective,
    per_cent_loss,
    soft_dice_loss,
    voxel_cross_entropy,
)
from dlr.volume.networks import ReceptorOutput  # noqa: E402
from dlr.words import Target, TargetKind  # noqa: E402
from tests.volume.small_volumes import settings  # noqa: E402

NAN = float("nan")
NAMES = ("er", "pr")
TARGETS = (Target("er"), Target("pr"))
KI67 = (Target("er"), Target("ki67", TargetKind.PER_CENT))


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


def test_the_loss_of_a_per_cent_by_hand() -> None:
    """Said 3.5 tens for 20 %: an error of 1.5, squared 2.25, by Huber 2 · 1.5 - 1; of .5 for 40 % a quarter in both."""
    weight = math.log(2) / 4
    scores, labels = torch.tensor([[3.5, 3.5, 9.0]]), torch.tensor([[20.0, 40.0, NAN]])
    for form, wanted in (("squared", [2.25, 0.25, 0.0]), ("huber", [2.0, 0.25, 0.0])):
        found = per_cent_loss(scores, labels, form)[0]
        assert found.tolist() == pytest.approx([weight * value for value in wanted])
    outputs, wanted = said(torch.tensor([[0.0, 3.5]])), Wanted(torch.tensor([[1.0, 20.0]]))
    for form, squares in (("squared", 2.25), ("huber", 2.0)):
        loss = make_objective("single", KI67, settings(per_cent_loss=form)).losses[HEADS]
        assert loss.total(outputs, wanted).item() == pytest.approx(math.log(2) + weight * squares)


@pytest.mark.parametrize(("sd", "loss", "gradient"), [(15, 0.56, 1.04), (20, 1.0, 1.39), (25, 1.56, 1.73)])
def test_a_per_cent_weighs_about_what_a_probability_does(sd: float, loss: float, gradient: float) -> None:
    """Said to be their mean, labels of this SD cost so many times what a probability of one half does."""
    labels = 50 + sd * torch.tensor([1.0, -1.0])[:, None]
    scores = torch.full((2, 1), 5.0, requires_grad=True)
    found = per_cent_loss(scores, labels, "squared")
    found.sum().backward()
    assert found.mean().item() / math.log(2) == pytest.approx(loss, abs=0.005)
    assert scores.grad.abs().mean().item() / 0.5 == pytest.approx(gradient, abs=0.005)


def test_learnt_variances_by_hand() -> None:
    """exp(-s) times the loss, and half of s, of every known label; at s = 0 as without, judged alike, measured bare."""
    scores, labels = torch.tensor([[0.0, 3.5], [0.0, 2.0]]), torch.tensor([[1.0, 20.0], [NAN, 20.0]])
    objective = make_objective("single", KI67, settings(task_weights="uncertainty"))
    s = torch.tensor([0.5, -1.0])
    outputs = said(scores)._replace(log_variances=s)
    squares = math.log(2) / 4 * 2.25
    by_hand = math.exp(-0.5) * math.log(2) + 0.25 + math.exp(1) * squares - 0.5 - 0.5
    assert objective.losses[HEADS].total(outputs, Wanted(labels)).item() == pytest.approx(by_hand)
    begun = said(scores)._replace(log_variances=torch.zeros(2))
    bare = objective.losses[HEADS].total(said(scores), Wanted(labels)).item()
    assert objective.losses[HEADS].total(begun, Wanted(labels)).item() == pytest.approx(bare)
    measure = objective.measures["loss_ki67"]
    assert measure.of_all(measure.of_batch(outputs, Wanted(labels))) == pytest.approx(squares / 2)


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
@pytest.mark.parametrize("kind", ["single", "multi", "spatial"])
def test_what_is_not_known_leaves_no_gradient_and_no_parameter_out(kind: str, loss: str) -> None:
    """A batch without a label or an outline: every parameter has a gradient, and it is 0."""
    form = Architecture(kind, NAMES, (16, 16, 16), 10, 4, "light", deep_supervision=True, task_weights="uncertainty")
    network = make_network(form)
    outputs = network(torch.rand(2, 4 if kind == "spatial" else 1, 16, 16, 16))
    wanted = Wanted(torch.full((2, 2), NAN), torch.ones(2, 1, 16, 16, 16, dtype=bool), torch.zeros(2, dtype=bool))
    losses = make_objective(kind, KI67, settings(loss=loss)).losses
    assert [int(one.count(wanted)) for one in losses.values()] == [0] * len(losses)
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
