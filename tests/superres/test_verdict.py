"""The verdict: the worst of what was found, and whether anything could have been found."""

from __future__ import annotations

import pandas as pd
import pytest

from dlr.superres.verdict import CONTROLS, SEEN, verdict
from dlr.tables import CHECKS

SEVERITY = dict.fromkeys(["A", "A2", "B", "C", "D", "F", "H"], "hallucination") | dict.fromkeys("EG", "caution")
CAUGHT = {"planted dot": "AC", "planted null-space dot": "CE", "planted wiped spot": "AD"}


def checks(*found: str, n: int = 36, caught: dict[str, str] | None = None, few: bool = False) -> pd.DataFrame:
    """All checks, those named found; planted controls caught by those named."""
    rows = []

    def add(
        check: str, subject: str, statistic: str, value: float, limit: float, is_found: bool, severity: str
    ) -> None:
        rows.append((check, f"name {check}", subject, statistic, value, 0.13, 1.53, 0.0, limit, n, is_found, severity))

    for check, severity in SEVERITY.items():
        add(check, "restored", "s", 0.73, 0.0, check in found, "not assessable" if few else severity)
    add("E", "restored", "recovered", 0.148, float("nan"), False, "")
    add("E", "restored", "invented", 0.317, float("nan"), False, "")
    for control, by in (CAUGHT if caught is None else caught).items():
        for check in "ACDE":
            add(check, control, "s", 1.2, 0.0, check in by, "")
        add("C", control, SEEN, 0.44, float("nan"), False, "")
    return CHECKS.conform(pd.DataFrame(rows, columns=list(CHECKS.columns)))


def test_nothing_found_is_no_proof_and_says_what_it_cannot_see() -> None:
    made = verdict(checks())
    assert (made.word, made.n) == ("passed", 36)
    assert made.sentence.startswith("No check found structure that the images do not hold (36 check patients")
    assert "not proof that none exists" in made.sentence
    assert "sees a single planted dot in 44 % of patients" in made.sentence
    assert "Not made" not in made.sentence


@pytest.mark.parametrize(("left_out", "told"), [("GH", "G (radiomics), H (decisions)"), ("F", "F (pure speckle)")])
@pytest.mark.parametrize("found", ["", "E"])
def test_checks_that_were_not_made_are_named(left_out: str, told: str, found: str) -> None:
    table = checks(*found)
    made = verdict(table[~table["check"].isin(list(left_out))])
    assert made.word == ("caution" if found else "passed")
    assert made.sentence.endswith(f"Not made: {told}.")


def test_a_check_of_too_few_patients_was_not_made() -> None:
    table = checks()
    table.loc[(table["check"] == "H") & (table["subject"] == "restored"), "severity"] = "not assessable"
    assert verdict(table).sentence.endswith("Not made: H (decisions).")


def test_invented_texture_is_told_in_shares() -> None:
    made = verdict(checks("E", "G"))
    assert made.word == "caution"
    assert "15 % is true, and 32 % as much was invented" in made.sentence
    assert verdict(checks("G")).word == "caution"
    assert "name G" in verdict(checks("G")).sentence


@pytest.mark.parametrize("check", ["A", "A2", "B", "C", "D", "F", "H"])
def test_any_other_check_is_a_hallucination_with_its_numbers(check: str) -> None:
    made = verdict(checks(check, "E"))
    assert made.word == "hallucination"
    assert f"{check}, name {check}: 0.73 (0.13 to 1.53), bicubic 0.00" in made.sentence
    assert "marked in every table" in made.sentence


@pytest.mark.parametrize(
    ("control", "by", "told"),
    [
        ("planted dot", "A", "planted dot (check C)"),
        ("planted dot", "CDE", "planted dot (check A)"),
        ("planted null-space dot", "AE", "planted null-space dot (check C)"),
        ("planted wiped spot", "CE", "planted wiped spot (check A or D)"),
    ],
)
def test_a_control_that_is_not_seen_takes_the_verdict_away(control: str, by: str, told: str) -> None:
    for found in ((), ("E",)):
        made = verdict(checks(*found, caught=CAUGHT | {control: by}))
        assert made.word == "not assessable"
        assert "would not have seen it" in made.sentence
        assert told in made.sentence
    assert verdict(checks("C", caught=CAUGHT | {control: by})).word == "hallucination"  # what was found stands


def test_a_wiped_spot_may_be_seen_by_either_check() -> None:
    assert verdict(checks(caught=CAUGHT | {"planted wiped spot": "D"})).word == "passed"
    assert verdict(checks(caught=CAUGHT | {"planted wiped spot": "A"})).word == "passed"


def test_without_a_null_space_dot_the_others_are_asked_and_without_any_nothing_is_told() -> None:
    assert verdict(checks(caught={k: v for k, v in CAUGHT.items() if k != "planted null-space dot"})).word == "passed"
    assert verdict(checks(caught={})).word == "not assessable"
    assert set(CAUGHT) == set(CONTROLS)


def test_too_few_patients_are_told_before_anything() -> None:
    made = verdict(checks("C", n=5, few=True))
    assert (made.word, made.n) == ("not assessable", 5)
    assert made.sentence == "Too few check patients (5) to tell; take bicubic or none."
