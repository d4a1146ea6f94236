"""Stage evaluate on predictions typed in by hand: looks, cohorts, baselines, which table holds which signature."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.engine.run import LeftOut
from dlr.stages.evaluate import evaluate
from dlr.study.application import Application, Applied
from dlr.tables import (
    ABLATION,
    CALIBRATION,
    COMPARISONS,
    CUTOFFS,
    DECISION,
    HISTOGRAM,
    LOOKS,
    METRICS,
    OPTIMISM_GAP,
    PER_CENT,
    PR,
    PREDICTIONS,
    RECLASSIFICATION,
    ROC,
    VOLUMES,
)
from tests.study.hand_made import HER2, KI67, HandRun, cohort_of, predictions_of, write_cohort

TRAIN, TEST = [f"T{k}" for k in range(10)], [f"U{k}" for k in range(10)]
EXTERNAL = ["X0", "X1", "X2", "X3"]
PATIENTS = [*TRAIN, *TEST, *EXTERNAL]
HIGH = {patient: k % 2 for k, patient in enumerate(PATIENTS)}
KI = {p: 10.0 * k for k, p in enumerate(TRAIN)} | {p: 40.0 + k for k, p in enumerate(TEST)}


def value_of(patients: list[str], turn: int = 3) -> dict[str, float]:
    """Probabilities between .2 and .8 that follow her2 but for some patients."""
    return {p: 0.3 + 0.3 * HIGH[p] + 0.02 * ((turn * k) % 10) for k, p in enumerate(patients)}


def evaluated(folder: Path, *predictions: pd.DataFrame, **settings: Any) -> HandRun:
    """The stage's outputs, of a cohort in which east is the first nine test patients and west everybody else."""
    values = {
        "patient_id": PATIENTS, "side": ["train"] * 10 + ["test"] * 10 + ["external"] * 4,
        "cohort": settings.pop("cohorts", ["west"] * 10 + ["east"] * 9 + ["west"] * 5),
        "her2": [float(HIGH[p]) for p in PATIENTS], "ki67": [KI.get(p, np.nan) for p in PATIENTS],
    }  # fmt: skip
    home = write_cohort(folder / "cohort", cohort_of(values, targets=(HER2, KI67)))
    outputs = [*settings.pop("more", [])]
    for place, rows in enumerate(predictions):
        outputs.append(folder / str(place))
        outputs[-1].mkdir()
        PREDICTIONS.write(outputs[-1], rows)
    (folder / "evaluate").mkdir()
    run = HandRun(
        folder / "evaluate", settings={"evaluate": {"bootstrap": 100, **settings}},
        needs=SimpleNamespace(cohort=home), outputs=tuple(outputs),
    )  # fmt: skip
    evaluate(run)  # type: ignore[arg-type]
    return run


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> HandRun:
    """Clinical, Rad (with a variant and a second algorithm) and Combined; a per cent of Rad."""
    rows = []
    for turn, model in enumerate(("Clinical", "Rad", "Combined"), start=3):
        folds = predictions_of(value_of(TRAIN, turn), model=model).assign(fold=[0, 0, 1, 1] * 2 + [0, 1])
        rows += [folds, predictions_of(value_of(TEST, turn), side="test", model=model)]
        rows.append(predictions_of(value_of(TRAIN, turn), protocol="paper", model=model))
    rows.append(predictions_of(value_of(TEST, 7), side="test", variant="before biopsy"))
    rows.append(predictions_of(value_of(TEST, 7), side="test", algorithm="logistic"))
    rows.append(predictions_of(dict.fromkeys(TEST, 50.0), side="test", target="ki67", kind="per_cent"))
    return evaluated(tmp_path_factory.mktemp("by hand"), *rows, reclassification=True)


def metrics(run: HandRun, **names: str) -> pd.DataFrame:
    table = METRICS.read(run.folder)
    for column, value in names.items():
        table = table[table[column] == value]
    return table.set_index("metric")


def test_a_look_counts_the_test_patients(study: HandRun) -> None:
    assert study.looks == [10]
    assert LOOKS.read(study.folder).to_dict("records") == [
        {"time": "2026-01-01 00:00:00", "key": "a key", "patients": 10}
    ]


def test_the_model_of_most_test_patients_counts(tmp_path: Path) -> None:
    train, few = predictions_of(value_of(TRAIN)), predictions_of(value_of(TEST[:4]), side="test", model="DL")
    external = predictions_of(value_of(EXTERNAL), side="external", model="Clinical")
    assert evaluated(tmp_path, few, predictions_of(value_of(TEST[:6]), side="test"), train, external).looks == [6]


