"""The command line as tests call it: in this process, or in one of its own; the toy pipeline is installed in both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from dlr.cli import app

ROOT = Path(__file__).parents[2]
TOYS = ROOT / "tests" / "engine"
PIPELINES = TOYS / "toy"

# the toy pipeline stands beside the shipped ones, also in a process of its own
LAUNCH = f"""
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits it ignored
sys.path.insert(0, {str(TOYS)!r})
import dlr.pipelines
dlr.pipelines.__path__.append({str(PIPELINES)!r})
from dlr.cli import main
main()
"""


def dlr_(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def launched(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip
