"""Clinical columns of a synthetic cohort, with the marginals of Hu et al., Sci Rep 2025."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.phantom.truth import draw_clinical_variables
from dlr.randomness import rng

__all__ = ["CLINICAL_COLUMNS", "draw_clinical", "draw_her2_assays"]

CLINICAL_COLUMNS = (
    "age", "ki67", "cea", "ca125", "ca199", "ca153",
    "er", "pr", "lymph_metastasis", "calcification", "menopause", "family_history",
)  # fmt: skip

EXTREME_CEA = 201  # one patient in so many has a CEA near 525, which alone makes the published SD of 37
IHC_POSITIVE = {"2+": 0.3, "3+": 0.7}
IHC_NEGATIVE = {"0": 0.4, "1+": 0.35, "2+": 0.25}


def draw_clinical(positive: np.ndarray, signal: float, seed: int, *names: str | int) -> pd.DataFrame:
    """The columns CLINICAL_COLUMNS of patients whose HER2 is `positive` (bool, (n,)); nothing missing.

    age follows menopause and is independent of HER2 beyond that; blood markers are independent of all.
    """
    n = len(positive)
    linked = draw_clinical_variables(positive, signal, seed, *names)

    def generator(name: str) -> np.random.Generator:
        return rng(seed, *names, name)

    def lognormal(name: str, mean: float, sd: float) -> np.ndarray:
        variance = np.log(1 + (sd / mean) ** 2)
        return mean * np.exp(np.sqrt(variance) * generator(name).standard_normal(n) - variance / 2)

    # 54.0 +- 11.0 in all
    post = linked["menopause"].to_numpy(dtype=bool)
    age = np.where(post, 60.5, 46.2) + np.where(post, 9.67, 6.5) * generator("age").standard_normal(n)
    cea = lognormal("cea", 1.98, 2.09)
    extreme = generator("extreme cea").permutation(n)[: round(n / EXTREME_CEA)]
    cea[extreme] = 525 * np.exp(0.05 * generator("extreme cea value").standard_normal(len(extreme)))
    numeric = pd.DataFrame(
        {
            "age": np.clip(np.round(age), 24, 90).astype(np.int64),
            "ki67": np.clip(np.round(linked["ki67"]), 1, 99).astype(np.int64),
            "cea": np.round(cea, 2),
            "ca125": np.round(generator("ca125").gamma((65.2 / 38.1) ** 2, 38.1**2 / 65.2, n), 1),
            "ca199": np.round(lognormal("ca199", 13.1, 34.6), 2),
            "ca153": np.round(lognormal("ca153", 9.2, 7.7), 1),
        }
    )
    return numeric.join(linked.drop(columns="ki67"))[list(CLINICAL_COLUMNS)]


def draw_her2_assays(positive: np.ndarray, seed: int, *names: str | int) -> pd.DataFrame:
    """Immunohistochemistry 0, 1+, 2+, 3+ and, of 2+ only, FISH: columns her2_ihc, her2_fish (text, "" not done).

    HER2 is positive for 3+ and for 2+ amplified, negative for 0, 1+ and 2+ not amplified.
    """
    uniform = rng(seed, *names, "her2_ihc").random(len(positive))

    def level(table: dict[str, float]) -> np.ndarray:
        bounds = np.cumsum(list(table.values()))
        return np.array(list(table))[np.minimum(np.searchsorted(bounds, uniform, side="right"), len(table) - 1)]

    ihc = np.where(positive, level(IHC_POSITIVE), level(IHC_NEGATIVE))
    fish = np.where(ihc == "2+", np.where(positive, "amplified", "not amplified"), "")
    return pd.DataFrame({"her2_ihc": ihc, "her2_fish": fish})
