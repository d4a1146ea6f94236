# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""The Methods section of a paper in plain words, with this run's numbers, a function a paragraph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from dlr.figures import theme
from dlr.report.combined import screened
from dlr.report.combined_set import entered, left_words, named_beforehand, primary_set
from dlr.report.coverage import coverage, widened_by
from dlr.report.enhancement_methods import super_resolution
from dlr.report.evidence import Evidence, held_out_once, judged_on, with_interval
from dlr.report.selection import ICC_WORDS, kept_under_all, measured_regions, of_the_whole_side, step_counts
from dlr.report.sources import Sources
from dlr.report.subtypes import RULES
from dlr.report.time_of_use import known_when
from dlr.report.volume_methods import networks_of_volumes
from dlr.settings import StudySettings
from dlr.tables import (
    AGREEMENT,
    BLOCKS,
    CALIBRATION,
    COHORT,
    COMBINED_TERMS,
    FAMILIES,
    FLOW,
    IMPUTED_ODDS,
    LOOKS,
    METRICS,
    MISSING,
    MULTIVARIABLE,
    PCA,
    PERMUTATIONS,
    SAMPLE_SIZE,
    SELECTION,
    STABILITY,
    STEPWISE,
    SUBTYPES,
    UNIVARIABLE,
)
from dlr.words import MACRO, Protocol, Side, Target, TargetKind

__all__ = ["methods_text"]

ALGORITHMS = {
    "logistic": "logistic regression",
    "random_forest": "random forest",
    "extra_trees": "extremely randomised trees",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "ridge": "ridge-penalised logistic regression",
    "svm": "a linear support vector machine (probabilities by Platt's scaling on the inner folds)",
}
ENGINES = {"native": "own engine, pyradiomics' definitions", "pyradiomics": "engine pyradiomics"}
IMPUTED = {
    "median": "the median",
    "iterative": "chained regressions",
    "multiple": "chained regressions",  # chains take what is expected; odds ratios take draws
}
T_TESTS = {"welch": "Welch's t-test", "student": "Student's t-test", "mannwhitney": "the Mann–Whitney test"}
PER_PATIENT = {
    "largest_roi": "of several images of a patient the one with the largest ROI was used",
    "mean_feature": "features were averaged over a patient's images",
    "mean_probability": "probabilities were averaged over a patient's images",
}


def methods_text(sources: Sources, evidence: Evidence) -> str:
    """All paragraphs that this run has something to say for; only what was done is described."""
    paragraphs = [
        ("Patients and outcome", patients(sources)),
        ("Segmentation and agreement", segmentation(sources)),
        ("Super-resolution", super_resolution(sources)),
        ("Radiomics", radiomics(sources)),
        ("Selection and models", selection_and_models(sources)),
        ("Networks", networks(sources)),
        ("3-D networks", networks_of_volumes(sources)),
        (
            "Clinical and Combined models" if sources.gives(COMBINED_TERMS) else "Odds ratios",
            clinical_and_combined(sources),
        ),
        ("Validation", validation(sources, evidence)),
        ("Statistics", statistics(sources)),
        ("Software", software(sources)),
    ]
    return "\n\n".join(f"{title}. {text}" for title, text in paragraphs if text)


def patients(sources: Sources) -> str:
    """How many, who left and why, every outcome, the sides."""
    known, cases = sources.patients, sources.table(COHORT)
    if known is None or cases is None:
        return ""
    images = int(cases["patient_id"].isin(known["patient_id"]).sum())
    comprised = f"The study comprised {len(known)} patients with {images} images"
    flow = sources.table(FLOW)
    left = None if flow is None else flow[flow["step"] == "excluded"]
    if left is not None and len(left):
        reasons = "; ".join(f"{row.patients} for {row.reason}" for row in left.itertuples())
        comprised += f"; excluded were {left['patients'].sum():.0f} ({reasons})"
    sides = known["side"].value_counts()
    named = ", ".join(f"{sides[side]} {side}" for side in map(str, Side) if side in sides)
    divided = f"Patients were divided by patient, not by image ({named}; seed {sources.about.seed})."
    outcomes = [_outcome(known, target) for target in sources.targets if target.name in known]
    return " ".join([f"{comprised}.", *outcomes, divided])


def _outcome(known: pd.DataFrame, target: Target) -> str:
    values = pd.to_numeric(known[target.name], errors="coerce").dropna()
    n = len(values)
    if target.binary:
        return f"The outcome {target.name} was positive in {values.sum():.0f} of {n} patients with a known value."
    low, middle, high = values.quantile([0.25, 0.5, 0.75])
    return f"The outcome {target.name}, in per cent, was known in {n} patients (median {middle:.1f}, quartiles {low:.1f} and {high:.1f})."


