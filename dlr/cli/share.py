"""The command that makes of a study what may be handed on."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from dlr import __version__
from dlr.cli.options import StudyArgument
from dlr.cli.screen import guarded, say
from dlr.cli.start import find_study
from dlr.cli.study import sources_again

if TYPE_CHECKING:
    from dlr.engine import Study

__all__ = ["share"]

README = """A study made by dlr {version}, to be handed on.

report.html    opens in any browser; its figures and tables lie beside it
settings.yaml  every setting
stages/        the fitted models and what they were judged by

Predict patients of your own (pip install dlr):  dlr predict {name} new_patients.csv

{rows}
No path of the computer it was made on, no image and no map of a patient is in it.
"""
WITHOUT = "It holds no rows of patients: tables of patients and cases are here with their headers alone."
WITH = "It holds THE ROWS OF PATIENTS (ids, outcomes, features), as its maker asked for: treat it as data of patients."


@guarded
def share(
    study: StudyArgument = None,
    out: Annotated[Path | None, Option(help="Folder, or file ending in .zip; NAME_shared.zip here by default.")] = None,
    with_patients: Annotated[bool, Option("--with-patients", help="With the rows of patients.")] = False,
) -> None:
    """A copy of a study to hand on: report, models and settings; no rows of patients, no images, no paths.

    \b
    Examples:
      dlr share
      dlr share runs/mine --out for_the_reviewers.zip
    """
    from dlr.engine.outputs import check_new
    from dlr.study.sharing import packed

    found = find_study(study)
    target = out if out is not None else Path(f"{found.folder.name}_shared.zip")
    check_new(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sharing-", dir=target.parent) as beside:
        made = Path(beside) / target.stem
        _make(found, made, with_patients)
        if target.suffix == ".zip":
            packed(made, Path(beside) / target.name).rename(target)
        else:
            made.rename(target)
    say(f"{target}: {WITH if with_patients else WITHOUT}")


def _make(study: Study, folder: Path, with_patients: bool) -> None:
    """The copy, its report and a page that says what it is, in a new folder."""
    from dlr.engine import open_study
    from dlr.report import draw_page
    from dlr.study.sharing import copy_study

    copy_study(study, folder, with_patients)
    sources = sources_again(open_study(folder))
    sources.about = replace(sources.about, without_patients=not with_patients)
    draw_page(sources, folder)
    text = README.format(version=__version__, name=folder.name, rows=WITH if with_patients else WITHOUT)
    (folder / "README.txt").write_text(text, encoding="utf-8", newline="\n")
