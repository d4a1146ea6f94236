"""A study on the disk, as its last run left it: what predict, report and status start from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlr.engine.inputs import Inputs
from dlr.engine.store import STAGE_RECORD, Store, damaged, read_record
from dlr.errors import InputError

__all__ = ["SETTINGS_FILE", "Study", "folder_of_inputs", "open_study", "study_words", "write_inputs", "write_run"]

RUN_FILE, SETTINGS_FILE, INPUTS_FILE = "run.json", "settings.yaml", ".inputs.json"


@dataclass(frozen=True)
class Study:
    """The outputs of the last run by stage, and what it was started with.

    folders : None where a stage left itself out; a stage that has not run yet is not among them.
    """

    folder: Path
    pipeline: str
    inputs: Inputs
    folders: dict[str, Path | None]
    left_out: dict[str, str]
    records: dict[str, dict[str, Any]]
    started: dict[str, Any] | None = None  # what the caller of its last run wrote down for itself

    @property
    def words(self) -> str:
        """The study's folder as a user would type it."""
        return study_words(self.folder)

    @property
    def commands(self) -> tuple[str, ...]:
        """The lines that made it what it is; none where it was not run by a command."""
        return tuple((self.started or {}).get("commands", ()))

    @property
    def settings_file(self) -> Path:
        """The resolved settings of the last run."""
        return self.folder / SETTINGS_FILE


def study_words(folder: Path) -> str:
    """A study's folder as a user would type it: runs/NAME, or its name."""
    return f"{folder.parent.name}/{folder.name}" if folder.parent.name == "runs" else folder.name


def write_run(
    study: Path, pipeline: str, inputs: Inputs, keys: Mapping[str, str], started: Mapping[str, Any] | None = None
) -> None:
    """Write down what a run started from and the keys of all stages; paths relative, so that a project may move."""
    content = {
        "pipeline": pipeline,
        "manifest": _relative(inputs.manifest, study),
        "features": _relative(inputs.features, study),
        "stages": dict(keys),
        "started": None if started is None else dict(started),
    }
    beside = study / f".{RUN_FILE}"
    beside.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(beside, study / RUN_FILE)


def write_inputs(study: Path, inputs: Inputs) -> None:
    """Write down where a run's tables lie, relative to the study: what stages keep names images from there."""
    content = {"manifest": _relative(inputs.manifest, study), "features": _relative(inputs.features, study)}
    beside = study / f"{INPUTS_FILE}.new"
    beside.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    os.replace(beside, study / INPUTS_FILE)


def folder_of_inputs(outputs: Path) -> Path | None:
    """The folder from which a stage's outputs name images; None for a folder outside any study."""
    study = Path(os.path.abspath(outputs)).parents[2]
    try:
        content = json.loads((study / INPUTS_FILE).read_text(encoding="utf-8"))
        named = content["manifest"] or content["features"]
        return Path(os.path.abspath(study / named)).parent
    except (OSError, ValueError, LookupError, TypeError):
        return None


def open_study(folder: Path) -> Study:
    """Read a study as its last run left it. Raises InputError where there has been none."""
    folder = Path(os.path.abspath(folder))
    try:
        content = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            where=str(folder),
            what="this is not the folder of a study that has run",
            mend="name the study's folder (below runs/), or start one with `dlr run`",
        ) from error
    _check_run(content, folder)
    store = Store(folder)
    folders: dict[str, Path | None] = {}
    left_out: dict[str, str] = {}
    records: dict[str, dict[str, Any]] = {}
    for name, key in content["stages"].items():
        place = store.stage_folder(name, key)
        try:
            record = read_record(place / STAGE_RECORD)
        except ValueError:
            record = None
        if record is None:
            continue
        if (other := damaged(place, record)) is not None:
            what = "is not as the study wrote it (damaged, or changed by hand)"
            raise InputError(str(place / other), what, "run the study again with `dlr run`: it is computed anew")
        records[name] = record
        reason = record.get("left_out")
        folders[name] = None if reason else place
        if reason:
            left_out[name] = str(reason)
    paths = {role: folder / content[role] if content.get(role) else None for role in ("manifest", "features")}
    inputs = Inputs(**{role: None if path is None else Path(os.path.abspath(path)) for role, path in paths.items()})
    return Study(folder, content["pipeline"], inputs, folders, left_out, records, content.get("started"))


def _check_run(content: Any, folder: Path) -> None:
    """InputError where run.json is not as a run writes it."""
    texts, started = (
        ("pipeline", "manifest", "features"),
        {} if not isinstance(content, dict) else content.get("started"),
    )
    sound = (
        isinstance(content, dict)
        and all(isinstance(content.get(name), str | None) for name in texts)
        and isinstance(content.get("pipeline"), str)
        and isinstance(content.get("stages"), dict)
        and all(isinstance(key, str) for key in content["stages"].values())
        and isinstance(started, dict | None)
        and all(isinstance((started or {}).get(name, []), list) for name in ("commands", "sets"))
    )
    if not sound:
        what = f"{RUN_FILE} is not as a run of dlr writes it"
        raise InputError(str(folder / RUN_FILE), what, "run the study again with `dlr run`: what was computed is kept")


def _relative(path: Path | None, folder: Path) -> str | None:
    if path is None:
        return None
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path)
