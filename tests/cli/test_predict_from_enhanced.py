"""`dlr predict` by a study whose enhanced images failed their checks: said at once."""

import json
from types import SimpleNamespace

import pytest
from launching import dlr_

from dlr.study.prediction import doubt_of_images

FOUND = {"word": "hallucination", "sentence": "Hallucination found: spots.", "n": 20}
PASSED = {"word": "passed", "sentence": "No check found structure.", "n": 20}


def study(tmp_path, **verdicts):
    folders = {"cohort": tmp_path, "superres": None, "superres_effect": None}
    for name, said in verdicts.items():
        folders[name] = tmp_path / name
        folders[name].mkdir()
        if said is not None:
            (folders[name] / "verdict.json").write_text(json.dumps(said))
    return SimpleNamespace(folders=folders)


@pytest.mark.parametrize(
    ("verdicts", "warned"),
    [
        ({}, False), ({"superres": PASSED}, False), ({"superres": FOUND}, True),
        ({"superres": FOUND, "superres_effect": None}, True),
        ({"superres": PASSED, "superres_effect": FOUND}, True),  # the second one is of all checks
    ],
)  # fmt: skip
def test_the_last_verdict_counts(tmp_path, verdicts, warned):
    said = doubt_of_images(study(tmp_path, **verdicts))
    assert (said is not None) == warned and (not warned or FOUND["sentence"] in said)


def test_the_command_prints_it(tmp_path, monkeypatch):
    found = study(tmp_path, superres=FOUND)
    (tmp_path / "new.csv").touch()
    monkeypatch.setattr("dlr.cli.predict.find_study", lambda path: found)
    monkeypatch.setattr("dlr.cli.predict.as_it_ran", lambda of: SimpleNamespace(pipeline=None, settings=None))
    monkeypatch.setattr("dlr.study.prediction.predict_patients", lambda *given, **more: tmp_path / "out.csv")
    said = dlr_("predict", tmp_path, tmp_path / "new.csv")
    assert said.exit_code == 0 and "out.csv" in said.stdout
    assert said.stderr.startswith("! these values") and "Hallucination found" in said.stderr
