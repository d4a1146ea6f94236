"""Super-resolution of single images, without a study: before and after, and each image held against itself."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from dlr.cohort import CohortSettings, read_image
from dlr.engine import nearest
from dlr.engine.outputs import check_pictures
from dlr.errors import InputError, Problem
from dlr.figures import Enlarged, Restored, trial_page
from dlr.randomness import rng
from dlr.superres import (
    DegradationSettings,
    Enhancer,
    SuperresSettings,
    SuperresTraining,
    degraded,
    draw,
    fit,
    load_generator,
    to_units,
)
from dlr.superres.enhancer import SMALLEST
from dlr.superres.fidelity import psnr
from dlr.superres.grid import bicubic
from dlr.superres.weights import generator_files

__all__ = ["Trial", "Tried", "prepare_trial"]

PROGRAM = "dlr superres try"  # in every picture: no other is replaced
FITTING = {"crops": 256, "training": SuperresTraining(epochs=10)}  # 320 steps
CROP = 32  # pixels of the input an edge, so that ×2 takes no longer than ×4
SHOWN = 128  # pixels of the input an edge, from the middle
SEED = 20250607
LEVELS = 255


@dataclass(frozen=True)
class Still:
    """An image as it was given."""

    path: Path
    units: np.ndarray  # float32 (h, w), 0 to 1
    dtype: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Tried:
    """One image before and after."""

    still: Still
    picture: Path
    levels: float  # mean difference of restored and bicubic in the part shown, in grey levels of 255
    fidelity: tuple[float, float] | None  # PSNR of bicubic and restored against the image itself; None: too small

    @property
    def line(self) -> str:
        """Its numbers in a line."""
        height, width = self.still.units.shape
        said = f"{self.still.path}: {width} x {height} {self.still.dtype}"
        if self.fidelity is None:
            said += "; too small to be held against itself"
        else:
            plain, restored = self.fidelity
            said += f"; against itself: bicubic {plain:.2f} dB, restored {restored:.2f} dB ({restored - plain:+.2f})"
        return f"{said}; differs from bicubic by {self.levels:.1f} of 255 on average; {self.picture}"


@dataclass(frozen=True)
class Trial:
    """Images that can be read, and pictures that can be written."""

    stills: tuple[Still, ...]
    pictures: tuple[Path, ...]
    method: Literal["bicubic", "psnr"]
    weights: str | None  # in place of a method
    scale: int

    def enhancer(self) -> tuple[Enhancer, str]:
        """What enlarges, and what is to be said of it; a network is fitted on the images themselves."""
        if self.weights is not None:
            given: Literal["real_esrgan"] | Path = (
                "real_esrgan" if self.weights == "real_esrgan" else Path(self.weights)
            )
            network, origin = load_generator(given, self.scale)
            saved = generator_files(given).get("about")
            overlap = SuperresSettings(method="weights", weights=given).seen_around
            about = [origin.get(key, "") for key in ("source", "architecture", "release")]
            licence = f". Licence of the weights: {origin['licence']}" if "licence" in origin else ""
            # a generator that dlr saved is applied as its study does
            made = Enhancer(network, self.scale, overlap=overlap) if saved is None else Enhancer.load(saved.parent)
            return made, f"{', '.join(filter(None, about))}{licence}."
        if self.method == "bicubic":
            return Enhancer(None, self.scale), "Bicubic interpolation, which adds nothing."
        settings = SuperresSettings(method="psnr", scale=self.scale, crop=CROP * self.scale, **FITTING)
        fitted = fit([still.units for still in self.stills], [still.path.name for still in self.stills], settings, SEED)
        return Enhancer(fitted.generator, self.scale), (
            f"A small network, fitted for {fitted.seconds:.0f} s on these images themselves: what it is held against "
            "is what it was fitted on, so expect less on other images."
        )

    def run(self, enhancer: Enhancer) -> Iterator[Tried]:
        """Enlarge one image after the other, and write its picture."""
        for still, picture in zip(self.stills, self.pictures, strict=True):
            above = _shown(still, enhancer)
            below, fidelity = _against_itself(still, enhancer)
            page = trial_page(above, below, _words(still, self, fidelity))
            buffer = io.BytesIO()
            page.savefig(buffer, format="png", dpi=160, metadata={"Software": PROGRAM})
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_bytes(buffer.getvalue())
            yield Tried(still, picture, float(np.abs(above.difference).mean()), fidelity)


def prepare_trial(images: Sequence[Path], method: str, weights: str | None, scale: int, out: Path) -> Trial:
    """Read the images and see that their pictures can be written; nothing is enlarged yet.

    images : stills in any format of a study.  method : "bicubic" or "psnr".  weights : "real_esrgan", a file, or a
    folder, in place of a method.  out : the folder of the pictures.
    Raises InputError with every image that cannot be read, is a volume or is too small, and where an option is none.
    """
    if scale not in (2, 4):
        raise InputError(f"--scale {scale}", "images are enlarged by 2 or 4", "give one of them")
    chosen: Literal["bicubic", "psnr"] = "bicubic" if method == "bicubic" else "psnr"
    if method != chosen:
        near = nearest(method, ("bicubic", "psnr"))
        mend = (
            f"did you mean {near}?" if near else "give bicubic or psnr; a GAN is trained in a study (superres.method)"
        )
        raise InputError(f"--method {method}", "there is no such method here", mend)
    problems: list[Problem] = []
    stills = []
    for path in dict.fromkeys(images):
        try:
            stills.append(_read(path))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError.of(problems)
    label = method if weights is None else Path(weights).stem or "weights"
    pictures = _named([f"{still.path.stem}_{label}_x{scale}" for still in stills], out)
    check_pictures(pictures, PROGRAM, [still.path for still in stills])
    return Trial(tuple(stills), tuple(pictures), chosen, weights, scale)


def _read(path: Path) -> Still:
    if not path.is_file():
        beside = sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
        near = nearest(path.name, beside)
        what = "this is a folder" if path.is_dir() else "there is no such file"
        ways = f"name its images ({path}/*.png)" if path.is_dir() else "check the path"
        raise InputError(str(path), what, f"did you mean {near}?" if near and not path.is_dir() else ways)
    image = read_image(path, CohortSettings(colour="grey"))
    if not image.is_still:
        raise InputError(str(path), f"a volume of {len(image.array)} slices or frames", "save one slice: stills alone")
    height, width = image.array.shape[1:]
    if min(height, width) < SMALLEST:
        raise InputError(str(path), f"{width} x {height} pixels are too few", f"give at least {SMALLEST} an edge")
    return Still(path, to_units(image.array[0], image.dtype)[0], image.dtype, image.notes)


def _named(stems: Sequence[str], out: Path) -> list[Path]:
    """A picture's file for each, numbered where two would have one name, also where case does not count."""
    taken: set[str] = set()
    found = []
    for stem in stems:
        name, number = f"{stem}.png", 1
        while name.lower() in taken:
            number += 1
            name = f"{stem}_{number}.png"
        taken.add(name.lower())
        found.append(out / name)
    return found


