"""DICOM files: samples, spacing, scanned region, where slices lie. Nothing else of a header is read.

Multi-frame files are sorted by the position of their frames (PS3.3 C.7.6.16, functional groups) where they have one.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from dlr.cohort.decoded import Decoded, ScannedRegion
from dlr.cohort.headers import check_size
from dlr.cohort.slices import Plane, stacked
from dlr.errors import InputError

__all__ = ["decode_dicom", "numbers_in", "plane_of", "read_header", "spacing_of", "whole_number"]

_CENTIMETRES = 3  # code of the unit of an ultrasound region
_TWO_DIMENSIONS = 1  # code of its spatial format
_NOT_PICTURES = {"SEG": "a DICOM segmentation", "RTSTRUCT": "a DICOM structure set"}


def decode_dicom(path: Path, largest: int) -> Decoded:
    """Samples of one DICOM file: rescaled, MONOCHROME1 inverted, spacing of ultrasound from its regions (given in cm).

    Frames whose header says where they lie come in that order, with their grid.
    Raises InputError where pydicom is not installed, the file holds no picture, or its frames are no stack of slices.
    """
    header = read_header(path)
    modality = str(header.get("Modality", ""))
    if modality in _NOT_PICTURES:
        mend = "name the picture in column image, and this file in column mask"
        raise InputError(str(path), f"{_NOT_PICTURES[modality]}, not a picture", mend)
    if not all(name in header for name in ("PixelData", "Rows", "Columns")):
        raise InputError(str(path), "a DICOM file without pixels", "export the image itself")
    edges = [whole_number(path, header, name) for name in ("Columns", "Rows", "NumberOfFrames", "SamplesPerPixel")]
    check_size(path, edges, largest)
    _check_length(path, header)
    array = _samples(path, header)
    notes = []
    if str(header.get("BurnedInAnnotation", "")).upper() == "YES":
        notes.append("its header says that annotations are burnt in")
    grid, spacing = None, spacing_of(path, header)
    planes = [plane_of(path, header, frame) for frame in range(len(array))]
    known = [plane for plane in planes if plane is not None]
    if len(known) == len(planes) and spacing is not None:
        order, grid = stacked(path, known, spacing)
        array = array[order] if order != list(range(len(array))) else array
        spacing = (grid.spacing[2], grid.spacing[1], grid.spacing[0])
    return Decoded(array, "DICOM", grid, spacing, _regions(header), tuple(notes))


def _check_length(path: Path, header: Any) -> None:
    """InputError where samples that are not compressed are fewer than the header says; SimpleITK would make them up."""
    from pydicom.pixels.utils import get_expected_length

    if header.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    claimed, there = get_expected_length(header), len(header.PixelData)
    if there < claimed:
        what = f"it holds {there:,} bytes of samples, and its header claims {claimed:,}"
        raise InputError(str(path), what, "copy or export the file again")


def read_header(path: Path, pixels: bool = True) -> Any:
    """A file's elements as pydicom gives them; InputError where they cannot be read."""
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise InputError(str(path), "DICOM needs one more package", 'pip install "dlr[dicom]"') from error
    content = io.BytesIO(path.read_bytes())  # of which no element can claim more than there is
    named = path.suffix.lower() in (".dcm", ".dicom")
    try:
        header = pydicom.dcmread(content, force=named, stop_before_pixels=not pixels)
    except InvalidDicomError as error:
        raise InputError(str(path), "cannot be read as DICOM", "export the file again") from error
    if not hasattr(header.file_meta, "TransferSyntaxUID"):
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian  # the standard's default
    return header


def plane_of(path: Path, header: Any, frame: int = 0) -> Plane | None:
    """Where a frame lies, None where its header does not say."""
    position = numbers_in(path, _group(header, frame, "PlanePositionSequence"), "ImagePositionPatient")
    turned = numbers_in(path, _group(header, frame, "PlaneOrientationSequence"), "ImageOrientationPatient")
    if len(position) != 3 or len(turned) != 6:
        return None
    return Plane(position, turned, f"frame {frame + 1}")


def _group(header: Any, frame: int, name: str) -> Any:
    """The functional group of a frame: its own, that of all frames, or the header itself."""
    every = header.get("PerFrameFunctionalGroupsSequence") or []
    for groups in (*every[frame : frame + 1], *(header.get("SharedFunctionalGroupsSequence") or [])[:1]):
        if groups.get(name):
            return groups[name][0]
    return header


def _samples(path: Path, header: Any) -> np.ndarray:
    """(frames, y, x) or (frames, y, x, 3): colours as RGB; grey values rescaled, MONOCHROME1 inverted."""
    frames = whole_number(path, header, "NumberOfFrames")
    interpretation = str(header.get("PhotometricInterpretation", ""))
    scales = [_scale(path, header, frame) for frame in range(frames)]
    slope, intercept = np.array(scales).reshape(frames, 2, 1, 1).swapaxes(0, 1)  # (frames, 1, 1) each
    try:
        array = _with_pydicom(header, interpretation)
        finished = False
    except (AttributeError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        array = _with_simpleitk(path, error)
        finished = True  # SimpleITK rescales and inverts
    grid = (frames, whole_number(path, header, "Rows"), whole_number(path, header, "Columns"))
    if array.size == 3 * np.prod(grid):
        return array.reshape(*grid, 3)
    array = array.reshape(grid)
    if finished:
        return array
    if set(scales) != {(1.0, 0.0)}:
        array = array.astype(np.float64) * slope + intercept
    if interpretation == "MONOCHROME1":
        bits, signed = int(header.BitsStored), int(header.get("PixelRepresentation", 0))
        ends = -1 if signed else 2**bits - 1  # lowest plus highest stored value
        array = ends * slope + 2 * intercept - array.astype(np.float64)
    return array


def _scale(path: Path, header: Any, frame: int) -> tuple[float, float]:
    """Slope and intercept of a frame's stored values."""
    group = _group(header, frame, "PixelValueTransformationSequence")
    slope = numbers_in(path, group, "RescaleSlope") or (1.0,)
    return slope[0], (numbers_in(path, group, "RescaleIntercept") or (0.0,))[0]


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
    import SimpleITK as sitk  # a process that needs no such file starts without it

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


def spacing_of(path: Path, header: Any) -> tuple[float, float, float] | None:
    """(z, y, x) in mm where the header gives it for the whole picture."""
    measures = _group(header, 0, "PixelMeasuresSequence")
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        value = numbers_in(path, measures, name)
        if len(value) == 2 and min(value) > 0:
            between = numbers_in(path, measures, "SpacingBetweenSlices") or numbers_in(path, measures, "SliceThickness")
            return abs(between[0]) or 1.0 if between else 1.0, value[0], value[1]
    return None


def numbers_in(path: Path, header: Any, name: str) -> tuple[float, ...]:
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


def whole_number(path: Path, header: Any, name: str) -> int:
    """A whole number from 1; 1 where the element is absent or empty."""
    (value,) = numbers_in(path, header, name)[:1] or (1.0,)
    if value < 1 or value != int(value):
        raise InputError(str(path), f"its header has {name} {value:g}", "export the file again from its source")
    return int(value)
