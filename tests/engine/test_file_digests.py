"""Content digests and the files that a manifest names."""

from __future__ import annotations

import hashlib
import os

import pytest

from dlr.engine import Inputs
from dlr.engine.digests import Digests, digest_folder
from dlr.engine.inputs import files_named_in
from dlr.errors import InputError

OLD = 1_600_000_000


def old_file(path, content: bytes):
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))
    return path


def test_a_digest_is_sha256_of_the_content(tmp_path):
    path = old_file(tmp_path / "a", b"abc")
    assert Digests().of(path) == hashlib.sha256(b"abc").hexdigest()


def test_an_unchanged_file_is_not_read_again(tmp_path):
    path, memory = old_file(tmp_path / "a", b"abc"), tmp_path / "memory.jsonl"
    first = Digests(memory)
    digest = first.of(path)
    second = Digests(memory)
    assert (second.of(path), first.read, second.read) == (digest, 1, 0)


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_changed_file_is_read_again(tmp_path, change):
    path, memory = old_file(tmp_path / "a", b"abc"), tmp_path / "memory.jsonl"
    Digests(memory).of(path)
    path.write_bytes(b"abcd" if change == "content" else b"abc")
    os.utime(path, (OLD, OLD) if change == "content" else (OLD, OLD + 1))
    again = Digests(memory)
    assert again.of(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert again.read == 1


def test_a_file_of_this_very_second_is_not_remembered(tmp_path):
    """It may change once more without its size or time telling."""
    path, memory = tmp_path / "a", tmp_path / "memory.jsonl"
    path.write_bytes(b"abc")
    Digests(memory).of(path)
    again = Digests(memory)
    again.of(path)
    assert again.read == 1


def test_a_torn_line_of_the_memory_is_skipped(tmp_path):
    path, memory = old_file(tmp_path / "a", b"abc"), tmp_path / "memory.jsonl"
    Digests(memory).of(path)
    with memory.open("a") as stream:
        stream.write('["/x", 3, 1')
    other = old_file(tmp_path / "b", b"xyz")
    Digests(memory).of(other)
    third = Digests(memory)
    third.of(path)
    third.of(other)
    assert third.read <= 1  # the line after the torn one may be lost with it, never believed wrongly


def test_a_folder_counts_by_names_and_contents(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_bytes(b"1")
    assert digest_folder(tmp_path / "one") == digest_folder(tmp_path / "two")
    (tmp_path / "two" / "a").rename(tmp_path / "two" / "b")
    assert digest_folder(tmp_path / "one") != digest_folder(tmp_path / "two")


def test_a_missing_file_is_the_users_to_mend(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.png"):
        Digests().of(tmp_path / "nothing.png")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_files_are_found_in_cells_whatever_the_delimiter_and_encoding(tmp_path, delimiter, encoding):
    (tmp_path / "图像 1.png").write_bytes(b"1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.png").write_bytes(b"2")
    rows = [["患者", "image", "mask", "age"], ["甲", "图像 1.png", "sub/m.png", "61.5"], ["乙", "gone.png", "", "62"]]
    table = tmp_path / "manifest.csv"
    table.write_bytes("\n".join(delimiter.join(row) for row in rows).encode(encoding))
    assert set(files_named_in(table)) == {"图像 1.png", "sub/m.png"}


@pytest.mark.parametrize(
    "cell", ["/", "\\", ".", "./", "..", "../data", "n/a", "-/-", "1.5", "3.0/2", "images", "C:\\"]
)
def test_a_cell_that_stands_for_nothing_or_for_a_number_is_no_file(tmp_path, cell):
    (tmp_path / "data" / "images").mkdir(parents=True)
    table = tmp_path / "data" / "manifest.csv"
    table.write_text(f"image,x\na.png,{cell}\n")
    assert files_named_in(table) == {}


def test_a_folder_of_slices_is_a_file_of_the_study(tmp_path):
    (tmp_path / "series" / "1").mkdir(parents=True)
    table = tmp_path / "manifest.csv"
    table.write_text("image\nseries/1\n")
    assert files_named_in(table) == {"series/1": tmp_path / "series" / "1"}


def test_files_are_found_in_a_workbook(tmp_path):
    from openpyxl import Workbook

    (tmp_path / "a.png").write_bytes(b"1")
    book = Workbook()
    book.active.append(["image", "age"])
    book.active.append(["a.png", 3])
    book.save(tmp_path / "m.xlsx")
    assert set(files_named_in(tmp_path / "m.xlsx")) == {"a.png"}


def test_a_workbook_that_is_none_is_the_users_to_mend(tmp_path):
    (tmp_path / "m.xlsx").write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"m\.xlsx"):
        files_named_in(tmp_path / "m.xlsx")


def test_a_missing_manifest_is_the_users_to_mend(tmp_path):
    with pytest.raises(InputError, match="--manifest"):
        Inputs(tmp_path / "m.csv").named()
