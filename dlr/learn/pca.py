"""The deep block of a fusion: principal components of standardised training embeddings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.learn.preparation import raw_values

__all__ = ["PcaBlock", "components_wanted", "fit_pca", "load_pca", "save_pca"]

PUBLISHED = 64  # components (Hu et al. 2025)
TABLE, ABOUT = "pca.parquet", "pca.json"


@dataclass(frozen=True)
class PcaBlock:
    """What turns embeddings into component scores; fitted on training rows, saved for everybody else."""

    columns: tuple[str, ...]
    mean: np.ndarray  # (p,)
    deviation: np.ndarray  # (p,), divisor n; 1 for constant columns, whose axes are 0
    axes: np.ndarray  # (k, p), rows of length 1
    explained: np.ndarray  # (k,) share of the variance of the standardised columns
    n: int  # training rows

    @property
    def names(self) -> tuple[str, ...]:
        """pca_01 ...: the columns of the block."""
        return tuple(f"pca_{k + 1:02d}" for k in range(len(self.axes)))

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Scores, a column a component; embeddings are found by name."""
        values = (raw_values(frame, self.columns) - self.mean) / self.deviation
        scores = np.stack([(values * axis).sum(axis=1) for axis in self.axes], axis=1)
        return pd.DataFrame(scores, index=frame.index, columns=list(self.names))


def components_wanted(wanted: int | float | None, smallest: int) -> int | float:
    """What to fit where the smallest training part has so many patients.

    None is the published 64, or as many as patients allow. Raises InputError where more is asked for than possible:
    n patients span n - 1 directions.
    """
    largest = smallest - 1
    if wanted is None:
        return max(1, min(PUBLISHED, largest))
    if isinstance(wanted, int) and wanted > largest:
        raise InputError(
            where=f"fuse.n_components {wanted}",
            what=f"the smallest training part has {smallest} patients, and {wanted} components need {wanted + 1}",
            mend=f"the largest possible is {largest}: dlr fuse --pca {largest}, or a share of variance: --pca 0.95",
        )
    return wanted


def fit_pca(frame: pd.DataFrame, n_components: int | float) -> PcaBlock:
    """Principal components of the standardised columns of training rows.

    n_components : how many, or the share of variance that the fewest shall keep.
    The sign of an axis is that of its largest loading, so that equal data give equal scores.
    """
    columns = tuple(str(name) for name in frame.columns)
    values = raw_values(frame, columns)
    if np.isnan(values).any():
        raise InputError("embeddings", "some are not numbers", "look at the pictures and the weights file")
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    constant = deviation <= 1e-12 * np.abs(values).max(axis=0, initial=0.0)
    deviation = np.where(constant, 1.0, deviation)
    _, s, axes = np.linalg.svd(np.where(constant, 0.0, (values - mean) / deviation), full_matrices=False)
    possible = int((s > 1e-9 * s.max(initial=0.0)).sum())
    if not possible:
        raise InputError("embeddings", "they are the same for everybody", "look at the pictures and the weights")
    shares = s**2 / (s**2).sum()
    if isinstance(n_components, float):
        count = min(int(np.searchsorted(np.cumsum(shares), n_components - 1e-12)) + 1, possible)
    elif n_components > possible:
        components_wanted(n_components, possible + 1)
        count = possible
    else:
        count = n_components
    axes = np.where(constant, 0.0, axes[:count])
    signs = np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])
    return PcaBlock(columns, mean, deviation, axes * signs[:, None], shares[:count], len(values))


def save_pca(block: PcaBlock, folder: Path) -> None:
    """pca.parquet (a row a column of the embedding) and pca.json; equal blocks give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"column": block.columns, "mean": block.mean, "deviation": block.deviation})
    loadings = pd.DataFrame(block.axes.T, columns=list(block.names))
    pd.concat([table, loadings], axis=1).to_parquet(folder / TABLE, index=False)
    about = {"n": block.n, "explained": block.explained.tolist()}
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def load_pca(folder: Path) -> PcaBlock:
    """What `save_pca` wrote; InputError where it is absent or damaged."""
    try:
        table = pd.read_parquet(folder / TABLE)
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(folder), f"its components cannot be read ({error})", "run the study again") from error
    axes = table.drop(columns=["column", "mean", "deviation"]).to_numpy(dtype=float).T
    return PcaBlock(
        tuple(table["column"]),
        table["mean"].to_numpy(dtype=float),
        table["deviation"].to_numpy(dtype=float),
        np.ascontiguousarray(axes),
        np.array(about["explained"], dtype=float),
        int(about["n"]),
    )
