# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section nomogram: that of every binary outcome: one worked patient, its points, how a new patient gets a signature."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from dlr.figures import draw_nomogram, nomogram_rows, theme
from dlr.report.blocks import Block, Copy, Heading, Missing, Prose, Section
from dlr.report.combined_set import left_words, named_beforehand, primary_set
from dlr.report.contents import section
from dlr.report.nomogram_words import range_table, worked_patient
from dlr.report.press import Panel, Press
from dlr.report.sources import Sources
from dlr.stats import Nomogram
from dlr.tables import CHECK, POINTS
from dlr.words import Target

__all__ = ["BINARY_ONLY", "as_drawn", "drawn_sets", "nomogram_section", "predict_command"]

BINARY_ONLY = "The Combined model and its nomogram are made for outcomes of two classes."
READING = "Read each value's points on the top line, add them, and read the risk under the total. In colour: the worked patient below."
RANGES = "The training range is what the model has seen; a patient beyond it is computed by the same line and named."
NEW_PATIENT = "A new patient's signature cannot be read off an image by eye. It takes the image, an outline of the lesion drawn as for this study, and the saved chains of this run. A manifest with these columns goes through this command:"
WHAT_IT_PRINTS = "It prints the probability of every signature and of the Combined model, the points, and a flag where a value lies outside the training range. The signature is the mean logit over all saved chains."


def nomogram_section(sources: Sources, press: Press) -> Section:
    """Every outcome's nomogram named beforehand in full, its other admissible sets as links."""
    blocks: list[Block] = []
    for target in sources.targets:
        own = drawn_sets(sources, target)
        if sources.several:
            blocks.append(Heading(target.name, opens=True))
        if own:
            blocks += _nomogram(sources, press, target, own)
        else:
            named = f"The nomogram for {target.name}" if sources.several else "The nomogram"
            blocks.append(Missing(named, sources.why(POINTS) if target.binary else BINARY_ONLY))
    if any(drawn_sets(sources, target) for target in sources.targets):
        blocks += [
            Heading("A new patient"),
            Prose((NEW_PATIENT,)),
            Copy("A new patient", predict_command(sources)),
            Prose((WHAT_IT_PRINTS,)),
        ]
    return section("nomogram", sources, blocks)


def drawn_sets(sources: Sources, target: Target) -> list[dict[str, Any]]:
    """An outcome's nomograms as they were stored, the one named beforehand first."""
    stored = (sources.document("nomogram.json") or {}).get("sets") or []
    own = [entry for entry in stored if entry["target"] == target.name]
    return sorted(own, key=lambda entry: not entry.get("primary", False))


def as_drawn(entry: Mapping[str, Any]) -> tuple[Nomogram, pd.DataFrame | None]:
    """A stored nomogram and its worked patient."""
    return _read(entry["nomogram"]), _patient(entry)


def _nomogram(sources: Sources, press: Press, target: Target, sets: list[dict[str, Any]]) -> list[Block]:
    """One outcome's: figure, worked patient, ranges, check, and the table of its sets."""
    first, name = sets[0], sources.slug(target)
    drawn, patient = as_drawn(first)
    panel = Panel(
        partial(draw_nomogram, drawn, patient=patient, risk_label=f"Risk of {target.name}", font_size=8.5),
        9.4, 0.5 + 0.55 * nomogram_rows(drawn),
    )  # fmt: skip
    title = f"Nomogram for {target.name}: {', '.join(axis.label for axis in drawn.axes)}"
    figure = press.figure(f"nomogram_{name}_figure", title, READING, [panel], sources.of(POINTS, target))
    pages = {str(entry["file"]): _copied(sources, press, entry) for entry in sets if entry.get("file")}
    first_page = pages.get(str(first.get("file")))
    chosen, check = primary_set(sources, target), sources.of(CHECK, target)
    named = [] if chosen is None else [
        named_beforehand(sources, chosen, [axis.name for axis in drawn.axes]), left_words(sources, chosen),
    ]  # fmt: skip
    said = [f"Points of {_and([axis.label for axis in drawn.axes])} give the risk of {target.name}.", *named]
    if check is not None:
        patients, worst = int(check["patients"].max()), float(check["max_difference"].max())
        said.append(
            f"Checked on {patients} patients: they give the model's probability back to {worst:.0e} (allowed: 1e-06)."
        )
    blocks: list[Block] = [
        Prose((" ".join(filter(None, said)),)),
        replace(figure, files=(("A4 page", first_page),) if first_page else ()),
    ]
    if patient is not None:
        shown = worked_patient(drawn, patient)
        worked = f"One worked patient for {target.name}: {patient.index[0]}"
        blocks.append(press.table(f"worked_patient_{name}", worked, shown, strong=[len(shown) - 2, len(shown) - 1]))
    axes = f"Axes and their training range for {target.name}"
    blocks.append(press.table(f"training_range_{name}", axes, range_table(drawn), note=RANGES))
    if len(sets) > 1:
        shown = pd.DataFrame({
            "Set that was named": [entry["name"] for entry in sets],
            "What is drawn": [", ".join(axis.label for axis in _read(entry["nomogram"]).axes) for entry in sets],
            "Primary": ["yes" if entry.get("primary") else "" for entry in sets],
            "A4 page": [pages.get(str(entry.get("file"))) or theme.NOTHING for entry in sets],
        })  # fmt: skip
        note = "Every admissible set is drawn; the primary one was named beforehand."
        blocks.append(press.table(f"nomogram_sets_{name}", f"Admissible sets for {target.name}", shown, note=note))
    return blocks


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def predict_command(sources: Sources) -> str:
    """The line that gives a new patient's signature."""
    return f"dlr predict {sources.about.run_folder or 'runs/STUDY'} manifest.csv"


def _read(stored: Mapping[str, Any] | str) -> Nomogram:
    return Nomogram.from_json(stored if isinstance(stored, str) else json.dumps(stored))


def _patient(entry: Mapping[str, Any]) -> pd.DataFrame | None:
    example = dict(entry.get("example") or {})
    name = example.pop("patient_id", "the example")
    return pd.DataFrame([example], index=[name]) if example else None


def _copied(sources: Sources, press: Press, entry: Mapping[str, Any]) -> str | None:
    """A set's A4 page beside the report; its link, None where the page is not there."""
    page = sources.beside(POINTS, str(entry["file"]))
    if page is None:
        return None
    shutil.copyfile(page, press.out / "figures" / page.name)
    return f"figures/{page.name}"