def test_without_a_test_side_a_look_is_at_external_patients_or_at_nobody(tmp_path: Path) -> None:
    both = [predictions_of(value_of(EXTERNAL), side="external", model=model) for model in ("DL", "Rad")]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert evaluated(tmp_path / "a", *both, predictions_of(value_of(TRAIN))).looks == [4]
    assert evaluated(tmp_path / "b", predictions_of(value_of(TRAIN))).looks == [0]


def test_a_cohort_has_its_area_however_few_it_has_and_all_measures_from_five_of_a_class(
    study: HandRun, tmp_path: Path
) -> None:
    """East are U0 to U8 (5 negative, 4 positive): its area alone; of the training side all ten are west."""
    found = metrics(
        study, metric="auc", model="Rad", protocol="crossfit", variant="", algorithm="chosen", target="her2"
    )
    assert found[["side", "subset", "n"]].to_numpy().tolist() == [
        ["test", "all", 10], ["test", "cohort=east", 9], ["train", "all", 10], ["train", "cohort=west", 10],
    ]  # fmt: skip
    east = metrics(study, model="Rad", protocol="crossfit", variant="", target="her2", subset="cohort=east")
    assert set(east.index) == {"auc", "auc_plain"}
    rows = predictions_of(value_of(TEST), side="test")
    cohorts = [""] * 10 + ["east"] * 10 + ["west"] * 4
    found = metrics(evaluated(tmp_path, rows, cohorts=cohorts), metric="auc")
    assert found["subset"].tolist() == ["all", "cohort=east"]
    assert found["value"].nunique() == 1, "the same patients"


def test_another_algorithm_and_a_single_cohort_have_whole_sides_alone(study: HandRun, tmp_path: Path) -> None:
    assert set(metrics(study, algorithm="logistic")["subset"]) == {"all"}
    cohorts = [""] * 10 + ["east"] * 14
    found = evaluated(tmp_path, predictions_of(value_of(TEST), side="test"), cohorts=cohorts)
    assert set(metrics(found)["subset"]) == {"all"}


def test_a_per_cent_is_held_against_the_training_sides_median(study: HandRun) -> None:
    """0, 10 ... 90 have the median 45; test patients are 40 to 49: errors 5, 4, 3, 2, 1, 0, 1, 2, 3, 4; of 50 5.5."""
    found = metrics(study, target="ki67", subset="all")
    assert found.loc["baseline_mae", "value"] == pytest.approx(2.5)
    assert found.loc["mae", "value"] == pytest.approx(5.5)
    east = metrics(study, target="ki67", subset="cohort=east")
    assert east.loc["baseline_mae", "value"] == pytest.approx(21 / 9) and east.loc["mae", "n"] == 9


def test_cut_offs_serve_every_side_of_their_protocol(study: HandRun) -> None:
    cutoffs = CUTOFFS.read(study.folder).set_index(["model", "variant", "protocol"])["cutoff"]
    assert ("Rad", "before biopsy", "crossfit") not in cutoffs.index, "it has no training patients"
    for protocol, side in (("crossfit", "test"), ("paper", "train")):
        found = metrics(
            study,
            target="her2",
            model="Rad",
            variant="",
            protocol=protocol,
            side=side,
            subset="all",
            algorithm="chosen",
        )
        assert found.loc["sensitivity", "cutoff"] == cutoffs["Rad", "", protocol]
    assert "sensitivity" not in metrics(study, variant="before biopsy").index


def test_curves_are_of_every_chosen_signature_and_comparisons_of_whole_ones(study: HandRun) -> None:
    roc = ROC.read(study.folder)
    assert set(roc["variant"]) == {"", "before biopsy"} and set(roc["target"]) == {"her2"}
    assert len(roc[["model", "variant", "protocol", "side"]].drop_duplicates()) == 3 * 3 + 1
    for table in (PR, HISTOGRAM):
        assert len(table.read(study.folder)[["model", "variant", "protocol", "side"]].drop_duplicates()) == 10
    for table in (CALIBRATION, DECISION):
        assert len(table.read(study.folder)[["model", "variant", "protocol", "side"]].drop_duplicates()) == 7
    pairs = COMPARISONS.read(study.folder)
    assert pairs.groupby(["protocol", "side"]).size().to_dict() == {("crossfit", "test"): 3, ("crossfit", "train"): 3}
    assert ["Combined", "Clinical"] in pairs[["model_a", "model_b"]].to_numpy().tolist()
    assert PER_CENT.read(study.folder)["predicted"].tolist() == [50.0] * 10
    gap = OPTIMISM_GAP.read(study.folder)
    assert gap.loc[gap["metric"] == "auc", "crossfit_test"].notna().all()


