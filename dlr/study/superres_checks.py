"""The battery in a study: each check patient's simulated pair as a task, fields of pure speckle, lesions to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dlr.cohort.reading import at_case
from dlr.engine import Run, Task, TaskFailure
from dlr.errors import InputError, missing_modules
from dlr.randomness import rng
from dlr.study.cases import GENERATOR, read_generator
from dlr.study.generators import PSNR, perceptual_network, perceptual_weights
from dlr.study.linking import linked
from dlr.study.simulated import BICUBIC, RESTORED, simulated_pair
from dlr.study.superres import MASK_FILE, UNITS_FILE, Members
from dlr.study.tasks import task_of
from dlr.superres import DegradationSettings, SuperresSettings
from dlr.tables import CHECKED, CHECKS, FIDELITY, SUPERRES_EXAMPLES

if TYPE_CHECKING:
    from dlr.superres import Enhancer
    from dlr.superres.checked import Pair

__all__ = [
    "CheckFields", "CheckPatient", "Generators", "check_all", "check_fields", "check_patient", "judged",
    "shown_lesions",
]  # fmt: skip

ROWS_FILE, EXAMPLE = "checked.parquet", "example"
RANKS = ("best", "median", "worst")
AROUND = 32  # pixels of the truth around a lesion that are kept to be shown
FIELD = slice(88, 120)  # where a field's lesion would be: the counts are of the whole field


@dataclass(frozen=True)
class Generators:
    """What is checked."""

    generator: Path
    before: Path | None  # what it was before the adversary, where there was one
    scale: int


@dataclass(frozen=True)
class CheckPatient:
    """One check patient's image, to be made coarser and restored."""

    image: Path  # in units
    mask: Path
    case_id: str  # of whose draws
    generators: Generators
    degradation: DegradationSettings
    amplitude: float
    seed: int
    perceptual: Path | None  # weights of the network in whose features images are compared, where they are installed


@dataclass(frozen=True)
class CheckFields:
    """Fields of pure speckle, the same way."""

    generators: Generators
    degradation: DegradationSettings
    amplitude: float
    seed: int


def check_all(
    run: Run, settings: SuperresSettings, members: Members, native: Mapping[str, Path], before: Path | None
) -> tuple[pd.DataFrame, dict[str, Path]]:
    """CHECKED, and the folder of every case that could be checked; the others are named."""
    what = (Generators(run.folder / GENERATOR, before, settings.scale), settings.degradation)
    compared = None if missing_modules("deep") else perceptual_weights()
    rows = [row for row in members.checked if row.case_id in native]
    tasks = []
    for row in rows:
        files = (native[row.case_id] / UNITS_FILE, native[row.case_id] / MASK_FILE)
        payload = CheckPatient(*files, row.case_id, *what, settings.planted_amplitude, run.seed, compared)
        tasks.append(task_of(run, row.case_id, payload, may_fail=True))
    folders, tables = {}, []
    for row, result in zip(rows, run.each_or_failure(check_patient, tasks, label="check patients"), strict=True):
        if isinstance(result, TaskFailure):
            run.warn(f"case {row.case_id} is not checked: {result.problem.what}. {result.problem.mend}")
            continue
        folders[row.case_id] = result
        found = pd.read_parquet(result / ROWS_FILE)
        tables.append(found.assign(case_id=row.case_id, patient_id=row.patient_id))
    fields = task_of(run, "fields", CheckFields(*what, settings.planted_amplitude, run.seed))
    (result,) = run.each(check_fields, [fields], label="fields of speckle")
    tables.append(pd.read_parquet(result / ROWS_FILE).assign(patient_id=""))
    return pd.concat(tables, ignore_index=True)[list(CHECKED.names)], folders


