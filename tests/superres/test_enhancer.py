"""Applying a generator: tiles, sample types, projection, what is kept in a folder, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.randomness import rng  # noqa: E402
from dlr.superres import Enhancer, SuperresSettings, make_network, to_units  # noqa: E402
from dlr.superres.grid import bicubic, block_means  # noqa: E402
from dlr.superres.networks import form_of  # noqa: E402


def drawn(scale: int = 4) -> torch.nn.Module:
    """A small generator that adds something to bicubic."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = make_network(form_of("small", scale)).eval()
        torch.nn.init.normal_(network.detail.weight, std=0.02)
    return network


def image(height: int = 50, width: int = 70) -> np.ndarray:
    return rng(1, height, width).uniform(0.2, 0.8, (height, width)).astype(np.float32)


def test_bicubic_is_bicubic_within_the_units() -> None:
    given = image()
    given[10:20, 10:20] = 1
    wanted = bicubic(given, 4)
    assert wanted.max() > 1  # Keys' kernel overshoots at the border
    np.testing.assert_array_equal(Enhancer(None, 4).restored(given), np.clip(wanted, 0, 1))


@pytest.mark.parametrize("tile", [64, 128])
@pytest.mark.parametrize("scale", [2, 4])
def test_tiles_give_the_whole_image_to_within_a_grey_level(tile: int, scale: int) -> None:
    given = image(150, 141)
    network = drawn(scale)
    with torch.inference_mode():
        whole = network(torch.from_numpy(given)[None, None])[0, 0].numpy().clip(0, 1)
    found = Enhancer(network, scale, tile=tile, overlap=16).restored(given)
    assert np.abs(found - whole).max() * 255 < 1
    assert np.abs(found - bicubic(given, scale).clip(0, 1)).max() * 255 > 5  # or there was nothing to get wrong


def test_without_overlap_seams_would_be_seen() -> None:
    given = image(150, 141)
    whole = Enhancer(drawn(), 4, tile=150).restored(given)
    assert np.abs(Enhancer(drawn(), 4, tile=64, overlap=0).restored(given) - whole).max() * 255 > 1


def test_no_tile_is_larger_than_stated() -> None:
    network, seen = drawn(), []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    Enhancer(network, 4, tile=32, overlap=8).restored(image(100, 100))
    assert len(seen) == 16 and max(max(shape[-2:]) for shape in seen) == 48


