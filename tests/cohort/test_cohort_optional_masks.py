"""Cases without an outline: refused unless `cohort.mask` is optional; then they are read with an empty ROI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from dlr.cohort import CohortSettings, flow_chart, load_cohort, load_new_cases, read_case
from dlr.errors import InputError
from tests.cohort.small_cohort import picture, rows, write

OPTIONAL = CohortSettings(mask="optional", clinical=None)
BARE = (2, 5)  # rows of the manifest


def stills(folder: Path, **columns: Any) -> Path:
    """Twelve stills, of which two name no mask."""
    return write(folder, [row | ({"mask": ""} if n in BARE else {}) | columns for n, row in enumerate(rows(12))])


def test_a_case_without_a_mask_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no mask.*cohort\.mask: optional"):
        load_cohort(stills(tmp_path), CohortSettings(clinical=None))


def test_where_masks_are_optional_it_stays_and_is_said_in_one_line(tmp_path: Path) -> None:
    loaded = load_cohort(stills(tmp_path), OPTIONAL)
    facts = loaded.cases.set_index("case_id")
    bare = [f"{n + 1:05d}" for n in BARE]
    assert len(loaded.table) == len(facts) == 12
    assert facts["roi_size"].loc[bare].tolist() == [0.0, 0.0] and (facts["roi_size"] > 0).sum() == 10
    assert facts["parts"].loc[bare].tolist() == [0, 0] and facts["roi_voxels"].loc[bare].tolist() == [0, 0]
    assert loaded.notes["what"].tolist().count("2 of 12 cases have no outline") == 1
    assert not loaded.notes["where"].isin(bare).any()
    flow = flow_chart(loaded.table, loaded.targets).set_index("step")
    assert flow.loc["without an outline", ["patients", "cases"]].tolist() == [2, 2]


def test_it_is_read_with_its_whole_image_and_an_empty_roi(tmp_path: Path) -> None:
    loaded = load_cohort(stills(tmp_path), OPTIONAL)
    case = read_case(loaded.table.iloc[BARE[0]].to_dict(), OPTIONAL)
    assert case.mask.dtype == bool and case.mask.shape == case.image.array.shape and not case.mask.any()
    assert np.array_equal(case.image.array[0], picture(BARE[0])[0])
    with pytest.raises(InputError, match="mask_reader1"):
        read_case(loaded.table.iloc[BARE[0]].to_dict(), OPTIONAL, "mask_reader1")


def test_a_volume_without_an_outline_is_read_too(tmp_path: Path) -> None:
    volume = np.stack([picture(n, 24)[0] for n in range(4)])
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(tmp_path / "v.nii.gz"))
    row = {"case_id": "C", "patient_id": "P", "image": str(tmp_path / "v.nii.gz"), "mask": "", "mask_reader1": ""}
    case = read_case(row, OPTIONAL)
    assert np.array_equal(case.image.array, volume) and case.mask.shape == volume.shape and not case.mask.any()


def test_a_reader_s_outline_is_an_outline(tmp_path: Path) -> None:
    manifest = write(tmp_path, [row | {"mask_reader1": row["mask"], "mask": ""} for row in rows(12)])
    loaded = load_cohort(manifest, OPTIONAL)
    assert (loaded.cases["roi_size"] > 0).all() and "cohort.mask" not in set(loaded.notes["where"])


def test_a_mask_that_is_named_must_be_there(tmp_path: Path) -> None:
    table = rows(12)
    manifest = write(tmp_path, table)
    (tmp_path / table[3]["mask"]).unlink()
    with pytest.raises(InputError, match=r"mask masks/00004\.png does not exist"):
        load_cohort(manifest, OPTIONAL)


def test_a_case_a_lesion_keeps_cases_without_any(tmp_path: Path) -> None:
    loaded = load_cohort(stills(tmp_path), OPTIONAL.model_copy(update={"lesion_policy": "each"}))
    assert loaded.table["case_id"].tolist() == [row["patient_id"] for row in rows(12)]
    assert loaded.table["lesion_part"].tolist() == ["" if n in BARE else "1" for n in range(12)]


@pytest.mark.parametrize("optional", [True, False])
def test_new_patients_of_a_table_without_the_column_mask(tmp_path: Path, optional: bool) -> None:
    table = [{name: cell for name, cell in row.items() if name != "mask"} for row in rows(12)]
    for row in table:
        row["image"] = str(tmp_path / "all" / row["image"])
    write(tmp_path / "all")
    manifest = write(tmp_path, table, files=False)
    settings = OPTIONAL if optional else CohortSettings(clinical=None)
    if not optional:
        with pytest.raises(InputError, match="no column mask"):
            load_new_cases(manifest, settings, ())
        return
    new = load_new_cases(manifest, settings, ())
    assert len(new.table) == 12 and (new.table["mask"] == "").all() and new.bad.empty
    assert (new.cases["roi_size"] == 0).all()
