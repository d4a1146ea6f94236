# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""Section measured: what was measured: families of features, their stability, and the way from all of them to the few."""

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
from dlr.report.contents import section
from dlr.report.press import Panel, Press, slug
from dlr.report.selection import (
    ICC_WORDS,
    STEP_WORDS,
    correlations,
    kept_under_all,
    measured_regions,
    noisy_features,
    of_the_whole_side,
    step_counts,
    t_test_values,
)
from dlr.report.sources import Sources
from dlr.tables import (
    BLOCKS,
    DICTIONARY,
    FAMILIES,
    FEATURES,
    ICC_FILTER,
    LASSO_CV,
    LASSO_PATH,
    MISSING,
    PCA,
    RAD_SCORE,
    SELECTION,
    SELECTION_FREQUENCY,
    SHARES,
    STABILITY,
)
from dlr.words import Target

__all__ = ["what_was_measured"]

REGIONS_DIFFER = "These regions are of radiomics alone and not those of Spatial by the same words: a rim lies to either side of the outline, peritumoral tissue begins at the outline."


def what_was_measured(sources: Sources, press: Press) -> Section:
    """Features and their stability; then by outcome selection, weights, and what networks and fusion added."""
    blocks = [*_families(sources, press), *_stability(sources, press)]
    for target in sources.targets:
        if sources.several:
            blocks.append(Heading(target.name, opens=True))
        blocks += _steps(sources, press, target)
        if sources.settings.learn.select:
            blocks += _p_values(sources, press, target)
            blocks += _correlation(sources, press, target)
            blocks += _lasso(sources, press, target)
            blocks += _weights(sources, press, target)
            blocks += _frequency(sources, press, target)
        blocks += _filter_effect(sources, press, target)
        blocks += _fusion(sources, press, target)
    return section("measured", sources, blocks)


def _named(sources: Sources, target: Target) -> str:
    """How a title names the outcome: not at all where there is one."""
    return f" for {target.name}" if sources.several else ""


def _families(sources: Sources, press: Press) -> list[Block]:
    families = sources.table(FAMILIES)
    if families is None:
        return sources.missing("Radiomics features", FAMILIES)
    by_family, by_image = families["family"].nunique(), families["image_type"].nunique()
    tallest = 0.9 + 0.24 * max(by_family, by_image)
    panels = [
        Panel(partial(draw_family_shares, families), 2.9, 3.4, "By class"),
        Panel(partial(draw_family_counts, families), 3.5, tallest, "By family"),
        Panel(partial(draw_family_counts, families, by="image_type"), 3.5, tallest, "By image type"),
    ]
    radiomics = sources.settings.radiomics
    caption = f"Profile {radiomics.profile}, engine {radiomics.engine}. GLDM, GLCM and their kin count as texture."
    title = "Features by class, family and image type"
    sentences = []
    if radiomics.regions[1:] and "given" not in set(families["family"]):
        total = int(families["count"].sum())
        sentences.append(f"{total:,} features were measured{measured_regions(sources, total)}.")
        if "receptors" in sources.about.further:
            sentences.append(REGIONS_DIFFER)
    dictionary = sources.table(DICTIONARY)
    if dictionary is not None:
        press.csv("dictionary", "Feature dictionary", dictionary)
        noisy = noisy_features(dictionary)
        if noisy:
            sentences.append(
                f"{noisy:,} of {len(dictionary):,} features are rounding noise on a single slice (filters across the one slice); the dictionary marks them."
            )
    missing = sources.table(MISSING)
    if missing is None:
        sentences.append("No feature value is missing.")
    else:
        press.csv("missing_features", "Feature values that are missing, and why", missing)
        cases = missing["case_id"].nunique()
        sentences.append(
            f"{len(missing):,} feature values are missing, in {cases:,} cases; tables/missing_features.csv says why."
        )
    return [Prose((" ".join(sentences),)), press.figure("families", title, caption, panels, families)]


def _stability(sources: Sources, press: Press) -> list[Block]:
    table = sources.table(STABILITY)
    if table is None:
        return sources.missing("Stability of the features", STABILITY)
    whole = of_the_whole_side(table).drop_duplicates(["feature", "perturbation"])
    threshold = sources.settings.learn.icc_filter
    icc = ICC_WORDS[sources.settings.stability.kind]
    names = list(map(str, whole["perturbation"].unique()))
    panels = [
        Panel(partial(draw_icc, rows, threshold=threshold, name=icc), 4.6, 2.9, str(name) if len(names) > 1 else "")
        for name, rows in whole.groupby("perturbation", sort=False)
    ]
    rule = "No feature leaves for its ICC."
    if threshold is not None:
        kept, of = kept_under_all(table)
        several = " under every perturbation" if len(names) > 1 else ""
        rule = f"Features under an ICC of {threshold:g} leave before selection, chosen anew in every fold; here {kept:,} of {of:,} reach it{several}."
    caption = f"Intraclass correlation of each feature on the training side ({', '.join(names)}). {rule}"
    return [press.figure("icc", "Stability of the features", caption, panels, whole)]


