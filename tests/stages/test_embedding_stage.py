"""Stage embedding: a layout a chain with who was trained on and who was held out; what cannot be laid out is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dlr.engine import Pipeline, Result, Screen, resolve, run_pipeline, stage
from dlr.engine.run import Run
from dlr.randomness import rng
from dlr.settings import ReceptorStudySettings
from dlr.stages.embedding import embedding
from dlr.tables import EMBEDDINGS, TSNE


def features(model: str, values: np.ndarray) -> pd.DataFrame:
    n = len(values)
    about = pd.DataFrame({
        "case_id": [f"c{k}" for k in range(n)], "patient_id": [f"p{k}" for k in range(n)], "target": "all",
        "protocol": "crossfit", "part": "crossfit-s0-f0", "backbone": model, "seed": 0, "fold": 0,
        "role": ["train"] * (n - 2) + ["held-out"] * 2,
    })  # fmt: skip
    return pd.concat([about, pd.DataFrame(values).rename(columns="e{:04d}".format)], axis=1)


def laid_out(folder: Path, *rows: pd.DataFrame) -> Result:
    """A pipeline of a stage that gives these features, and stage embedding."""

    @stage("receptors", version=1, gives=[EMBEDDINGS])
    def receptors(run: Run) -> None:
        if rows:
            EMBEDDINGS.write(run.folder, pd.concat(rows, ignore_index=True))

    pipeline = Pipeline("volumes", [receptors, embedding], ReceptorStudySettings)
    (folder / "manifest.csv").write_text("patient_id\np1\n")
    settings = resolve(ReceptorStudySettings, {}, ["embedding.iterations=250"])
    return run_pipeline(pipeline, folder / "run", folder / "manifest.csv", settings, screen=Screen(quiet=True))


def test_every_chain_is_laid_out_by_itself(tmp_path: Path) -> None:
    single, multi = (rng(1, name).normal(size=(12, 6)) for name in ("single", "multi"))
    done = laid_out(tmp_path, features("SingleTask", single), features("MultiTask", multi[:, :4]))
    table = TSNE.read(done.folders["embedding"])  # type: ignore[arg-type]
    assert table.groupby("model").size().to_dict() == {"MultiTask": 12, "SingleTask": 12}
    own = table[table["model"] == "SingleTask"].set_index("patient_id")
    assert own["role"].value_counts().to_dict() == {"train": 10, "held-out": 2} and own.loc["p11", "role"] == "held-out"
    assert np.isfinite(table[["x", "y", "z"]]).all(axis=None)
    assert not np.allclose(*(rows[["x", "y", "z"]] for _, rows in table.groupby("model")))
    assert "MultiTask: 12 patients bear a perplexity of 3.67, not 30" in done["embedding"].warnings


def test_a_dead_network_does_not_stop_the_study(tmp_path: Path) -> None:
    alive = features("SingleTask", rng(1, "alive").normal(size=(9, 6)))
    done = laid_out(tmp_path, alive, features("MultiTask", np.ones((9, 6))))
    table = TSNE.read(done.folders["embedding"])  # type: ignore[arg-type]
    assert set(table["model"]) == {"SingleTask"}
    assert any("all alike" in line for line in done["embedding"].warnings)


def test_too_few_patients_and_no_features_leave_the_stage_out(tmp_path: Path) -> None:
    for name, rows in (("few", [features("SingleTask", np.eye(4))]), ("none", [])):
        (tmp_path / name).mkdir()
        assert "embedding" in laid_out(tmp_path / name, *rows).left_out
