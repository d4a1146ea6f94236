"""Commands about a study that has run: what it holds, its nomogram and its report once more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from dlr.cli.options import Sets, StudyArgument
from dlr.cli.screen import SUMMARY, guarded, print_results, print_table, say
from dlr.cli.start import as_it_ran, find_study, prepare_again
from dlr.errors import InputError

if TYPE_CHECKING:
    from dlr.engine import Study
    from dlr.report import Sources

__all__ = ["nomogram", "report", "sources_again", "status"]


@guarded
def status(study: StudyArgument = None, sets: Sets = None) -> None:
    """What a study holds, and which part of a key changed since.

    \b
    Examples:
      dlr status
      dlr status runs/mine --set learn.seeds=5
    """
    from dlr.engine import Inputs, looks_at, one_a_kind
    from dlr.engine import status as study_status

    found = find_study(study)
    start = prepare_again(found, sets or ())
    inputs = Inputs(start.manifest.absolute(), start.features)
    stages = study_status(start.pipeline, found.folder, start.settings, inputs)
    rows = [
        [s.stage, s.state, s.reason, s.finished, "" if s.seconds is None else f"{s.seconds:.1f} s", s.summary]
        for s in stages
    ]
    say(str(found.folder))
    print_table(["stage", "", "why", "computed", "took", "what it is"], rows)
    for s in stages:
        for line in one_a_kind(s.warnings):
            say(f"! {s.stage}: {line}")
    looks = looks_at(found.folder)
    say(f"The test side was looked at under {len(looks)} key{'' if len(looks) == 1 else 's'}.")


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
def report(
    study: StudyArgument = None,
    sets: Sets = None,
    summary: Annotated[bool, Option("--summary", help="Write the finished report on one A4 sheet an outcome.")] = False,
) -> None:
    """Write a study's report again, from what the store holds; or what is in it on one sheet, as summary.pdf.

    \b
    Examples:
      dlr report
      dlr report runs/mine --set report.tiff=true
      dlr report --summary
    """
    if summary:
        say(f"summary   {_summary(find_study(study), sets or ())}")
    else:
        _again(study, "report", sets)


def _summary(study: Study, sets: Sequence[str]) -> Path:
    """Draw the sheet from what the report was made of."""
    if sets:
        mend = "first `dlr report --set ...`, then `dlr report --summary`"
        raise InputError(f"--set {sets[0]}", "--summary sums up the report as it is", mend)
    if not (study.folder / "report.html").is_file() or study.folders.get("report") is None:
        where, what = str(study.folder), "its report is not made yet"
        raise InputError(where, what, "run the study to its end with `dlr run`, or make the report with `dlr report`")
    from dlr.report import draw_summary

    said = tuple((name, line) for name, record in study.records.items() for line in record.get("warnings", ()))
    return draw_summary(sources_again(study, said), study.folder / SUMMARY)


def sources_again(study: Study, said: tuple[tuple[str, str], ...] = ()) -> Sources:
    """What a report is made of, after the run.  said : stage and warning."""
    from dlr.stages.report import sources_of

    start = as_it_ran(study)
    gives = {stage.name: stage.gives for stage in start.pipeline.stages}
    return sources_of(study, start.settings, start.settings.seed, gives, start.pipeline.models, said)


def _again(study: Path | None, stage: str, sets: list[str] | None = None) -> None:
    result = prepare_again(find_study(study), sets or ()).run(only=stage)
    if stage in result.left_out:
        say(f"{stage} left itself out: {result.left_out[stage]}")
    print_results(result)
