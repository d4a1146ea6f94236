# ruff: noqa: E501  (a case stands on one line)
"""Headers that claim too much or nonsense, name data elsewhere, or end the library that reads them: one row each."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from dlr.cohort import CohortSettings, load_cohort
from dlr.cohort.checking import check_case
from dlr.errors import InputError, Problem

META = "ObjectType = Image\nNDims = {0}\nDimSize = {1}\nElementType = MET_UCHAR\nElementDataFile = {2}\n"
NRRD = "NRRD0004\ntype: uint8\ndimension: {0}\nsizes: {1}\nencoding: raw\n{2}"


def png_of(width: int, height: int) -> bytes:
    """A PNG of one grey value, however large it says it is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 + 3 * width) * min(height, 4))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def checked(folder: Path, name: str, content: bytes) -> tuple[Problem, ...]:
    """The problems of a case whose image is this file."""
    (folder / name).write_bytes(content)
    Picture.fromarray(np.pad(np.full((8, 8), 255, np.uint8), 4)).save(folder / "mask.png")
    row = {"patient_id": "P", "case_id": "P", "image": str(folder / name), "mask": str(folder / "mask.png"),
           "mask_label": "", "mask_reader1": "", "mask_reader2": ""}  # fmt: skip
    return check_case(2, row, CohortSettings()).problems


CASES = {
    "dimensions below zero": ("a.mha", META.format(-3, "8 8", "LOCAL"), "has NDims '-3'", "export the file again"),
    "dimensions without end": ("a.mha", META.format(4294967296, "8 8", "LOCAL"), "4294967296 dimensions", "export"),
    "more dimensions than space has": ("a.mha", META.format(7, "2 2 2 2 2 2 2", "LOCAL"), "7 dimensions", "export"),
    "fewer sizes than dimensions": ("a.mha", META.format(3, "8 8", "LOCAL"), "3 dimensions (NDims) and 2 sizes", "export"),
    "a size of nothing": ("a.mha", META.format(2, "8 0", "LOCAL"), "has DimSize '0'", "export"),
    "a size that is no number": ("a.mha", META.format(2, "8 many", "LOCAL"), "has DimSize 'many'", "export"),
    "no sizes at all": ("a.mha", "NDims = 2\nElementDataFile = LOCAL\n", "2 dimensions (NDims) and 0 sizes", "export"),
    "more voxels than any scanner makes": ("a.mha", META.format(3, "40000 40000 4", "LOCAL"), "over 250,000,000", "set cohort.largest_image: 6400000000"),
    "another's file as data": ("a.mhd", META.format(2, "8 8", "/etc/passwd"), "outside its folder (passwd)", "one folder"),
    "a device as data": ("a.mhd", META.format(2, "8 8", "/dev/zero"), "outside its folder (zero)", "one folder"),
    "data above the folder": ("a.mhd", META.format(2, "8 8", "../secret.raw"), "outside its folder", "one folder"),
    "a list with data elsewhere": ("a.mhd", META.format(2, "8 8", "LIST\n/etc/passwd"), "outside its folder", "one folder"),
    "a pattern of data elsewhere": ("a.mhd", META.format(3, "8 8 2", "/etc/a%d.raw 1 2 1"), "outside its folder", "one folder"),
    "a name that no file can have": ("a.mhd", META.format(2, "8 8", "a\0b"), "cannot be looked at", "one folder"),
    "no end of the header": ("a.nrrd", NRRD.format(2, "8 8", ""), "has no end", "export the file again"),
    "dimensions in words": ("a.nrrd", NRRD.format("two", "8 8", "\n"), "has dimension 'two'", "export"),
    "a size below zero": ("a.nrrd", NRRD.format(2, "8 -8", "\n"), "has sizes '-8'", "export"),
    "three hundred dimensions": ("a.nrrd", NRRD.format(300, "1 " * 300, "\n"), "300 dimensions", "export"),
    "four gigabytes of nothing": ("a.nrrd", NRRD.format(3, "40000 25000 4", "\n"), "over 250,000,000", "cohort.largest_image"),
    "detached data elsewhere": ("a.nhdr", NRRD.format(2, "8 8", "data file: /etc/passwd\n\n"), "outside its folder", "one folder"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_header_is_looked_at_before_a_library_believes_it(tmp_path: Path, name: str):
    file, text, what, mend = CASES[name]
    (problem,) = checked(tmp_path, file, text.encode("latin-1") + bytes(64))
    assert "case P" in problem.where and file in problem.where
    assert what in problem.what and mend in problem.mend


def test_a_pipe_for_data_is_no_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for file, text in (
        ("a.mhd", META.format(2, "8 8", "pipe")),
        ("a.nhdr", NRRD.format(2, "8 8", "data file: pipe\n\n")),
    ):
        (problem,) = checked(tmp_path, file, text.encode())
        assert "are no file (pipe)" in problem.what and "one folder" in problem.mend


@pytest.mark.parametrize(("width", "height"), [(13000, 13000), (60000, 60000)])
def test_a_picture_that_claims_much_is_refused_before_it_is_unpacked(tmp_path: Path, width: int, height: int):
    (problem,) = checked(tmp_path, "a.png", png_of(width, height))
    assert f"{width} x {height}" in problem.what or "DecompressionBomb" in problem.what
    assert "cohort.largest_image" in problem.mend or "save the file again" in problem.mend


def test_pages_that_share_their_samples_count_each(tmp_path: Path):
    page = Picture.fromarray(np.zeros((600, 600), np.uint8))
    page.save(tmp_path / "many.tif", save_all=True, append_images=[page] * 9)
    content = (tmp_path / "many.tif").read_bytes()
    assert not checked(tmp_path, "a.tif", content)[0].what.endswith("over 250,000,000")
    row = {"patient_id": "P", "case_id": "P", "image": str(tmp_path / "a.tif"), "mask": str(tmp_path / "mask.png"),
           "mask_label": "", "mask_reader1": "", "mask_reader2": ""}  # fmt: skip
    (problem,) = check_case(2, row, CohortSettings(largest_image=3_000_000)).problems
    assert "600 x 600 x 1 x 10 are 3,600,000 samples, over 3,000,000" in problem.what


def test_a_file_that_ends_its_reader_takes_down_its_own_row_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The other rows are still told: the second has no such label."""
    mask = np.pad(np.full((8, 8), 255, np.uint8), 4)
    for name in "abc":
        Picture.fromarray((np.arange(256).reshape(16, 16) + ord(name)).astype(np.uint8)).save(tmp_path / f"{name}.png")
        Picture.fromarray(mask).save(tmp_path / f"{name}_mask.png")
    lines = ["patient_id,image,mask,mask_label,her2"]
    lines += [
        f"P{name},{name}.png,{name}_mask.png,{label},{her2}"
        for name, label, her2 in (("a", "", 0), ("b", 7, 1), ("c", "", 1))
    ]
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "import PIL.Image as images\n"
        "_open = images.open\n"
        "images.open = lambda file, *a, **k: os.abort() if str(file).endswith('a.png') else _open(file, *a, **k)\n"
    )
    from dlr.cohort import apart

    apart._close_all()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError) as caught:
        load_cohort(tmp_path / "manifest.csv", CohortSettings(test_share=0))
    apart._close_all()
    told = [f"{problem.where}: {problem.what}" for problem in caught.value.problems]
    assert any("row 2" in line and "it ended the process that read it (-6)" in line for line in told)
    assert any("row 3" in line and "label 7" in line for line in told)
    assert not any("row 4" in line for line in told)
