"""Saving and loading chains: JSON, LightGBM text, XGBoost JSON, Parquet; never a pickle."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.errors import InputError
from dlr.learn.chains import Chain, FittedChains
from dlr.learn.models import FILE_NAME, model_from_bytes
from dlr.learn.preparation import Preparation
from dlr.learn.rad_score import RadScore
from dlr.stats.scaling import Scaling
from dlr.words import CHOSEN, TargetKind

__all__ = ["load_chain", "save_chains"]

MEND = "name the folder of a finished run of dlr, or run the study again"
FORMAT = 4
PLAIN = 3  # without recalibration
OLDER = 2  # release 0.1.0: two classes only, with `prevalence` for the baseline


def save_chains(fitted: FittedChains, folder: Path) -> None:
    """Write `chains.json` and a file an algorithm into `folder`, which is made; equal chains give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    any_chain = fitted.best
    plain = {
        "format": FORMAT,
        "chosen": fitted.chosen,
        "features": list(any_chain.features),
        "kind": any_chain.kind.value,
        "baseline": any_chain.baseline,
        "n": any_chain.n,
        "n_positive": any_chain.n_positive,
        "parameters": {name: chain.parameters for name, chain in fitted.chains.items()},
        "recalibration": {
            name: asdict(chain.recalibration) for name, chain in fitted.chains.items() if chain.recalibration
        },
        "preparation": any_chain.preparation.to_json(),
        "rad_score": None if any_chain.rad_score is None else any_chain.rad_score.to_json(),
    }
    (folder / "chains.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")
    for name, chain in fitted.chains.items():
        (folder / FILE_NAME[name]).write_bytes(chain.model.to_bytes())


def load_chain(folder: Path, algorithm: str = CHOSEN) -> Chain:
    """One saved chain; `algorithm` may be "chosen". InputError where it is absent, damaged or not to be trusted."""
    index = folder / "chains.json"
    try:
        plain = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(str(index), f"cannot be read ({error})", MEND) from error
    try:
        chain = _chain(plain, folder, algorithm)
        _try(chain)
        return chain
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        what = f"is not as a study writes it ({type(error).__name__}: {error})"[:200]
        raise InputError(str(index), what, MEND) from error


def _chain(plain: dict[str, Any], folder: Path, algorithm: str) -> Chain:
    index = str(folder / "chains.json")
    if plain.get("format") == OLDER:
        plain = {**plain, "kind": TargetKind.BINARY.value, "baseline": plain["prevalence"]}
    elif plain.get("format") not in (PLAIN, FORMAT):
        raise InputError(index, f"has format {plain.get('format')}, this dlr reads {FORMAT}", MEND)
    name = plain["chosen"] if algorithm == CHOSEN else algorithm
    if name not in plain["parameters"]:
        fitted = ", ".join(plain["parameters"])
        raise InputError(index, f"has no algorithm {name!r}; fitted were {fitted}", "name one of these")
    recalibration = plain.get("recalibration", {}).get(name)
    path = folder / FILE_NAME[name]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error})", MEND) from error
    return Chain(
        algorithm=name,
        parameters=plain["parameters"][name],
        preparation=Preparation.from_json(plain["preparation"]),
        features=tuple(plain["features"]),
        model=model_from_bytes(name, data, str(path), TargetKind(plain["kind"])),
        kind=TargetKind(plain["kind"]),
        baseline=float(plain["baseline"]),
        n=int(plain["n"]),
        n_positive=int(plain["n_positive"]),
        rad_score=None if plain["rad_score"] is None else RadScore.from_json(plain["rad_score"]),
        recalibration=None if recalibration is None else Scaling(**recalibration),
    )


def _try(chain: Chain) -> None:
    """ValueError or the like where the parts do not fit together: a patient of whom nothing is known gets a value."""
    nobody = pd.DataFrame(np.full((1, len(chain.preparation.columns)), np.nan), columns=list(chain.preparation.columns))
    with np.errstate(all="ignore"):
        (value,) = chain.predict(nobody)
    if not math.isfinite(value):
        raise ValueError("its numbers give no prediction")
