"""What a page is made of: sections of blocks. Sections build them, one template shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

__all__ = [
    "Block",
    "Cloud",
    "Copy",
    "Drawing",
    "FigureBlock",
    "Fold",
    "Heading",
    "Mark",
    "Missing",
    "Prose",
    "Remark",
    "Remarks",
    "Section",
    "TableBlock",
]


@dataclass(frozen=True)
class Heading:
    """A subsection's title; `level` 4 stands under one of level 3, such as an outcome's.

    opens : what follows has an answer of its own, whose text stays open; else all of it folds under the title.
    """

    kind: ClassVar[str] = "heading"
    text: str
    level: int = 3
    opens: bool = False


@dataclass(frozen=True)
class Prose:
    """Paragraphs of plain text; `quiet` sets them smaller."""

    kind: ClassVar[str] = "prose"
    paragraphs: tuple[str, ...]
    quiet: bool = False


@dataclass(frozen=True)
class TableBlock:
    """A table of finished words and numbers."""

    kind: ClassVar[str] = "table"
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]  # columns set flush right
    csv: str | None = None  # path beside the report
    note: str = ""
    strong: frozenset[int] = frozenset()  # rows set in bold
    quiet: frozenset[int] = frozenset()  # rows set in grey
    left_out: int = 0  # further rows that only the CSV has
    theirs: frozenset[int] = frozenset()  # columns of somebody else's figures, set in grey italics


@dataclass(frozen=True)
class Drawing:
    """One panel of a figure: finished SVG, and how wide it wants to be."""

    svg: Markup
    width: int  # CSS pixels


@dataclass(frozen=True)
class FigureBlock:
    """A figure of one or more panels."""

    kind: ClassVar[str] = "figure"
    name: str
    title: str
    caption: str
    panels: tuple[Drawing, ...]
    pdf: str
    csv: str | None = None
    files: tuple[tuple[str, str], ...] = ()  # further files: words, path


@dataclass(frozen=True)
class Missing:
    """A part that is not there, and why."""

    kind: ClassVar[str] = "missing"
    what: str
    why: str


@dataclass(frozen=True)
class Mark:
    """A warning that holds for all that follows in its section."""

    kind: ClassVar[str] = "mark"
    text: str


@dataclass(frozen=True)
class Copy:
    """Text to be copied whole."""

    kind: ClassVar[str] = "copy"
    title: str
    text: str
    prose: bool = False  # running text rather than a command or code


@dataclass(frozen=True)
class Remark:
    """One thing a reviewer will say: how bad, the evidence of this run, the setting that answers it."""

    weight: int  # 3 = undermines the answer, 2 = must be discussed, 1 = should be mentioned
    says: str
    evidence: str
    answer: str
    setting: str = ""
    of: str = ""  # the outcome it speaks of, where there are several


@dataclass(frozen=True)
class Remarks:
    """What a reviewer will say, worst first; the worst stay open."""

    kind: ClassVar[str] = "remarks"
    remarks: tuple[Remark, ...]
    open: int = 3

    @property
    def worst(self) -> tuple[Remark, ...]:
        """Those that stay open."""
        return self.remarks[: self.open]

    @property
    def further(self) -> tuple[Remark, ...]:
        """Those that fold."""
        return self.remarks[self.open :]


@dataclass(frozen=True)
class Cloud:
    """Points in three dimensions that turn on the page; what does not move stands in a figure beside it."""

    kind: ClassVar[str] = "cloud"
    name: str
    title: str
    caption: str
    markers: tuple[str, ...]  # whose labels may colour the points
    points: str  # JSON: a list a point: x, y, z, 1 where held out, a label a marker or null


@dataclass(frozen=True)
class Fold:
    """Blocks under a line that opens them; on paper they are open."""

    kind: ClassVar[str] = "fold"
    title: str
    blocks: tuple[Block, ...]


Block = Heading | Prose | TableBlock | FigureBlock | Mark | Missing | Copy | Remarks | Cloud | Fold


@dataclass(frozen=True)
class Section:
    """A numbered part of the report."""

    number: int
    anchor: str
    title: str
    blocks: tuple[Block, ...]
    beside: tuple[Block, ...] = ()  # what stands beside them where the page is wide enough
