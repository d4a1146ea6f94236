"""Networks on noise: nothing is found out-of-fold, and the published way's training AUC is near one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("torch")

from dlr.deep import InputSettings, cut_picture, embed, fit_head, load_weights
from dlr.phantom import make_cohort
from dlr.protocols import stratified_folds
from dlr.randomness import rng
from dlr.stats import auc, auc_within_folds

pytestmark = pytest.mark.slow  # 32 null cohorts through a backbone
SEEDS, FOLDS = 32, 5


@pytest.fixture(scope="module")
def null_runs(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A row a null cohort: real pictures and real ImageNet features, labels drawn without looking at them."""
    folder = tmp_path_factory.mktemp("null")
    table = pd.read_csv(make_cohort(folder, patients=60, seed=4, signal=0.0, size=96)).drop_duplicates("patient_id")
    backbone, _ = load_weights("efficientnet_lite0", "imagenet", 0)
    features = []
    for image, mask in zip(table["image"], table["mask"], strict=True):
        grey, roi = (np.asarray(Image.open(folder / name).convert("L"), dtype=float)[None] for name in (image, mask))
        features.append(embed(backbone, None, cut_picture(grey, roi > 0, InputSettings(size=64)), flips=False).features)
    values = np.stack(features)
    rows = []
    for seed in range(SEEDS):
        draw = rng(seed, "null networks")
        positive = np.zeros(len(values), dtype=bool)
        positive[draw.permutation(len(values))[:24]] = True
        train = stratified_folds(positive, None, 10, draw) < 7
        names = np.array([f"P{k}" for k in range(len(values))])
        inner_positive, inner_values, inner_names = positive[train], values[train], names[train]
        fold = stratified_folds(inner_positive, None, FOLDS, draw)
        held_out = np.empty(len(fold))
        for k in range(FOLDS):
            head = fit_head(inner_values[fold != k], inner_positive[fold != k], inner_names[fold != k], seed)
            held_out[fold == k] = head.probability(inner_values[fold == k])
        paper = fit_head(inner_values, inner_positive, inner_names, seed)
        rows.append(
            {
                "out_of_fold": auc_within_folds(inner_positive, held_out, fold, np.zeros(len(fold))).value,
                "apparent": auc(inner_positive, paper.probability(inner_values)).value,
                "test": auc(positive[~train], paper.probability(values[~train])).value,
            }
        )
    return pd.DataFrame(rows)


def test_networks_find_nothing_out_of_fold_in_noise(null_runs: pd.DataFrame) -> None:
    for name in ("out_of_fold", "test"):
        mean, error = null_runs[name].mean(), null_runs[name].std() / np.sqrt(SEEDS)
        print(f"DL on noise, {name}: {mean:.3f} ± {error:.3f} over {SEEDS} cohorts")
        assert -3 * error < mean - 0.5 < 2.5 * error


def test_the_published_way_s_training_auc_on_noise_is_far_above_its_test_auc(null_runs: pd.DataFrame) -> None:
    print(f"DL on noise, published way: training AUC {null_runs['apparent'].mean():.3f}")
    assert null_runs["apparent"].mean() > 0.85
    assert (null_runs["apparent"] > null_runs["test"]).all()
