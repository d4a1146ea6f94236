"""Every number of a report's text and tables, found again in the study's tables by other code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from built_report import Built
from measured_again import measured_again
from recount import NUMBER, Study, agrees, cells_again, read_again
from sentences import RULES, names_of

BREAST = Path(__file__).resolve().parents[3] / "shared" / "data" / "breast_lesions_usg"


def said(study: Study) -> tuple[int, list[str]]:
    """How many numbers were found again, and those that are wrong or that no rule explains."""
    found = read_again(study, RULES, names_of(study))
    return found.recomputed, [*found.wrong, *found.unexplained]


@pytest.fixture(scope="module")
def made_up(report: Built) -> Study:
    return Study(report.run.folder, report.page)


def test_every_number_of_the_text_is_found_again(made_up: Study) -> None:
    count, faults = said(made_up)
    assert faults == []
    assert count > 250


def test_every_number_of_the_tables_stands_in_its_csv(made_up: Study) -> None:
    count, faults = cells_again(made_up)
    assert faults == []
    assert count > 1000


def test_a_permutation_p_stands_beside_the_out_of_fold_auc_alone(made_up: Study) -> None:
    head, *rows = next(grid.rows for grid in made_up.page.grids if grid.title == "All models for her2")
    place = head.index("p of shuffled outcomes")
    assert head[place - 1] == "AUC"
    shown = [(row[place], row[1].startswith("out-of-fold")) for row in rows]
    assert [p for p, beside in shown if beside] == ["0.010", "0.020", "0.030", "0.040", "0.050"]
    assert {p for p, beside in shown if not beside} == {"–"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("In 60 test patients", "In 61 test patients"),
        ("Two readers outlined 120 cases", "Two readers outlined 12 cases"),
        ("these patients carry 2.6 parameters", "these patients carry 2.7 parameters"),
        ("24 of 268 features come", "24 of 286 features come"),
        ("Each look under changed settings", "Each of 2 looks under changed settings"),  # explained by no rule
    ],
)
def test_a_wrong_number_is_seen(report: Built, tmp_path: Path, right: str, wrong: str) -> None:
    assert right in report.html
    page = tmp_path / "report.html"
    page.write_text(report.html.replace(right, wrong), encoding="utf-8")
    (tmp_path / "tables").symlink_to(report.page.parent / "tables")
    assert len(said(Study(report.run.folder, page))[1]) == 1


@pytest.mark.parametrize(
    ("token", "value", "same"),
    [("0.75", 0.7483, True), ("0.75", 0.7449, False), ("−0.10", -0.098, True), ("1,010", 1010, True),
     ("4e-16", 4.4e-16, True), ("4e-16", 4.6e-16, False), (".54", 0.54, True)],
)  # fmt: skip
def test_a_printed_number_agrees_with_what_rounds_to_it(token: str, value: float, same: bool) -> None:
    assert agrees(token, value) is same
    assert pd.Series([token]).str.fullmatch(NUMBER).all()


def read_whole(run: Path) -> None:
    """Every number of the text and of the tables of a finished study's page, and every measure behind them."""
    study = Study(run / "stages", run / "report.html")
    counted, faults = said(study)
    cells, others = cells_again(study)
    measured, wrong = measured_again(study)
    print(f"{counted} numbers of the text and {cells} of the tables found again, {measured} measured anew")
    assert faults + others + wrong == []
    assert counted > 150 and cells > 1000 and measured > 400


@pytest.mark.slow
def test_every_number_of_the_demo_is_found_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "dlr", "demo", "--out", str(tmp_path)], check=True)
    read_whole(tmp_path / "runs" / "her2_ultrasound")


def hospital_manifest(path: Path) -> Path:
    """The hospital's own sheet as a manifest, its cells as they are."""
    sheet = pd.read_excel(BREAST / "clinical.xlsx", sheet_name=0)
    pd.DataFrame({
        "patient_id": sheet["CaseID"], "image": [str(BREAST / "images" / name) for name in sheet["Image_filename"]],
        "mask": [str(BREAST / "masks" / name) for name in sheet["Image_filename"]],
        "malignant": sheet["Classification"], "age": sheet["Age"], "birads": sheet["BIRADS"], "halo": sheet["Halo"],
        "spacing_mm": 10 * pd.to_numeric(sheet["Pixel_size"], errors="coerce"),
    }).to_csv(path, index=False)  # fmt: skip
    return path


@pytest.mark.slow
@pytest.mark.skipif(not BREAST.is_dir(), reason=f"the data set is not there: {BREAST}")
def test_every_number_of_a_hospital_is_found_again(tmp_path: Path) -> None:
    manifest = hospital_manifest(tmp_path / "manifest.csv")
    birads = {"kind": "ordered", "levels": ["3", "4a", "4b", "4c", "5"], "available": "imaging"}
    columns = json.dumps({"birads": birads, "halo": {"available": "imaging"}})
    settings = ["cohort.target=malignant", f"cohort.columns={columns}", "combine.variables=[birads]"]
    command = [sys.executable, "-m", "dlr", "run", "her2_ultrasound", "--manifest", str(manifest)]
    for setting in settings:
        command += ["--set", setting]
    subprocess.run(command, check=True, cwd=tmp_path)
    read_whole(next((tmp_path / "runs").iterdir()))
