"""Stage combine on signatures typed in by hand: which sets under which protocol and variant, and new patients."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.cohort import Column
from dlr.engine.run import LeftOut
from dlr.stages.combine import combine
from dlr.stats import auc
from dlr.study.application import Application, Applied, NewPatients
from dlr.study.combined import combined_inputs, read_sets
from dlr.tables import COMBINED_INPUTS, COMBINED_TERMS, OPTIMISM, PREDICTIONS
from dlr.words import Available
from tests.study.hand_made import HER2, KI67, HandRun, cohort_of, folds_of, predictions_of, write_cohort

TRAIN, TEST = [f"T{k:02d}" for k in range(20)], ["U0", "U1"]
K = np.arange(20)
HIGH = [0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0]
AGE = Column("age", "numeric")
ER = Column("er", "binary", available=Available.BIOPSY)


def clinical() -> dict[str, Any]:
    return {
        "patient_id": [*TRAIN, *TEST], "side": ["train"] * 20 + ["test"] * 2, "her2": [*map(float, HIGH), 1.0, 0.0],
        "ki67": 30.0, "age": [*(30.0 + (K * 7) % 31), 41.0, 55.0], "er": [*((K // 3) % 2).astype(float), 1.0, 0.0],
    }  # fmt: skip


def signatures(**names: Any) -> list[pd.DataFrame]:
    """Training patients out-of-fold and test patients, of one model."""
    turn = {"Rad": 7, "Clinical": 1}[names.get("model", "Rad")]
    train = {p: 0.25 + 0.12 * HIGH[k] + 0.03 * ((turn * k) % 10) for k, p in enumerate(TRAIN)}
    return [predictions_of(train, **names), predictions_of({"U0": 0.7, "U1": 0.2}, **{**names, "side": "test"})]


def combined(
    folder: Path, *rows: pd.DataFrame, columns: tuple[Column, ...] = (AGE, ER), protocols: tuple[str, ...] = (),
    **settings: Any,
) -> HandRun:  # fmt: skip
    folds = folds_of("crossfit", {p: k % 2 for k, p in enumerate(TRAIN)})
    tables = cohort_of(clinical(), targets=(HER2, KI67), clinical=columns, folds=folds)
    home = write_cohort(folder / "cohort", tables)
    outputs = []
    for place, table in enumerate(rows):
        outputs.append(folder / str(place))
        outputs[-1].mkdir()
        PREDICTIONS.write(outputs[-1], table)
    (folder / "combine").mkdir()
    learn = {"protocols": list(protocols or ("crossfit",))}
    run = HandRun(
        folder / "combine", settings={"combine": {"bootstrap": 2, "penalty": "ridge", **settings}, "learn": learn},
        needs=SimpleNamespace(cohort=home), outputs=tuple(outputs),
    )  # fmt: skip
    combine(run)  # type: ignore[arg-type]
    return run


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> HandRun:
    """Rad and Clinical under crossfit and paper; er is known only after the biopsy."""
    rows = [*signatures(), *signatures(protocol="paper"), *signatures(model="Clinical"),
            *signatures(model="Clinical", protocol="paper")]  # fmt: skip
    return combined(
        tmp_path_factory.mktemp("combine"), *rows, protocols=("nested", "paper", "crossfit"), variables=["er", "age"]
    )


def test_every_admissible_set_stands_under_both_protocols_and_variants(study: HandRun) -> None:
    found = [(one.protocol, one.variant, one.name, one.primary) for one in read_sets(study.folder)]
    assert found == [
        (protocol, variant, name + (f" ({variant})" if variant else ""), primary)
        for protocol in ("paper", "crossfit")
        for variant, first in (("", "er, age + Rad"), ("before biopsy", "age + Rad"))
        for name, primary in ((first, True), ("Clinical + Rad", False))
    ]


def test_a_per_cent_is_named_as_left_out_once(study: HandRun) -> None:
    assert study.warned == ["ki67: the Combined model is logistic, and this target is in per cent"]
    assert '"reasons": [\n  "ki67: the Combined' in (study.folder / "combined_model.json").read_text()


def test_only_the_primary_set_predicts(study: HandRun) -> None:
    rows = PREDICTIONS.read(study.folder)
    counts = rows.groupby(["protocol", "variant", "side"]).size().to_dict()
    assert counts == {
        (protocol, variant, side): n
        for protocol in ("crossfit", "paper") for variant in ("", "before biopsy")
        for side, n in (("train", 20), ("test", 2))
    }  # fmt: skip
    primary = {(one.protocol, one.variant): one for one in read_sets(study.folder) if one.primary}
    for (protocol, variant), one in primary.items():
        frame = pd.DataFrame({"age": [41.0], "er": [1.0], "Rad": [0.7]})
        mine = (rows["protocol"] == protocol) & (rows["variant"] == variant) & (rows["patient_id"] == "U0")
        assert rows.loc[mine, "value"].tolist() == pytest.approx(one.model.predict(frame))


def test_optimism_is_of_cross_fitting_and_terms_and_inputs_of_everything(study: HandRun) -> None:
    optimism = OPTIMISM.read(study.folder)
    assert optimism["variant"].unique().tolist() == ["", "before biopsy"]
    assert len(optimism) == 2 * optimism["measure"].nunique(), "not once more for paper"
    primary = next(one for one in read_sets(study.folder) if one.protocol == "crossfit" and one.primary)
    predicted = primary.model.predict(combined_inputs(study.folder, primary).loc[TRAIN])
    apparent = optimism[(optimism["variant"] == "") & (optimism["measure"] == "auc")]["apparent"]
    assert apparent.tolist() == pytest.approx([auc(np.array(HIGH) == 1, predicted).value])
    terms = COMBINED_TERMS.read(study.folder)
    assert len(terms[["protocol", "variant", "set"]].drop_duplicates()) == 8
    assert set(terms["model"]) <= {"full", "combined", "nomogram"}
    inputs = COMBINED_INPUTS.read(study.folder)
    assert inputs.groupby(["protocol", "variant"]).size().tolist() == [22] * 4
    assert {"age", "er", "Rad", "Clinical"} <= set(inputs.columns)


def test_a_variant_that_repeats_the_model_or_is_empty_is_no_variant(tmp_path: Path) -> None:
    early = (AGE, Column("er", "binary"))
    late = (ER, Column("age", "numeric", available=Available.SURGERY))
    for name, columns in (("early", early), ("late", late)):
        (tmp_path / name).mkdir()
        run = combined(tmp_path / name, *signatures(), columns=columns, variables=["er", "age"], bootstrap=0)
        assert {one.variant for one in read_sets(run.folder)} == {""}, name
        assert not OPTIMISM.there(run.folder), "no bootstrap was asked for"
        assert len(run.warned) == 1, "nothing is said of a variant that is none"


def test_the_papers_model_has_no_bootstrap(tmp_path: Path) -> None:
    run = combined(tmp_path, *signatures(protocol="paper"), protocols=("paper",), variables=["age"])
    assert PREDICTIONS.there(run.folder) and not OPTIMISM.there(run.folder)


def test_what_hinders_the_combined_model_is_said(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    with pytest.raises(LeftOut, match="there is no signature to combine"):
        combined(tmp_path / "a")
    with pytest.raises(LeftOut) as left:
        combined(tmp_path / "b", *signatures())
    assert left.value.reason == (
        "ki67: the Combined model is logistic, and this target is in per cent; "
        "her2: there are no clinical columns to combine with Rad, so the Combined model is absent"
    )
    with pytest.raises(LeftOut, match="there is no image signature"):
        combined(tmp_path / "c", *signatures(model="Clinical"), variables=["er"])


def test_a_primary_set_without_a_model_predicts_nobody_and_says_why(tmp_path: Path) -> None:
    """Both signatures are turned round: a higher one would lower the risk."""
    turned = [rows.assign(value=1 - rows["value"]) for m in ("Rad", "Clinical") for rows in signatures(model=m)]
    run = combined(tmp_path, *turned, columns=(AGE,))
    (one,) = read_sets(run.folder)
    assert one.primary and one.model.fit is None and one.name == "Clinical + Rad"
    assert run.warned[-1] == f"her2: {one.model.reason}" and "no candidate is left" in one.model.reason
    assert not PREDICTIONS.there(run.folder) and not OPTIMISM.there(run.folder)
    assert len(COMBINED_INPUTS.read(run.folder)) == 22
    assert applied(run).of(PREDICTIONS).empty and len(applied(run).of(COMBINED_INPUTS)) == 3


def applied(run: HandRun) -> Applied:
    """What the stage makes of three new patients, of whom N2 has no Rad."""
    values = {"patient_id": ["N0", "N1", "N2"], "age": [50.0, 60.0, 70.0], "er": [1.0, 0.0, 1.0]}
    new = NewPatients(cohort_of(values, clinical=(AGE, ER)), Path("new.csv"), True, pd.DataFrame())
    made = Applied()
    for protocol in ("crossfit", "paper"):
        for model, given in (("Rad", {"N0": 0.9, "N1": 0.3}), ("Clinical", {"N0": 0.6, "N1": 0.6, "N2": 0.6})):
            made.give(PREDICTIONS, predictions_of(given, side="new", protocol=protocol, model=model))
    before = len(made.tables[PREDICTIONS])
    assert combine.apply is not None
    combine.apply(Application(run.folder, None, None, 1, new, made))
    made.tables[PREDICTIONS] = made.tables[PREDICTIONS][before:]
    return made


def test_new_patients_are_predicted_by_the_primary_sets_alone(study: HandRun) -> None:
    made = applied(study)
    rows = made.of(PREDICTIONS)
    assert rows[["protocol", "variant", "patient_id"]].to_numpy().tolist() == [
        [protocol, variant, patient]
        for protocol in ("paper", "crossfit") for variant in ("", "before biopsy") for patient in ("N0", "N1")
    ]  # fmt: skip
    assert set(rows["side"]) == {"new"} and set(rows["model"]) == {"Combined"}
    assert set(rows["seed"]) == {0} and set(rows["fold"]) == {-1}
    inputs = made.of(COMBINED_INPUTS)
    assert inputs.groupby(["target", "protocol", "variant"]).size().tolist() == [3] * 4
    assert inputs["age"].tolist() == [50.0, 60.0, 70.0] * 4 and inputs["Rad"].isna().sum() == 4
