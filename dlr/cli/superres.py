"""Super-resolution without a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from dlr.cli.screen import guarded, say
from dlr.errors import InputError, require_extra

__all__ = ["try_images"]


@guarded
def try_images(
    images: Annotated[list[Path], Argument(help="Stills: PNG, JPEG, BMP, TIFF, NIfTI, NRRD, MHA, DICOM.")],
    method: Annotated[
        str | None, Option(help="psnr: a small network, fitted on these images; or bicubic.", show_default="psnr")
    ] = None,
    weights: Annotated[
        str | None, Option(help="real_esrgan, a weights file, or the folder of a run or of a saved generator.")
    ] = None,
    scale: Annotated[int, Option(help="2 or 4.")] = 4,
    out: Annotated[Path, Option(help="Folder of the pictures.")] = Path("superres_try"),
) -> None:
    """Show images before and after, and hold each against itself.

    \b
    Examples:
      dlr superres try images/00123.png
      dlr superres try images/*.png --weights real_esrgan --out looks
      dlr superres try new.dcm --weights runs/her2_ultrasound
    """
    if method is not None and weights is not None:
        raise InputError(f"--method {method}", "weights are a method of their own", "give --method or --weights")
    require_extra("superres", "super-resolution")
    from dlr.study.tried import prepare_trial

    trial = prepare_trial(images, method or "psnr", weights, scale, out)
    for still in trial.stills:
        for note in still.notes:
            say(f"! {still.path}: {note}", err=True)
    if weights is None and trial.method == "psnr":
        say("Fitting a small network on these images: about a minute", err=True)
    enhancer, about = trial.enhancer()
    say(about)
    for tried in trial.run(enhancer):
        say(tried.line)
    say("Whether details are true or invented is checked in a study: dlr run --set superres.method=psnr")
