"""Learn: selectors, classifiers and the chain from raw columns to a probability. Knows no images."""

from dlr.learn.candidates import CandidateSet, admissible_sets
from dlr.learn.chains import Chain, FittedChains, fit_chains
from dlr.learn.combined import CombinedModel, Dropped, fill_value, filled_column
from dlr.learn.combined_fit import fit_combined
from dlr.learn.correlation import GreedyCorrelationFilter
from dlr.learn.lasso import LassoNumberSelector, LassoSelector
from dlr.learn.pca import PcaBlock, components_wanted, fit_pca, load_pca, save_pca
from dlr.learn.rad_score import RadScore, lasso_cv, lasso_path, rad_score_formula
from dlr.learn.selection import selection_frequency
from dlr.learn.settings import ALGORITHMS, REGRESSORS, LearnSettings
from dlr.learn.storage import load_chain, save_chains
from dlr.learn.univariable import TTestSelector

__all__ = [
    "ALGORITHMS",
    "REGRESSORS",
    "CandidateSet",
    "Chain",
    "CombinedModel",
    "Dropped",
    "FittedChains",
    "GreedyCorrelationFilter",
    "LassoNumberSelector",
    "LassoSelector",
    "LearnSettings",
    "PcaBlock",
    "RadScore",
    "TTestSelector",
    "admissible_sets",
    "components_wanted",
    "fill_value",
    "filled_column",
    "fit_chains",
    "fit_combined",
    "fit_pca",
    "lasso_cv",
    "lasso_path",
    "load_chain",
    "load_pca",
    "rad_score_formula",
    "save_chains",
    "save_pca",
    "selection_frequency",
]
