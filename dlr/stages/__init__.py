"""The stages of a study: each reads declared tables, calls one science, writes tables."""

from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.combine import combine
from dlr.stages.evaluate import evaluate
from dlr.stages.nomogram import nomogram
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.report import report
from dlr.stages.stability import stability

__all__ = [
    "clinical",
    "cohort",
    "combine",
    "evaluate",
    "nomogram",
    "radiomics",
    "radiomics_model",
    "report",
    "stability",
]
