"""Stage fuse on embeddings typed in by hand: whose components, by which network, from which training patients."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.learn import fit_pca
from dlr.stages.fuse import fuse
from dlr.study.application import Application, Applied, NewPatients
from dlr.tables import BLOCKS, CHOICES, COMPONENTS, EMBEDDINGS, FEATURES, PCA
from dlr.words import Target
from tests.study.hand_made import HER2, KI67, HandRun, cohort_of, folds_of, write_cohort

TRAIN, OTHERS = [f"T{k}" for k in range(6)], ["U0", "X0"]
EVERYBODY = [*TRAIN, *OTHERS]
SIDES = ["train"] * 6 + ["test", "external"]
ER = Target("er")


def features(seed: int, width: int, patients: list[str] = EVERYBODY) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(len(EVERYBODY), width)).astype(np.float32)
    table = pd.DataFrame(values, EVERYBODY, [f"e{k:04d}" for k in range(width)])
    return table.loc[patients]


def embeddings(table: pd.DataFrame, backbone: str, **names: Any) -> pd.DataFrame:
    """EMBEDDINGS of frozen features, unless another part is named."""
    usual = {"target": "all", "protocol": "all", "part": "all", "seed": 0, "fold": -1, "role": "all"}
    rows = table.rename_axis("case_id").reset_index()
    return rows.assign(patient_id=rows["case_id"], backbone=backbone, **{**usual, **names})


def choice(part: str, backbone: str, target: str = "her2", chosen: bool = True) -> dict[str, Any]:
    return {
        "target": target, "model": "DL", "variant": "", "protocol": part.split("-")[0], "part": part, "seed": 0,
        "fold": 0, "algorithm": "frozen", "criterion": "loss", "value": 0.5, "chosen": chosen,
        "parameters": json.dumps({"backbone": backbone}),
    }  # fmt: skip


FROZEN, WIDE, TUNED = features(1, 3), features(2, 5), features(3, 3)


def fused(folder: Path, wanted: int | float | None = 2, radiomics: bool = True, policy: str = "largest_roi") -> HandRun:
    """paper by narrow (frozen), fold 0 by wide (frozen), fold 1 by narrow (fine-tuned there); er has paper alone."""
    columns = {"patient_id": EVERYBODY, "side": SIDES, "her2": 0.0, "er": 1.0, "ki67": 20.0}
    folds = folds_of("crossfit", {p: k % 2 for k, p in enumerate(TRAIN)})
    tables = cohort_of(columns, targets=(HER2, ER, KI67), folds=folds, sizes=dict.fromkeys(EVERYBODY, 1.0))
    deep = folder / "deep"
    deep.mkdir(parents=True)
    tuned = {"target": "her2", "protocol": "crossfit", "part": "crossfit-s0-f1", "fold": 1}
    rows = [
        embeddings(FROZEN, "narrow"), embeddings(WIDE, "wide"), embeddings(TUNED, "narrow", **tuned),
        embeddings(TUNED + 9, "narrow", **{**tuned, "part": "crossfit-s0-f0"}),
        embeddings(TUNED - 9, "narrow", **{**tuned, "part": "paper", "target": "ki67"}),
    ]  # fmt: skip
    EMBEDDINGS.write(deep, pd.concat(rows, ignore_index=True))
    choices = [
        choice("paper", "narrow"), choice("paper", "wide", chosen=False), choice("crossfit-s0-f0", "wide"),
        choice("crossfit-s0-f1", "narrow"), choice("paper", "wide", target="er"),
    ]  # fmt: skip
    CHOICES.write(deep, pd.DataFrame(choices))
    needs = SimpleNamespace(cohort=write_cohort(folder / "cohort", tables), deep=deep, radiomics=None)
    if radiomics:
        needs.radiomics = folder / "radiomics"
        needs.radiomics.mkdir()
        FEATURES.write(needs.radiomics, pd.DataFrame({"case_id": ["T0"], "patient_id": ["T0"], "a": 1.0, "b": 2.0}))
    (folder / "fuse").mkdir()
    settings = {"fuse": {"n_components": wanted}, "cohort": {"per_patient": policy}}
    run = HandRun(folder / "fuse", settings={**settings, "learn": {"protocols": ["paper", "crossfit"]}}, needs=needs)
    fuse(run)  # type: ignore[arg-type]
    return run


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> HandRun:
    return fused(tmp_path_factory.mktemp("fuse"))


PARTS = {  # by target and part: what its network made of everybody, and on whom the components are fitted
    ("her2", "paper"): (FROZEN, TRAIN), ("her2", "crossfit-s0-f0"): (WIDE, TRAIN[1::2]),
    ("her2", "crossfit-s0-f1"): (TUNED, TRAIN[::2]), ("er", "paper"): (WIDE, TRAIN),
}  # fmt: skip


def test_each_parts_components_are_of_its_own_network_and_training_patients(study: HandRun) -> None:
    rows = COMPONENTS.read(study.folder)
    found = dict(tuple(rows.groupby(["target", "part"])))
    assert set(found) == set(PARTS)
    for names, (values, train) in PARTS.items():
        expected = fit_pca(values.loc[train].astype(float), 2).transform(values.astype(float))
        own = found[names].set_index("patient_id").loc[EVERYBODY, ["pca_01", "pca_02"]]
        assert np.abs(own.to_numpy() - expected.to_numpy()).max() < 1e-9, names
        assert (found[names]["row"] == found[names]["patient_id"]).all()
    fold = rows[rows["part"] == "crossfit-s0-f1"].iloc[0]
    assert (fold["protocol"], fold["seed"], fold["fold"]) == ("crossfit", 0, 1)


def test_the_variance_that_each_component_keeps_is_told(study: HandRun) -> None:
    table = PCA.read(study.folder)
    assert table["component"].tolist() == [1, 2] * 4
    for names, (values, train) in PARTS.items():
        own = table[(table["target"] == names[0]) & (table["part"] == names[1])]
        assert own["explained"].tolist() == pytest.approx(fit_pca(values.loc[train].astype(float), 2).explained)
    sums = table.groupby(["target", "part"])["explained"].sum()
    assert study.logged == [
        f"2 components of 3 network features keep {100 * sums.min():.0f} to {100 * sums.max():.0f} % of their variance"
    ]
    assert 0.4 < sums.min() < 0.95 and sums.max() == pytest.approx(1.0), "three patients span two directions"


def test_blocks_count_the_columns_that_each_brings(study: HandRun, tmp_path: Path) -> None:
    assert BLOCKS.read(study.folder).to_numpy().tolist() == [["Rad", 2.0], ["DL", 2.0]]
    assert BLOCKS.read(fused(tmp_path, radiomics=False).folder).to_numpy().tolist() == [["DL", 2.0]]


def test_without_a_wish_the_smallest_part_says_how_many(tmp_path: Path) -> None:
    """Three training patients of a fold span two directions; five columns of six would span more."""
    table = PCA.read(fused(tmp_path, wanted=None).folder)
    assert set(table.groupby(["target", "part"]).size()) == {2}


def test_a_share_of_variance_takes_as_many_as_each_part_needs(tmp_path: Path) -> None:
    run = fused(tmp_path, wanted=0.6)
    parts = PCA.read(run.folder).groupby(["target", "part"])["explained"]
    counts, sums = parts.size(), 100 * parts.sum()
    assert counts.nunique() > 1 and sums.max() < 99
    kept = f"{sums.min():.0f} to {sums.max():.0f} % of their variance"
    assert run.logged == [f"{counts.min()} to {counts.max()} components of 3 network features keep {kept}"]
    assert BLOCKS.read(run.folder)["count"].tolist() == [2.0, counts.mean()]


def test_new_patients_components_are_those_of_the_study(study: HandRun) -> None:
    tables = cohort_of({"patient_id": OTHERS}, sizes=dict.fromkeys(OTHERS, 1.0))
    made = Applied()
    for (target, part), (values, _) in PARTS.items():
        named = {"target": target, "part": part, "protocol": part.split("-")[0], "role": "new"}
        made.give(EMBEDDINGS, embeddings(values.loc[OTHERS], "narrow", **named))
    given = Application(study.folder, None, study.settings, 1, NewPatients(tables, Path(), True, pd.DataFrame()), made)
    assert fuse.apply is not None
    fuse.apply(given)
    names = ["target", "part", "patient_id", "protocol", "seed", "fold"]
    stored = COMPONENTS.read(study.folder).merge(made.of(COMPONENTS), on=names, suffixes=("", "_new"))
    assert len(stored) == 8
    assert np.abs(stored["pca_01"] - stored["pca_01_new"]).max() < 1e-9
