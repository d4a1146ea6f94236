"""Protocols: who is fitted on whom, for anything with fit and predict. Knows no tables of features and no images."""

from dlr.protocols.crossfit import CrossFit, FittedFold, cross_fit, held_out_values, mean_logit
from dlr.protocols.folds import folds_by_pattern, folds_by_thirds, stratified_folds
from dlr.protocols.parts import Part, plan
from dlr.protocols.permutation import Permuted, permute_through, shuffle_patients

__all__ = [
    "CrossFit",
    "FittedFold",
    "Part",
    "Permuted",
    "cross_fit",
    "folds_by_pattern",
    "folds_by_thirds",
    "held_out_values",
    "mean_logit",
    "permute_through",
    "plan",
    "shuffle_patients",
    "stratified_folds",
]
