"""Settings: layered, typed, and every mistake answered with its place and its mend."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from dlr.engine import read_yaml, resolve, write_settings
from dlr.engine.settings import known_keys, nearest
from dlr.errors import InputError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Rule(StrEnum):
    MIN = "min"
    ONE_SE = "1se"


class Column(Strict):
    kind: Literal["numeric", "binary"] = "numeric"
    log: bool = False


class Cohort(Strict):
    target: str | list[str] = "her2"
    clinical: list[str] | Literal["auto"] | None = "auto"
    columns: dict[str, Column] = {}
    values: dict[str, dict[str, str]] = {}
    table: Path | None = None


class Learn(Strict):
    seeds: int = Field(3, ge=1)
    p: float = 0.05
    rule: Rule = Rule.MIN


class Loose(BaseModel):  # a section that forgot to forbid unknown keys
    a: int = 1


class Settings(Strict):
    cohort: Cohort = Field(default_factory=Cohort)
    learn: Learn = Field(default_factory=Learn)
    loose: Loose = Field(default_factory=Loose)


def problems(*overrides, params=None, source="p.yaml"):
    with pytest.raises(InputError) as caught:
        resolve(Settings, params, overrides, source=source)
    return caught.value.problems


def test_set_wins_over_the_file_and_the_file_over_the_defaults():
    got = resolve(Settings, {"learn": {"seeds": 2, "p": 0.1}}, ["learn.seeds=1"])
    assert (got.learn.seeds, got.learn.p, got.learn.rule) == (1, 0.1, Rule.MIN)


def test_values_of_set_are_typed():
    got = resolve(
        Settings,
        None,
        [
            "cohort.target=[er, pr]",
            "learn.p=1e-3",
            "learn.rule=1se",
            "cohort.clinical=null",
            "cohort.columns.age.log=true",
        ],
    )
    assert got.cohort.target == ["er", "pr"]
    assert (got.learn.p, got.learn.rule, got.cohort.clinical) == (0.001, Rule.ONE_SE, None)
    assert got.cohort.columns["age"] == Column(log=True)


def test_yes_no_on_and_dates_stay_text():
    assert read_yaml("{a: yes, b: no, n: on, d: 2020-01-02, e: 1e-3, f: 012, g: 3+}", "x") == {
        "a": "yes", "b": "no", "n": "on", "d": "2020-01-02", "e": 0.001, "f": "012", "g": "3+",
    }  # fmt: skip


def test_an_unknown_key_is_answered_with_the_nearest_beside_it():
    (problem,) = problems("learn.sedes=1")
    assert problem.where == "--set learn.sedes=1"
    assert problem.what == "there is no setting learn.sedes"
    assert problem.mend == "did you mean learn.seeds?"


def test_a_key_without_its_section_is_found_anywhere():
    (problem,) = problems("target=er")
    assert problem.mend == "did you mean cohort.target?"


def test_an_unknown_section_is_answered_where_it_was_written():
    (problem,) = problems("lern.seeds=1", params={"cohort": {}})
    assert (problem.where, problem.mend) == ("--set lern.seeds=1", "did you mean learn?")


def test_a_hopeless_key_is_answered_with_what_there_is():
    (problem,) = problems("qqq=1")
    assert problem.mend == "known here: cohort, learn, loose"


def test_unknown_keys_are_refused_where_a_section_forgot_to_forbid_them():
    (problem,) = problems(params={"loose": {"b": 1}})
    assert problem.where == "p.yaml"
    assert "loose.b" in problem.what


def test_unknown_keys_inside_named_columns_are_refused():
    (problem,) = problems("cohort.columns.age.kimd=binary")
    assert problem.mend == "did you mean cohort.columns.age.kind?"


def test_every_mistake_is_reported_at_once():
    found = problems("learn.sedes=1", "nonsense", "cohort.tagret=x", params={"lern": {}})
    assert len(found) == 4
    found = problems("learn.seeds=many", "cohort.tagret=x")  # an unknown key hides no wrong value
    assert [problem.mend for problem in found] == ["did you mean cohort.target?", "give a whole number"]


def test_a_key_that_is_no_text_is_unknown():
    (problem,) = problems(params={"cohort": {1: 2}})
    assert problem.what == "there is no setting cohort.1"


def test_a_wrong_type_says_what_the_key_takes():
    (problem,) = problems("learn.seeds=many")
    assert problem.where == "--set learn.seeds=many"
    assert "learn.seeds" in problem.what
    assert "'many'" in problem.what
    assert problem.mend == "give a whole number"


def test_a_wrong_choice_lists_the_choices():
    (problem,) = problems("cohort.columns.age.kind=wide", "learn.p=0.1")
    assert problem.mend == "give numeric | binary"
    (problem,) = problems("learn.rule=max")
    assert problem.mend == "give min | 1se"


def test_a_union_gives_one_problem_not_one_a_member():
    (problem,) = problems("cohort.clinical=7")
    assert problem.what.startswith("cohort.clinical: ")
    assert problem.mend == "give a list such as [a, b], or auto, or null"


def test_a_section_given_as_a_value_is_refused():
    (problem,) = problems("learn=3")
    assert "learn" in problem.what
    (problem,) = problems("learn.seeds.deep=3", params={"learn": {"seeds": 2}})
    assert problem.mend == "set learn.seeds itself"


def test_a_key_that_stands_twice_is_an_error_with_its_line():
    with pytest.raises(InputError, match=r"p\.yaml, line 3.*twice"):
        read_yaml("learn:\n  seeds: 1\n  seeds: 2\n", "p.yaml")


def test_broken_yaml_names_the_line():
    with pytest.raises(InputError, match=r"p\.yaml, line 2"):
        read_yaml("a: [1,\nb: 2]]\n", "p.yaml")


def test_a_parameter_file_that_is_a_list_is_refused():
    (problem,) = problems(params=["a"])
    assert "mapping" in problem.what


def test_relative_paths_are_found_in_the_given_folders(tmp_path):
    (tmp_path / "clinical.csv").write_text("x")
    got = resolve(Settings, {"cohort": {"table": "clinical.csv"}}, folders=[tmp_path / "none", tmp_path])
    assert got.cohort.table == tmp_path / "clinical.csv"


def test_written_settings_read_back_the_same(tmp_path):
    got = resolve(Settings, {"cohort": {"values": {"her2": {"阳性": "1", "no": "0"}}}}, ["learn.rule=1se"])
    write_settings(got, tmp_path / "settings.yaml")
    text = (tmp_path / "settings.yaml").read_text(encoding="utf-8")
    assert "阳性" in text
    assert resolve(Settings, read_yaml(text, "x")) == got


def test_known_keys_are_dotted_and_nearest_is_none_for_nonsense():
    assert "cohort.target" in known_keys(Settings)
    assert nearest("zzzz", known_keys(Settings)) is None
