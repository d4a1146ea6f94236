"""Generators of a study: taken from elsewhere, or fitted on its training patients and judged on those kept from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dlr.cohort import files_of_image
from dlr.csv_files import read_csv, write_csv
from dlr.engine import Inputs, Run, Task
from dlr.errors import require_extra
from dlr.randomness import seed_of
from dlr.study.cases import GENERATOR, CaseRow, rows_of
from dlr.study.cohort import CohortTables
from dlr.study.superres import LEARNING, UNITS_FILE, Members
from dlr.study.tasks import out_of_key, task_of
from dlr.study.trainings import checkpoints, identified
from dlr.superres import AdversarialSettings, SuperresSettings
from dlr.tables import SUPERRES_CURVES
from dlr.words import Side

if TYPE_CHECKING:
    from dlr.superres import Enhancer

__all__ = [
    "PSNR", "FitGenerator", "JudgeDiscriminator", "fit_generator", "fitted_generator", "judge_discriminator",
    "perceptual_network", "perceptual_weights", "seconds_of_all", "taken_generator", "weights_files",
]  # fmt: skip

NEUTRAL = (  # to a training: they matter when its network is applied or checked
    "weights", "consistent", "measure_on", "check_share", "tile", "overlap", "planted_amplitude", "effect",
)  # fmt: skip
PSNR, CURVES_FILE, WARMED_FILE, SAID_FILE = "psnr", "curves.csv", "discriminator.safetensors", "said.json"
PERCEPTUAL = ("efficientnet_lite0", "imagenet")


@dataclass(frozen=True)
class FitGenerator:
    """One phase of a training, on images alone."""

    images: tuple[Path, ...]  # in units
    begun: Path | None  # the generator that is set against a discriminator; None: one is fitted for fidelity
    settings: SuperresSettings
    precision: str  # as this machine resolves it
    perceptual: Path | None  # weights of the network in whose features images are compared
    seed: int
    cases: tuple[str, ...] = field(metadata=out_of_key("names for messages"))
    identity: str = field(metadata=out_of_key("made of the fields above"))
    checkpoint: Path = field(metadata=out_of_key("where the training is kept until it has ended"))


@dataclass(frozen=True)
class JudgeDiscriminator:
    """What a generator was set against, to be judged after the training: no check image is part of that."""

    images: tuple[Path, ...]  # in units, of check patients
    begun: Path  # the generator whose images the discriminator learnt to tell, before either moved
    discriminator: Path  # as it then was
    settings: SuperresSettings
    seed: int


def weights_files(inputs: Inputs, settings: Any) -> dict[str, Path]:
    """What the key of stage superres holds of `superres.weights`; InputError, before an image is read, for no file."""
    given = settings.superres
    if given.method != "weights":
        return {}
    require_extra("superres", "superres.method weights")
    from dlr.superres.weights import generator_files

    names = {"weights": "superres.weights", "about": "superres.weights, form", "seen": "superres.weights, images"}
    return {names[role]: file for role, file in generator_files(given.weights).items()}


def taken_generator(run: Run, settings: SuperresSettings, tables: CohortTables) -> dict[str, Any]:
    """Save into generator/ what was not fitted here, and give what is to be said of it."""
    from dlr.superres import Enhancer, load_generator
    from dlr.superres.weights import SEEN_FILE, generator_files

    if settings.weights is None:
        origin = {"source": "bicubic interpolation"}
        _keep(run, settings, Enhancer(None, settings.scale), origin)
        return {"origin": origin}
    network, origin = load_generator(settings.weights, settings.scale)
    _keep(run, settings, Enhancer(network, settings.scale), origin)
    seen = generator_files(settings.weights).get("seen")
    if seen is not None:
        shutil.copyfile(seen, run.folder / GENERATOR / SEEN_FILE)
        _warn_of_seen(run, tables, set(json.loads(seen.read_text(encoding="utf-8"))))
    return {"origin": origin}


def fitted_generator(
    run: Run, settings: SuperresSettings, members: Members, native: dict[str, Path]
) -> tuple[Path | None, dict[str, Any]]:
    """Fit a generator and save it into generator/, and what it was before the adversary into psnr/.

    Returns the folder of the latter, None where there was no adversary, and what is to be said of the training.
    """
    from dlr.superres import Enhancer
    from dlr.superres.weights import SEEN_FILE

    phases = _trained_generators(run, settings, members, native)
    rows = [row for row in members.fitted if row.case_id in native]
    patients = len({row.patient_id for row in rows})
    origin = {"source": f"fitted on images of {patients} training patients of this study"}
    for folder, name in zip(reversed(phases), (GENERATOR, PSNR), strict=False):
        _keep(run, settings, Enhancer.load(folder / GENERATOR), origin, name)
    seen = sorted({digest for row in rows for digest in _digests_of_image(run, row)})
    (run.folder / GENERATOR / SEEN_FILE).write_text(json.dumps(seen, indent=1), encoding="utf-8")
    SUPERRES_CURVES.write(run.folder, pd.concat([read_csv(folder / CURVES_FILE) for folder in phases]))
    said = {"origin": origin, "fitted_on": patients}
    if len(phases) == 1:
        return None, said
    return run.folder / PSNR, said | {"discriminator_auc": _told_apart(run, settings, members, native, phases)}


def _keep(run: Run, settings: SuperresSettings, made: Enhancer, origin: dict[str, str], name: str = GENERATOR) -> None:
    """Save a generator with how it is applied here."""
    tile, overlap, consistent = settings.tile, settings.seen_around, settings.consistent
    replace(made, tile=tile, overlap=overlap, consistent=consistent, origin=origin).save(run.folder / name)


def _digests_of_image(run: Run, row: CaseRow) -> set[str]:
    return {run.digest(file) for file in files_of_image(row.image)}


def _warn_of_seen(run: Run, tables: CohortTables, seen: set[str]) -> None:
    """Say whose images a generator of another study was fitted on."""
    rows = rows_of(tables.cases[tables.cases["image"] != ""])
    patients = {row.patient_id for row in rows if _digests_of_image(run, row) & seen}
    if patients:
        held = sum(tables.sides[patient] != Side.TRAIN for patient in patients)
        run.warn(
            f"superres.weights were fitted on images of {len(patients)} patients of this study, {held} of them not on "
            "the training side: what is checked and predicted on them looks better than on new patients"
        )


def _trained_generators(
    run: Run, settings: SuperresSettings, members: Members, native: dict[str, Path]
) -> tuple[Path, ...]:
    """What the phases of the training left: for fidelity, which both methods have, then against a discriminator."""
    from dlr.networks.chip import device_of, precision_of

    cases = sorted(row.case_id for row in members.fitted if row.case_id in native)
    heeded = _of_training(settings)
    for_fidelity = FitGenerator(
        images=tuple(native[case] / UNITS_FILE for case in cases),
        begun=None,
        settings=heeded.model_copy(update={"method": "psnr", "adversarial": AdversarialSettings()}),
        precision=precision_of(settings.training, device_of(settings.training)),
        perceptual=None,
        seed=seed_of(run.seed, "superres", "generator"),
        cases=tuple(cases),
        identity="",
        checkpoint=checkpoints(run),
    )

    workers = run.executor.workers

    def phase(payload: FitGenerator) -> Path:
        name = f"fit-{payload.settings.method}-x{settings.scale}"
        compares = ["timm"] if payload.perceptual is not None else []
        task = task_of(run, name, identified(run, payload), libraries=[*LEARNING, *compares])
        (folder,) = run.each(fit_generator, [task], "generators", lambda: workers * seconds_of_fit(run, settings))
        return folder

    phases = [phase(for_fidelity)]
    if settings.method == "gan":
        against = replace(
            for_fidelity,
            begun=phases[0] / GENERATOR,
            settings=heeded,
            perceptual=perceptual_weights() if settings.adversarial.perceptual > 0 else None,
        )
        phases.append(phase(against))
    shutil.rmtree(checkpoints(run), ignore_errors=True)  # not before: the second phase may be under way
    return tuple(phases)


def _of_training(settings: SuperresSettings) -> SuperresSettings:
    """What does not matter to a training at its default."""
    own = SuperresSettings.model_fields
    return settings.model_copy(update={name: own[name].default for name in NEUTRAL})


def _told_apart(
    run: Run, settings: SuperresSettings, members: Members, native: dict[str, Path], phases: Sequence[Path]
) -> float | None:
    """The AUC of the discriminator on images of check patients; None where there are none."""
    images = tuple(native[row.case_id] / UNITS_FILE for row in members.checked if row.case_id in native)
    if not images:
        return None
    payload = JudgeDiscriminator(
        images, phases[0] / GENERATOR, phases[1] / WARMED_FILE, _of_training(settings),
        seed_of(run.seed, "superres", "generator"),
    )  # fmt: skip
    task = task_of(run, "discriminator", payload, libraries=LEARNING)
    (folder,) = run.each(judge_discriminator, [task], "discriminators")
    told: float = json.loads((folder / SAID_FILE).read_text(encoding="utf-8"))
    return told


def judge_discriminator(task: Task, folder: Path) -> None:
    """Leave said.json: how well it tells images from what the generator makes of them."""
    from dlr.networks.weights import read_weights
    from dlr.superres import Enhancer, discriminator_auc
    from dlr.superres.fitting import discriminator_of

    given: JudgeDiscriminator = task.payload
    discriminator = discriminator_of(given.settings, given.seed)
    discriminator.load_state_dict(read_weights(given.discriminator))
    images = [np.load(file, mmap_mode="r") for file in given.images]
    generator = Enhancer.load(given.begun).network
    assert generator is not None  # it was fitted
    told = discriminator_auc(discriminator.eval(), generator, images, given.settings, given.seed)
    (folder / SAID_FILE).write_text(json.dumps(told), encoding="utf-8")


def fit_generator(task: Task, folder: Path) -> None:
    """One phase; leave generator/, curves.csv and the discriminator as it was after its warm-up."""
    from dlr.networks.weights import save_weights
    from dlr.superres import Enhancer, fit

    given: FitGenerator = task.payload
    fitted = fit(
        [np.load(file, mmap_mode="r") for file in given.images],
        given.cases,
        given.settings,
        given.seed,
        begun=None if given.begun is None else Enhancer.load(given.begun).network,
        perceptual=None if given.perceptual is None else perceptual_network(),
        checkpoint=given.checkpoint,
        identity=given.identity,
    )
    Enhancer(fitted.generator, given.settings.scale).save(folder / GENERATOR)
    curves = pd.DataFrame(fitted.curves, columns=["phase", "epoch", "measure", "value"])
    write_csv(folder / CURVES_FILE, curves[list(SUPERRES_CURVES.names)])
    if fitted.warmed is not None:
        save_weights(fitted.warmed, folder / WARMED_FILE)


def perceptual_network() -> Any:
    """The network in whose features images are compared."""
    from dlr.deep import load_weights
    from dlr.superres import perceptual_of

    return perceptual_of(load_weights(*PERCEPTUAL)[0])


def perceptual_weights() -> Path:
    """The file of its weights; InputError where their package is not installed."""
    from dlr.deep.weights import weights_file

    require_extra("deep", "the network in whose features images are compared")
    return weights_file(*PERCEPTUAL)[0]


def seconds_of_fit(run: Run, settings: SuperresSettings) -> float:
    """Of the training at most, by one measured step; and say so."""
    from dlr.superres.duration import seconds_a_crop

    if not settings.fitted:
        return 0.0
    rate, gan = seconds_a_crop(settings), settings.method == "gan"
    epochs = settings.training.epochs + (2 * settings.adversarial.epochs if gan else 0)  # two networks a step
    seconds = rate * settings.crops * epochs
    run.log(
        f"generator {settings.network}, {settings.training.epochs} epochs of {settings.crops} crops"
        f"{f', {settings.adversarial.epochs} more against a discriminator' if gan else ''}, "
        f"{rate:.2g} s a crop: up to {seconds / 60:,.0f} min"
    )
    return seconds


def seconds_of_all(run: Run, tables: CohortTables, settings: SuperresSettings) -> float:
    """Fitting, and enhancing every image, at most."""
    from dlr.superres.duration import seconds_a_pixel

    facts = tables.facts
    pixels = float((facts["width"] * facts["height"]).sum())
    seconds = seconds_a_pixel(settings) * pixels / run.executor.workers
    run.log(f"{len(facts)} images of {pixels / 1e6:.3g} million pixels: up to {seconds / 60:,.0f} min to enhance")
    return seconds_of_fit(run, settings) + seconds
