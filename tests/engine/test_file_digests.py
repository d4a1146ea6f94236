"""Content digests of the files that a study starts from."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dlr.engine import Inputs
from dlr.engine.digests import Digests, digest_folder
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


def test_a_line_of_the_memory_that_says_nothing_is_skipped(tmp_path):
    path, memory = old_file(tmp_path / "a", b"abc"), tmp_path / "memory.jsonl"
    memory.write_text('[[1], 2, 3, 4, 5]\n7\n["/x", 3, 1, "of another release"]\n{"a": 1}\n')
    assert Digests(memory).of(path) == hashlib.sha256(b"abc").hexdigest()


def test_a_file_replaced_by_one_of_its_size_and_time_is_read_again(tmp_path):
    path, memory = old_file(tmp_path / "a", b"abc"), tmp_path / "memory.jsonl"
    Digests(memory).of(path)
    old_file(path, b"xyz")
    assert Digests(memory).of(path) == hashlib.sha256(b"xyz").hexdigest()


def test_a_missing_manifest_is_the_users_to_mend(tmp_path):
    with pytest.raises(InputError, match="--manifest"):
        Inputs(tmp_path / "m.csv").named()


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_what_never_ends_is_not_read(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError) as error:
        Digests().of(tmp_path / name)
    (problem,) = error.value.problems
    assert problem.where.endswith(name) and problem.what == "this is a device or a pipe, not a file"
    assert problem.mend == "give the path of a file"
