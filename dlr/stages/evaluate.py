"""Stage evaluate: every measure of every signature, on the side where it is valid; it reads predictions only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr import stats
from dlr.engine import Run, stage
from dlr.randomness import rng
from dlr.stages.comparisons import comparison_table
from dlr.stages.measures import Signature, cut_off_of, measures, signatures_of
from dlr.stages.tables import CohortTables, read_cohort
from dlr.words import CHOSEN, METRIC_COLUMNS, CutOff, Model, Protocol, Role, Side, signature

__all__ = ["evaluate"]

SOURCES = ("clinical", "radiomics_model", "deep", "fusion_model", "combine")
SMALLEST_SUBSET = 5  # patients a class that a cohort's own row needs


@stage(
    "evaluate",
    version=1,
    needs=["cohort"],
    optional=list(SOURCES),
    sections=["evaluate"],
    libraries=["numpy", "scipy"],
    publish=["metrics.csv", "comparisons.csv"],
)
def evaluate(run: Run) -> None:
    """AUC, calibration, net benefit and all else with intervals; comparisons; curves; the look count."""
    tables = read_cohort(run.needs.cohort)
    labels = {target: tables.labels(target) for target in tables.targets}
    predictions = read_predictions(run)
    if predictions.empty:
        run.leave_out("there is no signature to evaluate: neither radiomics nor clinical columns gave one")
    everything = signatures_of(signature(predictions), predictions, labels)
    settings = run.settings.evaluate
    cutoffs = {_line(one): cut_off_of(one) for one in everything if one.side == Side.TRAIN and _usable(one)}
    write_metrics(run, tables, everything, cutoffs)
    write_cutoffs(run, cutoffs)
    main = [one for one in everything if one.algorithm == CHOSEN and not one.variant]
    comparison_table(main, settings.primary, run.seed, settings.bootstrap).to_csv(
        run.folder / "comparisons.csv", index=False
    )
    chosen = [one for one in everything if one.algorithm == CHOSEN and one.two_classes]
    write_curves(run, chosen)
    write_histogram(run, chosen, cutoffs)
    write_optimism_gap(run)
    write_splits(run)
    if settings.reclassification:
        write_reclassification(run, main)
    seen = sum(len(one.patients) for one in main[:1] if one.side != Side.TRAIN)
    looks = run.look(patients=max([len(one.patients) for one in main if one.side == Side.TEST], default=seen))
    pd.DataFrame([vars(look) for look in looks]).to_csv(run.folder / "looks.csv", index=False)


def read_predictions(run: Run) -> pd.DataFrame:
    """The prediction rows of every model that is there, in the order of the models."""
    found = []
    for name in SOURCES:
        folder: Path | None = getattr(run.needs, name, None)
        if folder is not None and (folder / "predictions.parquet").exists():
            found.append(pd.read_parquet(folder / "predictions.parquet"))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _line(one: Signature) -> tuple[str, str, str, str]:
    return (one.target, one.model, one.variant, one.protocol)


def _usable(one: Signature) -> bool:
    return one.algorithm == CHOSEN and one.two_classes


def write_metrics(run: Run, tables: CohortTables, signatures: list[Signature], cutoffs: dict[tuple, CutOff]) -> None:
    """metrics.csv: whole sides, and each value of column `cohort` where it has enough patients of both classes."""
    settings = run.settings.evaluate
    cohorts = tables.patients["cohort"].dropna() if "cohort" in tables.patients else pd.Series(dtype=object)
    rows = []
    for one in signatures:
        found = cutoffs.get(_line(one))
        cutoff = found.value if found else float("nan")
        rows += measures(one, cutoff, run.seed, settings.bootstrap)
        if one.algorithm != CHOSEN or cohorts.nunique() < 2:
            continue
        for name in sorted(cohorts.unique()):
            part = one.of(set(cohorts.index[cohorts == name]), f"cohort={name}")
            if SMALLEST_SUBSET <= part.positive.sum() <= len(part.positive) - SMALLEST_SUBSET:
                rows += measures(part, cutoff, run.seed, settings.bootstrap)
    pd.DataFrame(rows, columns=list(METRIC_COLUMNS)).to_csv(run.folder / "metrics.csv", index=False)


def write_cutoffs(run: Run, cutoffs: dict[tuple, CutOff]) -> None:
    """cutoffs.csv: one a signature, from training patients only."""
    names = ["target", "model", "variant", "protocol", "cutoff", "rule", "n"]
    rows = [(*line, found.value, found.rule, found.n) for line, found in cutoffs.items()]
    pd.DataFrame(rows, columns=names).to_csv(run.folder / "cutoffs.csv", index=False)


def write_curves(run: Run, signatures: list[Signature]) -> None:
    """The tables behind the curves: ROC and PR everywhere, calibration and decision curves where they are valid."""
    settings = run.settings.evaluate
    parts: dict[str, list[pd.DataFrame]] = {"roc": [], "pr": [], "calibration": [], "decision": []}
    for one in signatures:
        names = one.names | {"role": one.role}
        parts["roc"].append(stats.roc_curve(one.positive, one.probability).assign(**names))
        parts["pr"].append(stats.pr_curve(one.positive, one.probability).assign(**names))
        if one.role == Role.APPARENT:
            continue
        groups = stats.calibration_groups(one.positive, one.probability)
        parts["calibration"].append(groups.assign(kind="group", **one.names))
        if min(one.positive.sum(), (~one.positive).sum()) >= 100:
            curve = stats.flexible_curve(one.positive, one.probability)
            parts["calibration"].append(curve.assign(kind="curve", n=len(one.patients), **one.names))
        parts["decision"].append(
            stats.decision_curve(
                one.positive,
                one.probability,
                target_prevalence=settings.target_prevalence,
                band=settings.decision_band,
                generator=rng(run.seed, "bootstrap", *one.names.values(), "decision"),
            ).assign(**one.names)
        )
    for name, tables in parts.items():
        if tables:
            table = pd.concat(tables, ignore_index=True)
            first = [c for c in ("target", "model", "variant", "protocol", "side", "role") if c in table]
            table[[*first, *table.columns.difference(first, sort=False)]].to_csv(
                run.folder / f"{name}.csv", index=False
            )


def write_histogram(run: Run, signatures: list[Signature], cutoffs: dict[tuple, CutOff]) -> None:
    """Each patient's probability with truth and cut-off: the sample prediction histogram."""
    tables = []
    for one in signatures:
        table = pd.DataFrame(
            {"patient_id": one.patients, "probability": one.probability, "positive": one.positive.astype(int)}
        ).assign(**one.names, role=one.role, cutoff=cutoffs[_line(one)].value if _line(one) in cutoffs else np.nan)
        tables.append(table)
    if tables:
        names = ["target", "model", "variant", "protocol", "side", "role"]
        columns = [*names, "patient_id", "probability", "positive", "cutoff"]
        pd.concat(tables, ignore_index=True)[columns].to_csv(run.folder / "histogram.csv", index=False)


