"""What a frozen backbone says of a lesion: of each picture the same bits, whatever else it is shown."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dlr.deep import Picture, embed, mean_features  # noqa: E402


class Brightness(torch.nn.Module):
    """Three features: the mean, the mean of the left half, and the mean of squares."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = x[..., : x.shape[-1] // 2]
        return torch.stack([y.mean(dim=(1, 2, 3)) for y in (x, left, x * x)], dim=1) * self.scale


def pictures(count: int) -> list[Picture]:
    made = [np.random.default_rng(k).normal(k, 1 + k, (32, 32)).astype(np.float32) for k in range(count)]
    return [Picture(grey, np.ones((32, 32), bool)) for grey in made]


@pytest.mark.parametrize("flips", [True, False])
def test_features_of_a_lesion_are_the_mean_over_its_pictures(flips: bool) -> None:
    shown = pictures(3)
    found = mean_features(Brightness(), shown, flips)
    each = [embed(Brightness(), None, picture, flips).features for picture in shown]
    assert found.shape == (3,) and found.dtype == np.float64
    np.testing.assert_allclose(found, (each[0] + each[1] + each[2]) / 3, rtol=1e-12)
    by_hand = np.mean([picture.grey.astype(float).mean() for picture in shown])
    assert found[0] == pytest.approx(by_hand, abs=1e-5)
    assert (found[1] == pytest.approx(found[0], abs=1e-5)) == flips  # the mirror image fills in the other half


def test_of_one_picture_they_are_its_own_to_the_bit() -> None:
    (only,) = pictures(1)
    assert np.array_equal(mean_features(Brightness(), [only], True), embed(Brightness(), None, only, True).features)
