"""What a command starts from: the pipeline, its settings, the manifest, the study's folder."""

from __future__ import annotations

import csv
import importlib
import os
import pkgutil
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlr.cli.command_line import line_given
from dlr.cli.screen import say
from dlr.errors import InputError

if TYPE_CHECKING:
    from dlr.engine import Pipeline, Result, Study
    from dlr.phantom import OfVolumes

__all__ = [
    "DEFAULT_PIPELINE",
    "MANIFEST",
    "PARAMS",
    "RUNS",
    "Start",
    "as_it_ran",
    "cohorts_of_volumes",
    "cores",
    "find_study",
    "load_pipeline",
    "prepare",
    "prepare_again",
    "shipped_params",
    "shipped_pipelines",
]

DEFAULT_PIPELINE = "her2_ultrasound"
MANIFEST, PARAMS, RUNS = "data_manifest.csv", "params.yaml", "runs"
NAME = re.compile(r"[\w][\w .+-]{0,60}(?<![ .])")  # a folder's name on any system


@dataclass(frozen=True)
class Start:
    """A study about to run."""

    pipeline: Pipeline
    settings: Any  # of the pipeline's own class
    manifest: Path
    features: Path | None
    study: Path
    params: str | None = None  # as given with --params
    sets: tuple[str, ...] = ()  # as given with --set
    lines: tuple[str, ...] = ()  # the commands that made the study what it is

    def run(self, *, jobs: int | None = None, **options: Any) -> Result:
        """Run it on so many processes, all cores by default; further options are those of `run_pipeline`."""
        from dlr.engine import run_pipeline

        return run_pipeline(
            self.pipeline,
            self.study,
            self.manifest,
            self.settings,
            features=self.features,
            jobs=cores() if jobs is None else jobs,
            started={"params": self.params, "sets": list(self.sets), "commands": list(self.lines)},
            **options,
        )


def prepare(
    pipeline: str,
    manifest: Path | None = None,
    params: str | None = None,
    features: Path | None = None,
    overrides: Sequence[str] = (),
    name: str | None = None,
    out: Path | None = None,
) -> Start:
    """Everything that a run's options say; without --params the params.yaml beside the manifest counts, and is said.

    Raises InputError for what cannot be found or understood.
    """
    loaded = load_pipeline(pipeline)
    found = manifest if manifest is not None else Path(MANIFEST)
    if not found.is_file():
        raise _no_manifest(found, given=manifest is not None)
    if features is None:
        refuse_unmade_images(found)
    given = _read_params(params) if params is not None else _beside(found) or _shipped(pipeline)
    settings = _resolved(loaded, given, overrides, found)
    lines = tuple(filter(None, [line_given()]))
    return Start(loaded, settings, found, features, study_folder(pipeline, name, out), params, tuple(overrides), lines)


def prepare_again(study: Study, overrides: Sequence[str] = ()) -> Start:
    """A study to go on with, `overrides` on top of those of its last run.

    Its settings are those of its last run; but where that run was given no --params, the params.yaml that lies beside
    its manifest now, as `dlr run` would take it.
    """
    loaded, manifest = load_pipeline(study.pipeline), _manifest_of(study)
    before = study.started or {"params": str(study.settings_file), "sets": []}  # runs up to 0.1.0 did not say
    sets = _last_of_each([*before["sets"], *overrides])
    beside = _beside(manifest) if before["params"] is None else None
    given = beside or _settings_of(study)
    settings = _resolved(loaded, given, sets if beside else overrides, manifest)
    lines = (*study.commands, *filter(None, [line_given() if overrides else None]))
    return Start(loaded, settings, manifest, study.inputs.features, study.folder, before["params"], tuple(sets), lines)


def as_it_ran(study: Study) -> Start:
    """A study with the settings of its last run, whatever its files say now: what was fitted belongs to these.

    The study's folder is enough: its manifest need not be there.
    """
    loaded, manifest = load_pipeline(study.pipeline), study.inputs.manifest or study.folder / MANIFEST
    settings = _resolved(loaded, _settings_of(study), (), manifest)
    return Start(loaded, settings, manifest, study.inputs.features, study.folder)


def shipped_pipelines() -> tuple[str, ...]:
    """Names of the pipelines that are installed."""
    package = importlib.import_module("dlr.pipelines")
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))


def shipped_params() -> tuple[str, ...]:
    """Names of the parameter files that are installed."""
    files = resources.files("dlr.params").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def load_pipeline(name: str) -> Pipeline:
    """The pipeline of an installed name."""
    if name not in shipped_pipelines():
        raise _unknown("pipeline", name, shipped_pipelines())
    pipeline: Pipeline = importlib.import_module(f"dlr.pipelines.{name}").PIPELINE
    return pipeline


def study_folder(pipeline: str, name: str | None, out: Path | None) -> Path:
    """runs/PIPELINE, runs/PIPELINE-NAME, or the folder that was given."""
    if out is not None:
        return out
    if name is None:
        return Path(RUNS) / pipeline
    if not NAME.fullmatch(name):
        raise InputError(f"--name {name}", "this cannot be part of a folder's name", "use letters and digits")
    return Path(RUNS) / f"{pipeline}-{name}"


