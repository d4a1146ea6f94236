"""The report page, the nomogram's A4 page, the contact sheet: declared tables in, documents out."""

from dlr.report.build import build_report
from dlr.report.sources import About

__all__ = ["About", "build_report"]
