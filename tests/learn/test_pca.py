"""The deep block of a fusion: principal components that depend on training rows alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlr.errors import InputError
from dlr.learn import components_wanted, fit_pca, load_pca, save_pca


def embeddings(rows: int, columns: int = 40, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(rows, columns)) @ np.diag(np.linspace(1, 9, columns)) + 5
    return pd.DataFrame(values, index=[f"p{k}" for k in range(rows)], columns=[f"e{k:04d}" for k in range(columns)])


def test_scores_and_shares_are_scikit_learn_s() -> None:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    train, new = embeddings(30), embeddings(7, seed=1)
    scaler = StandardScaler().fit(train)
    theirs = PCA(12, svd_solver="full").fit(scaler.transform(train))
    block = fit_pca(train, 12)
    scores = theirs.transform(scaler.transform(new))
    np.testing.assert_allclose(np.abs(block.transform(new)), np.abs(scores), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(block.explained, theirs.explained_variance_ratio_, rtol=1e-12)
    assert list(block.transform(new).columns[:2]) == ["pca_01", "pca_02"]


def test_a_share_keeps_the_fewest_components_that_reach_it() -> None:
    train = embeddings(60)
    block = fit_pca(train, 0.95)
    assert block.explained.sum() >= 0.95 > block.explained[:-1].sum()


def test_64_components_need_65_patients() -> None:
    assert components_wanted(64, 65) == 64
    with pytest.raises(InputError, match=r"64 components need 65.*largest possible is 63.*--pca 63"):
        components_wanted(64, 64)


def test_nothing_said_is_the_published_64_or_what_patients_allow() -> None:
    assert (components_wanted(None, 200), components_wanted(None, 65), components_wanted(None, 20)) == (64, 64, 19)
    assert components_wanted(0.95, 5) == 0.95


def test_more_than_the_rows_span_is_refused() -> None:
    with pytest.raises(InputError, match="largest possible is 19"):
        fit_pca(embeddings(20), 20)


def test_order_of_rows_changes_no_sign() -> None:
    train = embeddings(25)
    first, second = fit_pca(train, 5), fit_pca(train.sample(frac=1, random_state=0), 5)
    np.testing.assert_allclose(first.axes, second.axes, atol=1e-9)


def test_constant_columns_carry_nothing() -> None:
    train = embeddings(20).assign(e0003=7.0)
    block = fit_pca(train, 4)
    assert (block.axes[:, 3] == 0).all()
    moved = train.assign(e0003=1e6)
    np.testing.assert_array_equal(block.transform(moved), block.transform(train))


def test_a_saved_block_gives_the_same_scores_to_the_bit(tmp_path: Path) -> None:
    block, new = fit_pca(embeddings(30), 6), embeddings(5, seed=2)
    save_pca(block, tmp_path / "a")
    save_pca(block, tmp_path / "b")
    assert block.transform(new).equals(load_pca(tmp_path / "a").transform(new))
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in ("pca.parquet", "pca.json")
    )


@pytest.mark.parametrize("change", ["nan", "constant"])
def test_embeddings_that_say_nothing_are_named(change: str) -> None:
    train = embeddings(20)
    train[:] = 1.0 if change == "constant" else np.where(train > 5, np.nan, train)
    with pytest.raises(InputError, match=r"same for everybody|not numbers"):
        fit_pca(train, 2)


def test_a_missing_block_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_pca(tmp_path)
