"""What pyradiomics does silently, the adapter says, avoids or refuses."""

import logging
import threading

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics_reference import ENGINE_NAMES, ball, case_arrays, needs_pyradiomics, profile_of
from scipy.ndimage import map_coordinates

from dlr.errors import InputError
from dlr.radiomics import engine, load_profile

ISO = (1.0, 1.0, 1.0)
TEXTURE = {"featureClass": {"firstorder": None, "glcm": None}}


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_integer_images_are_measured_as_float64(engine_name):
    # as uint8, bin edges beyond 255 would wrap and put most voxels in wrong bins
    image, mask = ball((1, 30, 30), 10)
    image = np.clip(image * 2, 0, 255)
    profile = profile_of(setting={"binWidth": 25}, **TEXTURE)
    as_float = engine(engine_name).measure(image, mask, ISO, profile)
    assert engine(engine_name).measure(image.astype(np.uint8), mask, ISO, profile) == as_float
    assert as_float.values["original_firstorder_Entropy"] > 2


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_roi_that_fills_the_image_is_measured(engine_name):
    image, mask = ball((6, 7, 8), 100)
    assert mask.all()
    measured = engine(engine_name).measure(image, mask, ISO, profile_of())
    assert measured.values["original_shape_VoxelVolume"] == 6 * 7 * 8
    assert measured.values["original_firstorder_Mean"] == pytest.approx(image.mean())


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_shape2d_of_several_slices_is_missing_with_its_reason_and_the_rest_is_there(engine_name):
    image, mask = ball((8, 20, 20), 3)
    profile = profile_of(featureClass={"shape2D": None, "glcm": None}, setting={"force2D": True})
    measured = engine(engine_name).measure(image, mask, ISO, profile)
    assert len(measured.missing) == 9
    assert all("slices" in reason for reason in measured.missing.values())
    assert len(measured.values) == 24


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_log_on_a_small_volume_is_missing_with_its_reason(engine_name):
    image, mask = ball((3, 20, 20), 4)
    profile = profile_of(imageType={"LoG": {"sigma": [1.0]}}, featureClass={"firstorder": ["Mean"]})
    measured = engine(engine_name).measure(image, mask, ISO, profile)
    assert not measured.values
    assert "too small" in measured.missing["log-sigma-1-0-mm-3D_firstorder_Mean"]


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_roi_without_neighbours_has_no_glcm_and_says_so(engine_name):
    image, _ = ball((1, 20, 20), 3)
    mask = np.zeros(image.shape, bool)
    mask[0, ::4, ::4] = True
    measured = engine(engine_name).measure(image, mask, ISO, profile_of(**TEXTURE))
    gone = {name for name in measured.missing if "_glcm_" in name}
    assert len(gone) == 24
    assert all(measured.missing[name] for name in gone)
    assert np.isfinite(list(measured.values.values())).all()


BROKEN = {
    "nan": "NaN or infinite",
    "grid": "differs from image grid",
    "empty": "mask is empty",
    "axes": "axes",
    "spacing": "voxel edges",
    "voxel": "single voxel",
    "line": "dimensions",
    "small": "minimumROISize",
}


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
@pytest.mark.parametrize("fault", BROKEN)
def test_what_cannot_be_measured_says_what_and_how_to_mend(engine_name, fault):
    image, mask = ball((4, 12, 12), 4)
    spacing: tuple[float, ...] = ISO
    setting = {}
    if fault == "nan":
        image[0, 0, 0] = np.nan
    elif fault == "grid":
        mask = mask[:, :-1]
    elif fault == "empty":
        mask[:] = False
    elif fault == "axes":
        image, mask = image[0], mask[0]
    elif fault == "spacing":
        spacing = (1.0, 0.0, 1.0)
    elif fault == "voxel":
        mask = np.zeros_like(mask)
        mask[1, 2, 2] = True
    elif fault == "line":
        mask = np.zeros_like(mask)
        mask[1, 2, 2:9] = True
    elif fault == "small":
        setting = {"minimumROISize": int(mask.sum())}  # a ROI of exactly this size is too small
    with pytest.raises(InputError, match=BROKEN[fault]) as raised:
        engine(engine_name).measure(image, mask, spacing, profile_of(setting=setting, **TEXTURE))
    assert raised.value.problems[0].mend


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_resegmentation_that_leaves_nothing_is_an_input_error(engine_name):
    image, mask = ball((1, 20, 20), 5)
    with pytest.raises(InputError):
        engine(engine_name).measure(image, mask, ISO, profile_of(setting={"resegmentRange": [9000]}, **TEXTURE))


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_roi_that_vanishes_in_resampling_is_an_input_error(engine_name):
    image, _ = ball((12, 12, 12), 4)
    mask = np.zeros(image.shape, bool)
    mask[5:7, 5:7, 5:7] = True
    with pytest.raises(InputError, match=r"vanishes|single voxel"):
        engine(engine_name).measure(
            image, mask, ISO, profile_of(setting={"resampledPixelSpacing": [8, 8, 8]}, **TEXTURE)
        )


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_engine_does_not_change_its_input(engine_name):
    image, mask = ball((1, 20, 20), 5)
    before = image.copy(), mask.copy()
    engine(engine_name).measure(image, mask, ISO, profile_of(setting={"normalize": True}, **TEXTURE))
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(mask, before[1])


