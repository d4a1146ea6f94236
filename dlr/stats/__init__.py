"""Stats."""

from dlr.stats.design import Design, Transform, Variable, VariableKind
from dlr.stats.firth import firth
from dlr.stats.logistic import drop_one, likelihood_ratio, logistic
from dlr.stats.logistic_fit import LogisticFit, Step
from dlr.stats.nomogram import Axis, Nomogram, Tick
from dlr.stats.pretty import pretty
from dlr.stats.ridge import ridge
from dlr.stats.riley import SampleSize, events_per_variable, maximum_parameters, r2_ceiling, sample_size
from dlr.stats.stepwise import stepwise
from dlr.stats.vif import vif, vif_ols

__all__ = [
    "Design",
    "Transform",
    "Variable",
    "VariableKind",
    "firth",
    "drop_one",
    "likelihood_ratio",
    "logistic",
    "LogisticFit",
    "Step",
    "Axis",
    "Nomogram",
    "Tick",
    "pretty",
    "ridge",
    "SampleSize",
    "events_per_variable",
    "maximum_parameters",
    "r2_ceiling",
    "sample_size",
    "stepwise",
    "vif",
    "vif_ols",
]
