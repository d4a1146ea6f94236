"""Other radiomics packages, where they are installed, beside the native engine: seconds and features of the same case.

    python benchmarks/bench_peers.py [--repeat 3]

Nyxus, MIRP and flash-radiomics define and filter differently, and each measures what it offers by itself: their
values are not compared, and a package that measures little is fast for that. One thread each; seconds are of the
processor, best of several after a first call. Not a test.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import tempfile
import warnings
from functools import partial

os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

import numpy as np
import yaml
from bench_radiomics import ball, best_of, everything, still

from dlr.radiomics import engine


def native(image: np.ndarray, mask: np.ndarray) -> int:
    """Every feature, every image type (LoG of volumes alone)."""
    return len(engine("native").measure(image, mask, (1.0, 1.0, 1.0), everything(log=len(image) > 1)).values)


def flash_radiomics(image: np.ndarray, mask: np.ndarray) -> int:
    """The same parameter file without the image types that it does not have."""
    import SimpleITK as sitk
    from flash_radiomics import RadiomicsFeatureExtractor

    content = yaml.safe_load(everything(log=len(image) > 1).text)
    del content["imageType"]["LBP3D"]
    extractor = RadiomicsFeatureExtractor(content)
    drawn = sitk.GetImageFromArray(mask.astype(np.uint8))
    with tempfile.TemporaryDirectory() as place:  # it keeps a file of every result, by default where one stands
        result = extractor.execute(sitk.GetImageFromArray(image), drawn, output_hdf5_path=f"{place}/result.h5")
    return sum(not key.startswith("diagnostics") for key in result)


def nyxus(image: np.ndarray, mask: np.ndarray) -> int:
    """All features of its 2-D set, original image only; no volumes from memory."""
    if len(image) > 1:
        raise NotImplementedError("stills alone")
    from nyxus import Nyxus

    table = Nyxus(["*ALL*"], n_feature_calc_threads=1).featurize(image[0].astype(np.uint32), mask[0].astype(np.uint32))
    return table.select_dtypes("number").shape[1]


def mirp(image: np.ndarray, mask: np.ndarray) -> int:
    """All features of the original, a separable wavelet's bands and, of volumes, three Laplacians of Gaussian."""
    from mirp import extract_features

    flat = len(image) == 1
    filters = {"separable_wavelet_families": "coif1", "separable_wavelet_set": "all"}
    names = ["separable_wavelet"]
    if not flat:
        names.append("laplacian_of_gaussian")
        filters["laplacian_of_gaussian_sigma"] = [1.0, 2.0, 3.0]
    tables = extract_features(
        image=image, mask=mask.astype(np.uint8), by_slice=flat, filter_kernels=names,
        base_discretisation_method="fixed_bin_size_pyradiomics", base_discretisation_bin_width=25.0,
        response_map_discretisation_method="fixed_bin_size_pyradiomics", response_map_discretisation_bin_width=25.0,
        base_feature_families="all", response_map_feature_families="all", ibsi_compliant=False, num_cpus=1, **filters,
    )  # fmt: skip
    return tables[0].select_dtypes("number").shape[1]


def main() -> None:
    """Print a line a package and case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"{'case':<26}{'package':<18}{'s':>8}{'features':>10}{'ms a feature':>14}")
    for name, (image, mask) in (("600x800 still, 150x200", still(1)), ("128^3 volume, r 25", ball(128, 25))):
        for measure in (native, flash_radiomics, nyxus, mirp):
            try:
                with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                    warnings.simplefilter("ignore")
                    seconds, features = best_of(given.repeat, partial(measure, image, mask))
            except (ImportError, NotImplementedError) as error:
                print(f"{name:<26}{measure.__name__:<18}{error}", flush=True)
                continue
            print(
                f"{name:<26}{measure.__name__:<18}{seconds:>8.3f}{features:>10}{1000 * seconds / features:>14.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
