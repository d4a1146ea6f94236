"""The page in headless Chromium without a network: no console error, no request, every figure drawn, no overflow."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from built_report import Built, StudyReport
from fake_volumes import FakeVolumes

from dlr.report import bind, build_section

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PROBE = """
<script>
window.addEventListener("load", function () {
  var pictures = Array.from(document.querySelectorAll(".panel svg, .panel img")).map(function (picture) {
    var box = picture.getBoundingClientRect();
    var marks = picture.tagName === "IMG" ? picture.naturalWidth : picture.querySelectorAll("path, use, image").length;
    return { width: box.width, height: box.height, marks: marks };
  });
  var scrolling = Array.from(document.querySelectorAll(".scroll, .panels, pre"));
  var found = {
    inner: window.innerWidth,
    scroll: document.documentElement.scrollWidth,
    title: document.title,
    pictures: pictures,
    figures: document.querySelectorAll("figure").length,
    requests: performance.getEntriesByType("resource").map(function (entry) { return entry.name; }),
    boxes: scrolling.filter(function (box) {
      return box.getBoundingClientRect().right > window.innerWidth + 1;
    }).length,
    clouds: Array.from(document.querySelectorAll(".cloud")).map(function (cloud) {
      var canvas = cloud.querySelector("canvas"), buttons = cloud.querySelectorAll("button");
      function drawn() { return canvas.toDataURL(); }
      var blank = document.createElement("canvas");
      blank.width = canvas.width; blank.height = canvas.height;
      var first = drawn(), steps = [first !== blank.toDataURL()];
      canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
      var turned = drawn();
      steps.push(turned !== first);
      buttons[1].click();
      steps.push(drawn() !== turned && buttons[1].getAttribute("aria-pressed") === "true");
      steps.push(buttons[0].getAttribute("aria-pressed") === "false");
      return { steps: steps, right: canvas.getBoundingClientRect().right, width: canvas.clientWidth };
    })
  };
  window.parent.postMessage(JSON.stringify(found), "*");
});
</script>
</body>"""
SPIN = """
<script>
var frames = [], clock = 0;  // frames come when they are asked for, whatever the machine has to do
window.requestAnimationFrame = function (then) { frames.push(then); };
performance.now = function () { return clock; };
delete window.IntersectionObserver;
window.addEventListener("load", function () {
  var canvas = document.querySelector(".cloud canvas");
  function over(type) { canvas.dispatchEvent(new PointerEvent(type, { pointerType: "mouse" })); }
  function moves() {
    var before = canvas.toDataURL();
    for (var k = 0; k < 20; k++) {
      var now = frames;
      frames = [];
      clock += 16;
      now.forEach(function (then) { then(clock); });
    }
    return canvas.toDataURL() !== before;
  }
  var found = { free: moves() };
  over("pointerenter");
  found.under = moves();
  over("pointerleave");
  found.after = moves();
  var note = document.createElement("pre");
  note.id = "probe";
  note.textContent = JSON.stringify(found);
  document.body.appendChild(note);
});
</script>
</head>"""
FRAME = """<!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><script>
window.addEventListener("message", function (event) {
  var note = document.createElement("pre");
  note.id = "probe";
  note.textContent = event.data;
  document.body.appendChild(note);
});
</script><iframe src="report.htmlWHERE" style="border:0;width:WIDTHpx;height:1200px"></iframe>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        message = f"no browser found ({', '.join(NAMES)}): the page was not opened"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def look(
    browser: str,
    page: Path,
    folder: Path,
    width: int | None,
    probe: str = PROBE,
    flags: tuple[str, ...] = (),
    where: str = "?all",
) -> tuple[dict[str, Any], str]:
    """Open a copy of the page with a probe in it; return what the probe saw and what the console said.

    width : of a frame that holds the page; None: the page is the window's own, where animations run.
    where : what follows the page's address; by default all of it is opened.
    """
    for kind in ("figures", "tables"):
        shutil.copytree(page.parent / kind, folder / kind)
    text = page.read_text(encoding="utf-8")
    place = probe.rsplit("\n", 1)[-1]  # </head> or </body>, which the probe stands before
    assert text.count(place) == 1
    (folder / "report.html").write_text(text.replace(place, probe), encoding="utf-8")
    opened = folder / "report.html"
    if width is not None:
        opened = folder / "frame.html"  # a browser's own window is never narrower than 500 pixels
        opened.write_text(FRAME.replace("WIDTH", str(width)).replace("WHERE", where), encoding="utf-8")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1300", "--virtual-time-budget=10000",
        *flags, "--dump-dom", opened.as_uri() + (where if width is None else ""),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=150)
    dom = done.stdout.decode("utf-8", errors="replace")
    seen = re.search(r'<pre id="probe">(.*?)</pre>', dom, flags=re.DOTALL)
    assert seen is not None, done.stderr.decode("utf-8", errors="replace")[-2000:]
    return json.loads(html.unescape(seen.group(1))), done.stderr.decode("utf-8", errors="replace")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "width"), [("report", 1280), ("report", 420), ("sparse_report", 420), ("study", 1280), ("study", 420)]
)
def test_the_page_opens_from_disk(
    browser: str, name: str, width: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    built: Built | StudyReport = request.getfixturevalue(name)
    found, console = look(browser, built.page, tmp_path, width)
    assert [line for line in console.splitlines() if "CONSOLE" in line] == []
    assert [url for url in found["requests"] if not url.startswith(("file:", "data:"))] == []
    assert found["title"].startswith("her2, er and ki67 in " if name == "study" else "her2 in ")
    assert found["inner"] == width
    assert found["scroll"] <= width, "the page scrolls sideways"
    assert found["boxes"] == 0
    assert found["figures"] == built.html.count("<figure ")
    assert len(found["pictures"]) >= found["figures"]
    for picture in found["pictures"]:
        assert picture["width"] > 150 and picture["height"] > 60 and picture["marks"] > 5


FOLDS = """
<script>
window.addEventListener("load", function () {
  var folds = Array.from(document.querySelectorAll("details")), button = document.querySelector("button.all");
  function open() { return folds.filter(function (fold) { return fold.open; }).length; }
  function tall() { return document.documentElement.scrollHeight; }
  var link = document.createElement("a"), deep = document.querySelector("details figure");
  link.href = "#" + deep.id;
  document.body.appendChild(link);
  var found = { folds: folds.length, open: [open()], tall: [tall()], target: location.hash.slice(1) };
  found.shown = found.target ? document.getElementById(found.target).getBoundingClientRect().height : 0;
  window.dispatchEvent(new Event("beforeprint"));
  found.open.push(open());
  window.dispatchEvent(new Event("afterprint"));
  found.open.push(open());
  button.click();
  found.open.push(open());
  found.tall.push(tall());
  button.click();
  found.open.push(open());
  link.click();
  setTimeout(function () {
    found.open.push(open());
    found.link = deep.getBoundingClientRect().height;
    window.parent.postMessage(JSON.stringify(found), "*");
  }, 200);
});
</script>
</body>"""


@pytest.mark.browser
def test_sections_open_on_their_answers_and_the_rest_opens_by_button_link_and_for_print(
    browser: str, report: Built, tmp_path: Path
) -> None:
    found, console = look(browser, report.page, tmp_path, 1280, FOLDS, where="")
    assert [line for line in console.splitlines() if "CONSOLE" in line] == []
    every = found["folds"]
    assert every > 25
    assert found["open"] == [0, every, 0, every, 0, found["open"][-1]]
    assert 1 <= found["open"][-1] <= 2 and found["link"] > 100, "a link opens what it leads to, and nothing else"
    assert found["tall"][0] < 0.4 * found["tall"][1]


@pytest.mark.browser
def test_an_address_that_names_a_folded_figure_opens_it(browser: str, report: Built, tmp_path: Path) -> None:
    found, _ = look(browser, report.page, tmp_path, 420, FOLDS, where="#fig-icc")
    assert found["target"] == "fig-icc" and found["open"][0] == 1 and found["shown"] > 100
    assert found["open"][1] == found["folds"] and found["open"][2] == 1, "what was open before print stays open"


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of volumes, as far as it differs from others."""
    folder = tmp_path_factory.mktemp("volumes")
    sources = FakeVolumes(folder / "stages", patients=60).write_all().sources()
    return bind(
        [build_section(name, sources, folder / "out") for name in ("receptors", "seeing")], sources, folder / "out"
    )


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 420])
def test_clouds_turn_and_take_colours_without_an_error(browser: str, volumes: Path, width: int, tmp_path: Path) -> None:
    found, console = look(browser, volumes, tmp_path, width)
    assert [line for line in console.splitlines() if "CONSOLE" in line] == []
    assert found["scroll"] <= width and found["boxes"] == 0
    assert len(found["clouds"]) == 2
    for cloud in found["clouds"]:
        assert cloud["steps"] == [True] * 4, "drawn, turned by a key, coloured by another marker, one button pressed"
        assert 300 < cloud["width"] <= 560 and cloud["right"] <= width


@pytest.mark.browser
@pytest.mark.parametrize("calm", [False, True])
def test_a_cloud_turns_slowly_unless_the_pointer_is_on_it_or_motion_is_not_wanted(
    browser: str, volumes: Path, calm: bool, tmp_path: Path
) -> None:
    flags = ("--force-prefers-reduced-motion",) if calm else ()
    found, console = look(browser, volumes, tmp_path, None, SPIN, flags)
    assert [line for line in console.splitlines() if "CONSOLE" in line] == []
    assert found == {"free": not calm, "under": False, "after": not calm}
