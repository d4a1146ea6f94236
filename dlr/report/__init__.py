"""The report page, its sheet for a meeting, and the nomogram's A4 page: tables in, documents out."""

from dlr.report.build import FinishedSection, bind, build_section, draw_page
from dlr.report.contents import contents
from dlr.report.nomogram_page import draw_nomogram_page
from dlr.report.sources import About, Sources
from dlr.report.summary import draw_summary

__all__ = [
    "About",
    "FinishedSection",
    "Sources",
    "bind",
    "build_section",
    "draw_page",
    "contents",
    "draw_nomogram_page",
    "draw_summary",
]
