"""A second reading of a report: every number of its text found again in the tables of its study, by other code.

A rule is a sentence of the report with `#` for a number, `@` for words (`§`: with commas) and `~` for what stands
between two limits, and a function that gives the numbers anew. What no rule explains is left over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

NUMBER = r"[−-]?(?:\d[\d,]*)?\.?\d+(?:e[−-]?\d+)?"
TOKEN = re.compile(rf"(?<![\w.,])({NUMBER})(?!\w)")
NAMED = re.compile(r"\S*(?:[A-Za-z_]\S*\d|\d\S*[A-Za-z_])\S*")  # a word with letters and digits: a name
BLOCKS = ("p", "figcaption", "li", "pre", "h1", "h2", "h3", "h4", "summary")
UNREAD = ("svg", "script", "style", "table", "button", "nav", "canvas")
VOID = ("br", "img", "wbr", "meta", "link", "input", "hr")
ROLES = {
    "test": [("crossfit", "test"), ("paper", "test")], "out-of-fold": [("crossfit", "train")],
    "apparent": [("paper", "train")], "nested": [("nested", "test"), ("nested", "all"), ("nested", "train")],
    "validation": [("crossfit", "validation"), ("paper", "validation")],
}  # fmt: skip

EMPTY = {"variant", "variant_a", "variant_b", "reason"}  # columns of words that a study may leave empty


@dataclass
class Piece:
    """A paragraph, caption, remark or title of the page, and the title that stands above it."""

    kind: str
    text: str
    title: str
    links: list[str]


@dataclass
class Grid:
    """A table of the page."""

    title: str
    csv: str
    rows: list[list[str]]


class Page(HTMLParser):
    """The words of a page, piece by piece, and its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.pieces: list[Piece] = []
        self.grids: list[Grid] = []
        self.words: list[str] | None = None
        self.title, self.links, self.cell = "", [], None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in VOID:
            return
        titled = tag == "div" and "title" in (given.get("class") or "")
        self.stack.append("title" if titled else tag)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        elif tag in BLOCKS or titled:
            self.words, self.links = [], []
        elif tag == "table":
            tables = [link for link in self.links if link.startswith("tables/")]
            self.grids.append(Grid(self.title, tables[0] if tables else "", []))
        elif tag == "tr":
            self.grids[-1].rows.append([])
        elif tag in ("td", "th"):
            self.cell = []

    def handle_endtag(self, tag: str) -> None:
        while self.stack:
            last = self.stack.pop()
            if last == tag or (last == "title" and tag == "div"):
                break
        else:
            return
        if last in ("td", "th") and self.cell is not None:
            self.grids[-1].rows[-1].append(" ".join("".join(self.cell).split()))
            self.cell = None
        if last in (*BLOCKS, "title") and self.words is not None and not set(UNREAD) & set(self.stack):
            text = " ".join("".join(self.words).split())
            if last in ("title", "summary"):
                self.title = re.sub(r"( ?(PDF|CSV))+$", "", text) or self.title
            raw = "".join(self.words) if last == "pre" else text
            self.pieces.append(Piece(last, raw, self.title, list(self.links)))
            self.words = None

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)
        elif self.words is not None and not set(UNREAD) & set(self.stack):
            self.words.append(data)


def value_of(token: str) -> float:
    return float(token.replace("−", "-").replace(",", ""))


