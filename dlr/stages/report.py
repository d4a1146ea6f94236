"""Stage report: the page, its figures and tables, and the contact sheet of outlines."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

import dlr
from dlr.cohort import read_case
from dlr.engine import Run, stage
from dlr.engine.stage import release
from dlr.errors import InputError
from dlr.stages.tables import read_cohort

__all__ = ["report"]

STAGES = (
    "radiomics", "stability", "clinical", "radiomics_model", "deep", "attention", "fuse", "fusion_model", "combine",
    "evaluate", "nomogram",
)  # fmt: skip
LIBRARIES = (
    "numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "xgboost", "simpleitk", "pyradiomics", "pywavelets",
    "torch",
)  # fmt: skip
SECTIONS = ("cohort", "radiomics", "stability", "clinical", "learn", "combine", "evaluate", "nomogram", "report")


@stage(
    "report",
    version=1,
    needs=["cohort"],
    optional=list(STAGES),
    sections=list(SECTIONS),
    libraries=["matplotlib"],
    publish=["report.html", "figures", "tables", "contact_sheet.pdf"],
)
def report(run: Run) -> None:
    """One page that a reader can check, with every figure as PDF and every number as CSV."""
    from dlr.report import About, build_report  # matplotlib only where something is drawn

    write_contact_sheet(run)
    folders: dict[str, Path | None] = {"cohort": run.needs.cohort}
    folders |= {name: getattr(run.needs, name) for name in STAGES}
    about = About(
        study=run.settings.report.title or run.store.study.name,
        pipeline="her2_ultrasound",
        version=dlr.__version__,
        seed=run.seed,
        versions={name: release(name) for name in LIBRARIES if release(name) != "absent"},
        run_folder=run.study_words,
        command="dlr run",
        warnings=run.said,
    )
    settings = {name: getattr(run.settings, name).model_dump(mode="json") for name in SECTIONS}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        build_report(folders, run.left_out, settings | {"seed": run.seed}, run.folder, about)
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            run.warn(str(warning.message))


def write_contact_sheet(run: Run) -> None:
    """Every outline over its image, the middle slice of a volume; cases that cannot be read were named before."""
    from dlr.report import Outlined, contact_sheet, example_picture

    tables = read_cohort(run.needs.cohort)
    if run.inputs.features is not None or not len(tables.facts):
        return

    def outlined(cases: pd.DataFrame) -> Iterator[Outlined]:
        for row in cases.to_dict("records"):
            try:
                case = read_case(row, run.settings.cohort)
            except InputError as error:
                run.warn(f"contact sheet: {error.problems[0].where}: {error.problems[0].what}")
                continue
            largest = int(case.mask.sum(axis=(1, 2)).argmax())
            target = tables.targets[0]
            label = row[target]
            words = "unknown" if label != label else ("positive" if label == 1 else "negative")
            _, height, width = case.image.spacing
            yield Outlined(
                case.case_id,
                f"{target} {words}",
                case.image.array[largest],
                case.mask[largest],
                spacing=(height, width),
            )

    contact_sheet(outlined(tables.cases), run.folder / "contact_sheet.pdf")
    each = run.settings.report.examples
    examples = tables.cases.groupby(tables.targets[0], dropna=True).head(each)
    example_picture(outlined(examples), run.folder / "examples.png", each=each)
