"""The report: tables in, one HTML page that opens from disk out, with figures as PDF and numbers as CSV.

The page is made of sections that know nothing of one another: they may be drawn anywhere, in any order.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from dlr.figures import theme
from dlr.report.ablation import ablation
from dlr.report.blocks import Section
from dlr.report.contents import contents
from dlr.report.enhancement import enhancement
from dlr.report.evidence import Evidence
from dlr.report.features import what_was_measured
from dlr.report.folding import folded
from dlr.report.headline import answer
from dlr.report.methods_section import methods_section
from dlr.report.models import models
from dlr.report.networks import seeing
from dlr.report.nomogram_section import nomogram_section
from dlr.report.optimism import optimism
from dlr.report.patients import who
from dlr.report.press import Press
from dlr.report.receptors import receptors
from dlr.report.sources import Sources
from dlr.report.subtypes import subtypes
from dlr.tables import FLOW

__all__ = ["SECTIONS", "FinishedSection", "bind", "build_section", "draw_page"]

SECTIONS: dict[str, Callable[[Sources, Press, Evidence], Section]] = {  # in the order of the page
    "answer": answer,
    "who": lambda sources, press, _: who(sources, press),
    "measured": lambda sources, press, _: what_was_measured(sources, press),
    "enhancement": enhancement,
    "models": models,
    "receptors": receptors,
    "ablation": ablation,
    "subtypes": lambda sources, press, _: subtypes(sources, press),
    "optimism": optimism,
    "nomogram": lambda sources, press, _: nomogram_section(sources, press),
    "seeing": lambda sources, press, _: seeing(sources, press),
    "methods": methods_section,
}


@dataclass(frozen=True)
class FinishedSection:
    """A section as it stands on the page, and what was written beside it; plain values only."""

    anchor: str
    title: str
    html: str
    figures: tuple[tuple[str, str], ...]  # title, path of the PDF
    tables: tuple[tuple[str, str, int], ...]  # title, path of the CSV, rows


def build_section(name: str, sources: Sources, out: Path) -> FinishedSection:
    """Draw one of SECTIONS: its figures/ and tables/ into `out`."""
    press = Press(out, tiff=sources.settings.report.tiff)
    section = SECTIONS[name](sources, press, Evidence(sources))
    html = _template("section.html.jinja").render(section=section, blocks=folded(section.blocks))
    figures = tuple((figure.title, figure.pdf) for figure in press.figures)
    return FinishedSection(section.anchor, section.title, html, figures, tuple(press.tables))


def bind(sections: Sequence[FinishedSection], sources: Sources, out: Path) -> Path:
    """Write report.html of all sections into `out`, where their figures/ and tables/ are, and return its path.

    A warning is issued where the labels need a font that is not installed.
    """
    drawn = [path for section in sections for _, path in section.figures]
    assert len(drawn) == len(set(drawn)), "two sections wrote one figure"
    notice = theme.missing_font_warning(_texts(sources))
    if notice is not None:
        warnings.warn(notice, stacklevel=2)
    inlined = {name: Markup((files("dlr.report") / name).read_text(encoding="utf-8")) for name in INLINED}
    tables = {path: (title, path, rows) for section in sections for title, path, rows in section.tables}
    page = out / "report.html"
    text = _template("report.html.jinja").render(
        title=sources.title,
        about=sources.about,
        sections=[(section.anchor, section.title, Markup(section.html)) for section in sections],
        figures=[figure for section in sections for figure in section.figures],
        tables=list(tables.values()),
        notice=notice,
        accent=theme.ACCENT,
        style=inlined["report.css"],
        script=inlined["report.js"],
    )
    page.write_text(text, encoding="utf-8")
    return page


def draw_page(sources: Sources, out: Path) -> Path:
    """The whole report into `out`, one section after another."""
    return bind([build_section(name, sources, out) for name in contents(sources)], sources, out)


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
    flow = sources.table(FLOW)
    if flow is not None:
        yield from flow["reason"]
        yield from flow["step"]
    yield from (target.name for target in sources.targets)
