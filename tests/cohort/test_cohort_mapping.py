"""Headers and values as people write them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlr.cohort.mapping import Findings, map_headers, read_binary, read_levels, read_numbers, replaced
from dlr.cohort.settings import CohortSettings
from dlr.cohort.vocabulary import KNOWN


def column(name: str, *cells: str) -> pd.Series:
    return pd.Series(cells, index=range(2, 2 + len(cells)), name=name, dtype=object)


def numbers(*cells: str, name: str = "cea", delimiter: str = ",", unit: str = "", **settings: str) -> list[float]:
    found = Findings()
    out = read_numbers(column(name, *cells), "t", CohortSettings(**settings), found, unit=unit, delimiter=delimiter)
    found.stop()
    return out.tolist()


def binary(name: str, *cells: str, levels: tuple[str, ...] = ()) -> list[float]:
    found = Findings()
    out = read_binary(column(name, *cells), "t", found, levels).tolist()
    found.stop()
    return out


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("年龄", "age"), ("Ki-67 (%)", "ki67"), ("CA19-9 (U/mL)", "ca199"), ("CA 15-3", "ca153"), ("HER2", "her2"),
        ("患者编号", "patient_id"), ("Patient ID", "patient_id"), ("淋巴结转移", "lymph_metastasis"), ("CEA", "cea"),
        ("绝经状态", "menopause"), ("家族史", "family_history"), ("Bi-Rads", "birads"), ("侧别", "side_of_breast"),
    ],
)  # fmt: skip
def test_header_is_understood_without_being_told(header: str, ours: str) -> None:
    found = Findings()
    out = map_headers(pd.DataFrame({header: ["1"]}), "t", CohortSettings(), set(), found)
    assert out.columns.tolist() == [ours]
    assert ("t header", header, ours) in found.mappings


def test_settings_map_any_header_and_win() -> None:
    frame = pd.DataFrame({"CEA": ["1"], "wert": ["2"]})
    out = map_headers(frame, "t", CohortSettings(headers={"wert": "cea"}), set(), Findings())
    assert out.columns.tolist() == ["CEA", "cea"]


def test_names_of_persons_are_not_read() -> None:
    found = Findings()
    out = map_headers(
        pd.DataFrame({"姓名": ["王"], "age": ["1"], "出生日期": [""]}), "t", CohortSettings(), set(), found
    )
    assert out.columns.tolist() == ["age"]
    assert not any("王" in what for _, what in found.notes)


def test_positive_and_negative_in_every_spelling() -> None:
    assert binary("er", "1", "阳性", "+", "Positive", "yes", "3+", "30 %", "＋", "有") == [1.0] * 9
    assert binary("er", "0", "阴性", "-", "−", "–", "negative", "No", "0 %", "<1%", "0.0") == [0.0] * 10
    assert all(math.isnan(v) for v in binary("er", "", "NA", "未知", "/"))


def test_a_columns_own_words() -> None:
    assert binary("menopause", "post", "绝经前", "premenopausal") == [1.0, 0.0, 0.0]
    assert binary("lymph_metastasis", "N0", "pN1", "无") == [0.0, 1.0, 0.0]
    assert binary("her2_fish", "扩增", "未扩增", "amplified", "")[:3] == [1.0, 0.0, 1.0]
    assert binary("sex", "f", "m", levels=("m", "f")) == [1.0, 0.0]


def test_numbers_with_signs_units_and_commas() -> None:
    assert numbers("1.5", "<0.5", ">1000", "≥ 3", "-2", "1e2") == [1.5, 0.5, 1000.0, 3.0, -2.0, 100.0]
    assert numbers("<0.5", below_limit="half") == [0.25]
    assert numbers("30 %", "30%", "30") == [30.0] * 3
    assert numbers("54岁", "54 years", "54", name="age") == [54.0] * 3
    assert numbers("12 U/mL", unit="U/mL") == [12.0]
    assert numbers("1,5", "2", delimiter=";") == [1.5, 2.0]
    assert numbers("1,234", delimiter=";") == [1.234]
    assert numbers("1,5", "1,234") == [1.5, 1.234]
    assert math.isnan(numbers("-")[0])


def test_a_comma_that_may_mean_thousands_is_refused() -> None:
    with pytest.raises(Exception, match=r"cohort\.decimal"):
        numbers("1,234", "2")


def test_every_changed_value_is_kept_for_printing_and_plain_ones_are_not() -> None:
    found = Findings()
    read_numbers(column("cea", "<0.5", "1.5", "NA"), "t", CohortSettings(), found)
    read_binary(column("er", "阳性", "1"), "t", found)
    assert set(found.mappings) == {("t cea", "<0.5", "0.5"), ("t cea", "NA", "missing"), ("t er", "阳性", "1")}


def test_ihc_scores_in_every_spelling() -> None:
    found = Findings()
    cells = column("her2_ihc", "0", "1+", "2+", "3+", "+", "++", "+++", "(2+)", "1", "阴性")
    out = read_levels(cells, "t", found, KNOWN["her2_ihc"].levels)
    assert out.tolist() == ["0", "1+", "2+", "3+", "1+", "2+", "3+", "2+", "1+", "0"]


def test_birads_in_every_spelling() -> None:
    found = Findings()
    out = read_levels(column("birads", "4A", "BI-RADS 4b", "5类", "3", "3.0"), "t", found, KNOWN["birads"].levels)
    assert out.tolist() == ["4a", "4b", "5", "3", "3"]
    assert not found.problems


def test_unknown_value_is_refused_with_its_rows_and_the_accepted_list() -> None:
    found = Findings()
    read_binary(column("pr", "1", "weak", "weak"), "t", found)
    (problem,) = found.problems
    assert "'weak'" in problem.what and "rows 3, 4" in problem.what
    assert "阳性" in problem.mend and "cohort.values.pr" in problem.mend


def test_yaml_truth_values_map_cells() -> None:
    settings = CohortSettings.model_validate({"values": {"er": {"stark": True, 7: 0}}})
    assert settings.values == {"er": {"stark": "true", "7": "0"}}


def test_null_maps_a_cell_to_missing() -> None:
    values = yaml.safe_load("er: {weak: null, strong: 1, 7: ~}")
    found, made = Findings(), CohortSettings(values=values)
    assert made.values == {"er": {"weak": "", "strong": "1", "7": ""}}
    cells = replaced(column("er", "weak", "Strong", "7", "0"), "t", made, found)
    assert cells.tolist() == ["", "1", "", "0"] and found.mappings[("t er", "weak", "missing")] == 1
    assert np.isnan(read_binary(cells, "t", found).iloc[0]) and not found.problems


@given(st.floats(-1e6, 1e6).map(lambda v: round(v, 4)))
def test_a_printed_number_reads_as_itself(value: float) -> None:
    assert numbers(f"{value:.4f}") == [pytest.approx(value)]
