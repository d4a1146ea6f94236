"""Whether the figures of a study hold: on noise, and where the truth is known from 5,000 new patients.

    python benchmarks/bench_honesty.py null [--cohorts 40] [--first 0] [--patients 140] [--keep null.jsonl]
    python benchmarks/bench_honesty.py planted [--cohorts 40] [--first 0] [--patients 140] [--keep planted.jsonl]

Clinical, radiomics and embedding tables are simulated; all that learns and judges is the package's own, in one process:
folds, the chains of Clinical, Rad, DL (a head on the embedding) and DLR by logistic regression, Combined, shuffles,
cut-offs. A row a model and cohort is kept and not made again; the table is of all rows that are there. Not a test.

null     the outcome is drawn without a look: AUC out-of-fold and nested must be one half, the permutation p uniform.
planted  the outcome follows two clinical variables and two of ten factors behind features and embedding.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy.stats import kstest

from dlr import stats
from dlr.cohort import Column, draw_folds
from dlr.learn import CandidateSet, LearnSettings
from dlr.protocols import Part, plan
from dlr.randomness import rng, seed_of
from dlr.settings import CombineSettings
from dlr.stats.recalibration import recalibration
from dlr.study.cheap_chains import Blocks, CheapChains, cheap_predictions
from dlr.study.cohort import CohortTables
from dlr.study.combined import SavedSet, chosen_signatures, combined_frame
from dlr.study.combining import Combining
from dlr.study.cutoffs import cut_offs
from dlr.study.frames import PatientFrame
from dlr.study.measures import evaluated_signatures
from dlr.study.permuting import Dealt, areas_of, shuffles
from dlr.tables import COHORT
from dlr.words import Model, Protocol, Side, Target, expit, logit

TARGET = Target("positive")
SIZES = (65, 100, 140)  # training patients
NEW = 5000
SHUFFLES = 19
FACTORS, FEATURES, WIDTH, COMPONENTS = 10, 80, 64, 16
COLUMNS = (Column("er", "binary"), Column("age", "numeric"), Column("cea", "numeric"), Column("menopause", "binary"))
SET = CandidateSet((), (Model.CLINICAL.value, Model.DLR.value))  # of a study that names no variables
MODELS = (Model.CLINICAL, Model.RAD, Model.DL, Model.DLR, Model.COMBINED)
NULL = LearnSettings(algorithms=["logistic"], folds=3, seeds=1, inner_folds=3, lasso_folds=5, max_grid=4)
PLANTED = LearnSettings(algorithms=["logistic"], folds=5, seeds=2)


@dataclass(frozen=True)
class Simulated:
    """A cohort and what its chains read."""

    tables: CohortTables
    blocks: Blocks

    def of(self, sides: pd.Series, folds: pd.DataFrame) -> Simulated:
        """Other sides and folds of the same patients; who has none takes no part."""
        cases = self.tables.cases[self.tables.cases["patient_id"].isin(sides.index)]
        own = replace(self.tables, cases=cases.assign(side=sides.loc[cases["patient_id"]].to_numpy()), folds=folds)
        return replace(self, tables=own)


def simulate(seed: int, signal: float, new: int, learn: LearnSettings, train: int | None = None) -> Simulated:
    """Training patients and new ones (side test); with `signal` 0 nothing tells of the outcome, with 1 about .83."""
    draw, train = rng(seed, "honesty", "cohort"), train or SIZES[seed % len(SIZES)]
    n = train + new
    ids = [f"P{number:04d}" for number in range(n)]
    er, menopause = draw.random((2, n)) < 0.6
    age, cea = draw.normal(size=(2, n))
    factors = draw.normal(size=(n, FACTORS))
    told = 0.9 * (er - 0.6) + 0.6 * age + 0.9 * factors[:, 0] + 0.7 * factors[:, 1]
    positive = draw.random(n) < expit(-1 + signal * told)
    clinical = {"er": er * 1.0, "age": 55 + 10 * age, "cea": np.exp(cea), "menopause": menopause * 1.0}
    behind = np.arange(FEATURES) * FACTORS // FEATURES
    features = factors[:, behind] * draw.uniform(0.5, 0.9, FEATURES) + 0.6 * draw.normal(size=(n, FEATURES))
    mixing = draw.normal(size=(FACTORS, WIDTH)) / np.sqrt(FACTORS)
    embedding = factors @ mixing + 0.6 * draw.normal(size=(n, WIDTH))
    cases = pd.DataFrame({"patient_id": ids, "case_id": ids, **clinical, TARGET.name: positive * 1.0})
    cases = cases.assign(**dict.fromkeys(set(COHORT.names) - {"patient_id", "case_id"}, ""))
    cases["side"] = np.where(np.arange(n) < train, Side.TRAIN, Side.TEST)
    protocols = (Protocol.CROSSFIT.value, Protocol.NESTED.value)
    folds = draw_folds(cases[:train], [TARGET], seed, learn.folds, learn.seeds, protocols)
    tables = CohortTables(cases, folds, pd.DataFrame(), COLUMNS, (TARGET,), "")
    frames = [
        PatientFrame.by_patient(pd.DataFrame(values, ids, [f"{name}{k:03d}" for k in range(values.shape[1])]))
        for name, values in (("rad", features), ("e", embedding))
    ]
    own = PatientFrame.by_patient(tables.clinical())
    return Simulated(tables, Blocks({"": own}, frames[0], {"network": frames[1]}, COMPONENTS))


def predictions(
    study: Simulated, parts: Sequence[Part], labels: pd.Series, learn: LearnSettings, seed: int
) -> pd.DataFrame:
    """PREDICTIONS of the four models that a part's chains make."""
    return pd.concat(
        [
            cheap_predictions(CheapChains(study.blocks, TARGET, labels, part, learn, None, seed), study.tables.sides)
            for part in parts
        ],
        ignore_index=True,
    )


