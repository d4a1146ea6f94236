# ruff: noqa: E501  (rows of made-up tables stand on one line each)
"""A made-up run of three receptors from volumes: six models, two hospitals, labels missing in one of them."""

from __future__ import annotations

import copy
import json
import shutil
from itertools import combinations
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit

from dlr.randomness import rng
from dlr.report import About, Sources
from dlr.settings import ReceptorStudySettings, StudySettings
from dlr.tables import (
    ALGORITHMS,
    ATTENTION,
    ATTENTION_COMPARED,
    CASES,
    CHOICES,
    COHORT,
    COMPARISONS,
    CURVES,
    DICTIONARY,
    EXAMPLES,
    EXAMPLES_IN_PLANES,
    FAMILIES,
    FEATURES,
    FLOW,
    HISTOGRAM,
    LOOKS,
    METRICS,
    MISSING,
    OPTIMISM_GAP,
    PREDICTIONS,
    ROC,
    SAMPLE_SIZE,
    SEGMENTATION,
    SELECTION,
    TABLE1_OUTCOME,
    TABLE1_SIDE,
    TSNE,
    UNIVARIABLE,
    VOLUMES,
    Table,
)

TARGETS = ("er", "pr", "her2")
MODELS = ("Clinical", "Rad", "DL", "Rad+DL", "SingleTask", "MultiTask")
SHIFT = {"Clinical": 0.1, "Rad": 0.6, "DL": 0.8, "Rad+DL": 0.9, "SingleTask": 0.2, "MultiTask": 0.3}
GIVES: dict[str, tuple[Table, ...]] = {
    "cohort": (COHORT, FLOW, CASES),
    "volumes": (VOLUMES,),
    "radiomics": (FEATURES, MISSING, DICTIONARY, FAMILIES),
    "clinical": (TABLE1_SIDE, TABLE1_OUTCOME, UNIVARIABLE, SAMPLE_SIZE),
    "radiomics_model": (PREDICTIONS, SELECTION, ALGORITHMS),
    "deep": (PREDICTIONS, CHOICES, ALGORITHMS, CURVES),
    "receptors": (PREDICTIONS, SEGMENTATION, CURVES),
    "attention": (ATTENTION, ATTENTION_COMPARED, EXAMPLES, EXAMPLES_IN_PLANES),
    "embedding": (TSNE,),
    "evaluate": (METRICS, COMPARISONS, ROC, HISTOGRAM, OPTIMISM_GAP, LOOKS),
}
ROLES = (
    ("crossfit", "train", "out-of-fold"),
    ("crossfit", "test", "held-out"),
    ("leave_one_cohort_out", "test", "out-of-fold"),
)


STUDY_SIZE = (
    ("patients", 90.0), ("events", 40.0), ("candidate_parameters", 5.0), ("riley_minimum_n", 400.0),
    ("riley_maximum_parameters", 1.8),
)  # fmt: skip


