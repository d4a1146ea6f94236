"""Small studies in which one setting is changed at a time: of numbers, of stills, and of tables written by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import SimpleITK as sitk
from PIL import Image as Picture
from scipy import ndimage

from dlr.engine import Pipeline, Screen, Stage, resolve, run_pipeline
from dlr.errors import InputError
from dlr.randomness import rng
from dlr.settings import StudySettings
from dlr.stages.attention import attention
from dlr.stages.clinical import clinical
from dlr.stages.cohort import cohort
from dlr.stages.combine import combine
from dlr.stages.deep import deep
from dlr.stages.evaluate import evaluate
from dlr.stages.fuse import fuse
from dlr.stages.nested import nested
from dlr.stages.nomogram import nomogram
from dlr.stages.permutations import permutations
from dlr.stages.radiomics import radiomics
from dlr.stages.radiomics_model import radiomics_model
from dlr.stages.report import report
from dlr.stages.stability import stability
from tests.cohort.small_cohort import picture, rows, save, write
from tests.stages.small_study import bytes_of, feature_study, still_study, targets_study

REPEATED = {  # clock and versions; settings written down again; the key itself
    "stage.json", "tables.json", "deep.json", "profile.yaml", "looks.csv",
}  # fmt: skip
LOOKS = "looks.jsonl"  # of a study's runs so far: with it every new key would change the page
KEY = rb"_[0-9a-f]{8}(?=\.npz)"  # part of a key in the name of a map
LIGHT = (
    "learn.folds=2", "learn.seeds=1", "learn.inner_folds=2", "learn.max_grid=2", "learn.algorithms=[logistic]",
    "learn.protocols=[paper]", "learn.trees=5", "learn.lasso_folds=3", "evaluate.splits=0", "evaluate.bootstrap=100",
    "combine.bootstrap=0",
)  # fmt: skip
FEW = 12  # patients of a cohort that is only read


@dataclass(frozen=True)
class Given:
    """What a study left of one stage: its key, and its outputs' bytes or why it was refused."""

    key: str
    outputs: Mapping[str, bytes]
    refused: str | None = None


@dataclass(frozen=True)
class SmallStudy:
    """How a study is made, which stages it has, and the settings that keep it small."""

    make: Callable[[Path], Path]  # writes its files into a folder; gives the manifest
    stages: tuple[Stage, ...] = (cohort,)
    settings: tuple[str, ...] = ()
    numbers: bool = False  # it starts from features.csv beside its manifest
    model: type[StudySettings] = StudySettings

    def run(self, folder: Path, stage: str, overrides: tuple[str, ...], run: str = "run") -> Given:
        """Key and outputs of a stage under more settings; all runs share a store below `folder`/runs/`run`."""
        manifest = self.manifest(folder)
        given = [text.format(folder=folder) for text in (*self.settings, *overrides)]
        study = folder / "runs" / run
        for before in ("run.json", LOOKS):
            (study / before).unlink(missing_ok=True)
        try:
            result = run_pipeline(
                Pipeline("her2_ultrasound", self.stages, self.model), study, manifest,
                resolve(self.model, {}, given), features=folder / "features.csv" if self.numbers else None,
                only=stage, screen=Screen(quiet=True),
            )  # fmt: skip
        except InputError as error:
            return Given(keys_of(study)[stage], {}, str(error))
        place = result.folders[stage]
        assert place is not None, f"{stage} left itself out: {result.left_out[stage]}"
        outputs = {
            re.sub(KEY.decode(), "", name): re.sub(KEY, b"", content)
            for name, content in bytes_of(place).items()
            if Path(name).name not in REPEATED
        }
        return Given(keys_of(study)[stage], outputs)

    def manifest(self, folder: Path) -> Path:
        """The manifest, made where it is not there yet."""
        noted = folder / "manifest"
        if not noted.exists():
            folder.mkdir(parents=True, exist_ok=True)
            manifest = self.make(folder)
            if self.numbers and not (folder / "features.csv").exists():  # named beside tables that are only read
                (folder / "features.csv").write_text("patient_id,size\n", encoding="utf-8")
            noted.write_text(str(manifest), encoding="utf-8")
        return Path(noted.read_text(encoding="utf-8"))


def keys_of(study: Path) -> dict[str, str]:
    """The keys of all stages as the last run of a study planned them."""
    keys: dict[str, str] = json.loads((study / "run.json").read_text(encoding="utf-8"))["stages"]
    return keys


