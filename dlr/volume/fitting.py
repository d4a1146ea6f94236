"""Training a 3-D network on one part's volumes, and keeping it as safetensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dlr.errors import InputError
from dlr.networks import Batch, Origin, Trained, load_network, save_network, train
from dlr.protocols import folds_by_pattern
from dlr.randomness import rng, seed_of
from dlr.volume.applying import input_of
from dlr.volume.augmentation import draw_move, moved, toned
from dlr.volume.cut import Volume
from dlr.volume.losses import Wanted, make_objective
from dlr.volume.medicalnet import load_medicalnet
from dlr.volume.networks import Architecture, MultiTask, SingleTask
from dlr.volume.settings import ReceptorSettings, RegionSettings, VolumeSettings
from dlr.volume.spatial import Spatial, make_network
from dlr.words import Target

__all__ = ["Fitted", "LabelledVolumes", "architecture_of", "fit_network", "load_receptors", "save_receptors"]

Network = SingleTask | MultiTask | Spatial
Kind = Literal["single", "multi", "spatial"]
OF_REGIONS = 10.0  # times the rate: behind a softmax a weight hardly leaves one third otherwise
LARGE = 96  # voxels an edge, from which on activations are computed again rather than kept


@dataclass(frozen=True)
class Fitted:
    """A trained network and where it comes from."""

    network: Network  # in eval mode
    trained: Trained
    origin: Origin


@dataclass(frozen=True)
class Shown:
    """What the device makes a network's input of."""

    volumes: Tensor  # (B, C, D, H, W): grey, and the regions of Spatial
    matrix: Tensor | None  # (B, 3, 4), and the others (B,); None: the volumes as they are
    gain: Tensor | None
    gamma: Tensor | None


class LabelledVolumes:
    """Volumes with labels and outlines. Moves are drawn here, by case and epoch; the device makes them (`prepared`)."""

    def __init__(
        self,
        volumes: Sequence[Volume],
        labels: np.ndarray,
        cases: Sequence[str],
        form: Architecture,
        seed: int,
        augmented: bool,
    ) -> None:
        self.volumes, self.labels, self.cases = volumes, np.asarray(labels, dtype=np.float32), cases
        self.form, self.seed, self.augmented = form, seed, augmented

    def __len__(self) -> int:
        return len(self.volumes)

    def batch(self, places: Sequence[int], epoch: int | None) -> Batch:
        """`Shown` and `Wanted` of these volumes."""
        chosen = [self.volumes[place] for place in places]
        given = torch.from_numpy(np.stack([input_of(volume, self.form) for volume in chosen]))
        wanted = Wanted(torch.from_numpy(self.labels[list(places)]))
        if self.form.kind == "multi":
            mask = torch.from_numpy(np.stack([np.asarray(volume.mask) for volume in chosen])[:, None])
            wanted = Wanted(wanted.labels, mask, torch.tensor([volume.outlined for volume in chosen]))
        if epoch is None or not self.augmented:
            return Batch(Shown(given, None, None, None), wanted)
        moves = [
            draw_move(rng(self.seed, "augmentation", self.cases[place], epoch), volume.grey.shape, volume.spacing)
            for place, volume in zip(places, chosen, strict=True)
        ]
        matrix = torch.from_numpy(np.stack([move.matrix for move in moves]))
        gain, gamma = torch.tensor([move.gain for move in moves]), torch.tensor([move.gamma for move in moves])
        return Batch(Shown(given, matrix, gain, gamma), wanted)


def prepared(batch: Batch, limits: Tensor) -> Batch:
    """The batch as the network sees it: grey, and the masks that belong to it, moved on the device they are on."""
    shown, wanted = batch.inputs, batch.targets
    if shown.matrix is None:
        return Batch(shown.volumes, wanted)
    grey, regions = shown.volumes[:, :1], shown.volumes[:, 1:]
    grey, masks = moved(grey, wanted.mask if regions.shape[1] == 0 else regions, shown.matrix)
    grey = toned(grey, limits.to(grey.device), shown.gain, shown.gamma)
    if regions.shape[1] > 0:
        assert masks is not None
        return Batch(torch.cat([grey, masks], dim=1), wanted)
    return Batch(grey, Wanted(wanted.labels, masks, wanted.outlined))