def write_optimism_gap(run: Run) -> None:
    """Published protocol against cross-fitting, model by model: the gap is the optimism of the published way."""
    metrics = pd.read_csv(run.folder / "metrics.csv", keep_default_na=False, na_values=[""], dtype={"variant": str})
    metrics["variant"] = metrics["variant"].fillna("")
    metrics = metrics[(metrics["algorithm"] == CHOSEN) & (metrics["subset"] == "all")]
    rows = []
    for (target, model, variant), table in metrics.groupby(["target", "model", "variant"], sort=False):
        for metric in ("auc", "brier", "calibration_slope"):
            value = table[table["metric"] == metric].set_index(["protocol", "side"])["value"]

            def at(protocol: str, side: str, value: pd.Series = value) -> float:
                return float(value.get((protocol, side), np.nan))

            paper = at(Protocol.PAPER, Side.TRAIN)
            honest = at(Protocol.CROSSFIT, Side.TRAIN)
            rows.append(
                {
                    "target": target,
                    "model": model,
                    "variant": variant,
                    "metric": metric,
                    "paper_train": paper,
                    "paper_test": at(Protocol.PAPER, Side.TEST),
                    "crossfit_out_of_fold": honest,
                    "crossfit_test": at(Protocol.CROSSFIT, Side.TEST),
                    "gap": paper - honest,
                }
            )
    pd.DataFrame(rows).to_csv(run.folder / "optimism_gap.csv", index=False)


def write_splits(run: Run) -> None:
    """The honest AUC of cheap models over many random splits, gathered from the stages that made them."""
    found = [
        pd.read_csv(folder / "splits.csv")
        for name in ("clinical", "radiomics_model")
        if (folder := getattr(run.needs, name, None)) is not None and (folder / "splits.csv").exists()
    ]
    if found:
        pd.concat(found, ignore_index=True).to_csv(run.folder / "splits.csv", index=False)


def write_reclassification(run: Run, signatures: list[Signature]) -> None:
    """NRI and IDI of Combined over each other model on held-out sides; off by default, with their caution."""
    rows = []
    for new in (one for one in signatures if one.model == Model.COMBINED and one.role == Role.HELD_OUT):
        for old in signatures:
            if old.model == new.model or _line(old)[0::3] != _line(new)[0::3] or old.side != new.side:
                continue
            shared = set(old.patients) & set(new.patients)
            before, after = old.of(shared, "all"), new.of(shared, "all")
            if not after.two_classes or before.patients != after.patients:
                continue
            found = {
                "nri": stats.nri(after.positive, before.probability, after.probability).total,
                "idi": stats.idi(after.positive, before.probability, after.probability),
            }
            for measure, test in found.items():
                row: dict[str, Any] = after.names | {"model_old": old.model, "measure": measure}
                row |= {"value": test.difference, "lower": test.lower, "upper": test.upper, "p": test.p}
                caution = "rises for useless markers in miscalibrated models; read the AUC and net benefit first"
                rows.append(row | {"caution": caution})
    pd.DataFrame(rows).to_csv(run.folder / "nri_idi.csv", index=False)
