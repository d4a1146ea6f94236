"""Stage averaged on predictions typed in by hand: whose logits are averaged, part by part, and whom it leaves out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.engine.run import LeftOut
from dlr.stages.averaged import averaged
from dlr.study.application import Application, Applied
from dlr.tables import PREDICTIONS
from tests.study.hand_made import HandRun, predictions_of


def rows(value: dict[str, float], model: str, **names: Any) -> pd.DataFrame:
    return predictions_of(value, model=model, **names)


def run_on(folder: Path, rad: list[pd.DataFrame], deep: list[pd.DataFrame]) -> HandRun:
    needs = {}
    for name, tables in (("radiomics_model", rad), ("deep", deep)):
        (folder / name).mkdir(parents=True)
        PREDICTIONS.write(folder / name, pd.concat(tables, ignore_index=True))
        needs[name] = folder / name
    out = folder / "averaged"
    out.mkdir()
    run = HandRun(out, needs=SimpleNamespace(**needs))
    averaged.function(run)  # type: ignore[arg-type]
    return run


def found(run: HandRun) -> pd.Series:
    table = PREDICTIONS.read(run.folder)
    assert set(table["model"]) == {"Rad+DL"} and set(table["algorithm"]) == {"chosen"}
    return table.set_index(["target", "protocol", "seed", "fold", "patient_id"])["value"]


def test_the_mean_is_of_logits_of_the_same_part(tmp_path: Path) -> None:
    """Odds 4 and 1/9: their geometric mean is 2/3, so p = .4; odds 1/4 and 4 give one half."""
    rad = [rows({"A": 0.8, "B": 0.2}, "Rad"), rows({"A": 0.3}, "Rad", fold=1), rows({"A": 0.8}, "Rad", target="er")]
    deep = [
        rows({"B": 0.8, "A": 0.1}, "DL"), rows({"A": 0.3}, "DL", fold=1), rows({"A": 0.99}, "DL", seed=1),
        rows({"A": 0.1}, "DL", target="er"), rows({"A": 0.7}, "DL", protocol="paper"),
    ]  # fmt: skip
    run = run_on(tmp_path, rad, deep)
    value = found(run)
    assert len(value) == 4 and not run.warned
    assert value["her2", "crossfit", 0, 0, "A"] == pytest.approx(0.4, abs=1e-12)
    assert value["her2", "crossfit", 0, 0, "B"] == pytest.approx(0.5, abs=1e-12)
    assert value["her2", "crossfit", 0, 1, "A"] == pytest.approx(0.3, abs=1e-12)
    assert value["er", "crossfit", 0, 0, "A"] == pytest.approx(0.4, abs=1e-12)
    assert set(PREDICTIONS.read(run.folder)["side"]) == {"train"}


def test_only_chosen_chains_of_two_classes_enter(tmp_path: Path) -> None:
    rad = [
        rows({"A": 0.5}, "Rad"), rows({"A": 0.9}, "Rad", algorithm="ridge"),
        rows({"A": 40.0}, "Rad", target="ki67", kind="per_cent"),
    ]  # fmt: skip
    deep = [rows({"A": 0.5}, "DL"), rows({"A": 0.9}, "DL", algorithm="frozen resnet18")]
    value = found(run_on(tmp_path, rad, deep))
    assert value.to_dict() == {("her2", "crossfit", 0, 0, "A"): 0.5}


def test_patients_that_one_of_the_two_answers_are_counted_and_left_out(tmp_path: Path) -> None:
    rad = [rows({"A": 0.5, "B": 0.5, "C": 0.5}, "Rad"), rows({"D": 0.5}, "Rad", fold=1)]
    deep = [rows({"A": 0.6, "E": 0.6}, "DL"), rows({"C": 0.5}, "DL", fold=1), rows({"D": 0.1}, "DL", fold=1)]
    run = run_on(tmp_path, rad, deep)
    assert found(run).index.get_level_values("patient_id").tolist() == ["A", "D"]
    assert run.warned == ["3 patients are answered by only one of Rad and DL: no mean of them"]


def test_without_one_answer_in_common_it_leaves_itself_out(tmp_path: Path) -> None:
    with pytest.raises(LeftOut, match="the same part"):
        run_on(tmp_path, [rows({"A": 0.5}, "Rad")], [rows({"A": 0.5}, "DL", fold=1)])


def test_new_patients_get_the_mean_of_what_both_gave(tmp_path: Path) -> None:
    made = Applied()
    for table in (rows({"N": 0.8}, "Rad", side="new"), rows({"N": 0.1}, "DL", side="new"), rows({"M": 0.1}, "DL")):
        made.give(PREDICTIONS, table)
    given = Application(tmp_path, None, None, 0, None, made)  # type: ignore[arg-type]
    averaged.apply(given)  # type: ignore[misc]
    out = made.of(PREDICTIONS)
    own = out[out["model"] == "Rad+DL"]
    assert own[["patient_id", "side"]].to_numpy().tolist() == [["N", "new"]]
    np.testing.assert_allclose(own["value"], 0.4, atol=1e-12)


def test_new_patients_of_whom_neither_says_anything_get_no_mean(tmp_path: Path) -> None:
    made = Applied()
    averaged.apply(Application(tmp_path, None, None, 0, None, made))  # type: ignore[arg-type,misc]
    assert made.of(PREDICTIONS).empty
