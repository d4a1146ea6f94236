"""One function a figure: takes data and Axes, returns Axes. Knows neither files nor stages."""

from dlr.figures.benefit import draw_calibration, draw_decision, draw_predictions
from dlr.figures.comparison import ALGORITHM_NAMES, draw_algorithm_table, draw_auc_forest, draw_p_matrix
from dlr.figures.contact_sheet import Outlined, contact_sheet, example_picture, outlined_slices
from dlr.figures.curves import Line, draw_pr, draw_roc
from dlr.figures.deep import draw_attention, draw_block_shares, draw_learning_curves, draw_pca_variance
from dlr.figures.features import (
    class_of,
    draw_correlation,
    draw_family_counts,
    draw_family_shares,
    draw_p_violin,
)
from dlr.figures.honesty import draw_dice, draw_icc, draw_optimism, draw_splits
from dlr.figures.nomogram import draw_nomogram, nomogram_rows
from dlr.figures.patients import draw_flow, draw_outline, flow_rows
from dlr.figures.per_cent import draw_bland_altman, draw_observed_predicted
from dlr.figures.regions import (
    ABLATION_NAMES,
    TRAP,
    attention_scales_height,
    draw_ablation,
    draw_attention_scales,
    draw_attention_shares,
    draw_confusion,
    draw_region_weights,
    region_marks,
)
from dlr.figures.selection import draw_lasso_error, draw_lasso_path, draw_selection_frequency, draw_weights
from dlr.figures.superres import (
    Enlarged,
    Restored,
    draw_auc_differences,
    draw_detail_account,
    draw_restored,
    restored_height,
    trial_page,
)
from dlr.figures.volumes import Plane, draw_cohort_forest, draw_planes, draw_tsne, planes_height

__all__ = [
    "ABLATION_NAMES",
    "ALGORITHM_NAMES",
    "Enlarged",
    "Line",
    "Outlined",
    "Plane",
    "Restored",
    "TRAP",
    "attention_scales_height",
    "class_of",
    "contact_sheet",
    "draw_ablation",
    "draw_algorithm_table",
    "draw_attention",
    "draw_attention_scales",
    "draw_attention_shares",
    "draw_auc_differences",
    "draw_auc_forest",
    "draw_bland_altman",
    "draw_block_shares",
    "draw_calibration",
    "draw_cohort_forest",
    "draw_confusion",
    "draw_correlation",
    "draw_decision",
    "draw_detail_account",
    "draw_dice",
    "draw_family_counts",
    "draw_family_shares",
    "draw_flow",
    "draw_icc",
    "draw_lasso_error",
    "draw_lasso_path",
    "draw_learning_curves",
    "draw_nomogram",
    "draw_observed_predicted",
    "draw_optimism",
    "draw_outline",
    "draw_p_matrix",
    "draw_p_violin",
    "draw_pca_variance",
    "draw_planes",
    "draw_pr",
    "draw_predictions",
    "draw_region_weights",
    "draw_restored",
    "draw_roc",
    "draw_selection_frequency",
    "draw_splits",
    "draw_tsne",
    "draw_weights",
    "example_picture",
    "flow_rows",
    "nomogram_rows",
    "outlined_slices",
    "planes_height",
    "region_marks",
    "restored_height",
    "trial_page",
]
