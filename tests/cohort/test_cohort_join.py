"""A second table of clinical values joined by patient: who matches, who does not, and what is said of it."""

from __future__ import annotations

import pandas as pd
import pytest

from dlr.cohort.join import _bare, _with_nearest, join_clinical, unmatched
from dlr.cohort.mapping import Findings
from dlr.cohort.settings import CohortSettings

SOURCES = ("manifest.csv", "clinical.csv")


def table(text: str) -> pd.DataFrame:
    """A table of text cells from 'patient_id age|a 50|b 60'; '-' is an empty cell; row numbers from 2."""
    header, *lines = (line.split(" ") for line in text.split("|"))
    cells = [["" if cell == "-" else cell for cell in line] for line in lines]
    return pd.DataFrame(cells, columns=header, index=range(2, 2 + len(cells)), dtype=object)


def joined(first: str, second: str, tolerant: bool = False, **settings: str) -> tuple[pd.DataFrame, Findings]:
    findings = Findings(tolerant=tolerant)
    return join_clinical(table(first), table(second), SOURCES, CohortSettings(**settings), findings), findings


def problems(first: str, second: str, **settings: str) -> list[tuple[str, str, str]]:
    _, findings = joined(first, second, **settings)
    assert findings.problems
    return [(p.where, p.what, p.mend) for p in findings.problems]


MEND = "write the ids alike in both tables (they are compared as text, 00123 is not 123)"


def test_columns_come_to_every_row_of_their_patient_in_the_order_of_the_manifest() -> None:
    out, findings = joined("patient_id image|b 1|a 2|b 3", "patient_id age cea|a 50 1|b 60 -")
    assert out.to_dict("list") == {
        "patient_id": ["b", "a", "b"],
        "image": ["1", "2", "3"],
        "age": ["60", "50", "60"],
        "cea": ["", "1", ""],
    }
    assert out.index.tolist() == [2, 3, 4] and not findings.problems and not findings.notes


def test_a_table_without_ids_is_refused_with_its_headers_and_joins_nothing() -> None:
    out, findings = joined("patient_id|a", "number age|a 50")
    assert out.columns.tolist() == ["patient_id"]
    (problem,) = findings.problems
    assert problem.what == "no column patient_id (there are: number, age)" and problem.where == "clinical.csv headers"


def test_rows_without_an_id_are_nobodys() -> None:
    out, findings = joined("patient_id|a|-", "patient_id age|a 50|- 99")
    assert out["age"].tolist() == ["50", ""] and not findings.problems and not findings.notes


def test_equal_rows_are_taken_once_and_said() -> None:
    out, findings = joined("patient_id|a|b", "patient_id age|a 50|a 50|b 60|b 60|b 60")
    assert out["age"].tolist() == ["50", "60"] and not findings.problems
    assert findings.notes == [("clinical.csv", "3 repeated rows were left out")]


def test_rows_that_differ_are_refused_and_nothing_is_joined() -> None:
    out, findings = joined("patient_id|a|b", "patient_id age|a 50|a 51|b 60|b 60")
    assert [p.what for p in findings.problems] == ["several rows that differ for patients a"]
    assert out.columns.tolist() == ["patient_id"] and findings.notes == []


def test_a_patient_without_values_is_refused_with_the_nearest_id() -> None:
    assert problems("patient_id|0012|b|c", "patient_id age|12 50|b 60|c 1") == [
        ("manifest.csv", "1 of 3 patients are not in clinical.csv: 0012 (nearest: 12)", MEND),
        (
            "clinical.csv",
            "1 of 3 patients are not in manifest.csv: 12 (nearest: 0012)",
            f"{MEND}; or cohort.clinical_extra: leave",
        ),
    ]
    out, _ = joined("patient_id|0012|b", "patient_id age|12 50|b 60")
    assert out.columns.tolist() == ["patient_id"]


