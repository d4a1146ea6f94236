"""Tables as contracts: what is missing, extra or mistyped is refused by name; what is written is read back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from dlr import tables
from dlr.errors import InputError
from dlr.tables import CUTOFFS, FEATURES, METRICS, PREDICTIONS, Table

EVERY = {name: table for name, table in vars(tables).items() if isinstance(table, Table)}


def cutoffs() -> pd.DataFrame:
    rows = [("her2", "Rad", "", "crossfit", 0.25, "Youden", 80), ("her2", "007", "", "paper", 0.1, "Youden", 80)]
    return pd.DataFrame(rows, columns=["target", "model", "variant", "protocol", "cutoff", "rule", "n"])


def test_what_is_written_is_read_back(tmp_path):
    CUTOFFS.write(tmp_path, cutoffs())
    pd.testing.assert_frame_equal(CUTOFFS.read(tmp_path), cutoffs(), check_dtype=False)
    assert CUTOFFS.read(tmp_path)["model"].tolist() == ["Rad", "007"], "text that looks like a number stays text"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="rule"), "column rule is missing"),
        (lambda t: t.assign(colour="red"), "column colour is no column of it"),
        (lambda t: t.assign(cutoff="high"), "column cutoff is not of type double"),
        (lambda t: t.assign(n=80.5), "column n is not of type int64"),
        (lambda t: t.assign(model=3), "column model is not of type string"),
    ],
)
def test_a_wrong_column_is_refused_by_name(tmp_path, change, words):
    with pytest.raises(ValueError, match=words):
        CUTOFFS.write(tmp_path, change(cutoffs()))
    assert not list(tmp_path.iterdir())


def test_all_faults_are_named_at_once(tmp_path):
    with pytest.raises(ValueError, match="rule is missing; column colour"):
        CUTOFFS.write(tmp_path, cutoffs().drop(columns="rule").assign(colour=1))


def test_further_columns_are_of_one_type(tmp_path):
    frame = pd.DataFrame({"case_id": ["a"], "patient_id": ["a"], "x": [1.5]})
    FEATURES.write(tmp_path, frame)
    assert FEATURES.read(tmp_path)["x"].tolist() == [1.5] and (tmp_path / "features.csv").is_file()
    with pytest.raises(ValueError, match="column x is not of type double"):
        FEATURES.write(tmp_path, frame.assign(x=["text"]))


def test_undefined_whole_numbers_are_read_as_nan(tmp_path):
    row = dict.fromkeys(METRICS.names, "") | dict.fromkeys(("value", "lower", "upper", "cutoff"), np.nan)
    frame = pd.DataFrame([row | {"n": 3, "n_positive": 2}, row | {"n": 3, "n_positive": np.nan}])
    METRICS.write(tmp_path, frame)
    read = METRICS.read(tmp_path)
    assert read["n"].dtype == "int64" and np.isnan(read["n_positive"].iloc[1])


def test_text_is_never_nan(tmp_path):
    CUTOFFS.write(tmp_path, cutoffs().assign(variant=[np.nan, None]))
    assert CUTOFFS.read(tmp_path)["variant"].tolist() == ["", ""]


def test_another_version_is_refused_with_the_release_that_reads_it(tmp_path):
    CUTOFFS.write(tmp_path, cutoffs())
    (tmp_path / "tables.json").write_text(json.dumps({CUTOFFS.file: CUTOFFS.version + 1}))
    with pytest.raises(InputError, match="was written by a newer dlr"):
        CUTOFFS.read(tmp_path)
    newer = Table(CUTOFFS.file, CUTOFFS.columns, version=CUTOFFS.version + 1)
    (tmp_path / "tables.json").unlink()
    with pytest.raises(InputError, match=r"release 0\.1\.0"):
        newer.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"target\nher2\n", b"\xff\xfe\x00"])
def test_a_damaged_table_says_so(tmp_path, content):
    (tmp_path / CUTOFFS.file).write_bytes(content)
    with pytest.raises(InputError, match="run the study again"):
        CUTOFFS.read(tmp_path)


def test_an_absent_table_says_so(tmp_path):
    assert not PREDICTIONS.there(tmp_path) and not PREDICTIONS.there(None)
    with pytest.raises(InputError, match="does not exist"):
        PREDICTIONS.read(tmp_path)


def test_every_table_has_a_file_of_its_own():
    files = [table.file for table in EVERY.values()]
    assert len(files) == len(set(files)) > 40


@pytest.mark.parametrize("table", EVERY.values(), ids=EVERY)
def test_an_empty_table_keeps_its_columns(tmp_path, table):
    table.write(tmp_path, table.empty())
    assert tuple(table.read(tmp_path).columns) == table.names
