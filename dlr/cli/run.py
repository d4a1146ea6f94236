"""Commands that compute a study: the built-in one, one's own, one stage of it, its fusion again."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from dlr.cli.options import (
    Dask,
    DryRun,
    Features,
    Force,
    Jobs,
    Manifest,
    Out,
    Params,
    PipelineName,
    Sets,
    StudyArgument,
    StudyName,
    Wait,
)
from dlr.cli.screen import guarded, print_plan, print_results, print_table, say
from dlr.cli.start import (
    DEFAULT_PIPELINE,
    MANIFEST,
    PARAMS,
    RUNS,
    cohorts_of_volumes,
    find_study,
    prepare,
    prepare_again,
)  # fmt: skip

if TYPE_CHECKING:
    from dlr.phantom import OfVolumes

__all__ = ["demo", "fuse", "run", "run_stage"]


@guarded
def demo(
    pipeline: Annotated[str, Option(help="The pipeline to show.")] = DEFAULT_PIPELINE,
    out: Annotated[
        Path | None, Option(help="Folder of the built-in cohort; the study goes below it.", show_default="this one")
    ] = None,
    jobs: Jobs = None,
    sets: Sets = None,
) -> None:
    """Run a whole study on the built-in cohort (learn.seeds=1); of volumes, in ./PIPELINE.

    \b
    Examples:
      dlr demo
      dlr demo --out first_look
      dlr demo --pipeline receptors_ultrasound3d
      dlr demo --pipeline receptors_dcemri
    """
    volumes = cohorts_of_volumes().get(pipeline)
    folder = out if out is not None else Path(pipeline if volumes else "")
    manifest = folder / MANIFEST
    _make_volumes(pipeline, volumes, folder, manifest) if volumes else _make_cohort(folder, manifest)
    study = folder / RUNS / pipeline
    start = prepare(pipeline, manifest, overrides=["learn.seeds=1", *(sets or [])], out=study)
    result = start.run(jobs=jobs)
    again = f"dlr run{f' {pipeline}' if volumes else ''}{'' if folder == Path() else f' (in {folder})'}"
    if volumes:
        say(f"Small networks were used here; edit {folder / PARAMS}, then: {again}")
    else:
        say(f"One seed was used here; with all: {again}")
    print_results(result)


@guarded
def run(
    pipeline: PipelineName = DEFAULT_PIPELINE,
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
      dlr run --manifest patients.xlsx --set cohort.target=malignant
      dlr run --params her2_published --name published
      dlr run --dry-run
    """
    start = prepare(pipeline, manifest, params, features, sets or (), name, out)
    result = start.run(jobs=jobs, dask=dask, until=until, force=force or (), dry_run=dry_run, wait=wait)
    print_plan(result) if dry_run else print_results(result)


@guarded
def run_stage(
    stage: Annotated[str, Argument(help="The stage, for example radiomics.")],
    pipeline: PipelineName = DEFAULT_PIPELINE,
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
    start = prepare(pipeline, manifest, params, features, sets or (), name, out)
    forced = (stage,) if force else ()
    result = start.run(jobs=jobs, dask=dask, only=stage, force=forced, dry_run=dry_run, wait=wait)
    if dry_run:
        print_plan(result)
    else:
        folder = result.folders[stage]
        say(str(folder) if folder is not None else f"{stage} left itself out: {result.left_out[stage]}")


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
      dlr fuse runs/mine --pca 0.95
    """
    start = prepare_again(find_study(study), [*(sets or []), f"fuse.n_components={pca}"])
    result = start.run(jobs=jobs, only="fusion_model", wait=wait)
    folder = result.folders.get("fusion_model")
    if folder is None:
        say(f"fusion_model left itself out: {result.left_out['fusion_model']}")
        return
    from dlr.tables import SHARES

    shares = SHARES.read(folder)
    rows = [[*map(str, row[:-1]), f"{row[-1]:.1f}"] for row in shares.itertuples(index=False, name=None)]
    print_table(SHARES.names, rows)
    say(str(folder))


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


def _make_volumes(pipeline: str, kind: type[OfVolumes], folder: Path, manifest: Path) -> None:
    """Make a pipeline's built-in cohort of volumes and the small settings beside it, unless they are there."""
    from dlr import phantom
    from dlr.engine import Screen

    if not (manifest.is_file() and phantom.built_in_volumes(manifest) is kind and not phantom.missing_files(manifest)):
        screen = Screen()
        screen.say(f"making the built-in cohort of volumes in {folder.absolute()}")
        with screen.bar("cohort", 1, "volumes") as bar:
            phantom.make_volume_cohort(folder, kind(), progress=bar.at)
    params = folder / PARAMS
    if not params.exists():  # one that was edited stays
        small = resources.files("dlr.params") / f"{pipeline}_demo.yaml"
        params.write_text(small.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
