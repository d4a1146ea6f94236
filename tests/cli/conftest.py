from __future__ import annotations

import dlr.pipelines
import pytest
from launching import PIPELINES, TOYS


@pytest.fixture(autouse=True)
def toy_beside_the_shipped_pipelines(monkeypatch):
    monkeypatch.setattr("dlr.cli.screen.WIDTH", 1000)  # no line of a table is broken
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setattr(dlr.pipelines, "__path__", [*dlr.pipelines.__path__, str(PIPELINES)])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a manifest, its name with a space, and the shell in it."""
    from toy_pipeline import make_study

    place = tmp_path / "my study"
    make_study(place, {f"n{i}.txt": str(i) for i in range(4)}).rename(place / "data_manifest.csv")
    monkeypatch.chdir(place)
    return place