def test_patients_without_an_image_are_refused_or_left_out_as_the_settings_say() -> None:
    ((where, what, _),) = problems("patient_id|a", "patient_id age|a 50|x 1|y 2")
    assert where == "clinical.csv" and what == "2 of 3 patients are not in manifest.csv: x, y"
    out, findings = joined("patient_id|a", "patient_id age|a 50|x 1|y 2", clinical_extra="leave")
    assert out["age"].tolist() == ["50"] and not findings.problems
    assert findings.notes == [("clinical.csv", "2 patients without an image were left out: x, y")]


def test_both_lists_are_printed_where_a_patient_is_lost_whatever_may_be_left() -> None:
    found = problems("patient_id|a|b", "patient_id age|a 50|x 1", clinical_extra="leave")
    assert [where for where, *_ in found] == ["manifest.csv", "clinical.csv"]
    found = problems("patient_id|a|b", "patient_id age|a 50")
    assert [where for where, *_ in found] == ["manifest.csv"]


def test_new_patients_that_the_table_does_not_hold_have_missing_values() -> None:
    out, findings = joined("patient_id|a|n", "patient_id age|a 50|x 1", tolerant=True)
    assert out["age"].tolist() == ["50", ""] and not findings.problems
    assert findings.notes == [("manifest.csv", "1 patients are not in clinical.csv: its columns are missing for them")]
    _, findings = joined("patient_id|a", "patient_id age|a 50|x 1", tolerant=True)
    assert findings.notes == []


def test_a_column_of_both_tables_is_filled_from_either_and_may_not_differ() -> None:
    out, findings = joined("patient_id age|a 50|b -|c 7|d -", "patient_id age|a 50|b 60|c -|d -")
    assert out["age"].tolist() == ["50", "60", "7", ""] and not findings.problems
    ((where, what, mend),) = problems("patient_id age|a 50|b 60|b 60|c -", "patient_id age|a 51|b 61|c 3")
    assert where == "manifest.csv and clinical.csv" and "correct it" in mend
    assert what == "column age differs between the tables for patients a, b"


def test_ids_without_a_partner_are_sorted_and_named_once() -> None:
    assert unmatched(["b", "a", "a", "c"], ["c", "e", "d"]) == (["a", "b"], ["d", "e"])


@pytest.mark.parametrize(
    ("one", "other"), [("00123", "123"), ("123.0", "123"), ("P-007", "p7"), ("A_01 b", "a1B"), ("10", "10")]
)
def test_an_id_is_bare_of_zeros_case_and_punctuation(one: str, other: str) -> None:
    assert _bare(one) == _bare(other)
    assert _with_nearest([one], ["zzz", other]) == f"{one} (nearest: {other})"


def test_zeros_within_a_number_and_other_digits_stay() -> None:
    assert _bare("1007") == "1007" and _bare("0") == "0" and _bare("1.05") == "105" and _bare("00") == "0"


def test_the_first_of_several_equal_bare_ids_is_the_nearest() -> None:
    assert _with_nearest(["007"], ["7", "07"]) == "007 (nearest: 7)"


def test_a_similar_id_is_near_from_six_tenths_on() -> None:
    assert _with_nearest(["abcde"], ["abcxy", "uvwxy"]) == "abcde (nearest: abcxy)"  # 2 · 3 / 10
    assert _with_nearest(["abcdefg"], ["abcdxyz"]) == "abcdefg"  # 2 · 4 / 14
    assert _with_nearest(["q"], []) == "q"


def test_similar_ids_are_looked_for_twelve_times_and_bare_ones_always() -> None:
    lost = [f"patient-{n:02d}x" for n in range(14)]
    near = _with_nearest(lost, ["patient-y"]).split(", ")
    assert [" (nearest: patient-y)" in one for one in near] == [True] * 12 + [False] * 2
    near = _with_nearest(lost, [f"patient-{n}x" for n in range(14)]).split(", ")
    assert all("nearest" in one for one in near)


def test_forty_ids_are_all_printed_and_of_more_the_first_six() -> None:
    forty = [f"{n:03d}" for n in range(40)]
    assert _with_nearest(forty, ["zzz"]) == ", ".join(forty)
    assert _with_nearest([*forty, "040"], ["zzz"]) == "000, 001, 002, 003, 004, 005 and 35 more"
