"""The nomogram's A4 page and the contact sheet."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from built_report import Built
from fake_run import outlined
from PIL import Image

from dlr.figures import Outlined, contact_sheet, example_picture
from dlr.report import draw_nomogram_page
from dlr.report.nomogram_words import range_table, worked_patient
from dlr.stats import Nomogram, logistic


@pytest.fixture(scope="module")
def stored(report: Built) -> tuple[Nomogram, pd.Series, str]:
    first = json.loads((report.run.folder / "nomogram" / "nomogram.json").read_text())["sets"][0]
    example = dict(first["example"])
    name = example.pop("patient_id")
    return Nomogram.from_dict(first["nomogram"]), pd.Series(example), name


def boxes(path: Path) -> list[tuple[float, float]]:
    return [(float(w), float(h)) for w, h in re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", path.read_bytes())]


def test_the_nomogram_is_one_landscape_a4_page(stored: tuple[Nomogram, pd.Series, str], tmp_path: Path) -> None:
    nomogram, example, name = stored
    path = draw_nomogram_page(nomogram, tmp_path / "n.pdf", title="her2", example=example, example_id=name)
    assert len(boxes(path)) == 1
    width, height = boxes(path)[0]
    assert (width, height) == (pytest.approx(841.9, abs=1), pytest.approx(595.3, abs=1))
    assert b"/Subtype /Image" not in path.read_bytes()


def test_the_page_is_the_same_bytes_every_time_and_has_no_date(
    stored: tuple[Nomogram, pd.Series, str], tmp_path: Path
) -> None:
    nomogram, example, name = stored
    pages = [
        draw_nomogram_page(nomogram, tmp_path / f"{k}.pdf", title="钙化", example=example, example_id=name).read_bytes()
        for k in range(2)
    ]
    assert pages[0] == pages[1]
    assert b"CreationDate" not in pages[0]


def test_the_worked_patient_adds_up(stored: tuple[Nomogram, pd.Series, str]) -> None:
    nomogram, example, _ = stored
    patient = example.to_frame().T
    table = worked_patient(nomogram, patient)
    points = table["Points"].iloc[:-2].astype(float)
    assert points.sum() == pytest.approx(float(table["Points"].iloc[-2]), abs=0.2)
    assert float(table["Points"].iloc[-1]) == pytest.approx(float(nomogram.risk(nomogram.total(patient)[0])), abs=1e-3)
    assert table["Value"].iloc[1] in ("absent 无", "present 有")


def test_training_ranges_name_levels_and_limits(stored: tuple[Nomogram, pd.Series, str]) -> None:
    ranges = range_table(stored[0]).set_index("Column")["Training range"]
    assert ranges["pr"] == "one of negative, positive"
    assert re.fullmatch(r"0\.\d+ to 0\.\d+", ranges["DLR"])


def test_contact_sheet_has_twenty_cases_a_page(report: Built, tmp_path: Path) -> None:
    path = contact_sheet(outlined(report.run), tmp_path / "sheet.pdf")
    assert len(boxes(path)) == 2
    assert boxes(path)[0] == (pytest.approx(595.3, abs=1), pytest.approx(841.9, abs=1))


def test_examples_are_a_row_a_class(report: Built, tmp_path: Path) -> None:
    path = example_picture(outlined(report.run), tmp_path / "examples.png", each=3)
    assert path is not None
    with Image.open(path) as picture:
        assert picture.size == (round(3 * 2.1 * 120), round(2 * 2.25 * 120))
    assert example_picture([], tmp_path / "none.png") is None


def test_an_empty_mask_and_a_lesion_at_the_border_are_drawn(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((40, 60))
    border = np.zeros((40, 60), dtype=bool)
    border[:4, :5] = True
    cases = [
        Outlined("empty", "her2 unknown", image, np.zeros((40, 60), dtype=bool)),
        Outlined("edge", "x", image, border),
    ]
    assert contact_sheet(cases, tmp_path / "sheet.pdf").stat().st_size > 1000


def test_a_score_is_written_as_its_level() -> None:
    score = np.arange(60) % 3
    frame = pd.DataFrame({"birads": score.astype(float)})
    fit = logistic(frame, (np.arange(60) % 7 < 1 + 2 * score).astype(float))
    drawn = Nomogram.from_logistic(fit, level_labels={"birads": {"0": "3", "1": "4a", "2": "4b"}})
    assert worked_patient(drawn, frame.iloc[[1]])["Value"].iloc[0] == "4a"
    assert range_table(drawn)["Training range"].tolist() == ["3 to 4b"]
