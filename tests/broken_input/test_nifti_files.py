"""NIfTI files that are truncated, damaged or hold NaN: refused, as every other format's are; image and mask alike."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from small_cohort import picture, save

from dlr.cohort import CohortSettings, read_case
from dlr.cohort.formats import decode
from dlr.errors import InputError

Bytes = Callable[[bytes], bytes]


def write(path: Path, slices: int, kind: type = np.int16) -> Path:
    """The small cohort's first picture as a still or volume."""
    values = np.stack([picture(1)[0]] * slices).astype(kind)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
    return path


def write_mask(path: Path, slices: int) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([picture(1)[1]] * slices).astype(np.uint8)), str(path))
    return path


def changed(path: Path, change: Bytes, inside: bool = True) -> Path:
    """A file whose bytes were changed; `inside` the compression where it has one."""
    packed = path.name.endswith(".gz") and inside
    content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    path.write_bytes(gzip.compress(change(content)) if packed else change(content))
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        decode(path)
    (problem,) = error.value.problems
    assert problem.where == str(path) and problem.mend
    return problem.what


def put(form: str, at: int, value: float) -> Bytes:
    def change(content: bytes) -> bytes:
        made = bytearray(content)
        struct.pack_into(form, made, at, value)
        return bytes(made)

    return change


@pytest.mark.parametrize("slices", [1, 6])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("what", ["image", "mask"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, slices: int, what: str) -> None:
    row = {
        "case_id": "c", "patient_id": "p", "mask_label": "",
        "image": str(write(tmp_path / f"i{suffix}", slices)),
        "mask": str(write_mask(tmp_path / f"m{suffix}", slices)),
    }  # fmt: skip
    assert read_case(row, CohortSettings()).mask.any()
    changed(Path(row[what]), lambda content: content[: len(content) // 2], inside=False)
    with pytest.raises(InputError, match="truncated"):
        read_case(row, CohortSettings())


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_one_byte_less_than_the_header_says_is_refused_and_more_is_not(tmp_path: Path, suffix: str) -> None:
    path = changed(write(tmp_path / f"i{suffix}", 2), lambda content: content[:-1])
    assert refused(path) == f"truncated: {72 * 72 * 2 * 2 - 1} of {72 * 72 * 2 * 2} bytes of voxels"
    path = changed(write(tmp_path / f"i{suffix}", 2), lambda content: content + b"\0" * 40)
    assert decode(path).array.shape == (2, 72, 72)


def test_a_flipped_byte_of_a_compressed_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "i.nii.gz", 2)
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # of the checksum: every voxel is as it was
    path.write_bytes(bytes(content))
    assert "damaged or truncated (CRC check failed" in refused(path)
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))
    assert "damaged or truncated" in refused(path)


@pytest.mark.parametrize("offset", [float("nan"), float("inf"), 1e30, -1.0])
def test_voxels_that_lie_nowhere_are_refused(tmp_path: Path, offset: float) -> None:
    path = changed(write(tmp_path / "i.nii.gz", 2), put("<f", 108, offset))
    assert f"at byte {offset:g}" in refused(path)


def test_voxels_that_begin_behind_the_file_are_refused(tmp_path: Path) -> None:
    assert refused(changed(write(tmp_path / "i.nii", 2), put("<f", 108, 1e9))).startswith("truncated: 0 of")
    assert "of 20736 bytes" in refused(changed(write(tmp_path / "i.nii", 2), put("<f", 108, 353.0)))


def test_a_file_without_an_offset_is_read_behind_its_header(tmp_path: Path) -> None:
    path = changed(write(tmp_path / "i.nii", 2), lambda c: put("<f", 108, 0.0)(c[:348] + c[352:]))
    assert np.array_equal(decode(path).array[0], picture(1)[0])


def test_less_than_a_header_is_refused(tmp_path: Path) -> None:
    path = changed(write(tmp_path / "i.nii", 2), lambda content: content[:347])
    assert "347 bytes of header" in refused(path)