def agrees(token: str, value: float) -> bool:
    """Whether a printed number is a value, rounded to the digits that are printed."""
    plain = token.replace("−", "-").replace(",", "")
    if "e" in plain:
        digits = len(plain.split("e")[0].lstrip("-").replace(".", ""))
        return float(f"{value:.{digits - 1}e}") == float(plain)
    decimals = len(plain.partition(".")[2])
    return abs(float(plain) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + 1e-12


class Study:
    """The tables, documents and settings of a finished study, read by pandas alone."""

    def __init__(self, stages: Path, page: Path) -> None:
        self.stages, self.folder = stages, page.parent
        self.page = Page(page.read_text(encoding="utf-8"))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """As the page prints them."""
        return next(yaml.safe_load(p.text) for p in self.page.pieces if p.kind == "pre" and p.text.startswith("seed:"))

    def files(self, name: str) -> list[Path]:
        """Of every stage the newest of that name, the report's copies aside; of enhanced and mapped cases none."""
        found: dict[str, Path] = {}
        for path in sorted(self.stages.rglob(name), key=lambda path: path.stat().st_mtime):
            parts = path.relative_to(self.stages).parts
            if parts[0] != "report" and not {"tasks", "chains"} & set(parts):
                found[parts[0]] = path
        return list(found.values())

    def table(self, name: str) -> pd.DataFrame:
        parts = [pd.read_parquet(p) if p.suffix == ".parquet" else _csv(p) for p in self.files(name)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def document(self, name: str) -> Any:
        files = self.files(name)
        return json.loads(files[0].read_text(encoding="utf-8")) if files else {}

    @cached_property
    def metrics(self) -> pd.DataFrame:
        table = self.table("metrics.csv")
        return table[table["subset"] == "all"]

    @cached_property
    def headline(self) -> str:
        """The model of which the answer speaks."""
        said = next(p.text for p in self.page.pieces if p.kind == "p" and " predicts " in p.text)
        return said.split(" ")[0]

    @cached_property
    def target(self) -> str:
        return str(self.document("columns.json")["targets"][0]["name"])

    @cached_property
    def titles(self) -> dict[str, str]:
        """What the page calls a column of the manifest."""
        columns = self.document("columns.json")["columns"]
        return {c["name"]: (c["label"] or c["name"]) + (f" ({c['unit']})" if c["unit"] else "") for c in columns}

    def metric(self, model: str, role: str, name: str, variant: str = "") -> pd.Series:
        """The row of a measure in a role."""
        own = self.metrics
        own = own[(own["model"] == model) & (own["metric"] == name) & (own["variant"] == variant)]
        for protocol, side in ROLES[role]:
            found = own[(own["protocol"] == protocol) & (own["side"] == side) & (own["algorithm"] == "chosen")]
            if len(found):
                return found.iloc[0]
        raise AssertionError(f"no {name} of {model}, {role}")

    def limits(self, model: str, role: str, name: str, variant: str = "") -> list[float]:
        row = self.metric(model, role, name, variant)
        return [row["value"], row["lower"], row["upper"]]

    def primary_set(self) -> dict[str, Any]:
        """The set of Combined that was named beforehand, cross-fitted where it was."""
        sets = [s for s in self.document("combined_model.json")["sets"] if s["primary"] and not s["variant"]]
        return sorted(sets, key=lambda one: one["protocol"] != "crossfit")[0]

    @cached_property
    def patients(self) -> pd.DataFrame:
        cohort = self.table("cohort.parquet")
        return cohort[cohort["excluded"] == ""]


def _csv(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, encoding="utf-8-sig")
    words = [*table.select_dtypes(include=["object", "string"]).columns, *(EMPTY & set(table.columns))]
    return table.assign(**{name: table[name].astype(object).where(table[name].notna(), "") for name in words})


@dataclass
class Reading:
    """What a second reading found."""

    recomputed: int = 0
    fixed: int = 0
    wrong: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


Wanted = Callable[[Study, "Match"], Sequence[float]]


@dataclass
class Match:
    """What a rule found: the words at `@`, the numbers at `#`, the piece that they stand in."""

    words: list[str]
    numbers: list[str]
    piece: Piece
    start: int  # where in its text


@dataclass(frozen=True)
class Rule:
    """A sentence, and its numbers anew; `within`: it holds only inside what this matches. No `wanted`: fixed words."""

    sentence: str
    wanted: Wanted | None = None
    within: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        shapes = {"#": f"(?P<n>{NUMBER})", "@": "(?P<w>[^;,]+?)", "§": "(?P<w>[^;]+?)", "~": "(?:–| to )"}
        parts = [shapes.get(part, re.escape(part)) for part in re.split(r"([#@§~])", self.sentence)]
        count = iter(range(1000))
        return re.compile(re.sub(r"\(\?P<([nw])>", lambda m: f"(?P<{m[1]}{next(count)}>", "".join(parts)))


def read_again(study: Study, rules: Sequence[Rule], names: Iterable[str]) -> Reading:
    """Every number of every piece of the page, explained by a rule, by a name that it is part of, or left over."""
    found = Reading()
    known = sorted({name for name in names if re.search(r"\d", name)}, key=len, reverse=True)
    for piece in study.page.pieces:
        if piece.kind == "pre" and piece.text.startswith("seed:"):
            continue  # the settings themselves
        text = piece.text
        taken = np.zeros(len(text), dtype=bool)
        for rule in rules:
            for start, end in _stretches(rule.within, text):
                for match in rule.pattern.finditer(text, start, end):
                    spans = [match.span(name) for name in match.groupdict() if name.startswith("n")]
                    if any(taken[a:b].any() for a, b in spans):
                        continue
                    _judge(rule, match, piece, study, found)
                    for a, b in spans:
                        taken[a:b] = True
        for name in known:
            for match in re.finditer(re.escape(name), text):
                taken[match.start() : match.end()] = True
        for match in NAMED.finditer(text):
            taken[match.start() : match.end()] = True
        for match in TOKEN.finditer(text):
            if not taken[match.start() : match.end()].all():
                found.unexplained.append(f"{match[1]} in {text[max(0, match.start() - 60) : match.end() + 40]!r}")
    return found


def _stretches(within: str, text: str) -> Iterator[tuple[int, int]]:
    if not within:
        yield 0, len(text)
    else:
        yield from (match.span() for match in re.finditer(within, text))


def _judge(rule: Rule, match: re.Match[str], piece: Piece, study: Study, found: Reading) -> None:
    groups = match.groupdict()
    numbers = [value for name, value in groups.items() if name.startswith("n")]
    if rule.wanted is None:
        found.fixed += len(numbers)
        return
    words = [value.strip() for name, value in groups.items() if name.startswith("w")]
    wanted = list(rule.wanted(study, Match(words, numbers, piece, match.start())))
    assert len(wanted) == len(numbers), (rule.sentence, wanted, numbers)
    for token, value in zip(numbers, wanted, strict=True):
        found.recomputed += 1
        if not agrees(token, float(value)):
            found.wrong.append(f"{token} is {value} in {match[0]!r}")


def cells_again(study: Study) -> tuple[int, list[str]]:
    """How many numbers stand in the page's tables, and those that no number of the table's CSV rounds to.

    A share may be printed as per cent, a logarithm of odds as a ratio, cases by the means of their groups; how often a
    network was chosen is counted anew.
    """
    count, faults = 0, []
    for grid in study.page.grids:
        if not grid.csv:
            continue
        table = pd.read_csv(study.folder / grid.csv, encoding="utf-8-sig")
        words = " ".join(map(str, table.select_dtypes(exclude="number").to_numpy().ravel()))
        if {"case_id", "seed", "fold"} <= set(table.columns):
            groups = list(table.drop(columns="case_id").select_dtypes(exclude="number").columns)
            table = table.groupby(groups)[["value", "null_value"]].mean()
        values = table.select_dtypes("number").to_numpy(dtype=float).ravel()
        more = [value_of(token) for token in TOKEN.findall(words)]
        values = np.concatenate([values, more, [len(table)], _chosen_networks(study, grid)])
        with np.errstate(over="ignore", invalid="ignore"):
            pool = np.unique(np.concatenate([values, 100 * values, np.exp(values)]))
        pool = pool[np.isfinite(pool)]
        for row in grid.rows[1:]:
            for cell in row:
                if cell in words:  # text that the CSV has as it is
                    continue
                for token in TOKEN.findall(NAMED.sub(" ", cell)):
                    count += 1
                    unit = 10.0 ** -len(token.partition(".")[2])
                    first, last = np.searchsorted(pool, value_of(token) + unit * np.array([-1, 1]))
                    below = pool[(pool >= 0) & (pool < value_of(token))]  # of "< 0.001": one that is
                    near = [value for value in pool[first:last] if agrees(token, value)]
                    if not len(below if cell.startswith("<") else near):
                        faults.append(f"{token} in {cell!r} of {grid.title}")
    return count, faults


def _chosen_networks(study: Study, grid: Grid) -> list[int]:
    """Of the table of networks: how often each was chosen, and the parts, by protocol."""
    if not grid.title.startswith("Networks that were tried"):
        return []
    choices = study.table("choices.csv")
    made = choices[choices["chosen"] & (choices["model"] == "DL") & (choices["criterion"] != "")]
    made = made[made["algorithm"].isin({row[0] for row in grid.rows})]
    return [*made.groupby(["protocol", "algorithm"]).size(), *made.groupby("protocol").size()]
