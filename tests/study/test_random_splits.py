"""Random splits: the study's own way of drawing sides and of fitting, over and over, its own split among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.cohort import draw_side
from dlr.randomness import seed_of
from dlr.stats import auc
from dlr.study.cohort import CohortTables
from dlr.study.frames import PatientFrame
from dlr.study.parts import OWN, random_splits
from dlr.study.signatures import SignatureData, fit_payload, fitted_chains
from dlr.study.splits import commonest_choice, split_areas
from dlr.tables import SPLITS
from dlr.words import Target, TargetKind
from tests.study.hand_made import HER2, HandRun, cohort_of

IDS = [f"T{k:02d}" for k in range(20)]
SIDES = ["train"] * 14 + ["test"] * 4 + ["external"] * 2
LABEL = [(k // 2) % 2 for k in range(20)]
LEARN = {"algorithms": ["logistic", "lightgbm"], "inner_folds": 2, "max_grid": 1, "trees": 3}
CHOSEN = ["lightgbm", "logistic", "logistic", "lightgbm", "lightgbm"]
CHOICES = pd.DataFrame({"protocol": ["paper", *["crossfit"] * 4], "algorithm": CHOSEN, "chosen": [True] * 4 + [False]})


def study() -> CohortTables:
    known = [np.nan if k == 3 else float(one) for k, one in enumerate(LABEL)]
    return cohort_of({"patient_id": IDS, "her2": known, "side": SIDES, "cohort": ["a"] * 18 + ["b"] * 2})


def asked(tables: CohortTables, columns: dict[str, list[float]], target: Target = HER2) -> SignatureData:
    frame = PatientFrame.by_patient(pd.DataFrame(columns, index=IDS))
    return SignatureData(target, "Rad", frame, tables.labels(HER2), tables.sides, select=True)


def run_of(folder: Path, splits: int, share: float = 0.3, **learn: object) -> HandRun:
    (folder / "stage").mkdir()
    settings = {"learn": {**LEARN, **learn}, "evaluate": {"splits": splits}, "cohort": {"test_share": share}}
    return HandRun(folder / "stage", settings=settings)


def test_splits_are_drawn_as_the_sides_of_the_study_and_nobody_external_is_in_one() -> None:
    tables = study()
    own, *drawn = random_splits(tables.cases, [HER2], 3, 0.3, 1)
    assert (own.seed, own.train, own.predict) == (OWN, tuple(IDS[:14]), tuple(IDS[14:18]))
    assert [part.name for part in drawn] == [f"split-s{k}-f0" for k in range(3)]
    inside = tables.cases[:18].assign(side="", excluded="")
    for number, part in enumerate(drawn):
        side = draw_side(inside, [HER2], seed_of(1, "splits", number), 0.3)
        assert part.predict == tuple(inside.loc[side == "test", "patient_id"]) and len(part.predict) == 6
        assert part.train == tuple(sorted(set(IDS[:18]) - set(part.predict)))
    assert len({part.predict for part in drawn}) == 3
    assert random_splits(tables.cases, [HER2], 0, 0.3, 1) == random_splits(tables.cases, [HER2], 3, 0.0, 1) == ()
    everybody = tables.cases.assign(side="train")
    assert [part.seed for part in random_splits(everybody, [HER2], 2, 0.3, 1)] == [0, 1], "no test side, no own split"


def test_the_algorithm_is_the_one_that_cross_fitting_chose_most_often() -> None:
    assert commonest_choice(CHOICES) == "logistic"
    assert commonest_choice(CHOICES[:1]) == commonest_choice(CHOICES[:2].assign(protocol="paper")) == "lightgbm"


def test_a_split_is_fitted_as_a_chain_of_the_study_on_features_that_are_stable_in_its_own_patients(
    tmp_path: Path,
) -> None:
    run, tables = run_of(tmp_path, 2), study()
    draw = np.random.default_rng(1)
    data = asked(tables, {"x": list(draw.normal(size=20)), "y": list(LABEL + draw.normal(size=20))})
    parts = random_splits(tables.cases, [HER2], 2, 0.3, 1)
    allowed = {part.name: ["x", "y"] if part.seed else ["x"] for part in parts}
    table = SPLITS.conform(split_areas(run, tables, data, CHOICES, allowed))
    assert table["split"].tolist() == [OWN, 0, 1] and table["own"].tolist() == [True, False, False]
    assert set(table["algorithm"]) == {"logistic"}
    assert [task.payload.allowed for task in run.asked] == [{"x", "y"}, {"x"}, {"x", "y"}]
    for part, row, task in zip(parts, table.itertuples(), run.asked, strict=True):
        learn = run.settings.learn.model_copy(update={"algorithms": ["logistic"]})
        payload = fit_payload(data, part, learn, allowed[part.name], 1)
        assert task.payload.protocol == payload.protocol == "crossfit" and task.payload.seed == payload.seed
        assert (task.payload.learn.judge, task.payload.learn.recalibrate) == ("log_loss", True)
        known = [patient for patient in part.predict if patient != "T03"]
        said = fitted_chains(payload).best.predict(data.frame.values.loc[known])
        truth = tables.labels(HER2).loc[known].to_numpy() == 1
        assert row.auc == auc(truth, said).value
        assert (row.n_test, row.n_positive) == (len(known), truth.sum()), "nobody knows the label of T03"


def test_a_split_without_both_classes_a_per_cent_and_no_test_share_have_none(tmp_path: Path) -> None:
    tables, columns = study(), {"x": [float(k % 5) for k in range(20)]}
    per_cent = Target("ki67", TargetKind.PER_CENT)
    run = run_of(tmp_path, 2)
    assert len(SPLITS.conform(split_areas(run, tables, asked(tables, columns, per_cent), CHOICES))) == 0
    data = asked(tables, columns)
    few = replace(data, labels=data.labels[data.labels.index.isin(IDS[:14])])
    assert OWN not in split_areas(run, tables, few, CHOICES)["split"].tolist(), "its test side knows no label"
    bare = run_of(tmp_path / "stage", 2, share=0.0)
    assert len(split_areas(bare, tables, data, CHOICES)) == 0 and bare.asked == []
