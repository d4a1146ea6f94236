"""Stage report: the page, its figures and tables, and the contact sheet of outlines."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

import dlr
from dlr.engine import EVERYTHING, Run, Study, Task, open_study, stage
from dlr.engine.store import STAGE_RECORD, read_record
from dlr.settings import StudySettings
from dlr.study.contact_sheet import outlined, outlines_to_draw
from dlr.study.nesting import UNASKED as NO_NESTED
from dlr.study.permuting import UNASKED as NO_PERMUTATIONS
from dlr.study.superres import UNASKED as NO_SUPERRES
from dlr.words import ModelSpec

if TYPE_CHECKING:
    from dlr.report import Sources

__all__ = ["report"]

SHEET = "contact sheet"
SLOWEST_FIRST = ("models", "measured", "who", "answer")  # so that no worker is left with a long one at the end
WRITTEN = "section.json"
COPIED = ("figures", "tables", "contact_sheet.pdf", "examples.png")


@stage(
    "report",
    version=6,
    needs=["cohort"],
    optional=["superres"],
    asks=[EVERYTHING],
    sections=["*"],
    libraries=["matplotlib"],
    publish=["report.html", "figures", "tables", "contact_sheet.pdf"],
)
def report(run: Run) -> None:
    """One page that a reader can check, with every figure as PDF and every number as CSV."""
    from dlr.report import FinishedSection, bind, contents  # matplotlib only where something is drawn

    sources = what_there_is(run)
    outlines = outlines_to_draw(run)
    drawn = [SHEET] if outlines is not None else []
    there = contents(sources)
    drawn += sorted(there, key=lambda name: SLOWEST_FIRST.index(name) if name in SLOWEST_FIRST else len(there))
    tasks = [Task(name, {"report": run.key}, (sources, outlines)) for name in drawn]
    sections: dict[str, FinishedSection] = {}
    for folder in run.each(draw, tasks, label="sections"):
        written = json.loads((folder / WRITTEN).read_text(encoding="utf-8"))
        for line in written["warnings"]:
            run.warn(line)
        if written["section"] is not None:
            sections[written["name"]] = FinishedSection(**written["section"])
        for name in COPIED:
            if (folder / name).is_dir():
                shutil.copytree(folder / name, run.folder / name, dirs_exist_ok=True)
            elif (folder / name).is_file():
                shutil.copyfile(folder / name, run.folder / name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        bind([sections[name] for name in there], sources, run.folder)
    for warning in caught:
        run.warn(str(warning.message))


def what_there_is(run: Run) -> Sources:
    """What the page may be made of: all that earlier stages gave, all settings, and what the run says about itself."""
    folders = {name: getattr(run.needs, name) for name in run.gives}
    study = replace(open_study(run.store.study), folders=folders, left_out=dict(run.left_out))
    return sources_of(study, run.settings, run.seed, run.gives, run.models, run.said)


def sources_of(
    study: Study,
    settings: Any,
    seed: int,
    gives: Mapping[str, tuple[Any, ...]],
    models: tuple[ModelSpec, ...],
    said: tuple[tuple[str, str], ...],
) -> Sources:
    """The same of a study, also after its run.  settings : all sections as attributes.  said : stage and warning."""
    from dlr.report import About, Sources

    sections = {name: section for name, section in vars(settings).items() if isinstance(section, BaseModel)}
    house = {name: sections[name] for name in StudySettings.model_fields if name in sections}
    folders = {name: study.folders.get(name) for name in gives}
    about = About(
        study=study.folder.name,
        pipeline=study.pipeline,
        version=dlr.__version__,
        seed=seed,
        versions=releases([folder for folder in folders.values() if folder is not None]),
        run_folder=study.words,
        commands=study.commands,
        warnings=said,
        further={name: section.model_dump(mode="json") for name, section in sections.items() if name not in house},
        lacks=tuple(name for name in StudySettings.model_fields if name != "seed" and name not in sections),
    )
    left_out = {name: why for name, why in study.left_out.items() if name in folders and not unasked(why)}
    return Sources(folders, left_out, StudySettings(seed=seed, **house), about, gives, models)


def unasked(why: str) -> bool:
    """Whether a stage is left out as the settings never asked for it: nothing to tell a reader."""
    return any(words in why for words in (NO_SUPERRES, NO_PERMUTATIONS, NO_NESTED))


def releases(folders: list[Path]) -> dict[str, str]:
    """The libraries that stages say matter to their numbers, as they were when these were computed."""
    records = [read_record(folder / STAGE_RECORD) for folder in folders]
    found = {name: version for record in records if record for name, version in record["parts"]["libraries"].items()}
    return {name: version for name, version in sorted(found.items()) if version != "absent"}


def draw(task: Task, folder: Path) -> None:
    """The contact sheet, or one section of the page with its figures and tables."""
    from dlr.figures import contact_sheet, example_picture
    from dlr.report import build_section

    sources, outlines = task.payload
    section, said = None, list[str]()
    if task.name == SHEET:
        sheet = outlined(outlines.source, outlines.cases, outlines.targets, said, outlines.volumes)
        contact_sheet(sheet, folder / "contact_sheet.pdf", across=3 if outlines.volumes else 4)
    else:
        if task.name == "who" and outlines is not None:
            classes = outlines.classes
            cases = outlines.cases.groupby(classes[0].name, dropna=True) if classes else outlines.cases
            examples = outlined(outlines.source, cases.head(outlines.examples), classes, [], planes=False)
            example_picture(examples, folder / "examples.png", each=outlines.examples)
        section = asdict(build_section(task.name, sources, folder))
    written = {"name": task.name, "section": section, "warnings": said}
    (folder / WRITTEN).write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")