def numbers(folder: Path) -> Path:
    """Features with gaps in one column, clinical columns with gaps in age, her2."""
    manifest = feature_study(folder, patients=70, features=24, signal=1.5)
    table = pd.read_csv(folder / "features.csv")
    table.loc[rng(1, "gaps").permutation(len(table))[:8], "spiculation_01"] = np.nan
    table.to_csv(folder / "features.csv", index=False)
    patients = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    patients.loc[rng(1, "gaps").permutation(len(patients))[:8], "age"] = ""
    patients.to_csv(manifest, index=False)
    return manifest


def per_cents(folder: Path) -> Path:
    """As `numbers`, of her2 and ki67."""
    return targets_study(folder, patients=60)


def stills(folder: Path) -> Path:
    """Synthetic stills with two readers' outlines, some patients with two; two profiles beside them."""
    manifest = still_study(folder, patients=20)
    short = (folder / "short.yaml").read_text(encoding="utf-8")
    (folder / "shorter.yaml").write_text(short.replace("  Square: {}\n", ""), encoding="utf-8")
    return manifest


def one_reader(folder: Path) -> Path:
    """As `stills`, without the readers' own outlines."""
    manifest = stills(folder)
    pd.read_csv(manifest, dtype=str, keep_default_na=False).drop(columns=["mask_reader1", "mask_reader2"]).to_csv(
        manifest, index=False
    )
    return manifest


def hand(**columns: list[str]) -> list[dict[str, str]]:
    """Rows of a manifest without images: patient_id, her2, age, er and what else is given, cell by cell in turn."""
    made = []
    for number, row in enumerate(rows(FEW)):
        plain = {name: row[name] for name in ("patient_id", "her2", "age", "er")}
        made.append(plain | {name: cells[number % len(cells)] for name, cells in columns.items()})
    return made


def table(folder: Path) -> Path:
    """A manifest with much in it, and a second table of a patient more."""
    second = pd.DataFrame(hand(menopause=["0", "1", "1"]))[["patient_id", "menopause"]]
    second.to_csv(folder / "second.csv", index=False)
    pd.concat([second, pd.DataFrame([{"patient_id": "00099", "menopause": "1"}])]).to_csv(
        folder / "more.csv", index=False
    )
    more = {"cohort": ["A", "B", "B", "A", "A"], "cea": ["<0.5", "2.1", "3.4"], "grade": ["1", "2", "3"],
            "Blutdruck": ["120", "130", "140"], "site": ["0", "1", "0", "1", "1"]}  # fmt: skip
    return write(folder, hand(**more), files=False)


def latin(folder: Path) -> Path:
    """A manifest in Latin-1 with an umlaut in it."""
    manifest = write(folder, hand(site=["Köln", "Bonn", "Mainz"]), files=False)
    manifest.write_bytes(manifest.read_text(encoding="utf-8").encode("latin-1"))
    return manifest


def decimals(folder: Path) -> Path:
    """Numbers such as 1,234, which may be read in two ways."""
    return write(folder, hand(cea=["1,234", "2,345", "3,456"]), files=False)


def sheets(folder: Path) -> Path:
    """A manifest and a clinical table of two sheets each, which differ."""
    for name, columns in (("manifest.xlsx", ("patient_id", "her2", "er")), ("clinical.xlsx", ("patient_id", "age"))):
        book = openpyxl.Workbook()
        for title, cells in (("first", hand()), ("second", hand(age=["50", "61"], er=["1", "0", "0"]))):
            sheet = book.create_sheet(title)
            sheet.append(list(columns))
            for row in cells:
                sheet.append([row[column] for column in columns])
        book.remove(book.worksheets[0])
        book.save(folder / name)
    return folder / "manifest.xlsx"


def uneven(folder: Path) -> Path:
    """Stills, of every third patient positive."""
    return write(folder, [row | {"her2": str(int(number % 3 == 0))} for number, row in enumerate(rows(18))])


def bare(folder: Path) -> Path:
    """Stills, one without a mask."""
    return write(folder, [row | ({"mask": ""} if number == 3 else {}) for number, row in enumerate(rows(FEW))])


def named(folder: Path) -> Path:
    """Stills whose files are named by the settings, from the ids or from a column that says the next case's."""
    made = rows(FEW)
    write(folder, made)
    after = [row["patient_id"] for row in (*made[1:], made[0])]
    cells = [{k: v for k, v in row.items() if k not in ("image", "mask")} for row in made]
    return write(folder, [row | {"after": name} for row, name in zip(cells, after, strict=True)], files=False)


