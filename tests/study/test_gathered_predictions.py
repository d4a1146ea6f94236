"""New patients' signatures in one table: values by kind, cut-offs, order, and cases that could not be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from dlr.engine import Inputs, Pipeline, Study, stage
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings
from dlr.study import prediction
from dlr.study.application import BAD_COLUMNS, Application, NewPatients
from dlr.study.prediction import Prediction, predict_patients, predict_table
from dlr.tables import CUTOFFS, OUTSIDE, PREDICTIONS, SUBTYPES
from dlr.words import ModelSpec
from tests.study.hand_made import cohort_of, predictions_of

TOY = ModelSpec("Toy", "a toy", of_images=True)
BAD = pd.DataFrame([("c9", "N9", "n9.png", "cannot be read", "save it again")], columns=list(BAD_COLUMNS))


def cutoffs(**cutoff: float) -> pd.DataFrame:
    table = pd.DataFrame({"model": list(cutoff), "cutoff": list(cutoff.values())})
    return table.assign(target="her2", variant="", protocol="crossfit", rule="Youden", n=9)


def predicted(
    monkeypatch: pytest.MonkeyPatch, given: Any, *, gives: tuple[Any, ...] = (PREDICTIONS,), bad: pd.DataFrame = BAD
) -> Prediction:
    """What a pipeline of one stage, which gives these tables, makes of N1 and N2."""

    def applied(application: Application) -> None:
        assert application.patients.jobs == 1
        for table, rows in given:
            application.made.give(table, rows)
        for case, what in (("c1", "no ROI"), ("c9", "no ROI")):
            application.made.problems[case] = Problem("a.png", what, "outline it")

    tables = cohort_of({"patient_id": ["N1", "N2", "N9"], "case_id": ["c1", "c2", "c9"]})
    new = NewPatients(tables, Path("new.csv"), True, bad)
    monkeypatch.setattr(prediction, "read_new_patients", lambda *given: replace(new, jobs=given[-1]))
    made = stage("toy", version=1, gives=gives, apply=applied, models=[TOY])(lambda run: None)
    house = Pipeline(name="toy", stages=[made], settings=StudySettings)
    study = Study(Path("a study"), "toy", Inputs(Path("manifest.csv")), {"toy": Path("1")}, {}, {})
    return predict_table(study, house, StudySettings(), Path("new.csv"))


def new_rows(value: dict[str, float], **names: Any) -> tuple[Any, pd.DataFrame]:
    return PREDICTIONS, predictions_of(value, side="new", **names)


def test_from_the_cut_off_on_a_patient_counts_as_positive(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [new_rows({"N1": 0.5, "N2": 0.49}), new_rows({"N1": 0.9}, model="DL"), (CUTOFFS, cutoffs(Rad=0.5))]
    found = predicted(monkeypatch, rows).probabilities
    assert found.columns.tolist() == [
        "patient_id", "target", "model", "variant", "protocol", "probability", "cutoff", "positive",
    ]  # fmt: skip
    assert found[["patient_id", "model", "positive"]].to_numpy().tolist() == [
        ["N1", "Rad", "yes"], ["N1", "DL", ""], ["N2", "Rad", "no"],
    ]  # fmt: skip
    assert found["cutoff"].isna().tolist() == [False, True, False]
    assert found["probability"].tolist() == [0.5, 0.9, 0.49]


def test_chains_of_one_signature_are_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    found = predicted(monkeypatch, [new_rows({"N1": 0.2}), new_rows({"N1": 0.8}, fold=1)]).probabilities
    assert found["probability"].tolist() == pytest.approx([0.5])


def test_a_per_cent_has_a_column_of_its_own_and_no_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where a table of cut-offs names it."""
    more = cutoffs(Rad=10.0).assign(target="ki67")
    rows = [
        new_rows({"N1": 40.0}, target="ki67", kind="per_cent"), new_rows({"N1": 0.7}),
        (CUTOFFS, pd.concat([cutoffs(Rad=0.5), more])),
    ]  # fmt: skip
    found = predicted(monkeypatch, rows).probabilities.set_index("target")
    assert found.loc["her2", "probability"] == 0.7 and pd.isna(found.loc["her2", "per_cent"])
    assert found.loc["ki67", "per_cent"] == 40.0 and pd.isna(found.loc["ki67", "probability"])
    assert found["positive"].to_dict() == {"her2": "yes", "ki67": ""}
    alone = predicted(monkeypatch, rows[:1]).probabilities
    assert "probability" not in alone and alone["positive"].tolist() == [""]