def _middle(size: int, edge: int, multiple: int = 1) -> slice:
    """So many pixels, or fewer, from the middle of an edge, all in whole multiples."""
    length = min(edge, size) // multiple * multiple
    start = (size - length) // 2 // multiple * multiple
    return slice(start, start + length)


def _shown(still: Still, enhancer: Enhancer) -> Enlarged:
    """The middle of the image, enlarged; the network sees as much around it as around a tile."""
    s = enhancer.scale
    part, seen, inner = [], [], []
    for size in still.units.shape:
        middle = _middle(size, SHOWN)
        around = slice(max(0, middle.start - enhancer.overlap), min(size, middle.stop + enhancer.overlap))
        part.append(middle)
        seen.append(around)
        inner.append(slice((middle.start - around.start) * s, (middle.stop - around.start) * s))
    given = still.units[tuple(seen)]
    plain, restored = np.clip(bicubic(given, s), 0, 1), enhancer.restored(given)
    return Enlarged(
        *(LEVELS * each for each in (still.units[tuple(part)], plain[tuple(inner)], restored[tuple(inner)]))
    )


def _against_itself(still: Still, enhancer: Enhancer) -> tuple[Restored | None, tuple[float, float] | None]:
    """The image made coarser and restored: its middle, and the PSNR of bicubic and restored of all of it."""
    s = enhancer.scale
    height, width = (size // s * s for size in still.units.shape)
    if min(height, width) < SMALLEST * s:
        return None, None
    truth, settings = still.units[:height, :width], DegradationSettings()
    generator = rng(SEED, "try", still.path.name)
    low = degraded(truth, s, draw(generator, settings), settings, generator).low
    plain, restored = np.clip(bicubic(low, s), 0, 1), enhancer.restored(low)
    everywhere = np.ones(truth.shape, dtype=bool)
    fidelity = psnr(truth, plain, everywhere), psnr(truth, restored, everywhere)
    fine = tuple(_middle(size, SHOWN, s) for size in truth.shape)
    coarse = tuple(slice(each.start // s, each.stop // s) for each in fine)
    grey = LEVELS * low[coarse], LEVELS * plain[fine], LEVELS * restored[fine], LEVELS * truth[fine]
    return Restored(*grey, mask=np.zeros(grey[-1].shape, dtype=bool)), fidelity


def _words(still: Still, trial: Trial, fidelity: tuple[float, float] | None) -> tuple[str, str, str]:
    """Title of a page and of its two rows."""
    height, width = still.units.shape
    shown = tuple(each.stop - each.start for each in (_middle(width, SHOWN), _middle(height, SHOWN)))
    part = "all" if shown == (width, height) else f"the middle {shown[0]} x {shown[1]}"
    method = trial.method if trial.weights is None else Path(trial.weights).stem
    below = ""
    if fidelity is not None:
        below = (
            f"The same part made {trial.scale} times coarser, with blur and speckle, and restored; the truth is the "
            f"image itself. PSNR of the whole image: bicubic {fidelity[0]:.2f} dB, restored {fidelity[1]:.2f} dB"
        )
    return (
        f"{still.path.name}, {method} ×{trial.scale}",
        f"As it is, enlarged {trial.scale} times: {part} of {width} x {height} pixels. Nobody knows the truth here",
        below,
    )
