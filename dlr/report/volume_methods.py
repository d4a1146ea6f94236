# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""The Methods paragraph of the 3-D networks: how volumes were cut, what was trained on them, from which weights, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from dlr.report.sources import Sources
from dlr.tables import ABLATION, PREDICTIONS, TSNE
from dlr.volume import ReceptorSettings
from dlr.volume.settings import AblationRow
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
        _regions(receptors, trained),
        *_training(receptors, trained),
        _losses(sources, receptors, trained),
        _stopping(sources, receptors["training"]),
        _chains(sources, receptors, trained),
        _ablation(sources),
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
        Model.SPATIAL: f"Spatial ({_spatial(receptors)})" if Model.SPATIAL in trained else "",
    }
    named = " and ".join(words for model, words in kinds.items() if model in trained)
    what = "receptor" if all(target.binary for target in sources.targets) else "outcome"
    together = f"one network for all {what}s" if receptors["one_network"] else f"a network for each {what}"
    return f"{named} had {receptors['depth']} layers and {receptors['width']} channels in the stem ({receptors['stem']}; {receptors['norm']} norm), {together}, and started from {_start(sources)}."


def _spatial(receptors: Mapping[str, Any]) -> str:
    """Spatial in an aside: what looks, where it attends, what it pools."""
    given = ReceptorSettings.model_validate(receptors)
    flat = "2-D kernels, slice by slice" if given.dimension == "2d" else "3-D kernels"
    encoder = "one encoder" if given.extractor == "shared" else "an encoder for each outcome"
    attends = {
        "multi_scale": "spatial attention on layers 2 to 4, from the mean and the largest of all channels, each scale's added to the next coarser one's",
        "single_scale": "spatial attention on the last layer",
        "none": "no spatial attention",
    }[given.attention]
    used = ", ".join(given.regions.use)
    return f"{encoder} of {flat}, {attends}, means of the features over the regions {used}, weighed by a softmax learnt for each outcome, a shared layer and a head for each outcome"


def _regions(receptors: Mapping[str, Any], trained: tuple[str, ...]) -> str:
    """Where the regions lie, and what becomes of the input outside them."""
    if Model.SPATIAL not in trained:
        return ""
    regions = receptors["regions"]
    hidden = (
        "What lies in no region that is pooled was zero in the input."
        if regions["mask_input"] else "The input outside the regions stayed as it was."
    )  # fmt: skip
    return f"Regions follow the signed distance in mm from the surface of the original outline: core deeper than {regions['core_mm']:g} mm (or than {regions['core_share']:g} of the largest depth, where that is less), rim from there to {regions['rim_mm']:g} mm outside, peritumoral tissue from there to {regions['peritumoral_mm']:g} mm, inside the breast. {hidden}"


def _ablation(sources: Sources) -> str:
    """How the rows of the ablation came about, where there are any."""
    table = sources.table(ABLATION)
    rows = [] if table is None else [row for row in dict.fromkeys(table["row"]) if row in get_args(AblationRow)]
    if not rows:
        return ""
    return f"For the ablation Spatial was trained {len(rows)} further times ({', '.join(row.replace('_', ' ') for row in rows)}) on the same patients and folds with the same seeds; where a region was taken away, the input there was zero, but for the row core pooled, which shows that pooling alone hides nothing. Differences to the whole model are paired (DeLong on held-out patients, a bootstrap by patient out-of-fold) and not corrected for their number."


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


def _training(receptors: Mapping[str, Any], trained: tuple[str, ...]) -> list[str]:
    training = receptors["training"]
    missing = "missing labels" if trained == (Model.SPATIAL,) else "missing labels and outlines"
    schedule = "constant" if training["schedule"] == "constant" else "falling along a cosine"
    sentences = [
        f"They were trained for at most {training['epochs']} epochs with {training['optimiser']} at {training['rate']:g} ({schedule}), {training['batch_size']} volumes a step; {missing} left the loss.",
    ]
    if training["augment"]:
        sentences.append(
            "Training volumes were turned, mirrored left to right, shifted, and changed in gain and gamma at random, anew in every epoch."
        )
    if training["ema"] is not None:
        sentences.append(f"An exponential mean of the weights (decay {training['ema']:g}) was judged and kept.")
    return sentences


def _losses(sources: Sources, receptors: Mapping[str, Any], trained: tuple[str, ...]) -> str:
    own, outline = "focal loss" if receptors["loss"] == "focal" else "cross-entropy", receptors["segmentation"]
    words = f"The loss was the receptors' {own}"
    in_per_cent = [target.name for target in sources.targets if not target.binary]
    if in_per_cent:
        error = "Huber's loss" if receptors["per_cent_loss"] == "huber" else "the squared error"
        weighed = "weighed by learnt variances" if receptors["task_weights"] == "uncertainty" else "equally weighed"
        words += f" and of {', '.join(in_per_cent)} {error} in units of 10 per cent, {weighed}"
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
