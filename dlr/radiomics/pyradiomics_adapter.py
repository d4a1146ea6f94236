"""pyradiomics 3.0.1 as an engine: always float64, one thread, quiet, nothing lost without a reason.

Its process-wide states (ITK's tolerances and threads, the logger) are set for the length of a call under a lock
and put back, so that no call depends on an earlier one.
"""

from __future__ import annotations

import copy
import importlib.metadata
import importlib.util
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import SimpleITK as sitk

from dlr.errors import InputError
from dlr.radiomics.catalogue import WITHDRAWN
from dlr.radiomics.columns import expected_columns
from dlr.radiomics.inputs import WHERE, check_input, check_roi, kind_of
from dlr.radiomics.interface import Measured
from dlr.radiomics.profile import Profile
from dlr.radiomics.reasons import UNDEFINED, sort_measured

__all__ = ["PyradiomicsEngine"]

LABEL = 1  # the ROI's value in the mask handed over
ITK_TOLERANCE = 1e-6  # ITK's own default

_lock = threading.RLock()


class PyradiomicsEngine:
    """pyradiomics behind the engine interface."""

    name = "pyradiomics"

    def __init__(self) -> None:
        if importlib.util.find_spec("radiomics") is None:
            raise InputError(
                "radiomics.engine", "pyradiomics is not installed", 'install it: pip install "dlr[pyradiomics]"'
            )

    @property
    def version(self) -> str:
        """pyradiomics' release."""
        return importlib.metadata.version("pyradiomics")

    def measure(
        self, image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float], profile: Profile
    ) -> Measured:
        """Every feature of the profile for one ROI (see `Engine.measure`)."""
        check_input(image, mask, spacing)
        columns = expected_columns(profile, kind_of(image))
        families, refused = _families(profile, mask)
        with _lock, _fixed_state(profile) as log:
            extractor = _extractor(profile, families)
            try:
                given = extractor.execute(
                    _itk(image.astype(np.float64), spacing), _itk(mask.astype(np.uint32), spacing)
                )
            except (ValueError, RuntimeError, IndexError) as error:
                text = " ".join(str(error).split())
                raise InputError(WHERE, f"pyradiomics stops: {text}", "look at the outline and the profile") from error
            except MemoryError as error:
                raise InputError(
                    WHERE,
                    f"the texture matrices do not fit in memory ({error})",
                    "the bins are too fine for this image: raise binWidth, or set binCount for that image type",
                ) from error
        log.require_packages()
        unknown = set(given) - set(columns)
        assert not unknown, f"pyradiomics gave columns that were not expected: {sorted(unknown)[:5]}"
        return sort_measured(columns, given, refused, image.shape, log.why)


def _families(profile: Profile, mask: np.ndarray) -> tuple[dict[str, list[str]], dict[str, str]]:
    """What to ask for, and families that pyradiomics would fail on, losing the whole case, with the reason."""
    families: dict[str, list[str]] = {}
    for family, named in profile.families.items():
        measured = [feature for feature in named if feature not in WITHDRAWN.get(family, {})]
        if measured or not named:
            families[family] = measured
    refused = {}
    if "shape2D" in families and profile.settings["force2D"]:
        axis = profile.settings["force2Ddimension"]
        slices = np.ptp(np.nonzero(mask)[axis]) + 1
        # pyradiomics' own guard looks at the reversed axis: a ROI one voxel wide there gives nothing
        width = np.ptp(np.nonzero(mask)[2 - axis]) + 1
        if slices > 1:
            refused["shape2D"] = f"the ROI spans {slices} slices; shape2D needs one"
        elif width == 1:
            refused["shape2D"] = "the ROI is one voxel wide"
    return {family: named for family, named in families.items() if family not in refused}, refused


def _extractor(profile: Profile, families: dict[str, list[str]]) -> Any:
    """pyradiomics' extractor with this profile, its mask checks replaced by ours."""
    from radiomics import imageoperations
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    class Extractor(RadiomicsFeatureExtractor):
        """Reads from memory; accepts a ROI that fills the image, which pyradiomics calls empty."""

        @staticmethod
        def loadImage(image: sitk.Image, mask: sitk.Image, generalInfo: Any = None, **settings: Any) -> Any:
            """Normalise, then resample or crop."""
            if settings["normalize"]:
                image = imageoperations.normalizeImage(image, **settings)
            resampled = settings["interpolator"] is not None and settings["resampledPixelSpacing"] is not None
            if resampled:
                coarse = image
                image, mask = imageoperations.resampleImage(coarse, mask, **settings)
                if 2 in coarse.GetSize() and not np.allclose(image.GetSpacing(), coarse.GetSpacing()):
                    image = _resampled_again(coarse, image, settings["interpolator"])
                if LABEL not in sitk.GetArrayViewFromImage(mask):
                    raise InputError(
                        WHERE,
                        f"the ROI vanishes at the spacing {settings['resampledPixelSpacing']} mm (x, y, z)",
                        "resample to finer voxels, or exclude the case",
                    )
            check_roi(sitk.GetArrayViewFromImage(mask) == LABEL, settings)
            if settings["preCrop"] and not resampled:
                box, _ = imageoperations.checkMask(image, mask, **settings)
                image, mask = imageoperations.cropToTumorMask(image, mask, box, **settings)
            return image, mask

    extractor = Extractor()
    extractor.settings = {**copy.deepcopy(profile.settings), "label": LABEL, "additionalInfo": False}
    extractor.enabledImagetypes = copy.deepcopy(profile.image_types)
    extractor.enabledFeatures = families
    return extractor


