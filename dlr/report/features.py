"""Section 3, what was measured: families of features, their stability, and the way from all of them to the few."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from dlr.figures import (
    draw_block_shares,
    draw_correlation,
    draw_family_counts,
    draw_family_shares,
    draw_icc,
    draw_lasso_error,
    draw_lasso_path,
    draw_p_violin,
    draw_pca_variance,
    draw_selection_frequency,
    draw_weights,
    theme,
)
from dlr.report.blocks import Block, Copy, Heading, Missing, Prose, Section
from dlr.report.press import Panel, Press
from dlr.report.selection import STEP_WORDS, correlations, noisy_features, step_counts, t_test_values
from dlr.report.sources import Sources

__all__ = ["measured"]


def measured(sources: Sources, press: Press) -> Section:
    """Features, stability, selection, weights; then what networks and fusion added."""
    blocks = [
        *_families(sources, press),
        *_stability(sources, press),
        Heading("From all features to the few"),
        *_steps(sources, press),
        *_p_values(sources, press),
        *_correlation(sources, press),
        *_lasso(sources, press),
        *_weights(sources, press),
        *_frequency(sources, press),
        *_fusion(sources, press),
    ]
    return Section(3, "measured", "What was measured", tuple(blocks))


def _families(sources: Sources, press: Press) -> list[Block]:
    families = sources.table("radiomics", "families.csv")
    if families is None:
        return [Missing("Radiomics features", sources.why("radiomics", "families.csv"))]
    by_family, by_image = families["family"].nunique(), families["image_type"].nunique()
    tallest = 0.9 + 0.24 * max(by_family, by_image)
    panels = [
        Panel(partial(draw_family_shares, families), 2.9, 3.4, "By class"),
        Panel(lambda ax: draw_family_counts(families, ax), 3.5, tallest, "By family"),
        Panel(lambda ax: draw_family_counts(families, ax, by="image_type"), 3.5, tallest, "By image type"),
    ]
    profile, engine = sources.setting("radiomics.profile", ""), sources.setting("radiomics.engine", "")
    caption = f"Profile {profile}, engine {engine}. GLDM, GLCM and their kin count as texture."
    blocks: list[Block] = [
        press.figure("families", "Features by class, family and image type", caption, panels, families)
    ]
    sentences = []
    dictionary = sources.table("radiomics", "dictionary.csv")
    if dictionary is not None:
        press.csv("dictionary", "Feature dictionary", dictionary)
        noisy = noisy_features(dictionary)
        if noisy:
            sentences.append(
                f"{noisy:,} of {len(dictionary):,} features are rounding noise on a single slice (filters across "
                "the one slice); "
                "the dictionary marks them."
            )
    missing = sources.table("radiomics", "missing.csv")
    if missing is None:
        sentences.append("No feature value is missing.")
    else:
        press.csv("missing_features", "Feature values that are missing, and why", missing)
        sentences.append(
            f"{len(missing):,} feature values are missing, in {missing['case_id'].nunique():,} cases; "
            "tables/missing_features.csv says why."
        )
    blocks.append(Prose((" ".join(sentences),)))
    return blocks


def _stability(sources: Sources, press: Press) -> list[Block]:
    table = sources.table("stability", "stability.parquet")
    if table is None:
        return [Missing("Stability of the features", sources.why("stability", "stability.parquet"))]
    whole = table[table["fold"] == -1] if (table["fold"] == -1).any() else table
    whole = whole.drop_duplicates(["feature", "perturbation"])
    threshold = sources.setting("learn.icc_filter")
    names = list(map(str, whole["perturbation"].unique()))
    panels = [
        Panel(partial(draw_icc, rows, threshold=threshold), 4.6, 2.9, str(name) if len(names) > 1 else "")
        for name, rows in whole.groupby("perturbation", sort=False)
    ]
    rule = "No feature leaves for its ICC."
    if threshold:
        rule = f"Features under {threshold:g} leave before selection, chosen anew in every fold."
    caption = f"Intraclass correlation of each feature on the training side ({', '.join(names)}). {rule}"
    return [press.figure("icc", "Stability of the features", caption, panels, whole), *_filter_effect(sources, press)]


def _filter_effect(sources: Sources, press: Press) -> list[Block]:
    """The same simple chain with the reproducibility filter and without it."""
    table = sources.table("radiomics_model", "icc_filter.csv")
    if table is None:
        return []
    shown = pd.DataFrame({
        **({"Outcome": table["target"]} if table["target"].nunique() > 1 else {}),
        "Filter": [f"ICC of at least {icc:g}" if np.isfinite(icc) else "none" for icc in table["icc"]],
        "Features offered": table["features"].map("{:,.0f}".format),
        "Out-of-fold AUC": [
            f"{theme.format_auc(row.out_of_fold_auc)} ({theme.format_auc(row.lower)}–{theme.format_auc(row.upper)})"
            for row in table.itertuples()
        ],
    })  # fmt: skip
    note = "Selection and logistic regression over the folds of one seed; features: median over the folds."
    return [press.table("icc_filter", "With and without the filter of stable features", shown, note=note)]


def _steps(sources: Sources, press: Press) -> list[Block]:
    selection = sources.table("radiomics_model", "selection.parquet")
    if selection is None:
        return [Missing("Selection", sources.why("radiomics_model", "selection.parquet"))]
    counts = step_counts(selection)
    shown = pd.DataFrame({
        **({"Outcome": counts["target"]} if counts["target"].nunique() > 1 else {}),
        "Model": counts["model"], "Protocol": counts["protocol"],
        "Step": [STEP_WORDS.get(s, s) for s in counts["step"]], "Looked at": counts["looked_at"].map(_range),
        "Kept": counts["kept"].map(_range), "Fits": counts["fits"],
    })  # fmt: skip
    note = "Over several fits: median (smallest–largest). Each fit sees its own training patients only."
    press.csv("selection_trace", "Selection: every feature at every step", selection)
    return [press.table("selection_steps", "Features left after each step", shown, note=note)]


def _range(values: tuple[int, ...]) -> str:
    low, high = min(values), max(values)
    middle = float(np.median(values))
    return f"{low:,}" if low == high else f"{middle:g} ({low:,}–{high:,})"


def _p_values(sources: Sources, press: Press) -> list[Block]:
    selection = sources.table("radiomics_model", "selection.parquet")
    blocks: list[Block] = []
    level = float(sources.setting("learn.p", 0.05))
    for ending, words, rows in [] if selection is None else sources.by_target(selection):
        values = t_test_values(rows)
        if values.empty:
            continue
        below = int((values["p"] < level).sum())
        caption = (
            f"p-values of {len(values):,} features on the training side. Below {level:g}: {below:,}; by chance alone "
            f"{level * len(values):,.0f} would be. Bars are medians."
        )
        panel = Panel(partial(draw_p_violin, values, level=level), 7.2, 3.1)
        blocks.append(
            press.figure(f"p_violin{ending}", f"p-values by family of features{words}", caption, [panel], values)
        )
    return blocks or [Missing("p-values by family", sources.why("radiomics_model", "p-value of a t-test step"))]


def _correlation(sources: Sources, press: Press) -> list[Block]:
    selection = sources.table("radiomics_model", "selection.parquet")
    features = sources.table("radiomics", "features.parquet")
    if selection is None or features is None:
        return [Missing("Correlation of the features", sources.why("radiomics", "features.parquet"))]
    blocks: list[Block] = []
    threshold = sources.setting("learn.correlation", 0.8)
    caption = (
        f"Of the worst pair with |r| above {threshold:g} the feature closer to the rest is deleted, until none is "
        "left. "
        "Training side; a patient with several cases counts once, by their mean."
    )
    for ending, words, rows in sources.by_target(selection):
        before, after = correlations(rows, features, sources.patients)
        if before is None or len(before) < 2:
            continue
        panels = [Panel(partial(draw_correlation, before), 4.3, 3.7, f"Before deletion: {len(before):,} features")]
        if after is not None and len(after) > 1:
            size = (6.2, 4.4) if len(after) <= 20 else (4.3, 3.7)
            panels.append(Panel(partial(draw_correlation, after), *size, f"After: {len(after):,} features"))
        data = (after if after is not None else before).rename_axis("feature").reset_index()
        title = f"Correlation before and after deletion{words}"
        blocks.append(press.figure(f"correlation{ending}", title, caption, panels, data))
    return blocks or [Missing("Correlation of the features", "Fewer than two features reached the correlation step.")]


def _lasso(sources: Sources, press: Press) -> list[Block]:
    path, error = sources.table("radiomics_model", "lasso_path.csv"), sources.table("radiomics_model", "lasso_cv.csv")
    if path is None or error is None:
        return [Missing("LASSO path", sources.why("radiomics_model", "lasso_path.csv"))]
    rule = str(sources.setting("learn.lasso_rule", "min"))
    errors = {ending: rows for ending, _, rows in sources.by_target(error)}
    press.csv("lasso_error", "LASSO: cross-validated error", error)
    blocks: list[Block] = []
    caption = (
        f"Whole training side, published way. λ: {rule}, {sources.setting('learn.lasso_folds', 10)}-fold. "
        "In colour: features kept at that λ."
    )
    for ending, words, rows in sources.by_target(path):
        own = errors[ending]
        chosen = float(np.log(own[f"lambda_{rule}"].iloc[0]))
        panels = [
            Panel(partial(draw_lasso_path, rows, log_lambda=chosen), 4.4, 3.2, "Coefficients along the path"),
            Panel(partial(draw_lasso_error, own), 4.4, 3.2, "Cross-validated error"),
        ]
        blocks.append(press.figure(f"lasso{ending}", f"LASSO{words}", caption, panels, rows))
    return blocks


def _weights(sources: Sources, press: Press) -> list[Block]:
    weights = sources.table("radiomics_model", "rad_score.csv")
    if weights is None:
        return [Missing("Weights of the Rad-score", sources.why("radiomics_model", "rad_score.csv"))]
    blocks: list[Block] = []
    for ending, words, rows in sources.by_target(weights):
        panel = Panel(partial(draw_weights, rows), 6.6, 0.8 + 0.34 * len(rows))
        caption = "Linear score of the whole training side (published way); the formula below computes it."
        blocks.append(press.figure(f"rad_score{ending}", f"Weights of the Rad-score{words}", caption, [panel], rows))
    formula = sources.text("radiomics_model", "rad_score.txt")
    if formula:
        blocks.append(Copy("Rad-score formula", formula))
    return blocks


def _frequency(sources: Sources, press: Press) -> list[Block]:
    table = sources.table("radiomics_model", "selection_frequency.csv")
    if table is None:
        return [Missing("How often each feature was kept", sources.why("radiomics_model", "selection_frequency.csv"))]
    blocks: list[Block] = []
    for ending, words, rows in sources.by_target(table):
        panel = Panel(partial(draw_selection_frequency, rows), 6.6, 0.8 + 0.34 * min(20, len(rows)))
        often = int((rows["frequency"] >= 0.5).sum())
        caption = (
            f"Over {rows['of'].iloc[0]:.0f} cross-fitted chains {len(rows):,} features were kept at least once, "
            f"{often:,} of "
            "them in half of the chains or more. If few are kept often, the selection hangs on the patients at hand."
        )
        title = f"How often each feature was kept{words}"
        blocks.append(press.figure(f"selection_frequency{ending}", title, caption, [panel], rows))
    return blocks


def _fusion(sources: Sources, press: Press) -> list[Block]:
    """What networks and their fusion added; a study without them says so in section 7."""
    pca, shares = sources.table("fuse", "pca.csv"), sources.table("fusion_model", "shares.csv")
    panels = []
    if pca is not None:
        panels.append(Panel(lambda ax: draw_pca_variance(pca, ax), 3.9, 3.0, "Variance explained"))
        press.csv("pca_variance", "Variance explained by the principal components", pca)
    if shares is not None:
        rows = 1.3 + 0.55 * shares["step"].nunique()
        panels.append(Panel(lambda ax: draw_block_shares(shares, ax), 5.6, rows, "Shares of the blocks"))
    if not panels:
        return []
    caption = "Deep features enter as principal components fitted on training patients only"
    if pca is not None:
        fits = pca.groupby([key for key in ("target", "part", "seed", "fold") if key in pca], sort=False)["explained"]
        kept, width = fits.sum(), fits.size()
        caption += (
            f", a line a fitted part: {_range(tuple(width))} components keep {theme.format_percent(kept.min(), 0)} to "
            f"{theme.format_percent(kept.max(), 0)} of the variance"
        )
    caption += ". Counts after selection are means over the cross-fitted chains."
    return [
        Heading("Fusion of radiomics and deep features"),
        press.figure("fusion", "Deep features and their share", caption, panels, shares),
    ]
