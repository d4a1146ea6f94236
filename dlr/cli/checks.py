"""Commands that check before a study: the installation with every row of a cohort, one engine against another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from dlr.cli.installation import installation
from dlr.cli.options import Features, Manifest, Out, Params, Sets
from dlr.cli.screen import guarded, print_table, say
from dlr.cli.start import DEFAULT_PIPELINE, find_study, prepare, prepare_again
from dlr.errors import InputError

if TYPE_CHECKING:
    from dlr.engine import Pipeline

__all__ = ["compare", "doctor"]


@guarded
def doctor(
    manifest: Annotated[Path | None, Argument(help="The manifest; data_manifest.csv here by default.")] = None,
    pipeline: Annotated[str, Option(help="The pipeline it is meant for.")] = DEFAULT_PIPELINE,
    params: Params = None,
    features: Features = None,
    sets: Sets = None,
    out: Out = None,
) -> None:
    """Check this installation and every row, image and outline of a cohort, or its table of features.

    \b
    Examples:
      dlr doctor
      dlr doctor patients.xlsx --set cohort.target=malignant
      dlr doctor patients.xlsx --features features.csv
    """
    print_table(["", ""], installation())
    start = prepare(pipeline, manifest, params, features, sets or (), out=out)
    _check_profile(start.settings)
    last = start.pipeline.names[0] if features is None else _taking_features(start.pipeline)
    result = start.run(until=last)
    warned = sum(len(each.warnings) for each in result.outcomes)
    checked = start.manifest if features is None else f"{start.manifest} and {features}"
    say(f"{checked}: no error, {warned} warnings; see {result.folders[last]}")


def _check_profile(settings: Any) -> None:
    """InputError where what a later stage measures by is no profile."""
    radiomics = getattr(settings, "radiomics", None)
    if radiomics is not None:
        from dlr.radiomics import load_profile

        load_profile(radiomics.profile)


def _taking_features(pipeline: Pipeline) -> str:
    """The stage that reads a table of features, and finds rows that are copies."""
    from dlr.tables import COPIES

    found = next((stage.name for stage in pipeline.stages if COPIES in stage.gives), None)
    if found is None:
        raise InputError("--features", f"pipeline {pipeline.name} takes no table of features", "leave it out")
    return found


@guarded
def compare(
    study: Annotated[Path | None, Argument(help="Study folder; without it data_manifest.csv here.")] = None,
    manifest: Manifest = None,
    n: Annotated[int, Option("--n", help="Cases, spread evenly over the manifest.")] = 20,
    pipeline: Annotated[str, Option(help="The pipeline whose settings are taken.")] = DEFAULT_PIPELINE,
    params: Params = None,
    sets: Sets = None,
) -> None:
    """Native against pyradiomics on your own cases.

    \b
    Examples:
      dlr radiomics compare --n 20
      dlr radiomics compare runs/mine --n 5
      dlr radiomics compare --manifest patients.csv --set radiomics.profile=hu1561
    """
    if study is not None and (manifest is not None or params is not None):
        raise InputError(str(study), "a study has its own manifest and settings", "give the study or --manifest")
    if study is not None:
        start = prepare_again(find_study(study), sets or ())
    else:
        start = prepare(pipeline, manifest, params, overrides=sets or ())
    from dlr.study.engine_comparison import compare_cohort

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
        say(f"! case {row.case_id} is not measured by {row.engine}: {row.what}")
    native, reference = result.seconds["seconds"].sum(), result.seconds["reference_seconds"].sum()
    say(
        f"{len(result.seconds)} cases: native {native:.2f} s, pyradiomics {reference:.2f} s"
        + (f", {reference / native:.0f} times as long" if native > 0 else "")
    )
