"""One patient under two spellings of the id: never on two sides or in two folds."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_cohort import rows

from dlr.cohort import Cohort, CohortSettings, load_cohort, load_new_cases
from dlr.errors import InputError

Load = Callable[..., Cohort]
MUELLER = unicodedata.normalize("NFC", "Müller"), unicodedata.normalize("NFD", "Müller")


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the small cohort's table without images; the first two patients are `first` and `second`."""

    def with_ids(first: str, second: str, side: list[str] | None = None, **more: Any) -> Cohort:
        table = pd.DataFrame(rows()).drop(columns=["image", "mask"])
        table.loc[:1, "patient_id"] = [first, second]
        if side is not None:
            table["side"] = side + ["train", "test"] * 11
        table.assign(**more).to_csv(tmp_path / "manifest.csv", index=False)
        return load_cohort(tmp_path / "manifest.csv", CohortSettings(external=["far"] if more else []), images=False)

    return with_ids


@pytest.mark.parametrize(
    ("first", "second"),
    [MUELLER, ("abc", "ABC"), ("a b", "a  b"), ("a b", "a\u3000b"), ("０１", "01"), ("0123", "123"), ("P007", "P7"),
     ("ST-01", "st‐1"), ("Straße 1", "STRASSE 01")],
)  # fmt: skip
def test_two_spellings_of_one_id_are_refused_where_sides_are_to_be_drawn(load: Load, first: str, second: str) -> None:
    with pytest.raises(InputError) as error:
        load(first, second)
    (problem,) = error.value.problems
    assert problem.where == "manifest.csv patient_id" and "alike in every row" in problem.mend
    assert ascii(first) in problem.what and ascii(second) in problem.what and "(rows 2, 3)" in problem.what


@pytest.mark.parametrize(
    ("first", "second"), [("1.05", "1.5"), ("a1", "a10"), ("a b", "ab"), ("1-0", "1 0"), ("0", "00a")]
)
def test_ids_that_differ_in_more_are_two_patients(load: Load, first: str, second: str) -> None:
    cohort = load(first, second)
    assert cohort.table["patient_id"].tolist()[:2] == [first, second]
    assert not cohort.notes["what"].str.contains("forms of a letter").any()


def test_two_spellings_on_two_sides_are_refused_with_the_sides(load: Load) -> None:
    with pytest.raises(InputError, match="on sides test and train"):
        load("abc", "ABC", ["train", "test"])


def test_two_spellings_on_the_training_side_would_be_in_two_folds(load: Load) -> None:
    with pytest.raises(InputError, match="'ABC' and 'abc'"):
        load("abc", "ABC", ["train", "train"])


@pytest.mark.parametrize("side", ["test", "validation", "external"])
def test_two_spellings_on_another_side_are_said(load: Load, side: str) -> None:
    said = load("abc", "ABC", [side, side]).notes
    (what,) = said["what"][said["what"].str.contains("forms of a letter")]
    assert what.endswith("'ABC' and 'abc' (rows 2, 3); taken as different patients")


def test_two_spellings_in_an_external_cohort_are_said(load: Load) -> None:
    cohort = load("abc", "ABC", cohort=["far", "far", *["near"] * 22])
    assert cohort.notes["what"].str.contains("taken as different patients").any()
    with pytest.raises(InputError, match=r"on sides \(to be drawn\) and external"):
        load("abc", "ABC", cohort=["far", *["near"] * 23])


def test_an_excluded_row_and_three_spellings(load: Load) -> None:
    load("abc", "ABC", exclude_reason=["therapy", *[""] * 23], cohort=["near"] * 23 + ["far"])
    with pytest.raises(InputError, match=r"'00003' and '003' and '3' \(rows 2, 3, 4\)\."):
        load("3", "003")


def test_new_patients_under_two_spellings_are_said(tmp_path: Path) -> None:
    pd.DataFrame({"patient_id": ["abc", "ABC"]}).to_csv(tmp_path / "new.csv", index=False)
    new = load_new_cases(tmp_path / "new.csv", CohortSettings(), (), images=False)
    assert len(new.table) == 2 and new.notes["what"].str.contains("taken as different patients").any()
