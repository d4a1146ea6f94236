"""Stage superres_effect: what enhancing does to the signatures, and whether measurements and decisions survive it."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.study.cohort import CohortTables, read_cohort
from dlr.study.deep_chains import FROZEN
from dlr.study.superres_effect import Fitted, deep_on, other_images, rad_on
from dlr.tables import PREDICTIONS
from dlr.words import NATIVE_IMAGES

__all__ = ["superres_effect"]


@stage(
    "superres_effect",
    version=1,
    needs=["cohort", "superres"],
    optional=["radiomics", "stability", "radiomics_model", "deep"],
    sections=["superres", "cohort", "radiomics", "learn", "deep"],
    libraries=[
        "numpy", "scipy", "simpleitk", "pywavelets", "scikit-learn", "lightgbm", "xgboost", "pillow", "torch",
        "torchvision", "timm", "vit-pytorch",
    ],
    gives=[PREDICTIONS],
)  # fmt: skip
def superres_effect(run: Run) -> None:
    """The same signatures fitted on the images as they are, and on bicubic ones."""
    if not run.settings.superres.effect:
        run.leave_out("superres.effect is false")
    tables = read_cohort(run.needs.cohort)
    predictions, _ = signatures(run, tables)
    if not predictions:
        run.leave_out("no signature of images can be fitted again: there are neither radiomics nor a frozen network")
    PREDICTIONS.write(run.folder, pd.concat(predictions, ignore_index=True))


def signatures(run: Run, tables: CohortTables) -> tuple[list[pd.DataFrame], list[Fitted]]:
    """PREDICTIONS of Rad and DL on other images, and the Rad chains of the native ones."""
    predictions, native = [], []
    rad = run.needs.radiomics is not None and run.needs.radiomics_model is not None
    deep = run.needs.deep is not None and run.settings.deep.mode == FROZEN
    if run.needs.deep is not None and not deep:
        run.warn("fine-tuned networks are not fitted again on other images: the effect is of Rad alone")
    for images in other_images(run.settings):
        if rad:
            fitted = rad_on(run, tables, images)
            predictions += [one.predictions for one in fitted]
            native += fitted if images.variant == NATIVE_IMAGES else []
        if deep:
            predictions += deep_on(run, tables, images)
    return predictions, native
