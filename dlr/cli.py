"""The command line. A command parses, calls one function, prints; heavy imports stay inside, so --help answers at once.

Exit status: 0 done; 2 the user's input is wrong (a table: where, what, mend); 1 a fault of ours (a line, and where the
log is); 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from dlr import __version__
from dlr.errors import InputError
from dlr.opening import shipped_pipelines
from dlr.terminal import guarded, print_plan, print_results, print_table

if TYPE_CHECKING:
    from dlr.engine import Result
    from dlr.opening import Opening

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="From patients, images, outlines and clinical values to an honest prediction study.\n\n"
    "A first look: `dlr demo`. Your own data: `dlr init`, then `dlr run`.",
)

PipelineName = Annotated[str, Argument(help=f"One of: {', '.join(shipped_pipelines())}.")]
Manifest = Annotated[Path | None, Option(help="Table of cases (CSV, .xlsx); data_manifest.csv here by default.")]
Params = Annotated[str | None, Option(help="Parameter file, or the name of a shipped one such as her2_published.")]
Features = Annotated[Path | None, Option(help="Start from this table of features instead of images.")]
Sets = Annotated[list[str] | None, Option("--set", metavar="KEY=VALUE", help="A setting, e.g. learn.seeds=1.")]
StudyName = Annotated[str | None, Option("--name", help="Study folder runs/PIPELINE-NAME.")]
Out = Annotated[Path | None, Option(help="Study folder, in place of runs/PIPELINE.")]
Jobs = Annotated[int | None, Option("--jobs", "-j", help="Processes; all cores by default.", show_default=False)]
Dask = Annotated[str | None, Option(help="Work on a Dask cluster: its scheduler's address, or local.")]
Force = Annotated[list[str] | None, Option(metavar="STAGE", help="Compute this stage again.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be computed, and how long it takes.")]
Wait = Annotated[float | None, Option(help="Seconds to wait for another run of the study; no limit by default.")]
StudyArgument = Annotated[Path | None, Argument(help="Study folder; the one below runs/ by default.")]


def main() -> None:
    """The entry point of the command `dlr`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names in any script, also where the console is not UTF-8
            stream.reconfigure(errors="replace")
    app()


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"dlr {__version__}")
        raise typer.Exit


@app.command()
@guarded
def demo(
    pipeline: Annotated[str, Option(help="The pipeline to show.")] = "her2_ultrasound",
    out: Annotated[Path, Option(help="Folder of the built-in cohort; the study goes below it.")] = Path(),
    jobs: Jobs = None,
    sets: Sets = None,
) -> None:
    """Run a whole study on the built-in cohort (learn.seeds=1).

    \b
    Examples:
      dlr demo
      dlr demo --out first_look
    """
    from dlr.opening import MANIFEST, RUNS, opening

    manifest = out / MANIFEST
    _make_cohort(out, manifest)
    study = out / RUNS / pipeline
    start = opening(pipeline, manifest, overrides=["learn.seeds=1", *(sets or [])], out=study)
    result = _run(start, jobs=jobs)
    typer.echo(f"One seed was used here; with all: dlr run{'' if out == Path() else f' (in {out})'}")
    print_results(result)


@app.command()
@guarded
def init(
    folder: Annotated[Path, Argument(help="The folder of the study.")] = Path(),
    images: Annotated[Path, Option(help="Where the images are.")] = Path("images"),
    masks: Annotated[Path, Option(help="Where the outlines are.")] = Path("masks"),
    target: Annotated[str, Option(help="The column to predict, 0 or 1.")] = "her2",
    pipeline: Annotated[str, Option(help="The pipeline whose settings are copied.")] = "her2_ultrasound",
) -> None:
    """Draft data_manifest.csv from images and masks, and params.yaml.

    \b
    Examples:
      dlr init
      dlr init my_study --images us --masks outlines --target malignant
    """
    from dlr.beginning import begin_study

    for path, about in begin_study(folder, images, masks, target, pipeline):
        typer.echo(f"{path}: {about}")


@app.command()
@guarded
def doctor(
    manifest: Annotated[Path | None, Argument(help="The manifest; data_manifest.csv here by default.")] = None,
    pipeline: Annotated[str, Option(help="The pipeline it is meant for.")] = "her2_ultrasound",
    params: Params = None,
    sets: Sets = None,
    out: Out = None,
) -> None:
    """Check this installation and every row, image and outline of a cohort.

    \b
    Examples:
      dlr doctor
      dlr doctor patients.xlsx --set cohort.target=malignant
    """
    from dlr.opening import opening
    from dlr.surroundings import surroundings

    print_table(["", ""], surroundings())
    start = opening(pipeline, manifest, params, overrides=sets or (), out=out)
    result = _run(start, until=start.pipeline.names[0])
    first = result.outcomes[0]
    typer.echo(f"{start.manifest}: no error, {len(first.warnings)} warnings; see {result.folders[first.stage]}")