def _filter_effect(sources: Sources, press: Press, target: Target) -> list[Block]:
    """The same simple chain with the reproducibility filter and without it."""
    table = sources.of(ICC_FILTER, target)
    if table is None:
        return []
    shown = pd.DataFrame({
        "Filter": [f"ICC of at least {icc:g}" if np.isfinite(icc) else "none" for icc in table["icc"]],
        "Features offered": table["features"].map("{:,.0f}".format),
        "Out-of-fold AUC": [
            theme.format_estimate(row.out_of_fold_auc, row.lower, row.upper)
            for row in table.itertuples()
        ],
    })  # fmt: skip
    note = "Selection and logistic regression over the folds of one seed; features: median over the folds."
    name, title = f"icc_filter_{sources.slug(target)}", "With and without the filter of stable features"
    return [press.table(name, title + _named(sources, target), shown, table, note=note)]


def _steps(sources: Sources, press: Press, target: Target) -> list[Block]:
    selection = sources.of(SELECTION, target)
    if selection is None:
        return sources.missing(f"Selection{_named(sources, target)}", SELECTION)
    counts = step_counts(selection)
    shown = pd.DataFrame({
        "Model": counts["model"], "Protocol": counts["protocol"],
        "Step": [STEP_WORDS.get(s, s) for s in counts["step"]], "Looked at": counts["looked_at"].map(_range),
        "Kept": counts["kept"].map(_range), "Fits": counts["fits"],
    })  # fmt: skip
    note = "Over several fits: median (smallest–largest). Each fit sees its own training patients only."
    if not sources.settings.learn.select:
        note += " Nothing was selected: all features entered the models (learn.select: false)."
    name, words = sources.slug(target), _named(sources, target)
    press.csv(f"selection_trace_{name}", f"Selection: every feature at every step{words}", selection)
    return [press.table(f"selection_steps_{name}", f"Features left after each step{words}", shown, note=note)]


def _range(values: tuple[int, ...]) -> str:
    low, high = min(values), max(values)
    middle = float(np.median(values))
    return f"{low:,}" if low == high else f"{middle:g} ({low:,}–{high:,})"


def _by_model(sources: Sources, table: pd.DataFrame, target: Target) -> list[tuple[str, str, pd.DataFrame]]:
    """Ending of a file name, ending of a title, and rows of every model; one model is not named."""
    models = sorted(table["model"].unique(), key=sources.place)
    name, words = sources.slug(target), _named(sources, target)
    if len(models) == 1:
        return [(name, words, table)]
    return [(f"{name}_{slug(model)}", f"{words}, {model}", table[table["model"] == model]) for model in models]


def _chosen_among_measured(sources: Sources, target: Target) -> pd.DataFrame | None:
    """SELECTION of the models that choose among the measured features alone."""
    selection, features = sources.of(SELECTION, target), sources.table(FEATURES)
    if selection is None or features is None:
        return None
    alone = selection["feature"].isin(features.columns).groupby(selection["model"]).all()
    rows = selection[selection["model"].map(alone)]
    return None if rows.empty else rows


def _p_values(sources: Sources, press: Press, target: Target) -> list[Block]:
    selection = _chosen_among_measured(sources, target)
    blocks: list[Block] = []
    level = sources.settings.learn.p
    for ending, words, rows in [] if selection is None else _by_model(sources, selection, target):
        values = t_test_values(rows)
        if values.empty:
            continue
        below, chance = int((values["p"] < level).sum()), level * len(values)
        caption = f"p-values of {len(values):,} features on the training side. Below {level:g}: {below:,}; by chance alone {chance:,.0f} would be. Bars are medians."
        panel = Panel(partial(draw_p_violin, values, level=level), 7.2, 3.1)
        name, title = f"p_violin_{ending}", f"p-values by family of features{words}"
        blocks.append(press.figure(name, title, caption, [panel], values))
    return blocks or [Missing(f"p-values by family{_named(sources, target)}", _why_not_chosen(sources))]


def _why_not_chosen(sources: Sources) -> str:
    """Why no model chose among measured features."""
    if sources.table(FEATURES) is None:
        return sources.why(FEATURES)
    return "No feature reached this step." if sources.table(SELECTION) is not None else sources.why(SELECTION)


def _correlation(sources: Sources, press: Press, target: Target) -> list[Block]:
    selection, features = _chosen_among_measured(sources, target), sources.table(FEATURES)
    what = f"Correlation of the features{_named(sources, target)}"
    if selection is None or features is None:
        return [Missing(what, _why_not_chosen(sources))]
    blocks: list[Block] = []
    threshold = sources.settings.learn.correlation
    caption = f"Of the worst pair with |r| above {threshold:g} the feature closer to the rest is deleted, until none is left. Training side; a patient with several cases counts once, by their mean."
    for ending, words, rows in _by_model(sources, selection, target):
        before, after = correlations(rows, features, sources.patients)
        if before is None or len(before) < 2:
            continue
        panels = [Panel(partial(draw_correlation, before), 4.3, 3.7, f"Before deletion: {len(before):,} features")]
        if after is not None and len(after) > 1:
            size = (6.2, 4.4) if len(after) <= 20 else (4.3, 3.7)
            panels.append(Panel(partial(draw_correlation, after), *size, f"After: {len(after):,} features"))
        data = (after if after is not None else before).rename_axis("feature").reset_index()
        title = f"Correlation before and after deletion{words}"
        blocks.append(press.figure(f"correlation_{ending}", title, caption, panels, data))
    return blocks or [Missing(what, "Fewer than two features reached the correlation step.")]