def _resampled_again(coarse: sitk.Image, fine: sitk.Image, interpolator: str) -> sitk.Image:
    """`coarse` on the grid of `fine` by B-spline, right also where an axis has exactly two voxels.

    There ITK's interpolator reads beyond its coefficients (its mirrored index -1 is not mirrored again): the values
    are whatever lies in memory. Prolonged by its own reflection the signal is the one that ITK means. May go when
    ITK's BSplineInterpolateImageFunction mirrors more than once.
    """
    if interpolator != "sitkBSpline":
        return fine
    pads = [4 if size == 2 else 0 for size in coarse.GetSize()]
    array = np.pad(sitk.GetArrayFromImage(coarse), [(pad, pad) for pad in reversed(pads)], mode="reflect")
    longer = sitk.GetImageFromArray(array)
    longer.SetSpacing(coarse.GetSpacing())
    longer.SetOrigin(coarse.TransformIndexToPhysicalPoint([-pad for pad in pads]))
    again = sitk.Resample(longer, fine, sitk.Transform(), sitk.sitkBSpline, 0.0)
    inside = sitk.Resample(coarse * 0 + 1, fine, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    return again * inside  # 0 beyond the image, as without the cure


def _itk(array: np.ndarray, spacing: tuple[float, float, float]) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([float(edge) for edge in reversed(spacing)])
    return image


class _Log(logging.Handler):
    """What pyradiomics says in this thread during one call, instead of on the console."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.lines: list[str] = []
        self.failures: dict[tuple[str, str], str] = {}  # (family, feature) -> its exception

    def why(self, image_type: str, family: str, feature: str) -> str:
        """Why a feature is not finite: the exception it raised, else what its family says."""
        return self.failures.get((family, feature)) or UNDEFINED.get(family, "undefined for this ROI")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning; of a feature that raised, keep which and why."""
        if record.thread != self.thread:
            return
        text = record.getMessage()
        failed = re.search(r"in get(\w+)FeatureValue", text) if text.startswith("FAILED") else None
        if failed:
            family = record.name.rsplit(".", 1)[-1]
            self.failures[family, failed[1]] = "pyradiomics stops: " + text.strip().splitlines()[-1]
        self.lines.append(text)

    def require_packages(self) -> None:
        """A filter whose package is missing would otherwise go away with its columns."""
        for line in self.lines:
            if line.startswith("Could not load required package"):
                raise InputError("radiomics.engine", line, 'install it: pip install "dlr[pyradiomics]"')


@contextmanager
def _fixed_state(profile: Profile) -> Iterator[_Log]:
    """ITK on one thread with the profile's tolerance, pyradiomics silent, no numpy warnings; all put back after."""
    import radiomics
    from radiomics import featureextractor

    process = sitk.ProcessObject
    before = (
        process.GetGlobalDefaultNumberOfThreads(),
        process.GetGlobalDefaultCoordinateTolerance(),
        process.GetGlobalDefaultDirectionTolerance(),
        featureextractor.geometryTolerance,
        radiomics.handler.level,
    )
    tolerance = profile.settings.get("geometryTolerance")
    log = _Log()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        process.SetGlobalDefaultNumberOfThreads(1)
        process.SetGlobalDefaultCoordinateTolerance(tolerance or ITK_TOLERANCE)
        process.SetGlobalDefaultDirectionTolerance(tolerance or ITK_TOLERANCE)
        featureextractor.geometryTolerance = tolerance
        radiomics.handler.setLevel(logging.CRITICAL + 1)
        radiomics.logger.addHandler(log)
        propagate, radiomics.logger.propagate = radiomics.logger.propagate, False
        try:
            yield log
        finally:
            radiomics.logger.propagate = propagate
            radiomics.logger.removeHandler(log)
            radiomics.handler.setLevel(before[4])
            featureextractor.geometryTolerance = before[3]
            process.SetGlobalDefaultDirectionTolerance(before[2])
            process.SetGlobalDefaultCoordinateTolerance(before[1])
            process.SetGlobalDefaultNumberOfThreads(before[0])
