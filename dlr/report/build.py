"""The report: declared tables in, one HTML page that opens from disk out, with figures as PDF and numbers as CSV.

The page is made of parts, a section each, that know nothing of one another: they may be drawn anywhere, in any order.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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

__all__ = ["PARTS", "Part", "bind", "build_part", "build_report"]

PARTS: dict[str, Callable[[Sources, Press, Evidence], Section]] = {  # in the order of the page
    "answer": answer,
    "who": lambda sources, press, _: who(sources, press),
    "measured": lambda sources, press, _: measured(sources, press),
    "models": models,
    "optimism": lambda sources, press, _: optimism(sources, press),
    "nomogram": lambda sources, press, _: nomogram_section(sources, press),
    "seeing": lambda sources, press, _: seeing(sources, press),
    "methods": methods,
}


@dataclass(frozen=True)
class Part:
    """A finished section of the page, and what was written beside it; plain values only."""

    anchor: str
    title: str
    html: str
    figures: tuple[tuple[str, str], ...]  # title, path of the PDF
    tables: tuple[tuple[str, str, int], ...]  # title, path of the CSV, rows


def build_part(name: str, sources: Sources, out: Path) -> Part:
    """Draw one of PARTS: its figures/ and tables/ into `out`."""
    press = Press(out, tiff=bool(sources.setting("report.tiff", False)))
    section = PARTS[name](sources, press, Evidence(sources))
    html = _template("section.html.jinja").render(section=section)
    figures = tuple((figure.title, figure.pdf) for figure in press.figures)
    return Part(section.anchor, section.title, html, figures, tuple(press.tables))


def bind(parts: Sequence[Part], sources: Sources, out: Path) -> Path:
    """Write report.html of all parts into `out`, where their figures/ and tables/ are, and return its path.

    A warning is issued where the labels need a font that is not installed.
    """
    drawn = [path for part in parts for _, path in part.figures]
    assert len(drawn) == len(set(drawn)), "two parts wrote one figure"
    notice = theme.missing_font_warning(_texts(sources))
    if notice is not None:
        warnings.warn(notice, stacklevel=2)
    inlined = {name: Markup((files("dlr.report") / name).read_text(encoding="utf-8")) for name in INLINED}
    tables = {path: (title, path, rows) for part in parts for title, path, rows in part.tables}
    page = out / "report.html"
    text = _template("report.html.jinja").render(
        title=sources.setting("report.title") or sources.about.study,
        about=sources.about,
        targets=sources.targets,
        parts=[(part.anchor, part.title, Markup(part.html)) for part in parts],
        figures=[figure for part in parts for figure in part.figures],
        tables=list(tables.values()),
        notice=notice,
        accent=theme.ACCENT,
        style=inlined["report.css"],
        script=inlined["report.js"],
    )
    page.write_text(text, encoding="utf-8")
    return page


def build_report(
    folders: Mapping[str, Path | None],
    left_out: Mapping[str, str],
    settings: Mapping[str, Any],
    out: Path,
    about: About,
) -> Path:
    """Write report.html, figures/ and tables/ into `out`, part by part, and return the page's path.

    folders : outputs of every stage by its name, None for one that left itself out.  left_out : why, by stage.
    settings : the study's resolved settings as plain values.
    """
    sources = Sources(folders, left_out, settings, about)
    return bind([build_part(name, sources, out) for name in PARTS], sources, out)


INLINED = ("report.css", "report.js")


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    return environment.from_string((files("dlr.report") / name).read_text(encoding="utf-8"))


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
