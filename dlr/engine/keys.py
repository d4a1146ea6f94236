"""Keys: SHA-256 over named, typed, delimited parts, and what differs between two sets of parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel

__all__ = [
    "UNLESS_DEFAULT", "Difference", "differences", "fields_in_key", "identity_of_settings", "key_of", "plain", "short",
]  # fmt: skip

UNLESS_DEFAULT: dict[str, Any] = {"in_key": "unless default"}  # of a field that came later: its default is as before it
SHORT = 20  # hexadecimal digits of a key in a folder's name: 80 bits, and a path that Windows still takes


def plain(value: Any, name: str = "value") -> Any:
    """The value as JSON has it, with its type kept: None, bool, int, float, str, list, dict with text keys.

    Enums become their values and tuples lists; whatever else cannot be written down exactly raises TypeError,
    a path above all: where a file lies is no part of what it says.
    """
    if isinstance(value, Enum):
        return plain(value.value, name)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{name}: the name {key!r} is of type {type(key).__name__}, not text")
        return {str(key): plain(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return sorted((plain(item, name) for item in value), key=_encode)
    raise TypeError(f"{name}: a {type(value).__name__} cannot be part of a key")


def fields_in_key(model: type[BaseModel]) -> list[str]:
    """The fields of settings that do not say `in_key: False`."""
    return [
        name
        for name, field in model.model_fields.items()
        if not (isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("in_key") is False)
    ]


def identity_of_settings(value: Any) -> Any:
    """Settings as parts of a key: fields that say `in_key: False` and the places of paths stay out.

    So do fields that say UNLESS_DEFAULT and have their default.
    """
    if isinstance(value, BaseModel):
        given = {name: getattr(value, name) for name in fields_in_key(type(value))}
        fields = type(value).model_fields
        return {
            name: identity_of_settings(item)
            for name, item in given.items()
            if fields[name].json_schema_extra != UNLESS_DEFAULT or item != fields[name].default
        }
    if isinstance(value, Path):
        return "a path"
    if isinstance(value, Mapping):
        return {str(name): identity_of_settings(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [identity_of_settings(item) for item in value]
    return value


def key_of(parts: Mapping[str, Any]) -> str:
    """SHA-256 (64 hexadecimal digits) of named parts; 1, True, 1.0 and "1" give four different keys."""
    return sha256(_encode(plain(parts))).hexdigest()


def short(key: str) -> str:
    """The beginning of a key that names its folder."""
    return key[:SHORT]


def _encode(value: Any) -> bytes:
    """A prefix code: type letter, length, content; no two plain values share one."""
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return _sized(b"i", str(value).encode())
    if isinstance(value, float):
        return _sized(b"f", (value.hex() if math.isfinite(value) else repr(value)).encode())
    if isinstance(value, str):
        return _sized(b"s", value.encode("utf-8", "surrogatepass"))
    if isinstance(value, list):
        return _sized(b"l", b"".join(_encode(item) for item in value))
    return _sized(b"d", b"".join(_encode(key) + _encode(value[key]) for key in sorted(value)))


def _sized(letter: bytes, content: bytes) -> bytes:
    return letter + str(len(content)).encode() + b":" + content


class Absent:
    """Stands for a part that one of two keys does not have."""


@dataclass(frozen=True)
class Difference:
    """One part that moved: its dotted name, what it was and what it is; `Absent` where there was or is none."""

    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        room, _, name = self.name.partition(".")
        if room == "needs":
            return f"{name} changed"
        if room == "files":
            change = "is new" if self.old is Absent else "is gone" if self.new is Absent else "changed"
            return f"{name} {change}"
        return f"{name if room == 'settings' else self.name}: {_show(self.old)} → {_show(self.new)}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Every leaf that differs between the parts of two keys, by dotted name, in the order of names."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        Difference(name, before.get(name, Absent), after.get(name, Absent))
        for name in sorted(before.keys() | after.keys())
        if name not in before or name not in after or _encode(before[name]) != _encode(after[name])
    ]


def _leaves(parts: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for name, value in parts.items():
        if isinstance(value, Mapping) and value:
            out += _leaves(value, f"{prefix}{name}.")
        else:
            out.append((f"{prefix}{name}", value))
    return out


def _show(value: Any) -> str:
    text = "absent" if value is Absent else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
