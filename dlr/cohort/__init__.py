"""The cohort: manifests and spreadsheets, images and outlines, geometry, sides and folds.

What needs pandas is imported when first asked for: a process that only reads images starts fast.
"""

from typing import TYPE_CHECKING

from dlr.cohort.detached import files_of_image
from dlr.cohort.images import Image, read_image
from dlr.cohort.outlines import Mask, read_mask
from dlr.cohort.reading import Case, read_case
from dlr.cohort.settings import CohortSettings, ColumnSpec
from dlr.lazy import imported_later

if TYPE_CHECKING:
    from dlr.cohort.columns import Column, columns_from_json, columns_to_json, encode_clinical
    from dlr.cohort.duplicates import find_row_copies
    from dlr.cohort.features import load_feature_table, match_features
    from dlr.cohort.flow import flow_chart, largest_roi_cases
    from dlr.cohort.her2 import derive_her2, her2_bounds
    from dlr.cohort.manifest import Cohort, files_of_manifest, load_cohort, load_new_cases
    from dlr.cohort.split import draw_folds, draw_side, learnable, patient_table
    from dlr.cohort.targets import targets_of, without_others

__all__ = [
    "Case",
    "Cohort",
    "CohortSettings",
    "Column",
    "ColumnSpec",
    "Image",
    "Mask",
    "columns_from_json",
    "columns_to_json",
    "derive_her2",
    "draw_folds",
    "draw_side",
    "encode_clinical",
    "files_of_image",
    "files_of_manifest",
    "find_row_copies",
    "flow_chart",
    "her2_bounds",
    "largest_roi_cases",
    "learnable",
    "load_cohort",
    "load_feature_table",
    "load_new_cases",
    "match_features",
    "patient_table",
    "read_case",
    "read_image",
    "read_mask",
    "targets_of",
    "without_others",
]

__getattr__ = imported_later(
    __name__,
    {
        **dict.fromkeys(("Column", "columns_from_json", "columns_to_json", "encode_clinical"), "columns"),
        "find_row_copies": "duplicates",
        **dict.fromkeys(("load_feature_table", "match_features"), "features"),
        **dict.fromkeys(("flow_chart", "largest_roi_cases"), "flow"),
        **dict.fromkeys(("derive_her2", "her2_bounds"), "her2"),
        **dict.fromkeys(("Cohort", "files_of_manifest", "load_cohort", "load_new_cases"), "manifest"),
        **dict.fromkeys(("draw_folds", "draw_side", "learnable", "patient_table"), "split"),
        **dict.fromkeys(("targets_of", "without_others"), "targets"),
    },
)
