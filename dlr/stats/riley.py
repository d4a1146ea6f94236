"""How many patients a prediction model of a binary outcome needs, or how many parameters a cohort carries.

Source: Riley et al. 2019 (Stat Med 38:1276) and 2020 (BMJ 368:m441), criteria (i) shrinkage, (ii) optimism of R²,
(iii) the overall risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, log

from dlr.errors import InputError

__all__ = ["RileySize", "events_per_variable", "maximum_parameters", "r2_ceiling", "riley_sample_size"]

SHRINKAGE = 0.9  # expected calibration slope
R2_DIFFERENCE = 0.05  # apparent less adjusted Nagelkerke R²
RISK_MARGIN = 0.05  # half width of the 95 % interval of the overall risk


@dataclass(frozen=True)
class RileySize:
    """The smallest cohort for a number of candidate parameters; `n` is the largest of the three criteria."""

    parameters: int
    prevalence: float
    r2_cox_snell: float  # anticipated
    n_shrinkage: int  # criterion (i)
    n_optimism: int  # criterion (ii)
    n_risk: int  # criterion (iii)

    @property
    def n(self) -> int:
        """Patients needed."""
        return max(self.n_shrinkage, self.n_optimism, self.n_risk)

    @property
    def events(self) -> float:
        """Positive patients needed."""
        return self.n * self.prevalence

    @property
    def events_per_parameter(self) -> float:
        """Positive patients needed a parameter."""
        return self.events / self.parameters


def events_per_variable(n_positive: int, n_negative: int, parameters: int) -> float:
    """Patients of the rarer class per candidate parameter (not per variable that was left in)."""
    if parameters < 1:
        raise InputError("events per variable", f"{parameters} parameters", "count one or more candidate parameters")
    return min(n_positive, n_negative) / parameters


def r2_ceiling(prevalence: float) -> float:
    """Largest Cox–Snell R² at a prevalence: 1 − [φ^φ (1 − φ)^(1 − φ)]²."""
    if not 0 < prevalence < 1:
        raise InputError("sample size", f"prevalence {prevalence:g}", "give a prevalence between 0 and 1")
    return 1 - exp(2 * (prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)))


def riley_sample_size(parameters: int, prevalence: float, r2_nagelkerke: float = 0.15) -> RileySize:
    """Patients needed for `parameters` candidate parameters at an anticipated Nagelkerke R².

    0.15 is Riley's advice where nothing is known; give the R² of a comparable published model where there is one.
    """
    if parameters < 1:
        raise InputError("sample size", f"{parameters} parameters", "count one or more candidate parameters")
    r2 = _cox_snell(prevalence, r2_nagelkerke)
    optimism_shrinkage = r2 / (r2 + R2_DIFFERENCE * r2_ceiling(prevalence))
    return RileySize(
        parameters,
        prevalence,
        r2,
        n_shrinkage=ceil(parameters / _parameters_a_patient(r2, SHRINKAGE)),
        n_optimism=ceil(parameters / _parameters_a_patient(r2, optimism_shrinkage)),
        n_risk=ceil((1.96 / RISK_MARGIN) ** 2 * prevalence * (1 - prevalence)),
    )


def maximum_parameters(n: int, prevalence: float, r2_nagelkerke: float = 0.15) -> float:
    """Candidate parameters that n patients carry by criteria (i) and (ii); not rounded."""
    r2 = _cox_snell(prevalence, r2_nagelkerke)
    optimism_shrinkage = r2 / (r2 + R2_DIFFERENCE * r2_ceiling(prevalence))
    return n * min(_parameters_a_patient(r2, s) for s in (SHRINKAGE, optimism_shrinkage))


def _cox_snell(prevalence: float, r2_nagelkerke: float) -> float:
    if not 0 < r2_nagelkerke < 1:
        raise InputError("sample size", f"Nagelkerke R² {r2_nagelkerke:g}", "give an R² between 0 and 1")
    return r2_nagelkerke * r2_ceiling(prevalence)


def _parameters_a_patient(r2: float, shrinkage: float) -> float:
    """p / n of (S − 1) log(1 − R²/S)."""
    return (shrinkage - 1) * log(1 - r2 / shrinkage)