def segmentation(sources: Sources) -> str:
    """Agreement of two readers, and the stability of the features."""
    agreement, stability = sources.table(AGREEMENT), sources.table(STABILITY)
    sentences = []
    if agreement is not None:
        n, unit, below = len(agreement), agreement["unit"].iloc[0], int(agreement["below"].sum())
        overlap, distance = agreement["dice"].median(), agreement["hausdorff95"].median()
        sentences.append(
            f"Two readers outlined {n} cases: median Dice {overlap:.3f}, median 95 % Hausdorff distance {distance:.1f} {unit}; {below} cases fell below the chosen agreement and are named for a third reader."
        )
    if stability is not None:
        sentences.append(_stability(sources.settings, stability))
    return " ".join(sentences) or "Agreement between readers was not assessed."


def _stability(settings: StudySettings, stability: pd.DataFrame) -> str:
    compared = list(map(str, of_the_whole_side(stability)["perturbation"].unique()))
    measured = f"Stability of the features was measured by {ICC_WORDS[settings.stability.kind]} ({', '.join(compared)})"
    threshold, (kept, of) = settings.learn.icc_filter, kept_under_all(stability)
    if threshold is None:
        return f"{measured}."
    each = " under every perturbation" if len(compared) > 1 else ""
    return f"{measured}; features under an ICC of {threshold:g} left before selection, judged on each fold's training patients ({kept:,} of {of:,} reached it{each} on the whole training side)."


def radiomics(sources: Sources) -> str:
    """What was measured in each ROI, and what could not be."""
    families = sources.table(FAMILIES)
    if families is None:
        return ""
    settings = sources.settings
    total, images = int(families["count"].sum()), list(dict.fromkeys(families["image_type"]))
    profile, engine = settings.radiomics.profile, settings.radiomics.engine
    once = PER_PATIENT[settings.cohort.per_patient]
    if set(families["family"]) == {"given"}:
        return f"The study started from a table of {total:,} features."
    where = measured_regions(sources, total)
    text = f"{total:,} features were computed from each ROI with the profile {profile} ({ENGINES[engine]}) on {len(images)} image types ({', '.join(images)}){where}; {once}."
    if where:
        text += (
            " The Rad model was fitted on all of them and, with the same parts and draws, on those of the lesion alone."
        )
    missing = sources.table(MISSING)
    if missing is None:
        return text
    share, imputed = 100 * settings.learn.max_missing, settings.learn.impute
    return f"{text} {len(missing):,} values could not be computed; a feature missing in more than {share:g} % of a fold's training cases left, other missing values were imputed by {IMPUTED[imputed]} within the fold."


def selection_and_models(sources: Sources) -> str:
    """The chain from standardised features to the chosen algorithm; of a per cent, what stands in its place."""
    learn = sources.settings.learn
    algorithms = ", ".join(ALGORITHMS.get(name, name) for name in learn.algorithms)
    tuned = f"{algorithms[:1].upper()}{algorithms[1:]} {'were' if len(learn.algorithms) > 1 else 'was'}"
    scaled = "taken as sign(x) log(1 + |x|), standardised" if learn.log else "standardised"
    chose = ", which also chose among them" if len(learn.algorithms) > 1 else ""
    sentences = []
    if any(target.binary for target in sources.targets):
        judged = "the log loss of inner folds"
        ridge_alone = learn.algorithms == ["ridge"]  # its settings are ranked by log loss whatever judges
        if learn.judge == "auc" and not ridge_alone:
            ridge = ", the ridge by their log loss" if "ridge" in learn.algorithms else ""
            judged = f"the median AUC of inner folds{ridge}"
        elif Protocol.PAPER in learn.protocols and not ridge_alone:
            judged += " (under the published protocol by their median AUC)"
        sentences += [
            f"Features were {scaled}, then selected by {T_TESTS[learn.t_test]} (p < {learn.p:g}), greedy deletion of pairs with |r| > {learn.correlation:g}, and LASSO ({_lasso_family(learn.protocols)}; {learn.lasso_folds}-fold, λ {learn.lasso_rule})."
            if learn.select else f"Features were {scaled} and entered without selection.",
            f"{tuned} tuned on grids of at most {learn.max_grid} points by {judged}{chose}; all of this was fitted anew inside every fold.",
            f"Classes were neither resampled nor weighted{', but in the loss of fine-tuned networks' if _weighted(sources) else ''}.",
        ]  # fmt: skip
        if learn.recalibrate:
            sentences.append(
                "Each chain's logits were recalibrated by intercept and slope on the held-out rows of its inner folds."
            )
        if learn.reported:
            beside = " and ".join(ALGORITHMS.get(name, name) for name in learn.reported)
            sentences.append(
                f"Beside, never chosen and in no combination, {beside} {'were' if len(learn.reported) > 1 else 'was'} fitted on the same columns, grids and inner folds."
            )
    in_per_cent = [target.name for target in sources.targets if not target.binary]
    if in_per_cent:
        named = {**ALGORITHMS, "ridge": "ridge regression"}
        regressors = " and ".join(named.get(name, name) for name in learn.learners(TargetKind.PER_CENT))
        chosen = (
            f"features were selected by Spearman's correlation (p < {learn.p:g}), the same deletion of pairs and a gaussian LASSO; "
            if learn.select
            else ""
        )
        sentences.append(
            f"For {', '.join(in_per_cent)}, in per cent, {chosen}{regressors} stood in place of the classifiers, judged by their mean absolute error."
        )
    return " ".join([*sentences, *_kept(sources)])