def test_the_number_of_torch_threads_changes_no_byte_and_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    outputs = set()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            outputs.add(Enhancer(drawn(), 4).restored(image()).tobytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(outputs) == 1


@pytest.mark.parametrize("tile", [16, 128])
def test_a_consistent_output_averages_to_its_input(tile: int) -> None:
    given = gaussian_filter(image(), 1)
    plain, kept = (Enhancer(drawn(), 4, tile=tile, consistent=choice) for choice in (False, True))
    assert np.abs(block_means(plain.restored(given), 4) - given).max() * 255 > 2
    assert np.abs(block_means(kept.restored(given), 4) - given).max() * 255 < 0.5


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_the_sample_type_is_kept_and_bicubic_keeps_the_values(dtype: str) -> None:
    low, high = (0, 255) if dtype == "uint8" else (-1000.0, 3000.0) if dtype != "uint16" else (100, 60_000)
    given = (low + image() * (high - low)).astype(dtype)
    found = Enhancer(None, 2).apply(given, given.dtype)
    assert found.dtype == np.dtype(dtype) and found.shape == (100, 140)
    assert dtype == "uint8" or (given.min() <= found.min() and found.max() <= given.max())
    wanted = np.clip(
        bicubic(given.astype(np.float32), 2), *((0, 255) if dtype == "uint8" else (given.min(), given.max()))
    )
    # rounding of integers, and float32 of values up to 60,000
    assert np.abs(found - wanted.astype(np.float64)).max() <= (0.51 if dtype != "float32" else 0.01)


def test_grey_of_another_number_format_is_read_by_the_range_of_the_source() -> None:
    units, low, high = to_units(np.array([[51.0, 102.0]]), np.uint8)
    assert (low, high) == (0, 255) and units.tolist() == [[np.float32(0.2), np.float32(0.4)]]
    given = np.arange(1001, dtype=np.uint16)[:, None] + 100  # its percentile .1 is 101, that of 99.9 is 1099
    units, low, high = to_units(given, np.uint16)
    assert (low, high) == (101, 1099) and units.min() == 0 and units.max() == 1
    assert units[500, 0] == 0.5 and units[[0, 1], 0].tolist() == [0, 0]  # what lies beyond is cut off


@pytest.mark.parametrize("network", [None, "small"])
def test_a_hot_pixel_changes_nothing_but_its_surroundings(network: str | None) -> None:
    """Scaled by its maximum, an image of 100 to 1,000 with a pixel of 60,000 would be black, and training void."""
    given = np.rint(100 + 900 * gaussian_filter(image(), 2)).astype(np.uint16)  # no overshoot for the ends to cut off
    spoilt = given.copy()
    spoilt[20, 30] = 60_000
    enhancer = Enhancer(None if network is None else drawn(), 4)
    plain, found = (enhancer.apply(each, "uint16").astype(np.int64) for each in (given, spoilt))
    far = np.ones(plain.shape, dtype=bool)
    far[50:114, 90:154] = False
    assert np.abs(plain - found)[far].max() <= 15 and plain.std() > 15
    assert found[80:84, 120:124].max() > 40_000 and found.min() >= given.min() and found.max() <= 60_000
    clean, units = to_units(given, "uint16")[0], to_units(spoilt, "uint16")[0]
    assert units[20, 30] == 1 and np.delete(np.abs(clean - units).ravel(), 20 * 70 + 30).max() < 0.05


def test_no_network_sees_more_than_the_units_and_nothing_is_cut_off_an_image() -> None:
    network, seen = drawn(), []
    network.register_forward_pre_hook(lambda _, inputs: seen.append((float(inputs[0].min()), float(inputs[0].max()))))
    given = rng(5).normal(0, 1, (100, 100)).astype(np.float32)
    given[40:42, 40:44] = 9
    found = Enhancer(network, 2).apply(given, "float32")
    assert seen == [(0, 1)]
    low, high = to_units(given, "float32")[1:]
    assert low > given.min() and high < 5 and found[81:83, 83:86].min() > 6  # the echo stands
    assert given.min() <= found.min() and found.max() <= given.max()


@pytest.mark.parametrize("lit", [1, 3])
def test_an_image_of_almost_one_level_keeps_the_rest(lit: int) -> None:
    given = np.full((100, 100), 7, dtype=np.uint16)
    given[0, :lit] = 500
    units, low, high = to_units(given, "uint16")
    assert (low, high) == (7, 500) and units[0, 0] == 1 and units[50, 50] == 0
    assert Enhancer(None, 4).apply(given, "uint16")[200:, 200:].max() == 7


@pytest.mark.parametrize("spoilt", [1e6, -1e6])
def test_the_smallest_image_stands_a_pixel_that_is_hot_or_dead(spoilt: float) -> None:
    given = np.arange(64, dtype=np.float64).reshape(8, 8)
    given[3, 3] = spoilt
    units, low, high = to_units(given, "float64")
    assert (low, high) == ((0, 62) if spoilt < 0 else (1, 63)) and 0.2 < np.median(units) < 0.8
    found = Enhancer(None, 2).apply(given, "float64")
    assert np.isfinite(found).all() and found.min() >= given.min() and found.max() <= given.max()


def test_an_image_of_one_grey_level_stays_so() -> None:
    assert (Enhancer(None, 4).apply(np.full((9, 9), 700, np.uint16), "uint16") == 700).all()


@pytest.mark.parametrize("network", [None, "small"])
def test_a_saved_enhancer_is_loaded_as_it_was(tmp_path: Path, network: str | None) -> None:
    built = None if network is None else drawn(2)
    saved = Enhancer(built, 2, tile=32, overlap=12, consistent=True, origin={"weights": "drawn"})
    saved.save(tmp_path)
    assert (tmp_path / "network.safetensors").exists() == (network is not None)
    loaded = Enhancer.load(tmp_path)
    assert loaded.origin == {"weights": "drawn"} and loaded.form == saved.form
    assert loaded.restored(image()).tobytes() == saved.restored(image()).tobytes()
    loaded.save(tmp_path / "again")
    for file in tmp_path.glob("network.*"):
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_whatever_changes_the_output_changes_what_is_kept(tmp_path: Path) -> None:
    network = drawn()
    kinds = [
        Enhancer(network, 4),
        Enhancer(None, 4),
        Enhancer(None, 2),
        Enhancer(network, 4, tile=64),
        Enhancer(network, 4, overlap=8),
        Enhancer(network, 4, consistent=True),
        Enhancer(make_network(form_of("small", 4)), 4),
    ]
    kept = set()
    for number, one in enumerate(kinds):
        one.save(tmp_path / str(number))
        kept.add(tuple(file.read_bytes() for file in sorted((tmp_path / str(number)).iterdir())))
    assert len(kept) == len(kinds)


@pytest.mark.parametrize("text", [None, "{", "{}", '{"form": {"network": "small"}}'])
def test_a_folder_without_a_generator_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "network.json").write_text(text)
    with pytest.raises(InputError, match=str(tmp_path)):
        Enhancer.load(tmp_path)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"tile": 0}, "tile is 0"),
        ({"tile": 15}, "tile is 15"),
        ({"tile": "128"}, "tile is '128'"),
        ({"overlap": -2}, "overlap is -2"),
        ({"overlap": None}, "overlap is None"),
        ({"consistent": "yes"}, "consistent is 'yes'"),
        ({"origin": None}, "origin is None"),
        ({"scale": 2}, "form.scale is 4"),
        ({"scale": 3}, "scale is 3"),
        ({"scale": True}, "scale is True"),
        ({"form": []}, "cannot be read"),
        ({"form": {"network": "medium"}}, "form.network is 'medium'"),
        ({"form": {"channels": 1e9}}, "form.channels is 1000000000.0"),
        ({"form": {"blocks": 10**12}}, "form.blocks is 1000000000000"),
        ({"form": {"blocks": 0}}, "form.blocks is 0"),
        ({"form": {"network": "full", "channels": 1024, "growth": 1024, "blocks": 40}}, "more than 200,000,000"),
        ({"form": {"colours": 3}}, "cannot be read"),
    ],
)
def test_a_description_that_cannot_be_is_refused_by_its_part(tmp_path: Path, change: dict, said: str) -> None:
    """Else a tile of 0 ends in a traceback, and a ×4 network called ×2 on a wrong grid."""
    Enhancer(drawn(), 4).save(tmp_path)
    about = json.loads((tmp_path / "network.json").read_text())
    if isinstance(change.get("form"), dict):
        change = {"form": {**about["form"], **change["form"]}}
    (tmp_path / "network.json").write_text(json.dumps({**about, **change}))
    with pytest.raises(InputError) as caught:
        Enhancer.load(tmp_path)
    assert said in str(caught.value) and str(tmp_path) in str(caught.value)


