"""Images of check patients as a coarser scanner would have given them, and as they come back from that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlr.cohort import Case
from dlr.engine.keys import identity_of_settings
from dlr.engine.stage import release
from dlr.randomness import rng
from dlr.study.cases import GENERATOR, CaseRow, CohortFiles, read_generator
from dlr.superres import DegradationSettings

if TYPE_CHECKING:
    from dlr.superres.checked import Pair

__all__ = ["BICUBIC", "RESTORED", "SUBJECTS", "TRUTH", "SimulatedFiles", "simulated_pair"]

TRUTH, RESTORED, BICUBIC = SUBJECTS = ("truth", "restored", "bicubic")


def simulated_pair(
    units: np.ndarray, mask: np.ndarray, case_id: str, scale: int, settings: DegradationSettings, seed: int
) -> Pair:
    """The simulated pair of one image (h, w) in units, the same whoever asks for it."""
    from dlr.superres.checked import pair_of

    return pair_of(units, mask, scale, settings, rng(seed, "superres", "pair", case_id))


@dataclass(frozen=True)
class SimulatedFiles:
    """The cohort's own images as they are, or as they come back from a simulated lower resolution."""

    files: CohortFiles
    subject: str  # truth, restored, bicubic
    home: Path  # outputs of stage superres
    scale: int
    degradation: DegradationSettings
    seed: int

    def read(self, row: CaseRow, outline: str = "mask") -> Case:
        """The case without what lies beyond a multiple of the scale; a restored image of the file's sample type."""
        from dlr.superres import Enhancer, to_units

        case = self.files.read(row, outline)
        image, mask = case.image, case.mask
        units, low, high = to_units(image.array[0], image.dtype)
        pair = simulated_pair(units, case.mask[0], row.case_id, self.scale, self.degradation, self.seed)
        height, width = pair.truth.shape
        grey = np.clip(image.array[0, :height, :width], low, high)  # as the pair has it
        if self.subject != TRUTH:
            made = Enhancer(None, self.scale) if self.subject == BICUBIC else read_generator(self.home / GENERATOR)
            grey = made.restored(pair.low).astype(np.float64) * (high - low) + low
        grey = np.rint(grey) if np.issubdtype(np.dtype(image.dtype), np.integer) else grey
        return replace(case, image=replace(image, array=grey[None]), mask=mask[:, :height, :width])

    def key(self, row: CaseRow, outline: str, digest: Callable[[str | Path], str]) -> dict[str, Any]:
        folder = self.home / GENERATOR
        made = sorted(folder.rglob("*")) if self.subject == RESTORED else []
        return {
            **self.files.key(row, outline, digest),
            "subject": self.subject, "scale": self.scale, "torch": release("torch"),
            "draws": [self.seed, row.case_id],
            "degradation": identity_of_settings(self.degradation),
            "generator": {file.relative_to(folder).as_posix(): digest(file) for file in made if file.is_file()},
        }  # fmt: skip
