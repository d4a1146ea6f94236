"""On noise nothing is found out-of-fold and p-values are uniform; the published way shows its leak; signal is found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from null_tables import CHEAP, draw_study
from scipy.stats import kstest

from dlr.learn import selection_frequency
from dlr.learn.univariable import two_class_tests
from dlr.protocols import cross_fit, permute_through
from dlr.stats import auc, auc_within_folds, delong_test, permutation_p
from dlr.words import expit

SEEDS = 48


@pytest.fixture(scope="module")
def null_runs() -> pd.DataFrame:
    """A row a null cohort: out-of-fold, test and apparent AUC, the out-of-fold interval, DeLong's p on test."""
    rows = []
    for seed in range(SEEDS):
        study = draw_study(seed)
        crossfit, paper = (study.predictions(protocol, CHEAP) for protocol in ("crossfit", "paper"))
        held_out = crossfit[crossfit["side"] == "train"]
        area = auc_within_folds(
            held_out["positive"].to_numpy(), held_out["value"].to_numpy(), held_out["fold"].to_numpy(),
            held_out["seed"].to_numpy(),
        )  # fmt: skip
        apparent, test = (paper[paper["side"] == side] for side in ("train", "test"))
        truth, value = test["positive"].to_numpy(), test["value"].to_numpy()
        rows.append(
            {
                "out_of_fold": area.value,
                "covered": area.lower <= 0.5 <= area.upper,
                "apparent": auc(apparent["positive"].to_numpy(), apparent["value"].to_numpy()).value,
                "test": auc(truth, value).value,
                "p": delong_test(truth, value, np.zeros(len(value))).p,  # against no discrimination at all
                "empty": bool(test["empty"].any()),
            }
        )
    return pd.DataFrame(rows)


def test_out_of_fold_auc_on_noise_is_one_half(null_runs):
    """Within two Monte-Carlo errors above; slightly below is normal, as folds share their patients."""
    values = null_runs["out_of_fold"]
    error = values.std() / np.sqrt(SEEDS)
    print(f"out-of-fold AUC on noise {values.mean():.3f} ± {error:.3f} (Monte-Carlo error, {SEEDS} cohorts)")
    assert -3 * error < values.mean() - 0.5 < 2 * error


def test_the_published_way_looks_far_better_on_noise_than_it_is(null_runs):
    print(
        f"published way on noise: training AUC {null_runs['apparent'].mean():.3f}, test {null_runs['test'].mean():.3f}"
    )
    assert null_runs["apparent"].mean() > 0.75
    assert abs(null_runs["test"].mean() - 0.5) < 2 * null_runs["test"].std() / np.sqrt(SEEDS)


def test_delong_p_on_the_untouched_test_side_is_uniform(null_runs):
    p = null_runs.loc[~null_runs["empty"], "p"]  # a constant signature has p = 1 by definition
    assert len(p) >= 40
    assert kstest(p, "uniform").pvalue > 0.01


def test_the_out_of_fold_interval_holds_one_half_on_noise(null_runs):
    covered = null_runs["covered"].mean()
    print(f"95 % out-of-fold interval holds one half in {covered:.0%} of {SEEDS} null cohorts")
    assert covered > 0.95 - 2.5 * np.sqrt(0.95 * 0.05 / SEEDS)  # of one drawing of the folds: about .92 to .96


class TopFive:
    """Selection and a score in one: the five columns with the largest |t|, each with the sign of its t."""

    def fit(self, X, y):
        t = np.nan_to_num(two_class_tests(X, y.astype(bool), "welch")[0])
        self.weight = np.where(np.abs(t) >= np.sort(np.abs(t))[-5], np.sign(t), 0.0)
        return self

    def predict(self, X):
        return expit(X @ self.weight)


def test_permutation_p_through_the_whole_chain_is_uniform():
    jitter = np.random.default_rng(1)
    p = []
    for seed in range(SEEDS):
        study = draw_study(seed, test=0)
        x, fold = study.frame.to_numpy(), study.folds["fold"].to_numpy()

        def chain(labels: np.ndarray, x=x, fold=fold) -> float:
            held_out = cross_fit(TopFive(), x, labels, fold).signature
            pairs = [(held_out[labels & (fold == k)], held_out[~labels & (fold == k)]) for k in range(4)]
            right = sum(int((above[:, None] > below).sum()) for above, below in pairs)
            return right / sum(len(above) * len(below) for above, below in pairs)

        result = permute_through(chain, study.positive.to_numpy(), None, 19, seed)
        p.append(permutation_p(result.observed, result.shuffled) - jitter.random() / 20)  # steps of 1/20 smoothed
    assert kstest(p, "uniform").pvalue > 0.01


def test_the_planted_family_is_found_and_nothing_beats_the_truth():
    study = draw_study(2, signal=2.0, train=120, test=200)
    selection = pd.concat(study.fit(part, CHEAP).selection.assign(fold=part.fold) for part in study.parts("crossfit"))
    assert selection_frequency(selection)["feature"].iloc[0].startswith("family00")
    predictions = study.predictions("crossfit", CHEAP)
    test = predictions[predictions["side"] == "test"].groupby("patient_id", sort=True)["value"].mean()
    truth = study.positive[test.index].to_numpy()
    reached = auc(truth, test.to_numpy())
    # the truth is the logistic of the first factor, whose AUC on very many patients is .863
    assert reached.lower < 0.863 and reached.value > 0.75
