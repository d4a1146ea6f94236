# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section methods: Methods text ready to paste with this run's numbers, evidence for standards, settings, versions."""

from __future__ import annotations

import pandas as pd
import yaml

from dlr.report.blocks import Block, Copy, Heading, Prose, Section
from dlr.report.contents import section
from dlr.report.evidence import Evidence
from dlr.report.methods import methods_text
from dlr.report.press import Press
from dlr.report.reporting import reporting_table
from dlr.report.sources import Sources

__all__ = ["methods_section"]

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
        Copy("Methods, ready to paste", methods_text(sources, evidence), prose=True),
        Heading("Evidence for reporting standards"),
        Prose((STANDARDS,), quiet=True),
        press.table("reporting", "TRIPOD+AI, CLEAR and METRICS", reporting_table(sources, evidence), most=200),
        Heading("Settings, versions, seeds"),
        Copy("Settings of this run", settings),
        press.table("versions", "Software", versions, note=seeds),
    ]
    if about.command:
        blocks.append(Copy("The command of this run", about.command))
    if about.warnings:
        shown = pd.DataFrame(about.warnings, columns=["Stage", "Warning"])
        blocks.append(press.table("warnings", "Warnings of this run", shown))
    if sources.left_out:
        shown = pd.DataFrame(list(sources.left_out.items()), columns=["Stage", "Why it left itself out"])
        blocks.append(press.table("left_out", "Stages left out", shown))
    return section("methods", sources, blocks)
