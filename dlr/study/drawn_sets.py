"""Which sets of variables are drawn as nomograms, and patients' points on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlr.stats import LogisticFit, Nomogram
from dlr.study.cohort import CohortTables
from dlr.study.combined import SavedSet
from dlr.words import Protocol

__all__ = ["Drawn", "points_of", "sets_to_draw"]


@dataclass(frozen=True)
class Drawn:
    """One set of variables on paper."""

    saved: SavedSet
    fit: LogisticFit
    primary: bool  # the first of its target that could be drawn
    file: str

    def entry(self, title: str, paper: Nomogram, example: pd.DataFrame) -> dict[str, Any]:
        """What nomogram.json holds of it."""
        patient = {name: _plain(value) for name, value in example.iloc[0].items()}
        return {
            "name": self.saved.name,
            "target": self.saved.target,
            "protocol": self.saved.protocol,
            "title": title,
            "primary": self.primary,
            "file": self.file,
            "nomogram": paper.to_dict(),
            "example": {"patient_id": str(example.index[0]), **patient},
        }


def sets_to_draw(tables: CohortTables, sets: Sequence[SavedSet]) -> list[Drawn]:
    """Every set with a model for paper, cross-fitted ones where there are any, target by target, the primary first."""
    own = [s for s in sets if s.protocol == Protocol.CROSSFIT] or list(sets)
    order = {target.name: place for place, target in enumerate(tables.targets)}
    out: list[Drawn] = []
    for saved in sorted(own, key=lambda s: (order[s.target], not s.primary)):
        if saved.model.nomogram is not None:
            first = saved.target not in {one.saved.target for one in out}
            file = f"nomogram_{len(out) + 1}.pdf" if out else "nomogram.pdf"
            out.append(Drawn(saved, saved.model.nomogram, first, file))
    return out


def points_of(paper: Nomogram, frame: pd.DataFrame) -> pd.DataFrame:
    """patient_id, variable, value, points, beyond_axis, total, risk: a row a patient and axis."""
    points, total = paper.points(frame), paper.total(frame)
    beyond = set(paper.beyond(frame).set_index(["patient", "variable"]).index)
    tables = [
        pd.DataFrame(
            {
                "patient_id": np.asarray(frame.index, dtype=object), "variable": axis.name,
                "value": frame[axis.name].map(str).to_numpy(dtype=object), "points": points[axis.name].to_numpy(),
                "beyond_axis": [(patient, axis.name) in beyond for patient in frame.index],
                "total": total, "risk": paper.risk(total),
            }
        )
        for axis in paper.axes
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
