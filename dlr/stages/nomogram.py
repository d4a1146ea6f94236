"""Stage nomogram: every admissible set of variables on paper, checked on every patient."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from dlr.engine import Run, stage
from dlr.stages.clinical import binary_words
from dlr.stages.combine import combined_inputs, read_sets
from dlr.stages.tables import CohortTables, read_cohort
from dlr.stats import LogisticFit, Nomogram
from dlr.words import Protocol, Side

__all__ = ["TOLERANCE", "nomogram"]

TOLERANCE = 1e-6  # points must give the model's probability back to this


@stage(
    "nomogram",
    version=2,
    needs=["cohort", "combine"],
    sections=["nomogram"],
    libraries=["matplotlib"],
    publish=["nomogram.pdf"],
)
def nomogram(run: Run) -> None:
    """The Combined model on one A4 page: points, total points, risk, and one patient worked through."""
    from dlr.report import draw_nomogram_page  # matplotlib only where something is drawn

    tables = read_cohort(run.needs.cohort)
    sets = [s for s in read_sets(run.needs.combine) if s.protocol == Protocol.CROSSFIT] or read_sets(run.needs.combine)
    admissible = [(s, s.model.nomogram) for s in sorted(sets, key=lambda s: not s.primary)]
    drawn, points, checks = [], [], []
    columns = {column.name: column for column in tables.columns}
    labels = {name: column.title for name, column in columns.items()}
    levels = {
        name: dict(zip(("0", "1"), binary_words(column), strict=True))
        for name, column in columns.items()
        if column.kind == "binary"
    }
    for number, (saved, fit) in enumerate((s, f) for s, f in admissible if f is not None):
        paper = Nomogram.from_logistic(fit, labels=labels, level_labels=levels)
        frame = saved.model.filled(combined_inputs(run.needs.combine, saved))[list(fit.variables)].dropna()
        title = f"{saved.target}: " + ", ".join(labels.get(name, name) for name in fit.variables)
        title += f" ({saved.variant})" if saved.variant else ""
        difference = float(np.abs(paper.risk(paper.total(frame)) - fit.predict(frame)).max()) if len(frame) else 0.0
        assert difference <= TOLERANCE, f"the nomogram of {saved.name} misses its model by {difference:g}"
        checks.append((saved.name, len(frame), difference))
        example = example_patient(run, tables, frame, fit)
        file = "nomogram.pdf" if number == 0 else f"nomogram_{number + 1}.pdf"
        draw_nomogram_page(
            paper,
            run.folder / file,
            title=title,
            example=frame.loc[[example]],
            example_id=example,
            risk_label=f"Risk of {saved.target} positive",
            command=f"dlr predict {run.study_words} manifest.csv",
        )
        points.append(paper.table().assign(set=saved.name))
        drawn.append(
            {
                "name": saved.name,
                "target": saved.target,
                "protocol": saved.protocol,
                "title": title,
                "primary": number == 0,
                "file": file,
                "nomogram": paper.to_dict(),
                "example": {"patient_id": example, **_plain(frame.loc[example])},
            }
        )
    if not drawn:
        run.leave_out("; ".join(dict.fromkeys(s.model.nomogram_reason for s in sets)) or "there is no Combined model")
    pd.concat(points, ignore_index=True)[["set", "variable", "value", "points"]].to_csv(
        run.folder / "points.csv", index=False
    )
    pd.DataFrame(checks, columns=["set", "patients", "max_difference"]).to_csv(run.folder / "check.csv", index=False)
    text = json.dumps({"sets": drawn}, ensure_ascii=False, indent=1)
    (run.folder / "nomogram.json").write_text(text, encoding="utf-8")
    run.log(f"{len(drawn)} drawn; points give the model's probability back to {max(c[2] for c in checks):.1g}")


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


def _plain(row: pd.Series) -> dict[str, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}