def shapes(folder: Path) -> Path:
    """Stills with masks of two parts."""
    manifest = write(folder, rows(FEW))
    for row in rows(FEW):
        _, mask = picture(int(row["patient_id"]) - 1)
        mask[4:12, 55:65] = True
        save(folder / row["mask"], mask)
    return manifest


def contours(folder: Path) -> Path:
    """Stills with masks that are drawn and not filled."""
    manifest = write(folder, rows(FEW))
    for row in rows(FEW):
        _, mask = picture(int(row["patient_id"]) - 1)
        save(folder / row["mask"], mask & ~ndimage.binary_erosion(mask))
    return manifest


def segments(folder: Path) -> Path:
    """Stills with masks of two named segments in layers, as Slicer saves them."""
    write(folder, rows(FEW))
    for row in rows(FEW):
        _, mask = picture(int(row["patient_id"]) - 1)
        second = np.zeros_like(mask)
        second[4:12, 55:65] = True
        layers = np.stack([mask, second], axis=-1)[np.newaxis].astype(np.uint8)
        image = sitk.GetImageFromArray(layers, isVector=True)
        for n, name in enumerate(["lesion", "node"]):
            for key, value in (("ID", name), ("Name", name), ("Layer", str(n)), ("LabelValue", "1")):
                image.SetMetaData(f"Segment{n}_{key}", value)
        sitk.WriteImage(image, str(folder / row["mask"].replace(".png", ".seg.nrrd")))
    return write(folder, [row | {"mask": row["mask"].replace(".png", ".seg.nrrd")} for row in rows(FEW)], files=False)


def loops(folder: Path) -> Path:
    """Loops of three frames, in TIFF, whose second is outlined; the others are brighter."""
    write(folder, rows(FEW))
    for row in rows(FEW):
        values, mask = picture(int(row["patient_id"]) - 1)
        frames = [Picture.fromarray(np.minimum(values, 200) + step) for step in (40, 0, 20)]
        frames[0].save(folder / row["image"].replace(".png", ".tif"), save_all=True, append_images=frames[1:])
        masks = [Picture.fromarray(drawn.astype(np.uint8)) for drawn in (0 * mask, mask, 0 * mask)]
        masks[0].save(folder / row["mask"].replace(".png", ".tif"), save_all=True, append_images=masks[1:])
    return write(folder, [{k: v.replace(".png", ".tif") for k, v in row.items()} for row in rows(FEW)], files=False)


def labels(folder: Path) -> Path:
    """Stills with masks of two labels."""
    manifest = write(folder, rows(FEW))
    for row in rows(FEW):
        _, mask = picture(int(row["patient_id"]) - 1)
        values = mask.astype(np.uint8)
        values[4:12, 55:65] = 2
        save(folder / row["mask"], values)
    return manifest


def blurred(folder: Path) -> Path:
    """Stills with masks of smooth edges."""
    manifest = write(folder, rows(FEW))
    for row in rows(FEW):
        _, mask = picture(int(row["patient_id"]) - 1)
        save(folder / row["mask"], ndimage.gaussian_filter(mask * 255.0, 0.7).astype(np.uint8))
    return manifest


def coloured(folder: Path) -> Path:
    """Stills, one with colour from 3 to 8 pixels beside its ROI."""
    manifest = write(folder, rows(FEW))
    image, mask = picture(0)
    right, (top, *_) = int(np.flatnonzero(mask.any(axis=0))[-1]), np.flatnonzero(mask.any(axis=1))
    colour = np.repeat(image[..., None], 3, axis=2)
    colour[top : top + 20, right + 4 : right + 9] = (200, 20, 20)
    save(folder / rows(1)[0]["image"], colour)
    return manifest


def copies(folder: Path) -> Path:
    """Stills, two patients of which are one."""
    manifest = write(folder, rows(FEW))
    save(folder / rows(2)[1]["image"], picture(0)[0])
    save(folder / rows(2)[1]["mask"], picture(0)[1])
    return manifest


