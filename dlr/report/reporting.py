"""Evidence of this run for TRIPOD+AI, CLEAR and METRICS: item, what the run shows, where."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from dlr.figures import theme
from dlr.report.evidence import Evidence
from dlr.report.sources import Sources

__all__ = ["reporting_table"]


def reporting_table(sources: Sources, evidence: Evidence) -> pd.DataFrame:
    """Topic, TRIPOD+AI, CLEAR, METRICS items, evidence, section of the report."""
    rows = [(*item[:4], item[4](sources, evidence), item[5]) for item in ITEMS]
    return pd.DataFrame(rows, columns=["Topic", "TRIPOD+AI", "CLEAR", "METRICS", "Evidence of this run", "Section"])


def _participants(sources: Sources, evidence: Evidence) -> str:
    patients = sources.patients
    if patients is None:
        return sources.why("cohort", "cohort.parquet")
    return ", ".join(f"{n} {side}" for side, n in patients["side"].value_counts(sort=False).items()) + " patients"


def _partition(sources: Sources, evidence: Evidence) -> str:
    looks = sources.table("evaluate", "looks.csv")
    seen = f"; test side evaluated {len(looks)}×" if looks is not None else ""
    return f"by patient, before any fit, seed {sources.about.seed}{seen}"


def _missing(sources: Sources, evidence: Evidence) -> str:
    table = sources.table("clinical", "table1_side.csv")
    features = sources.table("radiomics", "missing.csv")
    clinical = 0.0
    if table is not None:
        clinical = float(table.drop_duplicates("variable")[["missing_a", "missing_b"]].fillna(0).to_numpy().sum())
    count = 0 if features is None else len(features)
    imputer = sources.setting("learn.impute", "median")
    return f"{clinical:.0f} clinical values, {count:,} feature values; imputed ({imputer}) within folds"


def _size(sources: Sources, evidence: Evidence) -> str:
    table = sources.table("clinical", "sample_size.csv")
    if table is None:
        return sources.why("clinical", "sample_size.csv")
    words = [
        f"{str(name).replace('_', ' ')} {theme.format_number(value) if isinstance(value, float | int) else value}"
        for name, value in zip(table["quantity"], table["value"], strict=True)
    ]
    return "; ".join(words)


def _predictors(sources: Sources, evidence: Evidence) -> str:
    if not sources.columns:
        return "no clinical columns"
    words = [f"{sources.title_of(name)} ({column.get('available')})" for name, column in sources.columns.items()]
    return "; ".join(words)


def _image_settings(sources: Sources, evidence: Evidence) -> str:
    profile, engine = sources.setting("radiomics.profile", "?"), sources.setting("radiomics.engine", "?")
    return f"profile {profile}, engine {engine}; every setting below under Settings; feature dictionary in tables/"


def _agreement(sources: Sources, evidence: Evidence) -> str:
    agreement, stability = sources.table("stability", "agreement.csv"), sources.table("stability", "stability.parquet")
    words = []
    if agreement is not None:
        words.append(f"Dice median {agreement['dice'].median():.3f} over {len(agreement)} cases")
    if stability is not None:
        words.append(f"ICC of {stability['feature'].nunique():,} features")
    return "; ".join(words) or f"not assessed. {sources.why('stability', 'table')}"


def _selection(sources: Sources, evidence: Evidence) -> str:
    frequency = sources.table("radiomics_model", "selection_frequency.csv")
    if frequency is None:
        return sources.why("radiomics_model", "selection_frequency.csv")
    return f"every feature at every step of every fit; {frequency['feature'].nunique():,} features kept at least once"


def _tuning(sources: Sources, evidence: Evidence) -> str:
    choices = sources.table("radiomics_model", "choices.csv")
    algorithms = sources.setting("learn.algorithms", [])
    fits = "" if choices is None else f"; chosen in {choices['chosen'].astype(bool).sum()} fits"
    grid = sources.setting("learn.max_grid", 8)
    return f"{len(algorithms)} algorithms, at most {grid} grid points each, inner folds judged by their median{fits}"


def _balance(sources: Sources, evidence: Evidence) -> str:
    words = []
    for target in sources.targets:
        headline = evidence.headline(target)
        if headline is not None:
            words.append(f"{target}: {headline.auc.n_positive} of {headline.auc.n} positive ({headline.role})")
    return "; ".join([*words, "no resampling, no class weights"])


def _discrimination(sources: Sources, evidence: Evidence) -> str:
    words = []
    for target in sources.targets:
        for model in evidence.models(target):
            auc = evidence.get(target, model, "test", "auc")
            if auc is not None:
                words.append(f"{model} {theme.format_auc(auc.value)} ({theme.format_interval(auc.lower, auc.upper)})")
    return "test AUC: " + "; ".join(words) if words else sources.why("evaluate", "metrics.csv")


def _calibration(sources: Sources, evidence: Evidence) -> str:
    words = []
    for target in sources.targets:
        for model in evidence.models(target):
            slope = evidence.get(target, model, "test", "calibration_slope")
            if slope is not None:
                words.append(f"{model} {slope.value:.2f}")
    return "slope on test: " + "; ".join(words) if words else sources.why("evaluate", "calibration.csv")


def _external(sources: Sources, evidence: Evidence) -> str:
    found = any(evidence.get(t, m, "external", "auc") for t in sources.targets for m in evidence.models(t))
    return "patients set aside as external were evaluated" if found else "internal only: one source, split by patient"


def _utility(sources: Sources, evidence: Evidence) -> str:
    if sources.table("evaluate", "decision.csv") is None:
        return sources.why("evaluate", "decision.csv")
    return "net benefit on test and out-of-fold, thresholds fixed beforehand"


def _baseline(sources: Sources, evidence: Evidence) -> str:
    table = sources.table("evaluate", "comparisons.csv")
    if table is None:
        return sources.why("evaluate", "comparisons.csv")
    return f"{len(table)} comparisons with Holm's correction around one named beforehand"


def _explanation(sources: Sources, evidence: Evidence) -> str:
    if sources.table("attention", "attention.csv") is not None:
        return "class activation maps beside a null network; weights of the Rad-score"
    return "weights of the Rad-score" if sources.table("radiomics_model", "rad_score.csv") is not None else "none"


def _availability(sources: Sources, evidence: Evidence) -> str:
    folder = sources.about.run_folder or "runs/STUDY"
    return f"saved chains: dlr predict {folder} manifest.csv; every number as CSV in tables/"


Item = tuple[str, str, str, str, Callable[[Sources, Evidence], str], str]
ITEMS: tuple[Item, ...] = (
    ("Participants and flow", "6, 20a", "12, 15", "", _participants, "2"),
    ("Partition", "12a", "15", "18, 26", _partition, "2, 8"),
    ("Predictors and when they are known", "9b", "19", "", _predictors, "8"),
    ("Missing data", "11", "29", "", _missing, "2, 3"),
    ("Sample size", "10", "9", "16", _size, "4"),
    ("Class balance", "13", "30", "", _balance, "2"),
    ("Image preparation and features", "9b, 12b", "21–28", "11–13", _image_settings, "3, 8"),
    ("Reader agreement and robustness", "", "31", "14", _agreement, "2, 3"),
    ("Selection", "12b", "32, 33", "15", _selection, "3"),
    ("Models and tuning", "12c", "34–37", "", _tuning, "4, 8"),
    ("Discrimination", "12e, 23a", "38, 39, 46", "20, 21", _discrimination, "4"),
    ("Calibration", "12e, 23a", "39", "22", _calibration, "4"),
    ("Comparison with simpler models", "", "40, 42", "24, 25", _baseline, "4"),
    ("Clinical utility", "12e", "42", "24", _utility, "4"),
    ("Explanation", "", "43", "", _explanation, "3, 7"),
    ("External validation", "12d, 20c", "38", "27", _external, "4"),
    ("Code, model, data behind numbers", "22", "41, 54–58", "28–30", _availability, "8"),
)  # fmt: skip
