"""The Combined model's sets of variables as a study keeps them, and the frame of values that each of them takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dlr.engine import Run
from dlr.errors import InputError
from dlr.learn import CandidateSet, CombinedModel, admissible_sets
from dlr.study.cohort import BEFORE_BIOPSY, BIOPSY_FREE, CohortTables, clinical_values
from dlr.tables import COMBINED_INPUTS
from dlr.words import CHOSEN, MODELS, Kind, Model, signature

__all__ = [
    "SavedSet", "candidate_sets", "chosen_signatures", "combined_frame", "combined_inputs",
    "combined_variants", "image_signature",
    "read_sets", "why_no_set", "write_inputs", "write_sets",
]  # fmt: skip

SETS_FILE = "combined_model.json"
LINE = ["target", "protocol", "variant"]


@dataclass(frozen=True)
class SavedSet:
    """One fitted set of variables of one target, protocol and variant."""

    target: str
    protocol: str
    variant: str
    primary: bool  # the pre-named set, whose predictions are the Combined signature
    model: CombinedModel

    @property
    def name(self) -> str:
        """What stands in tables and on the nomogram: "er + Rad (before biopsy)"."""
        return self.model.candidates.name + (f" ({self.variant})" if self.variant else "")

    def complete(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The patients of a frame that have every signature of the set; none where the frame lacks one."""
        needed = list(self.model.candidates.signatures)
        if not set(needed) <= set(frame.columns):
            return frame.iloc[:0]
        return frame[frame[needed].notna().all(axis=1)]

    @property
    def line(self) -> dict[str, str]:
        """What tells it from others of its name, as tables have it."""
        return {"target": self.target, "protocol": self.protocol, "variant": self.variant, "set": self.name}


def chosen_signatures(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One probability a patient and model, of the chosen algorithms; empty where there is none."""
    rows = [table[(table["algorithm"] == CHOSEN) & (table["kind"] == Kind.PROBABILITY)] for table in tables]
    found = [signature(table) for table in rows if len(table)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def combined_frame(
    tables: CohortTables, signatures: pd.DataFrame, target: str, protocol: str, variant: str
) -> pd.DataFrame:
    """Raw clinical columns and signatures (probabilities, columns named by model), a row a patient.

    signatures : what words.signature makes of the chosen chains.  A model without the variant enters as it is.
    """
    frame = clinical_values(tables, tables.columns)
    if signatures.empty:
        return frame
    rows = signatures[(signatures["target"] == target) & (signatures["protocol"] == protocol)]
    for model, own in rows[rows["model"] != Model.COMBINED].groupby("model", sort=False):
        wanted = variant if variant in set(own["variant"]) else ""
        own = own[own["variant"] == wanted]
        frame[str(model)] = own.set_index("patient_id")["value"].reindex(frame.index)
    return frame


def combined_variants(tables: CohortTables) -> list[str]:
    """The variants of the Combined model; one that would repeat the model, or be empty, is none."""
    early = sum(column.available in BIOPSY_FREE for column in tables.columns)
    return ["", *([BEFORE_BIOPSY] if 0 < early < len(tables.columns) else [])]


def candidate_sets(run: Run, tables: CohortTables, frame: pd.DataFrame, biopsy_free: bool) -> tuple[CandidateSet, ...]:
    """The admissible sets of variables of a frame, the pre-named one first; none where a half is missing."""
    settings, specs = run.settings.combine, (*MODELS, *run.models)
    known = {c.name for c in tables.columns if not biopsy_free or c.available in BIOPSY_FREE}
    if biopsy_free and not known:
        return ()
    variables = [name for name in settings.variables or () if name in known]
    signatures = [spec.name for spec in specs if spec.name in frame.columns]
    return admissible_sets(variables, signatures, image_signature(settings.signature, signatures), specs)


def image_signature(named: str, signatures: Sequence[str]) -> str:
    """The image signature of the primary set, said beforehand: as named, or DLR where it is there, else Rad."""
    if named != "auto":
        return named
    return Model.DLR.value if Model.DLR.value in signatures else Model.RAD.value


def why_no_set(run: Run, frame: pd.DataFrame, target: str) -> str:
    """Why there is nothing to combine."""
    images = [spec.name for spec in (*MODELS, *run.models) if spec.of_images and spec.name in frame.columns]
    if not images:
        return f"{target}: there is no image signature, so the Combined model is absent"
    return (
        f"{target}: there are no clinical columns to combine with {', '.join(images)}, so the Combined model is absent"
    )


def write_sets(folder: Path, sets: Sequence[SavedSet], reasons: Sequence[str]) -> None:
    """combined_model.json: every fitted set, and why any is absent."""
    entries = [{**s.line, "primary": s.primary, "model": json.loads(s.model.to_json())} for s in sets]
    text = json.dumps({"sets": entries, "reasons": list(reasons)}, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / SETS_FILE).write_text(text, encoding="utf-8")


def read_sets(folder: Path) -> list[SavedSet]:
    """What `write_sets` left."""
    path = folder / SETS_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return [
            SavedSet(
                entry["target"],
                entry["protocol"],
                entry["variant"],
                entry["primary"],
                CombinedModel.from_json(json.dumps(entry["model"])),
            )
            for entry in stored["sets"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(str(path), f"cannot be read ({error})", "run the study again: it is made anew") from error


def write_inputs(folder: Path, frames: Sequence[tuple[SavedSet, pd.DataFrame]]) -> None:
    """COMBINED_INPUTS: the values that the sets of each target, protocol and variant take."""
    tables = [
        frame.rename_axis("patient_id").reset_index().assign(**{name: one.line[name] for name in LINE})
        for one, frame in frames
    ]
    COMBINED_INPUTS.write(folder, pd.concat(tables, ignore_index=True))


def combined_inputs(folder: Path, saved: SavedSet) -> pd.DataFrame:
    """The patients' values that a set's model was fitted on and applied to, indexed by patient_id."""
    table = COMBINED_INPUTS.read(folder)
    own = (table[LINE] == [saved.line[name] for name in LINE]).all(axis=1)
    return table[own].set_index("patient_id").drop(columns=LINE)
