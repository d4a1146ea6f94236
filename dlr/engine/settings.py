"""Settings: defaults, then a YAML file, then --set; typed, checked once, unknown keys refused with their nearest."""

from __future__ import annotations

import difflib
import os
import re
import reprlib
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dlr.errors import InputError, Problem, SettingError

__all__ = ["known_keys", "nearest", "read_yaml", "resolve", "write_settings"]

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
Model = TypeVar("Model", bound=BaseModel)
_LONGEST = 200_000  # characters of a file of settings; ours have 3,000 at most
_DEEPEST = 30  # levels of settings in one another; ours have 5
_MOST = 20  # unknown settings that are named one by one
_NOT_OF_ITS_TAG = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)  # `!!int abc`
UNKNOWN_KEY = ("extra_forbidden", "invalid_key")  # pydantic's names; the second for a key that is no text


class _Loader(yaml.SafeLoader):
    """YAML in which only true and false are booleans (not yes, no, on, off, as tables of patients have them), 1e-3 is
    a number, a date is text, a key that stands twice is an error, and nothing is written once to stand many times."""

    depth = 0  # of the node that is composed

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            what = "an anchor or alias (& or *): write the value where it is meant, or text in quotation marks"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)
        if self.depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {_DEEPEST}", problem_mark=event.start_mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)  # type: ignore[no-untyped-call]
        self.depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)  # type: ignore[no-untyped-call]
        except _NOT_OF_ITS_TAG as error:
            kind = str(node.tag).rpartition(":")[2]
            raise yaml.MarkedYAMLError(problem=f"no value of kind {kind}", problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is a word, no list or mapping", problem_mark=node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^(?:[-+]?(?:0|[1-9][0-9]*|(?=\.[0-9]))(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$",
     list("-+.0123456789")),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read_yaml(text: str, where: str) -> Any:
    """The content of YAML text; a mistake in it is an InputError with line and column."""
    if len(text) > _LONGEST:
        raise InputError(where, f"{len(text)} characters, no file of settings", "give a file of settings in YAML")
    try:
        return yaml.load(text, Loader=_Loader)  # a subclass of SafeLoader
    except (yaml.YAMLError, *_NOT_OF_ITS_TAG) as error:  # of a directive or an escape, too
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        mend = "mend the line; text that begins with { [ & * ! % @ or holds ': ' stands in quotation marks"
        raise InputError(f"{where}{place}", f"this is not YAML as expected: {what}", mend) from error


def resolve(
    model: type[Model],
    params: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    *,
    source: str = "the parameter file",
    folders: Sequence[Path] = (),
) -> Model:
    """The settings of a study.

    params : the content of a parameter file, named by `source`. overrides : texts "section.key=value", the value in
    YAML. folders : where a relative path among the settings may start; the first that holds it wins.
    Raises InputError with every problem at once.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    if params is not None:
        if not isinstance(params, Mapping):
            raise InputError(source, "a parameter file is a mapping of sections", "write `section:` and keys below it")
        values = _copied(params)
        origins[""] = source
    for text in overrides:
        _override(values, text, origins, problems)
    try:
        settings = model.model_validate(values, extra="forbid")  # also where a section forgot to forbid them
    except ValidationError as error:
        problems += _problems(model, error, origins)
    if problems:
        raise InputError.of(problems)
    return typing.cast(Model, _with_absolute_paths(settings, folders))


def write_settings(settings: BaseModel, path: Path) -> None:
    """The resolved settings as YAML, which `resolve` reads back."""
    text = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(beside, path)


def known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Every key of a model and of the models in it, dotted."""
    out = []
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        out.append(f"{prefix}{name}")
        if inner is not None:
            out += known_keys(inner, f"{prefix}{name}.")
    return out


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word most like this one, None when none is: by its whole, then by its last part."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if found:
        return found[0]
    last = word.rpartition(".")[2]
    by_last = {each.rpartition(".")[2]: each for each in reversed(known)}
    found = difflib.get_close_matches(last, list(by_last), n=1, cutoff=0.6)
    return by_last[found[0]] if found else None


def _copied(value: Any) -> Any:
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _override(values: dict[str, Any], text: str, origins: dict[str, str], problems: list[Problem]) -> None:
    """Put one "a.b=value" into the values."""
    where = f"--set {text}"
    name, equals, written = text.partition("=")
    parts = name.strip().split(".")
    if not equals or not all(parts):
        problems.append(Problem(where, "this is not KEY=VALUE", "write for example --set cohort.target=her2"))
        return
    try:
        value = read_yaml(written, where)
    except InputError as error:
        problems += error.problems
        return
    place = values
    for i, part in enumerate(parts[:-1]):
        inner = place.setdefault(part, {})
        if inner is None:
            inner = place[part] = {}
        if not isinstance(inner, dict):
            taken = ".".join(parts[: i + 1])
            problems.append(Problem(where, f"{taken} is {inner!r} and has no keys", f"set {taken} itself"))
            return
        place = inner
    place[parts[-1]] = value
    origins[name.strip()] = where


def _origin(name: str, origins: dict[str, str]) -> str:
    """Where a key was written: the nearest key above it that has an origin, or one below it."""
    at = name
    while at and at not in origins:
        at = at.rpartition(".")[0]
    below = (origin for key, origin in origins.items() if key.startswith(f"{name}."))
    return origins[at] if at in origins and at else next(below, origins.get("", "the settings"))


