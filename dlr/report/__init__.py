"""The report page, the nomogram's A4 page, the contact sheet: tables in, documents out."""

from dlr.report.build import FinishedSection, bind, build_section
from dlr.report.contact_sheet import Outlined, contact_sheet, example_picture, outlined_slices
from dlr.report.contents import contents
from dlr.report.nomogram_page import draw_nomogram_page
from dlr.report.sources import About, Sources

__all__ = [
    "About",
    "FinishedSection",
    "Outlined",
    "Sources",
    "bind",
    "build_section",
    "contact_sheet",
    "contents",
    "draw_nomogram_page",
    "example_picture",
    "outlined_slices",
]