def test_the_network_without_one_of_its_parts_stands_in_the_ablation_alone(tmp_path: Path, study: HandRun) -> None:
    """Whatever else is judged is as if the rows of the ablation were not there."""
    full = [predictions_of(value_of(TRAIN), model="Spatial").assign(fold=[0, 0, 1, 1] * 2 + [0, 1])]
    full.append(predictions_of(value_of(TEST), side="test", model="Spatial"))
    frozen = [rows.assign(model="DL", value=rows["value"].to_numpy()[::-1]) for rows in full]
    less = [rows.assign(variant="core_only", value=1 - rows["value"]) for rows in full]
    for name in ("alone", "ablated"):
        (tmp_path / name).mkdir()
    alone = evaluated(tmp_path / "alone", *full, *frozen)
    ablated = evaluated(tmp_path / "ablated", *full, *frozen, *less)
    for table in (METRICS, COMPARISONS, CUTOFFS, ROC, PR, CALIBRATION, DECISION, HISTOGRAM, PER_CENT, OPTIMISM_GAP):
        pd.testing.assert_frame_equal(table.read(ablated.folder), table.read(alone.folder))
    rows = ABLATION.read(ablated.folder)
    assert rows["row"].tolist() == ["full", "core_only", "frozen"] * 2
    assert rows["side"].tolist() == ["test"] * 3 + ["train"] * 3
    assert rows.loc[rows["row"] == "core_only", "difference"].max() < 0
    assert not ABLATION.there(study.folder), "there is no spatial network"


def test_reclassification_is_written_where_it_is_asked_for(study: HandRun, tmp_path: Path) -> None:
    table = RECLASSIFICATION.read(study.folder)
    assert table[["model_old", "measure"]].to_numpy().tolist() == [
        [old, measure] for old in ("Clinical", "Rad") for measure in ("nri", "idi")
    ]
    plain = evaluated(tmp_path, predictions_of(value_of(TEST), side="test"))
    assert not RECLASSIFICATION.there(plain.folder) and DECISION.read(plain.folder)["lower"].isna().all()


def test_without_predictions_the_stage_leaves_itself_out(tmp_path: Path) -> None:
    with pytest.raises(LeftOut, match="no signature to evaluate"):
        evaluated(tmp_path)


def test_new_patients_are_given_the_studys_cut_offs(study: HandRun) -> None:
    made = Applied()
    assert evaluate.apply is not None
    evaluate.apply(Application(study.folder, None, None, 1, None, made))  # type: ignore[arg-type]
    assert made.of(CUTOFFS).equals(CUTOFFS.read(study.folder))


def test_strata_by_the_diameter_of_volumes_have_rows_of_their_own(tmp_path: Path) -> None:
    """U0 to U9 measure 10 to 19 mm: below 15 are three negative and two positive patients, above 12 four and three."""
    sizes = pd.DataFrame({"case_id": TEST, "patient_id": TEST, "diameter_mm": [10.0 + k for k in range(10)]})
    blank = dict.fromkeys(VOLUMES.names, 0) | {"file": "", "outlined": True}
    (tmp_path / "volumes").mkdir()
    VOLUMES.write(tmp_path / "volumes", sizes.assign(**{n: v for n, v in blank.items() if n not in sizes}))
    rows = predictions_of(value_of(TEST), side="test")
    per_cent = predictions_of(dict.fromkeys(TEST, 50.0), side="test", target="ki67", kind="per_cent")
    found = evaluated(
        tmp_path, rows, per_cent, strata={"diameter_mm": [15, 18], "age": [50]}, more=[tmp_path / "volumes"]
    )
    table = METRICS.read(found.folder)
    assert table.loc[table["metric"] == "mae", ["subset", "n"]].to_numpy().tolist() == [
        ["all", 10], ["cohort=east", 9], ["diameter_mm<15", 5],
    ]  # fmt: skip
    few = table[(table["target"] == "her2") & (table["subset"] != "all")]
    assert set(few["metric"]) == {"auc", "auc_plain"}, "too few of a class for more"
    assert found.warned == ["evaluate.strata: no strata of age: it is no numeric clinical column of this study"]


def test_pairs_within_cohorts_stand_beside_the_area_of_a_side(study: HandRun) -> None:
    """On the test side east are nine, west is U9 alone; of training patients all are west."""
    found = metrics(study, target="her2", model="Rad", variant="", protocol="crossfit", algorithm="chosen")
    assert found.loc[["auc_within_cohorts", "auc_pairs_within_cohorts"], "side"].tolist() == ["test", "test"]
    assert found.loc["auc_pairs_within_cohorts", "n"] == 10 and found.loc["auc_within_cohorts", "n"] == 0
    assert "no group has 5 patients of each class" in found.loc["auc_within_cohorts", "method"]
