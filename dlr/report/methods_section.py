# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section methods: Methods text ready to paste with this run's numbers, evidence for standards, settings, versions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import yaml

from dlr.engine import one_a_kind
from dlr.report.blocks import Block, Copy, Heading, Prose, Section
from dlr.report.contents import section
from dlr.report.evidence import Evidence
from dlr.report.methods import methods_text
from dlr.report.press import Press
from dlr.report.reporting import reporting_table
from dlr.report.sources import Sources

__all__ = ["methods_section"]

BEHIND = "What was done and with what: a text for the paper, the evidence that reporting standards ask for, every setting and release."
OF_SPEED = "Without the options that only say how fast (--jobs, --dask, --wait)."
EVERY_ONE = "A line a kind of warning; the CSV has every one."
STANDARDS = "What this run can show for TRIPOD+AI (2024), CLEAR and METRICS; it judges nothing. Items on aims, ethics, discussion and funding are the authors'."


def methods_section(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """What stands behind every number."""
    about = sources.about
    house = sources.settings.model_dump(mode="json", serialize_as_any=True, exclude=set(about.lacks))
    values = house | dict(about.further)
    settings = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    versions = pd.DataFrame([("dlr", about.version), *sorted(about.versions.items())], columns=["Software", "Version"])
    seeds = f"Study seed {about.seed}; every random draw has a generator named after its purpose."
    blocks: list[Block] = [
        Prose((BEHIND,)),
        *_commands(about.commands),
        Heading("Methods, ready to paste"),
        Copy("Methods, ready to paste", methods_text(sources, evidence), prose=True),
        Heading("Evidence for reporting standards"),
        Prose((STANDARDS,), quiet=True),
        press.table("reporting", "TRIPOD+AI, CLEAR and METRICS", reporting_table(sources, evidence), most=200),
        Heading("Settings, versions, seeds"),
        Copy("Settings of this run", settings),
        press.table("versions", "Software", versions, note=seeds),
        *_warnings(press, about.warnings),
    ]
    if sources.left_out:
        shown = pd.DataFrame(list(sources.left_out.items()), columns=["Stage", "Why it left itself out"])
        blocks += [Heading("Stages left out"), press.table("left_out", "Stages left out", shown)]
    return section("methods", sources, blocks)


def _commands(lines: Sequence[str]) -> list[Block]:
    """What was typed."""
    title = "The command of this run" if len(lines) == 1 else "The commands of this run"
    return [Copy(title, "\n".join(lines)), Prose((OF_SPEED,), quiet=True)] if lines else []


def _warnings(press: Press, said: Sequence[tuple[str, str]]) -> list[Block]:
    """A line a kind; the CSV has every one."""
    if not said:
        return []
    names, title = ["Stage", "Warning"], "Warnings of this run"
    stages = dict.fromkeys(stage for stage, _ in said)
    lines = [(stage, line) for stage in stages for line in one_a_kind([text for of, text in said if of == stage])]
    shown, whole = pd.DataFrame(lines, columns=names), pd.DataFrame(said, columns=names)
    return [
        Heading(title),
        press.table("warnings", title, shown, whole, note=EVERY_ONE if len(lines) < len(said) else ""),
    ]
