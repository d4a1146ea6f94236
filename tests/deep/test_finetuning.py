"""Fine-tuning: one training part in, a network out; saved and read back to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dlr.deep import DeepSettings, Picture, embed, fine_tune, load_network, save_network, seconds_an_image  # noqa: E402
from dlr.deep.finetuning import LabelledPictures  # noqa: E402
from dlr.errors import InputError  # noqa: E402

SETTINGS = DeepSettings.model_validate(
    {
        "backbone": "resnet18", "weights": "none", "mode": "fine_tune",
        "training": {"epochs": 2, "batch_size": 8, "device": "cpu", "validation_share": 0.25},
    }
)  # fmt: skip
POSITIVE = np.arange(20) % 2 == 0
PICTURES = [np.random.default_rng(k).normal(0.5 * POSITIVE[k], 1, (32, 32)).astype(np.float32) for k in range(20)]
NAMES = [f"p{k:02d}" for k in range(20)]


def tuned(pictures: list[np.ndarray] = PICTURES, positive: np.ndarray = POSITIVE):
    return fine_tune("resnet18", pictures, positive, NAMES, NAMES, SETTINGS, seed=3)


@pytest.fixture(scope="module")
def made():
    return tuned()


def test_two_runs_give_the_same_bits(made) -> None:
    again, _ = tuned()
    first, second = (found.network.state_dict() for found in (made[0], again))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert made[0].curves == again.curves


def test_a_saved_network_says_the_same_to_the_bit(made, tmp_path: Path) -> None:
    trained, origin = made
    save_network(trained.network, origin, tmp_path / "a", epochs=2)
    save_network(trained.network, origin, tmp_path / "b", epochs=2)
    assert all(f.read_bytes() == (tmp_path / "b" / f.name).read_bytes() for f in (tmp_path / "a").iterdir())
    picture = Picture(PICTURES[0], np.zeros((32, 32), bool))
    networks = (trained.network, load_network(tmp_path / "a"))
    first, second = (embed(net.backbone, net.head, picture, True) for net in networks)
    assert np.array_equal(first.logits, second.logits) and np.array_equal(first.features, second.features)


def test_a_mirror_image_gives_the_same_prediction(made) -> None:
    network = made[0].network
    own, mirrored = (Picture(g, np.zeros((32, 32), bool)) for g in (PICTURES[0], PICTURES[0][:, ::-1]))
    first, second = (embed(network.backbone, network.head, picture, True) for picture in (own, mirrored))
    np.testing.assert_allclose(first.logits, second.logits, atol=1e-6)


def test_augmentation_depends_on_case_and_epoch_only() -> None:
    one = LabelledPictures(PICTURES, POSITIVE, NAMES, 3, augmented=True)
    other = LabelledPictures(PICTURES[5:], POSITIVE[5:], NAMES[5:], 3, augmented=True)
    assert torch.equal(one.batch([7, 5], 4).inputs[0], other.batch([2], 4).inputs[0])
    assert not torch.equal(one.batch([7], 4).inputs, one.batch([7], 5).inputs)
    assert torch.equal(one.batch([7], None).inputs[0, 0], torch.from_numpy(PICTURES[7]))


def test_a_class_missing_in_the_training_part_is_named() -> None:
    with pytest.raises(InputError, match="0 positive and 20 negative"):
        tuned(positive=np.zeros(20, bool))


@pytest.mark.parametrize("file", ["network.safetensors", "network.json"])
def test_a_damaged_network_is_named(made, tmp_path: Path, file: str) -> None:
    save_network(made[0].network, made[1], tmp_path)
    (tmp_path / file).write_bytes(b"damaged")
    with pytest.raises(InputError, match="its network cannot be read"):
        load_network(tmp_path)


def test_the_time_foretold_grows_with_the_picture() -> None:
    small, large = (
        seconds_an_image(
            "resnet18", DeepSettings.model_validate({"input": {"size": size}, "training": {"device": "cpu"}})
        )
        for size in (32, 256)
    )
    assert 0 < small < large
