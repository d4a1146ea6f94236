"""How the Combined model is fitted: few pre-named variables and a penalty, or the published screening and steps.

The default takes pre-named variables, Firth's or a ridge penalty, and no more parameters than Riley's criterion
carries; `paper` screens by univariable p and steps by AIC, as published (Hu et al. 2025). Signatures enter as logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.learn.candidates import CandidateSet
from dlr.learn.combined import CombinedModel, Dropped, fill_value, filled_column
from dlr.stats import Design, LogisticFit, drop_one, firth, logistic, maximum_parameters, ridge, stepwise
from dlr.stats.design import can_bend
from dlr.words import Protocol

__all__ = ["fit_combined"]

LEAST_PARAMETERS = 2  # a signature and one variable: less is no combination


def fit_combined(
    frame: pd.DataFrame,
    outcome: pd.Series | np.ndarray,
    candidates: CandidateSet,
    *,
    protocol: str = Protocol.CROSSFIT.value,
    penalty: Literal["firth", "ridge"] = "firth",
    bound: int | None = None,
    r2_nagelkerke: float = 0.15,
    level: float = 0.05,
    splines: Sequence[str] = (),
    only_predict: bool = False,
) -> CombinedModel:
    """Fit the Combined model of one candidate set on training patients.

    frame : a row a patient; raw clinical columns (numbers or text) and signatures as probabilities, out-of-fold
        ones unless the protocol is paper.  outcome : 0/1 (n,).
    bound : parameters allowed; None = Riley's at the anticipated `r2_nagelkerke`, two at least. Signatures come
        first, then clinical variables in the order they were named; `paper` has no bound.
    level : the p of the paper's screening, and above which a signature leaves the nomogram.
    splines : numeric clinical columns that enter as restricted cubic splines of three knots, two parameters each; as
        a line where these patients have too many equal values, as may be in one fold alone.
    only_predict : leave out what predictions do not need (profile limits, the full model, the nomogram's), as a
        bootstrap does.
    """
    truth = np.asarray(outcome).astype(float)
    fill = {name: fill_value(frame[name]) for name in candidates.clinical}
    table = frame[list(candidates.columns)].assign(
        **{name: filled_column(frame[name], value) for name, value in fill.items()}
    )
    _complete_signatures(table, candidates.signatures)
    riley = maximum_parameters(len(truth), float(truth.mean()), r2_nagelkerke)
    usable, dropped = _usable(table, candidates)
    bent = [name for name in splines if name in usable and can_bend(table[name])]
    work = _Work(table, truth, candidates.signatures, bent, penalty, profile=not only_predict)
    published = Protocol(protocol) is Protocol.PAPER
    full = (work.plain if published else work.penalised)(usable) if usable and not only_predict else None
    if published:
        allowed = None
        kept, gone = _screened(work, usable, level)
    else:
        allowed = bound or max(LEAST_PARAMETERS, int(riley))
        kept, gone = _bounded(work, usable, allowed, bound is None)
    dropped += gone
    refit: Callable[[Sequence[str]], LogisticFit] = work.plain if published else work.penalised
    fit, gone = _positive_signatures(refit, kept, candidates.signatures)
    dropped += gone
    nomogram, nomogram_dropped = (
        (None, []) if only_predict else _significant_signatures(refit, fit, candidates.signatures, level)
    )
    reason = "" if fit is not None else _nothing_left(dropped)
    return CombinedModel(
        candidates=candidates,
        protocol=str(protocol),
        fit=fit,
        full=full,
        nomogram=nomogram,
        dropped=tuple(dropped),
        nomogram_dropped=tuple(nomogram_dropped),
        reason=reason,
        nomogram_reason=reason or ("" if nomogram is not None or only_predict else _nothing_left(nomogram_dropped)),
        fill=fill,
        n=len(truth),
        n_positive=int(truth.sum()),
        riley=riley,
        bound=allowed,
    )


@dataclass(frozen=True)
class _Work:
    """The training table and the two ways of fitting some of its columns."""

    table: pd.DataFrame
    truth: np.ndarray
    signatures: tuple[str, ...]
    splines: Sequence[str]
    penalty: str
    profile: bool
    done: dict[tuple[str, ...], LogisticFit] = field(default_factory=dict)  # full and reduced model are often one

    def plain(self, columns: Sequence[str]) -> LogisticFit:
        """Maximum likelihood; Firth's penalty where classes separate."""
        return self._once("ML", partial(logistic, profile=self.profile), columns)

    def penalised(self, columns: Sequence[str]) -> LogisticFit:
        chosen = partial(firth, profile=self.profile) if self.penalty == "firth" else ridge
        return self._once(self.penalty, chosen, columns)

    def _once(self, method: str, fit: Callable[..., LogisticFit], columns: Sequence[str]) -> LogisticFit:
        key = (method, *columns)
        if key not in self.done:
            shape = {"logits": self.logits(columns), "splines": self.bent(columns)}
            self.done[key] = fit(self.table[list(columns)], self.truth, **shape)
        return self.done[key]

    def logits(self, columns: Sequence[str]) -> list[str]:
        return [name for name in columns if name in self.signatures]

    def bent(self, columns: Sequence[str]) -> list[str]:
        return [name for name in columns if name in self.splines]

    def parameters(self, name: str) -> int:
        """What a column costs: a factor its levels less one, a spline two."""
        design = Design.of(self.table[[name]], logits=self.logits([name]), splines=self.bent([name]))
        return len(design.terms) - 1


def _usable(table: pd.DataFrame, candidates: CandidateSet) -> tuple[list[str], list[Dropped]]:
    """Candidates that vary and are not determined by those before them."""
    usable: list[str] = []
    dropped = []
    for name in candidates.columns:
        if table[name].nunique() < 2:
            dropped.append(Dropped(name, "the same value in all training patients"))
            continue
        logits = [column for column in (*usable, name) if column in candidates.signatures]
        x = Design.of(table[[*usable, name]], logits=logits).matrix(table)
        length = np.sqrt((x**2).sum(axis=0))
        if np.linalg.matrix_rank(x / np.where(length > 0, length, 1.0), tol=1e-9) < x.shape[1]:
            dropped.append(Dropped(name, "determined by the other candidates"))
        else:
            usable.append(name)
    return usable, dropped


def _bounded(work: _Work, usable: list[str], allowed: int, riley: bool) -> tuple[list[str], list[Dropped]]:
    """As many candidates, in order, as the allowed number of parameters."""
    kept, dropped, used = [], [], 0
    rule = f"Riley's criterion for {len(work.truth)} patients" if riley else "the setting"
    for name in usable:
        size = work.parameters(name)
        if used + size <= allowed:
            kept.append(name)
            used += size
        else:
            price = f", as it takes {size}" if size > 1 else ""
            dropped.append(Dropped(name, f"over the {allowed} parameters of {rule}{price}"))
    return kept, dropped


def _screened(work: _Work, usable: list[str], level: float) -> tuple[list[str], list[Dropped]]:
    """As published: univariable p below the level (likelihood ratio for factors), then stepwise AIC."""
    kept, dropped = [], []
    for name in usable:
        fit = work.plain([name])
        if len(fit.terms) == 2:
            p = float(fit.terms["p"].iloc[1])
        else:
            p = float(drop_one(work.table[[name]], work.truth, splines=work.bent([name]))["p"].iloc[0])
        if p < level:
            kept.append(name)
        else:
            dropped.append(Dropped(name, f"univariable p = {p:.3f}, not below {level:g}"))
    if not kept:
        return [], dropped
    logits, splines = work.logits(kept), work.bent(kept)
    steps = stepwise(work.table[kept], work.truth, logits=logits, splines=splines, profile=False)
    dropped += [Dropped(name, "left in the stepwise selection by AIC") for name in kept if name not in steps.variables]
    return [name for name in kept if name in steps.variables], dropped


def _positive_signatures(
    refit: Callable[[Sequence[str]], LogisticFit], kept: list[str], signatures: tuple[str, ...]
) -> tuple[LogisticFit | None, list[Dropped]]:
    """A signature whose coefficient is not positive leaves, the lowest first, and the rest is fitted again."""
    inside = list(kept)
    dropped: list[Dropped] = []
    while inside:
        fit = refit(inside)
        estimate = fit.terms["estimate"]
        lowest = min((name for name in inside if name in signatures), key=lambda name: estimate[name], default=None)
        if lowest is None or estimate[lowest] > 0:
            return fit, dropped
        dropped.append(Dropped(lowest, f"coefficient {estimate[lowest]:.3f}: a higher signature would lower the risk"))
        inside.remove(lowest)
    return None, dropped


def _significant_signatures(
    refit: Callable[[Sequence[str]], LogisticFit], fit: LogisticFit | None, signatures: tuple[str, ...], level: float
) -> tuple[LogisticFit | None, list[Dropped]]:
    """The model that is drawn: signatures with a p above the level leave, the highest first."""
    dropped: list[Dropped] = []
    while fit is not None:
        p = {name: _p(fit, name) for name in fit.variables if name in signatures}
        worst = max(p, key=lambda name: p[name], default=None)
        if worst is None or p[worst] <= level:
            return fit, dropped
        dropped.append(Dropped(worst, f"p = {p[worst]:.3f}, above {level:g}"))
        inside = [name for name in fit.variables if name != worst]
        fit = refit(inside) if inside else None
    return None, dropped


def _p(fit: LogisticFit, name: str) -> float:
    """The penalised likelihood-ratio p where there is one, else Wald's."""
    tested, wald = (float(fit.terms[column][name]) for column in ("lr_p", "p"))
    return tested if np.isfinite(tested) else wald


def _nothing_left(dropped: Sequence[Dropped]) -> str:
    return "no candidate is left: " + "; ".join(f"{d.variable} ({d.reason})" for d in dropped)


def _complete_signatures(table: pd.DataFrame, signatures: tuple[str, ...]) -> None:
    for name in signatures:
        gaps = table.index[table[name].isna()]
        if len(gaps):
            shown = ", ".join(map(str, gaps[:5]))
            raise InputError(
                f"signature {name}",
                f"{len(gaps)} training patients have none: {shown}",
                "leave them out: a signature is never imputed",
            )
