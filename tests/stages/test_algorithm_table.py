"""The table of all algorithms: fair between algorithms that were fitted on different numbers of seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.study.algorithms import algorithm_table

FOLDS, PATIENTS = 3, 60
LABELS = pd.Series((np.arange(PATIENTS) % 3 == 0).astype(int), index=[f"P{k:02d}" for k in range(PATIENTS)])


def held_out(algorithm: str, seed: int) -> pd.DataFrame:
    """Out-of-fold rows of one algorithm and seed, with some signal."""
    draw = np.random.default_rng([len(algorithm), seed])
    value = 1 / (1 + np.exp(-(LABELS.to_numpy() + draw.normal(0, 1, PATIENTS))))
    return pd.DataFrame({"patient_id": LABELS.index, "value": value}).assign(
        target="her2", side="train", protocol="crossfit", model="DL", variant="", algorithm=algorithm, seed=seed,
        fold=np.arange(PATIENTS) // 3 % FOLDS, kind="probability",
    )  # fmt: skip


def test_algorithms_of_fewer_seeds_are_corrected_on_the_seeds_that_all_have() -> None:
    frozen = [held_out("frozen", seed) for seed in range(3)]
    tuned = held_out("fine-tuned", 0)
    table = algorithm_table(pd.concat([*frozen, tuned]), {"her2": LABELS}, 1, 100)
    alone = algorithm_table(pd.concat([frozen[0], tuned]), {"her2": LABELS}, 1, 100)
    assert table["bbc_corrected"].iloc[0] == alone["bbc_corrected"].iloc[0] > 0.5
    assert table["bbc_corrected"].notna().sum() == 1 and (table["n_tried"] == 2).all()
