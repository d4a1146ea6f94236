"""Trees of inputs and targets: several outputs, labels that are missing, losses and measures by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.networks import Batch, Loss, Measure, Objective  # noqa: E402
from dlr.networks.trees import leaves, map_tree  # noqa: E402
from tests.networks.tiny_training import Blobs, bits, trained  # noqa: E402
from tests.networks.two_heads import BOTH, ERROR, LOSSES, RATES, Said, Women, two_heads  # noqa: E402

STILL = {"": 0.0}  # rates that move nothing


def test_a_tree_keeps_its_form() -> None:
    @dataclass(frozen=True)
    class Labels:
        known: torch.Tensor
        names: tuple[str, ...]

    one, two = torch.ones(1), torch.ones(2)
    tree = {"a": one, "b": (two, [one]), "c": Said(one, two), "d": Labels(two, ("er",)), "e": None}
    found = map_tree(lambda leaf: leaf + 1, tree)
    assert found["a"].item() == 2 and type(found["b"]) is tuple and type(found["b"][1]) is list
    assert type(found["c"]) is Said and found["d"].names == ("er",) and found["e"] is None
    assert found["d"].known.tolist() == [2, 2]
    assert [len(leaf) for leaf in leaves(tree)] == [1, 2, 1, 1, 2, 2]


def test_every_head_learns_from_the_labels_it_has() -> None:
    found = trained(Women(30), Women(30, 1), network=two_heads(), objective=BOTH, rates=RATES, epochs=40, patience=None)
    batch = Women(30, 2).batch(list(range(30)), None)
    with torch.no_grad():
        said = found.network(batch.inputs)
    known = torch.isfinite(batch.targets["receptors"][:, 0])
    right = (said.receptors[:, 0] > 0) == (batch.targets["receptors"][:, 0] > 0.5)
    assert right[known].float().mean() > 0.9
    assert ERROR.of_all(ERROR.of_batch(said, batch.targets)) < 0.12


def test_every_parameter_of_every_head_moves() -> None:
    found = trained(Women(12), network=two_heads(), objective=BOTH, rates=RATES, epochs=1)
    before, after = bits(two_heads()), bits(found.network)
    assert all(before[name] != after[name] for name in before)


def test_the_mean_of_an_epoch_counts_labels_not_examples() -> None:
    women = Women(22)
    found = trained(women, Women(9, 1), network=two_heads(), objective=BOTH, rates=STILL, epochs=1, batch_size=4)
    curves = {(point.part, point.measure): point.value for point in found.curves}
    for part, some in (("train", women), ("validation", Women(9, 1))):
        batch = some.batch(list(range(len(some))), None)
        with torch.no_grad():
            said = two_heads()(batch.inputs)
        whole = {
            name: float(loss.total(said, batch.targets) / loss.count(batch.targets)) for name, loss in LOSSES.items()
        }
        assert {name: curves[part, name] for name in whole} == pytest.approx(whole, rel=1e-5)
        assert curves[part, "loss"] == pytest.approx(whole["receptors"] + 5 * whole["ki67"], rel=1e-5)
    assert curves["validation", "error"] == pytest.approx(
        float(ERROR.of_all(ERROR.of_batch(said, batch.targets))), rel=1e-5
    )
    assert [point.measure for point in found.curves] == ["loss", "receptors", "ki67"] * 2 + ["error"]


def test_a_batch_without_a_label_of_a_head_moves_neither_it_nor_the_mean() -> None:
    women = Women(12)
    women.ki67[:] = math.nan
    found = trained(
        women, network=two_heads(), objective=Objective(LOSSES), rates=RATES, epochs=2, ema=None, weight_decay=0
    )
    before, after = bits(two_heads()), bits(found.network)
    assert before["ki67.weight"] == after["ki67.weight"] and before["stem.weight"] != after["stem.weight"]
    values = {point.measure: point.value for point in found.curves if point.epoch == 1}
    assert math.isnan(values["ki67"]) and values["loss"] == values["receptors"]


def test_no_label_at_all_is_named() -> None:
    women = Women(12)
    women.ki67[:] = math.nan
    with pytest.raises(InputError, match=r"epoch 1, train: the loss is nan.*labels"):
        trained(women, network=two_heads(), objective=Objective({"ki67": LOSSES["ki67"]}), rates=RATES)


def test_parts_of_a_network_move_at_their_own_rates() -> None:
    found = trained(Women(12), network=two_heads(), objective=BOTH, rates={"": 0.0, "encoder.2": 1e-2}, epochs=1)
    before, after = bits(two_heads()), bits(found.network)
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"encoder.2.weight", "encoder.2.bias"}


@pytest.mark.parametrize(
    ("rates", "said"), [({"stem": 1.0}, "no rate covers the parameter encoder"), ({"": 1.0, "ste": 1.0}, "under 'ste'")]
)
def test_rates_that_name_no_part_or_leave_one_out_are_a_fault(rates: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        trained(Women(12), network=two_heads(), objective=BOTH, rates=rates)


class Told:
    """A measure that says one number after the other."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = list(numbers)

    def measure(self, higher_is_better: bool) -> Measure:
        return Measure(lambda said, targets: said.ki67, lambda rows: self.numbers.pop(0), higher_is_better)


