"""Grad-CAM and Grad-CAM++ for any network and any number of dimensions.

Selvaraju et al. 2017 (arXiv 1610.02391); Chattopadhyay et al. 2018 (arXiv 1710.11063). For activations A of a layer
and a score S, with g = dS/dA:
    Grad-CAM    L = relu(sum_k w_k A_k),  w_k = mean over positions of g_k
    Grad-CAM++  w_k = sum over positions of alpha relu(g),  alpha = g^2 / (2 g^2 + g^3 sum(A_k)), 0 where g = 0
Grad-CAM++'s score is exp(S), whose factor exp(S) scales a whole map and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlr.errors import InputError

__all__ = ["GradCAM", "GradCAMPlusPlus"]

Target = int | Callable[[Any], Tensor]


class GradCAM:
    """Where a network's score comes from.

    network : any module whose input is (B, C, *space); the score is taken before a sigmoid or softmax.
    layer : a submodule, or its dotted name, whose output is (B, K, *space) with an extent above 1.
    """

    def __init__(self, network: nn.Module, layer: str | nn.Module) -> None:
        self.network = network
        modules = dict(network.named_modules())
        if isinstance(layer, str) and layer not in modules:
            raise InputError(f"layer {layer}", "the network has no such layer", f"one of: {', '.join(modules)}"[:400])
        self.layer = modules[layer] if isinstance(layer, str) else layer

    def __call__(self, inputs: Tensor, target: Target) -> Tensor:
        """Raw maps (B, *space) at the input's size, at least 0, not normalised.

        target : the column of outputs (B, K), or a function from whatever the network returns to scores (B,).
        The network's mode, gradients and requires_grad are left as they were found.
        """
        if inputs.ndim < 3:
            raise InputError("class activation map", f"input of shape {tuple(inputs.shape)}", "give (B, C, *space)")
        with _as_found(self.network), torch.enable_grad():
            activation, gradient = self._seen(inputs.detach(), target)
        coarse = self.combine(activation, gradient)
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[coarse.ndim - 1]
        size = tuple(inputs.shape[2:])
        return functional.interpolate(coarse[:, None], size=size, mode=mode, align_corners=False)[:, 0]

    def combine(self, activation: Tensor, gradient: Tensor) -> Tensor:
        """Coarse maps (B, *space) of activations and gradients (B, K, *space)."""
        space = tuple(range(2, gradient.ndim))
        weight = gradient.mean(dim=space, keepdim=True)
        return (weight * activation).sum(dim=1).clamp(min=0)

    def _seen(self, inputs: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        """The layer's activations and the score's gradient there, both detached, float32."""
        caught: list[Tensor] = []

        def cut(module: nn.Module, given: Any, output: Any) -> Tensor:
            if not isinstance(output, Tensor):
                raise InputError("class activation map", "the layer's output is not one tensor", "name a convolution")
            leaf = output.detach().requires_grad_()
            caught.append(leaf)  # of a layer that is passed several times the last pass counts
            return leaf.clone()  # an in-place activation after the layer must not change what is kept

        handle = self.layer.register_forward_hook(cut)
        try:
            output = self.network(inputs)
        finally:
            handle.remove()
        if not caught:
            raise InputError("class activation map", "the layer takes no part in the forward pass", "name another one")
        leaf = caught[-1]
        if leaf.ndim != inputs.ndim or max(leaf.shape[2:]) < 2:
            raise InputError(
                where="class activation map",
                what=f"the layer's output has the shape {tuple(leaf.shape)}, which is no map",
                mend="name a layer before the pooling, or give larger pictures",
            )
        score = _scores(output, target)
        (gradient,) = torch.autograd.grad(score.sum(), leaf)
        return leaf.detach().float(), gradient.detach().float()


class GradCAMPlusPlus(GradCAM):
    """Grad-CAM++: positions are weighted, so that several instances count."""

    def combine(self, activation: Tensor, gradient: Tensor) -> Tensor:
        space = tuple(range(2, gradient.ndim))
        total = activation.sum(dim=space, keepdim=True)
        denominator = 2 * gradient**2 + total * gradient**3
        alpha = torch.where(denominator != 0, gradient**2 / torch.where(denominator != 0, denominator, 1.0), 0.0)
        weight = (alpha * gradient.clamp(min=0)).sum(dim=space, keepdim=True)
        return (weight * activation).sum(dim=1).clamp(min=0)


def _scores(output: Any, target: Target) -> Tensor:
    """(B,) scores of the target."""
    if callable(target):
        scores = target(output)
        if not isinstance(scores, Tensor) or scores.ndim != 1:
            raise InputError("class activation map", "the target function gave no (B,) scores", "select one output")
        return scores
    if not isinstance(output, Tensor) or output.ndim != 2:
        kind = f"{type(output).__name__}" if not isinstance(output, Tensor) else f"shape {tuple(output.shape)}"
        raise InputError(
            where="class activation map",
            what=f"the network gives {kind}, not one table of outputs (B, K)",
            mend="give the target as a function, for example lambda output: output.scores[:, 0]",
        )
    if not -output.shape[1] <= target < output.shape[1]:
        raise InputError("class activation map", f"there are {output.shape[1]} outputs", f"not number {target}")
    return output[:, target]


@contextmanager
def _as_found(network: nn.Module) -> Iterator[None]:
    """Eval mode within; every module's own mode afterwards. Gradients are never touched: none is accumulated."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
