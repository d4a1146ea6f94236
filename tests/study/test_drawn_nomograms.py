"""Which sets are drawn, the file of each, and patients' points worked out from the coefficients."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.stats import Nomogram, logistic
from dlr.study.combined import SavedSet
from dlr.study.drawn_sets import points_of, sets_to_draw
from dlr.words import Target
from tests.study.hand_made import HER2, cohort_of


def saved(
    name: str, target: str = "her2", protocol: str = "crossfit", primary: bool = False, drawn: bool = True
) -> Any:
    model = SimpleNamespace(nomogram=f"fit of {name}" if drawn else None, candidates=SimpleNamespace(name=name))
    return SavedSet(target, protocol, "", primary, model)  # type: ignore[arg-type]


TABLES = cohort_of({"patient_id": ["A"], "her2": [1.0], "er": [0.0]}, targets=(Target("er"), HER2))


def test_cross_fitted_sets_are_drawn_target_by_target_the_primary_first() -> None:
    sets = [
        saved("a"), saved("b", primary=True), saved("c", protocol="paper", primary=True), saved("d", "er"),
        saved("e", "er", primary=True, drawn=False), saved("f", "er"),
    ]  # fmt: skip
    found = sets_to_draw(TABLES, sets)
    assert [(one.saved.name, one.primary, one.file) for one in found] == [
        ("d", True, "nomogram.pdf"), ("f", False, "nomogram_2.pdf"), ("b", True, "nomogram_3.pdf"),
        ("a", False, "nomogram_4.pdf"),
    ]  # fmt: skip
    assert [one.fit for one in found] == ["fit of d", "fit of f", "fit of b", "fit of a"]


def test_without_cross_fitting_the_papers_sets_are_drawn() -> None:
    found = sets_to_draw(TABLES, [saved("c", protocol="paper", primary=True)])
    assert [(one.saved.name, one.primary) for one in found] == [("c", True)]
    assert sets_to_draw(TABLES, [saved("c", drawn=False)]) == []


@pytest.fixture(scope="module")
def paper() -> Nomogram:
    """age from 30 to 69 and er, fitted on forty patients."""
    k = np.arange(40)
    frame = pd.DataFrame({"age": 30.0 + k, "er": (k % 2).astype(float)})
    return Nomogram.from_logistic(logistic(frame, ((k * 7) % 40 + 8 * (k % 2) + k / 2 > 30).astype(float)))


def test_points_are_a_row_a_patient_and_axis(paper: Nomogram) -> None:
    frame = pd.DataFrame({"er": [1.0, 0.0], "age": [50.0, 95.0]}, index=["A", "B"])
    table = points_of(paper, frame)
    assert table[["patient_id", "variable", "value", "beyond_axis"]].to_numpy().tolist() == [
        ["A", "age", "50.0", False], ["B", "age", "95.0", True], ["A", "er", "1.0", False], ["B", "er", "0.0", False],
    ]  # fmt: skip
    points = table.pivot(index="patient_id", columns="variable", values="points")
    axes = {axis.name: axis for axis in paper.axes}
    for name, value in (("age", 50.0), ("er", 1.0)):
        effect = axes[name].betas[0] * value
        assert points.loc["A", name] == pytest.approx((effect - axes[name].lowest) * paper.points_per_unit)
    total = table.drop_duplicates("patient_id").set_index("patient_id")
    assert total["total"].to_dict() == pytest.approx(points.sum(axis=1).to_dict())
    linear = paper.intercept + axes["age"].betas[0] * 50 + axes["er"].betas[0]
    assert total.loc["A", "risk"] == pytest.approx(1 / (1 + np.exp(-linear)))


def test_a_drawn_set_is_stored_with_its_example(paper: Nomogram) -> None:
    example = pd.DataFrame({"age": [np.float64(50.0)], "stage": ["II"]}, index=["A"])
    (drawn,) = sets_to_draw(TABLES, [saved("age + Rad", primary=True)])
    entry = drawn.entry("A title", paper, example)
    assert entry["example"] == {"patient_id": "A", "age": 50.0, "stage": "II"}
    assert type(entry["example"]["age"]) is float
    assert (entry["name"], entry["target"], entry["protocol"]) == ("age + Rad", "her2", "crossfit")
    assert (entry["title"], entry["primary"], entry["file"]) == ("A title", True, "nomogram.pdf")
    assert Nomogram.from_dict(entry["nomogram"]).points(pd.DataFrame({"age": [50.0], "er": [1.0]})).shape == (1, 2)
