"""What networks are shown of a case, and what a frozen backbone makes of it: durable case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.deep import InputSettings, Picture, cut_picture, cut_pictures
from dlr.engine import Run, Task, TaskFailure
from dlr.errors import InputError
from dlr.study.cases import CaseRow, CaseSource, OneCase
from dlr.study.tasks import out_of_key, task_of
from dlr.tables import OUTLINES

__all__ = [
    "FEATURE", "Picturing", "embedding_table", "frozen_backbone", "picture_case", "picture_of", "picture_one",
    "picture_tasks", "picturing_of", "read_outlines", "read_picture", "read_pictured", "unpacked", "write_outlines",
]  # fmt: skip

FEATURE = "e{:04d}".format  # columns of embeddings: e0000 ...
GREY, MASK, FEATURES = "grey.npy", "mask.npy", "features.npy"
OUTLINES_FILE = "outlines.npy"


@dataclass(frozen=True)
class Picturing:
    """One case to cut pictures from, and the frozen backbone that embeds them."""

    case: OneCase
    input: InputSettings
    every_slice: bool  # features are the mean over the slices of the ROI; or those of the largest
    flips: bool
    backbone: str
    weights_sha256: str
    weights: Path = field(metadata=out_of_key("the digest of its content stands beside it"))


def picturing_of(
    settings: Any, source: CaseSource, rows: Sequence[CaseRow], backbone: str, weights: Path, weights_sha256: str
) -> list[Picturing]:
    """The picture of each case of a source under a study's settings (their section `deep`)."""
    deep = settings.deep
    asked = (deep.input, deep.slices != "largest", deep.flips, backbone, weights_sha256, weights)
    return [Picturing(OneCase(source, row), *asked) for row in rows]


def picture_tasks(run: Run, asked: Sequence[Picturing]) -> list[Task]:
    """One task a case; a case that cannot be pictured does not stop the others."""
    return [task_of(run, f"{one.case.row.case_id}-{one.backbone}", one, may_fail=True) for one in asked]


def picture_case(task: Task, folder: Path) -> None:
    """Read one case, cut its pictures, embed them; leave grey.npy, mask.npy, features.npy."""
    picture, features = picture_one(task.payload)
    np.save(folder / GREY, picture.grey)
    np.save(folder / MASK, picture.mask)
    np.save(folder / FEATURES, features)


def picture_one(asked: Picturing) -> tuple[Picture, np.ndarray]:
    """The picture of a case (of its largest ROI) and its frozen features; the same code serves new patients."""
    from dlr.deep import mean_features

    pictures = _pictures(asked.case, asked.input, asked.every_slice)
    return pictures[0], mean_features(frozen_backbone(asked.backbone, str(asked.weights)), pictures, asked.flips)


def picture_of(case: OneCase, settings: InputSettings) -> Picture:
    """What one network is shown of a case: the slice of its largest ROI."""
    return _pictures(case, settings, every_slice=False)[0]


def _pictures(case: OneCase, settings: InputSettings, every_slice: bool) -> list[Picture]:
    """A case's pictures, that of its largest ROI first; InputError with the case named where there is none."""
    read = case.read()
    image, mask = read.image.array, read.mask
    settings = settings.model_copy(update={"margin_px": settings.margin_px * read.image.scale})
    try:
        return cut_pictures(image, mask, settings) if every_slice else [cut_picture(image, mask, settings)]
    except InputError as error:
        raise InputError(f"case {read.case_id}", error.problems[0].what, error.problems[0].mend) from error


@lru_cache(maxsize=4)  # new patients meet one after the other
def frozen_backbone(name: str, file: str) -> Any:
    """A saved backbone, read once a process."""
    from dlr.deep import load_weights

    return load_weights(name, file)[0]


def read_picture(folder: Path) -> Picture:
    """What a case's task left of its picture."""
    return Picture(np.load(folder / GREY), np.load(folder / MASK))


def read_pictured(
    run: Run, tasks: Sequence[Task], results: Sequence[Path | TaskFailure]
) -> tuple[dict[str, Path], dict[str, np.ndarray]]:
    """Folder and features of every case that could be pictured; the others are named."""
    folders, features, problems = {}, {}, []
    for task, result in zip(tasks, results, strict=True):
        case_id = task.payload.case.row.case_id
        if isinstance(result, TaskFailure):
            problems.append(result.problem)
            run.warn(f"case {case_id} is left out: {result.problem.what}. {result.problem.mend}")
            continue
        folders[case_id] = result
        features[case_id] = np.load(result / FEATURES)
    if not folders:
        raise InputError.of(problems)
    return folders, features


def embedding_table(features: Mapping[str, np.ndarray], patients: Mapping[str, str]) -> pd.DataFrame:
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
    """outlines.npy (a row a case, eight pixels a byte) and OUTLINES: the ROI on every picture."""
    cases = sorted(pictures)
    np.save(folder / OUTLINES_FILE, np.stack([np.packbits(read_picture(pictures[case]).mask) for case in cases]))
    OUTLINES.write(folder, pd.DataFrame({"case_id": cases}))


def read_outlines(folder: Path) -> dict[str, np.ndarray]:
    """What `write_outlines` left, packed, by case."""
    return dict(zip(OUTLINES.read(folder)["case_id"], np.load(folder / OUTLINES_FILE), strict=True))


def unpacked(outline: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """bool (size) of a packed outline."""
    return np.unpackbits(outline, count=int(np.prod(size))).reshape(size).astype(bool)