def test_the_other_byte_order_is_read_and_judged(tmp_path: Path) -> None:
    path = write(tmp_path / "i.nii", 2)
    raw = bytearray(path.read_bytes())
    swaps = [(0, "i", 1), (40, "h", 8), (70, "h", 2), (76, "f", 8), (108, "f", 3), (252, "h", 2), (256, "f", 18)]
    for at, form, count in [*swaps, (352, "h", 72 * 72 * 2)]:
        struct.pack_into(f">{count}{form}", raw, at, *struct.unpack_from(f"<{count}{form}", raw, at))
    path.write_bytes(bytes(raw))
    assert np.array_equal(decode(path).array[1], picture(1)[0])
    path.write_bytes(bytes(raw[:-2]))
    assert "truncated: 20734 of 20736" in refused(path)


def test_a_second_version_header_is_judged_too(tmp_path: Path) -> None:
    head = bytearray(544)
    struct.pack_into("<i8sh", head, 0, 540, b"n+2\0\r\n\x1a\n", 4)
    struct.pack_into("<h8q", head, 14, 16, 3, 4, 3, 2, 1, 1, 1, 1)
    struct.pack_into("<8d", head, 104, *[1.0] * 8)
    struct.pack_into("<q", head, 168, 544)
    path = tmp_path / "i.nii"
    path.write_bytes(bytes(head) + np.arange(24, dtype="<i2").tobytes()[:-2])
    assert refused(path) == "truncated: 46 of 48 bytes of voxels"


def test_header_and_voxels_apart_are_judged_together(tmp_path: Path) -> None:
    write(tmp_path / "i.hdr", 2)
    assert np.array_equal(decode(tmp_path / "i.hdr").array[0], picture(1)[0])
    changed(tmp_path / "i.img", lambda content: content[:-2])
    assert refused(tmp_path / "i.hdr") == "truncated: 20734 of 20736 bytes of voxels"
    (tmp_path / "i.img").unlink()
    assert "(.img) is not beside it" in refused(tmp_path / "i.hdr")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".hdr", ".nrrd", ".mha", ".tif"])
def test_nan_and_infinity_are_refused_in_every_format_wherever_they_lie(
    tmp_path: Path, suffix: str, value: float
) -> None:
    values, mask = picture(1)
    floats = values.astype(np.float32)
    floats[0, 0], floats[71, 71] = value, value
    sitk.WriteImage(sitk.GetImageFromArray(floats), str(tmp_path / f"i{suffix}"))
    row = {"case_id": "c", "patient_id": "p", "mask_label": "", "image": str(tmp_path / f"i{suffix}"),
           "mask": str(save(tmp_path / "m.png", mask))}  # fmt: skip
    with pytest.raises(InputError, match="2 of 5184 voxels are NaN or infinite"):
        read_case(row, CohortSettings())


def test_nan_in_a_mask_is_refused(tmp_path: Path) -> None:
    values, mask = picture(1)
    floats = mask.astype(np.float64)
    floats[3, 3] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(floats), str(tmp_path / "m.nii.gz"))
    row = {"case_id": "c", "patient_id": "p", "mask_label": "", "image": str(save(tmp_path / "i.png", values)),
           "mask": str(tmp_path / "m.nii.gz")}  # fmt: skip
    with pytest.raises(InputError, match="1 of 5184 voxels are NaN"):
        read_case(row, CohortSettings())


def test_floats_that_straddle_two_reads_are_all_judged(tmp_path: Path) -> None:
    values = np.zeros((40, 100, 100), np.float64)  # 3.2 MB behind 352 bytes: no read ends between two voxels
    values[::7, 50, 50] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "i.nii"))
    assert refused(tmp_path / "i.nii") == "6 of 400000 voxels are NaN or infinite"
    raw = (tmp_path / "i.nii").read_bytes()
    (tmp_path / "i.nii").write_bytes(put("<f", 108, 355.0)(raw[:352] + b"abc" + raw[352:]))  # now every read does
    assert refused(tmp_path / "i.nii") == "6 of 400000 voxels are NaN or infinite"