def fit_network(
    kind: Kind,
    volumes: Sequence[Volume],
    labels: np.ndarray,
    targets: Sequence[Target],
    groups: Sequence[str],
    cases: Sequence[str],
    volume: VolumeSettings,
    settings: ReceptorSettings,
    *,
    seed: int,
    validation: np.ndarray | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Fitted:
    """Train a network on one training part; nothing else is looked at.

    labels : float (n, K) of 0 and 1, or per cents; NaN where unknown.  groups : patient, cases : case of every volume.
    validation : bool (n,), the volumes that stop the training; None: a share of the patients of this part, dealt by
    the pattern of their labels. Without a known label in it all epochs run. Clip limits and prevalences are of the
    others alone.
    Volumes without a label are left out, but where `multi` learns their outline; without an outline by `spatial`.
    Raises InputError where a target has no two values, or `multi` or `spatial` no outline, in what is trained on.
    """
    truth = np.asarray(labels, dtype=float)
    outlined = np.array([one.outlined for one in volumes])
    _need_outlines(kind, outlined)
    useful = np.isfinite(truth).any(axis=1)
    useful = {"single": useful, "multi": useful | outlined, "spatial": useful & outlined}[kind]
    out = (
        _stopping(_levels(truth, targets), useful, np.asarray(groups), settings, seed)
        if validation is None
        else np.asarray(validation)
    )
    taught = useful & ~out
    _need_outlines(kind, outlined[taught])
    _need_values(truth[taught], targets)
    form = architecture_of(kind, targets, volume, settings)
    network, origin = _begun(form, settings, seed)
    learnt = [volumes[k] for k in np.flatnonzero(taught).tolist()]
    with torch.no_grad():
        network.limits.copy_(_limits(learnt, form.scale))
        means = torch.from_numpy(np.nanmean(truth[taught], axis=0)).float()
        binary = torch.tensor([target.binary for target in targets])
        begin = torch.where(binary, torch.logit(means), means / 10)
        network.head.bias.copy_(begin)  # so that the first steps do not learn it
        network.head.weight.mul_(0.1)
        if isinstance(network, MultiTask):
            share = np.mean([np.asarray(one.mask).mean() for one in learnt if one.outlined])
            for logit in (network.decoder.logit, *network.decoder.coarse):
                logit.bias.fill_(np.log(share / (1 - share)))
    limits = network.limits.clone()

    def examples(chosen: np.ndarray, augmented: bool) -> LabelledVolumes:
        rows = np.flatnonzero(chosen).tolist()
        return LabelledVolumes(
            [volumes[k] for k in rows],
            truth[chosen],
            [cases[k] for k in rows],
            form,
            seed,
            augmented,
        )

    stopping = useful & out
    training = settings.training
    trained = train(
        network,
        examples(taught, training.augment),
        objective=make_objective(kind, targets, settings),
        rates={"": training.rate, **({"of_regions": OF_REGIONS * training.rate} if kind == "spatial" else {})},
        settings=training,
        seed=seed,
        validation=examples(stopping, False) if np.isfinite(truth[stopping]).any() else None,
        prepare=lambda batch: prepared(batch, limits),
        recompute=_recomputed(network, settings),
        channels_last=form.norm == "batch",
        checkpoint=checkpoint,
        identity=identity,
    )
    return Fitted(network, trained, origin)


def _stopping(
    truth: np.ndarray, useful: np.ndarray, groups: np.ndarray, settings: ReceptorSettings, seed: int
) -> np.ndarray:
    """bool (n,): the volumes of a share of the patients; none where nothing stops a training early.

    truth : levels of the labels (n, K).
    The first of the folds dealt that leaves both classes of every target to learn from.
    """
    out = np.zeros(len(truth), dtype=bool)
    if settings.training.patience is None:
        return out
    folds = max(2, round(1 / settings.training.validation_share))
    dealt = folds_by_pattern(truth[useful], groups[useful], folds, rng(seed, "validation part"))
    numbers = range(int(dealt.max()) + 1)
    out[useful] = dealt == next((k for k in numbers if _both_classes(truth[useful][dealt != k]).all()), 0)
    return out


def _levels(truth: np.ndarray, targets: Sequence[Target]) -> np.ndarray:
    """Labels (n, K) of a few values: 0 and 1, of a per cent 0 below its median and 1 from there on."""
    binary = np.array([target.binary for target in targets])
    middle = np.array([np.median(known[np.isfinite(known)]) if np.isfinite(known).any() else 0.0 for known in truth.T])
    return np.where(binary | np.isnan(truth), truth, truth >= middle)


def _both_classes(levels: np.ndarray) -> np.ndarray:
    """bool (K,)."""
    return (levels == 0).any(axis=0) & (levels == 1).any(axis=0)


def _need_outlines(kind: str, outlined: np.ndarray) -> None:
    """InputError where an outline is needed and there is none."""
    if kind != "single" and not outlined.any():
        need, mend = {
            "multi": ("which MultiTask learns", "set receptors.models: [single]"),
            "spatial": ("whose regions Spatial pools over", "leave spatial out of receptors.models, or outline some"),
        }[kind]
        raise InputError("training part", f"no volume has an outline, {need}", mend)


def _need_values(truth: np.ndarray, targets: Sequence[Target]) -> None:
    """InputError where a target has no two values to learn from."""
    for target, labels in zip(targets, truth.T, strict=True):
        known = labels[np.isfinite(labels)]
        if len(np.unique(known)) > 1:
            continue
        positive, negative = int((known == 1).sum()), int((known == 0).sum())
        counted = f"{positive} positive and {negative} negative volumes to learn from; a network needs both"
        raise InputError(
            where=f"training part, {target.name}",
            what=counted if target.binary else f"{len(known)} volumes of one value; a network needs two values",
            mend="add patients, leave the target out, or check its values",
        )


def architecture_of(
    kind: Kind, targets: Sequence[Target], volume: VolumeSettings, settings: ReceptorSettings
) -> Architecture:
    """The network that the settings ask for."""
    own = {name: getattr(settings, name) for name in ("dimension", "attention", "extractor", "regions")}
    return Architecture(
        kind=kind,
        targets=tuple(target.name for target in targets),
        shape=volume.shape,
        depth=settings.depth,
        width=settings.width,
        stem=settings.stem,
        norm=settings.norm,
        passes=settings.passes,
        resolution=settings.segmentation.resolution,
        deep_supervision=settings.segmentation.deep_supervision,
        scale=volume.scale,
        clip=volume.clip,
        per_cent=tuple(target.name for target in targets if not target.binary),
        task_weights=settings.task_weights,
        **(own if kind == "spatial" else {}),
    )


def _begun(form: Architecture, settings: ReceptorSettings, seed: int) -> tuple[Network, Origin]:
    """The network before its training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "network"))
        network = make_network(form)
    name = f"3-D ResNet{form.depth}"
    if settings.weights == "none":
        return network, Origin(name, "none", "", "", 0)
    origins = [load_medicalnet(encoder, name, Path(settings.weights)) for encoder in network.encoder.each]
    return network, origins[0]


def _limits(volumes: Sequence[Volume], scale: str) -> Tensor:
    """Grey that becomes 0 and 1: the median of the volumes' own percentiles; 0 and 1 where each is scaled by its own.

    Only of the volumes that are learnt from.
    """
    if scale == "volume":
        return torch.tensor([0.0, 1.0])
    return torch.from_numpy(np.median([[one.low, one.high] for one in volumes], axis=0)).float()


def _recomputed(network: Network, settings: ReceptorSettings) -> list[str]:
    """Names of the parts that keep no activations."""
    choice = settings.training.checkpointing
    if choice == "off" or (choice == "auto" and max(network.form.shape) < LARGE):
        return []
    blocks = []
    if isinstance(network, MultiTask):
        blocks = [f"decoder.blocks.{number}" for number in range(len(network.decoder.blocks))]
    return [*(f"encoder.layer{number}" for number in (1, 2, 3, 4)), *blocks]


def save_receptors(fitted: Fitted, folder: Path) -> None:
    """network.safetensors and network.json; equal networks give equal bytes."""
    form = fitted.network.form
    own = {**asdict(form), "regions": form.regions.model_dump()}
    about = {"network": own, "origin": asdict(fitted.origin)}
    save_network(fitted.network, folder, {**about, "best_epoch": fitted.trained.best_epoch})


def load_receptors(folder: Path) -> Network:
    """A saved network in eval mode; InputError where it is absent or damaged."""

    def build(about: dict[str, Any]) -> Network:
        form = about["network"]
        lists = {name: tuple(form[name]) for name in ("targets", "shape", "per_cent", "clip")}
        return make_network(Architecture(**{**form, **lists, "regions": RegionSettings(**form["regions"])}))

    return load_network(folder, build)
