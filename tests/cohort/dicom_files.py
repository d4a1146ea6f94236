"""DICOM files for tests: stills, series, multi-frame and enhanced files, written by pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
FileMetaDataset = pydicom.dataset.FileMetaDataset
ExplicitVRLittleEndian = pydicom.uid.ExplicitVRLittleEndian
SecondaryCaptureImageStorage = pydicom.uid.SecondaryCaptureImageStorage
generate_uid = pydicom.uid.generate_uid

SPACING = (2.0, 0.5, 0.5)  # z, y, x in mm
ORIGIN = (-10.0, 20.0, 5.0)  # x, y, z in mm
STUDY, SERIES, FRAME = (generate_uid(entropy_srcs=[name]) for name in ("study", "series", "frame"))


def write(path: Path, array: np.ndarray, sop_class: str = SecondaryCaptureImageStorage, **tags: Any) -> Path:
    """A file of uint or int (y, x), (frames, y, x) or (…, 3); `tags` replace what stands there, None leaves it out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = tags.get("SOPInstanceUID", generate_uid(entropy_srcs=[str(path)]))
    header = pydicom.Dataset()
    header.file_meta = meta
    header.SOPClassUID, header.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    header.PatientName, header.PatientID, header.Modality = "Doe^Jane", "SECRET7", "US"
    colours = 3 if array.shape[-1] == 3 and array.ndim > 2 else 1
    header.SamplesPerPixel = colours
    header.PhotometricInterpretation = "RGB" if colours == 3 else "MONOCHROME2"
    if colours == 3:
        header.PlanarConfiguration = 0
    grid = array.shape[:-1] if colours == 3 else array.shape
    header.Rows, header.Columns = grid[-2:]
    if len(grid) == 3:
        header.NumberOfFrames = grid[0]
    header.BitsAllocated = header.BitsStored = array.dtype.itemsize * 8
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(np.issubdtype(array.dtype, np.signedinteger))
    header.PixelData = array.tobytes()
    for name, value in tags.items():
        if value is None:
            header.pop(pydicom.tag.Tag(name), None)
        else:
            setattr(header, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    header.save_as(path, enforce_file_format=True)
    return path


def item(**tags: Any) -> Any:
    """One item of a sequence."""
    made = pydicom.Dataset()
    for name, value in tags.items():
        setattr(made, name, value)
    return made


def place(number: float) -> list[float]:
    """The position of slice `number` of the volume."""
    return [ORIGIN[0], ORIGIN[1], ORIGIN[2] + SPACING[0] * number]


def slice_tags(number: int, **tags: Any) -> dict[str, Any]:
    """What a slice of an MR series says of itself."""
    own = {
        "Modality": "MR", "PatientBirthDate": "", "PatientSex": "", "StudyInstanceUID": STUDY, "StudyID": "",
        "StudyDate": "", "StudyTime": "", "AccessionNumber": "", "ReferringPhysicianName": "",
        "SeriesInstanceUID": SERIES, "FrameOfReferenceUID": FRAME, "InstanceNumber": number + 1,
        "ImagePositionPatient": place(number), "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": list(SPACING[1:]), "SliceThickness": SPACING[0],
    }  # fmt: skip
    return own | tags


def write_series(folder: Path, volume: np.ndarray, **tags: Any) -> Path:
    """A folder of slices (z, y, x) whose names are in another order than their places."""
    for number, values in enumerate(volume):
        name = f"IM{(7 * number + 3) % len(volume):04d}"
        write(folder / name, values, pydicom.uid.MRImageStorage, **slice_tags(number, **tags))
    return folder


def write_enhanced(path: Path, volume: np.ndarray, places: list[float] | None = None, **tags: Any) -> Path:
    """One enhanced multi-frame file whose frames stand from the last slice to the first, at slices `places`."""
    places = [float(n) for n in range(len(volume))][::-1] if places is None else places
    frames = [item(PlanePositionSequence=[item(ImagePositionPatient=place(at))]) for at in places]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[item(PixelSpacing=list(SPACING[1:]), SliceThickness=SPACING[0])],
    )
    own = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": frames}
    return write(path, volume[::-1], pydicom.uid.EnhancedMRImageStorage, Modality="MR", **own | tags)


def write_seg(path: Path, segments: dict[str, np.ndarray]) -> Path:
    """A binary segmentation of the series by highdicom, another program than the one that reads it."""
    highdicom = pytest.importorskip("highdicom")
    shape = next(iter(segments.values())).shape
    write_series(path.parent / f"of {path.name}", np.zeros(shape, np.uint8))
    sources = [pydicom.dcmread(file) for file in (path.parent / f"of {path.name}").iterdir()]
    sources.sort(key=lambda header: header.InstanceNumber)
    code = highdicom.sr.CodedConcept("49755003", "SCT", "Morphologically abnormal structure")
    described = [
        highdicom.seg.SegmentDescription(number, name, code, code, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL)
        for number, name in enumerate(segments, start=1)
    ]
    made = highdicom.seg.Segmentation(
        sources, np.stack([area.astype(np.uint8) for area in segments.values()], axis=-1), "BINARY", described,
        generate_uid(), 1, generate_uid(), 1, "dlr", "tests", "1", "1",
    )  # fmt: skip
    made.save_as(path)
    return path


def write_rtstruct(path: Path, structures: dict[str, np.ndarray]) -> Path:
    """Structures (z, y, x) as closed contours along the edges of pixels, each run of a row a rectangle."""
    contours = {name: [] for name in structures}
    for name, area in structures.items():
        for z, y in zip(*np.nonzero(area.any(axis=2)), strict=True):
            x = np.flatnonzero(area[z, y])
            corners = [(x[0], y), (x[-1] + 1, y), (x[-1] + 1, y + 1), (x[0], y + 1)]
            points = [
                value
                for column, row in corners
                for value in (
                    float(ORIGIN[0] + (column - 0.5) * SPACING[2]),
                    float(ORIGIN[1] + (row - 0.5) * SPACING[1]),
                    float(ORIGIN[2] + z * SPACING[0]),
                )
            ]
            contours[name].append(
                item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=points)
            )
    numbered = list(enumerate(structures, start=1))
    own = {
        "Modality": "RTSTRUCT",
        "StructureSetROISequence": [item(ROINumber=n, ROIName=name) for n, name in numbered],
        "ROIContourSequence": [item(ReferencedROINumber=n, ContourSequence=contours[name]) for n, name in numbered],
    }
    return write(path, np.zeros((1, 1), np.uint8), pydicom.uid.RTStructureSetStorage, PixelData=None, **own)
