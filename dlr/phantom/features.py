"""A cohort of numbers only: correlated features and clinical columns under the same truth, for tests of honesty."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlr.phantom.clinical import draw_clinical
from dlr.phantom.settings import SEED
from dlr.phantom.truth import IMAGE_VARIABLES, PREVALENCE, draw_image_variables
from dlr.randomness import rng

__all__ = ["feature_cohort"]

BLOCK = 20  # features that share a factor
SHARED = 0.3  # loading of every feature on a factor of the whole image, such as size or gain
LOADINGS = (0.5, 0.9)  # on the block's own factor


def feature_cohort(
    patients: int = 160, features: int = 1561, seed: int = SEED, signal: float = 1.0
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Features, clinical columns and HER2 of patients P0001 ...: (features, clinical, positive).

    features : float64, one column a feature, in blocks of 20 named after the block's factor: the first three are the
    truth's image variables (`spiculation_01`, `texture_01`, `shadow_01` ...), the others noise (`block04_01` ...).
    Within a block features correlate with about .25 to .8, between blocks with about .1; scale and origin differ
    by column. `truth_of(signal)` bounds what can be reached from them.
    clinical : CLINICAL_COLUMNS.  positive : bool (patients,), round(patients x 58/201) of them.
    """
    drawn = np.arange(patients) < round(PREVALENCE * patients)
    positive = rng(seed, "feature cohort", "her2").permutation(drawn)
    image_variables = draw_image_variables(positive, signal, seed, "feature cohort")
    clinical = draw_clinical(positive, signal, seed, "feature cohort")
    index = pd.Index([f"P{number:04d}" for number in range(1, patients + 1)], name="patient_id")
    clinical.index = index

    shared = rng(seed, "feature cohort", "shared").standard_normal(patients)
    columns: dict[str, np.ndarray] = {}
    planted = list(IMAGE_VARIABLES)
    for number in range(-(-features // BLOCK)):
        name = planted[number] if number < len(planted) else f"block{number + 1:02d}"
        generator = rng(seed, "feature cohort", "block", number)
        if name in planted:
            factor = image_variables[name].to_numpy()
        else:
            factor = generator.standard_normal(patients)
        for place in range(min(BLOCK, features - number * BLOCK)):
            own = generator.uniform(*LOADINGS)
            noise = np.sqrt(1 - SHARED**2 - own**2) if own**2 + SHARED**2 < 1 else 0.0
            value = own * factor + SHARED * shared + noise * generator.standard_normal(patients)
            scale = np.exp(generator.normal(0, 2))
            columns[f"{name}_{place + 1:02d}"] = scale * (value + generator.normal(0, 3))
    return pd.DataFrame(columns, index=index), clinical, positive
