"""What a chip may be trusted with: volumes in bfloat16, compiled networks. No GPU is asked."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.networks import TrainingSettings, chip  # noqa: E402
from dlr.networks.chip import compiles, device_of, exact_volumes, has_volumes, precision_of, volumes_in_bfloat16  # noqa: E402
from tests.networks.tiny_training import Blobs, bits, tiny, trained  # noqa: E402

BFLOAT16 = TrainingSettings(precision="bfloat16")


@pytest.mark.parametrize(
    ("device", "version", "cudnn", "trusted"),
    [
        ("cuda", "2.9.1+cu128", 91002, False),
        ("cuda", "2.8.0", 90800, False),
        ("cuda", "2.9.0", 91499, False),
        ("cuda", "2.7.1", 90701, True),
        ("cuda", "2.9.0", 91500, True),
        ("cuda", "2.10.0+cu130", 91002, True),
        ("cuda", "3.0.0", 91002, True),
        ("cpu", "2.13.0+cpu", None, False),
    ],
)
def test_volumes_in_bfloat16_by_release(device: str, version: str, cudnn: int | None, trusted: bool) -> None:
    assert volumes_in_bfloat16(device, version, cudnn) == trusted


def test_volumes_fall_back_to_float32_and_pictures_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert precision_of(BFLOAT16, "cpu") == "bf16-mixed"
    assert precision_of(BFLOAT16, "cpu", volumes=True) == "32-true"
    monkeypatch.setattr(torch, "__version__", "2.9.1")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    assert precision_of(BFLOAT16, "cuda", volumes=True) == "32-true"
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91500)
    assert precision_of(BFLOAT16, "cuda", volumes=True) == "bf16-mixed"


def test_volumes_are_not_trained_on_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    auto, mps = TrainingSettings(), TrainingSettings(device="mps")
    assert (device_of(auto), device_of(auto, volumes=True), device_of(mps)) == ("mps", "cpu", "mps")
    with pytest.raises(InputError, match="no mps device that trains on volumes"):
        device_of(mps, volumes=True)


def test_the_loop_knows_volumes_by_their_convolutions() -> None:
    assert has_volumes(tiny(3)) and not has_volumes(tiny(2))
    assert trained(Blobs(8, 0, space=3), space=3, epochs=1, precision="bfloat16").precision == "32-true"


def test_tf32_is_off_where_it_convolves_volumes_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chip, "volumes_in_bfloat16", lambda *_: False)
    for device, volumes, kept in (("cuda", True, False), ("cuda", False, True), ("cpu", True, True)):
        before = torch.backends.cudnn.allow_tf32
        with exact_volumes(device, volumes):
            assert torch.backends.cudnn.allow_tf32 == (before and kept)
        assert torch.backends.cudnn.allow_tf32 == before


def test_a_network_is_compiled_for_cuda_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    auto, on, off = (TrainingSettings(compile=choice) for choice in ("auto", "on", "off"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert compiles(auto, "cuda", recomputed=False) and compiles(on, "cuda", recomputed=False)
    assert not compiles(off, "cuda", recomputed=False) and not compiles(auto, "cuda", recomputed=True)
    assert not compiles(auto, "cpu", recomputed=False)
    for device, recomputed in (("cpu", False), ("cuda", True)):
        with pytest.raises(InputError, match="compiled for CUDA under Linux"):
            compiles(on, device, recomputed)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not compiles(auto, "cuda", recomputed=False)


def test_a_compiled_training_is_the_same_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network goes through torch.compile (here without making kernels), and its own weights are kept."""
    plain = trained(Blobs(8, 0), Blobs(8, 1), epochs=2, precision="float32")
    compile_, seen = torch.compile, []

    def compile_without_kernels(network: torch.nn.Module, **_: object) -> torch.nn.Module:
        seen.append(network)
        return compile_(network, backend="eager")

    monkeypatch.setattr("dlr.networks.loop.compiles", lambda *_: True)
    monkeypatch.setattr(torch, "compile", compile_without_kernels)
    found = trained(Blobs(8, 0), Blobs(8, 1), epochs=2, precision="float32")
    assert seen and set(seen) == {found.network} and bits(found.network) == bits(plain.network)
