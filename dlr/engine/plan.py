"""The keys of all stages of a pipeline, known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dlr.engine.digests import Digests
from dlr.engine.inputs import Inputs
from dlr.engine.keys import fields_in_key, identity_of_settings, key_of, plain
from dlr.engine.run import View
from dlr.engine.stage import Pipeline, Stage
from dlr.engine.store import Store

__all__ = ["Planned", "plan", "seed_of_study", "settings_of"]

FORMAT = 1  # of the keys themselves


@dataclass(frozen=True)
class Planned:
    """A stage with the key it has today."""

    stage: Stage
    key: str
    parts: dict[str, Any]
    folder: Path
    files: dict[str, Path]  # by the name under which their digests are among the parts


def plan(pipeline: Pipeline, settings: BaseModel, inputs: Inputs, digests: Digests, store: Store) -> dict[str, Planned]:
    """The key of every stage, from its own parts and the keys of what it reads."""
    out: dict[str, Planned] = {}
    for declared in pipeline.stages:
        each = declared.under(settings)
        name = each.name
        sources = pipeline.sources(name)
        files = dict(_files_of_settings(each, settings, inputs))
        if not sources:
            files |= inputs.named()
        if each.files is not None:
            files |= each.files(inputs, settings)
        # what a model contains decides what those who ask for its tables may do with it
        models = {"models": [vars(model) for model in pipeline.models]} if each.asks and pipeline.models else {}
        parts = plain(
            models
            | {
                "engine": FORMAT,
                "stage": name,
                "version": each.version,
                "seed": seed_of_study(settings),
                "settings": _settings_part(each, settings),
                "libraries": each.releases(),
                "needs": {source: out[source].key for source in sources},
                "files": {label: digests.of(path) for label, path in files.items()},
            }
        )
        key = key_of(parts)
        out[name] = Planned(each, key, parts, store.stage_folder(name, key), files)
    return out


def seed_of_study(settings: BaseModel) -> int:
    """The study's seed: the setting `seed`, 0 where there is none."""
    return int(getattr(settings, "seed", 0))


def settings_of(each: Stage, settings: BaseModel) -> View:
    """What the stage declared of the settings: whole sections as they are, single fields as a view of them."""
    whole: dict[str, Any] = {}
    fields: dict[str, dict[str, Any]] = {}
    for name, value in _declared(each, settings):
        section, _, field = name.partition(".")
        if field:
            fields.setdefault(section, {})[field] = value
        else:
            whole[section] = value
    about = f"the settings of stage {each.name}"
    views = {section: View(f"{about} in {section}", values) for section, values in fields.items()}
    return View(about, {**views, **whole})


def _declared(each: Stage, settings: BaseModel) -> Iterator[tuple[str, Any]]:
    every = [name for name in type(settings).model_fields if name != "seed"]  # the seed is in every key by itself
    for name in every if "*" in each.sections else each.sections:
        value: Any = settings
        for part in name.split("."):
            value = getattr(value, part)
        yield name, value


def _settings_part(each: Stage, settings: BaseModel) -> dict[str, Any]:
    """The declared settings as parts of a key: paths stay out (their contents are among the files)."""
    out: dict[str, Any] = {}
    for name, value in _declared(each, settings):
        *above, last = name.split(".")
        place = out
        for part in above:
            place = place.setdefault(part, {})
        place[last] = identity_of_settings(value)
    return out


def _files_of_settings(each: Stage, settings: BaseModel, inputs: Inputs) -> Iterator[tuple[str, Path]]:
    """Files that the declared settings name: paths, and texts with a dot or slash that name a file."""
    for name, value in _declared(each, settings):
        for label, text in _texts(name, value):
            if isinstance(text, Path) or any(mark in text for mark in "./\\"):
                for folder in (Path.cwd(), inputs.folder):
                    try:
                        if text and (folder / text).exists() and (isinstance(text, Path) or (folder / text).is_file()):
                            yield label, folder / text
                            break
                    except (OSError, ValueError):
                        continue


def _texts(name: str, value: Any) -> Iterator[tuple[str, str | Path]]:
    if isinstance(value, str | Path):
        yield name, value
    elif isinstance(value, BaseModel):
        for field in fields_in_key(type(value)):
            yield from _texts(f"{name}.{field}", getattr(value, field))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{name}.{key}", item)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _texts(f"{name}.{i}", item)
