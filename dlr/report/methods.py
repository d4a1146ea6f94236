"""Section 8: Methods text ready to paste with this run's numbers, evidence for standards, settings, versions."""

from __future__ import annotations

from typing import Any

import pandas as pd
import yaml

from dlr.figures import theme
from dlr.report.blocks import Block, Copy, Heading, Prose, Section
from dlr.report.evidence import Evidence
from dlr.report.press import Press
from dlr.report.reporting import reporting_table
from dlr.report.selection import step_counts
from dlr.report.sources import Sources
from dlr.report.use import entered, primary_set
from dlr.words import Side

__all__ = ["methods", "methods_text"]

ALGORITHMS = {
    "logistic": "logistic regression",
    "random_forest": "random forest",
    "extra_trees": "extremely randomised trees",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
}
T_TESTS = {"welch": "Welch's t-test", "student": "Student's t-test", "mannwhitney": "the Mann–Whitney test"}
PER_PATIENT = {
    "largest_roi": "of several images of a patient the one with the largest ROI was used",
    "mean_feature": "features were averaged over a patient's images",
    "mean_probability": "probabilities were averaged over a patient's images",
}


def methods(sources: Sources, press: Press, evidence: Evidence) -> Section:
    """What stands behind every number."""
    settings = yaml.safe_dump(sources.settings, sort_keys=False, allow_unicode=True, width=100)
    versions = pd.DataFrame(
        [("dlr", sources.about.version), *sorted(sources.about.versions.items())], columns=["Software", "Version"]
    )
    blocks: list[Block] = [
        Copy("Methods, ready to paste", methods_text(sources, evidence), prose=True),
        Heading("Evidence for reporting standards"),
        Prose((
            "What this run can show for TRIPOD+AI (2024), CLEAR and METRICS; it judges nothing. Items on aims, ethics, "
            "discussion and funding are the authors'.",
        ), quiet=True),
        press.table("reporting", "TRIPOD+AI, CLEAR and METRICS", reporting_table(sources, evidence), most=200),
        Heading("Settings, versions, seeds"),
        Copy("Settings of this run", settings),
        press.table("versions", "Software", versions, note=(
            f"Study seed {sources.about.seed}; every random draw has a generator named after its purpose."
        )),
    ]  # fmt: skip
    if sources.about.command:
        blocks.append(Copy("The command of this run", sources.about.command))
    if sources.about.warnings:
        shown = pd.DataFrame(sources.about.warnings, columns=["Stage", "Warning"])
        blocks.append(press.table("warnings", "Warnings of this run", shown))
    absent = [(stage, reason) for stage, reason in sources.left_out.items()]
    if absent:
        shown = pd.DataFrame(absent, columns=["Stage", "Why it left itself out"])
        blocks.append(press.table("left_out", "Stages left out", shown))
    return Section(8, "methods", "Methods", tuple(blocks))


def methods_text(sources: Sources, evidence: Evidence) -> str:
    """The Methods section of a paper in plain words, with this run's numbers; only what was done is described."""
    parts = [
        ("Patients and outcome", _patients(sources)),
        ("Segmentation and agreement", _segmentation(sources)),
        ("Radiomics", _radiomics(sources)),
        ("Selection and models", _models(sources)),
        ("Networks", _networks(sources)),
        ("Clinical and Combined models", _combined(sources)),
        ("Validation", _validation(sources, evidence)),
        ("Statistics", _statistics(sources)),
        ("Software", _software(sources)),
    ]
    return "\n\n".join(f"{title}. {text}" for title, text in parts if text)


def _patients(sources: Sources) -> str:
    patients, cases = sources.patients, sources.table("cohort", "cohort.parquet")
    if patients is None or cases is None:
        return ""
    used = cases[cases["patient_id"].isin(patients["patient_id"])]
    text = f"The study comprised {len(patients)} patients with {len(used)} images"
    flow = sources.table("cohort", "flow.csv")
    if flow is not None:
        left = flow[flow["step"] == "excluded"]
        if len(left):
            reasons = "; ".join(f"{row.patients} for {row.reason}" for row in left.itertuples())
            text += f"; excluded were {left['patients'].sum():.0f} ({reasons})"
    text += ". "
    for target in sources.targets:
        if target in patients:
            known = pd.to_numeric(patients[target], errors="coerce").dropna()
            text += (
                f"The outcome {target} was positive in {known.sum():.0f} of {len(known)} patients with a known value. "
            )
    sides = patients["side"].value_counts()
    named = ", ".join(f"{sides[side]} {side}" for side in map(str, Side) if side in sides)
    text += f"Patients were divided by patient, not by image ({named}; seed {sources.about.seed})."
    return text


