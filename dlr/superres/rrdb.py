"""ESRGAN's generator: a network of residual dense blocks, with the tensor names under which its weights are published.

Sources: Wang et al. 2018 (ESRGAN, arXiv 1809.00219); Wang et al. 2021 (Real-ESRGAN, arXiv 2107.10833), whose ×2
generator sees the image's 2 × 2 pixels as channels and then enlarges by 4; names as in BasicSR 1.4 (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlr.superres.grid import bicubic_tensor

__all__ = ["FromBicubic", "Grey", "RRDBForm", "RRDBNet", "grey_rrdb"]

SLOPE, RESIDUAL = 0.2, 0.2  # of LeakyReLU below 0; what a residual branch is multiplied by
ENLARGES = 4  # the two nearest ×2 inside


@dataclass(frozen=True)
class RRDBForm:
    """What an RRDBNet is built from; the published one by default (16,697,987 numbers at ×4)."""

    scale: int = 4  # 1, 2 or 4
    channels: int = 64
    growth: int = 32  # channels that each convolution of a dense block adds
    blocks: int = 23
    colours: int = 3  # of input and output
    network: str = "rrdb"  # as a saved generator calls it

    def __str__(self) -> str:
        return f"RRDBNet ×{self.scale}, {self.channels} channels, growth {self.growth}, {self.blocks} blocks"


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees all before it; its output, times .2, is added to its input."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(channels + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(channels + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(channels + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(channels + 4 * growth, channels, 3, padding=1)
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            nn.init.kaiming_normal_(convolution.weight)
            convolution.weight.data *= 0.1  # so that many blocks start near identity, as published
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen = torch.cat((seen, functional.leaky_relu(convolution(seen), SLOPE)), dim=1)
        return x + RESIDUAL * self.conv5(seen)


class ResidualOfDense(nn.Module):
    """Three dense blocks, whose output, times .2, is added to the input (RRDB)."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(channels, growth)
        self.rdb2 = DenseBlock(channels, growth)
        self.rdb3 = DenseBlock(channels, growth)

    def forward(self, x: Tensor) -> Tensor:
        return x + RESIDUAL * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """(B, colours, h, w) in units to (B, colours, scale·h, scale·w).

    At scale 2 (and 1) blocks of 2 × 2 (4 × 4) pixels enter as channels, so the body works on a quarter of the pixels;
    an image of odd edges is reflected by a row or column, which is cut off again.
    """

    def __init__(self, form: RRDBForm) -> None:
        super().__init__()
        self.form = form
        self.folded = ENLARGES // form.scale
        width = form.channels
        self.conv_first = nn.Conv2d(form.colours * self.folded**2, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualOfDense(width, form.growth) for _ in range(form.blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, form.colours, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if self.folded > 1:
            below, right = -height % self.folded, -width % self.folded
            x = functional.pixel_unshuffle(functional.pad(x, (0, right, 0, below), mode="reflect"), self.folded)
        x = self.conv_first(x)  # (B, colours · folded², h, w) -> (B, channels, h, w)
        x = x + self.conv_body(self.body(x))
        for convolution in (self.conv_up1, self.conv_up2):
            larger = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = functional.leaky_relu(convolution(larger), SLOPE)  # h, w twice as large each time
        x = self.conv_last(functional.leaky_relu(self.conv_hr(x), SLOPE))
        return x[..., : height * self.form.scale, : width * self.form.scale]


class Grey(nn.Module):
    """A network of colour images on grey ones: equal channels in, the mean of its channels out; (B, 1, h, w) both."""

    def __init__(self, network: nn.Module, colours: int) -> None:
        super().__init__()
        self.network, self.colours = network, colours

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x.expand(-1, self.colours, -1, -1)).mean(dim=1, keepdim=True)


def grey_rrdb(form: RRDBForm) -> Grey:
    """An RRDBNet on grey images, which remembers its `form`."""
    network = Grey(RRDBNet(form), form.colours)
    network.form = form  # type: ignore[assignment]
    return network


class FromBicubic(nn.Module):
    """Bicubic enlargement and what a network adds to it; the network's convolution `last` is 0 at the start.

    An RRDBNet trained here begins at bicubic and not at noise, as its published training from a plain start takes
    hundreds of thousands of steps. Its tensors are named `correction.…`, so that nobody takes them for published ones.
    """

    def __init__(self, correction: nn.Module, last: nn.Conv2d, scale: int) -> None:
        super().__init__()
        self.correction, self.scale = correction, scale
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return bicubic_tensor(x.float(), self.scale) + self.correction(x).float()
