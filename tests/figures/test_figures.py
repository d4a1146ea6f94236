"""Every figure by what it draws: labels, line data, bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from dlr import figures
from dlr.figures import Line, theme
from dlr.figures.patients import outline
from dlr.tables import OPTIMISM_GAP
from dlr.words import Estimate, Role

NAN = float("nan")


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax: Axes) -> list[str]:
    box = ax.get_legend()
    return [] if box is None else [text.get_text() for text in box.get_texts()]


def labels_of(ax: Axes, axis: str) -> list[str]:
    return [label.get_text() for label in getattr(ax, f"get_{axis}ticklabels")()]


FLOW = pd.DataFrame(
    [
        ("enrolled", 10, 12, ""),
        ("excluded", 2, 3, "no label"),
        ("case excluded", 0, 1, "blurred"),
        ("in the study", 8, 8, ""),
        ("train", 6, 6, ""),
        ("train, her2 positive", 2, 2, ""),
        ("test", 2, 2, ""),
    ],
    columns=["step", "patients", "cases", "reason"],
)


def test_flow_chart_shows_every_count_and_reason(ax: Axes) -> None:
    figures.draw_flow(FLOW, ax)
    shown = texts(ax)
    for words in ("Enrolled", "no label", "case excluded: blurred", "In the study", "Train", "Test"):
        assert words in shown
    assert "10 patients, 12 cases" in shown
    assert "1 case" in shown
    assert "her2 positive: 2 patients, 2 cases" in shown
    assert len([patch for patch in ax.patches if isinstance(patch, Rectangle)]) == 6


def test_flow_chart_without_exclusions_and_sides_is_one_box(ax: Axes) -> None:
    figures.draw_flow(FLOW.iloc[[0]], ax)
    assert len([patch for patch in ax.patches if isinstance(patch, Rectangle)]) == 1
    assert figures.flow_rows(FLOW.iloc[[0]]) == 1


def test_an_outline_runs_along_the_border_of_the_mask() -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[5:15, :12] = True
    (line,) = outline(mask, (0, 30, 20, 0))
    assert (line[0] == line[-1]).all(), "closed, although the lesion touches the image's edge"
    assert line.min(axis=0) == pytest.approx([0, 5], abs=0.51)
    assert line.max(axis=0) == pytest.approx([12, 15], abs=0.51)


def test_an_outline_is_drawn_over_its_image(ax: Axes) -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[5:15, 8:20] = True
    figures.draw_outline(np.random.default_rng(0).random((20, 30)), mask, ax, "case 1", second=mask)
    assert [text.get_text() for text in ax.texts] == ["case 1"]
    assert len(ax.images) == 1
    assert len(ax.collections) == 2


FAMILIES = pd.DataFrame(
    [
        ("shape2D", "original", 14),
        ("firstorder", "original", 18),
        ("firstorder", "square", 18),
        ("glcm", "original", 50),
    ],
    columns=["family", "image_type", "count"],
)


def test_pie_of_the_classes_names_count_and_share(ax: Axes) -> None:
    figures.draw_family_shares(FAMILIES, ax)
    assert legend(ax) == ["shape: 14 (14.0 %)", "first-order: 36 (36.0 %)", "texture: 50 (50.0 %)"]


def test_bars_of_the_families_have_their_counts(ax: Axes) -> None:
    figures.draw_family_counts(FAMILIES, ax)
    assert [bar.get_width() for bar in ax.patches] == [14, 36, 50]
    assert [text.strip() for text in texts(ax)] == ["14", "36", "50"]


def test_bars_by_image_type_add_up_to_all_features(ax: Axes) -> None:
    figures.draw_family_counts(FAMILIES, ax, by="image_type")
    assert sum(bar.get_width() for bar in ax.patches) == FAMILIES["count"].sum()


def test_p_violin_draws_small_families_as_points(ax: Axes) -> None:
    p = np.linspace(0.01, 0.9, 20)
    table = pd.DataFrame({"family": ["glcm"] * 20 + ["shape"] * 2, "p": [*p, 0.2, 0.4]})
    figures.draw_p_violin(table, ax)
    assert labels_of(ax, "x") == ["shape\n2", "glcm\n20"]
    assert list(ax.lines[0].get_ydata()) == [0.2, 0.4]
    assert "p = 0.05" in texts(ax)
    assert len(ax.collections) == 1


def test_correlation_matrix_is_in_order_of_name_and_spans_minus_one_to_one(ax: Axes) -> None:
    matrix = pd.DataFrame([[1, 0.2], [0.2, 1]], index=["b_glcm_y", "a_glcm_x"], columns=["b_glcm_y", "a_glcm_x"])
    figures.draw_correlation(matrix, ax)
    assert labels_of(ax, "y") == ["a · glcm\nx", "b · glcm\ny"]
    assert ax.images[0].get_clim() == (-1, 1)


def test_lasso_path_marks_features_kept_at_the_chosen_lambda(ax: Axes) -> None:
    path = pd.DataFrame(
        [(-3, "a", 1.0), (-2, "a", 0.5), (-3, "b", 0.4), (-2, "b", 0.0)],
        columns=["log_lambda", "feature", "coefficient"],
    )
    figures.draw_lasso_path(path, ax, log_lambda=-2)
    assert [line.get_color() for line in ax.lines[:2]] == [theme.ACCENT, theme.LIGHT]
    assert list(ax.lines[0].get_ydata()) == [1.0, 0.5]


def test_lasso_error_shows_both_lambdas(ax: Axes) -> None:
    error = pd.DataFrame(
        {"log_lambda": [-3, -2.0], "mean": [1, 2.0], "sd": 0.1, "lambda_min": 0.05, "lambda_1se": 0.13}
    )
    figures.draw_lasso_error(error, ax)
    assert {"λ min", "λ 1se"} <= set(legend(ax))
    at = {line.get_label(): line.get_xdata()[0] for line in ax.lines}
    assert at["λ min"] == np.log(0.05)


def test_weights_stand_in_order_of_size(ax: Axes) -> None:
    figures.draw_weights(pd.DataFrame({"feature": ["a", "b", "c"], "coefficient": [0.1, -0.5, 0.3]}), ax)
    assert labels_of(ax, "y") == ["a", "c", "b"]
    assert [bar.get_width() for bar in ax.patches] == [0.1, 0.3, -0.5]


def test_selection_frequency_shows_kept_of_all_and_at_most_twenty(ax: Axes) -> None:
    table = pd.DataFrame({"feature": [f"f{k:02d}" for k in range(30)], "kept": range(30), "of": 30})
    figures.draw_selection_frequency(table.assign(frequency=table["kept"] / 30), ax)
    assert len(ax.patches) == 20
    assert texts(ax)[-1].strip() == "29/30"


def line(model: str, role: str) -> Line:
    return Line(model, role, np.array([0, 0.5, 1]), np.array([0, 0.8, 1]), Estimate(0.65, 0.5, 0.8, 20, 8, ""))


def test_roc_has_auc_and_interval_in_its_legend_and_the_diagonal(ax: Axes) -> None:
    figures.draw_roc([line("Rad", "test"), line("DL", "test")], ax)
    assert legend(ax) == ["Rad 0.65 (0.50–0.80)", "DL 0.65 (0.50–0.80)"]
    assert list(ax.lines[0].get_xdata()) == [0, 1]
    assert list(ax.lines[1].get_ydata()) == [0, 0.8, 1]
    assert ax.lines[1].get_color() == theme.style("Rad").colour
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("1 − specificity", "Sensitivity")


def test_a_line_that_is_not_what_its_auc_is_of_says_both(ax: Axes) -> None:
    within = Line(
        "Rad", "out-of-fold", np.array([0, 0.5, 1]), np.array([0, 0.8, 1]), Estimate(0.78, 0.65, 0.88, 20, 8, "")
    )
    figures.draw_roc([within], ax)
    assert legend(ax) == ["Rad 0.78 (0.65–0.88); line 0.65"]


def test_roc_of_one_model_tells_its_roles_apart_by_line_style(ax: Axes) -> None:
    figures.draw_roc([line("Rad", role) for role in ("test", "out-of-fold", "apparent")], ax, by="role")
    drawn = ax.lines[1:]
    assert {curve.get_color() for curve in drawn} == {theme.style("Rad").colour}
    assert len({str(curve.get_linestyle()) for curve in drawn} | {curve.get_linewidth() for curve in drawn}) > 3


def test_pr_curve_shows_the_prevalence(ax: Axes) -> None:
    figures.draw_pr([line("Rad", "test")], ax, prevalence=0.29)
    assert "0.29" in texts(ax)
    assert list(ax.lines[0].get_ydata()) == [0.29, 0.29]


CALIBRATION_COLUMNS = ["kind", "predicted", "observed", "lower", "upper", "n", "role"]


def test_calibration_draws_ideal_curve_and_groups(ax: Axes) -> None:
    table = pd.DataFrame(
        [("group", 0.2, 0.25, 0.1, 0.5, 10), ("group", 0.7, 0.6, 0.3, 0.8, 10), ("curve", 0.1, 0.2, 0.1, 0.3, 20),
         ("curve", 0.8, 0.7, 0.6, 0.8, 20)],
        columns=CALIBRATION_COLUMNS[:-1],
    ).assign(role="held-out")  # fmt: skip
    figures.draw_calibration(table, ax, "Rad")
    assert set(legend(ax)) == {"ideal", "smooth curve", "groups, 95 % interval"}
    assert list(ax.lines[1].get_ydata()) == [0.2, 0.7]


def test_calibration_has_a_stroke_a_patient_the_positive_above(ax: Axes) -> None:
    table = pd.DataFrame(
        [("group", 0.2, 0.25, 0.1, 0.5, 3)], columns=["kind", "predicted", "observed", "lower", "upper", "n"]
    ).assign(role="held-out")
    patients = pd.DataFrame({"probability": [0.1, 0.4, 0.9], "positive": [0, 0, 1]})
    figures.draw_calibration(table, ax, "Rad", patients)
    below, above = (collection for collection in ax.collections[-2:])
    assert [segment[0][0] for segment in below.get_segments()] == [0.1, 0.4]
    assert max(y for segment in below.get_segments() for _, y in segment) == 0
    assert [segment[0][0] for segment in above.get_segments()] == [0.9]
    assert min(y for segment in above.get_segments() for _, y in segment) == 1
    assert ax.get_ylim()[0] < -0.05 and ax.get_ylim()[1] > 1.05


def test_calibration_without_a_curve_draws_groups_only(ax: Axes) -> None:
    table = pd.DataFrame([("group", 0.2, 0.25, NAN, NAN, 10, "held-out")], columns=CALIBRATION_COLUMNS)
    figures.draw_calibration(table, ax, "Rad")
    assert "smooth curve" not in legend(ax)


def test_decision_curves_stay_within_the_thresholds_fixed_beforehand(ax: Axes) -> None:
    t = np.arange(1, 100) / 100
    table = pd.DataFrame(
        {
            "model": "Rad",
            "role": "held-out",
            "threshold": t,
            "net_benefit": 0.2 - t / 4,
            "treat_all": 0.3 - t,
            "treat_none": 0.0,
        }
    )
    figures.draw_decision(table, ax, (0.05, 0.6))
    assert legend(ax) == ["treat all", "treat none", "Rad"]
    drawn = ax.lines[-1].get_xdata()
    assert (drawn.min(), drawn.max()) == (0.05, 0.6)
    assert ax.get_xlim() == (0.05, 0.6)


def test_every_patient_is_a_bar_from_the_cut_off_coloured_by_truth(ax: Axes) -> None:
    table = pd.DataFrame({"probability": [0.1, 0.9, 0.4], "positive": [0, 1, 1], "cutoff": 0.5, "role": "held-out"})
    figures.draw_predictions(table, ax, ("her2 negative", "her2 positive"))
    assert legend(ax) == ["her2 negative (1)", "her2 positive (2)"]
    ends = sorted(round(bar.get_y() + bar.get_height(), 6) for bar in ax.patches)
    assert ends == [0.1, 0.4, 0.9]
    assert {round(bar.get_y(), 6) for bar in ax.patches} == {0.5}


def test_algorithm_table_sets_the_best_of_a_column_in_bold(ax: Axes) -> None:
    table = pd.DataFrame(
        [("Rad", "logistic", 0.7, 0.6, 0.8), ("Rad", "lightgbm", 0.75, 0.65, 0.85), ("DLR", "logistic", 0.8, 0.7, 0.9)],
        columns=["model", "algorithm", "out_of_fold", "lower", "upper"],
    ).assign(measure="auc")
    figures.draw_algorithm_table(table, ax)
    bold = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert bold == ["0.80", "0.75"]
    assert theme.NOTHING in texts(ax)
    assert labels_of(ax, "y") == ["Logistic regression", "LightGBM"]


def test_of_errors_the_least_is_the_best(ax: Axes) -> None:
    rows = [("Rad", "ridge", 12.34, 10, 15), ("Rad", "lightgbm", 14.0, 11, 17)]
    table = pd.DataFrame(rows, columns=["model", "algorithm", "out_of_fold", "lower", "upper"]).assign(measure="mae")
    figures.draw_algorithm_table(table, ax)
    assert [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"] == ["12.3"]


PER_CENT = pd.DataFrame({"predicted": [10.0, 30.0, 60.0], "observed": [20.0, 30.0, 40.0]})


def test_a_predicted_per_cent_is_drawn_against_what_was_found(ax: Axes) -> None:
    figures.draw_observed_predicted(PER_CENT, ax, "Rad")
    identity, points = ax.lines
    assert list(identity.get_xdata()) == list(identity.get_ydata()) == list(ax.get_xlim()) == list(ax.get_ylim())
    assert list(points.get_xdata()) == [20, 30, 40] and list(points.get_ydata()) == [10, 30, 60]
    assert (points.get_color(), points.get_marker()) == (theme.style("Rad").colour, theme.style("Rad").marker)
    assert legend(ax) == ["identity", "3 patients"]


def test_a_difference_is_predicted_minus_observed_with_bias_and_limits(ax: Axes) -> None:
    bias, low, high = (Estimate(value, value - 1, value + 1, 3, 0, "") for value in (10 / 3, -25.0, 32.0))
    figures.draw_bland_altman(PER_CENT, ax, "Rad", bias, (low, high))
    points = ax.lines[-1]
    assert list(points.get_xdata()) == [15, 30, 50] and list(points.get_ydata()) == [-10, 0, 20]
    assert texts(ax) == ["bias\n3.3", "lower limit\n−25.0", "upper limit\n32.0"]
    assert [drawn.get_ydata()[0] for drawn in ax.lines[1:4]] == [10 / 3, -25, 32]
    assert len(ax.patches) == 3, "an interval each"


def test_forest_fills_the_test_side_only(ax: Axes) -> None:
    table = pd.DataFrame(
        [("Rad", "test", 0.7, 0.6, 0.8, 60, 19), ("Rad", "out-of-fold", 0.72, 0.66, 0.78, 141, 39)],
        columns=["model", "role", "value", "lower", "upper", "n", "n_positive"],
    )
    figures.draw_auc_forest(table, ax)
    assert labels_of(ax, "y") == ["Rad, test", "Rad, out-of-fold"]
    points = [drawn for drawn in ax.lines if drawn.get_marker() == theme.style("Rad").marker]
    assert [point.get_markerfacecolor() for point in points] == [theme.style("Rad").colour, "white"]
    assert texts(ax) == ["0.70 (0.60–0.80)", "0.72 (0.66–0.78)"]


def test_p_matrix_prints_every_pair_once_in_the_order_of_the_models(ax: Axes) -> None:
    table = pd.DataFrame(
        [("DLR", "Rad", 0.0001, 0.0003), ("Clinical", "DLR", 0.4, 0.8), ("Rad", "Clinical", 0.2, NAN)],
        columns=["model_a", "model_b", "p", "p_holm"],
    )
    figures.draw_p_matrix(table, ax)
    assert labels_of(ax, "x") == ["Clinical", "Rad"]
    assert labels_of(ax, "y") == ["Rad", "DLR"]
    assert texts(ax).count("< 0.001") == 1
    assert "Holm –" in texts(ax)


def test_p_matrix_takes_the_order_of_models_that_the_house_does_not_know(ax: Axes) -> None:
    table = pd.DataFrame([("Toy", "Rad", 0.2, 0.2)], columns=["model_a", "model_b", "p", "p_holm"])
    figures.draw_p_matrix(table, ax, models=["Toy", "Rad"])
    assert (labels_of(ax, "x"), labels_of(ax, "y")) == (["Toy"], ["Rad"])


def test_optimism_prints_the_gap_of_every_model(ax: Axes) -> None:
    table = pd.DataFrame(
        [("Clinical", 0.9, 0.7, 0.72, "out-of-fold", NAN, 0.7, 0.18, "crossfit_out_of_fold"),
         ("Rad", NAN, NAN, 0.7, "out-of-fold", NAN, 0.7, NAN, "crossfit_out_of_fold")],
        columns=["model", *OPTIMISM_GAP.names[4:]],
    )  # fmt: skip
    figures.draw_optimism(table, ax)
    assert texts(ax) == ["+0.18"]
    assert labels_of(ax, "y") == ["Clinical", "Rad"]
    assert len(legend(ax)) == 4 and not ax.patches


def test_a_stacked_value_is_hatched_and_the_bar_runs_to_the_nested_one(ax: Axes) -> None:
    row = dict(zip(OPTIMISM_GAP.names, ("her2", "Combined", "", "auc", 0.9, 0.7, 0.8, Role.STACKED, 0.65, 0.7, 0.25,
                                        "nested"), strict=True))  # fmt: skip
    figures.draw_optimism(pd.DataFrame([row]), ax)
    assert list(ax.lines[0].get_xdata()) == [0.65, 0.9]
    (hatched,) = ax.patches
    assert hatched.get_hatch() and hatched.get_x() == 0.65 and hatched.get_width() == pytest.approx(0.15)
    marks = {line.get_label(): line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1}
    assert marks["out-of-fold, stacked, optimistic"] == 0.8 and np.isnan(marks.get("honest way, out-of-fold", NAN))
    assert marks["honest way, nested"] == 0.65


def test_stacked_curves_are_broken_and_named_in_every_figure(ax: Axes) -> None:
    figures.draw_roc([replace(line("Combined", "out-of-fold"), stacked=True), line("Rad", "out-of-fold")], ax)
    told, usual = ax.lines[1:3]
    assert told.is_dashed() and told.get_linestyle() == "--" and told._dash_pattern != usual._dash_pattern
    assert legend(ax)[0].startswith("Combined (stacked, optimistic)\n0.65") and legend(ax)[1].startswith("Rad 0.65")


def test_stacked_benefit_calibration_and_bars_are_marked(ax: Axes) -> None:
    t = np.arange(1, 100) / 100
    table = pd.DataFrame({"model": "Combined", "role": Role.STACKED, "threshold": t, "net_benefit": 0.2 - t / 4,
                          "treat_all": 0.3 - t})  # fmt: skip
    figures.draw_decision(table, ax)
    assert legend(ax)[-1] == "Combined (stacked, optimistic)" and ax.lines[-1].get_linestyle() == "--"
    ax.clear()
    patients = {"probability": [0.1, 0.9], "positive": [0, 1], "cutoff": 0.5, "role": Role.STACKED}
    figures.draw_predictions(pd.DataFrame(patients), ax)
    assert all(bar.get_hatch() for bar in ax.patches)
    ax.clear()
    groups = pd.DataFrame([("group", 0.2, 0.25, 0.1, 0.5, 10, Role.STACKED)], columns=CALIBRATION_COLUMNS)
    figures.draw_calibration(groups, ax, "Combined")
    assert legend(ax)[-1] == "groups, 95 % interval (stacked, optimistic)"


def test_every_split_is_a_point_and_the_median_is_printed(ax: Axes) -> None:
    table = pd.DataFrame({"model": "Rad", "split": range(-1, 5), "auc": [0.5, 0.6, 0.7, 0.8, 0.75, 0.65]})
    figures.draw_splits(table.assign(own=table["split"] < 0), ax)
    assert sorted(ax.lines[0].get_ydata()) == [0.6, 0.65, 0.7, 0.75, 0.8]
    assert texts(ax) == ["0.70"]
    (diamond,) = [line for line in ax.lines if line.get_label() == "the study's own split"]
    assert diamond.get_ydata().tolist() == [0.5]


def test_icc_histogram_counts_features_at_the_chosen_agreement(ax: Axes) -> None:
    figures.draw_icc(pd.DataFrame({"icc": [0.2, 0.74, 0.75, 0.9, NAN]}), ax, 0.75)
    assert texts(ax) == ["2 of 4 features at 0.75 or above"]
    assert sum(bar.get_height() for bar in ax.patches) == 4
    assert sum(bar.get_height() for bar in ax.patches if bar.get_x() >= 0.75 - 1e-9) == 2


def test_cases_for_a_third_reader_are_counted(ax: Axes) -> None:
    figures.draw_dice(pd.DataFrame({"dice": [0.9, 0.6, 0.8], "below": [False, True, False]}), ax)
    assert legend(ax) == ["agreed (2)", "for a third reader (1)"]


def test_learning_curves_average_over_folds(ax: Axes) -> None:
    table = pd.DataFrame(
        [
            (0, fold, epoch, part, "loss", fold + epoch)
            for fold in (0, 2)
            for epoch in (1, 2)
            for part in ("train", "validation")
        ],
        columns=["seed", "fold", "epoch", "part", "measure", "value"],
    )  # fmt: skip
    figures.draw_learning_curves(table, ax)
    assert legend(ax) == ["train", "validation"]
    assert list(ax.lines[0].get_ydata()) == [2, 3]
    assert ax.get_ylabel() == "loss"


def test_pca_variance_adds_up_by_fold(ax: Axes) -> None:
    table = pd.DataFrame(
        [(0, f, k, s) for f in (0, 1) for k, s in ((1, 0.6), (2, 0.3))],
        columns=["seed", "fold", "component", "explained"],
    )
    figures.draw_pca_variance(table, ax)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [0.6, 0.9])


def test_block_shares_fill_the_bar(ax: Axes) -> None:
    table = pd.DataFrame([("joined", "Rad", 75), ("joined", "DL", 25)], columns=["step", "block", "count"])
    figures.draw_block_shares(table, ax)
    assert [bar.get_width() for bar in ax.patches] == [0.75, 0.25]
    assert texts(ax) == ["75 %", "25 %", "75 + 25 = 100"]


def test_a_long_label_takes_a_second_line(ax: Axes) -> None:
    area = Estimate(0.79, 0.6, 0.9, 110, 32, "")
    figures.draw_roc(
        [Line("Combined", "out-of-fold", np.array([0, 0.3, 1]), np.array([0, 0.7, 1]), area, True)], ax, by="role"
    )
    assert legend(ax) == ["out-of-fold (stacked, optimistic)\n0.79 (0.60–0.90); line 0.70"]
