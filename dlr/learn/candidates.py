"""Which variables and signatures may stand in one Combined model: nothing beside what already contains it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dlr.words import Model

__all__ = ["CandidateSet", "admissible_sets"]

IMAGE_SIGNATURES = (Model.DLR.value, Model.DL.value, Model.RAD.value)  # DLR contains the other two


@dataclass(frozen=True)
class CandidateSet:
    """One admissible choice: clinical variables or the Clinical signature, and one signature of images."""

    clinical: tuple[str, ...]  # columns of the clinical table; empty where the Clinical signature stands for them
    signatures: tuple[str, ...]  # columns of probabilities

    @property
    def name(self) -> str:
        """ "er, calcification + Rad" or "Clinical + DLR"."""
        left = ", ".join(self.clinical) if self.clinical else self.signatures[0]
        right = self.signatures if self.clinical else self.signatures[1:]
        return " + ".join([left, *right])

    @property
    def columns(self) -> tuple[str, ...]:
        """Signatures first: they keep their place when the size of the model is bounded."""
        return (*self.signatures, *self.clinical)


def admissible_sets(
    variables: Sequence[str], signatures: Collection[str], primary: str | None = None
) -> tuple[CandidateSet, ...]:
    """Every admissible set, the primary first: {variables or Clinical} x {DLR or DL or Rad}.

    variables : pre-named clinical columns, most important first; empty puts the Clinical signature in front.
    signatures : the models that have a signature.  primary : the image signature of the primary set.
    Never together: the Clinical signature and its variables; two of Rad, DL and DLR. Empty where either half is
    missing: there is then nothing to combine.
    """
    images = [name for name in IMAGE_SIGNATURES if name in signatures]
    images.sort(key=lambda name: name != primary)
    clinical: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    if variables:
        clinical.append((tuple(variables), ()))
    if Model.CLINICAL.value in signatures:
        clinical.append(((), (Model.CLINICAL.value,)))
    return tuple(CandidateSet(columns, (*first, image)) for image in images for columns, first in clinical)
