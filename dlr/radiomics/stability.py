"""Which features two outlines of the same lesions agree on, and how well the outlines themselves agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from dlr.protocols import Part
from dlr.radiomics.settings import StabilitySettings
from dlr.stats import dice, hausdorff95, icc_many

__all__ = ["AGREEMENT_COLUMNS", "STABILITY_COLUMNS", "ReaderPair", "agreement_table", "stability_by_part",
           "stability_table"]  # fmt: skip

STABILITY_COLUMNS = ["feature", "perturbation", "seed", "fold", "icc", "lower", "upper", "n", "kept"]
AGREEMENT_COLUMNS = ["case_id", "patient_id", "dice", "hausdorff95", "unit", "below"]


@dataclass(frozen=True)
class ReaderPair:
    """Two outlines of one case on the image's grid."""

    case_id: str
    patient_id: str
    first: np.ndarray  # bool (z, y, x)
    second: np.ndarray
    spacing: tuple[float, float, float] | None  # mm (z, y, x); None where it is not known


def stability_table(
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    perturbation: str,
    least: float | None,
    kind: Literal["ICC2", "ICC3"] = "ICC2",
    seed: int = 0,
    fold: int = -1,
) -> pd.DataFrame:
    """The ICC of every feature between two outlines with its 95 % interval; columns STABILITY_COLUMNS.

    first, second : features, a row a patient (one case each), a column a feature; rows are matched by index and
    patients in only one of them do not count.  perturbation : what parts the two ("readers", "erode", ...).
    ICC(2,1) or ICC(3,1) by `kind`. A feature is kept from an ICC of `least` on, each where that is None; one that
    does not differ between patients has no ICC and reaches none.
    """
    assert first.index.is_unique and second.index.is_unique, "a patient counts once"
    both = first.index.intersection(second.index, sort=False)
    shared = set(second.columns)
    features = [name for name in first.columns if name in shared]
    found = icc_many(first.loc[both, features], second.loc[both, features], kind=kind)
    out = found[["icc", "lower", "upper", "n"]].rename_axis("feature").reset_index()
    kept = True if least is None else out["icc"] >= least
    return out.assign(perturbation=perturbation, seed=seed, fold=fold, kept=kept)[STABILITY_COLUMNS]


def stability_by_part(
    first: pd.DataFrame,
    second: pd.DataFrame,
    parts: Iterable[Part],
    *,
    perturbation: str,
    least: float | None,
    kind: Literal["ICC2", "ICC3"] = "ICC2",
) -> pd.DataFrame:
    """`stability_table` on the training patients of every part; its columns after `part`, the part's name.

    first, second : features indexed by patient_id.  The whole training side is the part of the paper protocol.
    """
    tables = []
    for part in parts:
        rows = first.index[first.index.isin(part.train)]
        table = stability_table(
            first.loc[rows],
            second,
            perturbation=perturbation,
            least=least,
            kind=kind,
            seed=part.seed,
            fold=part.fold,
        )
        table.insert(0, "part", part.name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["part", *STABILITY_COLUMNS])


def agreement_table(pairs: Iterable[ReaderPair], settings: StabilitySettings) -> pd.DataFrame:
    """Dice and 95 % Hausdorff distance of every case; columns AGREEMENT_COLUMNS.

    `below` marks cases for a third reader: Dice under `settings.agreement`, or no overlap to speak of.
    """
    rows = []
    for pair in pairs:
        overlap = dice(pair.first, pair.second)
        rows.append(
            (
                pair.case_id,
                pair.patient_id,
                overlap,
                hausdorff95(pair.first, pair.second, pair.spacing),
                "pixels" if pair.spacing is None else "mm",
                not overlap >= settings.agreement,  # NaN counts as below
            )
        )
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)
