"""What a command starts from: the pipeline, its settings, the manifest, the study's folder."""

from __future__ import annotations

import csv
import importlib
import os
import pkgutil
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlr.errors import InputError

if TYPE_CHECKING:
    from dlr.engine import Pipeline, Result, Study

__all__ = [
    "DEFAULT_PIPELINE",
    "MANIFEST",
    "RUNS",
    "Start",
    "cores",
    "find_study",
    "load_pipeline",
    "prepare",
    "prepare_again",
    "shipped_params",
    "shipped_pipelines",
]

DEFAULT_PIPELINE, MANIFEST, RUNS = "her2_ultrasound", "data_manifest.csv", "runs"
NAME = re.compile(r"[\w][\w .+-]{0,60}(?<![ .])")  # a folder's name on any system


@dataclass(frozen=True)
class Start:
    """A study about to run."""

    pipeline: Pipeline
    settings: Any  # of the pipeline's own class
    manifest: Path
    features: Path | None
    study: Path

    def run(self, *, jobs: int | None = None, **options: Any) -> Result:
        """Run it on so many processes, all cores by default; further options are those of `run_pipeline`."""
        from dlr.engine import run_pipeline

        jobs = cores() if jobs is None else jobs
        return run_pipeline(
            self.pipeline, self.study, self.manifest, self.settings, features=self.features, jobs=jobs, **options
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
    """Everything that a run's options say. Raises InputError for what cannot be found or understood."""
    from dlr.engine import resolve

    if pipeline not in shipped_pipelines():
        raise _unknown("pipeline", pipeline, shipped_pipelines())
    found = manifest if manifest is not None else Path(MANIFEST)
    if not found.is_file():
        raise _no_manifest(found, given=manifest is not None)
    if features is None:
        refuse_unmade_images(found)
    loaded = load_pipeline(pipeline)
    content, source, beside = _params(params, pipeline)
    folders = [Path.cwd(), *([beside] if beside is not None else []), found.resolve().parent]
    settings = resolve(loaded.settings, content, overrides, source=source, folders=folders)
    return Start(loaded, settings, found, features, study_folder(pipeline, name, out))


def prepare_again(study: Study, overrides: Sequence[str] = ()) -> Start:
    """A study as its last run was started: its own settings and files."""
    from dlr.engine import read_yaml, resolve

    loaded = load_pipeline(study.pipeline)
    file = study.settings_file
    content = read_yaml(file.read_text(encoding="utf-8"), str(file))
    settings = resolve(loaded.settings, content, overrides, source=str(file), folders=[Path.cwd()])
    if study.inputs.manifest is None or not study.inputs.manifest.is_file():
        raise _no_manifest(study.inputs.manifest or Path(MANIFEST), given=True)
    return Start(loaded, settings, study.inputs.manifest, study.inputs.features, study.folder)


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


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def refuse_unmade_images(manifest: Path) -> None:
    """Raise InputError where the manifest is the built-in cohort's and its images are not made yet."""
    if not _first_image_missing(manifest):
        return
    from dlr.phantom import is_built_in, missing_files

    if is_built_in(manifest):
        n = len(missing_files(manifest))
        raise InputError(
            where=str(manifest),
            what=f"this is the built-in cohort, and {n} of its images and masks are not made yet",
            mend="run `dlr demo`, which makes them (under 20 s) and then runs the study",
        )


def _first_image_missing(manifest: Path) -> bool:
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            return any(row.get("image") and not (manifest.parent / row["image"]).exists() for row in rows)
    except (UnicodeDecodeError, csv.Error):
        return False  # not as the built-in one is written


def _params(given: str | None, pipeline: str) -> tuple[Any, str, Path | None]:
    """The content of the parameter file, its name, and the folder that it lies in if it is the user's."""
    from dlr.engine import read_yaml

    if given is not None and Path(given).is_file():
        path = Path(given)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(str(path), "this is not text in UTF-8", "save it as UTF-8") from error
        return read_yaml(text, str(path)) or {}, str(path), path.resolve().parent
    name = (given or pipeline).removesuffix(".yaml")
    known = shipped_params()
    if name in known:
        file = resources.files("dlr.params") / f"{name}.yaml"
        return read_yaml(file.read_text(encoding="utf-8"), f"params/{name}.yaml") or {}, f"params/{name}.yaml", None
    if given is not None:
        raise _unknown("parameter file", given, known)
    return {}, "the defaults", None


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
