"""Weights as files: what does not belong is refused by name, and what is kept comes back to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.networks import load_network, save_network, take_weights, without_prefixes  # noqa: E402
from tests.networks.tiny_training import TinyNet, bits, tiny  # noqa: E402


def test_a_saved_network_comes_back_to_the_bit_in_eval_mode_and_as_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_network(tiny(), tmp_path / name, {"space": 2})
    assert all(file.read_bytes() == (tmp_path / "b" / file.name).read_bytes() for file in (tmp_path / "a").iterdir())
    back = load_network(tmp_path / "a", lambda about: TinyNet(about["space"]))
    assert bits(back) == bits(tiny()) and not back.training


def test_a_network_of_another_form_is_named(tmp_path: Path) -> None:
    save_network(tiny(), tmp_path, {"space": 3})
    with pytest.raises(InputError, match="weights do not fit"):
        load_network(tmp_path, lambda about: TinyNet(about["space"]))
    with pytest.raises(InputError, match="cannot be read"):
        load_network(tmp_path, lambda about: TinyNet(about["depth"]))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.module.model."])
def test_prefixes_of_other_programs_are_taken_off(prefix: str) -> None:
    state = tiny().state_dict()
    found = without_prefixes({f"{prefix}{key}": value for key, value in state.items()}, state)
    assert found.keys() == state.keys()


def test_weights_are_taken_whole_or_not_at_all() -> None:
    state, network = tiny().state_dict(), TinyNet()
    assert take_weights(network, "tiny", {**state, "more": torch.zeros(1)}, Path("f")) == len(state)
    assert bits(network) == bits(tiny())
    with pytest.raises(InputError, match=r"not the weights of tiny: 1 of 9 tensors are not in it, head.bias first"):
        take_weights(network, "tiny", {key: state[key] for key in state if key != "head.bias"}, Path("f"))


def test_files_older_than_batch_counters_are_taken() -> None:
    state = {key: value for key, value in tiny().state_dict().items() if not key.endswith("num_batches_tracked")}
    assert take_weights(TinyNet(), "tiny", state, Path("f")) == len(state)
