"""How often the 95 % intervals of a report hold the truth, on cohorts of 60, 150 and 300 patients.

    python benchmarks/bench_coverage.py [--cohorts 500] [--chains 100] [--keep coverage.jsonl]

Each interval is asked of the package's own functions. What a signature that is given does on held-out patients is
compared with what the same function says of 200,000 patients; the out-of-fold figures of Clinical and Rad (logistic
regression, 5 folds, 2 drawings; the first `--chains` cohorts, as they cost most) with their chains' on 2,000 new ones.
`below` and `above` say on which side an interval misses. A row a cohort is kept and not made again. Not a test.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from bench_honesty import PLANTED, TARGET, predictions, simulate

from dlr import stats
from dlr.protocols import plan
from dlr.randomness import rng
from dlr.study.cheap_chains import Blocks
from dlr.study.comparisons import compare
from dlr.study.measures import Evaluated, evaluated_signatures, measures
from dlr.words import Estimate, Protocol, Side, expit

SIZES = (60, 150, 300)
POPULATION, NEW = 200_000, 2_000
CUTOFF, THRESHOLDS = 0.3, (0.1, 0.2, 0.3)
CHEAP = PLANTED.model_copy(update={"inner_folds": 3, "lasso_folds": 5, "max_grid": 4})

Limits = dict[str, tuple[float, float, float]]  # value, lower, upper by name


def held_out(draw: np.random.Generator, n: int, replicates: int) -> Limits:
    """Everything that is printed of two given signatures, an odds-ratio table, readers and a per cent."""
    er, (age, image, noise) = draw.random(n) < 0.6, draw.normal(size=(3, n))
    told = 0.9 * (er - 0.6) + 0.5 * age + 0.9 * image
    positive = draw.random(n) < expit(-0.9 + told)
    better = expit(-0.7 + 0.75 * told + 0.3 * noise)  # too timid, a little too high
    clinical = expit(-0.85 + 0.9 * (er - 0.6) + 0.5 * age)
    estimates: dict[str, Estimate] = {
        "AUC": stats.auc(positive, better),
        "AUC, plain": stats.auc_plain(positive, better),
    }
    estimates |= {f"{name} at {CUTOFF}": one for name, one in stats.at_cutoff(positive, better, CUTOFF).named()}
    found = stats.calibration(positive, better, replicates=replicates)
    estimates |= {name: getattr(found, name) for name in ("brier", "scaled_brier", "intercept", "slope")}
    table = pd.DataFrame({"er": er * 1.0, "age": age})
    asked = {"profile": n < POPULATION}  # of the population the estimates alone are asked
    for method, fit in (
        ("ML", stats.logistic(table, positive, **asked)),
        ("Firth", stats.firth(table, positive, **asked)),
    ):
        for kind, low, high in (("Wald", "lower", "upper"), ("profile", "profile_lower", "profile_upper")):
            for term, row in fit.terms.loc[["er", "age"]].iterrows():
                named = f"log odds of {term}, {method}, {kind}"
                estimates[named] = Estimate(row["estimate"], row[low], row[high], n, 0, method)
    patient, reader = draw.normal(size=n), draw.normal(0, 0.5, size=(n, 2))
    estimates["ICC(2,1)"] = stats.icc(patient[:, None] + reader, "ICC2")
    per_cent = stats.per_cent_agreement(
        np.clip(50 + 20 * patient, 0, 100), np.clip(50 + 12 * age + 8 * patient, 0, 100), 50
    )
    estimates |= {f"per cent: {name}": getattr(per_cent, name) for name in
                  ("mean_absolute_error", "bias", "lower_limit", "upper_limit", "pearson", "spearman")}  # fmt: skip
    out = {name: (one.value, one.lower, one.upper) for name, one in estimates.items()}
    paired = stats.delong_test(positive, better, clinical)
    out["AUC difference"] = (paired.difference, paired.lower, paired.upper)
    benefits = {
        "net benefit": stats.net_benefit_limits(positive, better, THRESHOLDS),
        "net benefit less treat all": stats.net_benefit_limits(positive, better, THRESHOLDS, less_treat_all=True),
        "net benefit less Clinical": stats.net_benefit_less(positive, better, clinical, THRESHOLDS),
    }
    for name, one in benefits.items():
        out |= {f"{name} at {t}": (one.value[k], one.lower[k], one.upper[k]) for k, t in enumerate(THRESHOLDS)}
    return out


def out_of_fold(seed: int, n: int, signal: float) -> Iterator[tuple[str, float, float, float]]:
    """Name, truth and limits of what is printed of Clinical and Rad out-of-fold.

    The truth of an AUC is that of one chain, the mean over the chains; of all else that of the served signature.
    """
    study = simulate(seed, signal, NEW, CHEAP, train=n)
    study = replace(study, blocks=Blocks(study.blocks.clinical, study.blocks.rad))
    tables, labels = study.tables, study.tables.labels(TARGET)
    rows = predictions(study, plan(tables.folds, Protocol.CROSSFIT, tables.sides), labels, CHEAP, seed)
    by_side: dict[str, dict[str, Evaluated]] = {Side.TRAIN: {}, Side.TEST: {}}
    for one in evaluated_signatures(rows, tables):
        by_side[one.side][one.model] = one
    single = {}
    for model, one in by_side[Side.TRAIN].items():
        new = by_side[Side.TEST][model]
        areas = [stats.auc(labels[own["patient_id"]] == 1, own["value"]).value
                 for _, own in new.chains.groupby(["seed", "fold"])]  # fmt: skip
        single[model] = float(np.mean(areas))
        found, truth = (
            {row["metric"]: row for row in measures(side, np.full(len(side.patients), CUTOFF), 1, 10_000)}
            for side in (one, new)
        )
        for name in ("brier", "calibration_slope", "calibration_intercept"):
            yield f"{name} out-of-fold, {model}", truth[name]["value"], found[name]["lower"], found[name]["upper"]
        area, kind = found["auc"], "noise" if not signal else "signal"
        yield f"AUC out-of-fold, {model}, {kind}", single[model], area["lower"], area["upper"]
        yield (
            f"AUC out-of-fold, {model}, {kind}, of what is served",
            truth["auc"]["value"],
            area["lower"],
            area["upper"],
        )
    both = compare(*(by_side[Side.TRAIN][model] for model in ("Rad", "Clinical")))
    yield "AUC difference out-of-fold", single["Rad"] - single["Clinical"], both["lower"], both["upper"]


def cohort(seed: int, n: int, chains: bool, truth: Limits) -> list[dict]:
    """A row an interval: whether it lies below or above the truth."""
    found = [
        (name, truth[name][0], lower, upper)
        for name, (_, lower, upper) in held_out(rng(seed, "coverage", n), n, 10_000).items()
    ]
    if chains:
        found += [row for signal in (1.0, 0.0) for row in out_of_fold(seed, n, signal) if signal or "noise" in row[0]]
    return [
        {"seed": seed, "n": n, "interval": name, "below": bool(upper < true), "above": bool(lower > true),
         "known": bool(np.isfinite(lower) or np.isfinite(upper))}
        for name, true, lower, upper in found
    ]  # fmt: skip


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage by size over the cohorts where there is an interval; `out` names the sizes outside .93 to .97."""
    known = rows[rows["known"]]
    covered = (
        1 - known.assign(missed=known["below"] | known["above"]).groupby(["interval", "n"], sort=False)["missed"].mean()
    )
    wide = covered.unstack("n").round(3)
    sides = known.groupby("interval")[["below", "above"]].mean().round(3)
    cohorts = known.groupby(["interval"])["seed"].nunique()
    outside = wide.apply(lambda row: ", ".join(str(n) for n in SIZES if not 0.93 <= row[n] <= 0.97), axis=1)
    return wide.assign(**sides.loc[wide.index], cohorts=cohorts, out=outside)


def main() -> None:
    """Parse, make the cohorts that are not kept yet, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=500)
    parser.add_argument("--chains", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    truth = held_out(rng(0, "coverage", "population"), POPULATION, 2)
    rows = []
    if given.keep is not None and given.keep.exists():
        rows = [json.loads(line) for line in given.keep.read_text(encoding="utf-8").splitlines()]
    done = {(row["seed"], row["n"]) for row in rows}
    for seed in range(given.cohorts):
        begin = time.process_time()
        for n in (n for n in SIZES if (seed, n) not in done):
            made = cohort(seed, n, seed < given.chains, truth)
            rows += made
            if given.keep is not None:
                with given.keep.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in made)
        print(f"cohort {seed}: {time.process_time() - begin:.1f} s of CPU", file=sys.stderr, flush=True)
    print(table(pd.DataFrame(rows)).to_string())


if __name__ == "__main__":
    main()
