# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""The Methods paragraph of the 3-D networks: how volumes were cut, what was trained on them, from which weights, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlr.report.sources import Sources
from dlr.tables import PREDICTIONS, TSNE
from dlr.words import Model, Protocol, Side

__all__ = ["begun", "chains_of", "from_scratch", "networks_of_volumes"]


def networks_of_volumes(sources: Sources) -> str:
    """Only of networks that were trained."""
    volume, receptors = (sources.about.further.get(name) for name in ("volume", "receptors"))
    if volume is None or receptors is None or not (trained := sources.networks_of_volumes):
        return ""
    sentences = [
        _cut(volume),
        _architecture(sources, receptors, trained),
        *_training(receptors),
        _losses(receptors, trained),
        _stopping(sources, receptors["training"]),
        _chains(sources, receptors, trained),
    ]
    if sources.table(TSNE) is not None:
        sentences.append("Features of one chain of each network were laid out by t-SNE in three dimensions.")
    return " ".join(filter(None, sentences))


def from_scratch(sources: Sources) -> bool:
    """Whether the 3-D networks began with random weights alone."""
    return _weights(sources)["weights"] == "none"


def begun(sources: Sources) -> str:
    """How a sentence calls where their training began."""
    return "trained from scratch" if from_scratch(sources) else f"begun from {_weights(sources)['weights']}"


def _weights(sources: Sources) -> dict[str, Any]:
    """weights (a file's name, or none), tensors, source, as the stage kept them; else of the settings the name alone."""
    kept: dict[str, Any] | None = sources.document("receptors.json")
    asked = str((sources.about.further.get("receptors") or {}).get("weights", "none"))
    found = kept or {"weights": asked}
    return {**found, "weights": str(found["weights"]).replace("\\", "/").rpartition("/")[2]}


def chains_of(sources: Sources, model: str) -> int:
    """Over how many cross-fitted chains the mean of a test patient runs."""
    table = sources.table(PREDICTIONS)
    if table is None:
        return 0
    own = table[(table["model"] == model) & (table["variant"] == "") & (table["protocol"] == Protocol.CROSSFIT)]
    return len(own[["seed", "fold"]].drop_duplicates())


def _cut(volume: Mapping[str, Any]) -> str:
    size = volume["size"]
    voxels = " × ".join(map(str, size)) if isinstance(size, list | tuple) else f"{size}³"
    cut = (
        f"The outline's bounding box with {volume['margin_mm']:g} mm around it"
        if volume["crop"] == "lesion" else "The whole image"
    )  # fmt: skip
    low, high = volume["clip"]
    whose = "the training volumes of each part" if volume["scale"] == "part" else "each volume"
    return f"{cut} was resampled to {voxels} voxels, clipped at the {low:g} and {high:g} percentiles of {whose} and scaled to 0 to 1."


def _architecture(sources: Sources, receptors: Mapping[str, Any], trained: tuple[str, ...]) -> str:
    passes = receptors["passes"]
    again = f", {passes} passes, the map of a pass added to the input of the next" if passes > 1 else ""
    kinds = {
        Model.SINGLE_TASK: "SingleTask (a 3-D ResNet for the receptors alone)",
        Model.MULTI_TASK: f"MultiTask (the same encoder with a decoder of the outline{again})",
    }
    named = " and ".join(words for model, words in kinds.items() if model in trained)
    together = "one network for all receptors" if receptors["one_network"] else "a network for each receptor"
    return f"{named} had {receptors['depth']} layers and {receptors['width']} channels in the stem ({receptors['stem']}; {receptors['norm']} norm), {together}, and started from {_start(sources)}."


def _start(sources: Sources) -> str:
    """Random weights, or a file's by its name alone, with how much of it was taken and in what it differs."""
    kept = _weights(sources)
    if kept["weights"] == "none":
        return "random weights"
    facts = [
        kept.get("source", ""),
        f"{kept['tensors']} tensors taken, all others random" if kept.get("tensors") else "",
    ]
    more = "; ".join(filter(None, facts))
    return f"the weights of {kept['weights']}" + (f" ({more})" if more else "")


def _training(receptors: Mapping[str, Any]) -> list[str]:
    training = receptors["training"]
    schedule = "constant" if training["schedule"] == "constant" else "falling along a cosine"
    sentences = [
        f"They were trained for at most {training['epochs']} epochs with {training['optimiser']} at {training['rate']:g} ({schedule}), {training['batch_size']} volumes a step; missing labels and outlines left the loss.",
    ]
    if training["augment"]:
        sentences.append(
            "Training volumes were turned, mirrored left to right, shifted, and changed in gain and gamma at random, anew in every epoch."
        )
    if training["ema"] is not None:
        sentences.append(f"An exponential mean of the weights (decay {training['ema']:g}) was judged and kept.")
    return sentences


def _losses(receptors: Mapping[str, Any], trained: tuple[str, ...]) -> str:
    own, outline = "focal loss" if receptors["loss"] == "focal" else "cross-entropy", receptors["segmentation"]
    words = f"The loss was the receptors' {own}"
    if Model.MULTI_TASK in trained:
        words += f", of MultiTask with {outline['weight']:g} times Dice loss and cross-entropy of the outline's voxels beside it"
        words += ", also of coarser maps (deep supervision)" if outline["deep_supervision"] else ""
    return f"{words}."


def _stopping(sources: Sources, training: Mapping[str, Any]) -> str:
    """Whose loss chose the epoch, by protocol: under the published one a drawn validation side's."""
    protocols, sentences = sources.settings.learn.protocols, []
    by_side = Protocol.PAPER in protocols and sources.has(Side.VALIDATION)
    waiting = "" if training["patience"] is None else f", training ended {training['patience']} epochs after the best"
    if by_side:
        sentences.append(
            f"In the published way the receptors' loss on the validation side chose the epoch{waiting}: its patients are not fully held out."
        )
    if not by_side or len(protocols) > 1:
        elsewhere = "Elsewhere the" if by_side else "The"
        sentences.append(
            f"{elsewhere} epoch was chosen by the receptors' loss of {100 * training['validation_share']:g} % of the patients of each training part{waiting}."
            if training["patience"] is not None else f"{elsewhere} networks ran all epochs."
        )  # fmt: skip
    return " ".join(sentences)


def _chains(sources: Sources, receptors: Mapping[str, Any], trained: tuple[str, ...]) -> str:
    """How many networks stand behind a test patient's value, where the other models have more drawings."""
    learn = sources.settings.learn
    count = max(chains_of(sources, model) for model in trained)
    if Protocol.CROSSFIT not in learn.protocols or not count:
        return ""
    fewer = receptors["seeds"] < learn.seeds
    of = f", of the first {receptors['seeds']} of {learn.seeds} seeds" if fewer else ""
    return (
        f"In cross-fitting each had {count} chain{'' if count == 1 else 's'}{of}, whose mean is a test patient's value."
    )
