"""The picture of the house shows every room once, each arrow that the imports imply, and no box over another."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

from tools.draw_house import BOX, HEIGHT, arrows, drawing, rooms

SVG = "{http://www.w3.org/2000/svg}"


def test_every_room_is_drawn_once_and_no_box_lies_over_another():
    picture = drawing()
    assert picture == drawing()
    root = ElementTree.fromstring(picture)
    named = [text.text for text in root.iter(f"{SVG}text") if text.get("font-weight") == "bold"]
    assert sorted(named) == sorted(rooms())
    boxes = [(float(r.get("x")), float(r.get("y"))) for r in root.iter(f"{SVG}rect") if r.get("width") == str(BOX)]
    assert len(boxes) == len(named)
    right = float(root.get("viewBox").split()[2])
    assert all(x >= 0 and x + BOX <= right for x, _ in boxes)
    assert all(abs(a[0] - b[0]) >= BOX or abs(a[1] - b[1]) >= HEIGHT for a, b in combinations(boxes, 2))


def test_no_arrow_follows_from_others_and_each_points_down():
    drawn = arrows(rooms())
    below = {room: {end for start, end in drawn if start == room} for room in rooms()}
    for start, end in drawn:
        reached, todo = set(), list(below[start] - {end})
        while todo:
            room = todo.pop()
            reached.add(room)
            todo += below[room] - reached
        assert end not in reached
    for path in re.findall(r'<path d="(M[^"]+)" fill="none"', drawing()):
        numbers = [float(each) for each in re.findall(r"[\d.]+", path)]
        assert numbers[1] < numbers[-1]
