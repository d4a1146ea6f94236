"""The verdict on enhanced images: the worst of what the checks found, and whether they could have found anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

__all__ = [
    "CAUTION", "CHECK_NAMES", "CONTROLS", "HALLUCINATION", "NOT_ASSESSABLE", "PASSED", "SEEN", "Verdict",
    "missed_controls", "verdict",
]  # fmt: skip

Word = Literal["passed", "caution", "hallucination", "not assessable"]
PASSED: Word = "passed"
CAUTION: Word = "caution"
HALLUCINATION: Word = "hallucination"
NOT_ASSESSABLE: Word = "not assessable"

SEEN = "share of patients in whom the control is seen"  # a statistic of table CHECKS
CHECK_NAMES = {  # by letter
    "A": "back-projection", "A2": "residual", "B": "grey level", "C": "false structure", "D": "lost structure",
    "E": "detail account", "F": "pure speckle", "G": "radiomics", "H": "decisions",
}  # fmt: skip
CONTROLS = {  # by planted control: the checks of which one must find it, group by group
    "planted dot": (("A",), ("C",)),
    "planted null-space dot": (("C",),),
    "planted wiped spot": (("A", "D"),),
}


@dataclass(frozen=True)
class Verdict:
    """What may be said of the images."""

    word: Word
    sentence: str
    n: int  # check patients


def verdict(checks: pd.DataFrame) -> Verdict:
    """The verdict of table CHECKS: the worst severity of what was found in the restored images.

    What was found stands, whatever the controls say; that nothing was found counts only if every planted control was.
    """
    own = checks[checks["subject"] == "restored"]
    first = own[own["check"] == "A"]
    n = 0 if first.empty else int(first["n"].iloc[0])
    if first.empty or (first["severity"] == NOT_ASSESSABLE).any():
        return Verdict(NOT_ASSESSABLE, f"Too few check patients ({n}) to tell; take bicubic or none.", n)
    found = own[own["found"]]
    worst = found[found["severity"] == HALLUCINATION]
    if not worst.empty:
        return Verdict(HALLUCINATION, _hallucination(worst), n)
    missed = missed_controls(checks)
    if missed:
        sentence = f"Not assessable: the battery would not have seen it (n too small: {n} check patients). Not found: "
        return Verdict(NOT_ASSESSABLE, sentence + "; ".join(missed) + ".", n)
    if (found["severity"] == CAUTION).any():
        return Verdict(CAUTION, _caution(own) + _not_made(own), n)
    sentence = f"No check found structure that the images do not hold ({n} check patients; planted dots were found). "
    sentence += "That is not proof that none exists." + _honest_limit(checks)
    return Verdict(PASSED, sentence + _not_made(own), n)


def missed_controls(checks: pd.DataFrame) -> list[str]:
    """The controls that no check that should see them found, as a reader is told: "planted dot (check C)".

    At scale 2 no null-space dot is planted.
    """
    hidden = "planted null-space dot"
    planted = [control for control in CONTROLS if control != hidden or hidden in set(checks["subject"])]
    caught = {(row.subject, row.check) for row in checks[checks["found"]].itertuples()}
    return [
        f"{control} (check {' or '.join(group)})"
        for control in planted
        for group in CONTROLS[control]
        if not any((control, letter) in caught for letter in group)
    ]


def _hallucination(worst: pd.DataFrame) -> str:
    told = (
        f"{row.check}, {row.name_}: {_number(row.value)} ({_number(row.lower)} to {_number(row.upper)}), "
        f"bicubic {_number(row.bicubic)}"
        for row in worst.rename(columns={"name": "name_"}).itertuples()
    )
    return f"Hallucination found. {'; '.join(told)}. Results with these images are marked in every table of the report."


def _caution(own: pd.DataFrame) -> str:
    found = own[own["found"]]
    if "E" not in set(found["check"]):
        row = found[found["severity"] == CAUTION].iloc[0]
        return (
            f"Caution. {row['check']}, {row['name']}: {_number(row['value'])} ({_number(row['lower'])} to "
            f"{_number(row['upper'])}). Structures of lesion size and bright spots are in place; features that count "
            "fine texture are listed."
        )
    share = own[own["check"] == "E"].set_index("statistic")["value"]
    return (
        f"Invented texture. Of the detail finer than the input's pixels {100 * share['recovered']:.0f} % is true, and "
        f"{100 * share['invented']:.0f} % as much was invented. Structures of lesion size and bright spots are in "
        "place. Do not read these images; features that count fine texture are listed."
    )


def _honest_limit(checks: pd.DataFrame) -> str:
    """In what share of patients check C sees the dot that was planted."""
    told = checks[(checks["subject"] == "planted dot") & (checks["check"] == "C") & (checks["statistic"] == SEEN)]
    return "".join(f" Check C sees a single planted dot in {100 * share:.0f} % of patients." for share in told["value"])


def _not_made(own: pd.DataFrame) -> str:
    """Which checks there were not, or not of enough patients."""
    made = set(own.loc[own["severity"].isin([CAUTION, HALLUCINATION]), "check"])
    missing = [f"{letter} ({name})" for letter, name in CHECK_NAMES.items() if letter not in made]
    return f" Not made: {', '.join(missing)}." if missing else ""


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
