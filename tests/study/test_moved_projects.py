"""Paths in the cohort's table move with the project, and only with it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from dlr.engine.study import folder_of_inputs
from dlr.study.cohort import absolute_paths, relative_paths

NAMES = ("image", "mask", "mask_reader1", "mask_reader2")


def table(*images: str) -> pd.DataFrame:
    return pd.DataFrame({name: images if name == "image" else [""] * len(images) for name in NAMES})


def test_images_near_the_manifest_are_named_from_it_and_others_stay(tmp_path: Path):
    project = tmp_path / "a" / "b" / "project"
    project.mkdir(parents=True)
    near = [project / "images" / "x.png", project.parent / "y.png", tmp_path / "a" / "z.png"]
    far = tmp_path / "far.png"
    kept = relative_paths(table(*map(str, [*near, far])), project)
    assert kept["image"].tolist() == ["images/x.png", "../y.png", "../../z.png", str(far)]
    assert (kept["mask"] == "").all()
    back = absolute_paths(kept, project)
    assert back["image"].tolist() == [str(path) for path in [*near, far]] and (back["mask"] == "").all()
    moved = absolute_paths(kept, Path("/elsewhere/b/project"))
    assert moved["image"].tolist() == [
        "/elsewhere/b/project/images/x.png",
        "/elsewhere/b/y.png",
        "/elsewhere/z.png",
        str(far),
    ]


def test_a_study_knows_where_its_tables_are(tmp_path: Path):
    outputs = tmp_path / "runs" / "one" / "stages" / "cohort" / "key"
    outputs.mkdir(parents=True)
    assert folder_of_inputs(outputs) is None
    inputs = tmp_path / "runs" / "one" / ".inputs.json"
    inputs.write_text(json.dumps({"manifest": "../../data/m.csv", "features": None}))
    assert folder_of_inputs(outputs) == tmp_path / "data"
    for broken in ("[", "[1]", "{}", '{"manifest": null, "features": null}'):
        inputs.write_text(broken)
        assert folder_of_inputs(outputs) is None
