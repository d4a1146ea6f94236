"""The report page, the nomogram's A4 page, the contact sheet: declared tables in, documents out."""

from dlr.report.build import PARTS, Part, bind, build_part, build_report
from dlr.report.contact_sheet import Outlined, contact_sheet, example_picture
from dlr.report.nomogram_page import draw_nomogram_page
from dlr.report.sources import About, Sources

__all__ = [
    "PARTS",
    "About",
    "Outlined",
    "Part",
    "Sources",
    "bind",
    "build_part",
    "build_report",
    "contact_sheet",
    "draw_nomogram_page",
    "example_picture",
]
