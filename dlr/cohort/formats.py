"""Picture and volume files, by content first and by extension second, as plain arrays."""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from dlr.cohort.decoded import Decoded, Grid, Segment
from dlr.cohort.headers import check_header, check_size
from dlr.cohort.settings import LARGEST_LABEL
from dlr.errors import InputError

__all__ = ["ACCEPTED", "LARGEST", "EXTENSIONS", "decode", "recognise"]

EXTENSIONS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
    ".nii": "NIfTI", ".nii.gz": "NIfTI", ".hdr": "NIfTI", ".nrrd": "NRRD", ".nhdr": "NRRD", ".mha": "MetaImage",
    ".mhd": "MetaImage", ".dcm": "DICOM", ".dicom": "DICOM",
}  # fmt: skip
_ORIENTATION = 0x0112  # EXIF tag
_PICTURES = ("PNG", "JPEG", "BMP", "TIFF")
_READERS = {"NIfTI": "NiftiImageIO", "NRRD": "NrrdImageIO", "MetaImage": "MetaImageIO"}
LARGEST = 250_000_000  # samples of an image at most, where the settings say nothing
_AGAIN = "save the file again, or take it from its source"
ACCEPTED = "PNG, JPEG, BMP, TIFF, NIfTI (.nii, .nii.gz), NRRD, MHA, DICOM (a file, or the folder of a series)"
_SERIES = "DICOM series"


def recognise(path: Path) -> tuple[str, str | None]:
    """The format a file holds, and a note where its extension says another.  Raises InputError for none of ours."""
    if path.is_dir():
        return _SERIES, None
    try:
        with open(path, "rb") as stream:
            head = stream.read(400)
    except OSError as error:
        raise InputError(str(path), f"cannot be opened ({error.strerror})", "check the path and its rights") from error
    name = path.name.lower()
    suffix = ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()
    named = EXTENSIONS.get(suffix)
    held = _by_content(path, head) or (named if named in ("DICOM", "NIfTI", "MetaImage") else None)
    if held is None:
        what = (
            "the file is empty" if not head else f"not a readable {named}" if named else "not an image format of ours"
        )
        raise InputError(str(path), what, f"give {ACCEPTED}")
    note = f"{path.name} is named {suffix} but holds {held}" if named and named != held else None
    return held, note


