"""Whether Spatial finds a signal where it is, and misses it where the input is zero: the ablation on planted signals.

    python benchmarks/bench_regions.py --out FOLDER [--signals peritumoral rim core all none] [--seeds 1 2 3 4]
                                       [--patients 200] [--rows core_only core_pooled ...] [--jobs 2] [--set KEY=VALUE]

The built-in cohort of DCE-MRI at other seeds, with scanners alike in their label rates, and its signal in one region,
in all or in none; cross-fitted once with the settings of the demo through the stages cohort, volumes, receptors and
evaluate. Core carries ER, rim PR, peritumoral tissue HER2; Ki-67 is in core and rim. Beside the networks stands a ridge
on the mean and SD of the grey in every region (row "means"): a phantom is fit for claims about networks where that
comes at least half of the way from .5 to the bound. Prints the rows of every seed as they come and the mean over seeds
at the end. What is in FOLDER already is not computed again. Not a test.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_args

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import SimpleITK as sitk

from dlr.deep.head import fit_head
from dlr.engine import Pipeline, Screen, read_yaml, resolve, run_pipeline
from dlr.phantom import KI67, MARKERS, DcePhantomSettings, RegionSignal, make_volume_cohort
from dlr.protocols import folds_by_pattern
from dlr.randomness import rng, seed_of
from dlr.settings import DceStudySettings
from dlr.stages.cohort import cohort
from dlr.stages.evaluate import evaluate
from dlr.stages.receptors import receptors
from dlr.stages.volumes import volumes
from dlr.stats.multilabel import LabelRows, macro_auc
from dlr.tables import ABLATION, METRICS
from dlr.volume.cut import cut_volume
from dlr.volume.regions import region_masks
from dlr.volume.settings import AblationRow

DEMO = "receptors_dcemri_demo.yaml"
CARRIED = {"core": "er", "rim": "pr", "peritumoral": "her2"}  # what a region's signal tells of
ROWS = ["core_only", "core_pooled", "without_core", "without_rim", "without_peritumoral"]
STUDY = Pipeline("receptors_dcemri", [cohort, volumes, receptors, evaluate], DceStudySettings)


def studied(signal: str, seed: int, given: argparse.Namespace) -> tuple[Path, Path, DceStudySettings]:
    """A cohort, the output of its stage evaluate, and the settings."""
    strength = {"all": 1.0, "none": 0.0}.get(signal, RegionSignal(**{signal: 1.0}) if signal in CARRIED else 0.0)
    home = given.out / f"{signal}-{seed}"
    phantom = DcePhantomSettings(patients=given.patients, seed=seed, signal=strength, confounding=0.0)
    manifest = make_volume_cohort(home, phantom)
    text = (resources.files("dlr.params") / DEMO).read_text(encoding="utf-8")
    sets = [f"seed={seed}", f"receptors.ablation=[{', '.join(given.rows)}]", *given.sets]
    settings = resolve(DceStudySettings, read_yaml(text, DEMO), sets, source=DEMO, folders=[])
    result = run_pipeline(STUDY, home / "study", manifest, settings, jobs=given.jobs, screen=Screen(quiet=True))
    return home, result.folders["evaluate"], settings


def means_of(signal: str, seed: int, home: Path, settings: DceStudySettings) -> dict[str, Any]:
    """Cross-fitted AUC of a ridge on mean and SD of the grey in every region, of what the signal tells of."""
    table = pd.read_csv(home / "data_manifest.csv")
    values = []
    for image, mask in zip(table["image"], table["mask"], strict=True):
        read = [sitk.ReadImage(str(home / name)) for name in (image, mask)]
        grey, roi = (sitk.GetArrayFromImage(one) for one in read)
        x, y, z = read[0].GetSpacing()
        cut = cut_volume(grey, roi, (z, y, x), settings.volume)
        regions = region_masks(np.asarray(cut.distance), cut.deepest, settings.receptors.regions).values()
        values.append([measure(cut.grey[region]) for region in regions for measure in (np.mean, np.std)])
    features, names, rows = np.array(values), table["patient_id"].to_numpy(), []
    fold = folds_by_pattern(table[list(MARKERS)].to_numpy(), None, settings.learn.folds, rng(seed, "folds"))
    for marker in told_of(signal):
        truth, logit = table[marker].to_numpy(), np.full(len(table), np.nan)
        known = np.isfinite(truth)
        for number in np.unique(fold):
            taught = known & (fold != number)
            head = fit_head(features[taught], truth[taught] == 1, names[taught], seed_of(seed, "head", int(number)))
            logit[fold == number] = head.logit(features[fold == number])
        rows.append(LabelRows(marker, truth[known] == 1, logit[known], names[known], fold[known]))
    found = macro_auc(rows)
    target = CARRIED.get(signal, "macro")
    own = {"AUC": found.value, "lower": found.lower, "upper": found.upper}
    return {"signal": signal, "seed": seed, "target": target, "row": "means", **own, "bound": bounds(home)[target]}


def told_of(signal: str) -> list[str]:
    return [CARRIED[signal]] if signal in CARRIED else list(MARKERS)


def bounds(home: Path, row: str = "full") -> dict[str, float]:
    """AUCs that can be reached from what a row of the ablation sees; of the trap none is given."""
    about = json.loads((home / "truth.json").read_text(encoding="utf-8"))
    if row.startswith("core_"):
        return dict(about["reachable_auc_of"]["core"]) if row == "core_only" else {}
    return dict(about["reachable_auc_without"].get(row.removeprefix("without_"), about["reachable_auc"]))


def rows_of(signal: str, seed: int, home: Path, evaluated: Path) -> Iterator[dict[str, Any]]:
    """The ablation's rows with the bound beside, of the targets that the signal tells of."""
    found = ABLATION.read(evaluated)
    targets = [*told_of(signal), "macro"] if signal not in CARRIED else told_of(signal)
    for row in found[found["target"].isin(targets)].to_dict("records"):
        reachable = bounds(home, row["row"])
        yield {
            "signal": signal, "seed": seed, "target": row["target"], "row": row["row"], "AUC": row["value"],
            "lower": row["lower"], "upper": row["upper"], "bound": reachable.get(row["target"]),
            "- full": row["difference"], "from": row["difference_lower"], "to": row["difference_upper"],
        }  # fmt: skip


