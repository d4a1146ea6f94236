# ruff: noqa: E501  (rows of made-up tables stand on one line each)
"""The made-up run of volumes, grown: DCE-MRI, Spatial alone of the 3-D networks, Ki-67, an ablation, subtypes, regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from fake_volumes import GIVES, ROLES, TARGETS, FakeVolumes

from dlr.randomness import rng
from dlr.settings import DceStudySettings
from dlr.study.subtypes import subtype_metrics
from dlr.tables import (
    ABLATION,
    ATTENTION_SHARES,
    COHORT,
    COMPARISONS,
    METRICS,
    PER_CENT,
    PREDICTIONS,
    REGION_EXAMPLES,
    REGION_WEIGHTS,
    SUBTYPE_METRICS,
    SUBTYPES,
    Table,
)
from dlr.words import REGIONS, Subtype

SHIFT = {"Clinical": 0.1, "Rad": 0.6, "DL": 0.8, "Rad+DL": 0.9, "Spatial": 0.5}
LOST = {  # what a row of the ablation takes from the AUC, and half the width of its interval
    "without_attention": (0.02, 0.05), "single_scale": (0.0, 0.04), "without_peritumoral": (0.09, 0.06),
    "without_multi_task": (0.01, 0.05), "without_shared_extractor": (-0.01, 0.05), "core_only": (0.2, 0.08),
    "core_pooled": (0.01, 0.03), "radiomics_logistic": (-0.02, 0.08), "radiomics_svm": (0.0, 0.08),
    "frozen": (-0.1, 0.06),
}  # fmt: skip
ASKED = [row for row in LOST if row not in ("radiomics_logistic", "radiomics_svm", "frozen")]
CALLED = tuple(name for name in Subtype if name != Subtype.LUMINAL_A_OR_B)


class FakeDce(FakeVolumes):
    """`ki67`: whether the manifest has it."""

    pipeline = "receptors_dcemri"
    models = ("Clinical", "Rad", "DL", "Rad+DL", "Spatial")
    networks_of_volumes = ("Spatial",)
    shifts = SHIFT
    own = DceStudySettings
    roles = (
        *ROLES,
        ("crossfit", "external", "held-out"),
        ("external_crossfit", "external", "out-of-fold"),
    )
    gives_of: ClassVar[dict[str, tuple[Table, ...]]] = {
        **{name: given for name, given in GIVES.items() if name != "embedding"},
        "regions": (REGION_WEIGHTS, ATTENTION_SHARES, REGION_EXAMPLES),
        "evaluate": (*GIVES["evaluate"], PER_CENT, ABLATION),
        "subtypes": (SUBTYPES, SUBTYPE_METRICS),
    }

    def __init__(self, folder: Path, ki67: bool = True, **named: Any) -> None:
        super().__init__(folder, **named)
        self.ki67 = ki67
        self.side = np.where(np.arange(self.n) % 10 == 9, "external", self.side)

    def write_all(self) -> FakeDce:
        self.further["receptors"] = {**self.further["receptors"], "ablation": ASKED}
        self.who()
        self.networks()
        self.attention()
        self.evaluate()
        self.in_per_cent()
        self.ablation()
        self.subtypes()
        self.regions()
        return self

    def networks(self) -> None:
        super().networks()
        del self.folders["embedding"]

    def predictions(self, out: Path, networks: int = 3, others: int = 3) -> None:
        super().predictions(out, networks, others)
        if self.ki67:
            rows = [
                (self.ids[-1], "ki67", "test", "crossfit", "Spatial", "", "chosen", 0, fold, 31.0, "per_cent")
                for fold in range(networks)
            ]
            PREDICTIONS.write(
                out, pd.concat([PREDICTIONS.read(out), pd.DataFrame(rows, columns=list(PREDICTIONS.names))])
            )

    def segmentation(self, out: object, random: object) -> None:
        """Nobody draws an outline."""

    def who(self) -> None:
        super().who()
        if not self.ki67:
            return
        out, random = self.folder / "cohort", rng(self.seed, "ki67")
        self.per_cent = np.clip(30 + 15 * random.normal(size=self.n), 1, 95).round()
        COHORT.write(out, COHORT.read(out).assign(ki67=self.per_cent))
        spec = json.loads((out / "columns.json").read_text())
        spec["targets"].append({"name": "ki67", "kind": "per_cent", "derived_from": []})
        (out / "columns.json").write_text(json.dumps(spec))

    def in_per_cent(self, gain: float = 1.5) -> None:
        """Ki-67 by every model; `gain`: of Spatial over the median, with an interval of 2 to each side."""
        if not self.ki67:
            return
        out, metrics, patients, compared = self.folder / "evaluate", [], [], []
        for model in self.models:
            predicted = 30 + 0.3 * (self.per_cent - 30) + 6 * rng(self.seed, "ki67", model).normal(size=self.n)
            for protocol, side, role in self.roles[:2]:
                own = self.side == side
                mine = gain if model == "Spatial" else 0.4
                values = {
                    "mae": (11.2, 1.0), "baseline_mae": (11.2 + mine, 1.0), "mae_gain": (mine, 2.0), "bias": (0.8, 1.6),
                    "limits_lower": (-24.0, 2.5), "limits_upper": (25.6, 2.5), "pearson": (0.41, 0.12), "spearman": (0.38, 0.12),
                }  # fmt: skip
                metrics += [
                    (
                        "ki67",
                        model,
                        "",
                        "chosen",
                        protocol,
                        side,
                        role,
                        "all",
                        metric,
                        value,
                        value - half,
                        value + half,
                        int(own.sum()),
                        np.nan,
                        np.nan,
                        "invented",
                    )
                    for metric, (value, half) in values.items()
                ]
                patients += [
                    ("ki67", model, "", protocol, side, role, i, p, o)
                    for i, p, o in zip(np.array(self.ids)[own], predicted[own], self.per_cent[own], strict=True)
                ]
            if model != "Spatial":
                compared.append(
                    (
                        "ki67",
                        "crossfit",
                        "test",
                        "all",
                        "mae",
                        "Spatial",
                        "",
                        model,
                        "",
                        -1.1,
                        -2.6,
                        0.4,
                        0.15,
                        0.3,
                        "paired t-test",
                    )
                )
        METRICS.write(out, pd.concat([METRICS.read(out), pd.DataFrame(metrics, columns=list(METRICS.names))]))
        COMPARISONS.write(
            out, pd.concat([COMPARISONS.read(out), pd.DataFrame(compared, columns=list(COMPARISONS.names))])
        )
        PER_CENT.write(out, pd.DataFrame(patients, columns=list(PER_CENT.names)))

    def ablation(self) -> None:
        rows = []
        for protocol, side in (("crossfit", "test"), ("crossfit", "train")):
            tested = side == "test"
            method = "DeLong" if tested else "out-of-fold"
            paired = "paired DeLong" if tested else "paired bootstrap by patient"
            whole = {"er": 0.74, "pr": 0.70, "her2": 0.66, "macro": 0.70, **({"ki67": 11.2} if self.ki67 else {})}
            for target, full in whole.items():
                metric, scale = ("mae", -10.0) if target == "ki67" else ("auc", 1.0)
                names, n = (target, protocol, side, metric), 42 if tested else 98
                rows.append(
                    (
                        "full",
                        *names,
                        full,
                        full - abs(scale) * 0.08,
                        full + abs(scale) * 0.08,
                        np.nan,
                        np.nan,
                        np.nan,
                        np.nan,
                        n,
                        method,
                        "",
                    )
                )
                for row, (lost, half) in LOST.items():
                    if row == "radiomics_svm" and target == "ki67":
                        continue
                    d, half = -scale * lost, abs(scale) * half
                    value = full + d
                    p = 0.03 if tested and target != "macro" else np.nan
                    rows.append(
                        (
                            row,
                            *names,
                            value,
                            value - abs(scale) * 0.08,
                            value + abs(scale) * 0.08,
                            d,
                            d - half,
                            d + half,
                            p,
                            n,
                            method,
                            paired,
                        )
                    )
        ABLATION.write(self.folder / "evaluate", pd.DataFrame(rows, columns=list(ABLATION.names)))

    def subtypes(self) -> None:
        out, random, rows = self.stage("subtypes"), rng(self.seed, "subtypes"), []
        one = (Subtype.LUMINAL_A_OR_B, *CALLED[2:])
        names = np.array(CALLED if self.ki67 else one)
        true = names[random.integers(0, len(names), self.n)]
        for model in ("Rad+DL", "Spatial"):
            called = np.where(random.random(self.n) < 0.5, true, names[random.integers(0, len(names), self.n)])
            for protocol, side, role in self.roles[:2]:
                rows += [
                    (
                        self.ids[k],
                        model,
                        "",
                        protocol,
                        side,
                        role,
                        "" if k % 9 == 0 else true[k],
                        called[k],
                        "st_gallen_2013",
                    )
                    for k in np.flatnonzero(self.side == side)
                ]
        table = pd.DataFrame(rows, columns=list(SUBTYPES.names))
        SUBTYPES.write(out, table)
        SUBTYPE_METRICS.write(out, subtype_metrics(table))

    def regions(self) -> None:
        out, random = self.stage("regions"), rng(self.seed, "regions")
        weights, shares = [], []
        for target in (*TARGETS, *(["ki67"] if self.ki67 else [])):
            for fold in range(5):
                w = np.array([0.35, 0.3, 0.35]) + 0.03 * random.random(3)
                w = np.array([0.2, 0.2, 0.6]) if target == "her2" else w / w.sum()
                weights += [
                    (target, "Spatial", "crossfit", 0, fold, "", region, float(v))
                    for region, v in zip(REGIONS, w, strict=True)
                ]
        sizes = dict(zip((*REGIONS, "elsewhere"), (0.1, 0.15, 0.25, 0.5), strict=True))
        for k, patient in enumerate(self.ids[:30]):
            for fold in range(2):
                for scale in ("layer2", "layer3", "layer4"):
                    part = random.dirichlet(10 * np.array([0.2, 0.2, 0.3, 0.3]))
                    shares += [
                        (
                            patient,
                            patient,
                            "all",
                            "Spatial",
                            "crossfit",
                            0,
                            (k + fold) % 5,
                            scale,
                            region,
                            float(share),
                            size,
                        )
                        for (region, size), share in zip(sizes.items(), part, strict=True)
                    ]
        REGION_WEIGHTS.write(out, pd.DataFrame(weights, columns=list(REGION_WEIGHTS.names)))
        ATTENTION_SHARES.write(out, pd.DataFrame(shares, columns=list(ATTENTION_SHARES.names)))
        self.examples(out)

    def examples(self, out: Path) -> None:
        """One lesion: a ball with its regions, the attention of two scales around it."""
        z, y, x = np.indices((12, 40, 36))
        far = np.sqrt((2 * (z - 6)) ** 2 + (y - 20) ** 2 + (x - 18) ** 2)
        layers = {
            "grey": np.exp(-far / 8), "mask": far < 9, "core": far < 5, "rim": (far >= 5) & (far < 12),
            "peritumoral": (far >= 12) & (far < 16), "layer2": np.exp(-((far - 12) ** 2) / 9), "layer3": 0.3 + 0.2 * (far < 10),
        }  # fmt: skip
        cuts = {
            f"{name}_{plane}": cut
            for name, layer in layers.items()
            for plane, cut in zip(
                ("axial", "coronal", "sagittal"), (layer[6], layer[:, 20], layer[:, :, 18]), strict=True
            )
        }
        np.savez_compressed(
            out / "planes_0.npz", **cuts, spacing=np.array([2.0, 1.0, 0.9]), middle=np.array([6, 20, 18])
        )
        rows = [("er", "Spatial", "V <i>1", self.ids[0], "true positive", 0.71, 0, "planes_0.npz")]
        REGION_EXAMPLES.write(out, pd.DataFrame(rows, columns=list(REGION_EXAMPLES.names)))
