"""The Combined model's set of variables that was named beforehand, and what of it stayed in the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dlr.report.sources import Sources
from dlr.words import Protocol, Target

__all__ = [
    "entered", "image_signature", "left_words", "named_beforehand", "primary_set", "reasons_for_none", "set_words",
]  # fmt: skip


def primary_set(sources: Sources, target: Target, variant: str = "") -> dict[str, Any] | None:
    """The set of a target that was named beforehand, cross-fitted where it was; None where there is none."""
    stored: Any = sources.document("combined_model.json") or {}
    found = [
        entry
        for entry in stored.get("sets", [])
        if entry["primary"] and entry["variant"] == variant and entry["target"] == target.name
    ]
    found.sort(key=lambda entry: entry["protocol"] != Protocol.CROSSFIT)
    return found[0] if found else None


def reasons_for_none(sources: Sources, target: Target) -> list[str]:
    """Why a target has no Combined model, as stage combine wrote it down."""
    reasons = (sources.document("combined_model.json") or {}).get("reasons") or []
    own = [reason for reason in reasons if reason.startswith(f"{target.name}:")]
    return own or ([] if sources.several else list(reasons))


def entered(chosen: Mapping[str, Any]) -> list[str]:
    """The variables that stayed in a set's model: signatures and clinical columns."""
    model = chosen["model"]
    dropped = {name for name, _ in model["dropped"]}
    return [name for name in (*model["clinical"], *model["signatures"]) if name not in dropped]


def set_words(sources: Sources, chosen: Mapping[str, Any]) -> str:
    """A set by what is in its model, in the model's order: what its table, figure and nomogram are named after."""
    variant = f" ({chosen['variant']})" if chosen["variant"] else ""
    return (", ".join(map(sources.title_of, entered(chosen))) or "nothing") + variant


def left_words(sources: Sources, chosen: Mapping[str, Any]) -> str:
    """Which variables that were named beforehand left the model, and why; empty where all stayed."""
    left = [f"{sources.title_of(str(name))} ({reason})" for name, reason in chosen["model"]["dropped"]]
    return f"Named beforehand too, but not in the model: {'; '.join(left)}." if left else ""


def image_signature(sources: Sources, chosen: Mapping[str, Any]) -> str | None:
    """The set's signature that needs the image; None where it has none."""
    return next((name for name in chosen["model"]["signatures"] if sources.model(name).of_images), None)


def named_beforehand(sources: Sources, chosen: Mapping[str, Any], stayed: Collection[str]) -> str:
    """Which image signature the set holds, and that no result chose it; empty where it holds none.

    stayed : the variables that are in the model that is spoken of.
    """
    signature, setting = image_signature(sources, chosen), str(sources.settings.combine.signature)
    if signature is None:
        return ""
    if setting not in ("auto", signature):
        return f"Its image signature is {signature}, since {setting}, named beforehand, was not fitted."
    if signature not in stayed:
        return f"Its image signature, {signature}, was named beforehand (combine.signature: {setting}) and left it."
    return f"Its image signature is {signature}, named beforehand (combine.signature: {setting})."