def _weighted(sources: Sources) -> bool:
    """Whether networks were trained with a weight a class."""
    about = sources.document("deep.json")
    return about is not None and about["mode"] != "frozen" and sources.settings.deep.training.class_weights


def _lasso_family(protocols: Sequence[str]) -> str:
    """Which likelihood the LASSO has: the published way fits 0 and 1 as numbers."""
    others = [str(protocol) for protocol in protocols if protocol != Protocol.PAPER]
    told = [f"binomial under {', '.join(others)}"] if others else []
    return ", ".join([*told, *(["gaussian under paper, as published"] if Protocol.PAPER in protocols else [])])


def _kept(sources: Sources) -> list[str]:
    """How many features were kept at the end, by outcome and model."""
    sentences = []
    for target in sources.targets:
        selection = sources.of(SELECTION, target)
        for model, rows in [] if selection is None else selection.groupby("model", sort=False):
            counts = step_counts(rows)
            last = counts[counts["step"] == counts["step"].iloc[-1]]
            spans = "; ".join(f"{row.protocol}: {_span(row.kept)}" for row in last.itertuples())
            named = f" for {target.name}" if sources.several else ""
            sentences.append(f"Features kept at the end by {model}{named}: {spans}.")
    return sentences


def _span(counts: Iterable[float]) -> str:
    """ "8", or "2 to 10"."""
    low, high = min(counts), max(counts)
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def networks(sources: Sources) -> str:
    """What the network saw, where its weights come from, how it was trained, and how it was fused."""
    about = sources.document("deep.json")
    if about is None:
        return ""
    deep = sources.settings.deep
    margin, size = deep.input.margin_px, deep.input.size
    origins = "; ".join(
        f"{name}, weights {origin['weights']}"
        + (f" ({origin['source']}, sha256 {str(origin['sha256'])[:12]}…)" if origin.get("sha256") else "")
        for name, origin in about["backbones"].items()
    )
    frozen = "With the backbone frozen, a logistic model on its penultimate features gave the signature"
    every = about.get("slices") == "all"  # studies before it had one slice a lesion
    cut = (
        "every slice that the ROI meets was cut out with the bounding box of its ROI"
        if every else "the slice with the largest ROI was cut out with its bounding box"
    )  # fmt: skip
    sentences = [
        f"Of each lesion {cut} and a margin of {margin} pixels, padded to a square, brought to {size} pixels and z-scored.",
        f"Backbone: {origins}.",
    ]
    if every:
        sentences.append("A lesion's frozen features are the mean over its slices.")
    if about["mode"] == "frozen":
        sentences.append(f"{frozen}, its penalty chosen in inner folds.")
    else:
        sentences.append(
            f"Networks were fine-tuned{' on the slice with the largest ROI' if every else ''} for at most {deep.training.epochs} epochs (AdamW, cosine schedule), stopped early on a validation part of their own training patients."
        )
        sentences.append(f"{frozen} that stands beside it.")
    if held_out_once(sources):
        sentences.append("Training patients were predicted by networks that had not seen them.")
    return " ".join([*sentences, *_fused(sources)])


