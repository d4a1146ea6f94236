"""The ablation by one setting, external patients both ways, subtypes: small volumes from manifest to prediction."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("torch")

from dlr.engine import Pipeline, Result, open_study
from dlr.settings import DceStudySettings
from dlr.stages.cohort import cohort
from dlr.stages.evaluate import evaluate
from dlr.stages.receptors import receptors
from dlr.stages.subtypes import subtypes
from dlr.stages.volumes import volumes
from dlr.study.cohort import read_cohort
from dlr.study.prediction import predict_patients
from dlr.tables import ABLATION, COMPARISONS, CUTOFFS, METRICS, PER_CENT, PREDICTIONS, ROC, SUBTYPES
from tests.stages.small_study import edit_csv
from tests.stages.small_volumes import run_volumes, volume_study

PIPELINE = Pipeline("receptors_dcemri", [cohort, volumes, receptors, evaluate, subtypes], DceStudySettings)
SETTINGS = (
    "cohort.target=[er, pr, her2, ki67]", "cohort.external=[away]", "cohort.test_share=0", "cohort.validation_share=0",
    "learn.protocols=[crossfit, external_crossfit]", "receptors.training.epochs=1", "receptors.training.batch_size=16",
    "receptors.ablation=[core_only, without_multi_task]", "volume.size=8",
)  # fmt: skip
MARKERS = ("er", "her2", "pr")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 women, of whom every other four come from elsewhere."""
    made = volume_study(tmp_path_factory.mktemp("ablation") / "study", patients=64)

    def more(table: pd.DataFrame) -> None:
        table["pr"] = [str((n // 4) % 2) for n in range(len(table))]
        table["cohort"] = ["away" if (n // 8) % 2 else "here" for n in range(len(table))]

    edit_csv(made, more)
    return made


@pytest.fixture(scope="module")
def study(manifest: Path) -> Result:
    return run_volumes(manifest, manifest.parent / "runs", *SETTINGS, pipeline=PIPELINE)


def test_every_row_stands_in_the_ablation_on_both_ways_through_the_external_side(study: Result) -> None:
    rows = ABLATION.read(study.folders["evaluate"])
    where = rows.groupby(["protocol", "side"])["row"].agg(lambda names: sorted(set(names)))
    assert where.to_dict() == {
        place: ["core_only", "full", "without_multi_task"]
        for place in (("crossfit", "external"), ("crossfit", "train"), ("external_crossfit", "external"))
    }
    assert set(rows["target"]) == {*MARKERS, "ki67", "macro"}
    frozen = rows[(rows["protocol"] == "crossfit") & (rows["side"] == "external") & (rows["row"] != "full")]
    assert frozen.loc[frozen["target"].isin([*MARKERS, "ki67"]), "p"].between(0, 1).all()
    assert rows.loc[rows["method"].str.startswith("out-of-fold"), "p"].isna().all()
    value = rows.set_index(["protocol", "side", "target", "row"])["value"].unstack()
    difference = rows.set_index(["protocol", "side", "target", "row"])["difference"].unstack()
    for row in ("core_only", "without_multi_task"):
        pd.testing.assert_series_equal(difference[row], value[row] - value["full"], check_names=False, atol=1e-12)


def test_no_other_table_knows_the_networks_that_lack_a_part(study: Result) -> None:
    for table in (METRICS, CUTOFFS, ROC, PER_CENT, SUBTYPES):
        where = "subtypes" if table is SUBTYPES else "evaluate"
        assert set(table.read(study.folders[where])["variant"]) == {""}, table.file
    assert COMPARISONS.read(study.folders["evaluate"]).empty, "one model has nobody to be held against"


def test_new_patients_are_called_by_the_whole_network_alone(study: Result, manifest: Path, tmp_path: Path) -> None:
    tables = read_cohort(study.folders["cohort"])
    new = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    new = new[new["patient_id"].isin(tables.ids("external"))].drop(columns=["er", "pr", "her2", "ki67"])  # type: ignore[arg-type]
    new.to_csv(manifest.parent / "new.csv", index=False)
    out = predict_patients(
        open_study(study.study), PIPELINE, study.settings, manifest.parent / "new.csv", tmp_path / "out.csv"
    )
    assert set(pd.read_csv(out, keep_default_na=False)["variant"]) == {""}
    found = pd.read_csv(tmp_path / "out_subtypes.csv", keep_default_na=False)
    found = found[found["protocol"] == "crossfit"].set_index("patient_id")["called"]
    rows = SUBTYPES.read(study.folders["subtypes"])
    rows = rows[(rows["protocol"] == "crossfit") & (rows["side"] == "external")]
    assert found.to_dict() == rows.set_index("patient_id")["called"].to_dict()
    stored = PREDICTIONS.read(study.folders["receptors"])
    assert set(stored["variant"]) == {"", "core_only", "without_multi_task"}
