"""Fitting generators: crops of their own draws, learning, resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.randomness import rng  # noqa: E402
from dlr.superres import DegradationSettings, Fitted, SuperresSettings, discriminator_auc, fit  # noqa: E402
from dlr.superres.examples import Crops  # noqa: E402
from dlr.superres.fitting import discriminator_of  # noqa: E402
from dlr.superres.grid import bicubic_tensor  # noqa: E402
from dlr.superres.networks import PatchDiscriminator, UNetDiscriminator  # noqa: E402


def blobs(n: int = 4, size: tuple[int, int] = (64, 80)) -> list[np.ndarray]:
    """Smooth noise with bright spots, units."""
    fields = [gaussian_filter(rng(n, "field", k).normal(size=size), 1.5) for k in range(n)]
    return [np.clip(0.4 + field * 0.8, 0, 1).astype(np.float32) for field in fields]


def small(method: str = "psnr", **more: object) -> SuperresSettings:
    training = {"epochs": 2, "device": "cpu", "precision": "float32", **more.pop("training", {})}
    adversarial = {"epochs": 2, "warm_up_steps": 2, **more.pop("adversarial", {})}
    return SuperresSettings(method=method, crop=32, **{"crops": 8, **more}, training=training, adversarial=adversarial)


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


class Negative(torch.nn.Module):
    """The opposite."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -x


class Edges(torch.nn.Module):
    """Feature maps of two sizes."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return x.diff(dim=-1), torch.nn.functional.avg_pool2d(x, 2)


@pytest.mark.parametrize(("method", "killed_in"), [("psnr", ["psnr", 2]), ("gan", ["gan", 1]), ("gan", ["gan", 3])])
def test_a_resumed_fit_ends_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, killed_in: list[object]
) -> None:
    def fitted(**more: object) -> Fitted:
        return fit(blobs(), list("abcd"), small(method), 1, perceptual=Edges(), **more)

    whole, batch = fitted(), Crops.batch

    def killed(self: Crops, places: list[int], epoch: int | None) -> object:
        if ["psnr" if self.seed == 1 else "gan", epoch] == killed_in:
            raise KeyboardInterrupt
        return batch(self, places, epoch)

    file = tmp_path / "fit.pt"
    with monkeypatch.context() as patch:
        patch.setattr(Crops, "batch", killed)
        with pytest.raises(KeyboardInterrupt):
            fitted(checkpoint=file, identity="x")
    assert file.is_file()
    resumed = fitted(checkpoint=file, identity="x")
    for name in ("generator",) if method == "psnr" else ("generator", "psnr", "warmed"):
        assert bits(getattr(resumed, name)) == bits(getattr(whole, name))
    assert resumed.curves == whole.curves


def test_the_adversarial_phase_begins_where_the_first_ended() -> None:
    plain = fit(blobs(), list("abcd"), small("psnr"), 1)
    found = fit(blobs(), list("abcd"), small("gan"), 1, perceptual=Edges())
    assert bits(found.psnr) == bits(plain.generator) and bits(found.generator) != bits(plain.generator)
    assert found.curves[:2] == plain.curves
    measures = {epoch: [m for p, e, m, _ in found.curves if p == "gan" and e == epoch] for epoch in (1, 2, 3, 4)}
    assert measures[1] == measures[2] == ["discriminator"]  # its warm-up of two steps, a step an epoch of 8 crops
    assert measures[3] == measures[4] == ["absolute error", "features", "adversarial", "discriminator"]


@pytest.mark.parametrize(
    "change",
    [
        {"weight": 0.5},
        {"perceptual": 0.5},
        {"generator_rate": 1e-3},
        {"discriminator_rate": 1e-3},
        {"warm_up_steps": 1},
        {"epochs": 1},
    ],
    ids=str,
)
def test_every_setting_of_the_adversary_moves_the_generator(change: dict[str, object]) -> None:
    plain = {"training": {"epochs": 1}}
    usual, changed = (
        fit(blobs(), list("abcd"), small("gan", adversarial=some, **plain), 1, perceptual=Edges())
        for some in ({}, change)
    )
    assert bits(usual.psnr) == bits(changed.psnr) and bits(usual.generator) != bits(changed.generator)


def test_a_warmed_discriminator_knows_smooth_images_from_truths() -> None:
    noisy = [
        np.clip(one + rng(5, k).normal(0, 0.05, one.shape), 0, 1).astype(np.float32) for k, one in enumerate(blobs(8))
    ]
    settings = small("gan", crops=32, training={"epochs": 1}, adversarial={"warm_up_steps": 40, "epochs": 1})
    found = fit(noisy[:6], list("abcdef"), settings, 1)
    assert discriminator_auc(found.warmed, found.psnr, noisy[6:], settings, 1) > 0.9
    contrary = torch.nn.Sequential(found.warmed, Negative())
    assert discriminator_auc(contrary, found.psnr, noisy[6:], settings, 1) < 0.1
    silent = torch.nn.Sequential(found.warmed, torch.nn.Threshold(1e9, 0))
    assert discriminator_auc(silent, found.psnr, noisy[6:], settings, 1) == 0.5


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


@pytest.mark.parametrize(
    ("network", "chosen", "wanted"),
    [
        ("small", "auto", PatchDiscriminator),
        ("full", "auto", UNetDiscriminator),
        ("small", "unet", UNetDiscriminator),
        ("full", "patch", PatchDiscriminator),
    ],
)
def test_the_discriminator_is_as_named_or_as_the_generator_needs(
    network: str, chosen: str, wanted: type[torch.nn.Module]
) -> None:
    settings = small("gan", network=network, adversarial={"discriminator": chosen})
    assert isinstance(discriminator_of(settings, 1), wanted)


def test_a_generator_fitted_for_fidelity_before_is_taken_up_and_stays_as_it_is() -> None:
    whole = fit(blobs(), list("abcd"), small("gan"), 1, perceptual=Edges())
    begun = fit(blobs(), list("abcd"), small("psnr"), 1).generator
    before = bits(begun)
    second = fit(blobs(), list("abcd"), small("gan"), 1, begun=begun, perceptual=Edges())
    assert bits(second.generator) == bits(whole.generator)
    assert bits(begun) == bits(second.psnr) == before
    assert second.curves == whole.curves[2:]
