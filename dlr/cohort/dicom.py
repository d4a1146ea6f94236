"""Single DICOM files: samples, spacing and scanned region. Nothing else of a header is read, no identity leaves."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from dlr.cohort.decoded import Decoded, ScannedRegion
from dlr.cohort.headers import check_size
from dlr.errors import InputError

__all__ = ["decode_dicom"]

_CENTIMETRES = 3  # code of the unit of an ultrasound region
_TWO_DIMENSIONS = 1  # code of its spatial format
_NOT_PICTURES = {"SEG": "a DICOM segmentation", "RTSTRUCT": "a DICOM structure set"}


def decode_dicom(path: Path, largest: int) -> Decoded:
    """Samples of one DICOM file: rescaled, MONOCHROME1 inverted, spacing of ultrasound from its regions (given in cm).

    Raises InputError where pydicom is not installed, or the file holds no picture.
    """
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise InputError(str(path), "DICOM needs one more package", 'pip install "dlr[dicom]"') from error
    content = io.BytesIO(path.read_bytes())  # of which no element can claim more than there is
    try:
        header = pydicom.dcmread(content, force=path.suffix.lower() in (".dcm", ".dicom"))
    except InvalidDicomError as error:
        raise InputError(str(path), "cannot be read as DICOM", "export the file again") from error
    modality = str(header.get("Modality", ""))
    if modality in _NOT_PICTURES:
        raise InputError(str(path), f"{_NOT_PICTURES[modality]}, not a picture", "export it as NIfTI or NRRD")
    if "PixelData" not in header or "Rows" not in header:
        raise InputError(str(path), "a DICOM file without pixels", "export the image itself")
    if not hasattr(header.file_meta, "TransferSyntaxUID"):
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian  # the standard's default
    edges = [_whole(path, header, name) for name in ("Columns", "Rows", "NumberOfFrames", "SamplesPerPixel")]
    check_size(path, edges, largest)
    array = _samples(path, header)
    notes = []
    if str(header.get("BurnedInAnnotation", "")).upper() == "YES":
        notes.append("its header says that annotations are burnt in")
    return Decoded(array, "DICOM", None, _spacing(path, header), _regions(header), tuple(notes))


def _samples(path: Path, header: Any) -> np.ndarray:
    """(frames, y, x) or (frames, y, x, 3): colours as RGB; grey values rescaled, MONOCHROME1 inverted."""
    frames = _whole(path, header, "NumberOfFrames")
    interpretation = str(header.get("PhotometricInterpretation", ""))
    (slope,) = _numbers(path, header, "RescaleSlope") or (1.0,)
    (intercept,) = _numbers(path, header, "RescaleIntercept") or (0.0,)
    try:
        array = _with_pydicom(header, interpretation)
        finished = False
    except (AttributeError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        array = _with_simpleitk(path, error)
        finished = True  # SimpleITK rescales and inverts
    grid = (frames, _whole(path, header, "Rows"), _whole(path, header, "Columns"))
    if array.size == 3 * np.prod(grid):
        return array.reshape(*grid, 3)
    array = array.reshape(grid)
    if finished:
        return array
    if (slope, intercept) != (1.0, 0.0):
        array = array.astype(np.float64) * slope + intercept
    if interpretation == "MONOCHROME1":
        bits, signed = int(header.BitsStored), int(header.get("PixelRepresentation", 0))
        ends = -1 if signed else 2**bits - 1  # lowest plus highest stored value
        array = ends * slope + 2 * intercept - array.astype(np.float64)
    return array


def _with_pydicom(header: Any, interpretation: str) -> np.ndarray:
    from pydicom.pixels import apply_color_lut

    array = header.pixel_array  # YBR is turned into RGB
    if interpretation == "PALETTE COLOR":
        array = apply_color_lut(array, header)
        if array.dtype == np.uint16:  # palettes hold 16 bits of which a screen shows the upper eight
            array = (array >> 8).astype(np.uint8)
    return np.asarray(array)


def _with_simpleitk(path: Path, first: Exception) -> np.ndarray:
    """Compressed samples for which pydicom has no decoder here."""
    try:
        image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
    except RuntimeError as error:
        raise InputError(str(path), f"its samples cannot be decoded ({first})", "export it uncompressed") from error
    return sitk.GetArrayFromImage(image)


def _regions(header: Any) -> tuple[ScannedRegion, ...]:
    """The two-dimensional scanned regions, largest first; a strip of M-mode or a Doppler curve is none."""
    found = []
    for item in header.get("SequenceOfUltrasoundRegions", []) or []:
        try:
            box = (
                int(item.RegionLocationMinX0),
                int(item.RegionLocationMinY0),
                int(item.RegionLocationMaxX1) + 1,
                int(item.RegionLocationMaxY1) + 1,
            )
            in_cm = item.get("PhysicalUnitsXDirection") == item.get("PhysicalUnitsYDirection") == _CENTIMETRES
            dx, dy = (abs(float(item.get(f"PhysicalDelta{axis}", 0) or 0)) * 10 for axis in "XY")
        except (AttributeError, TypeError, ValueError, NotImplementedError):
            continue
        spacing = (dy, dx) if in_cm and dx > 0 and dy > 0 else None
        if item.get("RegionSpatialFormat", _TWO_DIMENSIONS) == _TWO_DIMENSIONS and box[2] > box[0] and box[3] > box[1]:
            found.append(ScannedRegion(box, spacing))
    return tuple(sorted(found, key=lambda r: (r.spacing is None, -r.area, r.box)))


def _spacing(path: Path, header: Any) -> tuple[float, float, float] | None:
    """(z, y, x) in mm where the header gives it for the whole picture."""
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        value = _numbers(path, header, name)
        if len(value) == 2 and min(value) > 0:
            between = _numbers(path, header, "SpacingBetweenSlices") or _numbers(path, header, "SliceThickness")
            return abs(between[0]) or 1.0 if between else 1.0, value[0], value[1]
    return None


def _numbers(path: Path, header: Any, name: str) -> tuple[float, ...]:
    """The numbers of an element, none where it is absent or empty; InputError where it holds anything else."""
    try:
        value = header.get(name)
        values = () if value is None or value == "" else (value,) if not _several(value) else tuple(value)
        found = tuple(float(one) for one in values)
    except (TypeError, ValueError, OverflowError, AttributeError, NotImplementedError) as error:
        found, reason = (float("nan"),), f" ({error})"
    else:
        reason = ""
    if not all(math.isfinite(one) for one in found):
        what = f"its header has no number in {name}{reason}"[:200]
        mend = "write it with a decimal point, or export the file again from its source"
        raise InputError(str(path), what, mend)
    return found


def _several(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def _whole(path: Path, header: Any, name: str) -> int:
    """A whole number from 1; 1 where the element is absent or empty."""
    (value,) = _numbers(path, header, name)[:1] or (1.0,)
    if value < 1 or value != int(value):
        raise InputError(str(path), f"its header has {name} {value:g}", "export the file again from its source")
    return int(value)
