"""A manifest becomes a cohort."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import small_cohort
from small_cohort import PATIENTS, picture, rows, save

from dlr.cohort import CohortSettings, Column, encode_clinical, load_cohort, load_new_cases, patient_table, read_case
from dlr.cohort import checking as checking_module
from dlr.cohort import formats as formats_module
from dlr.errors import InputError
from dlr.words import Available

CONTRACT = ["patient_id", "case_id", "image", "mask", "mask_label", "mask_reader1", "mask_reader2", "side", "cohort"]


def settings(**more: Any) -> CohortSettings:
    return CohortSettings(**more)


def notes(cohort: Any) -> str:
    return "\n".join(f"{n.where}: {n.what}" for n in cohort.notes.itertuples())


def test_table_has_the_promised_columns_and_ids_stay_text(manifest: Path) -> None:
    cohort = load_cohort(manifest, settings())
    assert cohort.table.columns.tolist() == [*CONTRACT, "excluded", "her2", "age", "er"]
    assert cohort.table["patient_id"].tolist()[:2] == ["00001", "00002"]
    assert cohort.table["case_id"].tolist() == cohort.table["patient_id"].tolist()
    assert all(Path(p).is_absolute() and Path(p).is_file() for p in cohort.table["image"])
    assert cohort.table["her2"].tolist()[:2] == [0.0, 1.0]
    assert cohort.kind == "still" and [t.name for t in cohort.targets] == ["her2"] and cohort.bad.empty
    assert cohort.flow["patients"].tolist() == [PATIENTS, PATIENTS]
    assert "not known for any of 24 cases: sizes are in pixels" in notes(cohort)


def test_table_survives_parquet(manifest: Path, tmp_path: Path) -> None:
    cohort = load_cohort(manifest, settings())
    cohort.table.to_parquet(tmp_path / "c.parquet")
    back = pd.read_parquet(tmp_path / "c.parquet")
    pd.testing.assert_frame_equal(back, cohort.table, check_dtype=False)
    case = read_case(back.iloc[0].to_dict(), settings())
    assert case.mask.sum() == cohort.cases["roi_voxels"].iloc[0] == cohort.cases["roi_size"].iloc[0]


def test_known_columns_carry_when_they_are_known(manifest: Path) -> None:
    age, er = load_cohort(manifest, settings()).columns
    assert (age.name, age.kind, age.available, age.unit) == ("age", "numeric", Available.IMAGING, "years")
    assert (er.name, er.kind, er.available) == ("er", "binary", Available.BIOPSY)


def test_no_clinical_columns_is_normal(manifest: Path) -> None:
    assert load_cohort(manifest, settings(clinical=None)).columns == ()


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_file_is_decoded_once(manifest: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    original = formats_module._READ["PNG"]

    def counted(path: Path, **more: Any) -> Any:
        seen.append(str(path))
        return original(path, **more)

    monkeypatch.setitem(formats_module._READ, "PNG", counted)
    monkeypatch.setattr(checking_module, "each_apart", lambda function, tasks, *_: [function(*task) for task in tasks])
    load_cohort(manifest, settings(), jobs=jobs)
    assert len(seen) == len(set(seen)) == 2 * PATIENTS


def test_chinese_manifest_in_gb18030_with_semicolons(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["er"] = table["er"].map({"1": "阳性", "0": "阴性"})
    table["her2"] = table["her2"].map({"1": "+", "0": "−"})
    table["cea"] = ["1,5", "<0,5", *["2"] * (PATIENTS - 2)]
    table = table.rename(columns={"age": "年龄", "patient_id": "患者编号", "er": "雌激素受体"})
    table["姓名"] = "某"
    path = manifest.parent / "病例.csv"
    path.write_bytes(table.to_csv(index=False, sep=";").encode("gb18030"))
    cohort = load_cohort(path, settings())
    assert cohort.table["er"].tolist()[:4] == [0.0, 0.0, 1.0, 1.0]
    assert cohort.table["cea"].tolist()[:3] == [1.5, 0.5, 2.0]
    lines = "\n".join(cohort.mappings)
    for line in ("'年龄' -> age", "'阳性' -> 1 (12 cells)", "'<0,5' -> 0.5", "'−' -> 0 (12 cells)"):
        assert line in lines
    assert "姓名" in notes(cohort) and "某" not in notes(cohort) + cohort.table.to_csv()


def test_settings_map_values(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["her2"] = table["her2"].map({"1": "stark", "0": "schwach"})
    table["grade"] = ["I", "II", "III"] * (PATIENTS // 3)
    table.to_csv(manifest, index=False)
    spec = {"grade": {"kind": "ordered", "levels": ["1", "2", "3"], "available": "biopsy"}}
    cohort = load_cohort(
        manifest,
        settings(
            values={"her2": {"stark": True, "schwach": False}, "grade": {"I": 1, "II": 2, "III": 3}}, columns=spec
        ),
    )
    assert cohort.table["her2"].tolist()[:2] == [0.0, 1.0]
    assert encode_clinical(cohort.table, cohort.columns)["grade"].tolist()[:3] == [0.0, 1.0, 2.0]


def test_target_levels_of_the_users_own(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["grade"] = ["1", "2", "3", ""] * (PATIENTS // 4)
    table.to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings(target="grade", positive_levels={"grade": [3]}))
    assert cohort.table["grade"].fillna(-1).tolist()[:4] == [0.0, 0.0, 1.0, -1.0]
    assert "grade not known" in cohort.flow["step"].tolist()


def her2_table(manifest: Path, header: str) -> None:
    table = pd.DataFrame(rows()).drop(columns="her2")
    table[header] = ["0", "1+", "2+", "2+", "3+", "2+"] * (PATIENTS // 6)
    table["her2_fish"] = ["", "", "扩增", "未扩增", "", ""] * (PATIENTS // 6)
    table.to_csv(manifest, index=False)


@pytest.mark.parametrize("header", ["her2_ihc", "HER2 IHC", "her2"])
def test_her2_comes_from_ihc_and_fish_and_neither_predicts_it(manifest: Path, header: str) -> None:
    her2_table(manifest, header)
    cohort = load_cohort(manifest, settings())
    assert cohort.table["her2"].fillna(-1).tolist()[:6] == [0.0, 0.0, 1.0, 0.0, 1.0, -1.0]
    assert [c.name for c in cohort.columns] == ["age", "er"]
    assert "4 rows with 2+ and no FISH are missing" in notes(cohort)


def test_er_and_pr_stand_for_hr(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["pr"], table["hr"] = table["er"], table["er"]
    table.to_csv(manifest, index=False)
    assert [c.name for c in load_cohort(manifest, settings()).columns] == ["age", "er", "pr"]
    assert [c.name for c in load_cohort(manifest, settings(target=["er", "pr"])).columns] == ["her2", "age"]


def test_where_and_how_an_image_was_taken_never_predicts(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["side_of_breast"], table["view"], table["lesion_id"] = "1", "0", "1"
    table.to_csv(manifest, index=False)
    assert [c.name for c in load_cohort(manifest, settings()).columns] == ["age", "er"]


def test_several_cases_of_a_patient(manifest: Path) -> None:
    table = rows()
    table[1]["patient_id"] = table[0]["patient_id"]
    table[1]["her2"], table[1]["er"] = table[0]["her2"], table[0]["er"]
    table[1]["age"] = ""  # filled from the patient's other row
    pd.DataFrame(table).to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings())
    assert cohort.table["case_id"].tolist()[:3] == ["00001_1", "00001_2", "00003"]
    assert cohort.table["age"].tolist()[:2] == [40.0, 40.0]
    patients = patient_table(cohort.table)
    assert len(patients) == PATIENTS - 1 and patients.index.is_unique
    assert patients.columns.tolist() == ["side", "cohort", "her2", "age", "er"]


def test_excluded_cases_need_no_files_and_feed_the_flow_chart(manifest: Path) -> None:
    table = rows()
    table[3].update(exclude_reason="inadequate image", image="images/none.png", her2="?!")
    table[5].update(exclude_reason="neoadjuvant therapy")
    table.append({**table[0], "image": table[1]["image"], "exclude_reason": "blurred"})
    small_cohort.write(manifest.parent, table, files=False)
    cohort = load_cohort(manifest, settings())
    flow = cohort.flow.set_index(["step", "reason"])
    assert flow.loc[("enrolled", "")].tolist() == [PATIENTS, PATIENTS + 1]
    assert flow.loc[("excluded", "inadequate image")].tolist() == [1, 1]
    assert flow.loc[("case excluded", "blurred")].tolist() == [0, 1]
    assert flow.loc[("in the study", "")].tolist() == [PATIENTS - 2, PATIENTS - 2]
    assert len(cohort.cases) == PATIENTS - 2


def test_each_lesion_becomes_a_case(manifest: Path) -> None:
    _, mask = picture(0)
    mask[60:68, 60:68] = True
    mask[2:4, 2:4] = True  # under roi_min_voxels
    save(manifest.parent / "masks/00001.png", mask)
    cohort = load_cohort(manifest, settings(lesion_policy="each"))
    assert cohort.table["case_id"].tolist()[:3] == ["00001_1", "00001_2", "00002"]
    assert cohort.cases["roi_voxels"].iloc[1] == 64
    case = read_case(cohort.table.iloc[1].to_dict(), settings(lesion_policy="each"))
    assert case.mask.sum() == 64 and case.case_id == "00001_2"
    assert "1 parts under 16 voxels left out" in notes(cohort)


def test_a_case_with_one_readers_mask_only(manifest: Path) -> None:
    table = pd.DataFrame(rows()).rename(columns={"mask": "mask_reader1"})
    table.to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings())
    assert "mask_reader1 is taken as final" in notes(cohort)
    assert read_case(cohort.table.iloc[0].to_dict(), settings()).mask.any()


def test_spacing_of_a_column_or_a_setting(manifest: Path) -> None:
    assert load_cohort(manifest, settings(pixel_spacing_mm=0.1)).cases["spacing_known"].all()
    table = pd.DataFrame(rows())
    table["pixel_spacing_mm"] = "0.2"
    table.to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings())
    assert cohort.table.columns.tolist()[10] == "pixel_spacing_mm"
    assert cohort.cases["roi_size"].iloc[0] == pytest.approx(cohort.cases["roi_voxels"].iloc[0] * 0.04)
    assert set(cohort.cases["unit"]) == {"mm²"}


def test_the_decimal_sign_of_the_settings_holds_for_the_spacing_too(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["pixel_spacing_mm"] = "0,125"  # alone it may mean thousands
    table.to_csv(manifest, index=False)
    with pytest.raises(InputError, match=r"set cohort.decimal: ','"):
        load_cohort(manifest, settings(), images=True)
    assert (load_cohort(manifest, settings(decimal=",")).table["pixel_spacing_mm"] == 0.125).all()
    table.to_csv(manifest, index=False, sep=";")
    assert (load_cohort(manifest, settings()).table["pixel_spacing_mm"] == 0.125).all()
    table.assign(pixel_spacing_mm=["?", *["0.2"] * 23]).to_csv(manifest, index=False)
    own = load_cohort(manifest, settings(values={"pixel_spacing_mm": {"?": 0.2}})).table["pixel_spacing_mm"]
    assert (own == 0.2).all()


def test_the_decimal_sign_of_the_settings_tells_numbers_of_an_unknown_column(manifest: Path) -> None:
    pd.DataFrame(rows()).assign(bmi="22,125").to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings(clinical=["bmi"], decimal=","))
    assert cohort.columns[0].kind == "numeric" and cohort.table["bmi"].iloc[0] == 22.125


def clinical_table(manifest: Path, ids: list[str]) -> None:
    pd.DataFrame(rows())[["patient_id", "image", "mask"]].to_csv(manifest, index=False)
    made = pd.DataFrame({"病历号": ids, "her2": ["0", "1"] * (len(ids) // 2), "bmi": ["22"] * len(ids)})
    made["姓名"], made["note"] = "x", "text"
    book = openpyxl.Workbook()
    for line in [made.columns.tolist(), *made.to_numpy().tolist()]:
        book.active.append(line)
    book.save(manifest.parent / "clinical.xlsx")


def test_a_second_table_is_joined_by_patient(manifest: Path) -> None:
    clinical_table(manifest, [row["patient_id"] for row in rows()])
    cohort = load_cohort(manifest, settings(clinical_table="clinical.xlsx"))
    assert cohort.table["her2"].tolist()[:2] == [0.0, 1.0]
    assert [c.name for c in cohort.columns] == ["bmi"]  # numbers of the second table are taken, text is not
    assert "clinical.xlsx" in notes(cohort)


def test_patients_of_the_second_table_only_can_be_left(manifest: Path) -> None:
    clinical_table(manifest, [row["patient_id"] for row in rows()] + ["00098", "00099"])
    with pytest.raises(InputError, match="clinical_extra"):
        load_cohort(manifest, settings(clinical_table="clinical.xlsx"))
    cohort = load_cohort(manifest, settings(clinical_table="clinical.xlsx", clinical_extra="leave"))
    assert "2 patients without an image were left out: 00098, 00099" in notes(cohort)


def test_the_manifests_own_sides_and_external_cohorts(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["side"] = ["训练集", "训练集", "Test", "validation"] * (PATIENTS // 4)
    table["cohort"] = ["A"] * 20 + ["B"] * 4
    table.to_csv(manifest, index=False)
    assert load_cohort(manifest, settings()).table["side"].tolist()[:4] == ["train", "train", "test", "validation"]
    cohort = load_cohort(manifest, settings(external=["B"]))
    assert cohort.table["side"].tolist()[20:] == ["external"] * 4
    assert "external, whatever their side says" in notes(cohort)


def test_near_copies_are_named(manifest: Path) -> None:
    values, _ = picture(0)
    save(manifest.parent / "images/00002.png", np.clip(values * 0.9 + 3, 0, 255).astype(np.uint8))
    assert "cases 00001 and 00002 of different patients look alike" in notes(load_cohort(manifest, settings()))


def test_without_images_a_manifest_of_labels_is_enough(table_only: Callable[..., Path]) -> None:
    path = table_only([{k: row[k] for k in ("patient_id", "her2", "age")} for row in rows()])
    cohort = load_cohort(path, settings(), images=False)
    assert cohort.kind == "" and cohort.cases.empty and len(cohort.table) == PATIENTS


def test_new_cases_set_bad_ones_aside_and_the_others_go_on(manifest: Path) -> None:
    columns = load_cohort(manifest, settings()).columns
    table = rows(8)
    for row in table:
        del row["her2"]
    table[1]["image"] = "images/none.png"
    table[2]["age"] = "old"
    save(manifest.parent / "masks/00004.png", np.zeros((72, 72), bool))
    small_cohort.write(manifest.parent, table, files=False)
    new = load_new_cases(manifest, settings(), columns)
    assert new.table["patient_id"].tolist() == ["00001", "00005", "00006", "00007", "00008"]
    assert sorted(new.bad["case_id"]) == ["00002", "00003", "00004"]
    assert new.table["age"].tolist()[:2] == [40.0, 44.0] and new.targets == ()


def test_new_cases_without_a_clinical_column_have_it_missing(manifest: Path) -> None:
    columns = load_cohort(manifest, settings()).columns
    table = pd.DataFrame(rows(4)).drop(columns=["her2", "er"])
    table.to_csv(manifest, index=False)
    new = load_new_cases(manifest, settings(), columns)
    assert new.table["er"].isna().all() and "no column er: missing for all" in notes(new)


def test_new_cases_in_another_unit_or_of_another_kind_are_set_aside(manifest: Path) -> None:
    table = [{**row, "pixel_spacing_mm": "0.1" if n < 3 else ""} for n, row in enumerate(rows(6))]
    small_cohort.write(manifest.parent, table, files=False)
    new = load_new_cases(manifest, settings(), (), kind="still", spacing_known=True)
    assert new.table["patient_id"].tolist() == ["00001", "00002", "00003"]
    assert new.bad["what"].str.contains("measured in millimetres, this case would be in pixels").all()
    assert load_new_cases(manifest, settings(), (), kind="volume").table.empty


def test_new_cases_of_several_lesions_lose_only_the_bad_row(manifest: Path) -> None:
    _, mask = picture(0)
    mask[60:68, 60:68] = True
    save(manifest.parent / "masks/00001.png", mask)
    save(manifest.parent / "masks/00002.png", np.zeros((72, 72), bool))
    new = load_new_cases(manifest, settings(lesion_policy="each"), ())
    assert new.table["case_id"].tolist()[:3] == ["00001_1", "00001_2", "00003"]
    assert new.bad["case_id"].tolist() == ["00002"]


def test_new_cases_are_joined_with_the_studys_clinical_table_where_it_holds_them(manifest: Path) -> None:
    clinical_table(manifest, [row["patient_id"] for row in rows()[1:]] + ["00099"])
    columns = (Column("bmi", "numeric"),)
    new = load_new_cases(manifest, settings(clinical_table="clinical.xlsx", sheet="x"), columns)
    assert new.table["bmi"].isna().tolist()[:2] == [True, False]
    assert "1 patients are not in clinical.xlsx" in notes(new)
    new = load_new_cases(manifest, settings(clinical_table="none.csv"), columns)
    assert new.table["bmi"].isna().all() and "is not here" in notes(new)


def test_new_cases_without_an_image_column_keep_their_clinical_values(manifest: Path) -> None:
    pd.DataFrame(rows(4))[["patient_id", "age"]].to_csv(manifest, index=False)
    new = load_new_cases(manifest, settings(), (Column("age", "numeric"),))
    assert new.table["age"].tolist() == [40.0, 41.0, 42.0, 43.0] and "no column image" in notes(new)


def test_a_column_side_of_left_and_right_is_not_the_studys_side(manifest: Path) -> None:
    table = pd.DataFrame(rows()).assign(side=["左", "Right"] * (PATIENTS // 2))
    table.to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings())
    assert set(cohort.table["side"]) == {""} and "side of the breast" in notes(cohort)


def test_no_is_no_reason_to_exclude(manifest: Path) -> None:
    pd.DataFrame(rows()).assign(exclude_reason=["no", "0", "无", ""] * (PATIENTS // 4)).to_csv(manifest, index=False)
    assert (load_cohort(manifest, settings()).table["excluded"] == "").all()


def test_a_column_called_label_is_no_mask_label(manifest: Path) -> None:
    pd.DataFrame(rows()).rename(columns={"her2": "label"}).to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings(target="label"))
    assert cohort.table["label"].tolist()[:2] == [0.0, 1.0] and set(cohort.table["mask_label"]) == {""}


def test_windows_paths_in_a_manifest_are_found(manifest: Path) -> None:
    table = pd.DataFrame(rows())
    table["image"] = table["image"].str.replace("/", "\\")
    table.to_csv(manifest, index=False)
    assert load_cohort(manifest, settings()).table["image"].map(lambda p: Path(p).is_file()).all()


def test_a_stack_of_tiff_pages_is_a_volume_without_spacing(manifest: Path) -> None:
    from PIL import Image as Picture

    for n, row in enumerate(rows()):
        values, mask = picture(n)
        for name, one in (("image", values), ("mask", mask.astype(np.uint8))):
            pages = [Picture.fromarray(one)] * 3
            pages[0].save((manifest.parent / row[name]).with_suffix(".tif"), save_all=True, append_images=pages[1:])
    table = pd.DataFrame(rows())
    for name in ("image", "mask"):
        table[name] = table[name].str.replace(".png", ".tif")
    table.to_csv(manifest, index=False)
    cohort = load_cohort(manifest, settings())
    assert cohort.kind == "volume" and set(cohort.cases["slices"]) == {3} and set(cohort.cases["unit"]) == {"pixels³"}


def test_scanner_and_year_are_kept_and_never_predict(tmp_path: Path) -> None:
    """Of a date the year alone; a cell without one is empty."""
    dates = ["2019-03-02", "02/03/2018", "20170302", "soon"]
    table = [row | {"device": f"model {n % 2}", "exam_date": dates[n % 4]} for n, row in enumerate(rows())]
    cohort = load_cohort(small_cohort.write(tmp_path, table), settings(), images=False)
    assert cohort.table["scanner"].tolist()[:2] == ["model 0", "model 1"]
    assert cohort.table["year"].tolist()[:4] == ["2019", "2018", "2017", ""]
    assert [column.name for column in cohort.columns] == ["age", "er"]
