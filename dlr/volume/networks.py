"""The 3-D networks that answer for receptors: SingleTask and MultiTask; Spatial stands in spatial.py.

After Huang et al. 2024 (Insights Imaging): a 3-D ResNet with one output a marker, and the same encoder with a decoder
whose map of the lesion is added to the input of the next pass. Unlike their text: an axis of few slices is not halved
before the others are as short, and up-sampling goes to the size of the skip, so that any size will do.
Names of layers are those of torchvision and MedicalNet, whose weights fit by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlr.errors import InputError
from dlr.volume.settings import RegionSettings

__all__ = [
    "STAGES", "Architecture", "Encoder", "MultiTask", "ReceptorOutput", "Receptors", "SingleTask", "Size",
    "convolution", "resized",
]  # fmt: skip

Size = tuple[int, int, int]  # slices, rows, columns
BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}  # of the four layers, by depth
SAME: Size = (1, 1, 1)
LEAST_CHANNELS = 4  # of the decoder's blocks
LEAST_MAP = 4  # voxels that the longest edge of a map to look at has


@dataclass(frozen=True)
class Architecture:
    """Everything a network is built from; kept beside its weights."""

    kind: Literal["single", "multi", "spatial"]
    targets: tuple[str, ...]
    shape: Size  # of its volumes
    depth: Literal[10, 18, 34, 50] = 50
    width: int = 64  # channels of the stem
    stem: Literal["published", "light"] = "published"
    norm: Literal["batch", "group"] = "batch"
    passes: int = 2  # of multi
    resolution: Literal["full", "stem"] = "full"  # of the decoder of multi
    deep_supervision: bool = False  # of multi
    scale: Literal["part", "volume"] = "part"  # whose clip limits its volumes are scaled by
    clip: tuple[float, float] = (0.5, 99.5)  # percentiles that are the limits of what Spatial sees of a volume
    per_cent: tuple[str, ...] = ()  # of the targets, those that are per cents
    task_weights: Literal["fixed", "uncertainty"] = "fixed"
    dimension: Literal["3d", "2d"] = "3d"  # of spatial, as are the others
    attention: Literal["multi_scale", "single_scale", "none"] = "multi_scale"
    extractor: Literal["shared", "own"] = "shared"
    regions: RegionSettings = field(default_factory=RegionSettings)


class ReceptorOutput(NamedTuple):
    """What a network says of B volumes."""

    scores: Tensor  # (B, K), a column a target: a logit, or tens of per cent
    segmentation: Tensor | None  # logits (B, 1, D, H, W) of a voxel being lesion
    coarse: tuple[Tensor, ...]  # the same from coarser blocks (B, 1, d, h, w), finer first; for deep supervision
    features: Tensor  # (B, F), what the scores are linear in
    log_variances: Tensor | None = None  # (K,) of the targets, where they weigh the losses
    attention: tuple[Tensor, ...] = ()  # (B, 1, d, h, w) of 0 to 1, a map a scale, finest first; Spatial


class Receptors(nn.Module):
    """What all networks are: an encoder, its clip limits, and a head of one output a target."""

    limits: Tensor

    def __init__(self, form: Architecture, encoder: Encoder) -> None:
        super().__init__()
        self.form, self.targets = form, form.targets
        self.register_buffer("limits", torch.tensor([0.0, 1.0]))  # grey that becomes 0 and 1; fitted
        self.encoder = encoder
        self.head = nn.Linear(encoder.channels[-1], len(form.targets))
        uncertain = form.task_weights == "uncertainty"
        self.log_variances = nn.Parameter(torch.zeros(len(form.targets))) if uncertain else None

    @property
    def attention_layer(self) -> str:
        """The last stage whose map still has four voxels along its longest edge; InputError where none has."""
        for name, size in reversed(list(zip(STAGES, self.encoder.sizes, strict=True))):
            if max(size) >= LEAST_MAP:
                return f"encoder.{name}"
        raise InputError(
            where=f"volumes of {' × '.join(map(str, self.form.shape))} voxels",
            what=f"no map of the network has {LEAST_MAP} voxels along an edge: there is nothing to look at",
            mend="raise volume.size, or set receptors.stem: light",
        )

    def scaled(self, grey: Tensor) -> Tensor:
        """Grey clipped to the limits, which become 0 and 1."""
        low, high = self.limits[0], self.limits[1]
        return ((grey - low) / (high - low)).clamp(0, 1)


class SingleTask(Receptors):
    """Encoder, mean over space, one output a target."""

    def __init__(self, form: Architecture) -> None:
        super().__init__(form, Encoder(form))

    def forward(self, grey: Tensor) -> ReceptorOutput:
        """grey : (B, 1, D, H, W) as measured."""
        deepest = self.encoder(self.scaled(grey))[-1]  # -> (B, F, D/32, H/32, W/32)
        features = deepest.mean(dim=(2, 3, 4))  # -> (B, F)
        return ReceptorOutput(self.head(features), None, (), features, self.log_variances)


class MultiTask(Receptors):
    """The same encoder, a classification branch, and a decoder whose map is fed back.

    Every pass sees the grey plus the probability map of the pass before (0 at first), element by element, in training
    and after it alike. Earlier passes keep nothing for the gradient: the map is an input, nothing is learnt through it.
    BatchNorm's running statistics are those of all passes.
    """

    def __init__(self, form: Architecture) -> None:
        super().__init__(form, Encoder(form))
        self.decoder = Decoder(self.encoder, form)

    def forward(self, grey: Tensor) -> ReceptorOutput:
        """grey : (B, 1, D, H, W) as measured."""
        grey, size = self.scaled(grey), grey.shape[2:]
        seen = grey
        for _ in range(self.form.passes - 1):
            with torch.no_grad():
                segmentation, _ = self.decoder(self.encoder(seen), size)
            seen = grey + torch.sigmoid(segmentation.float())
        if self.form.passes > 1:
            # torch < 2.10 keeps the passes' bfloat16 weights, which know no gradient (pytorch #112583)
            torch.clear_autocast_cache()
        maps = self.encoder(seen)
        features = _halved(maps[-1]).mean(dim=(2, 3, 4))  # (B, F, D/32, ...) -> (B, F, D/64, ...) -> (B, F)
        segmentation, coarse = self.decoder(maps, size)  # -> (B, 1, D, H, W)
        return ReceptorOutput(self.head(features), segmentation, coarse, features, self.log_variances)


STAGES = ("relu", "layer1", "layer2", "layer3", "layer4")  # of an encoder: what its five maps come out of


class Encoder(nn.Module):
    """A 3-D ResNet without its head: the maps after the stem and after each of four layers.

    At 128³, depth 50, width 64: 64 × 64³, (pool 64 × 32³,) 256 × 32³, 512 × 16³, 1024 × 8³, 2048 × 4³.
    """

    def __init__(self, form: Architecture) -> None:
        super().__init__()
        published, flat = form.stem == "published", form.dimension == "2d"
        strides, self.sizes = _halvings(form.shape, published, flat)
        self.conv1 = convolution(1, form.width, 7 if published else 3, strides[0], flat)
        self.bn1 = _norm(form.norm, form.width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(_kernel(3, flat), strides[1], _around(3, flat)) if published else nn.Identity()
        block = Bottleneck if form.depth == 50 else BasicBlock
        channels = [form.width]
        for number, count in enumerate(BLOCKS[form.depth]):
            planes, stride = form.width * 2**number, SAME if number == 0 else strides[number + 1]
            blocks = [block(channels[-1], planes, stride, form.norm, flat)]
            channels.append(planes * block.expansion)
            blocks += [block(channels[-1], planes, SAME, form.norm, flat) for _ in range(count - 1)]
            self.add_module(f"layer{number + 1}", nn.Sequential(*blocks))
        self.channels = tuple(channels)  # of the five maps
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def each(self) -> tuple[Encoder, ...]:
        """The encoders that it is made of."""
        return (self,)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 1, D, H, W) -> five maps (B, C, d, h, w), finest first. Basic blocks give a quarter of these channels."""
        maps = [self.relu(self.bn1(self.conv1(x)))]  # -> (B, w, D/2, H/2, W/2)
        x = self.maxpool(maps[0])  # -> (B, w, D/4, H/4, W/4)
        maps.append(self.get_submodule("layer1")(x))  # -> (B, 4w, D/4, H/4, W/4)
        maps.append(self.get_submodule("layer2")(maps[-1]))  # -> (B, 8w, D/8, H/8, W/8)
        maps.append(self.get_submodule("layer3")(maps[-1]))  # -> (B, 16w, D/16, H/16, W/16)
        maps.append(self.get_submodule("layer4")(maps[-1]))  # -> (B, 32w, D/32, H/32, W/32)
        return maps