def combining(study: Simulated, rows: pd.DataFrame, labels: pd.Series) -> Combining:
    """What Combined is fitted on: clinical variables and the signatures of these chains."""
    tables = study.tables
    frame = combined_frame(tables, chosen_signatures([rows]), TARGET.name, Protocol.CROSSFIT, "")
    named = (TARGET, Protocol.CROSSFIT.value, "")
    return Combining(*named, frame, labels, tables.sides, tables.folds, CombineSettings())


def whole(study: Simulated, learn: LearnSettings, seed: int) -> pd.DataFrame:
    """PREDICTIONS of all five models cross-fitted: training patients out-of-fold, the others by what is served."""
    labels = study.tables.labels(TARGET)
    rows = predictions(study, plan(study.tables.folds, Protocol.CROSSFIT, study.tables.sides), labels, learn, seed)
    case = combining(study, rows, labels)
    model = case.fit(SET, case.training(SET), only_predict=True)
    if model.fit is None:  # its signature would lower the risk: everybody gets the prevalence out-of-fold, too
        return pd.concat([rows, *case.of_folds(SET)], ignore_index=True)
    saved = SavedSet(TARGET.name, Protocol.CROSSFIT.value, "", True, model)
    return pd.concat([rows, *case.predictions(saved)], ignore_index=True)


def nested(study: Simulated, learn: LearnSettings, seed: int) -> dict[str, float]:
    """AUC within outer folds of all five models, each fitted on the other folds' patients as a study of its own.

    Inner chains give these patients their signatures, Combined is fitted on them, and the outer fold's patients get the
    mean logit of the inner chains through that Combined. Of the first drawing.
    """
    drawn = study.tables.folds
    drawn = drawn[(drawn["protocol"] == Protocol.NESTED) & (drawn["seed"] == 0)]
    held_out = []
    for outer, own in drawn.groupby("outer"):
        sides = pd.Series(np.where(own["fold"] < 0, Side.TEST, Side.TRAIN), own["patient_id"].to_numpy())
        inner = own[own["fold"] >= 0].assign(protocol=Protocol.CROSSFIT.value, outer=-1)
        rows = whole(study.of(sides, inner), learn, seed_of(seed, "outer", int(outer)))
        signatures = chosen_signatures([rows])
        held_out.append(signatures[signatures["side"] == Side.TEST].assign(fold=int(outer), seed=0))
    labels = study.tables.labels(TARGET)
    found = areas_of(Dealt(TARGET, labels, drawn, 0), pd.concat(held_out, ignore_index=True))
    return dict(zip(found["model"], found["area"], strict=True))


