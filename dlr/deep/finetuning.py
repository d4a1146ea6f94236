"""Fine-tuning a backbone on pictures and labels, and keeping the network as safetensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch

from dlr.deep.backbones import Network, make_backbone
from dlr.deep.input import augment, draw_crops
from dlr.deep.settings import DeepSettings
from dlr.deep.weights import load_weights
from dlr.networks import weights
from dlr.networks.examples import Batch
from dlr.networks.loop import Trained, train
from dlr.networks.objective import Loss, Objective, binary_cross_entropy
from dlr.networks.weights import Origin
from dlr.protocols import stratified_folds
from dlr.randomness import rng, seed_of

__all__ = ["LabelledPictures", "fine_tune", "load_network", "save_network"]


class LabelledPictures:
    """Pictures with labels, augmented by case and epoch: the same picture in epoch 3 whatever the batch."""

    def __init__(
        self, pictures: Sequence[np.ndarray], labels: np.ndarray, names: Sequence[str], seed: int, augmented: bool
    ) -> None:
        self.pictures, self.labels, self.names = pictures, np.asarray(labels, dtype=np.float32), names
        self.seed, self.augmented = seed, augmented

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, places: Sequence[int], epoch: int | None) -> Batch:
        """Grey pictures (B, 1, S, S) and labels (B, 1)."""
        chosen = [self._picture(place, epoch) for place in places]
        targets = self.labels[list(places)].reshape(len(chosen), -1)
        return Batch(torch.from_numpy(np.stack(chosen))[:, None], torch.from_numpy(targets))

    def _picture(self, place: int, epoch: int | None) -> np.ndarray:
        grey = np.asarray(self.pictures[place], dtype=np.float32)
        if epoch is None or not self.augmented:
            return grey
        return augment(grey, draw_crops(rng(self.seed, "augmentation", self.names[place], epoch)))


def fine_tune(
    name: str,
    pictures: Sequence[np.ndarray],
    positive: np.ndarray,
    groups: Sequence[str],
    cases: Sequence[str],
    settings: DeepSettings,
    *,
    seed: int,
    checkpoint: Path | None = None,
    identity: str = "",
) -> tuple[Trained, Origin]:
    """Fine-tune a backbone on one training part; nothing else is looked at.

    pictures : float32 (S, S) each.  positive : bool (n,).  groups : patient, cases : case of every picture.
    A share of the patients of this part, both classes in it, stops the training early.
    """
    truth = np.asarray(positive, dtype=bool)
    inner = settings.training
    if inner.patience is None:
        out = np.zeros(len(truth), dtype=bool)
    else:
        folds = max(2, round(1 / inner.validation_share))
        out = stratified_folds(truth, np.asarray(groups), folds, rng(seed, "validation part")) == 0
    backbone, origin = load_weights(name, settings.weights, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "head"))
        network = Network(name, backbone)
    with torch.no_grad():  # the head starts at the prevalence, so that the first steps do not learn it
        prevalence = float(truth[~out].mean())
        network.head.bias.fill_(float(np.log(prevalence / (1 - prevalence))))
        network.head.weight.mul_(0.1)
    weight = torch.tensor([(~truth[~out]).sum() / truth[~out].sum()]).float() if inner.class_weights else None

    def examples(chosen: np.ndarray, augmented: bool) -> LabelledPictures:
        rows = np.flatnonzero(chosen).tolist()
        return LabelledPictures(
            [pictures[k] for k in rows], truth[chosen].astype(np.float32), [cases[k] for k in rows], seed, augmented
        )

    cross_entropy = partial(binary_cross_entropy, smoothing=inner.label_smoothing, positive_weight=weight)
    trained = train(
        network,
        examples(~out, True),
        objective=Objective({"loss": Loss(cross_entropy, torch.isfinite)}),
        rates={"": inner.backbone_rate, "head": inner.head_rate},
        settings=inner,
        seed=seed,
        validation=examples(out, False) if out.any() else None,
        checkpoint=checkpoint,
        identity=identity,
    )
    return trained, origin


def save_network(network: Network, origin: Origin, folder: Path, **about: object) -> None:
    """network.safetensors and network.json; equal networks give equal bytes."""
    plain = {"backbone": network.name, "outputs": network.head.out_features, "origin": asdict(origin), **about}
    weights.save_network(network, folder, plain)


def load_network(folder: Path) -> Network:
    """A saved network in eval mode; InputError where it is absent or damaged."""
    return weights.load_network(
        folder, lambda about: Network(about["backbone"], make_backbone(about["backbone"], 0), about["outputs"])
    )