def test_weights_that_do_not_fit_their_form_are_refused(tmp_path: Path) -> None:
    Enhancer(drawn(), 4).save(tmp_path)
    about = json.loads((tmp_path / "network.json").read_text())
    about["form"]["channels"] = 16
    (tmp_path / "network.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="do not fit"):
        Enhancer.load(tmp_path)


def test_too_small_an_image_and_one_without_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="7 x 30"):
        Enhancer(None, 4).restored(image(7, 30))
    with pytest.raises(InputError, match="not numbers"):
        Enhancer(None, 4).apply(np.full((9, 9), np.nan), "float32")


def test_memory_that_runs_out_halves_the_tile_once_and_then_names_it() -> None:
    class Hungry(torch.nn.Module):
        """Takes images up to a size."""

        def __init__(self, most: int) -> None:
            super().__init__()
            self.most, self.weight = most, torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if max(x.shape[-2:]) > self.most:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
            return torch.nn.functional.interpolate(x, scale_factor=4)

    found = Enhancer(Hungry(48), 4, tile=64, overlap=8).restored(image(80, 80))
    np.testing.assert_array_equal(found, np.kron(image(80, 80), np.ones((4, 4), np.float32)))
    with pytest.raises(InputError, match=r"superres\.tile 66, also 32"):  # 33 would split ESRGAN's pairs
        Enhancer(Hungry(30), 4, tile=66, overlap=8).restored(image(80, 80))


def test_a_network_sees_as_far_around_a_tile_as_it_needs_unless_told() -> None:
    assert SuperresSettings(method="psnr").seen_around == 16
    assert SuperresSettings(method="psnr", network="full").seen_around == 64
    assert SuperresSettings(method="weights", weights="real_esrgan").seen_around == 64
    assert SuperresSettings(method="psnr", network="full", overlap=0).seen_around == 0
