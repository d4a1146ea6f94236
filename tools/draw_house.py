"""Draw docs/house.svg: the rooms of dlr/ on their floors, and who imports whom, read from the code.

    python tools/draw_house.py

An arrow stands for an import that no other arrows imply (the transitive reduction of all imports between rooms); the
ground floor, which every room may use, has none. Floors are those that tests/test_rooms.py holds the house to.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.test_rooms import FLOORS, imports, module_of, room_of, sources  # noqa: E402

BOX, HEIGHT, GAP, LANE, FLOOR, LEFT, TOP = 118, 44, 26, 16, 112, 96, 24  # pixels
SWEEPS = 24
INK, PALE, FILL, GROUND, LINE = "#1f2933", "#52606d", "#ffffff", "#eef2f6", "#7b8794"

Slot = tuple[str, ...]  # (room,), or (from, to, floor): the lane of an arrow that passes a floor


def rooms() -> dict[str, tuple[int, int]]:
    """By room, its files and lines of Python."""
    count: dict[str, tuple[int, int]] = {}
    for path in sources():
        room = room_of(module_of(path))
        if room:
            files, lines = count.get(room, (0, 0))
            count[room] = (files + 1, lines + len(path.read_text(encoding="utf-8").splitlines()))
    return count


def arrows(known: Iterable[str]) -> set[tuple[str, str]]:
    """(importing room, imported room), without what follows from two or more others, and without the ground floor."""
    direct: dict[str, set[str]] = defaultdict(set)
    known = set(known)
    for path in sources():
        room = room_of(module_of(path))
        for other in {room_of(name) for name in imports(path)} - {room, "", None}:
            if room in known and other in known and FLOORS[str(other)] > 0:
                direct[str(room)].add(str(other))
    beyond: dict[str, set[str]] = {}
    for room in sorted(known, key=lambda each: FLOORS[each]):  # lower floors first: theirs are complete
        beyond[room] = set().union(*(beyond.get(other, set()) | direct[other] for other in direct[room]))
    return {(room, other) for room, others in direct.items() for other in others - beyond[room]}


def laid_out(
    known: Mapping[str, tuple[int, int]], drawn: set[tuple[str, str]]
) -> tuple[dict[int, list[Slot]], dict[tuple[str, str], list[Slot]]]:
    """The slots of each floor from left to right, and by arrow the slots that it runs through."""
    floors: dict[int, list[Slot]] = defaultdict(list)
    for room in sorted(known):
        floors[FLOORS[room]].append((room,))
    ways: dict[tuple[str, str], list[Slot]] = {}
    for start, end in sorted(drawn):
        lanes: list[Slot] = [(start, end, str(floor)) for floor in range(FLOORS[start] - 1, FLOORS[end], -1)]
        for lane in lanes:
            floors[int(lane[2])].append(lane)
        ways[start, end] = [(start,), *lanes, (end,)]
    below: dict[Slot, list[Slot]] = defaultdict(list)
    above: dict[Slot, list[Slot]] = defaultdict(list)
    for way in ways.values():
        for one, next_one in pairwise(way):
            below[one].append(next_one)
            above[next_one].append(one)
    best, least = {floor: list(row) for floor, row in floors.items()}, crossings(floors, ways)
    for sweep in range(SWEEPS):
        neighbours, order = (above, sorted(floors, reverse=True)) if sweep % 2 == 0 else (below, sorted(floors))
        for floor in order:
            place = {slot: x for row in floors.values() for slot, x in zip(row, middles(row), strict=True)}
            floors[floor].sort(key=lambda slot: mean([place[each] for each in neighbours[slot]], place[slot]))
        found = crossings(floors, ways)
        if found < least:
            best, least = {floor: list(row) for floor, row in floors.items()}, found
    return best, ways


def mean(values: list[float], otherwise: float) -> float:
    """Their mean, or the other value where there are none."""
    return sum(values) / len(values) if values else otherwise


def crossings(floors: Mapping[int, list[Slot]], ways: Mapping[tuple[str, str], list[Slot]]) -> int:
    """How many pairs of arrows cross between two floors."""
    place = {slot: i for row in floors.values() for i, slot in enumerate(row)}
    steps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for way in ways.values():
        for i, (one, next_one) in enumerate(pairwise(way)):
            steps[FLOORS[way[0][0]] - i].append((place[one], place[next_one]))
    return sum(
        (a - c) * (b - d) < 0 for pairs in steps.values() for k, (a, b) in enumerate(pairs) for c, d in pairs[k + 1 :]
    )


def width(slot: Slot) -> int:
    """A room is a box, an arrow that passes by takes a lane."""
    return BOX if len(slot) == 1 else LANE


def middles(row: list[Slot]) -> list[float]:
    """The middle of each slot of a floor, the floor's own middle at 0."""
    out, at = [], 0.0
    for slot in row:
        out.append(at + width(slot) / 2)
        at += width(slot) + GAP
    return [x - (at - GAP) / 2 for x in out]


