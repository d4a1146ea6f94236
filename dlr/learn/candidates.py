"""Which variables and signatures may stand in one Combined model: nothing beside what already contains it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dlr.words import MODELS, Model, ModelSpec

__all__ = ["CandidateSet", "admissible_sets"]


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
    variables: Sequence[str],
    signatures: Collection[str],
    primary: str | None = None,
    specs: Sequence[ModelSpec] = MODELS,
) -> tuple[CandidateSet, ...]:
    """Every admissible set, the primary first: {variables or Clinical} x {one model of images}.

    variables : pre-named clinical columns, most important first; empty puts the Clinical signature in front.
    signatures : the models that have a signature.  primary : the image signature of the primary set.
    specs : what the models are; of those of images the later stands first, as it contains the earlier ones.
    Never together: the Clinical signature and its variables; two models of images; a model of images that contains
    the clinical variables and these. Empty where either half is missing: there is then nothing to combine.
    """
    clinical: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    if variables:
        clinical.append((tuple(variables), ()))
    if Model.CLINICAL.value in signatures:
        clinical.append(((), (Model.CLINICAL.value,)))
    images = [s.name for s in reversed(specs) if s.of_images and Model.CLINICAL not in s.contains]
    present = sorted((str(name) for name in images if name in signatures), key=lambda name: name != primary)
    return tuple(CandidateSet(columns, (*first, image)) for image in present for columns, first in clinical)
