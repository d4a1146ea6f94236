"""Activation checkpointing: parts of a network keep no activations but compute them again for the gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

__all__ = ["recomputed"]


@contextmanager
def recomputed(network: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """Inside, the named modules of the network trade time for memory; gradients and buffers are the same bits.

    The second forward begins with the buffers of the first and leaves none behind: BatchNorm's running statistics
    move once a step, spectral norm iterates once.
    """
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(_recomputed(network.get_submodule(name)))
        yield


@contextmanager
def _recomputed(module: nn.Module) -> Iterator[None]:
    forward = module.forward

    def again(*inputs: Any, **named: Any) -> Any:
        found = [(owner, key, value) for owner in module.modules() for key, value in owner._buffers.items()]
        before = [(owner, key, None if value is None else value.clone()) for owner, key, value in found]
        contexts: Callable[[], tuple[AbstractContextManager[None], AbstractContextManager[None]]]
        contexts = partial(_contexts, before)
        return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts, **named)

    module.forward = again
    try:
        yield
    finally:
        del module.forward


def _contexts(
    before: Sequence[tuple[nn.Module, str, Tensor | None]],
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Around the first forward and around the second."""
    return nullcontext(), _with_buffers(before)


@contextmanager
def _with_buffers(before: Sequence[tuple[nn.Module, str, Tensor | None]]) -> Iterator[None]:
    """Inside, the modules have these buffers, by exchange: writing into theirs would break what autograd has saved."""
    own = [(owner, key, owner._buffers[key]) for owner, key, _ in before]
    try:
        for owner, key, value in before:
            owner._buffers[key] = value
        yield
    finally:
        for owner, key, value in own:
            owner._buffers[key] = value