def _segmentation(sources: Sources) -> str:
    agreement = sources.table("stability", "agreement.csv")
    stability = sources.table("stability", "stability.parquet")
    sentences = []
    if agreement is not None:
        unit = agreement["unit"].iloc[0]
        sentences.append(
            f"Two readers outlined {len(agreement)} cases: median Dice {agreement['dice'].median():.3f}, median "
            "95 % Hausdorff "
            f"distance {agreement['hausdorff95'].median():.1f} {unit}; "
            f"{int(agreement['below'].astype(bool).sum())} cases fell below the "
            "chosen agreement and are named for a third reader."
        )
    if stability is not None:
        threshold = sources.setting("learn.icc_filter")
        whole = stability[stability["fold"] == -1] if (stability["fold"] == -1).any() else stability
        compared = ", ".join(map(str, whole["perturbation"].unique()))
        words = f"Stability of the features was measured by ICC(2,1) ({compared})"
        if threshold:
            count = int((whole["icc"] >= threshold).sum())
            words += (
                f"; features under {threshold:g} left before selection, judged on each fold's training patients "
                f"({count} of {whole['feature'].nunique()} reached it on the whole training side)"
            )
        sentences.append(words + ".")
    return " ".join(sentences) or "Agreement between readers was not assessed."


def _radiomics(sources: Sources) -> str:
    families = sources.table("radiomics", "families.csv")
    if families is None:
        return ""
    total, images = int(families["count"].sum()), list(dict.fromkeys(families["image_type"].astype(str)))
    profile, engine = sources.setting("radiomics.profile", "?"), sources.setting("radiomics.engine", "?")
    text = (
        f"{total:,} features were computed from each ROI with the profile {profile} (engine {engine}) on "
        f"{len(images)} image "
        f"types ({', '.join(images)}); "
        f"{PER_PATIENT.get(str(sources.setting('cohort.per_patient')), 'each patient counted once')}."
    )
    missing = sources.table("radiomics", "missing.csv")
    if missing is not None:
        share = sources.setting("learn.max_missing", 0.2)
        text += (
            f" {len(missing):,} values could not be computed; a feature missing in more than {100 * share:g} % of "
            "a fold's training "
            f"cases left, other missing values were imputed ({sources.setting('learn.impute', 'median')}) within "
            "the fold."
        )
    return text


def _models(sources: Sources) -> str:
    learn: dict[str, Any] = sources.setting("learn", {}) or {}
    algorithms = ", ".join(ALGORITHMS.get(name, name) for name in learn.get("algorithms", []))
    test = T_TESTS.get(str(learn.get("t_test", "welch")), "a t-test")
    several = len(learn.get("algorithms", [])) > 1
    correlation, lasso = learn.get("correlation", 0.8), learn.get("lasso_folds", 10)
    text = (
        f"Features were standardised, then selected by {test} (p < {learn.get('p', 0.05):g}), greedy deletion of pairs "
        f"with |r| > {correlation:g}, and LASSO ({lasso}-fold, λ {learn.get('lasso_rule', 'min')}). "
        f"{algorithms[:1].upper()}{algorithms[1:]} {'were' if several else 'was'} tuned on grids of at most "
        f"{learn.get('max_grid', 8)} points by the median score of inner folds"
        f"{', which also chose among them' if several else ''}; all of this was fitted anew inside every fold."
    )
    selection = sources.table("radiomics_model", "selection.parquet")
    if selection is not None:
        counts = step_counts(selection)
        last = counts[counts["step"] == counts["step"].iloc[-1]]
        spans = [f"{row.protocol}: {min(row.kept)} to {max(row.kept)}" for row in last.itertuples()]
        text += f" Features kept at the end ({'; '.join(spans)})."
    return text


