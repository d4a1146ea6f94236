"""What disk, rights and names do not allow ends with exit status 2 and words, what is a fault of ours with 1."""

from __future__ import annotations

import errno
import os

import pytest
from typer import Exit

from dlr.cli.screen import MACHINE, guarded


def ended(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    @guarded
    def command() -> None:
        raise error

    with pytest.raises(Exit) as stop:
        command()
    return stop.value.exit_code, capsys.readouterr().err


@pytest.mark.parametrize("number", [number for numbers, _, _ in MACHINE for number in numbers])
def test_what_the_machine_does_not_allow_is_told_with_its_place(number, capsys):
    code, said = ended(OSError(number, os.strerror(number), "/some/where"), capsys)
    what, mend = next((what, mend) for numbers, what, mend in MACHINE if number in numbers)
    assert code == 2 and "/some/where" in said and what in said and mend in said and "fault of dlr" not in said


def test_a_full_disk_without_a_name_and_memory_are_told(capsys):
    code, said = ended(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), capsys)
    assert code == 2 and "the disk" in said and "no room left" in said
    code, said = ended(RuntimeError("Error while serializing: No space left on device (os error 28)"), capsys)
    assert code == 2 and "the disk" in said and "no room left" in said
    code, said = ended(MemoryError(), capsys)
    assert code == 2 and "not enough of it" in said and "--jobs" in said


@pytest.mark.parametrize("fault", [OSError(errno.EINVAL, "strange"), ValueError("ours")])
def test_all_else_is_a_fault_of_ours(fault, capsys):
    code, said = ended(fault, capsys)
    assert code == 1 and "fault of dlr" in said and "What led to it is in" in said
