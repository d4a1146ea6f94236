"""Single DICOM files: samples, spacing and scanned region. Nothing else of a header is read, no identity leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from dlr.cohort.decoded import Decoded, ScannedRegion
from dlr.errors import InputError

__all__ = ["decode_dicom"]

_CENTIMETRES = 3  # code of the unit of an ultrasound region
_TWO_DIMENSIONS = 1  # code of its spatial format
_NOT_PICTURES = {"SEG": "a DICOM segmentation", "RTSTRUCT": "a DICOM structure set"}


def decode_dicom(path: Path) -> Decoded:
    """Samples of one DICOM file: rescaled, MONOCHROME1 inverted, spacing of ultrasound from its regions (given in cm).

    Raises InputError where pydicom is not installed, or the file holds no picture.
    """
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise InputError(str(path), "DICOM needs one more package", 'pip install "dlr[dicom]"') from error
    try:
        header = pydicom.dcmread(path, force=path.suffix.lower() in (".dcm", ".dicom"))
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise InputError(str(path), "cannot be read as DICOM", "export the file again") from error
    modality = str(header.get("Modality", ""))
    if modality in _NOT_PICTURES:
        raise InputError(str(path), f"{_NOT_PICTURES[modality]}, not a picture", "export it as NIfTI or NRRD")
    if "PixelData" not in header or "Rows" not in header:
        raise InputError(str(path), "a DICOM file without pixels", "export the image itself")
    if not hasattr(header.file_meta, "TransferSyntaxUID"):
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian  # the standard's default
    array = _samples(path, header)
    notes = []
    if str(header.get("BurnedInAnnotation", "")).upper() == "YES":
        notes.append("its header says that annotations are burnt in")
    return Decoded(array, "DICOM", None, _spacing(header), _regions(header), tuple(notes))


def _samples(path: Path, header: Any) -> np.ndarray:
    """(frames, y, x) or (frames, y, x, 3): colours as RGB; grey values rescaled, MONOCHROME1 inverted."""
    frames = int(header.get("NumberOfFrames", 1) or 1)
    interpretation = str(header.get("PhotometricInterpretation", ""))
    slope, intercept = float(header.get("RescaleSlope", 1) or 1), float(header.get("RescaleIntercept", 0) or 0)
    try:
        array = _with_pydicom(header, interpretation)
        finished = False
    except (AttributeError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        array = _with_simpleitk(path, error)
        finished = True  # SimpleITK rescales and inverts
    grid = (frames, int(header.Rows), int(header.Columns))
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
        except (AttributeError, TypeError, ValueError):
            continue
        in_cm = item.get("PhysicalUnitsXDirection") == item.get("PhysicalUnitsYDirection") == _CENTIMETRES
        dx, dy = (abs(float(item.get(f"PhysicalDelta{axis}", 0) or 0)) * 10 for axis in "XY")
        spacing = (dy, dx) if in_cm and dx > 0 and dy > 0 else None
        if item.get("RegionSpatialFormat", _TWO_DIMENSIONS) == _TWO_DIMENSIONS and box[2] > box[0] and box[3] > box[1]:
            found.append(ScannedRegion(box, spacing))
    return tuple(sorted(found, key=lambda r: (r.spacing is None, -r.area, r.box)))


def _spacing(header: Any) -> tuple[float, float, float] | None:
    """(z, y, x) in mm where the header gives it for the whole picture."""
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        value = header.get(name)
        if value is not None and len(value) == 2 and min(map(float, value)) > 0:
            between = header.get("SpacingBetweenSlices") or header.get("SliceThickness") or 0
            return abs(float(between)) or 1.0, float(value[0]), float(value[1])
    return None
