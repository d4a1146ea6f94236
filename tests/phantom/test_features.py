"""The cohort of numbers only."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from dlr.phantom import CLINICAL_COLUMNS, feature_cohort


def block(name):
    return name.rsplit("_", 1)[0]


def test_shapes_names_and_seeds():
    features, clinical, positive = feature_cohort(60, 1561, seed=3)
    assert features.shape == (60, 1561)
    assert features.columns.is_unique
    assert tuple(clinical.columns) == CLINICAL_COLUMNS
    assert features.index.equals(clinical.index)
    assert positive.dtype == bool
    assert positive.sum() == round(60 * 58 / 201)
    again, other = feature_cohort(60, 1561, seed=3), feature_cohort(60, 1561, seed=4)
    pd.testing.assert_frame_equal(features, again[0])
    assert not features.equals(other[0])


def test_one_feature_more_moves_no_other():
    fewer, more = feature_cohort(40, 70, seed=1)[0], feature_cohort(40, 71, seed=1)[0]
    pd.testing.assert_frame_equal(fewer, more.iloc[:, :70])


def test_features_correlate_within_blocks_more_than_between():
    features, _, _ = feature_cohort(4000, 120, seed=2)
    r = features.corr().to_numpy()
    names = np.array([block(name) for name in features.columns])
    same = names[:, None] == names[None, :]
    off = ~np.eye(len(names), dtype=bool)
    assert 0.4 < r[same & off].mean() < 0.75
    assert abs(r[~same].mean() - 0.09) < 0.03


def test_signal_sits_in_the_three_planted_blocks_only():
    features, _, positive = feature_cohort(4000, 200, seed=2)
    auc = pd.Series({name: roc_auc_score(positive, features[name]) for name in features.columns})
    of_block = auc.groupby([block(name) for name in auc.index]).mean()
    planted = of_block[["spiculation", "texture", "shadow"]]
    assert (planted > 0.6).all()
    assert of_block.drop(planted.index).between(0.46, 0.54).all()
    assert planted.idxmax() == "texture"


def test_null_cohort_holds_no_signal_anywhere():
    features, clinical, positive = feature_cohort(4000, 200, seed=2, signal=0.0)
    for table in (features, clinical):
        z = (table - table.mean()) / table.std()
        t = (z[positive].mean() - z[~positive].mean()) / np.sqrt(1 / positive.sum() + 1 / (~positive).sum())
        assert t.abs().max() < 4.5
        assert t.abs().median() < 1.3
