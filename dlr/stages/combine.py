"""Stage combine: clinical variables and one image signature in one logistic model, every admissible set."""

from __future__ import annotations

import pandas as pd

from dlr.engine import Run, stage
from dlr.errors import InputError
from dlr.study.application import NEW, Application
from dlr.study.cohort import BEFORE_BIOPSY, CohortTables, read_cohort
from dlr.study.combined import (
    SavedSet,
    candidate_sets,
    chosen_signatures,
    combined_frame,
    combined_variants,
    read_sets,
    why_no_set,
    write_inputs,
    write_sets,
)
from dlr.study.combining import Combining, combined_rows, whole_part
from dlr.tables import COMBINED_INPUTS, COMBINED_TERMS, OPTIMISM, PREDICTIONS
from dlr.words import MODELS, Protocol, Target

__all__ = ["combine"]

PROTOCOLS = (Protocol.PAPER, Protocol.CROSSFIT)


def apply_combine(given: Application) -> None:
    """The Combined model of every primary set, and the values that the sets take (for the nomograms)."""
    signatures = chosen_signatures([given.made.of(PREDICTIONS)])
    inputs: dict[tuple[str, str, str], pd.DataFrame] = {}
    for saved in read_sets(given.home):
        frame = combined_frame(given.patients.tables, signatures, saved.target, saved.protocol, saved.variant)
        inputs[saved.target, saved.protocol, saved.variant] = frame
        complete = saved.complete(frame)
        if saved.primary and saved.model.fit is not None and len(complete):
            value = pd.Series(saved.model.predict(complete), complete.index)
            given.made.give(PREDICTIONS, combined_rows(saved, whole_part(saved, (), value.index), value, NEW))
    for (target, protocol, variant), frame in inputs.items():
        table = frame.rename_axis("patient_id").reset_index()
        given.made.give(COMBINED_INPUTS, table.assign(target=target, protocol=protocol, variant=variant))


def why_not(run: Run, target: Target) -> str:
    """Why a target can have no Combined model in this study, "" where it can."""
    if not target.binary:
        return "the Combined model is logistic, and this target is in per cent"
    if not set(PROTOCOLS) & set(run.settings.learn.protocols):
        return "the Combined model is fitted under paper or crossfit, and learn.protocols names neither"
    return ""


def named_variables(run: Run, tables: CohortTables) -> None:
    """Name every variable of the settings that cannot enter, and refuse an image signature that is no model."""
    known, targets = {column.name for column in tables.columns}, {target.name for target in tables.targets}
    for name in run.settings.combine.variables or ():
        if name not in known:
            why = "it is a target of this study" if name in targets else "the study has no such clinical column"
            run.warn(f"combine.variables: {name} cannot enter the Combined model: {why}")
    models = [spec.name for spec in (*MODELS, *run.models) if spec.of_images]
    named = run.settings.combine.signature
    if named not in ("auto", *models):
        mend = f"name auto, or one of {', '.join(models)}"
        raise InputError("combine.signature", f"{named!r} is no model of images", mend)


@stage(
    "combine",
    version=5,
    needs=["cohort"],
    asks=[PREDICTIONS],
    sections=["combine", "learn.protocols", "clinical.splines"],
    libraries=["numpy", "scipy"],
    gives=[PREDICTIONS, COMBINED_INPUTS, COMBINED_TERMS, OPTIMISM],
    apply=apply_combine,
)
def combine(run: Run) -> None:
    """Clinical variables and a signature in one logistic model, bounded by Riley's criterion."""
    tables = read_cohort(run.needs.cohort)
    signatures = chosen_signatures([PREDICTIONS.read(folder) for folder in run.every(PREDICTIONS)])
    named_variables(run, tables)
    sets: list[SavedSet] = []
    inputs, predictions, optimism = [], [], []
    reasons = [f"{target.name}: {reason}" for target in tables.targets if (reason := why_not(run, target))]
    if signatures.empty and tables.binary_targets:
        reasons.append("there is no signature to combine")
    for case in _cases(run, tables, signatures):
        candidates = candidate_sets(run, tables, case.frame, case.variant == BEFORE_BIOPSY)
        if not candidates:
            reasons.append(why_no_set(run, case.frame, case.target.name))
            continue
        saved = [case.fit_set(run, candidate, primary=number == 0) for number, candidate in enumerate(candidates)]
        sets += saved
        inputs.append((saved[0], case.frame))
        if saved[0].model.fit is None:
            reasons.append(f"{case.target.name}: {saved[0].model.reason}")
            continue
        predictions += case.predictions(saved[0])
        if case.protocol == Protocol.CROSSFIT and run.settings.combine.bootstrap:
            optimism.append(case.optimism(saved[0], run.seed))
    reasons = list(dict.fromkeys(reasons))
    if not sets:
        run.leave_out("; ".join(reasons))
    for reason in reasons:
        run.warn(reason)
    write_sets(run.folder, sets, reasons)
    write_inputs(run.folder, inputs)
    terms = [s.model.terms().rename(columns={"variant": "model"}).assign(**s.line) for s in sets]
    COMBINED_TERMS.write(run.folder, pd.concat(terms, ignore_index=True))
    if predictions:
        PREDICTIONS.write(run.folder, pd.concat(predictions, ignore_index=True))
    if optimism:
        OPTIMISM.write(run.folder, pd.concat(optimism, ignore_index=True))


def _cases(run: Run, tables: CohortTables, signatures: pd.DataFrame) -> list[Combining]:
    """Binary targets by protocol by variant."""
    protocols = [p for p in run.settings.learn.protocols if p in PROTOCOLS and len(signatures)]
    return [
        Combining(
            target, str(protocol), variant,
            combined_frame(tables, signatures, target.name, protocol, variant), tables.labels(target),
            tables.sides, tables.folds, run.settings.combine, run.settings.clinical.splines,
        )
        for target in tables.binary_targets for protocol in protocols for variant in combined_variants(tables)
    ]  # fmt: skip
