"""The frozen baseline: a penalised logistic model whose strength is chosen on inner folds of its own rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from dlr.deep import FrozenHead, fit_head
from dlr.deep.head import STRENGTHS
from dlr.errors import InputError
from dlr.protocols import stratified_folds
from dlr.randomness import rng

RANDOM = np.random.default_rng(2)
POSITIVE = np.arange(60) % 3 == 0
FEATURES = RANDOM.normal(size=(60, 150)) * np.linspace(0.1, 5, 150) + 3 + np.outer(POSITIVE, np.arange(150) < 20)
NAMES = [f"p{k}" for k in range(60)]


def test_the_answer_is_scikit_learn_s_on_all_columns() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    head = fit_head(FEATURES, POSITIVE, NAMES, 0, strengths=(1e-2,), recalibrate=False)
    scaler = StandardScaler().fit(FEATURES)
    theirs = LogisticRegression(C=1e-2, tol=1e-12, max_iter=20_000).fit(scaler.transform(FEATURES), POSITIVE)
    new = RANDOM.normal(size=(9, 150)) + 3
    np.testing.assert_allclose(head.probability(new), theirs.predict_proba(scaler.transform(new))[:, 1], atol=2e-6)


def test_a_saved_head_gives_the_same_bits() -> None:
    head = fit_head(FEATURES, POSITIVE, NAMES, 0, recalibrate=False)
    again = FrozenHead.from_json(head.to_json())
    assert np.array_equal(head.probability(FEATURES), again.probability(FEATURES))
    assert head.to_json() == fit_head(FEATURES, POSITIVE, NAMES, 0, recalibrate=False).to_json() == again.to_json()


def test_noise_is_answered_by_the_strongest_penalties() -> None:
    noise = np.random.default_rng(0).normal(size=(60, 150))
    assert (
        fit_head(noise, POSITIVE, NAMES, 0, recalibrate=False).strength
        <= 1e-3
        < fit_head(FEATURES, POSITIVE, NAMES, 0, recalibrate=False).strength * 10
    )


def test_the_strengths_begin_with_the_strongest_penalty() -> None:
    """Of equal ones the first is taken, so the order is part of the rule."""
    assert list(STRENGTHS) == sorted(STRENGTHS) and (STRENGTHS[0], STRENGTHS[-1]) == (1e-5, 1e-1)


def test_the_strength_is_the_one_with_the_least_log_loss_of_five_inner_folds() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    strengths = (1e-4, 1e-3, 1e-2)
    fold = stratified_folds(POSITIVE, np.array(NAMES), 5, rng(3, "inner folds"))
    losses = []
    for strength in strengths:
        out = np.empty(60)
        for number in range(5):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, tol=1e-10, max_iter=20_000))
            model.fit(FEATURES[fold != number], POSITIVE[fold != number])
            out[fold == number] = model.predict_proba(FEATURES[fold == number])[:, 1]
        losses.append(log_loss(POSITIVE, out))
    head = fit_head(FEATURES, POSITIVE, NAMES, 3, strengths, recalibrate=False)
    assert head.strength == strengths[int(np.argmin(losses))]
    assert head.inner_loss == pytest.approx(min(losses), abs=1e-6)  # their solver's tolerance
    assert (head.n, head.n_positive) == (60, 20)


@pytest.mark.parametrize("column", [2.0, 0.0, 1e6 * (1 + 1e-14 * RANDOM.normal(size=60))])
def test_constant_features_carry_nothing_nor_do_differences_of_rounding(column: float | np.ndarray) -> None:
    constant = FEATURES.copy()
    constant[:, 4] = column
    head = fit_head(constant, POSITIVE, NAMES, 0, recalibrate=False)
    assert head.coefficients[4] == 0.0 and np.isfinite(head.coefficients).all()


@pytest.mark.parametrize(
    ("features", "positive", "said"),
    [
        (FEATURES, np.zeros(60, bool), "0 positive and 60 negative"),
        (FEATURES, np.arange(60) == 0, "1 positive"),
        (np.full((60, 3), 2.0), POSITIVE, "same for everybody"),
        (np.full((60, 3), np.nan), POSITIVE, "not numbers"),
    ],
)
def test_a_class_missing_in_a_fold_and_dead_features_are_named(features, positive, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fit_head(features, positive, NAMES, 0, recalibrate=False)


def test_recalibrated_heads_lose_less_on_new_patients() -> None:
    """Twelve cohorts of 65 with a weak signal, 700 new patients each."""
    logits: dict[bool, list[np.ndarray]] = {False: [], True: []}
    outcomes = []
    for cohort in range(12):
        draw = np.random.default_rng([3, cohort])
        features = draw.normal(size=(765, 8)) @ draw.normal(size=(8, 60)) / 3 + draw.normal(size=(765, 60))
        positive = draw.random(765) < 1 / (1 + np.exp(0.8 - 0.7 * features[:, 0]))
        outcomes.append(positive[65:])
        for recalibrate, said in logits.items():
            head = fit_head(features[:65], positive[:65], [f"p{k}" for k in range(65)], 0, recalibrate=recalibrate)
            said.append(head.logit(features[65:]))
    spread = {key: np.mean([z.std() for z in said]) for key, said in logits.items()}
    loss = {key: log_loss(np.concatenate(outcomes), 1 / (1 + np.exp(-np.concatenate(z)))) for key, z in logits.items()}
    assert loss[True] < loss[False] and 0.1 < spread[True] < 0.6
