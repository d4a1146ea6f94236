"""Which 3-D networks a study asks for: its models and the rows of their ablation, by markers and parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlr.cohort import learnable
from dlr.engine import Run
from dlr.errors import InputError
from dlr.protocols import Part
from dlr.study.cohort import CohortTables
from dlr.study.parts import learnable_parts
from dlr.study.trainings import minutes_of, wanted_parts
from dlr.study.volumes import VolumeSet
from dlr.volume import ReceptorSettings
from dlr.volume.ablation import ablated
from dlr.words import EVERY_PART, Model, Target

if TYPE_CHECKING:
    from dlr.volume.fitting import Kind

__all__ = ["MODELS", "Asked", "asked_networks", "check_outlines", "name_of", "seconds_of_all", "trained_by"]

MODELS = {"single": Model.SINGLE_TASK, "multi": Model.MULTI_TASK, "spatial": Model.SPATIAL}


@dataclass(frozen=True)
class Asked:
    """One network that one part is asked for."""

    kind: Kind
    row: str  # of the ablation; "" is the model itself
    settings: ReceptorSettings  # of the row
    group: str  # of markers: the one it answers for, or all
    targets: tuple[Target, ...]  # of these the ones that the part's training patients can teach
    part: Part

    @property
    def named(self) -> str:
        """As a log line calls it."""
        return f"{MODELS[self.kind]} {self.row}".strip()


def check_outlines(run: Run, volumes: VolumeSet) -> None:
    """InputError where a network learns outlines and none is there; else say what too few of them cost."""
    settings: ReceptorSettings = run.settings.receptors
    learning = [MODELS[kind].value for kind in settings.models if kind != "single"]
    if learning and not any(volumes.outlined.values()):
        what = f"no volume has an outline, which {' and '.join(learning)} need{'s' * (len(learning) == 1)}"
        raise InputError("receptors.models", what, "set it to [single], or outline some")
    if "spatial" not in settings.models:
        return
    outlined = {volumes.patients[case] for case, there in volumes.outlined.items() if there}
    bare = sorted(set(volumes.patients.values()) - outlined)
    if bare:
        run.warn(f"{Model.SPATIAL} neither learns from nor answers for patients without outline: {', '.join(bare)}")
    reach, volume = settings.regions.peritumoral_mm, run.settings.volume
    if "peritumoral" in settings.regions.use and volume.crop == "lesion" and reach > volume.margin_mm:
        run.warn(
            f"peritumoral tissue reaches {reach:g} mm out (receptors.regions.peritumoral_mm), but volumes end "
            f"{volume.margin_mm:g} mm from the lesion: raise volume.margin_mm to {reach:g}"
        )


def asked_networks(
    run: Run, volumes: VolumeSet, tables: CohortTables, targets: Sequence[Target], parts: Sequence[Part]
) -> list[Asked]:
    """Every network of every part that has what it learns from."""
    out = []
    fitted = {target.name: set(learnable_parts(parts, target, tables.labels(target))) for target in targets}
    for kind, row, settings in _rows(run.settings.receptors):
        for group in _groups(settings, targets):
            for part in wanted_parts(parts, settings.seeds):
                learnt = [target for target in group if part in fitted[target.name]]
                answered = _answered(volumes, tables, learnt, part, kind)
                if kind != "single" and not volumes.of(set(part.train), outlined=True):
                    if not row:
                        what = f"{MODELS[kind]} is not trained there"
                        run.warn(f"{part.name}: no training volume has an outline, so that {what}")
                elif answered:
                    out.append(Asked(kind, row, settings, name_of(group), answered, part))
    return out


def seconds_of_all(run: Run, targets: Sequence[Target], parts: Sequence[Part]) -> float:
    """How long all trainings take at most, told before there are volumes: by one measured step of each network."""
    from dlr.volume import seconds_a_volume

    settings: ReceptorSettings = run.settings.receptors
    shown = [len(part.train) for part in wanted_parts(parts, settings.seeds)]
    rates: dict[tuple[str, str], float] = {}
    for kind, _, one in _rows(settings):
        groups = _groups(one, targets)
        network = kind, f"{len(groups)}: {trained_by(one, kind, groups[0]).model_dump_json()}"
        if network not in rates:
            rates[network] = len(groups) * seconds_a_volume(kind, run.settings.volume, one)
    return 60 * minutes_of(run, sum(rates.values()), shown, settings.training.epochs)


def _rows(settings: ReceptorSettings) -> list[tuple[Kind, str, ReceptorSettings]]:
    """Every network of a study under its settings, the models themselves first, then the rows of the ablation."""
    models: list[tuple[Kind, str, ReceptorSettings]] = [(kind, "", settings) for kind in settings.models]
    return models + [("spatial", row, changed) for row, changed in ablated(settings).items()]


def _groups(settings: ReceptorSettings, targets: Sequence[Target]) -> list[tuple[Target, ...]]:
    """The markers of each network."""
    return [tuple(targets)] if settings.one_network else [(target,) for target in targets]


def name_of(group: Sequence[Target]) -> str:
    """The folder of a network's chains: its marker's, or that of all."""
    return group[0].name if len(group) == 1 else EVERY_PART


def _answered(
    volumes: VolumeSet, tables: CohortTables, group: Sequence[Target], part: Part, kind: Kind
) -> tuple[Target, ...]:
    """The markers that the volumes of a part's training patients can teach."""
    seen = sorted({volumes.patients[case] for case in volumes.of(set(part.train), outlined=kind == "spatial")})
    return tuple(target for target in group if learnable(target, tables.labels(target).reindex(seen)))


def trained_by(settings: ReceptorSettings, kind: str, targets: Sequence[Target]) -> ReceptorSettings:
    """The settings that a training depends on: what only other models or the application heed stays out."""
    unheeded = ["models", "one_network", "flips", "seeds", "ablation"]
    if kind != "multi":
        unheeded += ["segmentation", "passes"]
    if kind != "spatial":
        unheeded += ["regions", "attention", "extractor", "dimension"]
    elif len(targets) == 1:
        unheeded += ["extractor"]  # of one target it is its own
    if all(target.binary for target in targets):
        unheeded += ["per_cent_loss"]
    own = ReceptorSettings.model_fields
    return settings.model_copy(update={name: own[name].get_default(call_default_factory=True) for name in unheeded})
