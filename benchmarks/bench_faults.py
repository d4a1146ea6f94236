"""A whole study that is killed, starved and deceived: does it come to the same bytes, and what does it say?

    python benchmarks/bench_faults.py kills [--kills 20] [--out FOLDER]
    python benchmarks/bench_faults.py disk --small FOLDER_ON_A_SMALL_DISK
    python benchmarks/bench_faults.py memory | replaced

kills     SIGKILL (the whole process group) at random moments, a study each, then finished: every output of every
          stage is compared with that of an undisturbed run.
disk      the study's folder on a disk that is full after a fifth, two fifths … of what the study takes.
memory    a study under `ulimit -v`; then without it.
replaced  a picture is replaced after the first features and put back afterwards.

A small study of everything: 40 patients, cheap chains, a frozen network, Combined, nomogram, report. Not a test.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dlr.phantom import make_cohort
from dlr.randomness import rng

NAMED = ("nomogram", "report")  # their outputs hold the study's name
SETTINGS = (
    "learn.seeds=1", "learn.folds=3", "learn.trees=40", "learn.max_grid=3", "evaluate.bootstrap=500",
    "evaluate.splits=2", "deep.weights=none",
)  # fmt: skip


def command(project: Path, study: Path, jobs: int = 2) -> list[str]:
    """The line of a whole study."""
    words = [word for setting in SETTINGS for word in ("--set", setting)]
    manifest = str(project / "data_manifest.csv")
    return [sys.executable, "-m", "dlr", "run", "her2_ultrasound", "--manifest", manifest, "--out", str(study),
            "--jobs", str(jobs), *words]  # fmt: skip


def contents(study: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of every output of every stage, as the records say, by stage; they are checked at every opening."""
    out = {}
    for record in sorted(study.glob("stages/*/*/stage.json")):
        said = json.loads(record.read_text(encoding="utf-8"))
        own = {name: digest for name, digest in said["contents"].items() if not name.startswith("looks")}
        out[said["stage"]] = own
    return out


def finish(line: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, capture_output=True, text=True)


def kills(project: Path, number: int) -> None:
    """The share that came to the same bytes."""
    begin = time.perf_counter()
    study = project / "runs" / "study"  # one name for all: it stands in the report
    finish(command(project, study)).check_returncode()
    took, wanted = time.perf_counter() - begin, contents(study)
    print(f"undisturbed: {took:.0f} s, {sum(map(len, wanted.values()))} outputs of {len(wanted)} stages", flush=True)
    moments, same = rng(0, "faults", "kills").uniform(0.02, 0.95, number) * took, 0
    for moment in moments:
        shutil.rmtree(study)
        running = subprocess.Popen(command(project, study), start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(moment)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        there = [path.parent.parent.name for path in study.glob("stages/*/*/stage.json")]
        ended = finish(command(project, study))
        found = contents(study) if ended.returncode == 0 else {}
        different = [stage for stage in wanted if found.get(stage) != wanted[stage]]
        same += not different
        print(f"killed at {moment:5.1f} s, {len(there)} stages done: exit {ended.returncode}, "
              f"{'same bytes' if not different else f'other bytes: {different}'}", flush=True)  # fmt: skip
    print(f"{same} of {number} the same")


def disk(project: Path, small: Path) -> None:
    """What is said when the disk is full, and whether the study then goes on."""
    study = project / "runs" / "whole"
    finish(command(project, study)).check_returncode()
    size = sum(path.stat().st_size for path in study.rglob("*") if path.is_file())
    free = shutil.disk_usage(small).free
    for fifth in range(5):
        for left in small.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        filler = small / "filler"
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - int(size * (fifth + 0.5) / 5)))
        ended = finish(command(project, small / "study"))
        filler.unlink()
        again = finish(command(project, small / "study"))
        said = [line for line in ended.stderr.splitlines() if "disk" in line or "fault" in line]
        whole, wanted = contents(small / "study"), contents(study)
        other = [stage for stage in wanted if stage not in NAMED and whole.get(stage) != wanted[stage]]
        end = f"then exit {again.returncode}, {f'other bytes: {other}' if other else 'same bytes'}"
        print(f"full after {fifth + 0.5:.1f} fifths: exit {ended.returncode} ({said[:1]}), {end}", flush=True)


def memory(project: Path) -> None:
    """A worker killed by its limit."""
    study = project / "runs" / "starved"
    for limit in (1_200_000, 2_000_000, 3_000_000):
        line = f"ulimit -v {limit}; exec {shlex.join(command(project, study))}"
        ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
        print(
            f"ulimit -v {limit}: exit {ended.returncode}; {' | '.join(ended.stderr.split(chr(10))[-4:])[:300]}",
            flush=True,
        )
    print(f"without a limit: exit {finish(command(project, study)).returncode}")


def replaced(project: Path) -> None:
    """A picture that is another for a while: what the features are made of is told."""
    study, picture = project / "runs" / "deceived", sorted((project / "images").iterdir())[-1]
    kept, other = picture.read_bytes(), sorted((project / "images").iterdir())[0].read_bytes()
    running = subprocess.Popen(command(project, study, 1), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not list(study.glob("stages/radiomics/tasks/*/*/task.json")):
        time.sleep(0.02)
    picture.write_bytes(other)
    said = running.communicate()[1]
    picture.write_bytes(kept)
    line = [one for one in said.splitlines() if "changed" in one]
    again = finish(command(project, study, 1))
    plain = project / "runs" / "plain"
    finish(command(project, plain, 1)).check_returncode()
    same = contents(study)["radiomics"] == contents(plain)["radiomics"]
    print(
        f"replaced: exit {running.returncode}, said {line[:1]}; then exit {again.returncode}, features the same: {same}"
    )


def main() -> None:
    """Parse, make the cohort, do what was asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("kills", "disk", "memory", "replaced"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--small", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="dlr faults ") as folder:
        project = Path(folder)
        make_cohort(project, patients=40, size=128)
        if given.what == "kills":
            kills(project, given.kills)
        elif given.what == "disk":
            disk(project, given.small)
        elif given.what == "memory":
            memory(project)
        else:
            replaced(project)


if __name__ == "__main__":
    main()
