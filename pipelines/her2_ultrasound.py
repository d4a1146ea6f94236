"""HER2, or any one binary target, from ultrasound stills or volumes (after Hu et al. 2025)."""

from dlr.engine import Pipeline
from dlr.stages import (
    attention,
    clinical,
    cohort,
    combine,
    deep,
    evaluate,
    fuse,
    fusion_model,
    nomogram,
    radiomics,
    radiomics_model,
    report,
    stability,
)
from dlr.stages.settings import StudySettings

PIPELINE = Pipeline(
    name="her2_ultrasound",
    settings=StudySettings,
    stages=[
        cohort,  # who: the manifest checked, sides and folds drawn once
        radiomics,  # what was measured: every feature of every ROI
        stability,  # which features survive another reader's outline
        clinical,  # Table 1, odds ratios, the Clinical signature
        radiomics_model,  # selection and five classifiers: the Rad signature
        deep,  # networks look at every lesion: the DL signature
        attention,  # where they looked, beside what chance would give
        fuse,  # their features as principal components
        fusion_model,  # radiomics and deep features joined: the DLR signature
        combine,  # clinical variables and a signature in one logistic model
        evaluate,  # every measure with its interval, on the side where it is valid
        nomogram,  # the Combined model on paper, checked on every patient
        report,  # one page a reader can check, figures and tables beside it
    ],
)
