"""What a reviewer will say about this run, worst first, each with the setting that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from dlr.figures import theme
from dlr.report.blocks import Remark, Remarks
from dlr.report.combined_set import image_signature, primary_set
from dlr.report.comparisons import primary_comparison
from dlr.report.enhanced import HALLUCINATION, enhanced, found, generator_saw, method_words
from dlr.report.enhancement_effect import differences, said_of
from dlr.report.evidence import ELSEWHERE, FEW_EVENTS, LEADING, Evidence, cell, with_interval
from dlr.report.judged import (
    biased,
    confounded,
    copies,
    gap,
    implausible,
    miscalibrated,
    shrunken_spread,
    unknown_by_cohort,
    unstable_selection,
)
from dlr.report.selection import noisy_features
from dlr.report.sources import Sources
from dlr.report.time_of_use import clinical_variables
from dlr.report.volume_remarks import (
    below_the_frozen,
    cross_validated_elsewhere,
    pooled_alone,
    smaller_than_published,
)
from dlr.tables import (
    AGREEMENT,
    DICTIONARY,
    LOOKS,
    NOTES,
    SAMPLE_SIZE,
    STABILITY,
    UNIVARIABLE,
)
from dlr.words import Available, Model, Target

__all__ = ["remarks"]

SAME_BIOPSY = {"her2": ("er", "pr", "ki67"), "er": ("pr", "her2", "ki67"), "pr": ("er", "her2", "ki67"),
               "ki67": ("er", "pr", "her2")}  # fmt: skip
INVENTIVE = ("gan", "weights")  # methods of superres that were trained to look real
LATE = (Available.BIOPSY, Available.SURGERY)
OfTarget = Callable[[Sources, Evidence, Target], Iterator[Remark]]
OfStudy = Callable[[Sources, Evidence], Iterator[Remark]]


def remarks(sources: Sources, evidence: Evidence) -> Remarks:
    """All remarks, heaviest first; of equal weight in the order of the checks, within a check of the outcomes."""
    found = list(copies(sources, evidence))
    for kinds, check in OF_TARGETS:
        for target in sources.targets:
            if target.binary in kinds:
                of = target.name if sources.several else ""
                found += [replace(remark, of=of) for remark in check(sources, evidence, target)]
    for of_study in OF_STUDY:
        found += of_study(sources, evidence)
    return Remarks(tuple(sorted(found, key=lambda remark: -remark.weight)))


# of one outcome -------------------------------------------------------------------------------------------------------


def _same_biopsy(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    headline = evidence.headline(target)
    model = headline.model if headline else Model.CLINICAL
    used = clinical_variables(sources, model, target)
    late = [name for name in used if str(sources.columns[name].get("available")) in LATE]
    if not late:
        return
    together = [name for name in late if name in SAME_BIOPSY.get(target.name, ())]
    named = ", ".join(sources.title_of(name) for name in together or late)
    says = "A predictor is known only after the time at which the prediction would help."
    shown = f"{model} uses {named}."
    if together:
        says = "A predictor is measured on the same biopsy as the outcome."
        shown += f" Who has these values can have {target.name} from the same tissue."
    before = [v for v in evidence.variants(target.name, model) if "biopsy" in v]
    value = evidence.get(target.name, model, "test", LEADING[target.kind], before[0]) if before else None
    if value is not None and target.binary:
        shown += f" With what is known before biopsy the test AUC is {cell(value)}."
    answer = "Lead with the model of what is known before biopsy."
    yield Remark(3, says, shown, answer, "cohort.columns.NAME.available; combine.variables")


def _few_events(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    headline = evidence.headline(target)
    test = evidence.get(target.name, headline.model, "test", "auc") if headline else None
    if test is None or headline is None:
        return
    events = min(test.n_positive, test.n - test.n_positive)
    if events < FEW_EVENTS:
        nested = evidence.get(target.name, headline.model, "nested", "auc")
        width = test.upper - test.lower
        yield Remark(
            2 if nested is not None else 3, f"The test side has only {events} patients of the rarer class.",
            f"The interval of its AUC is {width:.2f} wide; another split would give another answer.",
            "The repeated nested value stands beside it." if nested is not None
            else "Report the repeated nested value, in which every patient is test once.",
            "learn.protocols: [paper, crossfit, nested]"
            + (", combine.inner: true" if headline.model == Model.COMBINED else ""),
        )  # fmt: skip


def _too_many_parameters(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    size = sources.of(SAMPLE_SIZE, target)
    if size is None or primary_set(sources, target) is None:
        return
    bounds = size.loc[size["quantity"] == "riley_maximum_parameters", "value"].dropna()
    used = clinical_variables(sources, Model.COMBINED, target)
    if len(bounds) and len(used) + 1 > bounds.iloc[0]:
        allowed = theme.format_number(float(bounds.iloc[0]), 2)
        yield Remark(
            2, "The Combined model has more parameters than the patients carry.",
            f"{len(used) + 1} parameters; Riley's criterion allows {allowed}.",
            "Name fewer variables beforehand, or lead with the signature alone.",
            "combine.variables; combine.maximum_parameters",
        )  # fmt: skip


def _another_signature(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    chosen = primary_set(sources, target)
    signature = None if chosen is None else image_signature(sources, chosen)
    named = str(sources.settings.combine.signature)
    if signature is not None and named not in ("auto", signature):
        yield Remark(
            2, "The Combined model holds another image signature than was named beforehand.",
            f"{named} was named and was not fitted; {signature} stands in its place.",
            "Say so, or name the signature that the study has.", "combine.signature",
        )  # fmt: skip


def _stacked(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    for model in evidence.models(target.name):
        if evidence.stacked(target.name, model, "out-of-fold"):
            yield Remark(
                2, f"The {model} model's out-of-fold value is stacked and optimistic.",
                "Its signatures come from models that saw the held-out labels; on pure noise this way gives .54.",
                "Lead with the nested or the test value; print this one as optimistic.", "combine.inner: true",
            )  # fmt: skip


def _no_baseline(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    models = evidence.models(target.name)
    if models and Model.CLINICAL not in models:
        yield Remark(
            2, "Nothing shows that images add to what is known without them.",
            f"There is no Clinical model. {sources.why(UNIVARIABLE)}",
            "Give the clinical columns.", "cohort.clinical: auto",
        )  # fmt: skip


def _no_gain(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    row = primary_comparison(sources, target)
    if row is not None and row["p"] >= 0.05:
        difference = theme.format_estimate(row["difference"], row["lower"], row["upper"])
        yield Remark(
            2, f"{row['model_a']} is not shown to be better than {row['model_b']}.",
            f"Difference in test AUC {difference}, p {theme.format_p(row['p'])}.",
            "Say so; give the interval, and the net benefit beside it.", "evaluate.primary",
        )  # fmt: skip


def _no_better_than_the_median(sources: Sources, evidence: Evidence, target: Target) -> Iterator[Remark]:
    headline = evidence.headline(target)
    gain = evidence.get(target.name, headline.model, headline.role, "mae_gain") if headline else None
    if headline is not None and gain is not None and not gain.lower > 0:
        yield Remark(
            3, f"{headline.model} is not shown to be better than the median of the training patients.",
            f"Gain in mean absolute error {with_interval(gain, 1)} percentage points ({headline.role}).",
            "Say so; a prediction of the median needs no image.", "",
        )  # fmt: skip


# of the study ---------------------------------------------------------------------------------------------------------


def _looks(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    looks = sources.table(LOOKS)
    if looks is not None and len(looks) > 1:
        yield Remark(
            2 if len(looks) > 3 else 1, f"The test side was looked at {len(looks)} times.",
            "Each look under changed settings is a chance to choose by the test result.",
            "State the number; settle the settings by out-of-fold values, then look once.", "",
        )  # fmt: skip


def _super_resolution(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    """Of a network that adds detail to every image, and of any method in whose images a check found hallucinations."""
    judged = found(sources) if enhanced(sources) else None
    method = sources.settings.superres.method
    hallucinated = judged is not None and judged.word == HALLUCINATION
    if not enhanced(sources) or not (method in INVENTIVE or hallucinated):
        return
    said = [line for target in sources.targets for line in said_of(differences(sources, target), target)]
    shown = [*([judged.sentence] if judged is not None else ["No check was made."]), *said, generator_saw(sources)]
    yield Remark(
        3 if hallucinated else 2, "The images were made sharper by a network before anything was measured.",
        f"Enlarged by {method_words(sources)}. {' '.join(filter(None, shown))}",
        "Lead with images as they are, or with bicubic ones; print the checks.", "superres.method: none",
    )  # fmt: skip


def _noise(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    dictionary = sources.table(DICTIONARY)
    noisy = 0 if dictionary is None else noisy_features(dictionary)
    if dictionary is not None and noisy:
        yield Remark(
            2, "Some features are rounding noise.",
            f"{noisy:,} of {len(dictionary):,} features come from filters across the only slice of a still.",
            "Use the profile made for stills.", "radiomics.profile: ultrasound2d",
        )  # fmt: skip


def _no_external(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    for target in sources.targets:
        for model in evidence.models(target.name):
            if any(evidence.get(target.name, model, role, LEADING[target.kind]) for role in ELSEWHERE):
                return
    yield Remark(
        2, "There is no external validation.", "All patients come from the same source and were split at random.",
        "Set another centre aside, or say that validation is internal.", "cohort.external: [VALUE]",
    )  # fmt: skip


def _one_reader(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    if sources.table(AGREEMENT) is not None or not sources.gives(AGREEMENT):
        return
    tested = "Stability was tested by seeded changes of the outline."
    yield Remark(
        1, "Only one reader outlined the lesions.",
        "Stability was not assessed." if sources.table(STABILITY) is None else tested,
        "Have a second reader outline a share of the cases.", "columns mask_reader1, mask_reader2",
    )  # fmt: skip


def _no_spacing(sources: Sources, evidence: Evidence) -> Iterator[Remark]:
    notes = sources.table(NOTES)
    if notes is None or not notes["what"].str.contains("pixels", case=False).any():
        return
    if sources.settings.cohort.pixel_spacing_mm is None:
        yield Remark(
            1, "Sizes are in pixels, not millimetres.", "The files do not say their spacing.",
            "Give the spacing, or keep shape features out of the interpretation.", "cohort.pixel_spacing_mm",
        )  # fmt: skip


BINARY, IN_PER_CENT, ANY = (True,), (False,), (True, False)  # Target.binary
OF_TARGETS: tuple[tuple[tuple[bool, ...], OfTarget], ...] = (
    (BINARY, confounded), (BINARY, implausible), (ANY, _same_biopsy), (BINARY, _few_events),
    (BINARY, _too_many_parameters),
    (ANY, _no_baseline), (BINARY, _no_gain), (IN_PER_CENT, _no_better_than_the_median), (BINARY, _another_signature),
    (BINARY, miscalibrated), (IN_PER_CENT, biased), (BINARY, _stacked), (BINARY, gap), (BINARY, shrunken_spread),
    (ANY, unstable_selection), (ANY, unknown_by_cohort),
)  # fmt: skip
OF_STUDY: tuple[OfStudy, ...] = (
    below_the_frozen,
    pooled_alone,
    cross_validated_elsewhere,
    smaller_than_published,
    _super_resolution,
    _noise,
    _no_external,
    _looks,
    _one_reader,
    _no_spacing,
)
