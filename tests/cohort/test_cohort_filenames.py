"""File names that the manifest leaves to the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_cohort
from small_cohort import rows

from dlr.cohort import Cohort, CohortSettings, files_of_manifest, load_cohort, load_new_cases


def load(folder: Path, change: dict[str, Any], **settings: Any) -> Cohort:
    """The table of the small cohort, its columns changed; files are looked for, pictures not read."""
    table = pd.DataFrame(rows(12)).assign(**change)
    table.drop(columns=[n for n in table if table[n].isna().all()]).to_csv(folder / "manifest.csv", index=False)
    return load_cohort(folder / "manifest.csv", CohortSettings(**settings))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images in images/, their masks in masks/."""
    small_cohort.write(tmp_path, rows(12))
    return tmp_path


NAMES = [f"{n + 1:05d}.png" for n in range(12)]
STEMS = [name.removesuffix(".png") for name in NAMES]


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"image": NAMES, "mask": NAMES}, {"image_folder": "images", "mask_folder": "./masks/"}),
        ({"image": None, "mask": None},
         {"image_pattern": "images/{patient_id}.png", "mask_pattern": "masks/{patient_id}.png"}),
        ({"image": STEMS, "mask": None},
         {"image_pattern": "{image}.png", "image_folder": "images", "mask_pattern": "masks/{image}.png"}),
        ({"image": NAMES, "mask": STEMS},
         {"image_pattern": "images/{image}.png", "mask_pattern": "{mask}.png", "mask_folder": "masks"}),
        ({"image": ["", *NAMES[1:]], "mask": ["not available", *NAMES[1:]]},
         {"image_pattern": "{Patient}.png", "mask_pattern": "{Patient}.png", "image_folder": "images",
          "mask_folder": "masks"}),
    ],
    ids=["folders", "from ids", "mask from image", "completed", "empty cells filled"],
)  # fmt: skip
def test_every_way_to_leave_names_to_the_settings_finds_the_same_files(
    folder: Path, change: dict[str, Any], settings: dict[str, str]
) -> None:
    plain = load(folder, {}).table
    cohort = load(folder, change, **settings)
    pd.testing.assert_frame_equal(cohort.table, plain)
    named = files_of_manifest(folder / "manifest.csv", CohortSettings(**settings))
    assert sorted(named.values()) == sorted(Path(p) for p in [*plain["image"], *plain["mask"]])


def test_what_a_pattern_made_is_printed(folder: Path) -> None:
    cohort = load(folder, {"image": None}, image_pattern="images/{patient_id}.png")
    assert "manifest.csv image: 'images/{patient_id}.png' -> images/00001.png … (12 cells)" in cohort.mappings


def test_an_id_with_a_dot_is_no_extension(folder: Path) -> None:
    (folder / "images" / "1.2.840.png").write_bytes((folder / "images" / NAMES[0]).read_bytes())
    cohort = load(folder, {"image": ["1.2.840", *STEMS[1:]]}, image_pattern="images/{image}.png")
    assert cohort.table["image"][0].endswith("/1.2.840.png")


def test_optional_masks_that_a_pattern_made_may_be_absent(folder: Path) -> None:
    (folder / "masks" / NAMES[3]).unlink()
    cohort = load(folder, {"mask": None}, mask="optional", mask_pattern="masks/{patient_id}.png")
    assert cohort.table["mask"].map(bool).tolist() == [n != 3 for n in range(12)]
    said = cohort.notes.set_index("where")["what"]["cohort.mask_pattern"]
    assert said == "1 of 12 masks are not there, the first: masks/00004.png; taken as cases without outline"


def test_new_patients_without_any_image_are_answered_by_their_clinical_values(folder: Path) -> None:
    (folder / "new.csv").write_text("patient_id\nx\ny\n")
    settings = CohortSettings(image_pattern="images/{patient_id}.png", mask_pattern="masks/{patient_id}.png")
    new = load_new_cases(folder / "new.csv", settings, ())
    assert new.table["patient_id"].tolist() == ["x", "y"] and not len(new.bad)
    said = new.notes.set_index("where")["what"]
    assert said["cohort.image_pattern"] == "none of the files is there, such as images/x.png"
    assert said["new.csv"] == "no column image: nothing is measured on images"


def test_new_patients_are_found_beside_their_own_manifest(folder: Path) -> None:
    (folder / "new").mkdir()
    (folder / "images").rename(folder / "new" / "images")
    (folder / "masks").rename(folder / "new" / "masks")
    (folder / "new" / "new.csv").write_text("patient_id\n00001\n00002\n00099\n")
    settings = CohortSettings(image_pattern="images/{patient_id}.png", mask_pattern="masks/{patient_id}.png")
    new = load_new_cases(folder / "new" / "new.csv", settings, ())
    assert new.table["patient_id"].tolist() == ["00001", "00002"]
    assert new.bad["what"].tolist() == [f"{n} {n}s/00099.png does not exist" for n in ("image", "mask")]