def areas(rows: pd.DataFrame, labels: pd.Series) -> dict[str, float]:
    """The out-of-fold AUC of every model."""
    found = areas_of(Dealt(TARGET, labels, pd.DataFrame(), 0), rows[rows["side"] == Side.TRAIN])
    return dict(zip(found["model"], found["area"], strict=True))


def null_cohort(seed: int, patients: int | None) -> list[dict]:
    """A row a model: out-of-fold and nested AUC, permutation p, Youden's J out-of-fold at cross-fitted cut-offs."""
    study = simulate(seed, 0.0, 0, NULL, patients)
    truth, *shuffled = shuffles(study.tables, TARGET, SHUFFLES, seed)
    by_shuffle = []
    for dealt in shuffled:
        own = study.of(study.tables.sides, dealt.folds)
        rows = predictions(own, dealt.parts(study.tables.sides), dealt.labels, NULL, seed)
        stacked = combining(own, rows, dealt.labels).of_folds(SET)
        by_shuffle.append(areas(pd.concat([rows, *stacked], ignore_index=True), dealt.labels))
    rows = whole(study, NULL, seed)
    observed, deep = areas(rows, truth.labels), nested(study, NULL, seed)
    judged = [one for one in evaluated_signatures(rows, study.tables) if one.side == Side.TRAIN]
    cutoffs = cut_offs(judged)
    youden = {}
    for one in judged:
        called = one.probability >= cutoffs.of(one)
        youden[one.model] = float(called[one.positive].mean() - called[~one.positive].mean())
    return [
        {
            "seed": seed, "model": model, "patients": len(truth.labels), "out_of_fold": observed[model],
            "nested": deep.get(model, np.nan), "youden": youden[model],
            "p": stats.permutation_p(observed[model], [values[model] for values in by_shuffle]),
        }
        for model in map(str, MODELS)
    ]  # fmt: skip


def planted_cohort(seed: int, patients: int | None) -> list[dict]:
    """A row a model: out-of-fold and nested AUC, AUC and calibration slope on new patients."""
    study = simulate(seed, 1.0, NEW, PLANTED, patients)
    sides = study.tables.sides
    labels = study.tables.labels(TARGET)
    rows = whole(study, PLANTED, seed)
    inside = labels[sides[labels.index] == Side.TRAIN]
    observed = areas(rows, inside)
    deep = nested(study, PLANTED, seed)
    served = chosen_signatures([rows])
    served = served[served["side"] == Side.TEST]
    out = []
    for model in map(str, MODELS):
        own = served[served["model"] == model]
        positive, value = labels.loc[own["patient_id"]].to_numpy() == 1, own["value"].to_numpy()
        known = len(own) > 0
        out.append(
            {
                "seed": seed, "model": model, "patients": len(inside), "out_of_fold": observed[model],
                "nested": deep.get(model, np.nan), "true": stats.auc(positive, value).value if known else np.nan,
                "slope": recalibration(positive, logit(value, clip=1e-12))[2] if known else np.nan,
            }
        )  # fmt: skip
    return out


def with_error(values: pd.Series) -> str:
    """Mean and Monte-Carlo error."""
    return f"{values.mean():.3f} ({values.std() / np.sqrt(values.notna().sum()):.3f})"


def honest(model: str, name: str) -> bool:
    """Whether a value is bound to be true: Combined's out-of-fold is stacked and optimistic, and said so."""
    return (model, name) != (Model.COMBINED, "out_of_fold")