def judged(run: Run, checked: pd.DataFrame, patients: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """FIDELITY and CHECKS; without rows where no patient could be checked."""
    from dlr.superres.checks import checks_of, fidelity_of

    if not patients:
        run.warn("no training patient with an outline could be checked: what the generator invents is not known")
        return FIDELITY.empty(), CHECKS.empty()
    return fidelity_of(checked, run.seed), checks_of(checked, run.seed)


def check_patient(task: Task, folder: Path) -> None:
    """Measure one patient's pair, and check A on the image as it is enhanced; leave checked.parquet and example/."""
    from dlr.superres.checked import measure_enhanced, measure_pair

    given: CheckPatient = task.payload
    units, mask = np.load(given.image), np.load(given.mask)
    height, width = (edge // given.generators.scale * given.generators.scale for edge in mask.shape)
    if not mask[:height, :width].any():
        where, mend = f"case {given.case_id}", "outline the lesion, not the image's edge"
        raise InputError(
            where, "its lesion lies in the image's last rows or columns, which no coarser pixel holds", mend
        )
    planted = rng(given.seed, "superres", "planted", given.case_id)
    try:
        pair = simulated_pair(units, mask, given.case_id, given.generators.scale, given.degradation, given.seed)
        made = _enhancers(given.generators)
        outputs = {name: enhancer.restored(pair.low) for name, enhancer in made.items()}
        rows = measure_pair(pair, outputs, given.amplitude, planted, None if given.perceptual is None else _distance())
        enhanced = {name: made[name].restored(units) for name in (RESTORED, BICUBIC)}
        native = measure_enhanced(units, enhanced, mask, given.generators.scale, given.degradation)
    except InputError as error:
        raise at_case(error, given.case_id) from error
    pd.concat([rows, native], ignore_index=True).to_parquet(folder / ROWS_FILE, index=False)
    _keep_example(pair, outputs, folder / EXAMPLE)


def check_fields(task: Task, folder: Path) -> None:
    """Count what appears in pure speckle; leave checked.parquet."""
    from dlr.superres.checked import measure_field
    from dlr.superres.speckle import speckle_fields

    given: CheckFields = task.payload
    tables = []
    for number, truth in enumerate(speckle_fields(given.seed)):
        name, mask = f"field {number + 1}", np.zeros(truth.shape, dtype=bool)
        mask[FIELD, FIELD] = True
        pair = simulated_pair(truth, mask, name, given.generators.scale, given.degradation, given.seed)
        generator = rng(given.seed, "superres", "planted", name)
        outputs = {name: enhancer.restored(pair.low) for name, enhancer in _enhancers(given.generators).items()}
        rows = measure_field(pair, outputs, given.amplitude, generator)
        tables.append(rows.assign(case_id=name))
    pd.concat(tables, ignore_index=True).to_parquet(folder / ROWS_FILE, index=False)


def _enhancers(given: Generators) -> dict[str, Enhancer]:
    """What is checked, and what it is held against, by subject."""
    from dlr.superres import Enhancer

    made = {RESTORED: read_generator(given.generator), BICUBIC: Enhancer(None, given.scale)}
    if given.before is not None:
        made[PSNR] = read_generator(given.before)
    return made


@lru_cache(maxsize=1)
def _distance() -> Callable[[np.ndarray, np.ndarray], float]:
    """How far two images (h, w) in units are apart in what Lite0 sees of them; made once a process."""
    import torch

    from dlr.superres.perceptual import PerceptualDistance

    distance = PerceptualDistance(perceptual_network())

    @torch.inference_mode()
    def of(truth: np.ndarray, output: np.ndarray) -> float:
        shown = (torch.from_numpy(np.ascontiguousarray(image))[None, None] for image in (output, truth))
        return float(distance(*shown).mean())

    return of


def _keep_example(pair: Pair, outputs: Mapping[str, np.ndarray], folder: Path) -> None:
    """The lesion and its surroundings, on whole pixels of the input: four images in levels of 255, and the mask."""
    s, cut = pair.scale, partial(_around, pair)
    levels = {"input": pair.low, "truth": pair.truth, RESTORED: outputs[RESTORED], BICUBIC: outputs[BICUBIC]}
    folder.mkdir()
    for name, image in levels.items():
        values = np.rint(255 * image[cut(1 if name == "input" else s)])
        np.save(folder / f"{name}.npy", values.clip(0, 255).astype(np.uint8))
    np.save(folder / "mask.npy", pair.lesion[cut(s)])


def _around(pair: Pair, scale: int) -> tuple[slice, slice]:
    """The lesion with a margin; in pixels of the truth where scale is the pair's, of the input where it is 1."""
    found = []
    for axis, edge in enumerate(pair.low.shape):
        seen = np.flatnonzero(pair.lesion.any(axis=1 - axis))
        first, last = (seen[0] - AROUND) // pair.scale, -(-(seen[-1] + 1 + AROUND) // pair.scale)
        found.append(slice(max(0, int(first)) * scale, min(edge, int(last)) * scale))
    return found[0], found[1]


def shown_lesions(run: Run, checked: pd.DataFrame, folders: Mapping[str, Path]) -> pd.DataFrame:
    """SUPERRES_EXAMPLES: the lesions with the largest, middle and least gain in PSNR; their arrays beside the table."""
    psnr = checked[(checked["measure"] == "psnr") & (checked["region"] == "lesion")]
    values = psnr.pivot(index=["case_id", "patient_id"], columns="subject", values="value")
    gains = (values[RESTORED] - values[BICUBIC]).sort_values(ascending=False, kind="stable").reset_index(name="gain")
    places = dict(zip(RANKS, (0, len(gains) // 2, len(gains) - 1), strict=True))
    rows = []
    for rank, place in list(places.items())[: len(gains)]:
        one = gains.iloc[place]
        home = f"examples/{rank}"
        for file in sorted((folders[one["case_id"]] / EXAMPLE).iterdir()):
            linked(file, run.folder / home / file.name)
        rows.append({**one.to_dict(), "rank": rank, "file": home})
    return pd.DataFrame(rows)[list(SUPERRES_EXAMPLES.names)]
