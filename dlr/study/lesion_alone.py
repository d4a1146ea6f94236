"""Rad without the regions around the lesion, beside the one with them: what do they add?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from dlr.engine import Run
from dlr.protocols import Part
from dlr.radiomics.regions import lesion_columns
from dlr.study.signatures import SignatureData, chosen_rows, fit_parts
from dlr.words import LESION_ALONE

__all__ = ["lesion_alone_rows"]


def lesion_alone_rows(
    run: Run, asked: SignatureData, parts: Sequence[Part], allowed: dict[str, list[str]] | None
) -> list[pd.DataFrame]:
    """PREDICTIONS of the same chains fitted on the lesion's columns alone; nothing where there are no others.

    The parts, inner folds and draws are those of the signature itself, so that the columns alone differ.
    """
    names = lesion_columns(list(asked.frame.values.columns))
    if len(names) == asked.frame.values.shape[1]:
        return []
    alone = replace(asked, frame=replace(asked.frame, values=asked.frame.values[names]))
    offered = None if allowed is None else {part: lesion_columns(kept) for part, kept in allowed.items()}
    fitted = fit_parts(run, alone, parts, offered, f"{asked.model} parts, {LESION_ALONE}")
    return [chosen_rows(alone, LESION_ALONE, fitted)]