def _lasso(sources: Sources, press: Press, target: Target) -> list[Block]:
    path, error = sources.of(LASSO_PATH, target), sources.of(LASSO_CV, target)
    words = _named(sources, target)
    if path is None or error is None:
        return sources.missing(f"LASSO path{words}", LASSO_PATH)
    learn, name = sources.settings.learn, sources.slug(target)
    press.csv(f"lasso_error_{name}", f"LASSO: cross-validated error{words}", error)
    chosen = float(np.log(error[f"lambda_{learn.lasso_rule}"].iloc[0]))
    panels = [
        Panel(partial(draw_lasso_path, path, log_lambda=chosen), 4.4, 3.2, "Coefficients along the path"),
        Panel(partial(draw_lasso_error, error), 4.4, 3.2, "Cross-validated error"),
    ]
    caption = f"Whole training side, published way. λ: {learn.lasso_rule}, {learn.lasso_folds}-fold. In colour: features kept at that λ."
    return [press.figure(f"lasso_{name}", f"LASSO{words}", caption, panels, path)]


def _weights(sources: Sources, press: Press, target: Target) -> list[Block]:
    weights, words = sources.of(RAD_SCORE, target), _named(sources, target)
    if weights is None:
        return sources.missing(f"Weights of the Rad-score{words}", RAD_SCORE)
    panel = Panel(partial(draw_weights, weights), 6.6, 0.8 + 0.34 * len(weights))
    caption = "Linear score of the whole training side (published way); the formula below computes it."
    name, title = f"rad_score_{sources.slug(target)}", f"Weights of the Rad-score{words}"
    formula = _formula(sources, target)
    return [
        press.figure(name, title, caption, [panel], weights),
        *([Copy(f"Rad-score formula{words}", formula)] if formula else []),
    ]


def _formula(sources: Sources, target: Target) -> str:
    """The line of rad_score.txt that is a target's: a line a target, in the order of RAD_SCORE."""
    path, scores = sources.beside(RAD_SCORE, "rad_score.txt"), sources.table(RAD_SCORE)
    if path is None or scores is None:
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(zip(scores["target"].unique(), lines, strict=True)).get(target.name, "")


def _frequency(sources: Sources, press: Press, target: Target) -> list[Block]:
    table = sources.of(SELECTION_FREQUENCY, target)
    if table is None:
        return sources.missing(f"How often each feature was kept{_named(sources, target)}", SELECTION_FREQUENCY)
    blocks: list[Block] = []
    for ending, words, rows in _by_model(sources, table, target):
        panel = Panel(partial(draw_selection_frequency, rows), 6.6, 0.8 + 0.34 * min(20, len(rows)))
        chains, often = rows["of"].iloc[0], int((rows["frequency"] >= 0.5).sum())
        caption = f"Over {chains:.0f} cross-fitted chains {len(rows):,} features were kept at least once, {often:,} of them in half of the chains or more. If few are kept often, the selection hangs on the patients at hand."
        name, title = f"selection_frequency_{ending}", f"How often each feature was kept{words}"
        blocks.append(press.figure(name, title, caption, [panel], rows))
    return blocks


def _fusion(sources: Sources, press: Press, target: Target) -> list[Block]:
    """What networks and their fusion added; a study without them says so in section 7."""
    pca, shares, joined = sources.of(PCA, target), sources.of(SHARES, target), sources.table(BLOCKS)
    if shares is None and joined is not None:
        shares = joined.assign(step="joined")
    name, words = sources.slug(target), _named(sources, target)
    panels = []
    if pca is not None:
        panels.append(Panel(partial(draw_pca_variance, pca), 3.9, 3.0, "Variance explained"))
        press.csv(f"pca_variance_{name}", f"Variance explained by the principal components{words}", pca)
    if shares is not None:
        rows = 1.3 + 0.55 * shares["step"].nunique()
        panels.append(Panel(partial(draw_block_shares, shares), 5.6, rows, "Shares of the blocks"))
    if not panels:
        return []
    caption = "Deep features enter as principal components fitted on training patients only"
    if pca is not None:
        fits = pca.groupby(["part", "seed", "fold"], sort=False)["explained"]
        kept, width = fits.sum(), fits.size()
        low, high = (theme.format_percent(share, 0) for share in (kept.min(), kept.max()))
        caption += f", a line a fitted part: {_range(tuple(width))} components keep {low} to {high} of the variance"
    caption += ". Counts after selection are means over the cross-fitted chains."
    return [press.figure(f"fusion_{name}", f"Deep features and their share{words}", caption, panels, shares)]
