"""The command that predicts new patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from dlr.cli.options import Jobs
from dlr.cli.screen import guarded, say
from dlr.cli.start import DEFAULT_PIPELINE, RUNS, as_it_ran, cores, find_study
from dlr.errors import InputError

__all__ = ["predict"]


@guarded
def predict(
    study: Annotated[Path, Argument(help=f"Study folder, for example {RUNS}/{DEFAULT_PIPELINE}.")],
    manifest: Annotated[Path, Argument(help="Table of the new patients, as for a run.")],
    out: Annotated[Path | None, Option(help="File of the probabilities (CSV).")] = None,
    jobs: Jobs = None,
) -> None:
    """Probabilities for new patients by every model of a study.

    \b
    Examples:
      dlr predict runs/mine new_patients.csv
      dlr predict runs/mine new.xlsx --out new_p.csv
    """
    if not manifest.is_file():
        raise InputError(str(manifest), "there is no such manifest", "give the path of the new patients' table")
    found = find_study(study)
    from dlr.study.prediction import doubt_of_images, predict_patients

    start = as_it_ran(found)
    target = out if out is not None else manifest.with_name(f"{manifest.stem}_predictions.csv")
    done = predict_patients(found, start.pipeline, start.settings, manifest.absolute(), target, jobs=jobs or cores())
    doubt = doubt_of_images(found)
    if doubt is not None:
        say(f"! {doubt}", err=True)
    say(str(done))