def find_study(given: Path | None) -> Study:
    """The study of a folder, or the only one below runs/."""
    from dlr.engine import open_study

    if given is not None:
        return open_study(given)
    found = sorted(path.parent for path in Path(RUNS).glob("*/run.json"))
    if len(found) == 1:
        return open_study(found[0])
    if (Path(RUNS) / DEFAULT_PIPELINE) in found:
        return open_study(Path(RUNS) / DEFAULT_PIPELINE)
    what = f"there are {len(found)} studies here: {', '.join(map(str, found))}" if found else "no study has run here"
    raise InputError(RUNS, what, "name one" if found else "start one with `dlr run`, or go to its folder")


def cohorts_of_volumes() -> dict[str, type[OfVolumes]]:
    """Pipelines that are shown on a built-in cohort of volumes of their own, and the settings that make it."""
    from dlr.phantom import DcePhantomSettings, VolumePhantomSettings

    return {"receptors_ultrasound3d": VolumePhantomSettings, "receptors_dcemri": DcePhantomSettings}


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def refuse_unmade_images(manifest: Path) -> None:
    """Raise InputError where the manifest is the built-in cohort's and its images are not made yet."""
    if not _first_image_missing(manifest):
        return
    from dlr.phantom import built_in_volumes, is_built_in, missing_files

    volumes = built_in_volumes(manifest)
    if volumes is not None or is_built_in(manifest):
        n = len(missing_files(manifest))
        shown_by = [f" --pipeline {name}" for name, kind in cohorts_of_volumes().items() if kind is volumes]
        command = "dlr demo" + "".join(shown_by)
        raise InputError(
            where=str(manifest),
            what=f"this is the built-in cohort, and {n} of its images and masks are not made yet",
            mend=f"run `{command}`, which makes them (under 20 s) and then runs the study",
        )


def _first_image_missing(manifest: Path) -> bool:
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            return any(row.get("image") and not os.path.exists(manifest.parent / row["image"]) for row in rows)
    except (UnicodeDecodeError, csv.Error):
        return False  # not as the built-in one is written


@dataclass(frozen=True)
class Given:
    """A parameter file as it was read."""

    content: Any
    source: str  # its name in messages
    folder: Path | None = None  # where it lies, if it is the user's


def _read_params(given: str) -> Given:
    """The parameter file of a path, or the shipped one of a name."""
    path = Path(given)
    if not path.is_file():
        shipped = _shipped(given.removesuffix(".yaml"))
        if shipped is None:
            raise _unknown("parameter file", given, shipped_params())
        return shipped
    from dlr.engine import read_yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(str(path), "this is not text in UTF-8", "save it as UTF-8") from error
    return Given(read_yaml(text, str(path)) or {}, str(path), path.resolve().parent)


def _shipped(name: str) -> Given | None:
    from dlr.engine import read_yaml

    if name not in shipped_params():
        return None
    source = f"params/{name}.yaml"
    text = (resources.files("dlr.params") / f"{name}.yaml").read_text(encoding="utf-8")
    return Given(read_yaml(text, source) or {}, source)


def _beside(manifest: Path) -> Given | None:
    """The params.yaml that lies beside a manifest, which is said."""
    path = manifest.absolute().parent / PARAMS
    if not path.is_file():
        return None
    say(f"Settings: {path}, beside the manifest", err=True)
    return _read_params(str(path))


def _settings_of(study: Study) -> Given:
    """The resolved settings of a study's last run, whichever release made it."""
    from dlr.settings import without_withdrawn

    given = _read_params(str(study.settings_file))
    return replace(given, content=without_withdrawn(given.content))


def _resolved(pipeline: Pipeline, given: Given | None, overrides: Sequence[str], manifest: Path) -> Any:
    from dlr.engine import resolve

    given = given or Given({}, "the defaults")
    folders = [Path.cwd(), *([given.folder] if given.folder is not None else []), manifest.resolve().parent]
    return resolve(pipeline.settings, given.content, overrides, source=given.source, folders=folders)


def _manifest_of(study: Study) -> Path:
    manifest = study.inputs.manifest
    if manifest is None or not manifest.is_file():
        raise _no_manifest(manifest or Path(MANIFEST), given=True)
    return manifest


def _last_of_each(sets: Sequence[str]) -> list[str]:
    """Of several texts KEY=VALUE with one key the last."""
    return list({text.partition("=")[0].strip(): text for text in sets}.values())


def _unknown(kind: str, name: str, known: Sequence[str]) -> InputError:
    from dlr.engine import nearest

    near = nearest(name, known)
    mend = f"did you mean {near}?" if near else f"installed are {', '.join(known)}"
    return InputError(name, f"there is no {kind} of this name", mend)


def _no_manifest(path: Path, given: bool) -> InputError:
    if given:
        return InputError(str(path), "there is no such manifest", "give its path with --manifest")
    return InputError(
        where=str(Path.cwd()),
        what=f"there is no {MANIFEST} here",
        mend="name yours with --manifest PATH, begin one with `dlr init`, or see a whole study with `dlr demo`",
    )
