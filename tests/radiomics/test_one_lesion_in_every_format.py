"""The same lesion in every format that dlr reads gives the same features, wherever the format can carry it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image as Picture
from radiomics_reference import profile_of

from dlr.cohort import CohortSettings, read_case
from dlr.radiomics import engine

pytest.importorskip("pydicom")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cohort"))
from dicom_files import (  # the helpers of another room's tests
    ORIGIN,
    SPACING,
    slice_tags,
    write,
    write_enhanced,
    write_rtstruct,
    write_seg,
    write_series,
)  # fmt: skip

PROFILE = profile_of(featureClass={"shape": [], "firstorder": [], "glcm": [], "glszm": [], "ngtdm": []})
FLAT = profile_of(
    featureClass={"shape2D": [], "firstorder": [], "glcm": []}, setting={"force2D": True, "force2Ddimension": 0}
)
Z, Y, X = np.mgrid[:10, :40, :48]
LESION = ((Z - 4) / 3.2) ** 2 + ((Y - 17) / 9) ** 2 + ((X - 25) / 11) ** 2 <= 1
VOLUME = np.random.default_rng(0).integers(1, 250, LESION.shape).astype(np.uint8)
NODE = (Z == 6) & (Y > 30) & (X > 40)  # another structure of the same file


def itk(array: np.ndarray, path: Path, origin: tuple[float, ...] = ORIGIN, **meta: str) -> Path:
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(SPACING[::-1])
    image.SetOrigin(origin)
    for key, value in meta.items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path))
    return path


def layered(path: Path) -> Path:
    """As Slicer writes overlapping segments: layers as the first axis, cut to what is outlined."""
    layers = np.stack([LESION, NODE | (LESION & (Z == 4))], axis=-1)[1:9, 5:, 10:].astype(np.uint8)
    at = (ORIGIN[0] + 10 * SPACING[2], ORIGIN[1] + 5 * SPACING[1], ORIGIN[2] + SPACING[0])
    image = sitk.GetImageFromArray(layers, isVector=True)
    image.SetSpacing(SPACING[::-1])
    image.SetOrigin(at)
    for n, name in enumerate(["lesion", "node"]):
        for key, value in (("ID", f"S{n}"), ("Name", name), ("Layer", str(n)), ("LabelValue", "1")):
            image.SetMetaData(f"Segment{n}_{key}", value)
    sitk.WriteImage(image, str(path))
    return path


VOLUMES: dict[str, Callable[[Path], Path]] = {
    "NIfTI": lambda f: itk(VOLUME, f / "i.nii.gz"),
    "NRRD": lambda f: itk(VOLUME, f / "i.nrrd"),
    "MetaImage": lambda f: itk(VOLUME, f / "i.mha"),
    "DICOM series": lambda f: write_series(f / "series", VOLUME),
    "DICOM enhanced": lambda f: write_enhanced(f / "i.dcm", VOLUME),
}
MASKS: dict[str, Callable[[Path], Path]] = {
    "NIfTI": lambda f: itk(LESION, f / "m.nii.gz"),
    "NRRD": lambda f: itk(LESION, f / "m.nrrd"),
    "MetaImage": lambda f: itk(LESION, f / "m.mha"),
    "DICOM series": lambda f: write_series(f / "mask", LESION.astype(np.uint8)),
    "DICOM SEG": lambda f: write_seg(f / "m.dcm", {"lesion": LESION, "node": NODE}),
    "DICOM RTSTRUCT": lambda f: write_rtstruct(f / "rt.dcm", {"lesion": LESION, "node": NODE}),
    "Slicer .seg.nrrd": lambda f: layered(f / "m.seg.nrrd"),
}


def features(image: Path, mask: Path, profile: Any = PROFILE, **settings: Any) -> dict[str, float]:
    named = mask.suffix == ".dcm" or ".seg" in mask.name
    reading = CohortSettings(**({"mask_segment": "lesion"} if named else {}) | settings)
    row = {"case_id": "c", "patient_id": "p", "image": str(image), "mask": str(mask)}
    case = read_case(row, reading)
    return engine("native").measure(case.image.array, case.mask, case.image.spacing, profile).values


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lesion")


@pytest.fixture(scope="module")
def expected(made: Path) -> dict[str, float]:
    return features(itk(VOLUME, made / "e.nrrd"), itk(LESION, made / "em.nrrd"))


@pytest.mark.parametrize(
    ("image", "mask"), [*((name, "NIfTI") for name in VOLUMES), *(("DICOM series", m) for m in MASKS)]
)
def test_a_volume_gives_the_same_features_in_every_format(
    made: Path, expected: dict[str, float], image: str, mask: str
) -> None:
    found = features(VOLUMES[image](made), MASKS[mask](made))
    assert found.keys() == expected.keys() and len(found) > 60
    assert [found[name] for name in expected] == pytest.approx(list(expected.values()), rel=1e-9, abs=1e-12)


def flat(path: Path, array: np.ndarray) -> Path:
    """A still of 0.5 mm pixels by SimpleITK; its thickness is another than pictures are given."""
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing((0.5, 0.5))
    sitk.WriteImage(image, str(path))
    return path


def picture(path: Path, array: np.ndarray, **options: Any) -> Path:
    Picture.fromarray(array).save(path, **options)
    return path


STILLS: dict[str, Callable[[Path], Path]] = {
    "BMP": lambda f: picture(f / "s.bmp", VOLUME[4]),
    "TIFF": lambda f: picture(f / "s.tif", VOLUME[4]),
    "NIfTI": lambda f: flat(f / "s.nii", VOLUME[4]),
    "NRRD": lambda f: flat(f / "s.nrrd", VOLUME[4]),
    "MetaImage": lambda f: flat(f / "s.mha", VOLUME[4]),
    "DICOM still": lambda f: write(f / "s.dcm", VOLUME[4], **slice_tags(4)),
    "DICOM without position": lambda f: write(f / "n.dcm", VOLUME[4], PixelSpacing=[0.5, 0.5]),
    "DICOM series of one": lambda f: write_series(f / "one", VOLUME[4:5]),
}


def still(folder: Path, image: Path, mask: Path | None = None) -> dict[str, float]:
    mask = picture(folder / "s_mask.png", LESION[4].astype(np.uint8) * 255) if mask is None else mask
    return features(image, mask, FLAT, pixel_spacing_mm=0.5)


@pytest.mark.parametrize("name", STILLS)
def test_a_still_gives_the_same_features_in_every_format(made: Path, name: str) -> None:
    expected = still(made, picture(made / "s.png", VOLUME[4]))
    found = still(made, STILLS[name](made))
    assert found.keys() == expected.keys() and len(found) > 40
    assert [found[key] for key in expected] == pytest.approx(list(expected.values()), rel=1e-9, abs=1e-12)


def test_a_still_outlined_by_a_structure_set_or_a_segmentation(made: Path) -> None:
    expected = still(made, picture(made / "s.png", VOLUME[4]))
    image = write(made / "p.dcm", VOLUME[4], **slice_tags(0))
    for mask in (
        write_rtstruct(made / "rt1.dcm", {"lesion": LESION[4:5]}),
        write_seg(made / "seg1.dcm", {"lesion": LESION[4:5]}),
    ):
        assert list(still(made, image, mask).values()) == pytest.approx(list(expected.values()), rel=1e-9, abs=1e-12)


def test_jpeg_cannot_carry_it(made: Path) -> None:
    expected = still(made, picture(made / "s.png", VOLUME[4]))
    found = still(made, picture(made / "s.jpg", VOLUME[4], quality=90))
    name = "original_firstorder_Energy"
    assert found[name] != pytest.approx(expected[name], rel=1e-9)
    shape = [key for key in expected if "shape2D" in key]
    assert shape and [found[key] for key in shape] == [expected[key] for key in shape]
