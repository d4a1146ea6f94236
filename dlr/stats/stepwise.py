"""Selection of variables by AIC in both directions, a factor as a whole (R's stepAIC)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.stats.likelihood import maximise
from dlr.stats.logistic import logistic
from dlr.stats.logistic_fit import LogisticFit, Step
from dlr.stats.regression import Regression, starting_point

__all__ = ["stepwise"]

GAIN = 1e-7  # a step must lower the AIC by more than this, as in stepAIC


def stepwise(
    frame: pd.DataFrame,
    outcome: pd.Series | np.ndarray,
    *,
    direction: Literal["both", "backward", "forward"] = "both",
    start: Literal["full", "null"] | None = None,
    keep: Collection[str] = (),
    references: Mapping[str, str] | None = None,
    logits: Sequence[str] = (),
    splines: Sequence[str] = (),
    profile: bool = True,
) -> LogisticFit:
    """The logistic model that no single removal or addition of a variable improves by AIC; its `path` tells the way.

    start : "full" unless the direction is "forward".  keep : variables that never leave.
    A separated candidate is judged by the limit its likelihood tends to; a separated final model is fitted by Firth's
    penalty (see `logistic`). Of equal steps removals come before additions, each in the table's order.
    P-values and intervals of the result ignore the selection and are too good: show the full model beside it.
    """
    if set(keep) - set(frame.columns):
        raise InputError("stepwise selection", f"no column {', '.join(sorted(set(keep) - set(frame)))}", "name others")
    search = _Search(Regression.of(frame, outcome, references=references, logits=logits, splines=splines))
    names = list(search.regression.design.names)
    start = start or ("null" if direction == "forward" else "full")
    inside = names if start == "full" else [name for name in names if name in keep]
    path = [search.step("", inside, inside)]
    while True:
        candidates = []
        if direction != "forward":
            candidates += [(f"- {v}", [u for u in inside if u != v]) for v in inside if v not in keep]
        if direction != "backward":
            candidates += [(f"+ {v}", [*inside, v]) for v in names if v not in inside]
        steps = [(search.step(action, inside, after), after) for action, after in candidates]
        best = min(steps, key=lambda pair: pair[0].aic, default=None)
        if best is None or best[0].aic >= path[-1].aic - GAIN:
            break
        path.append(best[0])
        inside = best[1]
    chosen = {name: value for name, value in (references or {}).items() if name in inside}
    kept_logits = [name for name in logits if name in inside]
    bent = [name for name in splines if name in inside]
    fit = logistic(frame[inside], outcome, references=chosen, logits=kept_logits, splines=bent, profile=profile)
    return replace(fit, path=tuple(path))


class _Search:
    """Deviances of subsets of one design, each fitted once."""

    def __init__(self, regression: Regression) -> None:
        self.regression = regression
        self.known: dict[frozenset[str], float] = {}

    def deviance(self, inside: Sequence[str]) -> float:
        """Of the model with these variables."""
        key = frozenset(inside)
        if key not in self.known:
            target = self.regression.likelihood
            self.known[key] = -2 * maximise(target, starting_point(target), self._free(inside)).value
        return self.known[key]

    def step(self, action: str, before: Sequence[str], after: Sequence[str]) -> Step:
        """What the model becomes."""
        k_before, k_after = int(self._free(before).sum()), int(self._free(after).sum())
        deviance = self.deviance(after)
        return Step(action, abs(k_after - k_before), deviance, deviance + 2 * k_after)

    def _free(self, inside: Sequence[str]) -> np.ndarray:
        free = np.zeros(self.regression.likelihood.x.shape[1], dtype=bool)
        free[[0, *(j for name in inside for j in self.regression.design.positions(name))]] = True
        return free