def _problems(model: type[BaseModel], error: ValidationError, origins: dict[str, str]) -> list[Problem]:
    """One problem a key, however many members its union has; an unknown key is answered with the nearest."""
    by_key: dict[str, list[Any]] = {}
    annotations: dict[str, Any] = {}
    for each in error.errors(include_url=False):
        unknown = each["type"] in UNKNOWN_KEY
        above = each["loc"][:-1] if unknown else each["loc"]
        name, annotation = _key_of_location(model, above)
        if unknown:
            name = f"{name}.{each['loc'][-1]}" if name else str(each["loc"][-1])
        by_key.setdefault(name, []).append(each)
        annotations[name] = annotation
    out = []
    strangers = [name for name, found in by_key.items() if any(each["type"] in UNKNOWN_KEY for each in found)]
    for name in strangers[_MOST:]:
        del by_key[name]
    for name, each_error in by_key.items():
        where, annotation = _origin(name, origins), annotations[name]
        if name in strangers[:_MOST]:
            out.append(Problem(where, f"there is no setting {name}", _nearest_setting(model, name, annotation)))
            continue
        said = list(dict.fromkeys(each["msg"].removeprefix("Value error, ") for each in each_error))
        given = each_error[0]["input"]
        shown = f" (given: {_shown(given)})" if not isinstance(given, BaseModel | Mapping) else ""
        what = f"{name}: {'; or '.join(said)}{shown}" if name else f"{'; '.join(said)}"
        cause = each_error[0].get("ctx", {}).get("error")
        own = cause.mend if isinstance(cause, SettingError) else None
        out.append(Problem(where, what, own or f"give {_described(annotation)}"))
    if more := strangers[_MOST:]:
        what = f"{len(more)} further settings are unknown: {more[0]} to {more[-1]}"
        out.append(Problem(_origin(more[0], origins), what, "is this the file of settings that is meant?"))
    return out


def _shown(given: Any) -> str:
    """A value as a message shows it, however large it is."""
    return _SHORT.repr(given)


def _nearest_setting(model: type[BaseModel], name: str, annotation: Any) -> str:
    """The mend for an unknown key: the nearest key beside it, else anywhere, else all that are beside it."""
    section = _model_in(annotation)
    known = list(section.model_fields) if section is not None else []
    prefix = name[: name.rindex(".") + 1] if "." in name else ""
    near = nearest(name, [f"{prefix}{each}" for each in known]) or nearest(name, known_keys(model))
    return f"did you mean {near}?" if near else f"known here: {', '.join(known)}"


def _key_of_location(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, Any]:
    """The dotted key of a pydantic location, without the names of a union's members, and its annotation."""
    inner: Any = model
    names: list[str] = []
    annotation: Any = model
    for part in location:
        if isinstance(inner, type) and issubclass(inner, BaseModel) and part in inner.model_fields:
            annotation = inner.model_fields[str(part)].annotation
            names.append(str(part))
            inner = _model_in(annotation)
            if inner is None and _model_of_values(annotation) is not None:
                inner = annotation
        elif inner is not None and not isinstance(inner, type) and (of_values := _model_of_values(inner)) is not None:
            names.append(str(part))
            inner = annotation = of_values
        else:
            break
    return ".".join(names), annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return tuple(m for each in typing.get_args(annotation) for m in _members(each))
    return (annotation,)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    return next((m for m in _members(annotation) if isinstance(m, type) and issubclass(m, BaseModel)), None)


def _model_of_values(annotation: Any) -> type[BaseModel] | None:
    """The model that a mapping of models holds: dict[str, Column] -> Column."""
    for member in _members(annotation):
        if typing.get_origin(member) in (dict, Mapping) and len(typing.get_args(member)) == 2:
            return _model_in(typing.get_args(member)[1])
    return None


def _described(annotation: Any) -> str:
    """What a key takes, in words."""
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}
    out = []
    for member in _members(annotation):
        origin, arguments = typing.get_origin(member), typing.get_args(member)
        if origin is typing.Literal:
            out.append(" | ".join(str(each) for each in arguments))
        elif origin in (list, tuple, set, frozenset) or member in (list, tuple):
            out.append("a list such as [a, b]")
        elif origin is dict or member is dict or _model_in(member) is not None:
            out.append("keys and values, such as {a: b}")
        elif isinstance(member, type) and issubclass(member, Enum):
            out.append(" | ".join(str(each.value) for each in member))
        elif isinstance(member, type) and issubclass(member, Path):
            out.append("a path")
        else:
            out.append(words.get(member, "another value"))
    # by name, null last: Python keeps one order for all unions of the same members, whoever wrote it first
    return ", or ".join(sorted(set(out), key=lambda word: (word == "null", word)))


def _with_absolute_paths(value: Any, folders: Sequence[Path]) -> Any:
    """The settings with every relative path that is found made absolute."""
    if isinstance(value, BaseModel):
        old = {name: getattr(value, name) for name in type(value).model_fields}
        new = {name: _with_absolute_paths(item, folders) for name, item in old.items()}
        moved = {name: item for name, item in new.items() if item is not old[name]}
        return value.model_copy(update=moved) if moved else value
    if isinstance(value, Path) and not value.is_absolute():
        return next((folder / value for folder in folders if os.path.exists(folder / value)), value)
    return value