@needs_pyradiomics
def test_process_wide_states_are_put_back_also_after_an_error(capfd):
    from radiomics import featureextractor, handler, logger

    process = sitk.ProcessObject
    process.SetGlobalDefaultNumberOfThreads(3)

    def states():
        return (
            process.GetGlobalDefaultNumberOfThreads(),
            process.GetGlobalDefaultCoordinateTolerance(),
            process.GetGlobalDefaultDirectionTolerance(),
            featureextractor.geometryTolerance,
            handler.level,
            list(logger.handlers),
            logger.propagate,
        )

    before = states()
    image, mask = ball((3, 20, 20), 4)
    loud = {"imageType": {"LoG": {"sigma": [1.0]}}, "featureClass": {"glcm": ["SumAverage"]}}
    engine("pyradiomics").measure(image, mask, ISO, profile_of(setting={"geometryTolerance": 0.1}, **loud))
    assert states() == before
    with pytest.raises(InputError):
        engine("pyradiomics").measure(image, mask, ISO, profile_of(setting={"resegmentRange": [9000]}))
    assert states() == before
    said = capfd.readouterr()
    assert said.out == said.err == ""


@needs_pyradiomics
def test_threads_give_the_same_values_as_one_after_another():
    profile = load_profile("ultrasound2d")
    cases = [case_arrays(name) for name in ("real_brain1_slice", "real_breast1_slice", "real_lung1_slice")]
    alone = [engine("pyradiomics").measure(*case, profile) for case in cases]
    together: dict[int, object] = {}

    def work(number):
        together[number] = engine("pyradiomics").measure(*cases[number], profile)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(cases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[number] for number in range(len(cases))] == alone


@needs_pyradiomics
def test_missing_package_of_a_filter_is_named_not_swallowed(monkeypatch):
    from radiomics import imageoperations

    def skipped(image, mask, **settings):
        logging.getLogger("radiomics.imageoperations").warning('Could not load required package "skimage", cannot')
        return iter(())

    monkeypatch.setattr(imageoperations, "getLBP2DImage", skipped)
    image, mask = ball((1, 20, 20), 5)
    with pytest.raises(InputError, match="skimage") as raised:
        engine("pyradiomics").measure(image, mask, ISO, profile_of(imageType={"LBP2D": {}}, **TEXTURE))
    assert "pip install" in raised.value.problems[0].mend


@needs_pyradiomics
def test_feature_that_raises_is_missing_with_its_exception(monkeypatch):
    from radiomics.firstorder import RadiomicsFirstOrder

    def broken(self):
        raise ArithmeticError("no such moment")

    broken.__name__ = "getSkewnessFeatureValue"
    broken.__code__ = broken.__code__.replace(co_name="getSkewnessFeatureValue")
    monkeypatch.setattr(RadiomicsFirstOrder, "getSkewnessFeatureValue", broken)
    image, mask = ball((1, 20, 20), 5)
    measured = engine("pyradiomics").measure(image, mask, ISO, profile_of(**TEXTURE))
    assert measured.missing == {"original_firstorder_Skewness": "pyradiomics stops: ArithmeticError: no such moment"}


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_volume_of_two_slices_is_resampled_by_a_spline_with_mirrored_ends(engine_name):
    # ITK's own interpolator reads uninitialised memory on an axis of two voxels: other values in every run
    image, mask = ball((2, 20, 20), 5)
    setting = {"resampledPixelSpacing": [1, 1, 1], "padDistance": 0, "binWidth": 5}
    profile = profile_of(setting=setting, featureClass={"firstorder": ["Mean", "Maximum", "Variance"]})
    values = engine(engine_name).measure(image, mask, (2.0, 1.0, 1.0), profile).values
    slices = (np.arange(4) - 0.5) / 2
    grid = np.meshgrid(slices, np.arange(20), np.arange(20), indexing="ij")
    fine = map_coordinates(image, np.array(grid), order=3, mode="mirror")
    roi = fine[np.repeat(mask, 2, axis=0)]
    np.testing.assert_allclose(list(values.values()), [roi.mean(), roi.max(), roi.var()], rtol=1e-9)


@needs_pyradiomics
def test_image_that_a_filter_cannot_scale_is_an_input_error():
    # square divides by the image's maximum; pyradiomics then fails with "arange: cannot compute length"
    _, mask = ball((1, 20, 20), 5)
    with pytest.raises(InputError, match="pyradiomics stops"):
        engine("pyradiomics").measure(np.zeros(mask.shape), mask, ISO, profile_of(imageType={"Square": {}}, **TEXTURE))


@needs_pyradiomics
def test_bins_too_fine_for_memory_say_so(monkeypatch):
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    def too_large(*args, **kwargs):
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr(RadiomicsFeatureExtractor, "computeFeatures", too_large)
    image, mask = ball((1, 20, 20), 5)
    with pytest.raises(InputError, match="7 TiB") as raised:
        engine("pyradiomics").measure(image, mask, ISO, profile_of(**TEXTURE))
    assert "binWidth" in raised.value.problems[0].mend
