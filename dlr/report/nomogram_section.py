"""Section 6, the nomogram: drawn with one worked patient, its points, and how to get a new patient's signature."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from dlr.figures import draw_nomogram, nomogram_rows, theme
from dlr.report.blocks import Block, Copy, Missing, Prose, Section
from dlr.report.nomogram_words import range_table, worked_patient
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.stats import Nomogram

__all__ = ["nomogram_section", "predict_command"]


def nomogram_section(sources: Sources, press: Press) -> Section:
    """The primary nomogram in full, the other admissible sets as links."""
    stored = (sources.json("nomogram", "nomogram.json") or {}).get("sets")
    if not stored:
        missing = Missing("The nomogram", sources.why("nomogram", "nomogram.json"))
        return Section(6, "nomogram", "The nomogram", (missing,))
    sets = sorted(stored, key=lambda entry: not entry.get("primary", False))
    first = sets[0]
    drawn = _read(first["nomogram"])
    patient = _patient(first)
    target = sources.targets[0] if sources.targets else "outcome"
    panel = Panel(
        partial(draw_nomogram, drawn, patient=patient, risk_label=f"Risk of {target}", font_size=8.5),
        9.4, 0.5 + 0.55 * nomogram_rows(drawn),
    )  # fmt: skip
    pages = _copy_pages(sources, press)
    figure = press.figure(
        "nomogram_figure", f"Nomogram: {first['name']}",
        "Read each value's points on the top line, add them, and read the risk under the total. In colour: the worked "
        "patient below.", [panel], sources.table("nomogram", "points.csv"),
    )  # fmt: skip
    blocks: list[Block] = [replace(figure, files=tuple(("A4 page", page) for page in pages[:1]))]
    if patient is not None:
        name = (first.get("example") or {}).get("patient_id", "the example")
        shown = worked_patient(drawn, patient)
        blocks.append(
            press.table("worked_patient", f"One worked patient: {name}", shown, strong=[len(shown) - 2, len(shown) - 1])
        )
    ranges = (
        "The training range is what the model has seen; a patient beyond it is computed by the same line and named."
    )
    blocks.append(press.table("training_range", "Axes and their training range", range_table(drawn), note=ranges))
    blocks.append(
        Prose((
            "A new patient's signature cannot be read off an image by eye. It takes the image, an outline of the "
            "lesion drawn "
            "as for this study, and the saved chains of this run. A manifest with these columns goes through "
            "this command:",
        ))
    )  # fmt: skip
    blocks.append(Copy("A new patient", predict_command(sources)))
    blocks.append(Prose((
        "It prints the probability of every signature and of the Combined model, the points, and a flag where a "
        "value lies "
        "outside the training range. The signature is the mean logit over all saved chains.",
    )))  # fmt: skip
    check = sources.table("nomogram", "check.csv")
    if check is not None:
        worst = float(check["max_difference"].max())
        words = (
            f"Checked on {int(check['patients'].max())} patients: the points give the model's probability back to "
            f"{worst:.0e} (allowed: 1e-06)."
        )
        blocks.append(Prose((words,), quiet=True))
    if len(sets) > 1:
        shown = pd.DataFrame({
            "Set of variables": [entry["name"] for entry in sets],
            "Primary": ["yes" if entry.get("primary") else "" for entry in sets],
            "A4 page": [f"figures/{entry['file']}" if entry.get("file") else theme.NOTHING for entry in sets],
        })  # fmt: skip
        note = "Every admissible set is drawn; the primary one was named beforehand."
        blocks.append(press.table("nomogram_sets", "Admissible sets", shown, note=note))
    return Section(6, "nomogram", "The nomogram", tuple(blocks))


def predict_command(sources: Sources) -> str:
    """The line that gives a new patient's signature."""
    return f"dlr predict {sources.about.run_folder or 'runs/STUDY'} manifest.csv"


def _read(stored: Mapping[str, Any] | str) -> Nomogram:
    return Nomogram.from_json(stored if isinstance(stored, str) else json.dumps(stored))


def _patient(entry: Mapping[str, Any]) -> pd.DataFrame | None:
    example = dict(entry.get("example") or {})
    name = example.pop("patient_id", "")
    return pd.DataFrame([example], index=[name]) if example else None


def _copy_pages(sources: Sources, press: Press) -> list[str]:
    folder = sources.folders.get("nomogram")
    if folder is None:
        return []
    names = []
    for page in sorted(folder.glob("nomogram*.pdf")):
        shutil.copyfile(page, press.out / "figures" / page.name)
        names.append(f"figures/{page.name}")
    return names
