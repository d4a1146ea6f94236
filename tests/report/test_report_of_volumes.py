"""What a reader sees of volumes: three planes of both networks, features that turn, a contact sheet of planes."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_volumes import TARGETS, FakeVolumes
from matplotlib.collections import LineCollection
from scipy import ndimage

from dlr.figures import contact_sheet, outlined_slices, theme
from dlr.report.blocks import Cloud, FigureBlock, Section, TableBlock
from dlr.report.build import _template
from dlr.report.embedding import RADIUS, cloud_of
from dlr.report.networks import seeing
from dlr.report.press import Press
from dlr.words import Target


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> FakeVolumes:
    return FakeVolumes(tmp_path_factory.mktemp("volumes"), patients=40).write_all()


@pytest.fixture(scope="module")
def section(run: FakeVolumes) -> Section:
    return seeing(run.sources(), Press(run.folder / "out"))


def test_a_cloud_holds_place_role_and_labels_of_every_patient(run: FakeVolumes, section: Section) -> None:
    clouds = [block for block in section.blocks if isinstance(block, Cloud)]
    assert [cloud.title for cloud in clouds] == ["Features of SingleTask", "Features of MultiTask"]
    points = json.loads(clouds[0].points)
    assert len(points) == 40 and clouds[0].markers == TARGETS
    assert [point[3] for point in points[:6]] == [1, 0, 0, 0, 0, 1], "every fifth was held out"
    for k, target in enumerate(TARGETS):
        known = run.labels[target].tolist()
        assert [point[4 + k] for point in points] == [None if v != v else int(v) for v in known]
    assert "one chain (crossfit-s0-f0)" in clouds[0].caption
    assert not any(patient in clouds[0].points for patient in run.ids), "nobody is named"


def test_places_are_whole_numbers_in_a_ball_around_their_middle() -> None:
    table = pd.DataFrame({"x": [0.0, 2, 4], "y": [1.0, 1, 1], "z": [0.0, 0, 0], "role": "train", "er": [1, 0, np.nan]})
    assert json.loads(cloud_of(table, [Target("er")])) == [
        [-RADIUS, 0, 0, 0, 1], [0, 0, 0, 0, 0], [RADIUS, 0, 0, 0, None],
    ]  # fmt: skip
    flat = table.assign(x=0.0)
    assert [point[:3] for point in json.loads(cloud_of(flat, [Target("er")]))] == [[0, 0, 0]] * 3


def test_the_canvas_carries_its_points_as_text_and_a_button_a_marker(section: Section) -> None:
    html = _template("section.html.jinja").render(section=section, blocks=section.blocks)
    carried = re.findall(r'data-points="([^"]*)"', html)
    assert len(carried) == 2 and all(len(json.loads(unescape(text))) == 40 for text in carried)
    assert html.count('aria-pressed="true">er</button>') == 2 and html.count('aria-pressed="false">pr</button>') == 2
    assert "<script" not in html and "<i>" not in html, "names are no markup"


def test_curves_of_networks_for_all_outcomes_are_shown_once(section: Section) -> None:
    names = [block.name for block in section.blocks if isinstance(block, FigureBlock)]
    assert [name for name in names if name.startswith("learning_curves")] == ["learning_curves_all"]
    curves = next(block for block in section.blocks if isinstance(block, FigureBlock))
    said = [re.search('aria-label="[^"]*: ([^"]*)"', panel.svg) for panel in curves.panels]  # type: ignore[call-overload]
    assert [found.group(1) for found in said if found] == ["Dice loss", "loss", "loss of the markers", "loss"]
    assert {f"planes_{target}" for target in TARGETS} <= set(names)


def test_planes_show_both_networks_of_one_patient(section: Section) -> None:
    figure = next(block for block in section.blocks if isinstance(block, FigureBlock) and block.name == "planes_er")
    assert len(figure.panels) == 2, "a panel a patient"
    tables = {block.title: block for block in section.blocks if isinstance(block, TableBlock)}
    compared = tables["Attention of the two networks for er"]
    assert compared.rows == (("energy", "MultiTask − SingleTask", "60", "2.61, 1.42", "1.10", "< 0.001"),)


def ball() -> tuple[np.ndarray, np.ndarray]:
    z, y, x = np.indices((10, 40, 30))
    mask = ((z - 5) / 3) ** 2 + ((y - 20) / 8) ** 2 + ((x - 12) / 6) ** 2 < 1
    return np.random.default_rng(0).random(mask.shape), mask


def test_a_contact_sheet_shows_three_planes_of_a_volume_at_one_scale(tmp_path: Path) -> None:
    image, mask = ball()
    shown = outlined_slices("V1", "er +", image, mask, (2.0, 0.5, 0.4), planes=True)
    assert [(one.label, one.image.shape, one.spacing) for one in shown] == [
        ("er +", (40, 30), (0.5, 0.4)), ("coronal", (10, 30), (2.0, 0.4)), ("sagittal", (10, 40), (2.0, 0.5)),
    ]  # fmt: skip
    assert len({one.reach for one in shown}) == 1 and all(one.mask.any() for one in shown)
    np.testing.assert_array_equal(shown[1].image, image[:, 20])
    path = contact_sheet(shown * 6, tmp_path / "sheet.pdf", across=3)
    assert path.read_bytes().count(b"/Type /Page\n") == 2 or b"/Count 2" in path.read_bytes(), "five cases a page"


def test_a_sheet_of_regions_reaches_around_them_and_names_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, mask = ball()
    around = ndimage.binary_dilation(mask, iterations=3)
    regions = {"core": np.zeros_like(mask), "rim": mask, "peritumoral": around & ~mask}
    shown = outlined_slices("V1", "axial", image, mask, (2.0, 0.5, 0.4), planes=True, regions=regions)
    extent = max(n * edge for n, edge in zip((10, 21, 17), (2.0, 0.5, 0.4), strict=True))
    assert shown[0].reach == pytest.approx(0.56 * extent)
    for one, at in zip(shown, (5, np.s_[:, 20], np.s_[:, :, 12]), strict=True):
        for name, region in regions.items():
            np.testing.assert_array_equal(one.regions[name], region[at])
    pages: list[Any] = []
    monkeypatch.setattr(theme, "fit_fonts", pages.append)
    contact_sheet(shown * 6, tmp_path / "sheet.pdf", across=3, title="Regions")
    legends = [page.axes[0].get_legend() for page in pages]
    assert [[text.get_text() for text in one.get_texts()] for one in legends] == [["core", "rim", "peritumoral"]] * 2
    lines = [one for one in pages[1].axes[0].collections if isinstance(one, LineCollection)]
    assert len(lines) == 3 * 3, "a page's last lesion: three planes of rim, peritumoral tissue and the outline"


def test_a_still_is_shown_as_before_and_a_volume_without_outline_by_its_middle() -> None:
    image, mask = ball()
    (one,) = outlined_slices("S1", "her2 +", image[5:6], mask[5:6], (1.0, 0.5, 0.5), planes=False)
    assert one.reach is None and one.image.shape == (40, 30)
    shown = outlined_slices("V2", "", image, np.zeros_like(mask), (2.0, 0.5, 0.4), planes=True)
    assert np.array_equal(shown[0].image, image[len(image) // 2])
    assert len(shown) == 3 and shown[2].reach is None
    np.testing.assert_array_equal(shown[2].image, image[:, :, 15])