class Decoder(nn.Module):
    """From the deepest map back to the volume: blocks of half the channels each, all but the last with a skip.

    At 128³, depth 50, width 64: 256 × 8³, 128 × 16³, 64 × 32³, 32 × 64³, and 16 × 128³ unless `resolution` is stem.
    """

    def __init__(self, encoder: Encoder, form: Architecture) -> None:
        super().__init__()
        finest = (
            0 if encoder.sizes[0] != encoder.sizes[1] else 1
        )  # without a pool layer1's map is as fine as the stem's
        self.skips = tuple(range(3, finest - 1, -1))  # which maps, the coarsest first
        skipped = [encoder.channels[place] for place in self.skips] + [0] * (form.resolution == "full")
        out = [max(LEAST_CHANNELS, 4 * form.width // 2**number) for number in range(len(skipped))]
        before = [encoder.channels[4], *out]
        self.blocks = nn.ModuleList(
            UpBlock(given, skip, own, form.norm) for given, skip, own in zip(before, skipped, out, strict=False)
        )
        self.logit = nn.Conv3d(out[-1], 1, 1)
        self.coarse = nn.ModuleList(nn.Conv3d(own, 1, 1) for own in out[:-1] if form.deep_supervision)

    def forward(self, maps: list[Tensor], size: Sequence[int]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Five maps of the encoder -> logits (B, 1, *size), and those of coarser blocks, finer first."""
        x, found = maps[4], []
        for number, block in enumerate(self.blocks):
            skip = maps[self.skips[number]] if number < len(self.skips) else None
            x = block(x, size if skip is None else skip.shape[2:], skip)
            found.append(x)
        coarse = [head(x) for head, x in zip(self.coarse, found, strict=False)]
        return resized(self.logit(x), size), tuple(reversed(coarse))


class UpBlock(nn.Module):
    """Fewer channels, up-sampling to a size, the skip joined, one convolution."""

    def __init__(self, given: int, skip: int, out: int, norm: str) -> None:
        super().__init__()
        self.fewer = nn.Conv3d(given, out, 1, bias=False)
        self.conv = nn.Conv3d(out + skip, out, 3, padding=1, bias=False)
        self.bn = _norm(norm, out)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, size: Sequence[int], skip: Tensor | None) -> Tensor:
        x = resized(self.fewer(x), size)  # (B, given, d, h, w) -> (B, out, *size)
        if skip is not None:
            x = torch.cat([x, skip], dim=1)  # -> (B, out + skip, *size)
        return self.relu(self.bn(self.conv(x)))  # -> (B, out, *size)


class BasicBlock(nn.Module):
    """Two convolutions 3³ beside the identity."""

    expansion = 1

    def __init__(self, given: int, planes: int, stride: Size, norm: str, flat: bool) -> None:
        super().__init__()
        self.conv1 = convolution(given, planes, 3, stride, flat)
        self.bn1 = _norm(norm, planes)
        self.conv2 = convolution(planes, planes, 3, SAME, flat)
        self.bn2 = _norm(norm, planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(given, planes, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + self.downsample(x))


class Bottleneck(nn.Module):
    """Convolutions 1³, 3³, 1³ beside the identity; four times the channels leave it."""

    expansion = 4

    def __init__(self, given: int, planes: int, stride: Size, norm: str, flat: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(given, planes, 1, bias=False)
        self.bn1 = _norm(norm, planes)
        self.conv2 = convolution(planes, planes, 3, stride, flat)
        self.bn2 = _norm(norm, planes)
        self.conv3 = nn.Conv3d(planes, 4 * planes, 1, bias=False)
        self.bn3 = _norm(norm, 4 * planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(given, 4 * planes, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + self.downsample(x))


def _shortcut(given: int, out: int, stride: Size, norm: str) -> nn.Module:
    """The identity, or a convolution 1³ where size or channels change."""
    if given == out and stride == SAME:
        return nn.Identity()
    return nn.Sequential(nn.Conv3d(given, out, 1, stride, bias=False), _norm(norm, out))


def convolution(
    given: int, out: int, edge: int, stride: Size = SAME, flat: bool = False, groups: int = 1, bias: bool = False
) -> nn.Conv3d:
    """A convolution of an odd edge that keeps the size but for its stride.  flat : the same in every slice."""
    return nn.Conv3d(given, out, _kernel(edge, flat), stride, _around(edge, flat), groups=groups, bias=bias)


def _kernel(edge: int, flat: bool) -> Size:
    return (1 if flat else edge, edge, edge)


def _around(edge: int, flat: bool) -> Size:
    """What a kernel of an odd edge needs at every border."""
    return (0 if flat else edge // 2, edge // 2, edge // 2)


def _norm(kind: str, channels: int) -> nn.Module:
    return nn.BatchNorm3d(channels) if kind == "batch" else nn.GroupNorm(gcd(8, channels), channels)


def _halvings(shape: Size, published: bool, flat: bool) -> tuple[list[Size], tuple[Size, ...]]:
    """Strides of stem, pool, layer2, layer3, layer4, and the sizes of the five maps.

    An axis is halved only while it is at least half as long as the longest: 8 × 40 × 40 becomes 8 × 20 × 20 first.
    flat : slices are never halved, and only rows and columns are compared.
    """
    strides, size, sizes = [], shape, []
    for name in ("stem", "pool", "layer2", "layer3", "layer4"):
        halved = [2 * n >= max(size[flat:]) and not (flat and axis == 0) for axis, n in enumerate(size)]
        stride = SAME if name == "pool" and not published else _three(1 + own for own in halved)
        size = _three(-(-n // step) for n, step in zip(size, stride, strict=True))
        strides.append(stride)
        sizes.append(size)
    return strides, tuple(sizes)


def _three(values: Iterable[int]) -> Size:
    z, y, x = values
    return z, y, x


def _halved(x: Tensor) -> Tensor:
    """The largest of every 2³ voxels; an edge of one voxel stays."""
    return functional.max_pool3d(x, [min(2, n) for n in x.shape[2:]], ceil_mode=True)


def resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """(B, C, d, h, w) -> (B, C, *size), trilinear."""
    return x if x.shape[2:] == torch.Size(size) else functional.interpolate(x, tuple(size), mode="trilinear")
