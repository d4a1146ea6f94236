"""The report: declared tables in, one HTML page that opens from disk out, with figures as PDF and numbers as CSV."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from dlr.figures import theme
from dlr.report.answer import answer
from dlr.report.blocks import Section
from dlr.report.evidence import Evidence
from dlr.report.measured import measured
from dlr.report.methods import methods
from dlr.report.models import models
from dlr.report.nomogram_section import nomogram_section
from dlr.report.optimism import optimism
from dlr.report.press import Press
from dlr.report.seeing import seeing
from dlr.report.sources import About, Sources
from dlr.report.who import who

__all__ = ["build_report"]


def build_report(
    folders: Mapping[str, Path | None],
    left_out: Mapping[str, str],
    settings: Mapping[str, Any],
    out: Path,
    about: About,
) -> Path:
    """Write report.html, figures/ and tables/ into `out` and return the page's path.

    folders : outputs of every stage by its name, None for one that left itself out.  left_out : why, by stage.
    settings : the study's resolved settings as plain values.
    A warning is issued where the labels need a font that is not installed.
    """
    sources = Sources(folders, left_out, settings, about)
    press = Press(out, tiff=bool(sources.setting("report.tiff", False)))
    evidence = Evidence(sources)
    notice = theme.missing_font_warning(_texts(sources))
    if notice is not None:
        warnings.warn(notice, stacklevel=2)
    sections = (
        answer(sources, press, evidence),
        who(sources, press),
        measured(sources, press),
        models(sources, press, evidence),
        optimism(sources, press),
        nomogram_section(sources, press),
        seeing(sources, press),
        methods(sources, press, evidence),
    )
    page = out / "report.html"
    page.write_text(_render(sources, press, sections, notice), encoding="utf-8")
    return page


def _render(sources: Sources, press: Press, sections: tuple[Section, ...], notice: str | None) -> str:
    room = files("dlr.report")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    template = environment.from_string((room / "report.html.jinja").read_text(encoding="utf-8"))
    inlined = {name: Markup((room / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js")}
    title = sources.setting("report.title") or sources.about.study
    return template.render(
        title=title,
        about=sources.about,
        targets=sources.targets,
        sections=sections,
        figures=press.figures,
        tables=press.tables,
        notice=notice,
        accent=theme.ACCENT,
        style=inlined["report.css"],
        script=inlined["report.js"],
    )


def _breakable(text: str) -> Markup:
    """Escaped text in which long names may break after an underscore or a slash."""
    return Markup(re.sub("([_/])", r"\1<wbr>", str(escape(text))))


def _texts(sources: Sources) -> Iterator[str]:
    """Words of the user's that figures may show."""
    yield from sources.columns
    yield from (sources.title_of(name) for name in sources.columns)
    for column in sources.columns.values():
        yield from map(str, column.get("levels") or ())
    flow: pd.DataFrame | None = sources.table("cohort", "flow.csv")
    if flow is not None:
        yield from flow["reason"].dropna().astype(str)
        yield from flow["step"].dropna().astype(str)
    yield from sources.targets
