"""Fitting generators: crops of their own draws, learning, resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.randomness import rng  # noqa: E402
from dlr.superres import DegradationSettings, SuperresSettings, fit  # noqa: E402
from dlr.superres.examples import Crops  # noqa: E402
from dlr.superres.grid import bicubic_tensor  # noqa: E402


def blobs(n: int = 4, size: tuple[int, int] = (64, 80)) -> list[np.ndarray]:
    """Smooth noise with bright spots, units."""
    fields = [gaussian_filter(rng(n, "field", k).normal(size=size), 1.5) for k in range(n)]
    return [np.clip(0.4 + field * 0.8, 0, 1).astype(np.float32) for field in fields]


def small(method: str = "psnr", **more: object) -> SuperresSettings:
    training = {"epochs": 2, "device": "cpu", "precision": "float32", **more.pop("training", {})}
    return SuperresSettings(method=method, crop=32, crops=8, training=training, **more)


def crops(images: list[np.ndarray], n: int = 30, edge: int = 32, scale: int = 4) -> Crops:
    return Crops(images, edge, scale, n, DegradationSettings(), seed=3)


def bits(network: torch.nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


def test_an_example_depends_on_seed_epoch_and_place_alone() -> None:
    one = crops(blobs()).batch([7, 2], 5)
    other = crops(blobs()).batch([2, 3, 7], 5)
    assert torch.equal(one.inputs[0], other.inputs[2]) and torch.equal(one.targets[1], other.targets[0])
    later = crops(blobs()).batch([7], 6)
    assert not torch.equal(later.inputs[0], one.inputs[0])


def test_crops_are_cut_from_the_images_at_every_place_and_flipped_half_the_time() -> None:
    image = np.arange(40 * 48, dtype=np.float32).reshape(40, 48) / (40 * 48)
    examples = crops([image], 300)
    starts, flipped = set(), 0
    for place in range(300):
        low, truth = examples.pair(place, 1)
        assert truth.shape == (32, 32) and low.shape == (8, 8)
        mirror = truth[0, 0] > truth[0, 1]
        flipped += mirror
        back = truth[:, ::-1] if mirror else truth
        top, left = divmod(round(float(back[0, 0]) * 40 * 48), 48)
        np.testing.assert_array_equal(back, image[top : top + 32, left : left + 32])
        starts.add((top, left))
    assert {top for top, _ in starts} == set(range(9)) and {left for _, left in starts} == set(range(17))
    assert 115 < flipped < 185  # 4 standard errors of 300 coins


def test_an_image_smaller_than_a_crop_is_mirrored() -> None:
    image = rng(9).random((20, 50)).astype(np.float32)
    _, truth = crops([image]).pair(0, 1)
    assert truth.shape == (32, 32)
    np.testing.assert_array_equal(truth[20:], truth[8:20][::-1])


def test_low_resolution_belongs_to_its_truth() -> None:
    low, truth = crops(blobs()).pair(0, 1)
    means = truth.reshape(8, 4, 8, 4).mean(axis=(1, 3))
    assert np.corrcoef(low.ravel(), means.ravel())[0, 1] > 0.8


def test_edges_are_whole_multiples_of_the_scale() -> None:
    low, truth = crops(blobs(), edge=39).pair(0, 1)
    assert truth.shape == (36, 36) and low.shape == (9, 9)


def test_a_fit_repeats_itself_to_the_bit() -> None:
    first, second = (fit(blobs(), list("abcd"), small(), 1) for _ in range(2))
    assert bits(first.generator) == bits(second.generator) and first.curves == second.curves
    assert [(phase, epoch) for phase, epoch, *_ in first.curves] == [("psnr", 1), ("psnr", 2)]
    assert first.psnr is None


def test_a_fit_comes_nearer_to_truths_it_has_not_seen_than_bicubic_does() -> None:
    settings = small(training={"epochs": 20, "rate": 2e-3, "ema": 0.9})
    network = fit(blobs(), list("abcd"), settings, 1).generator
    batch = crops(blobs(3)).batch(range(30), 1)
    with torch.inference_mode():
        errors = [
            (said - batch.targets).abs().mean() for said in (network(batch.inputs), bicubic_tensor(batch.inputs, 4))
        ]
    assert errors[0] < 0.95 * errors[1]


def test_a_resumed_fit_ends_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(blobs(), list("abcd"), small(), 1)
    file, batch = tmp_path / "fit.pt", Crops.batch

    def killed(self: Crops, places: list[int], epoch: int | None) -> object:
        if epoch == 2:
            raise KeyboardInterrupt
        return batch(self, places, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Crops, "batch", killed)
        with pytest.raises(KeyboardInterrupt):
            fit(blobs(), list("abcd"), small(), 1, checkpoint=file, identity="x")
    assert file.is_file()
    resumed = fit(blobs(), list("abcd"), small(), 1, checkpoint=file, identity="x")
    assert bits(resumed.generator) == bits(whole.generator) and resumed.curves == whole.curves


def test_memory_maps_give_what_arrays_give(tmp_path: Path) -> None:
    images = blobs()
    for k, image in enumerate(images):
        np.save(tmp_path / f"{k}.npy", image)
    maps = [np.load(tmp_path / f"{k}.npy", mmap_mode="r") for k in range(len(images))]
    assert torch.equal(crops(maps).batch([0, 1], 1).targets, crops(images).batch([0, 1], 1).targets)


def test_an_image_that_cannot_be_learnt_from_is_named() -> None:
    broken = blobs()
    broken[1] = broken[1] * np.nan
    with pytest.raises(InputError, match="case b"):
        fit(broken, list("abcd"), small(), 1)
    with pytest.raises(InputError, match="no image"):
        fit([], [], small(), 1)