def _by_content(path: Path, head: bytes) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as stream:
                head = stream.read(400)
        except (OSError, EOFError, zlib.error):
            return None
    if head.startswith(b"\x89PNG\r\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "TIFF"
    if head[128:132] == b"DICM":
        return "DICOM"
    if head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2"):
        return "NIfTI"
    if head.startswith(b"NRRD000"):
        return "NRRD"
    if re.match(rb"(Comment|ObjectType|NDims)\s*=", head):
        return "MetaImage"
    return "BMP" if head.startswith(b"BM") else None


def decode(path: Path, *, labels: bool = False, largest: int = LARGEST, onto: Decoded | None = None) -> Decoded:
    """The samples of a file.

    labels : True for masks; a palette's numbers are then kept instead of its colours.
    onto : of a mask, the image that it outlines; contours in mm have no grid of their own.
    largest : samples from which on a file is not read, whatever its header claims.
    Raises InputError where the file is of no known format or cannot be read; what a library warns of is a note.
    """
    held, note = recognise(path)
    read = partial(_dicom, onto=onto) if held == "DICOM" else _READ.get(held, partial(_volume, held=held))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            decoded = read(path, labels=labels, largest=largest)
        except InputError:
            raise
        except MemoryError as error:
            raise InputError(str(path), "reading it takes more memory than there is", _AGAIN) from error
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".strip().splitlines()[0][:160]
            raise InputError(str(path), f"cannot be read as {held} ({reason})", _AGAIN) from error
    notes = [*filter(None, [note]), *dict.fromkeys(f"its reader says: {str(one.message)[:100]}" for one in said)]
    return replace(decoded, notes=(*notes, *decoded.notes)) if notes else decoded


def _dicom(path: Path, labels: bool, largest: int, onto: Decoded | None) -> Decoded:
    from dlr.cohort.dicom import decode_dicom, read_header  # a process that reads pictures only starts without it
    from dlr.cohort.segments import decode_seg, decode_structures

    header = read_header(path, pixels=False)
    modality = str(header.get("Modality", "")) if labels else ""
    if modality == "SEG":
        return decode_seg(path, read_header(path), onto, largest)
    if modality == "RTSTRUCT":
        return decode_structures(path, header, onto, largest)
    return decode_dicom(path, largest)


def _series(path: Path, labels: bool, largest: int) -> Decoded:
    from dlr.cohort.series import decode_series

    return decode_series(path, largest)


def _picture(path: Path, labels: bool, largest: int, held: str) -> Decoded:
    notes: list[str] = []
    with PillowImage.open(path, formats=[held]) as picture:
        frames = getattr(picture, "n_frames", 1) if held == "TIFF" else 1
        check_size(path, [*picture.size, len(picture.getbands()), frames], largest)
        pages = []
        for frame in range(frames):
            picture.seek(frame)
            check_size(path, [*picture.size, len(picture.getbands()), frames], largest)
            if picture.getexif().get(_ORIENTATION, 1) in (0, 1):
                pages.append(_samples(picture, labels, notes))
            else:
                pages.append(_samples(ImageOps.exif_transpose(picture), labels, notes))
                notes.append("turned as its orientation tag says")
    if len({page.shape for page in pages}) > 1:
        raise InputError(str(path), "its pages differ in size", "save one picture a file")
    return Decoded(np.stack(pages), held, None, None, notes=tuple(dict.fromkeys(notes)))


def _samples(picture: PillowImage.Image, labels: bool, notes: list[str]) -> np.ndarray:
    mode = picture.mode
    if mode == "P" and labels:
        return np.asarray(picture)
    if mode in ("LA", "RGBA", "PA", "La", "RGBa"):
        if np.asarray(picture.getchannel("A")).min() < 255:
            notes.append("its transparency was left away")
        picture = picture.convert("L" if mode in ("LA", "La") else "RGB")
    elif mode in ("P", "CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        picture = picture.convert("RGB")
    return np.asarray(picture)


def _volume(path: Path, labels: bool, largest: int, held: str) -> Decoded:
    import SimpleITK as sitk  # a process that reads pictures only starts without it

    check_header(path, held, largest)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # ITK's own lines do not reach the screen
    try:
        image = sitk.ReadImage(str(path), imageIO=_READERS[held])
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1][-160:]
        raise InputError(str(path), f"cannot be read as {held} ({reason})", _AGAIN) from error
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() not in (2, 3):
        raise InputError(str(path), f"{image.GetDimension()} dimensions {image.GetSize()}", "save one phase a file")
    array = sitk.GetArrayFromImage(image)
    segments = _segments(image) if labels and held == "NRRD" else ()
    parts = image.GetNumberOfComponentsPerPixel()
    if segments:
        array = array if parts > 1 else array[..., np.newaxis]
        if not all(0 <= one.layer < parts and 0 < one.number <= LARGEST_LABEL for one in segments):
            raise InputError(str(path), "its header names layers or labels that are not there", _AGAIN)
    elif parts > 1:
        if parts not in (3, 4):
            raise InputError(str(path), f"{parts} values a voxel", "save one value (grey) or three (RGB) a voxel")
        array = array[..., :3]
    if np.iscomplexobj(array):
        raise InputError(str(path), "complex numbers", "save the magnitude")
    spacing, origin, direction = image.GetSpacing(), image.GetOrigin(), image.GetDirection()
    if image.GetDimension() == 2:
        array = array[np.newaxis]
        spacing, origin = (*spacing, 1.0), (*origin, 0.0)
        direction = (direction[0], direction[1], 0.0, direction[2], direction[3], 0.0, 0.0, 0.0, 1.0)
    grid = Grid(tuple(spacing), tuple(origin), tuple(direction))
    return Decoded(array, held, grid, (spacing[2], spacing[1], spacing[0]), segments=segments)


def _segments(image: Any) -> tuple[Segment, ...]:
    from dlr.cohort.segments import segments_of_nrrd

    return segments_of_nrrd({key: image.GetMetaData(key) for key in image.GetMetaDataKeys()})


_READ: dict[str, Callable[..., Decoded]] = {_SERIES: _series} | {
    held: partial(_picture, held=held) for held in _PICTURES
}