class FakeVolumes:
    """Writes the stages' folders under `folder`. `shift`: how far each model's logit moves with a label."""

    pipeline = "receptors_ultrasound3d"
    models: tuple[str, ...] = MODELS
    networks_of_volumes: tuple[str, ...] = ("SingleTask", "MultiTask")
    shifts = SHIFT
    roles = ROLES
    gives_of = GIVES
    own: type[ReceptorStudySettings] = ReceptorStudySettings

    def __init__(self, folder: Path, shift: dict[str, float] | None = None, seed: int = 3, patients: int = 140) -> None:
        self.folder, self.seed, self.n, self.shift = folder, seed, patients, shift or self.shifts
        self.folders: dict[str, Path | None] = {}
        self.gives = dict(self.gives_of)
        self.further = {
            "volume": self.own().volume.model_dump(mode="json"),
            "receptors": self.own().receptors.model_copy(update={"depth": 10, "width": 8}).model_dump(mode="json"),
        }
        random = rng(seed, "patients")
        self.ids = [f"V{k:03d}" for k in range(patients)]
        self.side = np.where(np.arange(patients) % 10 < 7, "train", "test")
        self.cohort = np.where(random.random(patients) < 0.6, "Duke & <b>Sons</b>", "ISPY")
        self.labels = pd.DataFrame(
            {
                name: (random.random(patients) < p).astype(float)
                for name, p in zip(TARGETS, (0.7, 0.6, 0.35), strict=True)
            },
            index=self.ids,
        )
        self.labels.loc[self.cohort == "ISPY", "pr"] = np.nan
        self.scanner = self.cohort == "ISPY"

    def stage(self, name: str) -> Path:
        self.folders[name] = self.folder / name
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        return self.folder / name

    def copied_to(self, folder: Path) -> Self:
        """The same run in another folder, for tests that change a table."""
        other = copy.copy(self)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other.folder, other.further = folder, dict(self.further)
        other.folders = {name: None if path is None else folder / path.name for name, path in self.folders.items()}
        return other

    def sources(self) -> Sources:
        """What a report may read of the run, as stage report makes it."""
        own = self.own()
        sections = {
            name: getattr(own, name)
            for name in StudySettings.model_fields
            if name in self.own.model_fields and name != "seed"
        }
        lacks = tuple(name for name in StudySettings.model_fields if name not in self.own.model_fields)
        about = About(
            "volumes",
            self.pipeline,
            "0.2.0",
            1,
            run_folder="runs/volumes",
            further=self.further,
            lacks=lacks,
        )
        return Sources(self.folders, {}, StudySettings(**sections), about, self.gives)

    def write_all(self) -> FakeVolumes:
        self.who()
        self.networks()
        self.attention()
        self.evaluate()
        return self

    def who(self) -> None:
        out = self.stage("cohort")
        COHORT.write(out, pd.DataFrame({
            "patient_id": self.ids, "case_id": self.ids, "image": "v.nii.gz", "mask": "m.nii.gz", "mask_label": "any", "mask_reader1": "", "mask_reader2": "",
            "side": self.side, "cohort": self.cohort, "excluded": "", **{name: self.labels[name].to_numpy() for name in TARGETS},
        }))  # fmt: skip
        targets = [{"name": name, "kind": "binary", "derived_from": []} for name in TARGETS]
        (out / "columns.json").write_text(json.dumps({"targets": targets, "columns": [], "kind": "volume"}))
        FLOW.write(
            out,
            pd.DataFrame(
                [
                    ("enrolled", self.n, self.n, ""),
                    ("in the study", self.n, self.n, ""),
                    ("train", 98, 98, ""),
                    ("test", 42, 42, ""),
                ],
                columns=list(FLOW.names),
            ),
        )
        rows = [(quantity, value, "how many it takes", name) for name in TARGETS for quantity, value in STUDY_SIZE]
        SAMPLE_SIZE.write(
            self.stage("clinical"), pd.DataFrame(rows, columns=["quantity", "value", "explanation", "target"])
        )

    def networks(self) -> None:
        deep = self.stage("deep")
        origin = {"weights": "imagenet", "source": "", "sha256": ""}
        (deep / "deep.json").write_text(
            json.dumps({"mode": "frozen", "flips": True, "slices": "all", "backbones": {"efficientnet_lite0": origin}})
        )
        rows = [(name, "DL", "", "frozen efficientnet_lite0", "auc", 0.7, 0.6, 0.8, np.nan, 1) for name in TARGETS]
        ALGORITHMS.write(deep, pd.DataFrame(rows, columns=list(ALGORITHMS.names)))
        out, random = self.stage("receptors"), rng(self.seed, "networks")
        self.predictions(out)
        CURVES.write(out, pd.DataFrame([
            ("all", "crossfit", model, 0, f, e, part, measure, 0.7 * np.exp(-e / 9) + 0.1 * random.random())
            for model in self.networks_of_volumes for measures in [("loss", "heads", *(["dice"] if model == "MultiTask" else []))] for f in range(3)
            for e in range(1, 13) for part in ("train", "validation") for measure in measures
        ], columns=list(CURVES.names)))  # fmt: skip
        self.segmentation(out, random)
        TSNE.write(self.stage("embedding"), pd.DataFrame([
            (p, p, "all", model, "crossfit", "crossfit-s0-f0", "held-out" if k % 5 == 0 else "train", *(20 * random.normal(size=3) + 12 * (self.labels["er"].iloc[k] == 1)))
            for model in self.networks_of_volumes for k, p in enumerate(self.ids)
        ], columns=list(TSNE.names)))  # fmt: skip

    def predictions(self, out: Path, networks: int = 3, others: int = 3) -> None:
        """Of one test patient by every chain; of the 3-D networks and of the other models there are so many."""
        PREDICTIONS.write(out, pd.DataFrame([
            (self.ids[-1], target, "test", "crossfit", model, "", "chosen", fold // 3, fold % 3, 0.5, "probability")
            for model in self.models for target in TARGETS for fold in range(networks if model in self.networks_of_volumes else others)
        ], columns=list(PREDICTIONS.names)))  # fmt: skip

    def segmentation(self, out: Path, random: np.random.Generator) -> None:
        rows = []
        for p, side in zip(self.ids, self.side, strict=True):
            for fold in range(3) if side == "test" else (1,):
                dice = float(np.clip(0.85 - random.gamma(2, 0.05), 0, 1))
                rows.append((p, p, "all", side, "crossfit", "MultiTask", "", 0, fold, dice, 20 * (1 - dice), "mm"))
        SEGMENTATION.write(out, pd.DataFrame(rows, columns=list(SEGMENTATION.names)))

    def attention(self) -> None:
        """Two patients a marker, each mapped by both networks: a bright lesion in noise, the maps near it."""
        out, random = self.stage("attention"), rng(self.seed, "attention")
        rows, compared, examples = [], [], []
        z, y, x = np.indices((24, 40, 36))
        for target in TARGETS:
            if len(self.networks_of_volumes) > 1:
                compared.append(
                    (
                        target,
                        "ROI",
                        "energy",
                        "MultiTask",
                        "SingleTask",
                        60,
                        2.61,
                        1.42,
                        1.1,
                        1500.0,
                        0.0004,
                        "Wilcoxon",
                    )
                )
            for k, (single, multi) in enumerate(
                (("false negative", "true positive"), ("true negative", "true negative"))
            ):
                at = np.array([11, 22, 17]) + random.integers(-4, 5, 3)
                far = np.sqrt(((z - at[0]) / 6) ** 2 + ((y - at[1]) / 9) ** 2 + ((x - at[2]) / 8) ** 2)
                grey, mask = random.normal(size=far.shape) + 2.5 * (far < 1), far < 1
                drawn = zip(self.networks_of_volumes, (single, multi), (1.6, 0.8), strict=False)
                for model, outcome, spread in drawn:
                    heat, file = np.exp(-((far / spread) ** 2)), f"map_{target}_{model}_{k}.npz"
                    cuts = {
                        f"{name}_{plane}": cut
                        for name, layer in (("grey", grey), ("mask", mask), ("heat", heat))
                        for plane, cut in zip(
                            ("axial", "coronal", "sagittal"),
                            (layer[at[0]], layer[:, at[1]], layer[:, :, at[2]]),
                            strict=True,
                        )
                    }
                    np.savez_compressed(out / file, **cuts, spacing=np.array([1.2, 0.6, 0.6]), middle=at)
                    examples.append((target, model, f"{self.ids[k]} <i>", self.ids[k], outcome, 0.6, 0, file))
                    rows += [
                        (self.ids[k], target, model, null, 0, 0, "encoder.layer3", 0, "ROI", measure, 2.0, 1.0)
                        for null in ("outlines of other cases", "random weights")
                        for measure in ("energy", "pointing", "iou")
                    ]
        for table, content in ((ATTENTION, rows), (ATTENTION_COMPARED, compared), (EXAMPLES_IN_PLANES, examples)):
            table.write(out, pd.DataFrame(content, columns=list(table.names)))

    def probability(self, model: str, target: str) -> np.ndarray:
        """Logits move with the label, and a little with the scanner for the networks."""
        random, label = rng(self.seed, model, target), self.labels[target].fillna(0).to_numpy()
        scanner = 1.5 * self.scanner if model in self.networks_of_volumes else 0
        return expit(0.8 * (random.normal(size=self.n) + self.shift[model] * (2 * label - 1)) + scanner)

    def evaluate(self) -> None:
        out = self.stage("evaluate")
        metrics, roc, histogram, compared = [], [], [], []
        for target in TARGETS:
            known = self.labels[target].notna().to_numpy()
            for model in self.models:
                p = self.probability(model, target)
                for protocol, side, role in self.roles:
                    rows = known & ((self.side == side) | (protocol == "leave_one_cohort_out"))
                    y = self.labels[target].to_numpy()[rows] == 1
                    if y.all() or not y.any():
                        continue
                    names = (target, model, "", protocol, side)
                    metrics += self._metrics(
                        (*names, role), y, p[rows], self.cohort[rows], within=protocol == "crossfit" and side == "train"
                    )
                    if protocol == "crossfit":
                        order = np.argsort(-p[rows])
                        tpr, fpr = np.cumsum(y[order]) / y.sum(), np.cumsum(~y[order]) / (~y).sum()
                        roc += [
                            (*names, role, 0.0, 0.0, np.inf),
                            *((*names, role, f, t, c) for f, t, c in zip(fpr, tpr, p[rows][order], strict=True)),
                        ]
                        histogram += [
                            (*names, role, i, q, int(v), 0.5)
                            for i, q, v in zip(np.array(self.ids)[rows], p[rows], y, strict=True)
                        ]
        table = pd.DataFrame(metrics, columns=list(METRICS.names))
        macro = self._macro(table)
        for target in (*TARGETS, "macro"):
            found = (
                {}
                if target != "macro"
                else {
                    (m, s): v
                    for m, s, v in macro[macro["metric"].eq("auc") & macro["subset"].eq("all")][
                        ["model", "side", "value"]
                    ].itertuples(index=False)
                }
            )
            for a, b in combinations(reversed(self.models), 2):
                d = found.get((a, "test"), 0.05) - found.get((b, "test"), 0.02)
                compared.append(
                    (
                        target,
                        "crossfit",
                        "test",
                        "all",
                        "auc",
                        a,
                        "",
                        b,
                        "",
                        d,
                        d - 0.08,
                        d + 0.08,
                        0.31,
                        0.6,
                        "bootstrap" if target == "macro" else "DeLong",
                    )
                )
        METRICS.write(out, pd.concat([table, macro], ignore_index=True))
        for name, rows in ((ROC, roc), (HISTOGRAM, histogram), (COMPARISONS, compared)):
            name.write(out, pd.DataFrame(rows, columns=list(name.names)))
        LOOKS.write(out, pd.DataFrame([("2026-01-05T10:00:00", "a1", 42)], columns=list(LOOKS.names)))

    def _metrics(self, names: tuple, y: np.ndarray, p: np.ndarray, cohort: np.ndarray, within: bool) -> list[tuple]:
        def row(
            metric: str, value: float, subset: str = "all", keep: np.ndarray | None = None, method: str = "invented"
        ) -> tuple:
            of = y if keep is None else y[keep]
            return (
                *names[:3],
                "chosen",
                *names[3:],
                subset,
                metric,
                value,
                max(0.0, value - 0.09),
                min(1.0, value + 0.09),
                len(of),
                int(of.sum()),
                0.5,
                method,
            )

        called, auc = p >= 0.5, area(y, p)
        rows = [
            row("auc", auc),
            row("sensitivity", float(called[y].mean())),
            row("specificity", float((~called[~y]).mean())),
            row("accuracy", float((called == y).mean())),
        ]
        rows += [row("calibration_slope", 0.9), row("calibration_intercept", -0.1), row("brier", 0.22)]
        if names[3] == "crossfit":
            rows += [
                row(f"sample_size_{name}", value)
                for name, value in (("needed", 61.0), ("positive", 46.0), ("negative", 15.0))
            ]
        small = np.arange(len(y)) % 2 == 0
        for name, keep in (("diameter_mm<15", small), ("diameter_mm>=15", ~small)):
            rows.append(row("auc", area(y[keep], p[keep]), name, keep))
        if within:
            own = {name: cohort == name for name in np.unique(cohort)}
            areas = {name: area(y[keep], p[keep]) for name, keep in own.items() if 0 < y[keep].sum() < keep.sum()}
            rows += [row("auc", value, f"cohort={name}", own[name]) for name, value in areas.items()]
            rows += [
                row("auc_pooled", auc),
                row("auc_pairs_within_cohorts", float(np.mean(list(areas.values()))) - 0.01),
                row("auc_within_cohorts", float(np.mean(list(areas.values())))),
            ]
        return rows

    def _macro(self, table: pd.DataFrame) -> pd.DataFrame:
        rows = []
        keys = ["model", "protocol", "side", "subset"]
        for (model, protocol, side, subset), own in table[table["metric"] == "auc"].groupby(keys, sort=False):
            if subset.startswith("cohort"):
                continue
            values = {"auc": own["value"].mean()}
            if subset == "all":
                values |= {
                    "accuracy_jaccard": 0.52,
                    "accuracy_mean": 0.66,
                    "exact_match": 0.31,
                    "precision": 0.7,
                    "recall": 0.6,
                    "f1": 0.65,
                }
            for metric, value in values.items():
                rows.append(
                    (
                        "macro",
                        model,
                        "",
                        "chosen",
                        protocol,
                        side,
                        own["role"].iloc[0],
                        subset,
                        metric,
                        value,
                        value - 0.06,
                        value + 0.06,
                        int(own["n"].max()),
                        np.nan,
                        np.nan,
                        f"patient bootstrap; mean of {', '.join(own['target'])}",
                    )
                )
        return pd.DataFrame(rows, columns=list(METRICS.names))


def area(y: np.ndarray, p: np.ndarray) -> float:
    """The AUC; of one class one half."""
    if y.all() or not y.any():
        return 0.5
    return float((p[y][:, None] > p[~y][None, :]).mean())
