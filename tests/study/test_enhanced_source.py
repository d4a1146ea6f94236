"""Enhanced images travel by the road of a study's own: mask, spacing, scale and field of view stay what they were."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("torch")

from dlr.cohort import CohortSettings
from dlr.deep import InputSettings
from dlr.errors import InputError
from dlr.radiomics import load_profile, measure
from dlr.settings import StudySettings
from dlr.study.cases import CaseRow, CohortFiles, EnhancedFiles, OneCase, enhanced_file, source_of
from dlr.study.measuring import Measuring, measure_one
from dlr.study.pictures import picture_of
from dlr.superres.grid import bicubic, enlarged_outline

HEIGHT, WIDTH = 60, 80
ROW = CaseRow("C1", "P1", "still.png", "mask.png", pixel_spacing_mm=0.2)


def digest(path: str | Path) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture
def row(tmp_path: Path) -> CaseRow:
    """A still with a dark tilted ellipse, outlined."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] - np.array([30.4, 41.7])[:, None, None]
    lesion = ((0.9 * y - 0.44 * x) / 13.3) ** 2 + ((0.44 * y + 0.9 * x) / 20.6) ** 2 <= 1
    grey = np.random.default_rng(5).normal(120, 25, (HEIGHT, WIDTH)) - 50 * lesion
    Picture.fromarray(grey.clip(1, 254).astype(np.uint8)).save(tmp_path / "still.png")
    Picture.fromarray(lesion.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    return replace(ROW, image=str(tmp_path / "still.png"), mask=str(tmp_path / "mask.png"))


def enhance(home: Path, row: CaseRow, scale: int, measure_on: str = "enhanced") -> Path:
    """What stage superres leaves of one case: bicubic, in the source's type."""
    file = enhanced_file(home, row.case_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    grey = CohortFiles(CohortSettings()).read(row).image.array[0]
    np.save(file, bicubic(grey, scale).clip(0, 255).round().astype(np.uint8))
    about = {"scale": scale, "measure_on": measure_on}
    (home / "superres.json").write_text(json.dumps(about), encoding="utf-8")
    return home


def settings(**cohort: object) -> StudySettings:
    return StudySettings(cohort=CohortSettings(**cohort))  # type: ignore[arg-type]


def test_without_enhanced_images_the_files_are_read_as_ever(row: CaseRow) -> None:
    assert source_of(settings()) == CohortFiles(CohortSettings())


@pytest.mark.parametrize("scale", [2, 4])
def test_mask_spacing_and_scale_follow_the_finer_grid(row: CaseRow, tmp_path: Path, scale: int) -> None:
    raw = CohortFiles(CohortSettings()).read(row)
    case = source_of(settings(), enhance(tmp_path / "out", row, scale)).read(row)
    assert case.image.array.shape == (1, HEIGHT * scale, WIDTH * scale) and case.image.array.dtype == np.float64
    assert case.image.spacing == pytest.approx((0.2 / scale,) * 3, rel=1e-15) and case.image.spacing_known
    assert case.image.scale == scale and (raw.image.scale, raw.image.dtype) == (1, "uint8")
    nearest = np.kron(raw.mask[0], np.ones((scale, scale), bool))
    assert case.mask.shape == case.image.array.shape and (case.mask[0] != nearest).sum() < 0.02 * nearest.sum()
    assert case.mask.dtype == bool and (case.case_id, case.notes) == (raw.case_id, raw.notes)


def test_a_straight_border_stays_and_a_thin_outline_does_not_vanish() -> None:
    half = np.zeros((9, 9), dtype=bool)
    half[:, 5:] = True  # up to the image's edge
    assert (enlarged_outline(half, 4) == np.kron(half, np.ones((4, 4), bool))).all()
    line, point = np.zeros((2, 9, 9), dtype=bool)
    line[4, 2:7] = point[4, 4] = True
    assert enlarged_outline(line, 4)[16:20, 13:23].all()  # its ends alone are rounded
    assert (enlarged_outline(point, 2) == np.kron(point, np.ones((2, 2), bool))).all()
    assert not enlarged_outline(np.zeros((5, 5), dtype=bool), 2).any()


@pytest.mark.parametrize("scale", [2, 4])
def test_a_small_part_beside_a_large_one_is_not_lost(scale: int) -> None:
    """Rounded with the disc, point and diagonal vanished, and nobody was told."""
    y, x = np.mgrid[:60, :60]
    disc = (y - 20) ** 2 + (x - 20) ** 2 <= 120
    alone = enlarged_outline(disc, scale)
    parts = np.zeros((60, 60), dtype=bool)
    parts[50, 50] = True
    parts[np.arange(5, 15), np.arange(40, 50)] = True  # touches itself at corners
    together = enlarged_outline(disc | parts, scale)
    assert (together == alone | np.kron(parts, np.ones((scale, scale), bool))).all()
    assert (alone != np.kron(disc, np.ones((scale, scale), bool))).any()  # the disc's steps are rounded


def test_an_outline_elsewhere_in_the_image_is_the_same_outline() -> None:
    """Only the lesion's surroundings are looked at; the rest of the image cannot matter."""
    y, x = np.mgrid[:21, :21]
    disc = (y - 10) ** 2 + (x - 10) ** 2 <= 30
    alone = enlarged_outline(disc, 4)
    placed = np.zeros((200, 300), dtype=bool)
    placed[100:121, 211:232] = disc
    inside = enlarged_outline(placed, 4)
    assert (inside[400:484, 844:928] == alone).all() and inside.sum() == alone.sum()


def test_an_unknown_spacing_stays_in_pixels_of_the_file(row: CaseRow, tmp_path: Path) -> None:
    unknown = replace(row, pixel_spacing_mm=None)
    image = source_of(settings(), enhance(tmp_path / "out", unknown, 4)).read(unknown).image
    assert image.spacing == (0.25, 0.25, 0.25) and not image.spacing_known


def test_on_the_native_grid_one_pixel_is_the_mean_of_its_block(row: CaseRow, tmp_path: Path) -> None:
    home = enhance(tmp_path / "out", row, 2, measure_on="native")
    raw, case = CohortFiles(CohortSettings()).read(row), source_of(settings(), home).read(row)
    stored = np.load(enhanced_file(home, "C1")).astype(float)
    corner = (stored[0, 0] + stored[0, 1] + stored[1, 0] + stored[1, 1]) / 4
    assert case.image.array[0, 0, 0] == corner and case.image.array.shape == raw.image.array.shape
    assert (case.image.spacing, case.image.scale) == (raw.image.spacing, 1) and (case.mask == raw.mask).all()


def test_the_scanned_region_is_cut_before_and_stays_in_the_files_pixels(row: CaseRow, tmp_path: Path) -> None:
    given = settings(scanned_region=(10, 5, 74, 55))
    raw = CohortFiles(given.cohort).read(row)
    file = enhanced_file(tmp_path / "out", row.case_id)
    file.parent.mkdir(parents=True)
    np.save(file, np.zeros((100, 128), np.uint8))
    case = EnhancedFiles(CohortFiles(given.cohort), tmp_path / "out", 2, native=False).read(row)
    assert raw.image.box == case.image.box == (10, 5, 74, 55)
    whole = np.zeros((1, HEIGHT, WIDTH))
    assert case.image.kept(whole).shape == (1, 50, 64) and case.mask.shape == (1, 100, 128)


def test_sizes_in_mm_change_by_one_per_cent_at_most_and_those_of_the_border_by_three(
    row: CaseRow, tmp_path: Path
) -> None:
    profile = load_profile("ultrasound2d")
    homes = {1: None, 2: enhance(tmp_path / "two", row, 2), 4: enhance(tmp_path / "four", row, 4)}
    found = {}
    for scale, home in homes.items():
        case = OneCase(source_of(settings(), home), row)
        found[scale] = measure_one(Measuring(case, profile, "native", "1")).values
    sizes = [name for name in found[1] if "_shape" in name]
    assert len(sizes) >= 9
    for scale, border in ((4, 0.015), (2, 0.03)):  # 1.5 % at x4: what is left of steps; nearest neighbours: .15, .10
        for name in sizes:
            most = border if name.endswith(("Perimeter", "PerimeterSurfaceRatio", "Sphericity")) else 0.01
            assert found[scale][name] == pytest.approx(found[1][name], rel=most), (scale, name)


def test_unknown_sizes_change_as_little(row: CaseRow, tmp_path: Path) -> None:
    """Of images without spacing sizes are in pixels of the file, enhanced or not."""
    profile, unknown = load_profile("ultrasound2d"), replace(row, pixel_spacing_mm=None)
    values = []
    for home in (None, enhance(tmp_path / "out", unknown, 4)):
        case = source_of(settings(), home).read(unknown)
        values.append(measure((case.image.array, case.image.spacing), case.mask, profile, "native").values)
    name = next(name for name in values[0] if name.endswith("shape2D_Perimeter"))
    assert values[1][name] == pytest.approx(values[0][name], rel=0.015)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_network_is_shown_the_same_field(row: CaseRow, tmp_path: Path, scale: int) -> None:
    """Margins are in pixels of the file: ten of them are forty at x4, and the outline fills the picture as before."""
    shown, input_ = [], InputSettings(size=96)
    for home in (None, enhance(tmp_path / "out", row, scale)):
        shown.append(picture_of(OneCase(source_of(settings(), home), row), input_))
    before, after = shown
    assert (before.mask != after.mask).mean() < 0.02
    assert np.corrcoef(before.grey.ravel(), after.grey.ravel())[0, 1] > 0.95
    unscaled = InputSettings(size=96, margin_px=10 // scale)
    other = picture_of(OneCase(source_of(settings(), tmp_path / "out"), row), unscaled)
    assert (before.mask != other.mask).mean() > 0.05  # what it would be, did the margin not follow


def test_another_image_another_scale_or_grid_is_another_case(row: CaseRow, tmp_path: Path) -> None:
    files = CohortFiles(CohortSettings())
    home = enhance(tmp_path / "out", row, 4)
    one = EnhancedFiles(files, home, 4, native=False)
    key = one.key(row, "mask", digest)
    assert key != replace(one, native=True).key(row, "mask", digest)
    assert key != replace(one, scale=2).key(row, "mask", digest)
    assert key != one.key(row, "mask_reader1", digest)
    assert key != files.key(row, "mask", digest)
    moved = tmp_path / "elsewhere"
    home.rename(moved)
    assert replace(one, home=moved).key(row, "mask", digest) == key  # where it lies is no part of it
    np.save(enhanced_file(moved, "C1"), np.zeros((2, 2), np.uint8))
    assert replace(one, home=moved).key(row, "mask", digest) != key


def test_a_case_that_could_not_be_enhanced_is_named(row: CaseRow, tmp_path: Path) -> None:
    home = enhance(tmp_path / "out", row, 4)
    other = replace(row, case_id="C2")
    source = source_of(settings(), home)
    assert source.key(other, "mask", digest)["enhanced"] is None
    with pytest.raises(InputError, match=r"case C2.*could not be enhanced"):
        source.read(other)


@pytest.mark.parametrize("case_id", ["C1", "a/b", "..", "C" * 300, "Fräulein Ä", "con", "C1 ", "c1"])
def test_any_case_id_makes_a_file_name(case_id: str, tmp_path: Path) -> None:
    file = enhanced_file(tmp_path, case_id)
    assert file.parent == tmp_path / "enhanced" and file.stem.isalnum() and len(file.name) < 40
    assert file == enhanced_file(tmp_path, case_id)
    assert file == enhanced_file(tmp_path, "C1") or case_id != "C1"


def test_no_two_cases_share_a_file(tmp_path: Path) -> None:
    names = {enhanced_file(tmp_path, name).name for name in ("C1", "c1", "C1 ", "C10", "1C")}
    assert len(names) == 5