def ki67_of(signal: str, seed: int, home: Path, evaluated: Path) -> dict[str, Any]:
    """Error of the whole network in Ki-67 against the training median's, and the error that cannot be avoided."""
    about = json.loads((home / "truth.json").read_text(encoding="utf-8"))
    metrics = METRICS.read(evaluated)
    kept = (metrics["target"] == KI67) & (metrics["variant"] == "") & (metrics["subset"] == "all")
    own = metrics[kept & (metrics["model"] == "Spatial")].set_index("metric")
    gain, floor = own.loc["mae_gain"], about["ki67"]["mean_absolute_error"]["images"]
    return {
        "signal": signal, "seed": seed, "MAE": own.loc["mae", "value"], "median's": own.loc["baseline_mae", "value"],
        "gain": gain["value"], "lower": gain["lower"], "upper": gain["upper"], "floor": floor,
        "above floor": own.loc["mae", "value"] / floor - 1, "Spearman": own.loc["spearman", "value"],
    }  # fmt: skip


def shown(table: pd.DataFrame) -> str:
    return table.round(3).to_string(index=False, na_rep="-")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="cohorts and studies are kept here")
    parser.add_argument("--signals", nargs="+", default=list(CARRIED), choices=[*CARRIED, "all", "none"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4], help="of the phantom")
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--rows", nargs="*", default=ROWS, choices=get_args(AblationRow))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="sets", metavar="KEY=VALUE")
    given = parser.parse_args(arguments)
    rows, per_cents = [], []
    for signal in given.signals:
        for seed in given.seeds:
            home, evaluated, settings = studied(signal, seed, given)
            found = [means_of(signal, seed, home, settings), *rows_of(signal, seed, home, evaluated)]
            rows += found
            per_cents.append(ki67_of(signal, seed, home, evaluated))
            print(shown(pd.DataFrame(found)), shown(pd.DataFrame(per_cents[-1:])), sep="\n", end="\n\n", flush=True)
    table = pd.DataFrame(rows)
    by = table.groupby(["signal", "target", "row"], sort=False)
    over_seeds = by.agg(mean=("AUC", "mean"), least=("AUC", "min"), most=("AUC", "max"), bound=("bound", "mean"))
    over_seeds["- full"] = by["- full"].mean()
    over_seeds["intervals below 0"] = by["to"].agg(lambda upper: int((upper < 0).sum()))
    print(over_seeds.round(3).to_string(na_rep="-"), shown(pd.DataFrame(per_cents)), sep="\n\n")


if __name__ == "__main__":
    sys.exit(main())