@app.command()
@guarded
def run(
    pipeline: PipelineName = "her2_ultrasound",
    manifest: Manifest = None,
    params: Params = None,
    out: Out = None,
    name: StudyName = None,
    features: Features = None,
    sets: Sets = None,
    jobs: Jobs = None,
    dask: Dask = None,
    until: Annotated[str | None, Option(help="The last stage to run.")] = None,
    force: Force = None,
    dry_run: DryRun = False,
    wait: Wait = None,
) -> None:
    """Run a study; what is in the store already is not computed again.

    \b
    Examples:
      dlr run
      dlr run her2_ultrasound --manifest patients.xlsx --set cohort.target=malignant
      dlr run --params her2_published --name published
      dlr run --dry-run
    """
    from dlr.opening import opening

    start = opening(pipeline, manifest, params, features, sets or (), name, out)
    result = _run(start, jobs=jobs, dask=dask, until=until, force=force or (), dry_run=dry_run, wait=wait)
    print_plan(result) if dry_run else print_results(result)


@app.command("run-stage")
@guarded
def run_stage(
    stage: Annotated[str, Argument(help="The stage, for example radiomics.")],
    pipeline: PipelineName = "her2_ultrasound",
    manifest: Manifest = None,
    params: Params = None,
    out: Out = None,
    name: StudyName = None,
    features: Features = None,
    sets: Sets = None,
    jobs: Jobs = None,
    dask: Dask = None,
    force: Annotated[bool, Option("--force", help="Compute it again even if the store holds it.")] = False,
    dry_run: DryRun = False,
    wait: Wait = None,
) -> None:
    """Run one stage; what it reads is found in the store or run first.

    \b
    Examples:
      dlr run-stage radiomics
      dlr run-stage radiomics --set radiomics.profile=hu1561 --jobs 4
    """
    from dlr.opening import opening

    start = opening(pipeline, manifest, params, features, sets or (), name, out)
    forced = (stage,) if force else ()
    result = _run(start, jobs=jobs, dask=dask, only=stage, force=forced, dry_run=dry_run, wait=wait)
    if dry_run:
        print_plan(result)
    else:
        folder = result.folders[stage]
        typer.echo(str(folder) if folder is not None else f"{stage} left itself out: {result.left_out[stage]}")


@app.command()
@guarded
def fuse(
    study: StudyArgument = None,
    pca: Annotated[str, Option(help="Components (64) or the share of variance they keep (0.95).")] = "64",
    sets: Sets = None,
    jobs: Jobs = None,
    wait: Wait = None,
) -> None:
    """Join a study's radiomics and deep features: principal components by fold, then the DLR signature.

    \b
    Examples:
      dlr fuse --pca 64
      dlr fuse runs/her2_ultrasound --pca 0.95
    """
    from dlr.opening import study_opening, the_study

    start = study_opening(the_study(study), [*(sets or []), f"fuse.n_components={pca}"])
    result = _run(start, jobs=jobs, only="fusion_model", wait=wait)
    folder = result.folders.get("fusion_model")
    if folder is None:
        typer.echo(f"fusion_model left itself out: {result.left_out['fusion_model']}")
        return
    import csv

    with (folder / "shares.csv").open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    print_table(header, [[step, block, f"{float(count):.1f}"] for step, block, count in rows])
    typer.echo(str(folder))


engines = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Engines of radiomics.\n\n\b\nExamples:\n  dlr radiomics compare --n 20",
)
app.add_typer(engines, name="radiomics")


