"""How often the reviewer's list accuses a sound study: under 5 % by every rule (docs/reviewer.md)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from calibrated import JUDGED, alarms

from dlr.report import judged


def test_every_rule_that_judges_is_counted() -> None:
    assert len(judged.__all__) == len(JUDGED)


def test_of_four_sound_studies_none_is_accused_twice(tmp_path: Path) -> None:
    """At the rate that is claimed, .05 a rule and study, a rule speaks in two of four in 1 of 70 such tests."""
    wrong = alarms(tmp_path, range(4), 160, 48)
    assert max(wrong.values()) <= 1 and sum(wrong.values()) <= 2, wrong


@pytest.mark.slow
@pytest.mark.parametrize(("patients", "test"), [(80, 24), (160, 48), (400, 120)])
def test_every_rule_is_wrong_in_under_five_of_a_hundred_studies(tmp_path: Path, patients: int, test: int) -> None:
    """Of 200 studies; `docs/reviewer.md` has what was found."""
    wrong: Counter[str] = alarms(tmp_path, range(200), patients, test)
    print(f"{patients} patients, {test} of them tested: {dict(wrong)} of 200")
    assert all(count < 0.05 * 200 for count in wrong.values()), wrong
