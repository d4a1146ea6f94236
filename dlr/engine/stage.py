"""A stage: a function with a name, a version and everything its result depends on; a pipeline: stages in order."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from dlr.engine.inputs import Inputs
    from dlr.engine.run import Run

__all__ = ["EVERYTHING", "Pipeline", "Stage", "release", "stage"]

NAME = re.compile(r"[a-z][a-z0-9_]*")
EVERYTHING = "everything"  # among a stage's `asks`: whatever an earlier stage gives
Heeded = tuple[Sequence[str], Sequence[str]]  # sections, libraries
TWINS = {"xgboost": ("xgboost", "xgboost-cpu")}  # one library under two names


@dataclass(frozen=True)
class Stage:
    """One step of a study.

    Its key is made of all fields but `function`, `publish`, `gives`, `apply`, `models`, `foretell` and `heeds`.
    """

    name: str
    function: Callable[[Run], None]
    version: int  # rises whenever a number may change
    needs: tuple[str, ...] = ()  # stages whose outputs it reads; if one left itself out, so does this one
    optional: tuple[str, ...] = ()  # stages whose outputs it reads where they are there: None otherwise
    sections: tuple[str, ...] = ()  # settings it may see: "learn", or one field of a section, "learn.folds"
    libraries: tuple[str, ...] = ()  # distributions whose releases matter to its numbers
    files: Callable[[Inputs, Any], Mapping[str, Path]] | None = None  # more files it reads, each with a name
    publish: tuple[str, ...] = ()  # outputs that are copied to the top of the study's folder
    gives: tuple[Hashable, ...] = ()  # tables among its outputs; later stages ask for them by the table
    asks: tuple[Hashable, ...] = ()  # it reads every earlier stage that gives one of these; EVERYTHING: every one
    apply: Callable[[Any], None] | None = None  # how its outputs are applied to new patients
    models: tuple[Any, ...] = ()  # what it fits that the house has no name for: ModelSpec
    foretell: Callable[[Run], float] | None = None  # seconds it takes at most, told from its first need alone
    heeds: Callable[[Any], Heeded] | None = None  # what of `sections` and `libraries` counts under given settings

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def releases(self) -> dict[str, str]:
        """The releases of the libraries that matter, by name; "absent" where one is not installed."""
        return {name: release(name) for name in self.libraries}

    def under(self, settings: BaseModel) -> Stage:
        """The stage with those sections and libraries alone that count under a study's settings."""
        if self.heeds is None:
            return self
        sections, libraries = self.heeds(settings)
        undeclared = {*sections} - {*self.sections} | {*libraries} - {*self.libraries}
        if undeclared:
            raise ValueError(f"stage {self.name} heeds what it does not declare: {', '.join(sorted(undeclared))}")
        return replace(self, sections=tuple(sections), libraries=tuple(libraries))

    def __call__(self, run: Run) -> None:
        self.function(run)


def stage(
    name: str,
    *,
    version: int,
    needs: Sequence[str] = (),
    optional: Sequence[str] = (),
    sections: Sequence[str] = (),
    libraries: Sequence[str] = (),
    files: Callable[[Inputs, Any], Mapping[str, Path]] | None = None,
    publish: Sequence[str] = (),
    gives: Sequence[Hashable] = (),
    asks: Sequence[Hashable] = (),
    apply: Callable[[Any], None] | None = None,
    models: Sequence[Any] = (),
    foretell: Callable[[Run], float] | None = None,
    heeds: Callable[[Any], Heeded] | None = None,
) -> Callable[[Callable[[Run], None]], Stage]:
    """Make a stage of a function of one Run. The function's docstring is the sentence that status shows.

    A stage without needs answers for the user's files: its key holds the digests of the manifest and of the feature
    table. A setting that is a path, or text that names a file, counts by that file's content. What else a stage
    reads, such as the files that a manifest names, `files(inputs, settings)` names.
    `sections=["*"]` sees all settings. Where one setting decides which others matter, `heeds(settings)` gives the
    sections and libraries that count under it: the keys of the stage and of its tasks hold these alone, and its run
    sees no other.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"a stage's name is a word of lower-case letters, digits and _: not {name!r}")

    def make(function: Callable[[Run], None]) -> Stage:
        return Stage(
            name, function, version, tuple(needs), tuple(optional), tuple(sections), tuple(libraries), files,
            tuple(publish), tuple(gives), tuple(asks), apply, tuple(models), foretell, heeds,
        )  # fmt: skip

    return make


@dataclass(frozen=True)
class Pipeline:
    """Stages in the order in which they run, and the pydantic class of their settings."""

    name: str
    stages: Sequence[Stage]
    settings: type[BaseModel]

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        before: set[str] = set()
        for each in self.stages:
            if each.name in before:
                raise ValueError(f"pipeline {self.name}: two stages are named {each.name}")
            for need in each.needs:
                if need not in before:
                    raise ValueError(f"pipeline {self.name}: {each.name} needs {need}, which does not come before it")
            for section in each.sections:
                self._check_section(each.name, section)
            before.add(each.name)

    def _check_section(self, name: str, section: str) -> None:
        if section == "*":
            return
        model: Any = self.settings
        for part in section.split("."):
            fields = getattr(model, "model_fields", {})
            if part not in fields:
                raise ValueError(f"pipeline {self.name}: stage {name} declares settings {section}, which are not there")
            model = fields[part].annotation

    def __getitem__(self, name: str) -> Stage:
        return next(each for each in self.stages if each.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The stages' names in order."""
        return tuple(each.name for each in self.stages)

    def sources(self, name: str) -> tuple[str, ...]:
        """The earlier stages that it reads: its needs, optional ones that are here, those that give what it asks."""
        own = self[name]
        before = self.stages[: self.names.index(name)]
        asked = [each.name for each in before if EVERYTHING in own.asks or set(each.gives) & set(own.asks)]
        optional = [each.name for each in before if each.name in own.optional]
        return tuple(dict.fromkeys((*own.needs, *optional, *asked)))

    @property
    def models(self) -> tuple[Any, ...]:
        """The models that its stages name, in their order."""
        return tuple(model for each in self.stages for model in each.models)

    def closure(self, name: str) -> tuple[str, ...]:
        """A stage and all that it reads, directly or not, in the order of the pipeline."""
        wanted = {name}
        for each in reversed(self.names):
            if each in wanted:
                wanted.update(self.sources(each))
        return tuple(each for each in self.names if each in wanted)


@cache
def release(name: str) -> str:
    """The installed release of a distribution, "absent" where there is none; nothing is imported."""
    for candidate in TWINS.get(name.lower(), (name,)):
        try:
            return version(candidate)
        except PackageNotFoundError:
            continue
    return "absent"
