"""Evidence of this run for TRIPOD+AI, CLEAR and METRICS: item, what the run shows, where."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from dlr.figures import theme
from dlr.report.combined import screened
from dlr.report.contents import number_of
from dlr.report.enhanced import enhanced, method_words, times
from dlr.report.evidence import ELSEWHERE, LEADING, Evidence, cell, held_out_once, measure_words
from dlr.report.nomogram_section import predict_command
from dlr.report.sources import Sources
from dlr.tables import (
    AGREEMENT,
    ATTENTION,
    CALIBRATION,
    CHOICES,
    COHORT,
    COMPARISONS,
    DECISION,
    LOOKS,
    METRICS,
    MISSING,
    RAD_SCORE,
    SAMPLE_SIZE,
    SELECTION_FREQUENCY,
    STABILITY,
    TABLE1_SIDE,
    TSNE,
)
from dlr.words import Target

__all__ = ["reporting_table"]


def reporting_table(sources: Sources, evidence: Evidence) -> pd.DataFrame:
    """Topic, TRIPOD+AI, CLEAR, METRICS items, evidence, sections of the report."""
    rows = [(*item[:4], item[4](sources, evidence), _numbers(sources, item[5])) for item in ITEMS]
    return pd.DataFrame(rows, columns=["Topic", "TRIPOD+AI", "CLEAR", "METRICS", "Evidence of this run", "Section"])


def _numbers(sources: Sources, names: str) -> str:
    """The numbers of those of some sections that the page has."""
    numbers = [number_of(sources, name) for name in names.split(", ")]
    return ", ".join(str(number) for number in sorted(numbers) if number)


def _participants(sources: Sources, evidence: Evidence) -> str:
    patients = sources.patients
    if patients is None:
        return sources.why(COHORT)
    return ", ".join(f"{n} {side}" for side, n in patients["side"].value_counts(sort=False).items()) + " patients"


def _partition(sources: Sources, evidence: Evidence) -> str:
    looks = sources.table(LOOKS)
    seen = f"; test side evaluated {len(looks)}×" if looks is not None else ""
    return f"by patient, before any fit, seed {sources.about.seed}{seen}"


def _missing(sources: Sources, evidence: Evidence) -> str:
    table = sources.table(TABLE1_SIDE)
    features = sources.table(MISSING)
    clinical = 0.0
    if table is not None:
        clinical = float(table.drop_duplicates("variable")[["missing_a", "missing_b"]].fillna(0).to_numpy().sum())
    count = 0 if features is None else len(features)
    imputer = sources.settings.learn.impute
    return f"{clinical:.0f} clinical values, {count:,} feature values; imputed ({imputer}) within folds"


def _size(sources: Sources, evidence: Evidence) -> str:
    return _by_target(sources, _size_of) or sources.why(SAMPLE_SIZE)


def _size_of(sources: Sources, target: Target) -> str:
    rows = sources.of(SAMPLE_SIZE, target)
    if rows is None:
        return ""
    rows = pd.concat([rows, screened(sources, target)], ignore_index=True)
    values = zip(rows["quantity"].str.replace("_", " "), rows["value"].map(theme.format_number), strict=True)
    return "; ".join(f"{name} {value}" for name, value in values)


def _by_target(sources: Sources, words: Callable[[Sources, Target], str]) -> str:
    """What there is to say of each outcome, named where there are several."""
    found = [(target.name, said) for target in sources.targets if (said := words(sources, target))]
    return ". ".join(f"{name}: {said}" if sources.several else said for name, said in found)


def _predictors(sources: Sources, evidence: Evidence) -> str:
    if not sources.columns:
        return "no clinical columns"
    words = [f"{sources.title_of(name)} ({column.get('available')})" for name, column in sources.columns.items()]
    return "; ".join(words)


def _image_settings(sources: Sources, evidence: Evidence) -> str:
    radiomics = sources.settings.radiomics
    named = f"profile {radiomics.profile}, engine {radiomics.engine}"
    if enhanced(sources):
        named = f"images enlarged {times(sources)} by {method_words(sources)}; {named}"
    return f"{named}; every setting below under Settings; feature dictionary in tables/"


def _agreement(sources: Sources, evidence: Evidence) -> str:
    agreement, stability = sources.table(AGREEMENT), sources.table(STABILITY)
    words = []
    if agreement is not None:
        words.append(f"Dice median {agreement['dice'].median():.3f} over {len(agreement)} cases")
    if stability is not None:
        words.append(f"ICC of {stability['feature'].nunique():,} features")
    why = f". {sources.why(STABILITY)}" if sources.gives(STABILITY) else ""
    return "; ".join(words) or f"not assessed{why}"


def _selection(sources: Sources, evidence: Evidence) -> str:
    frequency = sources.table(SELECTION_FREQUENCY)
    if frequency is None:
        return sources.why(SELECTION_FREQUENCY)
    count = frequency.drop_duplicates(["target", "model", "feature"]).groupby(["target", "model"], sort=False).size()
    kept = [f"{n:,} by {model}{f' for {target}' if sources.several else ''}" for (target, model), n in count.items()]
    return f"every feature at every step of every fit; features kept at least once: {', '.join(kept)}"


def _tuning(sources: Sources, evidence: Evidence) -> str:
    choices, learn = sources.table(CHOICES), sources.settings.learn
    fits = "" if choices is None else f"; chosen in {choices['chosen'].sum()} fits"
    grid = f"at most {learn.max_grid} grid points each"
    kinds = dict.fromkeys(target.kind for target in sources.targets)
    count = len({name for kind in kinds for name in learn.learners(kind)})
    beside = f", {len(learn.reported)} more fitted beside and never chosen" if learn.reported else ""
    return f"{count} algorithms{beside}, {grid}, inner folds judged by their median{fits}"


def _balance(sources: Sources, evidence: Evidence) -> str:
    words = []
    for target in sources.targets:
        headline = evidence.headline(target)
        if headline is not None and target.binary:
            auc = headline.estimate
            words.append(f"{target.name}: {auc.n_positive} of {auc.n} positive ({headline.role})")
    return "; ".join([*words, "no resampling, no class weights"])


def _discrimination(sources: Sources, evidence: Evidence) -> str:
    def of(sources: Sources, target: Target) -> str:
        metric, digits = LEADING[target.kind], 3 if target.binary else 1
        found = [(model, evidence.get(target.name, model, "test", metric)) for model in evidence.models(target.name)]
        words = "; ".join(f"{model} {cell(value, digits)}" for model, value in found if value is not None)
        return f"test {measure_words(metric)}: {words}" if words else ""

    return _by_target(sources, of) or sources.why(METRICS)


def _calibration(sources: Sources, evidence: Evidence) -> str:
    def of(sources: Sources, target: Target) -> str:
        metric, name = ("calibration_slope", "slope") if target.binary else ("bias", "bias")
        found = [(model, evidence.get(target.name, model, "test", metric)) for model in evidence.models(target.name)]
        words = "; ".join(f"{model} {cell(value, 2)}" for model, value in found if value is not None)
        return f"{name} on test: {words}" if words else ""

    return _by_target(sources, of) or sources.why(CALIBRATION)


def _external(sources: Sources, evidence: Evidence) -> str:
    external = any(
        evidence.get(target.name, model, role, LEADING[target.kind])
        for target in sources.targets
        for model in evidence.models(target.name)
        for role in ELSEWHERE
    )
    return (
        "patients set aside as external were evaluated" if external else "internal only: one source, split by patient"
    )


def _utility(sources: Sources, evidence: Evidence) -> str:
    if sources.table(DECISION) is None:
        return sources.why(DECISION)
    once = " and out-of-fold" if held_out_once(sources) else ""
    return f"net benefit on test{once}, thresholds fixed beforehand"


def _baseline(sources: Sources, evidence: Evidence) -> str:
    table = sources.table(COMPARISONS)
    if table is None:
        return sources.why(COMPARISONS)
    models = table[table["model_a"] != table["model_b"]]  # the others compare images of one model
    return f"{len(models)} comparisons with Holm's correction around one named beforehand"


def _explanation(sources: Sources, evidence: Evidence) -> str:
    words = {
        "class activation maps beside a null network": ATTENTION,
        "weights of the Rad-score": RAD_SCORE,
        "features of the networks in three dimensions": TSNE,
    }
    return "; ".join(said for said, table in words.items() if sources.table(table) is not None) or "none"


def _availability(sources: Sources, evidence: Evidence) -> str:
    return f"saved chains: {predict_command(sources)}; every number as CSV in tables/"


Item = tuple[str, str, str, str, Callable[[Sources, Evidence], str], str]
ITEMS: tuple[Item, ...] = (
    ("Participants and flow", "6, 20a", "12, 15", "", _participants, "who"),
    ("Partition", "12a", "15", "18, 26", _partition, "who, methods"),
    ("Predictors and when they are known", "9b", "19", "", _predictors, "methods"),
    ("Missing data", "11", "29", "", _missing, "who, measured"),
    ("Sample size", "10", "9", "16", _size, "models"),
    ("Class balance", "13", "30", "", _balance, "who"),
    ("Image preparation and features", "9b, 12b", "21–28", "11–13", _image_settings, "measured, enhancement, methods"),
    ("Reader agreement and robustness", "", "31", "14", _agreement, "who, measured"),
    ("Selection", "12b", "32, 33", "15", _selection, "measured"),
    ("Models and tuning", "12c", "34–37", "", _tuning, "models, methods"),
    ("Discrimination", "12e, 23a", "38, 39, 46", "20, 21", _discrimination, "models"),
    ("Calibration", "12e, 23a", "39", "22", _calibration, "models"),
    ("Comparison with simpler models", "", "40, 42", "24, 25", _baseline, "models"),
    ("Clinical utility", "12e", "42", "24", _utility, "models"),
    ("Explanation", "", "43", "", _explanation, "measured, seeing"),
    ("External validation", "12d, 20c", "38", "27", _external, "models"),
    ("Code, model, data behind numbers", "22", "41, 54–58", "28–30", _availability, "methods"),
)  # fmt: skip
