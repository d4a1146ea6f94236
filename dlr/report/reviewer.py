"""What a reviewer will say about this run, worst first, each with the setting that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from dlr.figures import theme
from dlr.report.blocks import Remark, Remarks
from dlr.report.evidence import FEW_EVENTS, Evidence
from dlr.report.optimism import gap_rows
from dlr.report.selection import noisy_features
from dlr.report.sources import Sources
from dlr.report.use import clinical_variables
from dlr.words import Model

__all__ = ["remarks"]

PLAUSIBLE = 0.95  # where evaluate.plausible_auc names no value for the target
SAME_BIOPSY = {"her2": ("er", "pr", "ki67"), "er": ("pr", "her2", "ki67"), "pr": ("er", "her2", "ki67")}
Check = Callable[[Sources, Evidence, str], Iterator[Remark]]


def remarks(sources: Sources, evidence: Evidence) -> Remarks:
    """All remarks of all targets, heaviest first; of equal weight in the order of the checks."""
    found: list[Remark] = []
    for target in sources.targets:
        for check in CHECKS:
            found += [remark for remark in check(sources, evidence, target) if remark not in found]
    return Remarks(tuple(sorted(found, key=lambda remark: -remark.weight)))


def _implausible(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    limits = sources.setting("evaluate.plausible_auc", {}) or {}
    limit = (
        limits.get(target, sources.setting("evaluate.plausible_auc_default", PLAUSIBLE))
        if isinstance(limits, dict)
        else limits
    )
    high = []
    for model in evidence.models(target):
        for role in ("nested", "test", "external", "out-of-fold"):
            auc = evidence.get(target, model, role, "auc")
            if auc is not None and auc.value > limit:
                high.append(f"{model} {role} {theme.format_auc(auc.value)}")
    if high:
        yield Remark(
            3, "The AUC is too good: look for a leak.",
            f"{'; '.join(high)}; above {limit:g} is implausible for {target}.",
            "Look for text or callipers in the images, one patient under two ids, a column derived from the outcome.",
            f"evaluate.plausible_auc: {{{target}: {limit:g}}}",
        )  # fmt: skip


def _same_biopsy(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    headline = evidence.headline(target)
    model = headline.model if headline else Model.CLINICAL
    late = [
        name for name in clinical_variables(sources, model)
        if str(sources.columns[name].get("available")) in ("biopsy", "surgery")
    ]  # fmt: skip
    if not late:
        return
    together = [name for name in late if name in SAME_BIOPSY.get(target, ())]
    named = ", ".join(sources.title_of(name) for name in together or late)
    if together:
        says = "A predictor is measured on the same biopsy as the outcome."
        evidence_words = f"{model} uses {named}. Who has these values can have {target} from the same tissue."
    else:
        says = "A predictor is known only after the time at which the prediction would help."
        evidence_words = f"{model} uses {named}."
    before = [v for v in evidence.variants(target, model) if "biopsy" in v] if evidence.models(target) else []
    if before:
        auc = evidence.get(target, model, "test", "auc", before[0])
        if auc is not None:
            evidence_words += f" With what is known before biopsy the test AUC is {theme.format_auc(auc.value)}."
    yield Remark(
        3,
        says,
        evidence_words,
        "Lead with the model of what is known before biopsy.",
        "cohort.columns.NAME.available; combine.variables",
    )


def _few_events(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    headline = evidence.headline(target)
    test = evidence.get(target, headline.model, "test", "auc") if headline else None
    if test is None:
        return
    events = min(test.n_positive, test.n - test.n_positive)
    if events < FEW_EVENTS:
        nested = evidence.get(target, headline.model, "nested", "auc")  # type: ignore[union-attr]
        width = test.upper - test.lower
        yield Remark(
            2 if nested is not None else 3, f"The test side has only {events} patients of the rarer class.",
            f"The interval of its AUC is {width:.2f} wide; another split would give another answer.",
            "The repeated nested value stands beside it." if nested is not None
            else "Report the repeated nested value, in which every patient is test once.",
            "learn.protocols: [paper, crossfit, nested]",
        )  # fmt: skip


def _too_many_parameters(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    size = sources.table("clinical", "sample_size.csv")
    if size is None:
        return
    values = dict(zip(size["quantity"].astype(str), size["value"], strict=True))
    bound = next((float(v) for name, v in values.items() if name == "riley_maximum_parameters" and _number(v)), None)
    used = clinical_variables(sources, Model.COMBINED)
    if bound is not None and len(used) + 1 > bound:
        yield Remark(
            2, "The Combined model has more parameters than the patients carry.",
            f"{len(used) + 1} parameters; Riley's criterion allows {theme.format_number(bound, 2)}.",
            "Name fewer variables beforehand, or lead with the signature alone.",
            "combine.variables; combine.maximum_parameters",
        )  # fmt: skip


def _number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _stacked(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    if evidence.get(target, Model.COMBINED, "out-of-fold", "auc") and evidence.stacked(Model.COMBINED, "out-of-fold"):
        yield Remark(
            2, "The Combined model's out-of-fold value is stacked and optimistic.",
            "Its signatures come from models that saw the held-out labels; on pure noise this way gives .54.",
            "Lead with the test value; print this one as optimistic.", "",
        )  # fmt: skip


def _gap(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    rows = gap_rows(sources, target)
    if rows.empty or rows["gap"].isna().all():
        return
    worst = rows.loc[rows["gap"].idxmax()]
    if worst["gap"] > 0.1:
        yield Remark(
            1, "Training performance is far above honest performance.",
            f"{worst['model']}: {theme.format_auc(worst['paper_train'])} on its own training patients, "
            f"{theme.format_auc(worst['crossfit_out_of_fold'])} out-of-fold.",
            "Print the out-of-fold value; section 5 shows both.", "learn.protocols: [paper, crossfit]",
        )  # fmt: skip


def _miscalibrated(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    headline = evidence.headline(target)
    slope = evidence.get(target, headline.model, "test", "calibration_slope") if headline else None
    if slope is not None and (slope.value < 0.8 or slope.value > 1.25):
        yield Remark(
            2, "Probabilities are too extreme." if slope.value < 1 else "Probabilities are too timid.",
            f"Calibration slope on test {slope.value:.2f} ({theme.format_interval(slope.lower, slope.upper, 2)}).",
            "Show the calibration curve; recalibrate before anyone uses the probabilities.", "combine.penalty: ridge",
        )  # fmt: skip


def _shrunken_spread(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    narrow = []
    for model in evidence.models(target):
        inside, test = (evidence.get(target, model, role, "sd_probability") for role in ("out-of-fold", "test"))
        if inside is not None and test is not None and inside.value > 0 and test.value / inside.value < 0.8:
            narrow.append(f"{model} {test.value / inside.value:.2f}")
    if narrow:
        yield Remark(
            1, "A signature spreads less on test than out-of-fold.",
            f"Ratio of standard deviations: {'; '.join(narrow)} (under 0.8). Averages over many chains are drawn "
            "together.",
            "Compare mean and spread on both sides before trusting a cut-off there.", "learn.seeds",
        )  # fmt: skip


def _looks(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    looks = sources.table("evaluate", "looks.csv")
    if looks is not None and len(looks) > 1:
        yield Remark(
            2 if len(looks) > 3 else 1, f"The test side was looked at {len(looks)} times.",
            "Each look under changed settings is a chance to choose by the test result.",
            "State the number; settle the settings by out-of-fold values, then look once.", "",
        )  # fmt: skip


def _noise(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    dictionary = sources.table("radiomics", "dictionary.csv")
    if dictionary is None:
        return
    noisy = noisy_features(dictionary)
    if noisy:
        yield Remark(
            2, "Some features are rounding noise.",
            f"{noisy:,} of {len(dictionary):,} features come from filters across the only slice of a still.",
            "Use the profile made for stills.", "radiomics.profile: ultrasound2d",
        )  # fmt: skip


def _unstable_selection(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    frequency = sources.table("radiomics_model", "selection_frequency.csv")
    if frequency is None:
        return
    frequency = frequency[frequency["target"] == target]
    often = int((frequency["frequency"] >= 0.5).sum())
    if often < 3:
        yield Remark(
            1, "The selected features change from fold to fold.",
            f"{often} of {len(frequency):,} ever kept were kept in half of the chains or more.",
            "Do not interpret single features; report the frequencies.", "learn.lasso_rule: 1se",
        )  # fmt: skip


def _no_external(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    if any(evidence.get(target, model, "external", "auc") for model in evidence.models(target)):
        return
    yield Remark(
        2, "There is no external validation.", "All patients come from the same source and were split at random.",
        "Set another centre aside, or say that validation is internal.", "cohort.external: [VALUE]",
    )  # fmt: skip


def _one_reader(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    if sources.table("stability", "agreement.csv") is None:
        stability: pd.DataFrame | None = sources.table("stability", "stability.parquet")
        words = (
            "Stability was tested by seeded changes of the outline."
            if stability is not None
            else "Stability was not assessed."
        )
        yield Remark(
            1, "Only one reader outlined the lesions.", words,
            "Have a second reader outline a share of the cases.", "columns mask_reader1, mask_reader2",
        )  # fmt: skip


def _no_baseline(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    models = evidence.models(target)
    if models and Model.CLINICAL not in models:
        yield Remark(
            2, "Nothing shows that images add to what is known without them.",
            f"There is no Clinical model. {sources.why('clinical', 'Clinical signature')}",
            "Give the clinical columns.", "cohort.clinical: auto",
        )  # fmt: skip


def _no_gain(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    table = sources.table("evaluate", "comparisons.csv")
    if table is None:
        return
    rows = table[(table["target"] == target) & (table["side"] == "test") & (table["metric"] == "auc")]
    pair = set(sources.setting("evaluate.primary") or (Model.COMBINED, Model.CLINICAL))
    rows = rows[[{a, b} == pair for a, b in zip(rows["model_a"], rows["model_b"], strict=True)]]
    if len(rows) and rows["p"].iloc[0] >= 0.05:
        row = rows.iloc[0]
        yield Remark(
            2, f"{row['model_a']} is not shown to be better than {row['model_b']}.",
            f"Difference in test AUC {theme.format_auc(row['difference'])} "
            f"({theme.format_interval(row['lower'], row['upper'])}), p {theme.format_p(row['p'])}.",
            "Say so; give the interval, and the net benefit beside it.", "evaluate.primary",
        )  # fmt: skip


def _no_spacing(sources: Sources, evidence: Evidence, target: str) -> Iterator[Remark]:
    notes = sources.table("cohort", "notes.csv")
    if notes is None or not notes["what"].astype(str).str.contains("pixels", case=False).any():
        return
    if sources.setting("cohort.pixel_spacing_mm") is None:
        yield Remark(
            1, "Sizes are in pixels, not millimetres.", "The files do not say their spacing.",
            "Give the spacing, or keep shape features out of the interpretation.", "cohort.pixel_spacing_mm",
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    _implausible, _same_biopsy, _few_events, _no_external, _too_many_parameters, _no_baseline, _no_gain, _noise,
    _miscalibrated, _stacked, _looks, _gap, _shrunken_spread, _unstable_selection, _one_reader, _no_spacing,
)  # fmt: skip
