"""What a step, an epoch and a run do, one by one: rates, pieces, checkpoints, judging, clocks, what is said."""

from __future__ import annotations

import warnings
from itertools import count, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from lightning_fabric import Fabric  # noqa: E402

from dlr.errors import InputError  # noqa: E402
from dlr.networks import Loss, Objective, TrainingSettings, loading, underway  # noqa: E402
from dlr.networks.schedule import rate_factor  # noqa: E402
from tests.networks.tiny_training import Blobs, bits, trained  # noqa: E402
from tests.networks.two_heads import ERROR, LOSSES, RATES, Women, two_heads  # noqa: E402


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_every_step_takes_its_rate(monkeypatch: pytest.MonkeyPatch, schedule: str) -> None:
    rates, step = [], torch.optim.AdamW.step

    def recorded(self, *given, **named):
        rates.append([group["lr"] for group in self.param_groups])
        return step(self, *given, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", recorded)
    trained(Blobs(16, 0), rates={"": 1e-3, "head": 1e-2}, epochs=4, warm_up=1, schedule=schedule)
    settings = TrainingSettings(epochs=4, warm_up=1, schedule=schedule)
    factors = [rate_factor(number, 2, settings) for number in range(8)]
    assert rates == [[1e-3 * f, 1e-3 * f, 1e-2 * f, 1e-2 * f] for f in factors]
    assert factors[:2] == [0.5, 1.0] and (factors[-1] < 0.1) == (schedule == "cosine")


def test_processes_exchange_gradients_once_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, without = [], Fabric.no_backward_sync

    def recorded(self, module, enabled=True):
        alone.append(enabled)
        return without(self, module, enabled)

    monkeypatch.setattr(Fabric, "no_backward_sync", recorded)
    trained(Blobs(16, 0), accumulate=3, epochs=1)
    assert alone == [True, True, False] * 2


def test_one_known_label_of_a_batch_counts_whole() -> None:
    women = Women(8)
    women.ki67[1:] = float("nan")
    women.ki67[0] = 0.7
    found = trained(
        women,
        network=two_heads(),
        objective=Objective({"loss": LOSSES["ki67"]}),
        rates={"": 0.0},
        epochs=1,
    )
    with torch.no_grad():
        said = two_heads()(women.batch([0], None).inputs)
    assert found.curves[0].value == pytest.approx(5 * float(said.ki67[0] - 0.7) ** 2, rel=1e-5)


@pytest.mark.parametrize(("patience", "written"), [(None, [3, 6, 8]), (2, [3, 4])])
def test_checkpoints_are_written_at_their_epochs_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int | None, written: list[int]
) -> None:
    epochs: list[int] = []
    monkeypatch.setattr(underway, "write_checkpoint", lambda path, identity, content: epochs.append(content["epoch"]))
    values = [0.5, 0.4, *repeat(0.9, 6)]
    judge = Objective(LOSSES, {"told": told(values)}, judged_by="told")
    given = {"objective": judge, "rates": RATES, "patience": patience, "checkpoint_every": 3, "epochs": 8}
    trained(Women(12), Women(6, 1), network=two_heads(), checkpoint=tmp_path / "c.pt", **given)
    assert epochs == written


def told(values: list[float]) -> object:
    """A measure that says one number after the other."""
    return type(ERROR)(ERROR.of_batch, lambda rows: values.pop(0))


def test_of_equally_good_epochs_the_first_counts() -> None:
    judge = Objective(LOSSES, {"told": told([0.5, 0.3, 0.3])}, judged_by="told")
    found = trained(Women(12), Women(6, 1), network=two_heads(), objective=judge, rates=RATES, epochs=3)
    assert found.best_epoch == 2


def test_a_validation_part_of_one_judges_and_one_of_none_does_not() -> None:
    parts = {point.part for point in trained(Blobs(8, 0), Blobs(1, 9), epochs=1).curves}
    assert parts == {"train", "validation"}
    empty, none = trained(Blobs(8, 0), Blobs(0, 9), epochs=2), trained(Blobs(8, 0), epochs=2)
    assert bits(empty.network) == bits(none.network) and {point.part for point in empty.curves} == {"train"}


def test_speed_and_waiting_by_a_clock_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """12 pictures in 3 batches twice, and 2 batches of validation twice; each is waited for 1 s of the 20."""
    ticks = count()
    monkeypatch.setattr(loading, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    monkeypatch.setattr(underway, "time", SimpleNamespace(perf_counter=iter([100.0, 120.0]).__next__))
    found = trained(Blobs(12, 0), Blobs(8, 9), epochs=2, batch_size=4)
    assert found.images_per_second == 24 / 20 and found.waiting == 10 / 20
    monkeypatch.setattr(underway, "time", SimpleNamespace(perf_counter=lambda: 0.0))
    assert trained(Blobs(8, 0), epochs=1).images_per_second == pytest.approx(8e9)


def test_training_on_the_cpu_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(Blobs(8, 0), epochs=1)


def test_only_the_first_line_of_what_torch_says_is_shown() -> None:
    def full(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("can't allocate memory\nframe #0: nobody reads this")

    with pytest.raises(InputError, match=r"\(can't allocate memory\)") as found:
        trained(Blobs(8, 0), objective=Objective({"loss": Loss(full)}))
    assert "frame" not in str(found.value)
