"""Named random generators: a draw in one place never shifts a draw in another."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np

__all__ = ["rng", "seed_of"]


def rng(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for a named purpose: rng(seed, "bootstrap", model, replicate)."""
    return np.random.default_rng(_number(seed, *names))


def seed_of(seed: int, *names: str | int) -> int:
    """A 31-bit seed of its own for a library that takes an integer (scikit-learn, LightGBM, XGBoost, torch)."""
    return _number(seed, *names) % (2**31 - 1)


def _number(seed: int, *names: str | int) -> int:
    digest = sha256(json.dumps([seed, *names]).encode()).digest()
    return int.from_bytes(digest[:16], "big")