@engines.command()
@guarded
def compare(
    study: Annotated[Path | None, Argument(help="Study folder; without it data_manifest.csv here.")] = None,
    manifest: Manifest = None,
    n: Annotated[int, Option("--n", help="Cases, spread evenly over the manifest.")] = 20,
    pipeline: Annotated[str, Option(help="The pipeline whose settings are taken.")] = "her2_ultrasound",
    params: Params = None,
    sets: Sets = None,
) -> None:
    """Native against pyradiomics on your own cases.

    \b
    Examples:
      dlr radiomics compare --n 20
      dlr radiomics compare runs/her2_ultrasound --n 5
      dlr radiomics compare --manifest patients.csv --set radiomics.profile=hu1561
    """
    from dlr.opening import opening, study_opening, the_study

    if study is not None and (manifest is not None or params is not None):
        raise InputError(str(study), "a study has its own manifest and settings", "give the study or --manifest")
    if study is not None:
        start = study_opening(the_study(study), sets or ())
    else:
        start = opening(pipeline, manifest, params, overrides=sets or ())
    from dlr.stages.engine_comparison import compare_cohort

    result = compare_cohort(start.manifest, start.settings, n)
    print_table(
        ["family", "features", "largest relative difference", "of", "case", "by one engine only"],
        [
            [
                row.family,
                str(row.features),
                f"{row.largest_difference:.1e}",
                row.feature,
                row.case_id,
                str(row.one_sided),
            ]
            for row in result.families.itertuples()
        ],
    )
    for row in result.problems.itertuples():
        typer.echo(f"! case {row.case_id} is not measured by {row.engine}: {row.what}")
    native, reference = result.seconds["seconds"].sum(), result.seconds["reference_seconds"].sum()
    typer.echo(
        f"{len(result.seconds)} cases: native {native:.2f} s, pyradiomics {reference:.2f} s"
        + (f", {reference / native:.0f} times as long" if native > 0 else "")
    )


@app.command()
@guarded
def status(study: StudyArgument = None, sets: Sets = None) -> None:
    """What a study holds, and which part of a key changed since.

    \b
    Examples:
      dlr status
      dlr status runs/her2_ultrasound --set learn.seeds=5
    """
    from dlr.engine import Inputs, looks_at
    from dlr.engine import status as study_status
    from dlr.opening import study_opening, the_study

    found = the_study(study)
    start = study_opening(found, sets or ())
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


@app.command()
@guarded
def predict(
    study: Annotated[Path, Argument(help="Study folder, for example runs/her2_ultrasound.")],
    manifest: Annotated[Path, Argument(help="Table of the new patients, as for a run.")],
    out: Annotated[Path | None, Option(help="File of the probabilities (CSV).")] = None,
    jobs: Jobs = None,
) -> None:
    """Probabilities for new patients by every model of a study.

    \b
    Examples:
      dlr predict runs/her2_ultrasound new_patients.csv
      dlr predict runs/mine new.xlsx --out new_p.csv
    """
    from dlr.opening import study_opening, the_study

    if not manifest.is_file():
        raise InputError(str(manifest), "there is no such manifest", "give the path of the new patients' table")
    found = the_study(study)
    from dlr.stages.predict import predict_patients

    start = study_opening(found)
    target = out if out is not None else manifest.with_name(f"{manifest.stem}_predictions.csv")
    typer.echo(str(predict_patients(found, start.settings, manifest.absolute(), target, jobs=jobs or _cores())))


@app.command()
@guarded
def nomogram(study: StudyArgument = None) -> None:
    """Draw a study's nomogram again, from what the store holds.

    \b
    Examples:
      dlr nomogram
      dlr nomogram runs/her2_ultrasound
    """
    _again(study, "nomogram")


@app.command()
@guarded
def report(study: StudyArgument = None, sets: Sets = None) -> None:
    """Write a study's report again, from what the store holds.

    \b
    Examples:
      dlr report
      dlr report runs/her2_ultrasound --set report.tiff=true
    """
    _again(study, "report", sets)


def _again(study: Path | None, stage: str, sets: list[str] | None = None) -> None:
    from dlr.opening import study_opening, the_study

    result = _run(study_opening(the_study(study), sets or ()), only=stage)
    if stage in result.left_out:
        typer.echo(f"{stage} left itself out: {result.left_out[stage]}")
    print_results(result)


def _run(start: Opening, *, jobs: int | None = None, **options: Any) -> Result:
    from dlr.engine import run_pipeline

    jobs = _cores() if jobs is None else jobs
    return run_pipeline(
        start.pipeline, start.study, start.manifest, start.settings, features=start.features, jobs=jobs, **options
    )


def _make_cohort(folder: Path, manifest: Path) -> None:
    """Make the built-in cohort's images, unless they are there."""
    from dlr.engine import Screen
    from dlr.phantom import is_built_in, make_cohort, missing_files

    if manifest.is_file() and is_built_in(manifest) and not missing_files(manifest):
        return
    screen = Screen()
    screen.say(f"making the built-in cohort in {folder.absolute()}")
    with screen.bar("cohort", 1, "cases") as bar:
        make_cohort(folder, progress=bar.at)


def _cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
