"""How stages look at cases with a network: each case's picture and frozen features, durable by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import CohortSettings, largest_roi_cases, read_case
from dlr.deep import DeepSettings, Picture, cut_picture
from dlr.engine import Run, Task, TaskFailure
from dlr.errors import InputError
from dlr.stages.radiomics import READING
from dlr.stages.tables import CohortTables

__all__ = [
    "FEATURE", "feature_table", "frozen_backbone", "look_at_case", "look_at_row", "picture_tasks", "read_outlines",
    "read_picture", "read_seen", "rows_for_networks", "unpacked", "write_outlines",
]  # fmt: skip

FEATURE = "e{:04d}".format  # columns of embeddings: e0000 ...
GREY, MASK, FEATURES = "grey.npy", "mask.npy", "features.npy"
OUTLINES, OUTLINE_CASES = "outlines.npy", "outlines.csv"


def rows_for_networks(tables: CohortTables, policy: str) -> list[dict[str, Any]]:
    """The cases a network sees: the largest ROI a patient, or all of them where probabilities or features are meant."""
    cases = tables.cases[tables.cases["image"] != ""]
    if policy == "largest_roi":
        cases = cases[cases["case_id"].isin(largest_roi_cases(cases, tables.facts["roi_size"]))]
    return cases.to_dict("records")


def picture_tasks(run: Run, rows: Sequence[dict[str, Any]], backbone: str, weights: dict[str, Any]) -> list[Task]:
    """One task a case: its picture and what a backbone of these weights says of it.

    weights : the saved backbone's file and its digest, as part of the key.
    """
    cohort: CohortSettings = run.settings.cohort
    deep: DeepSettings = run.settings.deep
    shared = {
        "reading": {name: getattr(cohort, name) for name in READING},
        "input": deep.input.model_dump(),
        "backbone": backbone,
        "weights": weights["sha256"],
        "flips": deep.flips,
    }
    tasks = []
    for row in rows:
        spacing = row.get("pixel_spacing_mm")
        own = {
            **{name: run.digest(row[name]) for name in ("image", "mask")},
            "label": str(row["mask_label"]),
            "part": str(row.get("lesion_part") or ""),
            "spacing": None if spacing is None or np.isnan(spacing) else float(spacing),
        }
        payload = {"row": row, "cohort": cohort, "deep": deep, "backbone": backbone, "file": weights["file"]}
        tasks.append(Task(f"{row['case_id']}-{backbone}", {**shared, **own}, payload, may_fail=True))
    return tasks


def look_at_case(task: Task, folder: Path) -> None:
    """Read one case, cut its picture, look at it; leave grey.npy, mask.npy, features.npy."""
    given = task.payload
    picture, features = look_at_row(given["row"], given["cohort"], given["deep"], given["backbone"], given["file"])
    np.save(folder / GREY, picture.grey)
    np.save(folder / MASK, picture.mask)
    np.save(folder / FEATURES, features)


def look_at_row(
    row: dict[str, Any], cohort: CohortSettings, deep: DeepSettings, backbone: str, file: Path
) -> tuple[Picture, np.ndarray]:
    """The picture of a case and its frozen features; the same code serves a study and new patients."""
    from dlr.deep import embed

    case = read_case(row, cohort)
    try:
        picture = cut_picture(case.image.array, case.mask, deep.input)
    except InputError as error:
        raise InputError(f"case {row['case_id']}", error.problems[0].what, error.problems[0].mend) from error
    return picture, embed(frozen_backbone(backbone, str(file)), None, picture, deep.flips).features


@lru_cache(maxsize=2)
def frozen_backbone(name: str, file: str) -> Any:
    """A saved backbone, read once a process."""
    from dlr.deep import load_weights

    return load_weights(name, file)[0]


def read_picture(folder: Path) -> Picture:
    """What a case's task left of its picture."""
    return Picture(np.load(folder / GREY), np.load(folder / MASK))


def read_seen(
    run: Run, tasks: Sequence[Task], results: Sequence[Path | TaskFailure]
) -> tuple[dict[str, Path], dict[str, np.ndarray]]:
    """Folder and features of every case that could be looked at; the others are named."""
    folders, features, problems = {}, {}, []
    for task, result in zip(tasks, results, strict=True):
        case_id = task.payload["row"]["case_id"]
        if isinstance(result, TaskFailure):
            problems.append(result.problem)
            run.warn(f"case {case_id} is left out: {result.problem.what}. {result.problem.mend}")
            continue
        folders[case_id] = result
        features[case_id] = np.load(result / FEATURES)
    if not folders:
        raise InputError.of(problems)
    return folders, features


def feature_table(features: dict[str, np.ndarray], patients: dict[str, str]) -> pd.DataFrame:
    """case_id, patient_id, e0000 ...: a row a case."""
    width = len(next(iter(features.values())))
    table = pd.DataFrame(
        np.stack(list(features.values())).astype(np.float32),
        index=list(features),
        columns=[FEATURE(k) for k in range(width)],
    )
    table.insert(0, "patient_id", [patients[case] for case in features])
    return table.rename_axis("case_id").reset_index()


def write_outlines(folder: Path, pictures: Mapping[str, Path]) -> None:
    """outlines.npy (a row a case, eight pixels a byte) and outlines.csv: the ROI on every picture."""
    cases = sorted(pictures)
    np.save(folder / OUTLINES, np.stack([np.packbits(read_picture(pictures[case]).mask) for case in cases]))
    pd.DataFrame({"case_id": cases}).to_csv(folder / OUTLINE_CASES, index=False)


def read_outlines(folder: Path) -> dict[str, np.ndarray]:
    """What `write_outlines` left, packed, by case."""
    cases = pd.read_csv(folder / OUTLINE_CASES, dtype=str, keep_default_na=False)["case_id"]
    return dict(zip(cases, np.load(folder / OUTLINES), strict=True))


def unpacked(outline: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """bool (size) of a packed outline."""
    return np.unpackbits(outline, count=int(np.prod(size))).reshape(size).astype(bool)