def test_rows_stand_by_target_patient_protocol_and_the_models_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline's own model stands behind the house's; variants of one model by name."""
    lines = [
        ("her2", "N2", "crossfit", "Rad", ""), ("her2", "N1", "paper", "Clinical", ""),
        ("her2", "N1", "crossfit", "Toy", ""), ("her2", "N1", "crossfit", "Combined", ""),
        ("her2", "N1", "crossfit", "DLR", ""), ("her2", "N1", "crossfit", "Clinical", "before biopsy"),
        ("her2", "N1", "crossfit", "Clinical", ""), ("er", "N2", "crossfit", "Rad", ""),
    ]  # fmt: skip
    rows = [new_rows({p: 0.5}, target=t, protocol=q, model=m, variant=v) for t, p, q, m, v in lines]
    found = predicted(monkeypatch, rows).probabilities
    order = [found[name].tolist() for name in ("target", "patient_id", "protocol", "model", "variant")]
    expected = [lines[7], lines[6], lines[5], lines[4], lines[3], lines[2], lines[1], lines[0]]
    assert list(zip(*order, strict=True)) == expected


def test_bad_cases_and_those_a_stage_could_not_look_at_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = predicted(monkeypatch, [new_rows({"N1": 0.5})]).bad
    assert found[["case_id", "patient_id", "what"]].to_numpy().tolist() == [
        ["c9", "N9", "cannot be read"], ["c1", "N1", "no ROI"],
    ]  # fmt: skip


def test_values_outside_are_named_once_though_several_chains_saw_them(monkeypatch: pytest.MonkeyPatch) -> None:
    row = pd.DataFrame([("N1", "her2", "Rad", "", "x", 9.0)], columns=list(OUTSIDE.names))
    found = predicted(monkeypatch, [new_rows({"N1": 0.5}), (OUTSIDE, row), (OUTSIDE, row)])
    assert len(found.outside) == 1 and found.points.empty


def test_where_nobody_can_be_predicted_every_bad_case_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as error:
        predicted(monkeypatch, [])
    assert [problem.what for problem in error.value.problems] == ["cannot be read", "no ROI"]
    monkeypatch.setattr(prediction, "_bad", lambda *ignored: BAD.iloc[:0])
    with pytest.raises(InputError, match="no patient could be predicted"):
        predicted(monkeypatch, [])


def test_a_study_without_a_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="holds no fitted model"):
        predicted(monkeypatch, [], gives=(OUTSIDE,))


def test_called_subtypes_stand_in_a_file_of_their_own_in_the_order_of_the_signatures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = pd.DataFrame({"patient_id": ["N2", "N1", "N1"], "model": ["Rad", "Toy", "Rad"], "called": list("abc")})
    named = {"variant": "", "protocol": "crossfit", "side": "new", "role": "held-out", "true": "", "rule": "a rule"}
    given = [new_rows({"N1": 0.5}), (SUBTYPES, rows.assign(**named)[list(SUBTYPES.names)])]
    made = predicted(monkeypatch, given)
    monkeypatch.setattr(prediction, "predict_table", lambda *given: made)
    study = SimpleNamespace(inputs=Inputs(tmp_path / "manifest.csv"))
    predict_patients(study, None, StudySettings(), tmp_path / "table.csv", tmp_path / "new.csv")  # type: ignore[arg-type]
    lines = (tmp_path / "new_subtypes.csv").read_text().splitlines()
    assert lines == [
        "patient_id,model,variant,protocol,called,rule", "N1,Rad,,crossfit,c,a rule", "N1,Toy,,crossfit,b,a rule",
        "N2,Rad,,crossfit,a,a rule",
    ]  # fmt: skip
    assert predicted(monkeypatch, given[:1]).subtypes.empty


def test_companions_are_written_where_there_are_any_and_old_ones_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = predicted(monkeypatch, [new_rows({"N1": 0.5})])
    asked: list[Any] = []
    monkeypatch.setattr(prediction, "predict_table", lambda *given: asked.append(given) or made)
    study = SimpleNamespace(inputs=Inputs(tmp_path / "manifest.csv"))
    (tmp_path / "new_outside.csv").write_text(",".join(OUTSIDE.names) + "\n")
    (tmp_path / "new_points.csv").write_text("patient_id,target,set,variable,value,of another release\n")
    out = predict_patients(study, None, StudySettings(), tmp_path / "table.csv", tmp_path / "new.csv")  # type: ignore[arg-type]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.csv", "new_bad.csv"]
    assert pd.read_csv(out)["probability"].tolist() == [0.5]
    assert asked[0][-2:] == (tmp_path / "table.csv", 1), "in one process"
    (tmp_path / "new.csv").write_text("something,else\n")
    with pytest.raises(InputError, match="another file is there already"):
        predict_patients(study, None, StudySettings(), tmp_path / "table.csv", tmp_path / "new.csv")  # type: ignore[arg-type]