def null_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What must be .5, uniform, and 0; `out` names what lies outside its bounds."""
    draw, out = rng(0, "honesty", "jitter"), []
    for model, own in rows.groupby("model", sort=False):
        apart = {
            name: (own[name] - 0.5).mean() / (own[name].std() / np.sqrt(len(own))) for name in ("out_of_fold", "nested")
        }
        smooth = own["p"] - draw.random(len(own)) / (SHUFFLES + 1)  # steps of a twentieth
        share = (own["p"] <= 0.05).mean()
        wrong = [name for name, errors in apart.items() if abs(errors) > 2 and honest(model, name)]
        wrong += ["p"] * int(not 0.02 <= share <= 0.08) + ["Youden"] * int(abs(own["youden"].mean()) > 0.03)
        uniform = kstest(smooth, "uniform").pvalue
        measured = map(with_error, (own["out_of_fold"], own["nested"]))
        of_p = (f"{own['p'].mean():.3f}", f"{share:.3f}", f"{uniform:.2f}")
        out.append((model, len(own), *measured, *of_p, with_error(own["youden"]), ", ".join(wrong)))
    columns = ["model", "cohorts", "out-of-fold", "nested", "mean p", "p <= .05", "KS p", "Youden J", "out"]
    return pd.DataFrame(out, columns=columns)


def planted_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Distances to the AUC on new patients, slopes there, and how often Combined is at least as good as its parts."""
    true = rows.pivot(index="seed", columns="model", values="true")
    parts = true[[str(Model.CLINICAL), str(Model.DLR)]].max(axis=1)
    better = (true[str(Model.COMBINED)] >= parts)[true[str(Model.COMBINED)].notna()].mean()
    out = []
    for model, own in rows.groupby("model", sort=False):
        gaps = {name: own[name] - own["true"] for name in ("out_of_fold", "nested")}
        wrong = [name for name, gap in gaps.items() if abs(gap.mean()) > 0.02 and honest(model, name)]
        wrong += ["slope"] * int(not 0.8 <= own["slope"].mean() <= 1.25)
        combined = f"{better:.3f}" if model == Model.COMBINED else ""
        wrong += ["parts"] * int(model == Model.COMBINED and better < 0.95)
        slope = f"{with_error(own['slope'])}, median {own['slope'].median():.2f}"
        out.append((model, len(own), with_error(own["true"]), *map(with_error, gaps.values()), slope, combined,
                    ", ".join(wrong)))  # fmt: skip
    columns = [
        "model",
        "cohorts",
        "AUC, new",
        "out-of-fold less it",
        "nested less it",
        "slope, new",
        ">= its parts",
        "out",
    ]
    return pd.DataFrame(out, columns=columns)


WHAT: dict[str, tuple[Callable[[int, int | None], list[dict]], Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "null": (null_cohort, null_table),
    "planted": (planted_cohort, planted_table),
}


def main() -> None:
    """Parse, make the cohorts that are not kept yet, print the table and the one by size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--cohorts", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--patients", type=int, help="training patients; 65, 100 and 140 in turn where not given")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    make, table = WHAT[given.what]
    rows = []
    if given.keep is not None and given.keep.exists():
        rows = [json.loads(line) for line in given.keep.read_text(encoding="utf-8").splitlines()]
    for seed in sorted(set(range(given.first, given.first + given.cohorts)) - {row["seed"] for row in rows}):
        begin = time.process_time()
        made = make(seed, given.patients)
        rows += made
        if given.keep is not None:
            with given.keep.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in made)
        print(f"cohort {seed}: {time.process_time() - begin:.0f} s of CPU", file=sys.stderr, flush=True)
    found = pd.DataFrame(rows)
    print(table(found).to_string(index=False))
    for patients, own in found.groupby("patients"):
        print(f"\n{patients} training patients:\n{table(own).to_string(index=False)}")


if __name__ == "__main__":
    main()
