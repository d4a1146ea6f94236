"""Options and arguments that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from dlr.cli.start import shipped_pipelines

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
