"""Statistics of a prediction study: arrays in, small frozen results out. Knows no tables of a run."""

from dlr.stats.agreement import dice, hausdorff95
from dlr.stats.bbc import BestOfSeveral, bbc_auc
from dlr.stats.bootstrap import bootstrap_estimate
from dlr.stats.calibration import Calibration, CurveError, calibration, calibration_groups, flexible_curve
from dlr.stats.contingency import chi_square, fisher_exact, smallest_expected
from dlr.stats.contrasts import EFFECT_COLUMNS, contrast, effects
from dlr.stats.correlation import Correlation, pearson, spearman
from dlr.stats.decision import (
    THRESHOLDS,
    decision_curve,
    interventions_avoided,
    net_benefit,
    net_benefit_less,
    net_benefit_limits,
    treat_all,
)
from dlr.stats.delong import delong_test, delong_unpaired
from dlr.stats.design import INTERCEPT, Design, Transform, Variable, VariableKind
from dlr.stats.deviation import standard_deviation
from dlr.stats.firth import firth
from dlr.stats.holm import holm
from dlr.stats.hosmer_lemeshow import HosmerLemeshow, hosmer_lemeshow
from dlr.stats.icc import icc, icc_many
from dlr.stats.levels import LevelsArea, auc_of_levels
from dlr.stats.logistic import drop_one, likelihood_ratio, logistic
from dlr.stats.logistic_fit import LogisticFit, Step
from dlr.stats.missing import imputed_copies, pool, pool_effects
from dlr.stats.multilabel import LabelRows, LabelsTogether, labels_together, macro_auc, macro_auc_difference
from dlr.stats.nomogram import Axis, Nomogram, Tick
from dlr.stats.optimism import Optimism, optimism
from dlr.stats.per_cent import PerCentAgreement, absolute_error_difference, mean_absolute_error, per_cent_agreement
from dlr.stats.permutation import permutation_p, shuffled
from dlr.stats.precision import pr_curve
from dlr.stats.pretty import pretty
from dlr.stats.proportions import AtCutOff, Counts, Limits, at_cutoff, counts, interval_wilson
from dlr.stats.reclassification import Reclassification, idi, nri
from dlr.stats.ridge import ridge
from dlr.stats.riley import RileySize, events_per_variable, maximum_parameters, r2_ceiling, riley_sample_size
from dlr.stats.roc import auc, auc_of_unknown, auc_plain, newcombe_interval, roc_curve, youden
from dlr.stats.samplesize import (
    SampleSize,
    hanley_mcneil_se,
    power_obuchowski,
    sample_size_hanley_mcneil,
    sample_size_obuchowski,
)
from dlr.stats.stepwise import stepwise
from dlr.stats.table1 import TableColumn, table1
from dlr.stats.tests import (
    mann_whitney,
    student,
    welch,
    wilcoxon_signed_rank,
)
from dlr.stats.vif import vif
from dlr.stats.within_folds import WithinGroups, auc_difference, auc_pooled, auc_within_folds, auc_within_groups

__all__ = [
    "standard_deviation",
    "EFFECT_COLUMNS",
    "LevelsArea",
    "auc_of_levels",
    "INTERCEPT",
    "THRESHOLDS",
    "AtCutOff",
    "Axis",
    "BestOfSeveral",
    "Calibration",
    "Correlation",
    "Counts",
    "CurveError",
    "Design",
    "HosmerLemeshow",
    "LabelRows",
    "LabelsTogether",
    "Limits",
    "LogisticFit",
    "Nomogram",
    "Optimism",
    "PerCentAgreement",
    "Reclassification",
    "RileySize",
    "SampleSize",
    "Step",
    "TableColumn",
    "Tick",
    "Transform",
    "Variable",
    "VariableKind",
    "WithinGroups",
    "absolute_error_difference",
    "at_cutoff",
    "auc",
    "auc_difference",
    "auc_of_unknown",
    "auc_plain",
    "auc_pooled",
    "auc_within_folds",
    "auc_within_groups",
    "bbc_auc",
    "bootstrap_estimate",
    "calibration",
    "calibration_groups",
    "chi_square",
    "contrast",
    "counts",
    "decision_curve",
    "delong_test",
    "delong_unpaired",
    "dice",
    "drop_one",
    "effects",
    "events_per_variable",
    "firth",
    "fisher_exact",
    "flexible_curve",
    "hanley_mcneil_se",
    "hausdorff95",
    "holm",
    "hosmer_lemeshow",
    "icc",
    "icc_many",
    "idi",
    "imputed_copies",
    "interval_wilson",
    "interventions_avoided",
    "labels_together",
    "likelihood_ratio",
    "logistic",
    "macro_auc",
    "macro_auc_difference",
    "mann_whitney",
    "maximum_parameters",
    "mean_absolute_error",
    "net_benefit",
    "net_benefit_less",
    "net_benefit_limits",
    "newcombe_interval",
    "nri",
    "optimism",
    "pearson",
    "per_cent_agreement",
    "permutation_p",
    "pool",
    "pool_effects",
    "power_obuchowski",
    "pr_curve",
    "pretty",
    "r2_ceiling",
    "ridge",
    "riley_sample_size",
    "roc_curve",
    "sample_size_hanley_mcneil",
    "sample_size_obuchowski",
    "shuffled",
    "smallest_expected",
    "spearman",
    "stepwise",
    "student",
    "table1",
    "treat_all",
    "vif",
    "welch",
    "wilcoxon_signed_rank",
    "youden",
]
