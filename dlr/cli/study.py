"""Commands about a study that has run: what it holds, its nomogram and its report once more."""

from __future__ import annotations

from pathlib import Path

import typer

from dlr.cli.options import Sets, StudyArgument
from dlr.cli.screen import guarded, print_results, print_table
from dlr.cli.start import find_study, prepare_again

__all__ = ["nomogram", "report", "status"]


@guarded
def status(study: StudyArgument = None, sets: Sets = None) -> None:
    """What a study holds, and which part of a key changed since.

    \b
    Examples:
      dlr status
      dlr status runs/mine --set learn.seeds=5
    """
    from dlr.engine import Inputs, looks_at
    from dlr.engine import status as study_status

    found = find_study(study)
    start = prepare_again(found, sets or ())
    inputs = Inputs(start.manifest.absolute(), start.features)
    stages = study_status(start.pipeline, found.folder, start.settings, inputs)
    rows = [
        [s.stage, s.state, s.reason, s.finished, "" if s.seconds is None else f"{s.seconds:.1f} s", s.summary]
        for s in stages
    ]
    typer.echo(str(found.folder))
    print_table(["stage", "", "why", "computed", "took", "what it is"], rows)
    for s in stages:
        for line in s.warnings:
            typer.echo(f"! {s.stage}: {line}")
    looks = looks_at(found.folder)
    typer.echo(f"The test side was looked at under {len(looks)} key{'' if len(looks) == 1 else 's'}.")


@guarded
def nomogram(study: StudyArgument = None) -> None:
    """Draw a study's nomogram again, from what the store holds.

    \b
    Examples:
      dlr nomogram
      dlr nomogram runs/mine
    """
    _again(study, "nomogram")


@guarded
def report(study: StudyArgument = None, sets: Sets = None) -> None:
    """Write a study's report again, from what the store holds.

    \b
    Examples:
      dlr report
      dlr report runs/mine --set report.tiff=true
    """
    _again(study, "report", sets)


def _again(study: Path | None, stage: str, sets: list[str] | None = None) -> None:
    result = prepare_again(find_study(study), sets or ()).run(only=stage)
    if stage in result.left_out:
        typer.echo(f"{stage} left itself out: {result.left_out[stage]}")
    print_results(result)
