"""Files of settings that are no settings: each says where, what, mend, and none takes long."""

from __future__ import annotations

import time

import pytest

from dlr.engine import read_yaml, resolve
from dlr.errors import InputError, Problem
from dlr.settings import StudySettings


def problems(text: str) -> tuple[Problem, ...]:
    """What reading and resolving a file of settings says, within a second."""
    began = time.process_time()
    with pytest.raises(InputError) as error:
        resolve(StudySettings, read_yaml(text, "params.yaml"), source="params.yaml")
    assert time.process_time() - began < 2
    assert all(p.where and p.what and p.mend and len(p.what) < 600 for p in error.value.problems)
    return error.value.problems


LAUGHS = "a: &a [x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
)
NOT_YAML = {
    "laughs at the top": (LAUGHS, "line 1, column 4", "an anchor or alias"),
    "laughs below a known key": ("cohort:\n  clinical: [&a [x], *a]\n", "line 2, column 14", "an anchor or alias"),
    "an anchor that holds itself": ("cohort: &a\n  values: {er: *a}\n", "line 1, column 9", "an anchor or alias"),
    "an alias of nothing": ("cohort: *a\n", "line 1, column 9", "an anchor or alias"),
    "3,000 levels": ("[" * 3000 + "]" * 3000, "line 1, column 32", "nested deeper than 30"),
    "3,000 levels of mappings": ("{a: " * 3000 + "}" * 3000, "line 1, column", "nested deeper than 30"),
    "a list as key": ("cohort: {[a, b]: c}\n", "line 1, column 9", "a key is a word"),
    "a mapping as key": ("? {a: b}\n: c\n", "line 1, column 1", "a key is a word"),
    "int of letters": ("seed: !!int abc\n", "line 1, column 7", "no value of kind int"),
    "int of nothing": ("seed: !!int ''\n", "line 1, column 7", "no value of kind int"),
    "float of letters": ("seed: !!float x\n", "line 1, column 7", "no value of kind float"),
    "bool of letters": ("seed: !!bool x\n", "line 1, column 7", "no value of kind bool"),
    "timestamp of letters": ("seed: !!timestamp x\n", "line 1, column 7", "no value of kind timestamp"),
    "5,000 digits": (f"seed: {'9' * 5000}\n", "line 1, column 7", "no value of kind int"),
    "an object of Python": ("seed: !!python/object:os.system x\n", "line 1, column 7", "could not determine"),
    "a mapping that is a word": ("seed: !!map x\n", "line 1, column 7", "expected a mapping node"),
    "an escape of no letter": ('seed: "\\UFFFFFFFF"\n', "params.yaml", "not YAML"),
    "a key twice": ("seed: 1\nseed: 2\n", "line 2, column 1", "stands twice"),
    "a control character": ("seed: \x01\n", "params.yaml", "special characters are not allowed"),
    "braces before text": ("cohort:\n  image_pattern: {patient_id}.png\n", "line 2", "expected <block end>"),
    "far too long": ("# no settings\n" * 20_000, "params.yaml", "no file of settings"),
}  # fmt: skip


@pytest.mark.parametrize("fault", NOT_YAML)
def test_what_is_no_yaml_is_named_with_its_place(fault: str) -> None:
    text, where, what = NOT_YAML[fault]
    (problem,) = problems(text)
    assert problem.where.startswith("params.yaml") and where in problem.where
    assert what in problem.what
    assert problem.mend.startswith(("mend the line", "give a file of settings"))


def test_braces_before_text_are_told_to_stand_in_quotation_marks() -> None:
    (problem,) = problems("cohort:\n  image_pattern: {patient_id}.png\n")
    assert "text that begins with {" in problem.mend and "quotation marks" in problem.mend


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- a\n", "a mapping of sections"),
        ("words\n", "a mapping of sections"),
        ("1: 2\n", "there is no setting 1"),
        ("null: 2\n", "there is no setting None"),
        ("cohort: {.nan: 2}\n", "there is no setting cohort.nan"),
        ("cohort: 5\n", "cohort: "),
        ("seed: .nan\n", "seed: "),
        ("seed: 1e999\n", "seed: "),
        ("cohort: {test_share: .inf}\n", "cohort.test_share: "),
        ("cohort: {target: 2001-01-01x, clinical: {a: b}}\n", "cohort.clinical: "),
    ],
)
def test_yaml_that_is_no_settings_is_named_by_key(text: str, what: str) -> None:
    assert any(p.where == "params.yaml" and what in p.what for p in problems(text))


def test_thousands_of_unknown_settings_are_twenty_and_their_number() -> None:
    found = problems("".join(f"unknown_{n}: 1\n" for n in range(300)))
    assert len(found) == 21
    assert found[0].what == "there is no setting unknown_0"
    assert found[-1].where == "params.yaml"
    assert found[-1].what == "280 further settings are unknown: unknown_20 to unknown_299"
    assert "the file of settings that is meant" in found[-1].mend


def test_a_long_value_is_shortened() -> None:
    (problem,) = problems(f"seed: {'x' * 10_000}\n")
    assert problem.what.startswith("seed: ") and "xxx..." in problem.what and problem.mend == "give a whole number"


def test_dates_and_exponents_are_read_as_before() -> None:
    given = read_yaml("a: 2001-01-01\nb: 1e-3\nc: yes\nd: [1, x]\n? e\n: f\n'&g': '*h'\n", "x")
    assert given == {"a": "2001-01-01", "b": 0.001, "c": "yes", "d": [1, "x"], "e": "f", "&g": "*h"}
