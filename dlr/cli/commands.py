"""Every command in the order in which --help lists them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer import Option

from dlr import __version__
from dlr.cli.checks import compare, doctor
from dlr.cli.command_line import Remembering
from dlr.cli.draft import init
from dlr.cli.predict import predict
from dlr.cli.run import demo, fuse, run, run_stage
from dlr.cli.screen import say
from dlr.cli.share import share
from dlr.cli.study import nomogram, report, status
from dlr.cli.superres import try_images

__all__ = ["app", "main"]


def main() -> None:
    """The entry point of the command `dlr`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names in any script, also where the console is not UTF-8
            stream.reconfigure(errors="replace")
    app()


app = typer.Typer(
    cls=Remembering,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="From patients, images, outlines and clinical values to an honest prediction study.\n\n"
    "A first look: `dlr demo`. Your own data: `dlr init`, then `dlr run`.",
)
engines = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Engines of radiomics.\n\n\b\nExamples:\n  dlr radiomics compare --n 20",
)

enlarging = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Super-resolution of single images.\n\n\b\nExamples:\n  dlr superres try images/00123.png",
)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, Option("--version", help="Print the version.")] = False) -> None:
    if version:
        say(f"dlr {__version__}")
        raise typer.Exit


for _command in (demo, init, doctor, run, run_stage, fuse, status, predict, nomogram, report, share):
    app.command(_command.__name__.replace("_", "-"))(_command)
engines.command()(compare)
app.add_typer(engines, name="radiomics")
enlarging.command("try")(try_images)
app.add_typer(enlarging, name="superres")
