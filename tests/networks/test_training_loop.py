"""The training loop: it learns, it repeats itself to the bit, it survives a kill, and it says what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.networks import Loss, Objective, TrainingSettings  # noqa: E402
from tests.networks.tiny_training import Blobs, bits, tiny, trained  # noqa: E402


def test_a_network_learns_what_can_be_learnt() -> None:
    found = trained(Blobs(32, 0), Blobs(16, 9), epochs=20, rates={"": 5e-2})
    assert found.curves[0].part == "train" and found.curves[1].part == "validation"
    batch = Blobs(20, 5).batch(list(range(20)), None)
    logits = found.network(batch.inputs).detach()
    assert ((logits > 0) == (batch.targets > 0.5)).float().mean() > 0.9


def test_every_parameter_moves() -> None:
    before = bits(tiny())
    after = bits(trained(Blobs(16, 0), epochs=2).network)
    assert all(before[name] != after[name] for name, _ in tiny().named_parameters())


def test_two_runs_give_the_same_bits() -> None:
    first, second = (trained(Blobs(16, 0), Blobs(8, 9), epochs=3) for _ in range(2))
    assert bits(first.network) == bits(second.network)
    assert first.curves == second.curves


def test_the_global_generator_is_left_as_it_was() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    trained(Blobs(8, 0), epochs=1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("validated", [True, False])
def test_a_run_killed_in_epoch_5_goes_on_and_ends_equal(tmp_path: Path, validated: bool) -> None:
    file = tmp_path / "checkpoints" / "one.pt"
    judge = Blobs(8, 9) if validated else None
    whole = trained(Blobs(16, 0), judge)
    with pytest.raises(KeyboardInterrupt):
        trained(Blobs(16, 0, stop_at=5), judge, checkpoint=file, identity="one")
    assert torch.load(file, weights_only=True)["epoch"] == 4
    resumed = trained(Blobs(16, 0), judge, checkpoint=file, identity="one")
    assert bits(resumed.network) == bits(whole.network)
    assert resumed.curves == whole.curves and resumed.best_epoch == whole.best_epoch


def test_a_checkpoint_of_something_else_is_not_taken_up(tmp_path: Path) -> None:
    file = tmp_path / "one.pt"
    trained(Blobs(16, 3), epochs=2, checkpoint=file, identity="other data")
    again = trained(Blobs(16, 0), epochs=2, checkpoint=file, identity="these data")
    assert bits(again.network) == bits(trained(Blobs(16, 0), epochs=2).network)


def test_a_damaged_checkpoint_is_not_taken_up(tmp_path: Path) -> None:
    file = tmp_path / "one.pt"
    file.write_bytes(b"not a checkpoint")
    again = trained(Blobs(8, 0), epochs=1, checkpoint=file, identity="x")
    assert bits(again.network) == bits(trained(Blobs(8, 0), epochs=1).network)


def test_early_stopping_gives_the_best_epoch_back() -> None:
    class Worse(torch.nn.Module):
        """The validation loss (eval mode) rises from its second call on."""

        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, outputs, targets):
            if torch.is_grad_enabled():
                return outputs.square()
            self.calls += 1
            return torch.full_like(outputs, float(abs(self.calls - 2)))

    found = trained(Blobs(16, 0), Blobs(8, 9), objective=Objective({"loss": Loss(Worse())}), epochs=20, patience=3)
    assert (found.best_epoch, found.epochs) == (2, 5)


def test_without_validation_all_epochs_run_and_the_last_counts() -> None:
    found = trained(Blobs(16, 0), epochs=3, patience=1)
    assert (found.best_epoch, found.epochs) == (3, 3)


def test_volumes_train_by_the_same_function() -> None:
    found = trained(Blobs(6, 0, space=3), Blobs(4, 9, space=3), space=3, epochs=2)
    assert found.network(torch.zeros(2, 1, 6, 6, 6)).shape == (2, 1)


def test_a_loss_that_is_no_number_is_named(tmp_path: Path) -> None:
    file = tmp_path / "one.pt"
    with pytest.raises(InputError, match=r"epoch 3, train: the loss is nan.*learning rates"):
        trained(Blobs(16, 0, broken=3), checkpoint=file, identity="x")
    assert torch.load(file, weights_only=True)["epoch"] == 2  # what was good is kept


@pytest.mark.parametrize(
    "error", [MemoryError("no more"), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 GB")]
)
def test_memory_that_runs_out_is_named(error: Exception) -> None:
    def loss(outputs, targets):
        raise error

    with pytest.raises(InputError, match=r"memory ran out .*batch_size"):
        trained(Blobs(8, 0), objective=Objective({"loss": Loss(loss)}))


def test_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        trained(Blobs(8, 0), objective=Objective({"loss": Loss(lambda outputs, targets: outputs.reshape(7))}))


def test_a_device_that_is_not_there_is_named() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="torch sees no cuda device"):
            trained(Blobs(8, 0), device="cuda")


def test_several_devices_ask_for_torchrun() -> None:
    with pytest.raises(InputError, match="torchrun --nproc-per-node 2"):
        trained(Blobs(8, 0), devices=2)


def test_bfloat16_trains_where_it_is_asked_for() -> None:
    assert trained(Blobs(8, 0), epochs=1, precision="bfloat16").precision == "bf16-mixed"


def test_where_it_runs_is_no_part_of_what_is_computed() -> None:
    outside = {
        name
        for name, field in TrainingSettings.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("in_key") is False
    }
    assert outside == {"compile", "device", "devices", "threads", "workers", "checkpoint_every"}