@pytest.mark.parametrize(("higher", "best"), [(True, 3), (False, 2)])
def test_the_named_measure_chooses_the_epoch(higher: bool, best: int) -> None:
    judge = Objective(LOSSES, {"error": ERROR, "told": Told(0.5, 0.2, 0.9, 0.9, 0.3).measure(higher)}, judged_by="told")
    given = {"objective": judge, "rates": RATES, "patience": None, "ema": None}
    found = trained(Women(12), Women(6, 1), network=two_heads(), epochs=5, **given)
    assert (found.best_epoch, found.epochs) == (best, 5)
    alone = trained(Women(12), network=two_heads(), objective=Objective(LOSSES), rates=RATES, ema=None, epochs=5)
    assert bits(found.network) != bits(alone.network)


def test_one_of_several_losses_can_judge() -> None:
    def judged_by(name: str) -> list[float]:
        objective = Objective(LOSSES, judged_by=name)
        found = trained(Women(12), Women(6, 1), network=two_heads(), objective=objective, rates={"": 1.0}, epochs=6)
        values = [point.value for point in found.curves if (point.part, point.measure) == ("validation", name)]
        assert values[found.best_epoch - 1] == min(values)
        return values

    assert judged_by("ki67") != judged_by("receptors")


def test_a_measure_sees_the_whole_validation_part_at_once() -> None:
    sizes = []
    kept = Measure(lambda said, targets: targets["ki67"], lambda rows: sizes.append(len(rows)) or 0.0)
    given = {"objective": Objective(LOSSES, {"kept": kept}), "rates": RATES}
    trained(Women(12), Women(9, 1), network=two_heads(), batch_size=4, epochs=2, **given)
    assert sizes == [9, 9]


def test_a_judge_that_is_no_number_is_named_and_another_measure_may_be_none() -> None:
    broken = Objective(LOSSES, {"told": Told(math.nan).measure(True)}, judged_by="told")
    with pytest.raises(InputError, match="epoch 1, validation: the told is nan"):
        trained(Women(12), Women(6, 1), network=two_heads(), objective=broken, rates=RATES)
    aside = replace(broken, judged_by="loss", measures={"told": Told(math.nan).measure(True)})
    found = trained(Women(12), Women(6, 1), network=two_heads(), objective=aside, rates=RATES, epochs=1)
    assert math.isnan(found.curves[-1].value)


@pytest.mark.parametrize(
    ("losses", "measures", "judge", "said"),
    [
        (("a", "loss"), (), "loss", "two things of one name"),
        (("a",), ("a",), "loss", "two things of one name"),
        (("a",), ("loss",), "loss", "two things of one name"),
        (("a", "b"), ("c",), "d", "judged by 'd'"),
    ],
)
def test_names_that_do_not_tell_are_a_fault(
    losses: tuple[str, ...], measures: tuple[str, ...], judge: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Objective(dict.fromkeys(losses, LOSSES["ki67"]), dict.fromkeys(measures, ERROR), judge)


def test_known_labels_of_another_shape_are_a_fault() -> None:
    loss = Loss(lambda said, targets: said.receptors, lambda targets: torch.isfinite(targets["ki67"]))
    with pytest.raises(ValueError, match=r"known labels \(8,\) for losses \(8, 2\)"):
        trained(Women(8), network=two_heads(), objective=Objective({"loss": loss}), rates=RATES)


def test_what_the_device_prepares_is_what_the_network_sees_in_both_parts() -> None:
    def bright(batch: Batch) -> Batch:
        return Batch(batch.inputs + 1.0, batch.targets)

    class Bright(Blobs):
        def batch(self, places, epoch):
            return bright(super().batch(places, epoch))

    there = trained(Blobs(16, 0), Blobs(8, 9), prepare=bright, epochs=2)
    before = trained(Bright(16, 0), Bright(8, 9), epochs=2)
    assert bits(there.network) == bits(before.network) and there.curves == before.curves
    assert there.curves != trained(Blobs(16, 0), Blobs(8, 9), epochs=2).curves