def _networks(sources: Sources) -> str:
    about = sources.json("deep", "deep.json")
    if about is None:
        return ""
    deep = sources.setting("deep", {}) or {}
    seen = deep.get("input", {})
    origins = "; ".join(
        f"{name}, weights {origin['weights']}"
        + (f" ({origin['source']}, sha256 {str(origin['sha256'])[:12]}…)" if origin.get("sha256") else "")
        for name, origin in about["backbones"].items()
    )
    text = (
        "Of each lesion the slice with the largest ROI was cut out with its bounding box and a margin of "
        f"{seen.get('margin_px', 10)} pixels, padded to a square, brought to {seen.get('size', 224)} pixels and "
        f"z-scored. Backbone: {origins}. "
    )
    frozen = "With the backbone frozen, a logistic model on its penultimate features gave the signature"
    if about["mode"] == "frozen":
        text += f"{frozen}, its penalty chosen in inner folds. "
    else:
        epochs = deep.get("training", {}).get("epochs")
        text += (
            f"Networks were fine-tuned for at most {epochs} epochs (AdamW, cosine schedule), stopped early on a "
            f"validation part of their own training patients. {frozen} that stands beside it. "
        )
    text += "Training patients were predicted by networks that had not seen them. "
    pca, shares = sources.table("fuse", "pca.csv"), sources.table("fuse", "blocks.csv")
    if pca is not None and shares is not None:
        total = shares["count"].sum()
        text += (
            f"For fusion the deep features were reduced to {pca['component'].max()} principal components, fitted on "
            f"each fold's training patients, and joined with the radiomics features ({total:,.0f} in all); selection "
            "and classifiers were those of the radiomics model."
        )
    return text.strip()


def _combined(sources: Sources) -> str:
    sentences = []
    if sources.table("clinical", "multivariable.csv") is not None:
        sentences.append(
            "Clinical variables were described by univariable, multivariable and stepwise (AIC) logistic "
            "regression with "
            "intercept, 95 % Wald and profile-likelihood intervals, and Firth's penalty where a variable "
            "separated the classes."
        )
    chosen = primary_set(sources)
    if chosen is not None:
        names = [sources.title_of(name) for name in entered(chosen)]
        sentences.append(
            f"The Combined model was a logistic regression ({sources.setting('combine.penalty', 'firth')} penalty) on "
            f"{', '.join(names)}, variables named beforehand, with signatures as out-of-fold logits."
        )
    else:
        sentences.append(f"There was no Combined model. {sources.why('combine', 'model')}")
    return " ".join(sentences)


def _validation(sources: Sources, evidence: Evidence) -> str:
    learn: dict[str, Any] = sources.setting("learn", {}) or {}
    folds, seeds, protocols = learn.get("folds", 5), learn.get("seeds", 3), learn.get("protocols", [])
    text = (
        f"Training patients received out-of-fold probabilities from {folds}-fold cross-fitting with {seeds} "
        f"seed{'' if seeds == 1 else 's'}; test patients the mean logit over the same {folds} × {seeds} chains. "
    )
    if "nested" in protocols:
        text += "In nested cross-validation every patient was held out once a repetition. "
    if "paper" in protocols:
        text += (
            "The published way (selection and tuning on the whole training side) was run beside it to measure its "
            "optimism. "
        )
    looks = sources.table("evaluate", "looks.csv")
    if looks is not None:
        text += f"The test side was evaluated {len(looks)} time{'' if len(looks) == 1 else 's'}. "
    for target in sources.targets:
        headline = evidence.headline(target)
        if headline is not None:
            auc = headline.auc
            text += (
                f"For {target} {headline.model} reached an AUC of {theme.format_auc(auc.value)} "
                f"(95 % interval {theme.format_interval(auc.lower, auc.upper)}; {headline.role}, {auc.n} "
                f"patients, {auc.n_positive} positive). "
            )
    return text.strip()


def _statistics(sources: Sources) -> str:
    return (
        "AUC on test is Mann–Whitney's with DeLong's interval on the logit scale; out-of-fold it is the share of "
        "correctly "
        "ordered pairs within a fold and seed, with a bootstrap by patient given the models. Models were "
        "compared on test by "
        "paired DeLong tests with Holm's correction around one comparison named beforehand. The cut-off is Youden's on "
        "out-of-fold predictions, used unchanged on test, with Wilson intervals. Calibration is described by "
        "intercept, slope "
        "and curve, clinical use by net benefit."
    )


def _software(sources: Sources) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(sources.about.versions.items()))
    return f"dlr {sources.about.version}{' with ' + versions if versions else ''}; seed {sources.about.seed}."
