"""A copy of a study that may be handed on: its models, settings and results, without the rows of patients.

Of every stage the tables, documents and weights are copied; pictures, maps and arrays are of single patients and stay.
A table with a column that names patients or cases keeps its header and no row. Notes and warnings name cases and stay;
names of files lose their folders. What is left predicts new patients as the study does.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import yaml

from dlr.csv_files import read_csv, write_csv
from dlr.engine import Study
from dlr.engine.store import STAGE_RECORD, Store, outputs_of
from dlr.engine.study import RUN_FILE
from dlr.study.cohort import COLUMNS_FILE, read_cohort
from dlr.tables import COHORT

__all__ = ["copy_study", "packed"]

TABLES, PLAIN = (".csv", ".parquet"), (".json", ".yaml", ".txt", ".safetensors")
PERSONAL = re.compile(r"(patient|case)(_id)?|copy_of|copy_patient|where|image|mask|mask_reader\d")  # columns, in full
OF_A_PATIENT = {"nomogram.json": "example"}  # a key of a document
NOT_COPIED = ("report",)  # stages: it is drawn anew from the copy
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # equal copies are equal bytes


def copy_study(study: Study, out: Path, with_patients: bool = False) -> None:
    """Copy what may be shared into the new folder `out`.  with_patients : rows of patients too, but no pictures."""
    out.mkdir(parents=True)
    for stage, folder in study.folders.items():
        if stage not in NOT_COPIED:
            home = folder or Store(study.folder).stage_folder(stage, study.records[stage]["key"])
            _copy_stage(home, out / "stages" / stage, with_patients)
    for path in sorted(study.folder.glob("*.csv")):
        _copy_table(path, out / path.name, with_patients)
    settings = yaml.safe_load(study.settings_file.read_text(encoding="utf-8"))
    text = yaml.safe_dump(_without_folders(settings), allow_unicode=True, sort_keys=False)
    (out / study.settings_file.name).write_text(text, encoding="utf-8", newline="\n")
    run = json.loads((study.folder / RUN_FILE).read_text(encoding="utf-8"))
    for role in ("manifest", "features"):
        run[role] = None if run.get(role) is None else _name(run[role])
    run["started"] = _without_folders(run.get("started"))
    _write_json(out / RUN_FILE, run)


def packed(folder: Path, target: Path) -> Path:
    """A folder as one .zip file; equal folders give equal bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packing:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{target.stem}/{path.relative_to(folder).as_posix()}", ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            packing.writestr(entry, path.read_bytes())
    return target


def _copy_stage(folder: Path, target: Path, with_patients: bool) -> None:
    target = target / folder.name
    for path in sorted(_files(folder)):
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in TABLES:
            _copy_table(path, place, with_patients)
        elif path.name == STAGE_RECORD:
            continue
        elif path.name == COLUMNS_FILE:
            known = read_cohort(folder).spacing_known  # of the rows that are left away
            _write_json(place, json.loads(path.read_text(encoding="utf-8")) | {"spacing_known": known})
        elif path.name in OF_A_PATIENT and not with_patients:
            _write_json(place, _without(OF_A_PATIENT[path.name], json.loads(path.read_text(encoding="utf-8"))))
        elif path.suffix in PLAIN:
            shutil.copyfile(path, place)
    record = json.loads((folder / STAGE_RECORD).read_text(encoding="utf-8"))
    record["parts"] = _without_folders({**record["parts"], "files": {}})
    target.mkdir(parents=True, exist_ok=True)
    _write_json(target / STAGE_RECORD, {**record, "warnings": [], **outputs_of(target)})


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _copy_table(path: Path, target: Path, with_patients: bool) -> None:
    """A table as it is; without its rows, or with names of files without folders, where it is of single patients."""
    parquet = path.suffix == ".parquet"
    columns = pq.read_schema(path).names if parquet else list(pd.read_csv(path, nrows=0, encoding="utf-8-sig"))
    if not any(PERSONAL.fullmatch(str(name)) for name in columns):
        shutil.copyfile(path, target)
    elif not with_patients and parquet:
        pq.write_table(pq.read_table(path).slice(0, 0), target)
    elif not with_patients:
        write_csv(target, pd.DataFrame(columns=columns))
    elif path.stem == Path(COHORT.file).stem and parquet:
        _names_alone(pd.read_parquet(path)).to_parquet(target, index=False)
    elif path.stem == Path(COHORT.file).stem:
        write_csv(target, _names_alone(read_csv(path)))
    else:
        shutil.copyfile(path, target)


def _names_alone(cases: pd.DataFrame) -> pd.DataFrame:
    files = [name for name in cases.columns if name in ("image", "mask") or name.startswith("mask_reader")]
    return cases.assign(**{name: cases[name].map(lambda cell: _name(cell) if isinstance(cell, str) else cell)
                           for name in files})  # fmt: skip


def _without(key: str, value: Any) -> Any:
    """A document without a key, wherever it stands."""
    if isinstance(value, dict):
        return {name: _without(key, each) for name, each in value.items() if name != key}
    return [_without(key, each) for each in value] if isinstance(value, list) else value


def _without_folders(value: Any) -> Any:
    """The same with every absolute path in it, also in a command line, as the name of its file."""
    if isinstance(value, dict):
        return {key: _without_folders(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_folders(each) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("dlr "):
        return shlex.join(map(_without_folders, shlex.split(value)))
    before, sign, path = value.rpartition("=") if not _absolute(value) else ("", "", value)
    return before + sign + (_name(path) if _absolute(path) else path)


def _absolute(text: str) -> bool:
    return text.startswith(("$HOME/", "~")) or PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()


def _name(path: str) -> str:
    return PureWindowsPath(path).name if PureWindowsPath(path).is_absolute() else PurePosixPath(path).name


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8", newline="\n")
