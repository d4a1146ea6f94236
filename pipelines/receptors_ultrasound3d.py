"""ER, PR and HER2 from 3-D ultrasound volumes: single-task and multi-task networks (after Huang et al. 2024)."""

from dlr.engine import Pipeline
from dlr.settings import ReceptorStudySettings
from dlr.stages.attention import attention
from dlr.stages.averaged import averaged
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.deep import deep
from dlr.stages.embedding import embedding
from dlr.stages.evaluate import evaluate
from dlr.stages.permutations import permutations_of_volumes
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.receptors import receptors
from dlr.stages.report import report
from dlr.stages.volumes import volumes

PIPELINE = Pipeline(
    name="receptors_ultrasound3d",
    settings=ReceptorStudySettings,
    stages=[
        cohort,  # who: the manifest checked, sides and folds drawn once
        volumes,  # every lesion with its surroundings on one grid
        radiomics,  # what was measured: every feature of every ROI
        clinical,  # Table 1, odds ratios, the Clinical signature
        radiomics_model,  # the Rad signature
        deep,  # a frozen network looks at every slice of the lesion: the DL signature, hard to beat
        averaged,  # the mean logit of both: the Rad+DL signature
        receptors,  # 3-D networks from scratch: SingleTask and MultiTask
        attention,  # where they looked, beside what chance would give
        embedding,  # their features in three dimensions
        evaluate,  # every measure with its interval, on the side where it is valid
        permutations_of_volumes,  # the cheap chains again on shuffled outcomes, where asked for
        report,  # one page a reader can check, figures and tables beside it
    ],
)
