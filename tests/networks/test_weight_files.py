"""Weights as files: what does not belong is refused by name, and what is kept comes back to the bit."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.networks import load_network, read_weights, save_network, take_weights, weights, without_prefixes  # noqa: E402
from dlr.networks.weights import built_empty  # noqa: E402
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


def packed(path: Path, way: int) -> Path:
    """Zeros as torch saves them, packed by zip or not."""
    torch.save({"a": torch.zeros(100_000)}, path.with_suffix(".stored"))
    with zipfile.ZipFile(path.with_suffix(".stored")) as stored, zipfile.ZipFile(path, "w", way) as again:
        for entry in stored.infolist():
            again.writestr(entry.filename, stored.read(entry))
    return path


def test_a_small_file_that_stands_for_numbers_without_end_is_refused(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.ones(1).expand(60_000, 3, 3, 3)}, tmp_path / "view.pth")
    with pytest.raises(InputError, match=r"a.weight has the shape \(60000, 3, 3, 3\), and not as many numbers"):
        read_weights(tmp_path / "view.pth")
    torch.save({"a": torch.eye(3).to_sparse()}, tmp_path / "sparse.pth")
    with pytest.raises(InputError, match="a has the shape"):
        read_weights(tmp_path / "sparse.pth")
    torch.save({"a": torch.ones(60_000, device="meta")}, tmp_path / "none.pth")
    with pytest.raises(InputError, match="a has the shape"):
        read_weights(tmp_path / "none.pth")
    assert read_weights(packed(tmp_path / "stored.pth", zipfile.ZIP_STORED))["a"].numel() == 100_000
    with pytest.raises(InputError, match=r"is packed: [\d,]+ bytes stand for 40\d,\d+"):
        read_weights(packed(tmp_path / "packed.pth", zipfile.ZIP_DEFLATED))


def test_more_numbers_than_any_network_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.ones(6), "b": torch.ones(5)}, tmp_path / "large.pth")
    assert len(read_weights(tmp_path / "large.pth")) == 2
    monkeypatch.setattr(weights, "MOST_NUMBERS", 10)
    with pytest.raises(InputError, match="holds 11 numbers, more than 10"):
        read_weights(tmp_path / "large.pth")
    with pytest.raises(ValueError, match="a network of 12 numbers, more than 10"):
        built_empty(lambda: torch.nn.Linear(3, 3))
    assert built_empty(lambda: torch.nn.Linear(4, 2)).weight.device.type == "cpu"


def test_memory_that_runs_out_while_reading_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    torch.save({"a": torch.ones(6)}, tmp_path / "w.pth")
    monkeypatch.setattr(torch, "load", hungry)
    with pytest.raises(InputError, match="no room"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.filterwarnings("ignore")
def test_what_is_more_than_tensors_is_refused_in_our_own_words(tmp_path: Path) -> None:
    """torch's own message tells the reader how to run what a stranger's file holds."""
    torch.save({"a": Path("elsewhere")}, tmp_path / "object.pth")
    (tmp_path / "pickle.pth").write_bytes(pickle.dumps({"a": print}))
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "script.pth")
    for name in ("object", "pickle", "script"):
        with pytest.raises(InputError) as caught:
            read_weights(tmp_path / f"{name}.pth")
        assert "holds more than tensors, and dlr runs nothing that is in a file" in str(caught.value)
        assert "weights_only" not in str(caught.value)


def test_files_older_than_batch_counters_are_taken() -> None:
    state = {key: value for key, value in tiny().state_dict().items() if not key.endswith("num_batches_tracked")}
    assert take_weights(TinyNet(), "tiny", state, Path("f")) == len(state)
