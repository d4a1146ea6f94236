"""Weights of MedicalNet (Chen et al. 2019, arXiv 1904.00625) for an encoder, from a file that the user has.

Their 3-D ResNets have the names of ours. Two things differ, and are said with the weights: they were trained with
dilation in the last two layers where ours has strides, and their shortcut type A (depths 18 and 34 as published) has no
tensors where ours has a convolution.
"""

from __future__ import annotations

from pathlib import Path

import torch

from dlr.errors import InputError
from dlr.networks.weights import Origin, file_sha256, read_weights, without_prefixes
from dlr.volume.networks import Encoder

__all__ = ["load_medicalnet"]


def load_medicalnet(encoder: Encoder, name: str, path: Path) -> Origin:
    """Load every tensor that both have, in place, and say how many those are.

    name : of the network, for the message and the report.
    Raises InputError where the file is none, or lacks a tensor of the encoder in its shape other than the shortcuts'.
    """
    wanted = encoder.state_dict()
    if not any(key.endswith("running_mean") for key in wanted):
        raise InputError(
            str(path),
            "MedicalNet's weights stand behind BatchNorm, and these layers are others",
            "set receptors.norm: batch",
        )
    found = without_prefixes(read_weights(path), wanted)
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}  # older files have none
    absent = [key for key in wanted if key not in found and key not in counters]
    shortcuts = [key for key in absent if ".downsample." in key]
    wrong = [key for key in wanted if key in found and found[key].shape != wanted[key].shape]
    missing = [key for key in absent if key not in shortcuts]
    more = [key for key in found if key.startswith("layer") and key not in wanted]  # a deeper network's
    for keys, said in ((wrong, "have another shape"), (missing, "are not in it"), (more, "are in it alone")):
        if keys:
            raise InputError(
                where=str(path),
                what=f"not the weights of {name}: {len(keys)} tensors {said}, {keys[0]} first",
                mend="set receptors.depth to that of the file, receptors.width: 64, receptors.stem: published and "
                "receptors.dimension: 3d",
            )
    taken = {key: found[key].to(wanted[key].dtype) for key in wanted if key in found}
    broken = [key for key, value in taken.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        raise InputError(str(path), f"{broken[0]} holds values that are not numbers", "take another file")
    encoder.load_state_dict({**wanted, **taken})
    source = "MedicalNet's file: trained with dilation, used with stride"
    if shortcuts:
        source += f"; {len(shortcuts)} tensors of shortcuts are not in it (type A) and begin at random"
    return Origin(name, path.name, source, file_sha256(path), len(taken))
