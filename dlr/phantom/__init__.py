"""Synthetic cohorts with a known truth: stills, volumes, outlines, clinical columns, HER2, ER, PR and Ki-67."""

from dlr.phantom.clinical import CLINICAL_COLUMNS
from dlr.phantom.features import feature_cohort
from dlr.phantom.folder import missing_files
from dlr.phantom.manifest import MANIFEST_COLUMNS, is_built_in, make_cohort
from dlr.phantom.receptor_truth import KI67, MARKERS, ReceptorTruth, pattern_shares
from dlr.phantom.settings import DcePhantomSettings, OfVolumes, PhantomSettings, RegionSignal, VolumePhantomSettings
from dlr.phantom.truth import BLOCKS, Reachable, Truth, truth_of
from dlr.phantom.volume_manifest import built_in_volumes, make_volume_cohort, scanner_auc, volume_truth

__all__ = [
    "BLOCKS",
    "CLINICAL_COLUMNS",
    "KI67",
    "MANIFEST_COLUMNS",
    "MARKERS",
    "DcePhantomSettings",
    "OfVolumes",
    "PhantomSettings",
    "Reachable",
    "ReceptorTruth",
    "RegionSignal",
    "Truth",
    "VolumePhantomSettings",
    "built_in_volumes",
    "feature_cohort",
    "is_built_in",
    "make_cohort",
    "make_volume_cohort",
    "missing_files",
    "pattern_shares",
    "scanner_auc",
    "truth_of",
    "volume_truth",
]
