"""Synthetic cohorts with a known truth: B-mode stills and volumes, outlines, clinical columns, HER2, ER and PR."""

from dlr.phantom.clinical import CLINICAL_COLUMNS
from dlr.phantom.features import feature_cohort
from dlr.phantom.folder import missing_files
from dlr.phantom.manifest import MANIFEST_COLUMNS, is_built_in, make_cohort
from dlr.phantom.receptor_truth import MARKERS, ReceptorTruth, pattern_shares
from dlr.phantom.settings import PhantomSettings, VolumePhantomSettings
from dlr.phantom.truth import BLOCKS, Reachable, Truth, truth_of
from dlr.phantom.volume_manifest import is_built_in_volumes, make_volume_cohort, scanner_auc, volume_truth

__all__ = [
    "BLOCKS",
    "CLINICAL_COLUMNS",
    "MANIFEST_COLUMNS",
    "MARKERS",
    "PhantomSettings",
    "Reachable",
    "ReceptorTruth",
    "Truth",
    "VolumePhantomSettings",
    "feature_cohort",
    "is_built_in",
    "is_built_in_volumes",
    "make_cohort",
    "make_volume_cohort",
    "missing_files",
    "pattern_shares",
    "scanner_auc",
    "truth_of",
    "volume_truth",
]
