"""Synthetic cohorts with a known truth: B-mode stills, outlines, clinical columns, HER2."""

from dlr.phantom.clinical import CLINICAL_COLUMNS
from dlr.phantom.features import feature_cohort
from dlr.phantom.manifest import MANIFEST_COLUMNS, is_built_in, make_cohort, missing_files
from dlr.phantom.settings import PhantomSettings
from dlr.phantom.truth import BLOCKS, Reachable, Truth, truth_of

__all__ = [
    "BLOCKS",
    "CLINICAL_COLUMNS",
    "MANIFEST_COLUMNS",
    "PhantomSettings",
    "Reachable",
    "Truth",
    "feature_cohort",
    "is_built_in",
    "make_cohort",
    "missing_files",
    "truth_of",
]
