"""The selectors keep scikit-learn's contract."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from dlr.learn import GreedyCorrelationFilter, LassoNumberSelector, LassoSelector, TTestSelector


@parametrize_with_checks(
    [
        TTestSelector(),
        TTestSelector(test="student"),
        TTestSelector(test="mannwhitney"),
        GreedyCorrelationFilter(),
        LassoSelector(),
        LassoSelector(family="gaussian", rule="1se"),
        LassoNumberSelector(),
    ]
)
def test_selector_passes_check_estimator(estimator, check):
    check(estimator)


def test_two_class_selectors_say_so_in_their_tags():
    for selector in (TTestSelector(), LassoSelector()):
        tags = selector.__sklearn_tags__()
        assert tags.target_tags.required
        assert tags.classifier_tags is not None and not tags.classifier_tags.multi_class
    assert not GreedyCorrelationFilter().__sklearn_tags__().target_tags.required