def _fused(sources: Sources) -> list[str]:
    pca, joined = sources.table(PCA), sources.table(BLOCKS)
    if pca is None or joined is None:
        return []
    components, total = pca["component"].max(), joined["count"].sum()
    return [
        f"For fusion the deep features were reduced to {components} principal components, fitted on each fold's training patients, and joined with the radiomics features ({total:,.0f} in all); selection and classifiers were those of the radiomics model."
    ]


def clinical_and_combined(sources: Sources) -> str:
    """The description by odds ratios, and the Combined model of every binary outcome."""
    sentences = [known_when(sources), _missing_values(sources)]
    if sources.table(MULTIVARIABLE) is not None:
        sentences.append(
            f"Clinical variables were described by univariable, multivariable and stepwise (AIC) logistic regression with intercept, 95 % Wald and profile-likelihood intervals, and Firth's penalty where a variable separated the classes; each fit took the patients with all of its values ({_complete_cases(sources)})."
        )
        if splines := sources.settings.clinical.splines:
            names = ", ".join(map(sources.title_of, splines))
            sentences.append(
                f"In them and in the Combined model {names} entered as restricted cubic splines of three knots, two parameters each."
            )
    penalty = sources.settings.combine.penalty
    for target in sources.targets:
        chosen = primary_set(sources, target) if target.binary else None
        if chosen is None:
            continue
        names, named = (
            ", ".join(map(sources.title_of, entered(chosen))) or "nothing",
            f" for {target.name}" if sources.several else "",
        )
        sentences += [
            f"The Combined model{named} was a logistic regression ({penalty} penalty) on {names}, variables named beforehand, with signatures as out-of-fold logits.",
            named_beforehand(sources, chosen, entered(chosen)),
            left_words(sources, chosen),
        ]
    combined = any(primary_set(sources, target) for target in sources.targets)
    if sources.gives(COMBINED_TERMS) and not combined:
        sentences.append(f"There was no Combined model. {sources.why(COMBINED_TERMS)}")
    sentences += [_sample_size(sources, target) for target in sources.targets]
    return " ".join(filter(None, sentences))


def _missing_values(sources: Sources) -> str:
    """How missing clinical values were filled."""
    if not sources.columns:
        return ""
    learn = sources.settings.learn
    beside = "; a column of its own said where one was missing" if learn.missing_indicator else ""
    text = f"In models missing clinical values were filled by {IMPUTED[learn.impute]}, learnt inside each fold on its training patients{beside}."
    if learn.impute != "multiple" or sources.table(IMPUTED_ODDS) is None:
        return text
    return f"{text} Multivariable odds ratios stand also by multiple imputation ({learn.imputations} draws), pooled by Rubin's rules."


def _complete_cases(sources: Sources) -> str:
    """Over how many patients the odds ratios of each table are."""
    named = (("univariable", UNIVARIABLE), ("multivariable", MULTIVARIABLE), ("stepwise", STEPWISE))
    found = [(words, table["n"]) for words, which in named if (table := sources.table(which)) is not None]
    return "; ".join(f"{words} {_span(counts)}" for words, counts in found)


def _sample_size(sources: Sources, target: Target) -> str:
    """What the patients carry by Riley's criterion, and that it covers no search among features."""
    rows = sources.of(SAMPLE_SIZE, target)
    if rows is None:
        return ""
    known = rows.set_index("quantity")["value"]
    named = f" for {target.name}" if sources.several else ""
    text = f"By Riley's criterion{named} (Nagelkerke R² 0.15) {known['patients']:.0f} patients with {known['events']:.0f} events carry {theme.format_number(known['riley_maximum_parameters'], 2)} parameters, while the {known['candidate_parameters']:.0f} clinical candidates would need {known['riley_minimum_n']:,.0f} patients."
    searched = screened(sources, target)["value"]
    return f"{text} No such criterion covers the {searched.iloc[0]:,.0f} screened features." if len(searched) else text


