"""ER, PR, HER2 and Ki-67 from single-phase DCE-MRI: a spatial multi-task network (after Zeng et al. 2026)."""

from dlr.engine import Pipeline
from dlr.settings import DceStudySettings
from dlr.stages.attention import attention
from dlr.stages.averaged import averaged
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.deep import deep
from dlr.stages.evaluate import evaluate
from dlr.stages.permutations import permutations_of_volumes
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.receptors import receptors
from dlr.stages.regions import regions
from dlr.stages.report import report
from dlr.stages.subtypes import subtypes
from dlr.stages.volumes import volumes

PIPELINE = Pipeline(
    name="receptors_dcemri",
    settings=DceStudySettings,
    stages=[
        cohort,  # who: the manifest checked, sides and folds drawn once
        volumes,  # every lesion with its surroundings on one grid, and how far each voxel lies from its surface
        radiomics,  # what was measured: every feature of every region
        clinical,  # Table 1, odds ratios, the Clinical signature
        radiomics_model,  # the Rad signature
        deep,  # a frozen network looks at every slice of the lesion: the DL signature, hard to beat
        averaged,  # the mean logit of both: the Rad+DL signature
        receptors,  # 3-D networks from scratch: Spatial, and Spatial without one of its parts each
        attention,  # where they looked, beside what chance would give
        regions,  # what they have learnt of core, rim and peritumoral tissue, and where in them they look
        evaluate,  # every measure with its interval, on the side where it is valid
        permutations_of_volumes,  # the cheap chains again on shuffled outcomes, where asked for
        subtypes,  # luminal A and B, HER2-enriched, triple negative: called and true
        report,  # one page a reader can check, figures and tables beside it
    ],
)