def volumes(folder: Path) -> Path:
    """Volumes whose masks lie a twentieth of a voxel beside them."""
    made = []
    for number, row in enumerate(rows(8)):
        flat, mask = picture(number, 24)
        names = {"image": f"{number}.nii.gz", "mask": f"{number}_mask.nii.gz"}
        for name, slice_, origin in (("image", flat.astype(np.int16), 0.0), ("mask", mask.astype(np.uint8), 0.05)):
            volume = sitk.GetImageFromArray(np.stack([slice_ + n if name == "image" else slice_ for n in range(4)]))
            volume.SetOrigin((origin, 0.0, 0.0))
            sitk.WriteImage(volume, str(folder / names[name]))
        made.append(row | names)
    return write(folder, made, files=False)


def solid(folder: Path) -> Path:
    """Volumes whose lesion is another one in every slice."""
    made = []
    for number, row in enumerate(rows(FEW)):
        names = {"image": f"{number}.nii.gz", "mask": f"{number}_mask.nii.gz"}
        slices = [picture(4 * number + n, 40) for n in range(3)]
        for name, arrays in zip(names.values(), zip(*slices, strict=True), strict=True):
            sitk.WriteImage(sitk.GetImageFromArray(np.stack(arrays).astype(np.uint8)), str(folder / name))
        made.append(row | names)
    return write(folder, made, files=False)


OF_NUMBERS = (cohort, radiomics, clinical, radiomics_model, combine, nested, evaluate, permutations)
LATER = ("cohort.clinical=[age, cea, er, calcification]", *LIGHT, "combine.variables=[er, calcification]")
OF_STILLS = (
    "radiomics.profile={folder}/short.yaml", *LIGHT, "learn.protocols=[crossfit]", "deep.input.size=48",
    "attention.cases=4", "attention.other_masks=4", "cohort.clinical=[er, calcification]",
    "combine.variables=[er, calcification]",
)  # fmt: skip
TUNED = (
    *LIGHT, "deep.mode=fine_tune", "deep.backbone=resnet18", "deep.weights=none", "deep.input.size=32",
    "deep.training.epochs=2", "deep.training.batch_size=8", "deep.training.device=cpu", "deep.training.warm_up=1",
    "deep.training.checkpoint_every=9",
)  # fmt: skip
NUMBERS = SmallStudy(numbers, OF_NUMBERS, LATER, numbers=True)
STILLS = SmallStudy(
    stills, (cohort, radiomics, stability, radiomics_model, deep, attention, fuse, combine), OF_STILLS
)  # fmt: skip
READ = ("learn.folds=2", "learn.seeds=1")
PLAIN = SmallStudy(lambda folder: write(folder, rows(FEW)), settings=READ)
TABLE = SmallStudy(table, settings=READ, numbers=True)
STUDIES = {
    "numbers": NUMBERS,
    "per cents": SmallStudy(per_cents, OF_NUMBERS, (*LIGHT, "cohort.target=ki67"), numbers=True),
    "nomogram": SmallStudy(
        numbers,
        (cohort, radiomics, radiomics_model, combine, nomogram),
        (*LATER, "combine.variables=[er]"),
        numbers=True,
    ),
    "page": SmallStudy(numbers, (cohort, radiomics, radiomics_model, evaluate, report), LATER, numbers=True),
    "stills": STILLS,
    "pictures": SmallStudy(stills, (cohort, report), OF_STILLS),
    "one reader": replace(STILLS, make=one_reader),
    "networks": SmallStudy(uneven, (cohort, deep), TUNED),
    "solid": SmallStudy(
        solid,
        (cohort, deep),
        (*LIGHT, "cohort.kind=volume", "deep.weights=none", "deep.input.size=32"),
    ),
    "table": TABLE,
    "latin": replace(TABLE, make=latin),
    "decimals": replace(TABLE, make=decimals),
    "sheets": replace(TABLE, make=sheets),
    "plain": PLAIN,
    "bare": replace(PLAIN, make=bare),
    "named": SmallStudy(
        named,
        settings=(
            *READ,
            "cohort.image_folder=images",
            "cohort.mask_folder=masks",
            "cohort.image_pattern=./{{patient_id}}.png",
            "cohort.mask_pattern=./{{patient_id}}.png",
        ),
    ),
    "shapes": replace(PLAIN, make=shapes),
    "contours": replace(PLAIN, make=contours),
    "labels": replace(PLAIN, make=labels),
    "loops": replace(PLAIN, make=loops),
    "segments": replace(PLAIN, make=segments),
    "blurred": replace(PLAIN, make=blurred),
    "coloured": replace(PLAIN, make=coloured),
    "copies": replace(PLAIN, make=copies),
    "volumes": replace(PLAIN, make=volumes),
}
