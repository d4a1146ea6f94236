"""The stages of a study: each reads declared tables, calls one science, writes tables."""

from dlr.stages.attention import attention
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.combine import combine
from dlr.stages.deep import deep
from dlr.stages.evaluate import evaluate
from dlr.stages.fuse import fuse
from dlr.stages.fusion_model import fusion_model
from dlr.stages.nomogram import nomogram
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.report import report
from dlr.stages.stability import stability

__all__ = [
    "attention",
    "clinical",
    "cohort",
    "combine",
    "deep",
    "evaluate",
    "fuse",
    "fusion_model",
    "nomogram",
    "radiomics",
    "radiomics_model",
    "report",
    "stability",
]
