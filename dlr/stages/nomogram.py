"""Stage nomogram: every admissible set of variables on paper, checked on every patient."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from dlr.engine import Run, stage
from dlr.errors import InputError
from dlr.stats import LogisticFit, Nomogram
from dlr.study.application import Application
from dlr.study.cohort import CohortTables, binary_words, read_cohort
from dlr.study.combined import combined_inputs, read_sets
from dlr.study.drawn_sets import points_of, sets_to_draw
from dlr.tables import CHECK, COMBINED_INPUTS, PATIENT_POINTS, POINTS
from dlr.words import Side

__all__ = ["TOLERANCE", "nomogram"]

TOLERANCE = 1e-6  # points must give the model's probability back to this
STORED = "nomogram.json"


def apply_nomogram(given: Application) -> None:
    """Each new patient's points on every drawn nomogram."""
    inputs = given.made.of(COMBINED_INPUTS)
    sets = {(saved.target, saved.protocol, saved.name): saved for saved in read_sets(given.needs.combine)}
    try:
        stored = json.loads((given.home / STORED).read_text(encoding="utf-8"))["sets"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(str(given.home / STORED), f"cannot be read ({error})", "run the study again") from error
    for entry in stored:
        saved = sets[entry["target"], entry["protocol"], entry["name"]]
        own = (inputs[["target", "protocol", "variant"]] == [saved.target, saved.protocol, saved.variant]).all(axis=1)
        values = inputs[own].set_index("patient_id").drop(columns=["target", "protocol", "variant"])
        frame = saved.model.filled(saved.complete(values))
        if len(frame):
            paper = Nomogram.from_dict(entry["nomogram"])
            given.made.give(PATIENT_POINTS, points_of(paper, frame).assign(target=saved.target, set=saved.name))


@stage(
    "nomogram",
    version=5,
    needs=["cohort", "combine"],
    sections=["nomogram"],
    libraries=["matplotlib"],
    publish=["nomogram.pdf"],
    gives=[POINTS, CHECK],
    apply=apply_nomogram,
)
def nomogram(run: Run) -> None:
    """The Combined model on one A4 page: points, total points, risk, and one patient worked through."""
    from dlr.report import draw_nomogram_page  # matplotlib only where something is drawn

    tables = read_cohort(run.needs.cohort)
    sets = read_sets(run.needs.combine)
    drawn = sets_to_draw(tables, sets)
    if not drawn:
        run.leave_out("; ".join(dict.fromkeys(s.model.nomogram_reason for s in sets)) or "there is no Combined model")
    entries, points, checks = [], [], []
    labels = {column.name: column.title for column in tables.columns}
    levels = {
        column.name: dict(zip(("0", "1"), binary_words(column), strict=True))
        for column in tables.columns
        if column.kind == "binary"
    } | {
        column.name: {str(k): level for k, level in enumerate(column.levels)}
        for column in tables.columns
        if column.kind == "ordered"
    }
    for one in drawn:
        saved, fit = one.saved, one.fit
        frame = saved.model.filled(combined_inputs(run.needs.combine, saved))[list(fit.variables)].dropna()
        training = frame[frame.index.map(tables.sides) == Side.TRAIN]
        paper = Nomogram.from_logistic(fit, labels=labels, level_labels=levels, patients=training)
        difference = float(np.abs(paper.risk(paper.total(frame)) - fit.predict(frame)).max()) if len(frame) else 0.0
        assert difference <= TOLERANCE, f"the nomogram of {saved.name} misses its model by {difference:g}"
        checks.append((saved.target, saved.name, len(frame), difference))
        example = example_patient(run, tables, frame, fit)
        title = f"{saved.target}: " + ", ".join(labels.get(name, name) for name in fit.variables)
        title += f" ({saved.variant})" if saved.variant else ""
        draw_nomogram_page(
            paper,
            run.folder / one.file,
            title=title,
            example=frame.loc[[example]],
            example_id=example,
            risk_label=f"Risk of {saved.target} positive",
            command=f"dlr predict {run.study_words} manifest.csv",
        )
        points.append(paper.table().assign(target=saved.target, set=saved.name).astype({"value": str}))
        entries.append(one.entry(title, paper, frame.loc[[example]]))
    POINTS.write(run.folder, pd.concat(points, ignore_index=True))
    CHECK.write(run.folder, pd.DataFrame(checks, columns=list(CHECK.names)))
    text = json.dumps({"sets": entries}, ensure_ascii=False, indent=1)
    (run.folder / STORED).write_text(text, encoding="utf-8")
    run.log(f"{len(drawn)} drawn; points give the model's probability back to {max(c[-1] for c in checks):.1g}")


def example_patient(run: Run, tables: CohortTables, frame: pd.DataFrame, fit: LogisticFit) -> str:
    """The patient asked for, else the held-out one nearest the upper quartile of risk, so that every row has points."""
    wanted = run.settings.nomogram.example
    if wanted is not None and wanted in frame.index:
        return wanted
    if wanted is not None:
        run.warn(f"nomogram.example: no patient {wanted} with complete values; another one is drawn")
    sides = tables.sides
    held_out = [p for p in frame.index if sides.get(p) in (Side.TEST, Side.EXTERNAL)] or list(frame.index)
    risk = fit.predict(frame.loc[held_out])
    return str(held_out[int(np.argmin(np.abs(risk - np.quantile(risk, 0.75))))])
