"""Generators, which enlarge an image, and discriminators, which tell their work from the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from dlr.superres.grid import bicubic_tensor
from dlr.superres.rrdb import FromBicubic, RRDBForm, RRDBNet

__all__ = ["Form", "Generator", "PatchDiscriminator", "UNetDiscriminator", "form_of", "make_network"]

FINE_SD = 2.0  # pixels of the blur whose remainder a discriminator sees
FINE_GAIN = 16.0  # ultrasound's remainder has an SD of about 1/16 of the units


@dataclass(frozen=True)
class Form:
    """Which generator that is trained here, of which size: enough to build it again."""

    network: str  # small, or full: ESRGAN's residual dense blocks
    scale: int
    channels: int
    blocks: int
    growth: int = 0  # of full: channels that each convolution of a dense block adds


FORMS = {"small": Form("small", 4, 32, 8), "full": Form("full", 4, 64, 23, 32)}


def form_of(network: str, scale: int) -> Form:
    """The form that a name in the settings stands for."""
    return replace(FORMS[network], scale=scale)


def make_network(form: Form) -> nn.Module:
    """A generator with random weights: (B, 1, h, w) in units to (B, 1, h·s, w·s). It remembers its `form`."""
    network: nn.Module
    if form.network == "small":
        network = Generator(form.scale, form.channels, form.blocks)
    else:
        dense = RRDBNet(RRDBForm(form.scale, form.channels, form.growth, form.blocks, colours=1))
        network = FromBicubic(dense, dense.conv_last, form.scale)
    network.form = form  # type: ignore[assignment]
    return network


class ResidualBlock(nn.Module):
    """Two convolutions beside a straight path, without BatchNorm, as EDSR has them (Lim et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


class Generator(nn.Module):
    """Bicubic interpolation and what a residual network adds to it; it begins as bicubic, its last layer being 0."""

    def __init__(self, scale: int, channels: int = 32, blocks: int = 8) -> None:
        super().__init__()
        self.scale = scale
        self.stem = nn.Conv2d(1, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.after = nn.Conv2d(channels, channels, 3, padding=1)
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.detail = nn.Conv2d(channels, scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        nn.init.zeros_(self.detail.weight)
        nn.init.zeros_(self.detail.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x - 0.5)  # (B, 1, h, w) -> (B, C, h, w)
        body = stem + self.after(self.body(stem))
        detail = self.shuffle(self.detail(torch.relu(self.tail(body))))  # -> (B, s², h, w) -> (B, 1, s·h, s·w)
        return bicubic_tensor(x.float(), self.scale) + detail.float()


class Fine(nn.Module):
    """What a Gaussian blur takes away, brought to an SD of about 1; (B, 1, h, w).

    What is coarser is the same in a restored image and in its truth, and hides from a young discriminator the little
    that is not.
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.reach = int(3 * FINE_SD)
        place = torch.arange(-self.reach, self.reach + 1)
        kernel = torch.exp(-0.5 * (place / FINE_SD) ** 2)
        self.register_buffer("kernel", kernel / kernel.sum(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # in bfloat16 the remainder would be mostly rounding
            padded = functional.pad(x.float(), [self.reach] * 4, mode="reflect")
            blurred = functional.conv2d(padded, self.kernel[None, None, :, None])
            return FINE_GAIN * (x.float() - functional.conv2d(blurred, self.kernel[None, None, None, :]))


class PatchDiscriminator(nn.Module):
    """True or restored, for every place of an image's fine detail: (B, 1, h, w) to logits (B, 1, h/4, w/4).

    Source: Isola et al. 2017 (arXiv 1611.07004), without norms, so that an image is judged by itself.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Fine(),
            nn.Conv2d(1, channels, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * channels, 1, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class UNetDiscriminator(nn.Module):
    """True or restored, for every pixel, by what is around it on four scales: (B, 1, h, w) to logits (B, 1, h, w).

    Spectral norm in all layers but the first and the last. h and w are multiples of 8.
    Source: Wang et al. 2021 (Real-ESRGAN, arXiv 2107.10833); here of the image's fine detail.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        c = channels
        self.fine = Fine()
        self.first = nn.Conv2d(1, c, 3, padding=1)
        self.down = nn.ModuleList(
            spectral_norm(nn.Conv2d(c * k, 2 * c * k, 4, stride=2, padding=1, bias=False)) for k in (1, 2, 4)
        )
        self.up = nn.ModuleList(spectral_norm(nn.Conv2d(2 * c * k, c * k, 3, padding=1, bias=False)) for k in (4, 2, 1))
        self.after = nn.ModuleList(spectral_norm(nn.Conv2d(c, c, 3, padding=1, bias=False)) for _ in range(2))
        self.last = nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        seen = [functional.leaky_relu(self.first(self.fine(x)), 0.2)]
        for down in self.down:
            seen.append(functional.leaky_relu(down(seen[-1]), 0.2))  # -> (B, 2c, h/2, w/2), ... (B, 8c, h/8, w/8)
        x = seen.pop()
        for up in self.up:
            larger = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = functional.leaky_relu(up(larger), 0.2) + seen.pop()
        for after in self.after:
            x = functional.leaky_relu(after(x), 0.2)
        return self.last(x)
