"""DICOM series and headers that no scanner should have sent: each row says which file, what and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import small_cohort
from dicom_files import SERIES, slice_tags, write, write_enhanced, write_series
from small_cohort import picture, rows
from typer.testing import CliRunner

from dlr.cli import app
from dlr.cohort import CohortSettings, load_cohort
from dlr.cohort.formats import decode
from dlr.errors import InputError

VOLUME = np.random.default_rng(0).integers(0, 900, (6, 24, 32)).astype(np.uint16)
FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a slice is missing": (lambda f: (f / slice_of(f, 2)).unlink(), "4 mm between", "export every slice"),
    "a slice twice": (
        lambda f: (f / "copy").write_bytes((f / "IM0000").read_bytes()),
        "IM0000 and copy are one slice twice (1 such slices)",
        "leave one of them",
    ),
    "two at one place": (
        lambda f: write(f / "more.dcm", VOLUME[1], **slice_tags(1)),
        "two slices at one place: IM0004 and more.dcm",
        "of several phases or copies, a folder or file each",
    ),
    "two series": (
        lambda f: write(f / "more.dcm", VOLUME[1], **slice_tags(9, SeriesInstanceUID="1.2.3")),
        "2 series in one folder: 6 files (such as IM0000), 1 files (such as more.dcm)",
        "give each a folder of its own",
    ),
    "a scout among them": (
        lambda f: write(f / "scout.dcm", VOLUME[1], **slice_tags(9, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])),
        "slices of several directions (IM0000 and scout.dcm)",
        "keep the slices of one volume together",
    ),
    "another size": (
        lambda f: write(f / "small.dcm", VOLUME[1, :20], **slice_tags(6)),
        "IM0000 has 32 x 24 pixels and small.dcm 32 x 20",
        "a folder of their own",
    ),
    "no position": (
        lambda f: write(f / "more.dcm", VOLUME[1], SeriesInstanceUID=SERIES),
        "without ImagePositionPatient",
        "name the one file in column image",
    ),
    "a cine among slices": (
        lambda f: write(f / "cine.dcm", VOLUME, SeriesInstanceUID=SERIES),
        "a file of several frames beside others",
        "not its folder",
    ),
    "a tilted gantry": (
        lambda f: [
            write(f / name, VOLUME[n], **slice_tags(n, ImagePositionPatient=[0, float(n), 2.0 * n]))
            for n, name in enumerate(sorted(path.name for path in f.iterdir()))
        ],
        "its slices are shifted against each other by 5 mm in all",
        "resample the volume to right angles",
    ),
    "no spacing": (
        lambda f: write_series(f, VOLUME, PixelSpacing=None),
        "its slices have no PixelSpacing",
        "export the series from its source",
    ),
}


def slice_of(folder: Path, number: int) -> str:
    return f"IM{(7 * number + 3) % 6:04d}"


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_a_series_is_named(tmp_path: Path, name: str) -> None:
    change, what, mend = FAULTS[name]
    folder = write_series(tmp_path / "series", VOLUME)
    change(folder)
    with pytest.raises(InputError) as error:
        decode(folder)
    (problem,) = error.value.problems
    assert str(folder) in problem.where and what in problem.what and mend in problem.mend
    assert "Doe" not in str(error.value) and SERIES not in str(error.value)


HEADERS: dict[str, tuple[dict[str, object], str, str]] = {
    "decimal comma in the slope": ({"RescaleSlope": "1,5"}, "no number in RescaleSlope", "decimal point"),
    "decimal commas in the spacing": ({"PixelSpacing": "0,1\\0,1"}, "no number in PixelSpacing", "decimal point"),
    "letters for a spacing": ({"PixelSpacing": "a\\b"}, "no number in PixelSpacing", "decimal point"),
    "letters for a number of frames": ({"NumberOfFrames": "abc"}, "no number in NumberOfFrames", "decimal point"),
    "65535 rows and columns": ({"Rows": 65535, "Columns": 65535}, "65535 x 65535", "cohort.largest_image"),
    "rows without columns": ({"Columns": None}, "without pixels", "export the image itself"),
    "no row": ({"Rows": 0}, "its header has Rows 0", "export the file again"),
    "fewer samples than it claims": (
        {"Rows": 99},
        "it holds 5,184 bytes of samples, and its header claims 7,128",
        "again",
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_damaged_header_is_a_problem_of_its_row(tmp_path: Path, name: str) -> None:
    tags, what, mend = HEADERS[name]
    table = rows(12)
    path = small_cohort.write(tmp_path, table)
    write_raw(tmp_path / "images/x.dcm", picture(2)[0], tags)
    table[2]["image"] = "images/x.dcm"
    table[7]["mask"] = "masks/absent.png"
    small_cohort.write(tmp_path, table, files=False)
    with pytest.raises(InputError) as error:
        load_cohort(path, CohortSettings())
    absent, broken = error.value.problems
    assert "row 9" in absent.where  # all other rows are looked at
    assert "row 4, case 00003" in broken.where and what in broken.what and mend in broken.mend


def write_raw(path: Path, array: np.ndarray, tags: dict[str, object]) -> Path:
    """As `write`, with text as it stands where the standard wants numbers."""
    text = {name: value for name, value in tags.items() if isinstance(value, str)}
    stand_in = {"RescaleSlope": "1.5", "PixelSpacing": "0.1\\0.1", "NumberOfFrames": "111"}
    write(path, array, **{**tags, **{name: stand_in[name] for name in text}})
    for name, value in text.items():
        content = path.read_bytes()
        old, new = (str(t).ljust(len(stand_in[name]) + len(stand_in[name]) % 2) for t in (stand_in[name], value))
        assert content.count(old.encode()) >= 1
        path.write_bytes(content.replace(old.encode(), new[: len(old)].encode(), 1))
    return path


def test_a_length_beyond_the_file_takes_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", VOLUME[0], PatientComments="A" * 20)
    content = path.read_bytes()
    at = content.index(b"LT", content.index(b"\x10\x00\x00\x40"))
    path.write_bytes(content[: at + 2] + b"\xfe\xff" + content[at + 4 :])
    with pytest.raises(InputError) as error:
        decode(path)
    (problem,) = error.value.problems
    assert str(path) in problem.where and problem.what
    assert "export" in problem.mend


def test_frames_at_one_place_are_named_by_number(tmp_path: Path) -> None:
    path = write_enhanced(tmp_path / "a.dcm", VOLUME, places=[0, 1, 2, 3, 4, 4])
    with pytest.raises(InputError, match="two slices at one place: frame 5 and frame 6"):
        decode(path)


def test_a_folder_without_dicom_files_is_told_and_the_command_ends_with_2(tmp_path: Path) -> None:
    table = rows(12)
    small_cohort.write(tmp_path, table)
    table[3]["image"] = "masks"
    path = small_cohort.write(tmp_path, table, files=False)
    result = CliRunner().invoke(app, ["doctor", str(path)])
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert "row 5 image masks is a folder" in " ".join(result.output.split())


def test_frames_without_a_right_angle(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", VOLUME[0], **slice_tags(0, ImageOrientationPatient=[1, 0, 0, 1, 0, 0]))
    with pytest.raises(InputError, match="no right angle"):
        decode(tmp_path / "a.dcm")
