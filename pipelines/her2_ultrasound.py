"""HER2, or any one binary target, from ultrasound stills or volumes (after Hu et al. 2025)."""

from dlr.engine import Pipeline
from dlr.settings import StudySettings
from dlr.stages.attention import attention
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.combine import combine
from dlr.stages.deep import deep
from dlr.stages.evaluate import evaluate
from dlr.stages.fuse import fuse
from dlr.stages.fusion_model import fusion_model
from dlr.stages.nested import nested
from dlr.stages.nomogram import nomogram
from dlr.stages.permutations import permutations
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.report import report
from dlr.stages.stability import stability
from dlr.stages.superres import superres
from dlr.stages.superres_effect import superres_effect

PIPELINE = Pipeline(
    name="her2_ultrasound",
    settings=StudySettings,
    stages=[
        cohort,  # who: the manifest checked, sides and folds drawn once
        superres,  # every image enhanced, where asked for, and what that invents
        radiomics,  # what was measured: every feature of every ROI
        stability,  # which features survive another reader's outline
        clinical,  # Table 1, odds ratios, the Clinical signature
        radiomics_model,  # selection and five classifiers: the Rad signature
        deep,  # networks look at every lesion: the DL signature
        attention,  # where they looked, beside what chance would give
        fuse,  # their features as principal components
        fusion_model,  # radiomics and deep features joined: the DLR signature
        combine,  # clinical variables and a signature in one logistic model
        nested,  # the Combined model inside every outer fold, where asked for
        superres_effect,  # the same signatures on images that were not enhanced
        evaluate,  # every measure with its interval, on the side where it is valid
        permutations,  # the cheap chains again on shuffled outcomes, where asked for
        nomogram,  # the Combined model on paper, checked on every patient
        report,  # one page a reader can check, figures and tables beside it
    ],
)
