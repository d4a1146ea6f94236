"""Images in several files: all of them are found, as the reader finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from small_cohort import picture, save

from dlr.cohort import files_of_image
from dlr.cohort.formats import decode

VALUES = np.arange(120, dtype=np.int16).reshape(5, 4, 6)


def names(path: Path) -> list[str]:
    found = files_of_image(path)
    assert found[0] == path
    return [data.name for data in found[1:]]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".tif"])
def test_an_image_in_one_file_is_that_file(tmp_path: Path, suffix: str) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(VALUES), str(tmp_path / f"a{suffix}"))
    assert files_of_image(tmp_path / f"a{suffix}") == (tmp_path / f"a{suffix}",)


@pytest.mark.parametrize(("suffix", "data"), [(".mhd", "a.raw"), (".nhdr", "a.raw"), (".hdr", "a.img")])
def test_the_voxels_beside_a_header_are_found(tmp_path: Path, suffix: str, data: str) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(VALUES), str(tmp_path / f"a{suffix}"))
    assert names(tmp_path / f"a{suffix}") == [data]
    (tmp_path / data).unlink()
    assert names(tmp_path / f"a{suffix}") == []


def test_compressed_voxels_beside_a_header_are_found(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(VALUES), str(tmp_path / "a.mhd"), useCompression=True)
    assert names(tmp_path / "a.mhd") == ["a.zraw"]
    sitk.WriteImage(sitk.GetImageFromArray(VALUES), str(tmp_path / "a.img.gz"))
    (tmp_path / "a.hdr.gz").rename(tmp_path / "b.hdr.gz")
    (tmp_path / "a.img.gz").rename(tmp_path / "b.img.gz")
    assert names(tmp_path / "b.hdr.gz") == ["b.img.gz"]


def slices(folder: Path) -> None:
    for n, values in enumerate(VALUES, start=1):
        (folder / f"s {n:02d}.raw").write_bytes(values.tobytes())


@pytest.mark.parametrize("value", ["LIST\ns 01.raw\ns 02.raw\ns 03.raw\ns 04.raw\ns 05.raw", "s %02d.raw 1 5 1"])
@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_a_list_or_a_pattern_of_slices_is_what_the_reader_opens(tmp_path: Path, suffix: str, value: str) -> None:
    slices(tmp_path)
    path = tmp_path / f"a{suffix}"
    if suffix == ".mhd":
        value = value.replace("s ", "s_")  # a space parts the names there
        for file in list(tmp_path.glob("*.raw")):
            file.rename(tmp_path / file.name.replace("s ", "s_"))
        head = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 6 4 5\nElementType = MET_SHORT\n"
        path.write_text(f"{head}ElementDataFile = {value}\n")
    else:
        head = "NRRD0004\ntype: short\ndimension: 3\nsizes: 6 4 5\nendian: little\nencoding: raw\n"
        path.write_text(f"{head}data file: {value}\n")
    if suffix == ".nhdr" and "%" in value:  # teem's own words take no space in a pattern
        value = value.replace("s ", "s_")
        for file in list(tmp_path.glob("*.raw")):
            file.rename(tmp_path / file.name.replace("s ", "s_"))
        path.write_text(f"{head}data file: {value}\n")
    assert np.array_equal(decode(path).array, VALUES)
    found = names(path)
    assert len(found) == 5 and found == sorted(p.name for p in tmp_path.glob("*.raw"))


def test_a_pattern_with_a_step_and_one_that_makes_no_sense(tmp_path: Path) -> None:
    slices(tmp_path)
    path = tmp_path / "a.nhdr"
    for value, found in [
        ("s %02d.raw 1 5 2", ["s 01.raw", "s 03.raw", "s 05.raw"]),
        ("s %02d.raw 5 1 -2", ["s 05.raw", "s 03.raw", "s 01.raw"]),
        ("s %02d.raw 2 3 1 2", ["s 02.raw", "s 03.raw"]),
        ("s %02d.raw 1 5 0", []),
        ("s %s.raw 1 5 1", []),
        ("s 03.raw", ["s 03.raw"]),
    ]:
        path.write_text(f"NRRD0004\nData File: {value}\n")
        assert names(path) == found


def test_what_follows_a_header_is_not_read_as_one(tmp_path: Path) -> None:
    slices(tmp_path)
    (tmp_path / "a.nrrd").write_text("NRRD0004\ntype: short\n\ndata file: s 01.raw\n")
    assert names(tmp_path / "a.nrrd") == []
    (tmp_path / "a.mha").write_text("ObjectType = Image\nElementDataFile = LOCAL\nElementDataFile = s 01.raw\n")
    assert names(tmp_path / "a.mha") == []


def test_what_is_no_image_is_given_alone(tmp_path: Path) -> None:
    for name, content in [("a.txt", b"hello"), ("a.nii", b""), ("a.mhd", b"\xff\xfe")]:
        (tmp_path / name).write_bytes(content)
        assert files_of_image(tmp_path / name) == (tmp_path / name,)
    assert files_of_image(str(tmp_path / "none.png")) == (tmp_path / "none.png",)
    assert names(save(tmp_path / "a.png", picture(0)[0])) == []
