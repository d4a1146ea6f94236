"""What is fuzzed: small sound files of every kind that dlr reads, and the function that reads each."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlr.errors import InputError

__all__ = ["TARGETS", "Bundle", "Target"]

Bundle = Mapping[str, bytes]  # file name: content; the first file is the one that is read


@dataclass(frozen=True)
class Target:
    """A kind of input: sound examples of it, and what reads one from a folder that holds its files."""

    seeds: Callable[[], list[Bundle]]
    read: Callable[[Path, str], object]  # folder, name of the first file; InputError is an answer, all else a fault


HEADERS = ("patient_id", "image", "mask", "her2", "age", "menopause", "cea", "birads", "side")


def _rows(decimal: str = ".") -> list[tuple[str, ...]]:
    """Twelve patients, six of each class, four to test."""
    return [
        (f"患{k:02d}" if k % 5 else f"P{k:02d}", f"{k}.png", f"{k}_mask.png", ("0", "阳性")[k % 2], str(41 + k),
         ("yes", "no", "")[k % 3], ("<0.5", "1.0", "2.5", "")[k % 4].replace(".", decimal), ("3", "4a", "4b")[k % 3],
         "test" if k < 4 else "train")
        for k in range(12)
    ]  # fmt: skip


def _manifests() -> list[Bundle]:
    out: list[Bundle] = []
    for delimiter, encoding in ((",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (",", "gb18030")):
        rows = [HEADERS, *_rows("," if delimiter == ";" else ".")]
        out.append({"manifest.csv": "\r\n".join(map(delimiter.join, rows)).encode(encoding)})
    return out


def _read_manifest(folder: Path, name: str) -> object:
    from dlr.cohort import CohortSettings, files_of_manifest, load_cohort

    files_of_manifest(folder / name, CohortSettings())
    return load_cohort(folder / name, CohortSettings(), images=False)


def _workbooks() -> list[Bundle]:
    """One that is read, and one with a formula whose value was not stored."""
    from openpyxl import Workbook

    made: list[Bundle] = []
    for cell in (55, "=40+15"):
        book = Workbook()
        for row in (HEADERS, *_rows()):
            book.active.append(row)
        book.active["E3"], book.active["E4"] = 67, cell
        book.active["E5"].number_format = "00000"
        book.active.row_dimensions[4].hidden = True
        book.create_sheet("notes").append(["seen by", "nobody"])
        content = io.BytesIO()
        book.save(content)
        made.append({"manifest.xlsx": content.getvalue()})
    return made


def _read_workbook(folder: Path, name: str) -> object:
    from dlr.cohort import CohortSettings, load_cohort

    return load_cohort(folder / name, CohortSettings(sheet="Sheet"), images=False)


def _tables_of_features() -> list[Bundle]:
    table = pd.DataFrame({"patient_id": ["P001", "P002"], "original_firstorder_Mean": [1.5, 2.5], "text": ["a", "b"]})
    packed = io.BytesIO()
    table.to_parquet(packed)
    return [{"features.csv": table.to_csv(index=False).encode()}, {"features.parquet": packed.getvalue()}]


def _read_features(folder: Path, name: str) -> object:
    from dlr.cohort import load_feature_table

    return load_feature_table(folder / name)


def _settings() -> list[Bundle]:
    from importlib import resources

    from dlr.engine import resolve, write_settings
    from dlr.settings import StudySettings

    shipped = (resources.files("dlr.params") / "her2_ultrasound.yaml").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        write_settings(resolve(StudySettings), Path(folder) / "settings.yaml")
        whole = (Path(folder) / "settings.yaml").read_bytes()
    return [{"params.yaml": shipped}, {"params.yaml": whole}]


def _read_settings(folder: Path, name: str) -> object:
    from dlr.cli.start import DEFAULT_PIPELINE, prepare

    manifest = folder / "manifest.csv"
    manifest.write_text("patient_id\nP001\n", encoding="utf-8")
    return prepare(DEFAULT_PIPELINE, manifest, str(folder / name))


def _profiles() -> list[Bundle]:
    from importlib import resources

    return [
        {"profile.yaml": file.read_bytes()}
        for file in resources.files("dlr.params.radiomics").iterdir()
        if file.name.endswith(".yaml")
    ]


def _read_profile(folder: Path, name: str) -> object:
    from dlr.radiomics import load_profile

    return load_profile(folder / name)


def _disc(side: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """A picture and its outline, uint8 (side, side)."""
    y, x = np.mgrid[:side, :side]
    mask = ((y - side / 2) ** 2 + (x - side / 2) ** 2 < (side / 3) ** 2).astype(np.uint8)
    return (40 + 3 * x + 80 * mask).astype(np.uint8), mask * 255


def _as_picture(array: np.ndarray, kind: str, **more: object) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(array).save(content, kind, **more)
    return content.getvalue()


def _pictures() -> list[Bundle]:
    picture, mask = _disc()
    colours = np.stack([picture] * 3, axis=-1)
    as_png = _as_picture(mask, "PNG")
    made = [
        ("a.png", _as_picture(picture, "PNG")), ("a.jpg", _as_picture(colours, "JPEG")),
        ("a.bmp", _as_picture(picture, "BMP")), ("a.tif", _as_picture(picture, "TIFF")),
        ("a.tif", _as_picture(picture.astype(np.float32), "TIFF")),
        ("a.tif", _as_picture(picture, "TIFF", compression="tiff_lzw")), ("a.png", _as_picture(colours, "PNG")),
    ]  # fmt: skip
    bundles: list[Bundle] = [{name: content, "mask.png": as_png} for name, content in made]
    return [*bundles, {"mask.png": as_png, "a.png": as_png}]


def _volumes() -> list[Bundle]:
    import SimpleITK as sitk

    out: list[Bundle] = []
    picture, mask = _disc(12)
    with tempfile.TemporaryDirectory() as folder:
        for names in (
            ["a.nii"],
            ["a.nii.gz"],
            ["a.nrrd"],
            ["a.nhdr", "a.raw"],
            ["a.mha"],
            ["a.mhd", "a.raw"],
            ["a.hdr", "a.img"],
        ):
            for kind in (np.uint8, np.float32):
                volume = sitk.GetImageFromArray(np.stack([picture] * 3).astype(kind))
                volume.SetSpacing((0.5, 0.5, 2.0))
                sitk.WriteImage(volume, f"{folder}/{names[0]}")
                outline = sitk.GetImageFromArray(np.stack([mask] * 3))
                outline.CopyInformation(volume)
                sitk.WriteImage(outline, f"{folder}/mask.nii.gz")
                files = [*names, "mask.nii.gz"]
                out.append({name: Path(folder, name).read_bytes() for name in files if Path(folder, name).is_file()})
    return out


def _dicoms() -> list[Bundle]:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

    out: list[Bundle] = []
    picture, mask = _disc()
    for syntax, bits in ((ExplicitVRLittleEndian, 8), (ImplicitVRLittleEndian, 16)):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = syntax
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid(entropy_srcs=["fuzz", str(bits)])
        data.Modality, data.Rows, data.Columns, data.SamplesPerPixel = "US", *picture.shape, 1
        data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
        data.BitsAllocated = data.BitsStored = bits
        data.HighBit, data.PixelSpacing = bits - 1, [0.1, 0.1]
        data.RescaleSlope, data.RescaleIntercept, data.NumberOfFrames = 1, 0, 1
        region = Dataset()
        region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
        region.RegionLocationMaxX1 = region.RegionLocationMaxY1 = 23
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
        region.PhysicalDeltaX = region.PhysicalDeltaY = 0.01
        data.SequenceOfUltrasoundRegions = [region]
        data.PixelData = picture.astype(f"u{bits // 8}").tobytes()
        content = io.BytesIO()
        data.save_as(content, enforce_file_format=True)
        out.append({"a.dcm": content.getvalue(), "mask.png": _as_picture(mask, "PNG")})
    return out


def _read_case(folder: Path, name: str) -> object:
    from dlr.cohort import CohortSettings
    from dlr.cohort.checking import check_case

    mask = next(file for file in folder.iterdir() if file.name.startswith("mask"))
    image = folder / name if not name.startswith("mask") else next(f for f in folder.iterdir() if f != mask)
    row = {"patient_id": "P001", "case_id": "P001", "image": str(image), "mask": str(mask), "mask_label": "",
           "mask_reader1": "", "mask_reader2": ""}  # fmt: skip
    checked = check_case(1, row, CohortSettings())
    if checked.problems:
        raise InputError.of(list(checked.problems))
    return checked


def _models() -> list[Bundle]:
    from dlr.learn import LearnSettings, fit_chains
    from dlr.learn.storage import save_chains

    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(40, 4)), [f"P{k:02d}" for k in range(40)], list("abcd"))
    outcome = frame["a"].to_numpy() + draw.normal(size=40) > 0
    out: list[Bundle] = []
    for algorithm in ("logistic", "svm", "random_forest", "xgboost", "lightgbm"):
        settings = LearnSettings(algorithms=[algorithm], trees=5, max_grid=1, inner_folds=3)
        fitted = fit_chains(frame, outcome, None, settings, protocol="crossfit", seed=0, select=False)
        with tempfile.TemporaryDirectory() as folder:
            save_chains(fitted, Path(folder))
            out.append({file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())})
    return out


def _read_model(folder: Path, name: str) -> object:
    from dlr.learn import load_chain

    return load_chain(folder).predict(pd.DataFrame({column: [0.5, np.nan] for column in "abcd"}))


def _studies() -> list[Bundle]:
    run = {"pipeline": "her2_ultrasound", "manifest": "../../m.csv", "features": None,
           "stages": {"cohort": "ab" * 32}, "started": {"commands": ["dlr run"]}}  # fmt: skip
    record = {"key": "ab" * 32, "parts": {"libraries": {}}, "finished": "2026-01-01 10:00:00", "seconds": 1.0,
              "files": {"cohort.csv": 3}, "left_out": None}  # fmt: skip
    settings = dict(_settings()[1])["params.yaml"]
    return [{"run.json": json.dumps(run).encode(), "settings.yaml": settings,
             "digests.jsonl": b'["/a", 1, 2, 3, "ff"]\n', "stage.json": json.dumps(record).encode()}]  # fmt: skip


def _read_study(folder: Path, name: str) -> object:
    from dlr.cli.start import as_it_ran
    from dlr.engine import open_study
    from dlr.engine.digests import Digests

    place = folder / "stages" / "cohort" / ("ab" * 10)
    place.mkdir(parents=True)
    (folder / "stage.json").rename(place / "stage.json")
    Digests(folder / "digests.jsonl")
    return as_it_ran(open_study(folder))


TARGETS: dict[str, Target] = {
    "manifest": Target(_manifests, _read_manifest),
    "workbook": Target(_workbooks, _read_workbook),
    "features": Target(_tables_of_features, _read_features),
    "settings": Target(_settings, _read_settings),
    "profile": Target(_profiles, _read_profile),
    "picture": Target(_pictures, _read_case),
    "volume": Target(_volumes, _read_case),
    "dicom": Target(_dicoms, _read_case),
    "model": Target(_models, _read_model),
    "study": Target(_studies, _read_study),
}
