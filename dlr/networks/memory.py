"""Whether an error means that memory ran out."""

from __future__ import annotations

import torch

__all__ = ["memory_ran_out"]


def memory_ran_out(error: MemoryError | RuntimeError) -> bool:
    """Of the device, of this process, or of a process that made batches ready and was killed."""
    out = isinstance(error, MemoryError | torch.cuda.OutOfMemoryError)
    return out or any(words in str(error) for words in ("alloc", "shared memory", "DataLoader worker (pid"))