def drawing() -> str:
    """The house as SVG."""
    known = rooms()
    floors, ways = laid_out(known, arrows(known))
    broad = max(sum(width(slot) + GAP for slot in row) for row in floors.values())
    right = LEFT + broad + GAP
    top = max(floors)
    y = {floor: TOP + (top - floor) * FLOOR for floor in floors}
    x = {slot: LEFT + broad / 2 + each for row in floors.values() for slot, each in zip(row, middles(row), strict=True)}
    foot = y[0] + HEIGHT + 44
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {foot + 26:.0f}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="{INK}">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>',
        f'<rect width="{right:.0f}" height="{foot + 26:.0f}" fill="#ffffff"/>',
    ]
    for floor in sorted(floors, reverse=True):
        out.append(
            f'<rect x="8" y="{y[floor] - 12}" width="{right - 16:.0f}" height="{HEIGHT + 24}" rx="6" fill="{GROUND}"/>'
        )
        out.append(f'<text x="22" y="{y[floor] + 28}" font-size="20" fill="{PALE}">{floor}</text>')
    for way in ways.values():
        out.append(_arrow([(x[slot], y[FLOORS[way[0][0]] - i]) for i, slot in enumerate(way)]))
    for row in floors.values():
        out += [_box(slot[0], known[slot[0]], x[slot], y[FLOORS[slot[0]]]) for slot in row if len(slot) == 1]
    out.append(
        f'<text x="22" y="{foot}" font-size="12" fill="{PALE}">An arrow: imports. What follows from other '
        "arrows is left out, and so is floor 0, which every room may import. Drawn by tools/draw_house.py.</text>"
    )
    return "\n".join([*out, "</svg>"]) + "\n"


def _arrow(points: list[tuple[float, float]]) -> str:
    """From the foot of a box, through its lanes, to the top of another."""
    (at, start), *rest = points
    path = f"M{at:.1f} {start + HEIGHT}"
    for i, (next_at, floor) in enumerate(rest):
        last = i == len(rest) - 1
        above, end = points[i][1] + HEIGHT, floor - (1 if last else 0)
        middle = (above + end) / 2
        path += f" C{at:.1f} {middle:.1f} {next_at:.1f} {middle:.1f} {next_at:.1f} {end}"
        if not last:
            path += f" V{floor + HEIGHT}"
        at = next_at
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.2" marker-end="url(#tip)"/>'


def _box(room: str, size: tuple[int, int], x: float, y: float) -> str:
    files, lines = size
    rounded = f"{round(lines, -2):,}" if lines > 150 else str(lines)  # a drawing is not made anew for every line
    about = f"{files} file{'' if files == 1 else 's'}, {rounded} lines"
    return (
        f'<rect x="{x - BOX / 2:.1f}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="4" fill="{FILL}" stroke="{INK}"/>'
        f'<text x="{x:.1f}" y="{y + 19}" text-anchor="middle" font-weight="bold">{escape(room)}</text>'
        f'<text x="{x:.1f}" y="{y + 35}" text-anchor="middle" font-size="11" fill="{PALE}">{about}</text>'
    )


if __name__ == "__main__":
    (ROOT / "docs" / "house.svg").write_text(drawing(), encoding="utf-8", newline="\n")