def validation(sources: Sources, evidence: Evidence) -> str:
    """Cross-fitting, the protocols beside it, how often the test side was evaluated, and what was reached."""
    learn = sources.settings.learn
    folds, seeds = learn.folds, learn.seeds
    words = f"{seeds} seed{'' if seeds == 1 else 's'}"
    kinds = [target.binary for target in sources.targets]
    mean = " and ".join(
        [
            *(["of probabilities as logits"] if any(kinds) else []),
            *(["of per cents as they are"] if not all(kinds) else []),
        ]
    )
    sentences = []
    if Protocol.CROSSFIT in learn.protocols:
        sentences.append(
            f"Training patients received out-of-fold predictions from {folds}-fold cross-fitting with {words}; test patients the mean over the same {folds} × {seeds} chains, {mean}."
        )
    if Protocol.LEAVE_ONE_COHORT_OUT in learn.protocols:
        sentences.append("Each cohort was held out once: its patients were predicted by models of all other cohorts.")
    if Protocol.EXTERNAL_CROSSFIT in learn.protocols:
        sentences.append(
            f"As published, the external patients were also cross-validated among themselves ({folds} folds, {words}): each was predicted by chains of other external patients, which is no external test; the external test is of the frozen chains of the training side."
        )
    if Protocol.NESTED in learn.protocols:
        sentences.append("In nested cross-validation every patient was held out once a repetition.")
    if Protocol.PAPER in learn.protocols:
        beside = " was run beside it to measure its optimism" if Protocol.CROSSFIT in learn.protocols else " was run"
        sentences.append(f"The published way (selection and tuning on the whole training side){beside}.")
    looks = sources.table(LOOKS)
    if looks is not None:
        sentences.append(f"The test side was evaluated {len(looks)} time{'' if len(looks) == 1 else 's'}.")
    return " ".join([*sentences, *(_reached(evidence, target) for target in sources.targets)]).strip()


def _reached(evidence: Evidence, target: Target) -> str:
    headline = evidence.headline(target)
    if headline is None:
        return ""
    found, model, role = headline.estimate, headline.model, headline.role
    if target.binary:
        return f"For {target.name} {model} reached an AUC of {with_interval(found)} ({role}, {found.n} patients, {found.n_positive} positive)."
    return f"For {target.name} {model} reached a mean absolute error of {with_interval(found, 1)} percentage points ({role}, {found.n} patients)."


def statistics(sources: Sources) -> str:
    """How intervals, comparisons and cut-offs are made, for the kinds of outcomes that there are."""
    sentences = []
    if any(target.binary for target in sources.targets):
        once = f"; out-of-fold it is the share of correctly ordered pairs within a fold and seed, an estimate for one chain, with DeLong's interval widened by {widened_by(sources.settings.learn.seeds)}, since patients also taught the models that judged the others"
        sentences += [
            f"AUC on test is Mann–Whitney's with DeLong's interval on the logit scale{once if held_out_once(sources) else ''}.",
            "Models were compared on test by paired DeLong tests with Holm's correction around one comparison named beforehand.",
            f"The cut-off is Youden's on {judged_on(sources)}, used unchanged on test; shares have Wilson's intervals, balanced accuracy, F1 and net benefit closed forms.",
            f"Calibration is described by intercept, slope and groups of patients{', with a smooth curve where each class has 100' if _smooth(sources) else ''}, clinical use by net benefit.",
            f"Brier scores and the AUC corrected for the choice among algorithms have percentiles of {sources.settings.evaluate.bootstrap:,} draws of patients.",
        ]
    shuffled = sources.table(PERMUTATIONS)
    if shuffled is not None:
        sentences.append(
            f"Out-of-fold AUCs of the cheap chains (logistic regression alone) were held against {shuffled['permutations'].max()} shuffles of the outcome through the whole chain."
        )
    if sources.of(METRICS, Target(MACRO)) is not None:
        sentences.append(
            "Receptors together: the mean of their AUC, each on its known patients, and at the cut-offs mean Jaccard, accuracy, exact match, precision, recall and F1, with a bootstrap that draws patients once for all receptors."
        )
    if any(not target.binary for target in sources.targets):
        sentences.append(
            "An outcome in per cent is described by mean absolute error, beside that of the training median, by bias and limits of agreement (Bland and Altman), and by Pearson's and Spearman's correlations, with 95 % intervals; models were compared on test by paired t-tests of absolute errors."
        )
    called = sources.table(SUBTYPES)
    if called is not None:
        rules = "; ".join(RULES.get(rule, rule) for rule in dict.fromkeys(called["rule"]))
        sentences.append(
            f"Molecular subtypes were called from the answers ({rules}); their accuracy has Wilson's interval and stands beside the share of the commonest subtype, from which it differs by a paired interval."
        )
    return " ".join([*sentences, coverage(sources.targets)])


def _smooth(sources: Sources) -> bool:
    """Whether any model has a smooth calibration curve."""
    table = sources.table(CALIBRATION)
    return table is not None and bool((table["kind"] == "curve").any())


def software(sources: Sources) -> str:
    """dlr, the libraries that matter to the numbers, and the seed."""
    about = sources.about
    versions = ", ".join(f"{name} {version}" for name, version in sorted(about.versions.items()))
    return f"dlr {about.version}{' with ' + versions if versions else ''}; seed {about.seed}."
