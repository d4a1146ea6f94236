"""The stage around the page: what the contact sheet says of a case."""

from __future__ import annotations

import pytest

from dlr.study.contact_sheet import in_words
from dlr.words import Target, TargetKind

HER2, KI67 = Target("her2"), Target("ki67", TargetKind.PER_CENT)


@pytest.mark.parametrize(
    ("target", "value", "short", "words"),
    [
        (HER2, 1.0, False, "her2 positive"), (HER2, 0.0, False, "her2 negative"), (HER2, 0.0, True, "her2 −"),
        (HER2, float("nan"), True, "her2 ?"), (KI67, 22.5, True, "ki67 22.5 %"),
        (KI67, float("nan"), False, "ki67 unknown"),
    ],
)  # fmt: skip
def test_a_case_is_shown_with_what_is_known_of_it(target: Target, value: float, short: bool, words: str) -> None:
    assert in_words(target, value, short) == words
