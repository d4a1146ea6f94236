# ruff: noqa: E501  (rows of made-up tables stand on one line each)
"""A made-up run folder with every table that the report reads: plausible numbers, awkward names, one stage left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from dlr.pipelines.her2_ultrasound import PIPELINE
from scipy.special import expit, logit

from dlr.figures import Outlined
from dlr.randomness import rng
from dlr.report import About, Sources
from dlr.settings import StudySettings
from dlr.tables import (
    AGREEMENT,
    ALGORITHMS,
    BLOCKS,
    CALIBRATION,
    CHECK,
    CHOICES,
    COHORT,
    COMBINED_TERMS,
    COMPARISONS,
    CURVES,
    CUTOFFS,
    DECISION,
    DICTIONARY,
    FAMILIES,
    FEATURES,
    FLOW,
    HISTOGRAM,
    LASSO_CV,
    LASSO_PATH,
    LOOKS,
    MAPPINGS,
    METRICS,
    MISSING,
    MULTIVARIABLE,
    NET_BENEFIT,
    NOTES,
    OPTIMISM,
    OPTIMISM_GAP,
    PCA,
    PERMUTATIONS,
    POINTS,
    PR,
    PREDICTIONS,
    RAD_SCORE,
    ROC,
    SAMPLE_SIZE,
    SELECTION,
    SELECTION_FREQUENCY,
    SHARES,
    SPLITS,
    STABILITY,
    STEPWISE,
    TABLE1_OUTCOME,
    TABLE1_SIDE,
    UNIVARIABLE,
    VIF,
)
from dlr.words import Model, Role

INJECTION = "<script>document.title='owned'</script><b>年龄</b>"
LONG = "lymph_node_metastasis_on_preoperative_axillary_ultrasound_or_biopsy"
COUNTS = {"firstorder": 18, "glcm": 24, "gldm": 14, "glrlm": 16, "glszm": 16, "ngtdm": 5}
IMAGES = ("original", "wavelet-LL", "wavelet-LH", "wavelet-HL", "wavelet-HH", "square", "squareroot", "logarithm",
          "exponential", "gradient", "lbp-2D")  # fmt: skip
NAMES = ("Contrast", "Correlation", "JointEntropy", "Idmn", "ClusterShade", "ZoneEntropy", "Busyness", "RunVariance",
         "SmallAreaLowGrayLevelEmphasis", "LargeDependenceHighGrayLevelEmphasis", "10Percentile", "Kurtosis",
         "Skewness", "Coarseness", "Strength", "GrayLevelNonUniformityNormalized")  # fmt: skip
STRENGTH = {"Clinical": 0.75, "Rad": 0.9, "DL": 1.1, "DLR": 1.2, "Combined": 1.5}
LEFT_OUT = {
    "attention": "the networks are frozen: their class activation maps would show ImageNet, not this study",
    "superres": "superres.method is none",
}
SETTINGS = StudySettings.model_validate({
    "cohort": {"target": "her2", "per_patient": "largest_roi"},
    "radiomics": {"profile": "hu1561", "engine": "pyradiomics"},
    "combine": {"variables": ["pr", "calcification"], "signature": "DLR"},
})  # fmt: skip


class FakeRun:
    """Writes the stages' folders under `folder`; `models` says which of the five exist."""

    def __init__(self, folder: Path, models: tuple[str, ...] = tuple(STRENGTH), seed: int = 7) -> None:
        self.folder, self.models, self.seed = folder, models, seed
        self.folders: dict[str, Path | None] = {}
        self.left_out: dict[str, str] = {}
        self.gives = {stage.name: stage.gives for stage in PIPELINE.stages}
        self.settings = SETTINGS
        random = rng(seed, "patients")
        self.n = 201
        self.ids = [f"{k:05d}" for k in range(1, self.n - 1)] + ["张伟-07", "Müller & Søn <3>"]
        self.positive = np.zeros(self.n, dtype=bool)
        self.positive[random.permutation(self.n)[:58]] = True
        self.side = np.where(np.arange(self.n) % 10 < 7, "train", "test")
        self.probability = {m: self._probability(m, rng(seed, "signature", m)) for m in models}

    def _probability(self, model: str, random: np.random.Generator) -> np.ndarray:
        x = random.normal(size=self.n) + STRENGTH[model] * self.positive
        return expit(-1.3 + 0.9 * (x - 0.3 * STRENGTH[model]))

    def sources(self, about: About) -> Sources:
        """What a report may read of the run."""
        return Sources(self.folders, self.left_out, self.settings, about, self.gives)

    def stage(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        self.folders[name] = folder
        return folder

    def leave_out(self, name: str, reason: str) -> None:
        self.folders[name] = None
        self.left_out[name] = reason

    def copied_to(self, folder: Path) -> FakeRun:
        """The same run in another folder, for tests that change a table."""
        other = FakeRun(folder, self.models, self.seed)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other.folders = {name: None if path is None else folder / path.name for name, path in self.folders.items()}
        other.left_out = dict(self.left_out)
        return other

    def write_all(self) -> FakeRun:
        self.cohort()
        self.radiomics()
        if "Clinical" in self.models:
            self.stability()
            self.clinical()
        else:
            self.leave_out("stability", "one outline a case and stability.perturb is off")
            self.leave_out("clinical", "the manifest has no clinical columns")
        self.radiomics_model()
        if "DL" in self.models:
            self.deep()
        else:
            self.leave_out("deep", "deep.backbone is none")
        if "Combined" in self.models:
            self.combine()
            self.nomogram()
        else:
            self.leave_out("combine", "no clinical variable, and a lone signature needs no further model")
            self.leave_out("nomogram", "there is no Combined model: no clinical variable remains")
        self.evaluate()
        self.permutations()
        for name, reason in LEFT_OUT.items():
            self.leave_out(name, reason)
        return self

    # --- who -----------------------------------------------------------------------------------------------------

    def cohort(self) -> None:
        out, random = self.stage("cohort"), rng(self.seed, "clinical")
        table = pd.DataFrame({
            "patient_id": self.ids, "case_id": [f"{p}_a" for p in self.ids], "image": "/data/image.png",
            "mask": "/data/mask.png", "mask_label": "any", "mask_reader1": "", "mask_reader2": "", "side": self.side,
            "cohort": "main", "excluded": "", "her2": self.positive.astype(float),
        })  # fmt: skip
        if "Clinical" in self.models:
            table["age"] = random.normal(54, 11, self.n).round()
            table["pr"] = (random.random(self.n) < np.where(self.positive, 0.4, 0.66)).astype(float)
            table["calcification"] = (random.random(self.n) < np.where(self.positive, 0.55, 0.34)).astype(float)
            table["birads"] = random.choice(["3", "4a", "4b", "4c", "5"], self.n)
            table[LONG] = (random.random(self.n) < 0.33).astype(float)
        COHORT.write(out, table)
        train, test = (self.side == "train").sum(), (self.side == "test").sum()
        FLOW.write(out, pd.DataFrame([
            ("enrolled", 213, 260, ""),
            ("excluded", 5, 7, "HER2 status missing (2+ without FISH)"),
            ("excluded", 4, 4, "neoadjuvant therapy before the examination, as column exclude_reason says"),
            ("excluded", 3, 3, INJECTION),
            ("case excluded", 0, 6, "image without outline"),
            ("in the study", self.n, 246, ""),
            ("her2 not known", 2, 2, "stays, without a label"),
            ("train", train, 172, ""),
            ("train, her2 positive", int(self.positive[self.side == "train"].sum()), 48, ""),
            ("test", test, 74, ""),
            ("test, her2 positive", int(self.positive[self.side == "test"].sum()), 22, ""),
        ], columns=list(FLOW.names)))  # fmt: skip
        columns = [
            {"name": "age", "kind": "numeric", "levels": [], "log": False, "available": "imaging", "unit": "years", "label": INJECTION},
            {"name": "pr", "kind": "binary", "levels": ["negative", "positive"], "log": False, "available": "biopsy", "unit": "", "label": "PR status"},
            {"name": "calcification", "kind": "binary", "levels": ["absent", "present"], "log": False, "available": "imaging", "unit": "", "label": "钙化"},
            {"name": "birads", "kind": "ordered", "levels": ["3", "4a", "4b", "4c", "5"], "log": False, "available": "imaging", "unit": "", "label": "BI-RADS"},
            {"name": LONG, "kind": "binary", "levels": ["no", "yes"], "log": False, "available": "surgery", "unit": "", "label": ""},
        ]  # fmt: skip
        if "Clinical" not in self.models:
            columns = []
        targets = [{"name": "her2", "kind": "binary", "derived_from": []}]
        (out / "columns.json").write_text(json.dumps({"targets": targets, "columns": columns}, ensure_ascii=False))
        MAPPINGS.write(out, pd.DataFrame([
            ("headers", "年龄", "age", 0), ("headers", "孕激素受体", "pr", 0), ("values: pr", "阳性", "1", 118), ("values: pr", "阴性", "0", 83),
            ("values: her2", "3+", "1", 40), ("values: her2", "<script>alert(1)</script>", "0", 2),
        ], columns=list(MAPPINGS.names)))  # fmt: skip
        NOTES.write(out, pd.DataFrame([
            ("case 00012_a", "mask has another origin (0.5, 0.5) and spacing (0.0846, 0.0846); taken as pixels"),
            ("spacing", "the files do not say a spacing: shape and diameters are in pixels"),
        ], columns=list(NOTES.names)))  # fmt: skip

    # --- what was measured ---------------------------------------------------------------------------------------

    def features(self) -> list[str]:
        names = [f"original_shape2D_{n}" for n in ("MeshSurface", "Perimeter", "Sphericity", "Elongation")]
        for image in IMAGES:
            for family in COUNTS:
                names += [f"{image}_{family}_{NAMES[k]}" for k in range(4)]
        return names

    def radiomics(self) -> None:
        out, random = self.stage("radiomics"), rng(self.seed, "features")
        rows = [("shape2D", "original", 9)]
        rows += [(family, image, count) for image in IMAGES for family, count in COUNTS.items()]
        FAMILIES.write(out, pd.DataFrame(rows, columns=list(FAMILIES.names)))
        names = self.features()
        latent = random.normal(size=(self.n, 12))
        latent[:, 0] += 1.1 * self.positive
        load = random.normal(size=(12, len(names))) * (random.random((12, len(names))) < 0.25)
        values = latent @ load + 0.7 * random.normal(size=(self.n, len(names)))
        table = pd.DataFrame(values, columns=names)
        table.insert(0, "patient_id", self.ids)
        table.insert(0, "case_id", [f"{p}_a" for p in self.ids])
        FEATURES.write(out, table)
        DICTIONARY.write(out, pd.DataFrame({
            "name": names, "family": [n.split("_")[1] for n in names], "image_type": [n.split("_")[0] for n in names],
            "ibsi_code": "", "unit": "", "noise_on_one_slice": [n.startswith("wavelet-HH") for n in names],
        }))  # fmt: skip
        MISSING.write(out, pd.DataFrame([("00007_a", names[5], "flat region"), ("00007_a", names[9], "flat region"), ("张伟-07_a", names[5], "one grey level")],
                     columns=list(MISSING.names)))  # fmt: skip

    def stability(self) -> None:
        out, random = self.stage("stability"), rng(self.seed, "stability")
        names = self.features()
        perturbed = {"erode": 0.13, "shift": 0.11}
        icc = {
            name: np.clip(1 - random.gamma(1.4, scale, len(names)), -0.1, 0.999) for name, scale in perturbed.items()
        }
        # an outer fold of the nested protocol has fold -1 as well
        STABILITY.write(out, pd.concat([pd.DataFrame({
            "part": part, "feature": names, "perturbation": perturbation, "seed": -1, "fold": -1, "icc": values,
            "lower": values - 0.1, "upper": np.minimum(values + 0.06, 1), "n": 140, "kept": values >= 0.75,
        }) for part in ("paper", "nested-0") for perturbation, values in icc.items()]))  # fmt: skip
        dice = np.clip(1 - random.gamma(2, 0.06, 120), 0.4, 1)
        AGREEMENT.write(out, pd.DataFrame({
            "case_id": [f"{p}_a" for p in self.ids[-120:]], "patient_id": self.ids[-120:], "dice": dice,
            "hausdorff95": 40 * (1 - dice) + 1, "unit": "pixels", "below": dice < 0.75,
        }))  # fmt: skip

    def radiomics_model(self) -> None:
        out, random = self.stage("radiomics_model"), rng(self.seed, "selection")
        names = self.features()
        kept = [names[k] for k in (3, 18, 44, 78, 101, 129, 160, 199, 230)]
        rows = []
        for protocol, seeds, folds in (("paper", (0,), (-1,)), ("crossfit", (0, 1, 2), range(5))):
            for seed in seeds:
                for fold in folds:
                    p = random.beta(0.35, 1.1, len(names))
                    p[[names.index(k) for k in kept]] = 0.004
                    after_t = [
                        n
                        for n, q in zip(names, p, strict=True)
                        if q < 0.05 and n not in (*names[5:30:3], *names[50:53])
                    ]
                    final = [k for k in kept if random.random() < 0.75] if protocol == "crossfit" else kept
                    after_r = sorted({*final, *after_t[::4]})
                    named = ("her2", "Rad", protocol, seed, fold)
                    unstable, lost = names[5:30:3], names[50:53]
                    rows += [
                        (*named, n, "stability", np.nan, np.nan, False, "below the chosen ICC", np.nan)
                        for n in unstable
                    ]
                    rows += [
                        (*named, n, "missing", np.nan, np.nan, False, "missing in 24% of the training cases", np.nan)
                        for n in lost
                    ]
                    rows += [(*named, n, "t_test", 1.0, q, q < 0.05, "" if q < 0.05 else "p not below 0.05", np.nan)
                             for n, q in zip(names, p, strict=True) if n not in unstable and n not in lost]  # fmt: skip
                    rows += [(*named, n, "correlation", 0.9, np.nan, n in after_r, "" if n in after_r else "|r| above 0.8", np.nan)
                             for n in after_t]  # fmt: skip
                    rows += [(*named, n, "lasso", np.nan, np.nan, n in final, "", random.normal() / 5 if n in final else 0.0)
                             for n in after_r]  # fmt: skip
        selection = pd.DataFrame(rows, columns=list(SELECTION.names))
        SELECTION.write(out, selection)
        last = selection[(selection["protocol"] == "crossfit") & (selection["step"] == "lasso") & selection["kept"]]
        counts = (
            last.groupby("feature").agg(kept=("kept", "size"), mean_coefficient=("coefficient", "mean")).reset_index()
        )
        counts = counts.assign(target="her2", model="Rad", of=15, frequency=counts["kept"] / 15)
        SELECTION_FREQUENCY.write(out, counts)
        log_lambda = np.linspace(-7, -1.2, 60)
        LASSO_PATH.write(out, pd.DataFrame([
            (x, name, weight * max(0.0, 1 - np.exp(x + 1.5 + k / 3)))
            for k, (name, weight) in enumerate(zip([*kept, *names[7:30:2]], random.normal(0, 0.2, 40), strict=False))
            for x in log_lambda
        ], columns=["log_lambda", "feature", "coefficient"]).assign(target="her2"))  # fmt: skip
        LASSO_CV.write(out, pd.DataFrame({
            "log_lambda": log_lambda, "mean": 1.05 + 0.02 * (log_lambda + 3.4) ** 2, "sd": 0.06,
            "lambda_min": np.exp(-3.4), "lambda_1se": np.exp(-2.2), "target": "her2",
        }))  # fmt: skip
        weights = random.normal(0, 0.2, len(kept))
        scores = pd.DataFrame({"feature": kept, "coefficient": weights, "mean": 1.5, "sd": 0.3, "target": "her2"})
        RAD_SCORE.write(out, scores)
        terms = [f"{w:+.6f} * ({n} - 1.5) / 0.3" for n, w in zip(kept, weights, strict=True)]
        (out / "rad_score.txt").write_text("Rad-score = -1.021482 " + " ".join(terms))
        self.algorithms(out, "Rad")
        CHOICES.write(out, pd.DataFrame([
            ("her2", "Rad", "", "crossfit", f"crossfit-s{s}-f{f}", s, f, "lightgbm" if (s + f) % 3 else "logistic", "median inner AUC", 0.71, True, "{}")
            for s in range(3) for f in range(5)
        ], columns=list(CHOICES.names)))  # fmt: skip
        self.predictions("Rad", out)

    def algorithms(self, out: Path, model: str) -> None:
        rows = []
        for k, name in enumerate(self.settings.learn.algorithms):
            value = 0.66 + 0.03 * k - 0.02 * len(model) / 4
            corrected = value - 0.012 if k == 4 else np.nan
            rows.append(("her2", model, "", name, "auc", value, value - 0.08, value + 0.07, corrected, 5))
        ALGORITHMS.write(out, pd.DataFrame(rows, columns=list(ALGORITHMS.names)))

    def predictions(self, model: str, out: Path) -> None:
        rows = [(p, "her2", s, "crossfit", model, "", "chosen", 0, 0, v, "probability")
                for p, s, v in zip(self.ids, self.side, self.probability[model], strict=True)]  # fmt: skip
        PREDICTIONS.write(out, pd.DataFrame(rows, columns=list(PREDICTIONS.names)))

    def deep(self) -> None:
        out, random = self.stage("deep"), rng(self.seed, "deep")
        rows = [("her2", "crossfit", "DL", s, f, e, part, "loss", 0.62 * np.exp(-e / scale) + floor + 0.02 * random.normal())
                for s in range(1) for f in range(5) for e in range(1, 26)
                for part, scale, floor in (("train", 6, 0.2), ("validation", 4, 0.45))]  # fmt: skip
        CURVES.write(out, pd.DataFrame(rows, columns=list(CURVES.names)))
        origin = {"backbone": "resnet18", "weights": "none", "source": "", "sha256": ""}
        (out / "deep.json").write_text(
            json.dumps({"mode": "fine_tune", "flips": True, "backbones": {"resnet18": origin}})
        )
        ALGORITHMS.write(out, pd.DataFrame([
            ("her2", "DL", "", "fine-tuned resnet18", "auc", 0.74, 0.66, 0.82, np.nan, 1),
        ], columns=list(ALGORITHMS.names)))  # fmt: skip
        self.predictions("DL", out)
        fuse = self.stage("fuse")
        PCA.write(fuse, pd.DataFrame([
            (k, 0.16 * 0.86**k, "her2", "crossfit", f"crossfit-s0-f{f}", 0, f) for f in range(5) for k in range(1, 65)
        ], columns=list(PCA.names)))  # fmt: skip
        BLOCKS.write(fuse, pd.DataFrame([("Rad", 1561.0), ("DL", 64.0)], columns=list(BLOCKS.names)))
        fused = self.stage("fusion_model")
        SHARES.write(fused, pd.DataFrame([
            ("her2", "joined", "Rad", 1561.0), ("her2", "joined", "DL", 64.0), ("her2", "after selection", "Rad", 8.0), ("her2", "after selection", "DL", 7.0),
        ], columns=list(SHARES.names)))  # fmt: skip
        self.algorithms(fused, "DLR")
        self.predictions("DLR", fused)

    # --- clinical, combined ---------------------------------------------------------------------------------------

    def clinical(self) -> None:
        out = self.stage("clinical")
        variables = [("age", "", "54.1 ± 10.9", "53.7 ± 11.3", "Welch t", 0.24, 0.81, 0.04),
                     ("pr", "positive", "82 (58.2 %)", "36 (60.0 %)", "χ²", 0.05, 0.0004, -0.04),
                     ("calcification", "present", "59 (41.8 %)", "21 (35.0 %)", "χ²", 0.82, 0.037, 0.14),
                     ("birads", "3", "12 (8.5 %)", "4 (6.7 %)", "χ²", 2.2, 0.69, 0.07),
                     ("birads", "4a", "40 (28.4 %)", "20 (33.3 %)", "", np.nan, np.nan, np.nan),
                     ("birads", "4b", "50 (35.5 %)", "18 (30.0 %)", "", np.nan, np.nan, np.nan),
                     ("birads", "4c", "30 (21.3 %)", "14 (23.3 %)", "", np.nan, np.nan, np.nan),
                     ("birads", "5", "9 (6.4 %)", "4 (6.7 %)", "", np.nan, np.nan, np.nan),
                     (LONG, "yes", "46 (32.6 %)", "21 (35.0 %)", "Fisher", np.nan, 0.74, -0.05)]  # fmt: skip

        def table(a: str, b: str, side: str) -> list[tuple]:
            return [
                (
                    v,
                    {"positive": "1", "present": "1", "yes": "1"}.get(lev, lev),
                    a,
                    b,
                    x,
                    y,
                    2 if v == "age" else 0,
                    0,
                    t,
                    s,
                    p,
                    d,
                    side,
                )
                for v, lev, x, y, t, s, p, d in variables
            ]

        header = list(TABLE1_SIDE.names)
        TABLE1_SIDE.write(out, pd.DataFrame(table("train", "test", "train against test"), columns=header))
        by_outcome = [
            *table("her2 positive", "her2 negative", "train"),
            *table("her2 positive", "her2 negative", "test"),
        ]
        TABLE1_OUTCOME.write(out, pd.DataFrame(by_outcome, columns=header).assign(target="her2"))
        terms = [name for name in UNIVARIABLE.names if name not in ("target", "model")]
        rows = [
            ("(Intercept)", -0.9, 0.3),
            ("age", -0.015, 0.017),
            ("pr", -1.07, 0.5),
            ("calcification", 0.81, 0.37),
            (LONG, 0.27, 0.39),
        ]
        from scipy.stats import norm

        full = pd.DataFrame([(t, b, s, np.exp(b), np.exp(b - 1.96 * s), np.exp(b + 1.96 * s), b - 2 * s, b + 2.02 * s,
                              2 * norm.sf(abs(b / s)), "ML", 140, 43) for t, b, s in rows], columns=terms)  # fmt: skip
        UNIVARIABLE.write(out, full.iloc[1:].assign(target="her2", model=full["term"].iloc[1:]))
        MULTIVARIABLE.write(out, full.iloc[[0, 2, 3]].assign(target="her2", model="multivariable"))
        STEPWISE.write(out, full.iloc[[0, 2]].assign(target="her2", model="stepwise", method="Firth"))
        inflation = [("pr", 1.04, 1, 1.02, "her2"), ("calcification", 1.04, 1, 1.02, "her2")]
        VIF.write(out, pd.DataFrame(inflation, columns=list(VIF.names)))
        SAMPLE_SIZE.write(out, pd.DataFrame([("patients", 141, "training side with a known target"), ("events", 43, "patients with the outcome on the training side"), ("candidate_parameters", 6, "columns offered to selection"),
                      ("events_per_parameter", 7.2, "events over candidate parameters"), ("riley_minimum_n", 540, "patients these candidates need (Nagelkerke R² 0.15)"), ("riley_maximum_parameters", 2.6, "parameters this training side carries (Nagelkerke R² 0.15)")],
                     columns=["quantity", "value", "explanation"]).assign(target="her2"))  # fmt: skip
        self.algorithms(out, "Clinical")
        self.predictions("Clinical", out)

    def combine(self) -> None:
        out = self.stage("combine")
        sets, rows = [], []
        for variant, clinical in (("", ["pr", "calcification"]), ("before biopsy", ["calcification"])):
            for primary, signature in ((True, "DLR"), (False, "DL")):
                name = f"{', '.join(clinical)} + {signature}" + (f" ({variant})" if variant else "")
                named = {"target": "her2", "protocol": "crossfit", "variant": variant, "set": name}
                sets.append({**named, "primary": primary, "model": {
                    "clinical": [*clinical, LONG], "signatures": [signature], "dropped": [[LONG, "beyond the bound of 3 parameters"]],
                    "riley": 2.6, "bound": 3,
                }})  # fmt: skip
                for model in ("full", "combined"):
                    terms = [
                        ("(Intercept)", -0.4, 0.3, 0.18),
                        ("pr", -0.9, 0.44, 0.041),
                        ("calcification", 0.6, 0.4, 0.13),
                        (signature, 0.95, 0.25, 0.0001),
                    ]
                    terms += [(LONG, 0.2, 0.4, 0.61)] if model == "full" else []
                    rows += [(model, t, b, s, np.exp(b), np.exp(b - 1.96 * s), np.exp(b + 1.96 * s), p, "Firth", *named.values())
                             for t, b, s, p in terms if t != "pr" or "pr" in clinical]  # fmt: skip
        (out / "combined_model.json").write_text(json.dumps({"sets": sets, "reasons": []}))
        COMBINED_TERMS.write(
            out,
            pd.DataFrame(
                rows,
                columns=[
                    "model",
                    "term",
                    "estimate",
                    "se",
                    "odds_ratio",
                    "lower",
                    "upper",
                    "p",
                    "method",
                    "target",
                    "protocol",
                    "variant",
                    "set",
                ],
            ),
        )
        OPTIMISM.write(out, pd.DataFrame([("auc", 0.82, 0.021, 0.799, "", 200), ("calibration_slope", 1.0, 0.09, 0.91, "", 200), ("brier", 0.155, -0.006, 0.161, "", 200)],
                     columns=["measure", "apparent", "optimism", "corrected", "variant", "replicates"]).assign(target="her2"))  # fmt: skip
        self.predictions("Combined", out)

    def nomogram(self) -> None:
        from dlr.stats import Nomogram, logistic

        out = self.stage("nomogram")
        cohort = pd.read_parquet(self.folders["cohort"] / "cohort.parquet")  # type: ignore[operator]
        raw = cohort[["age", "pr", "calcification", "birads"]].assign(DLR=self.probability["DLR"])
        raw["birads"] = pd.Categorical(raw["birads"], categories=["3", "4a", "4b", "4c", "5"])
        labels = {
            "age": "Age (years)",
            "pr": "PR status",
            "calcification": "钙化 Calcification",
            "birads": "BI-RADS",
            "DLR": "DLR signature",
        }
        levels = {"pr": {"0": "negative", "1": "positive"}, "calcification": {"0": "absent 无", "1": "present 有"}}
        train = self.side == "train"
        sets, points = [], []
        for name, columns in (
            ("PR, calcification, DLR", ["pr", "calcification", "DLR"]),
            ("age, BI-RADS, DLR", ["age", "birads", "DLR"]),
        ):
            fit = logistic(
                raw.loc[train, columns], pd.Series(self.positive[train], index=raw.index[train]), logits=["DLR"]
            )
            drawn = Nomogram.from_logistic(fit, labels=labels, level_labels=levels)
            patient = raw.loc[[200], columns]
            sets.append({"name": name, "target": "her2", "primary": not sets, "nomogram": drawn.to_dict(),
                         "title": f"her2: {name}", "file": "nomogram.pdf" if not sets else "nomogram_2.pdf", "example": {"patient_id": self.ids[200], **json.loads(patient.iloc[0].to_json())}})  # fmt: skip
            points.append(drawn.table().assign(target="her2", set=name).astype({"value": str}))
            (out / ("nomogram.pdf" if len(sets) == 1 else f"nomogram_{len(sets)}.pdf")).write_bytes(
                b"%PDF-1.4\n%%EOF\n"
            )
        (out / "nomogram.json").write_text(json.dumps({"sets": sets}, ensure_ascii=False))
        POINTS.write(out, pd.concat(points))
        CHECK.write(out, pd.DataFrame([("her2", s["name"], self.n, 3e-16) for s in sets], columns=list(CHECK.names)))

    # --- evaluate -------------------------------------------------------------------------------------------------

    def evaluate(self) -> None:
        out = self.stage("evaluate")
        metrics, roc, pr, calibration, decision, histogram, cutoffs, gaps, splits = [], [], [], [], [], [], [], [], []
        for model in self.models:
            cutoff = 0.31
            cutoffs.append(("her2", model, "", "crossfit", cutoff, "Youden", int((self.side == "train").sum())))
            aucs = {}
            for protocol, side, role in (
                ("paper", "train", "apparent"),
                ("crossfit", "train", "out-of-fold"),
                ("paper", "test", "test"),
                ("crossfit", "test", "test"),
            ):
                rows = self.side == side
                y, p = self.positive[rows], self.probability[model][rows]
                if role == "apparent":
                    p = expit(logit(p) + 2.2 * y)
                if (protocol, role) == ("paper", "test"):
                    p = expit(logit(p) + rng(self.seed, "paper", model).normal(0, 0.7, len(p)))
                names, marked = ("her2", model, "", protocol, side), told(model, role)
                value = _auc(y, p)
                aucs[protocol, side] = value
                metrics += self._metrics(model, protocol, side, role, y, p, cutoff, value)
                order = np.argsort(-p)
                tpr, fpr = np.cumsum(y[order]) / y.sum(), np.cumsum(~y[order]) / (~y).sum()
                roc += [(*names, marked, 0.0, 0.0, np.inf)] + [
                    (*names, marked, f, t, c) for f, t, c in zip(fpr, tpr, p[order], strict=True)
                ]
                if protocol == "crossfit":
                    precision = np.cumsum(y[order]) / np.arange(1, len(y) + 1)
                    pr += [(*names, marked, t, q, c) for t, q, c in zip(tpr, precision, p[order], strict=True)]
                    groups = np.array_split(np.argsort(p), 10 if side == "train" else 6)
                    for g in groups:
                        k, n = y[g].sum(), len(g)
                        half = 1.96 * np.sqrt((k + 1) / (n + 2) * (1 - (k + 1) / (n + 2)) / n)
                        calibration.append(
                            (*names, marked, "group", p[g].mean(), k / n, max(0, k / n - half), min(1, k / n + half), n)
                        )
                    for x in np.linspace(p.min(), p.max(), 40):
                        z = expit(-0.1 + 0.85 * logit(x))
                        calibration.append((*names, marked, "curve", x, z, max(0, z - 0.1), min(1, z + 0.1), len(y)))
                    for t in np.arange(1, 100) / 100:
                        tp, fp = (y & (p >= t)).mean(), (~y & (p >= t)).mean()
                        decision.append(
                            (
                                *names,
                                marked,
                                t,
                                tp - fp * t / (1 - t),
                                y.mean() - (1 - y.mean()) * t / (1 - t),
                                0.0,
                                np.nan,
                                np.nan,
                                np.nan,
                            )
                        )
                    histogram += [
                        (*names, marked, i, q, int(v), cutoff)
                        for i, q, v in zip(np.array(self.ids)[rows], p, y, strict=True)
                    ]
            gaps.append(
                (
                    "her2",
                    model,
                    "",
                    "auc",
                    aucs["paper", "train"],
                    aucs["paper", "test"],
                    aucs["crossfit", "train"],
                    told(model, "out-of-fold"),
                    np.nan,
                    aucs["crossfit", "test"],
                    aucs["paper", "train"] - aucs["crossfit", "test" if model == "Combined" else "train"],
                    "crossfit_test" if model == "Combined" else "crossfit_out_of_fold",
                )
            )
            if model in ("Rad", "Clinical"):
                random = rng(self.seed, "splits", model)
                splits += [
                    (
                        "her2",
                        model,
                        "lightgbm",
                        k,
                        k < 0,
                        v := float(np.clip(random.normal(aucs["crossfit", "test"], 0.06), 0.4, 0.98)),
                        v - 0.12,
                        min(1, v + 0.1),
                        61,
                        18,
                    )
                    for k in range(-1, 20)
                ]
        key = ["target", "model", "variant", "protocol", "side", "role"]
        for table, rows, columns in (
            (METRICS, metrics, None), (ROC, roc, None), (PR, pr, None),
            (CALIBRATION, calibration, [*key, "kind", "predicted", "observed", "lower", "upper", "n"]),
            (DECISION, decision, None), (HISTOGRAM, histogram, None), (CUTOFFS, cutoffs, None), (OPTIMISM_GAP, gaps, None),
            (LOOKS, [("2026-01-05T10:00:00", "a1b2c3", 60), ("2026-01-06T11:30:00", "d4e5f6", 60)], None),
        ):  # fmt: skip
            table.write(out, pd.DataFrame(rows, columns=columns or list(table.names)))
        NET_BENEFIT.write(out, self._net_benefit(pd.DataFrame(decision, columns=list(DECISION.names))))
        every = pd.DataFrame(splits, columns=list(SPLITS.names))
        for name, model in (("radiomics_model", "Rad"), ("clinical", "Clinical")):
            folder = self.folders[name]
            if folder is not None:
                SPLITS.write(folder, every[every["model"] == model])
        pairs = [(a, b) for k, a in enumerate(self.models) for b in self.models[k + 1 :]]
        compared = []
        for k, (a, b) in enumerate(pairs):
            d = _auc(self.positive[self.side == "test"], self.probability[b][self.side == "test"]) - _auc(
                self.positive[self.side == "test"], self.probability[a][self.side == "test"]
            )
            p = float(np.clip(abs(0.6 - abs(d) * 5) / (1 + k / 9), 0.0002, 1))
            compared.append(
                (
                    "her2",
                    "crossfit",
                    "test",
                    "all",
                    "auc",
                    b,
                    "",
                    a,
                    "",
                    d,
                    d - 0.09,
                    d + 0.09,
                    p,
                    min(1, p * len(pairs)),
                    "DeLong, paired",
                )
            )
        COMPARISONS.write(out, pd.DataFrame(compared, columns=list(COMPARISONS.names)))

    def permutations(self) -> None:
        rows = [("her2", m, "", "crossfit", "logistic", 0.7, 0.501, 0.06, 99, 0.01 * (k + 1), "outcome and folds shuffled")
                for k, m in enumerate(self.models)]  # fmt: skip
        PERMUTATIONS.write(self.stage("permutations"), pd.DataFrame(rows, columns=list(PERMUTATIONS.names)))

    def _net_benefit(self, decision: pd.DataFrame) -> pd.DataFrame:
        """At three thresholds, with invented intervals, against treating everyone and against Clinical."""
        table = decision[decision["threshold"].round(2).isin([0.1, 0.2, 0.3])].copy()
        key = ["protocol", "side", "threshold"]
        clinical = table[table["model"] == "Clinical"].set_index(key)["net_benefit"]
        table["role"] = np.where(table["side"] == "train", "out-of-fold", "held-out")
        table["lower"], table["upper"] = table["net_benefit"] - 0.08, table["net_benefit"] + 0.08
        table["less_treat_all"] = table["net_benefit"] - table["treat_all"]
        other = pd.MultiIndex.from_frame(table[key])
        table["less_clinical"] = table["net_benefit"] - clinical.reindex(other).to_numpy()
        for name in ("less_treat_all", "less_clinical"):
            table[f"{name}_lower"], table[f"{name}_upper"] = table[name] - 0.05, table[name] + 0.05
        for side in ("train", "test"):
            own = self.side == side
            table.loc[table["side"] == side, ["n", "n_positive"]] = own.sum(), self.positive[own].sum()
        return table.astype({"n": int, "n_positive": int})[list(NET_BENEFIT.names)]

    def _metrics(
        self, model: str, protocol: str, side: str, role: str, y: np.ndarray, p: np.ndarray, cutoff: float, value: float
    ) -> list[tuple]:
        n, k, called = len(y), int(y.sum()), p >= cutoff
        tp, fp, tn, fn = (y & called).sum(), (~y & called).sum(), (~y & ~called).sum(), (y & ~called).sum()
        method = {
            "apparent": "DeLong",
            "out-of-fold": "out-of-fold, within fold and seed; DeLong (logit) widened for shared training patients",
            "test": "DeLong, logit scale",
        }[role]
        half = 1.96 * np.sqrt(value * (1 - value) / max(k, 1))
        rows = [("auc", value, max(0, value - half), min(1, value + half), method)]
        for name, a, b in (
            ("sensitivity", tp, tp + fn),
            ("specificity", tn, tn + fp),
            ("ppv", tp, tp + fp),
            ("npv", tn, tn + fn),
            ("accuracy", tp + tn, n),
        ):
            share = a / b if b else np.nan
            rows.append((name, share, max(0, share - 0.12), min(1, share + 0.1), "Wilson"))
        f1 = 2 * tp / (2 * tp + fp + fn)
        rows += [("f1", f1, f1 - 0.1, f1 + 0.1, "bootstrap"), ("balanced_accuracy", (tp / k + tn / (n - k)) / 2, 0.6, 0.8, "bootstrap"),
                 ("brier", float(((p - y) ** 2).mean()), np.nan, np.nan, "mean squared error"), ("scaled_brier", 0.12, np.nan, np.nan, ""),
                 ("calibration_intercept", 0.08, -0.42, 0.58, "logistic recalibration"), ("calibration_slope", 0.71 if side == "test" else 0.93, 0.28, 1.14, "logistic recalibration"),
                 ("hosmer_lemeshow_p", 0.41, np.nan, np.nan, "10 groups, df 10"),
                 ("mean_probability", float(p.mean()), np.nan, np.nan, "descriptive"), ("sd_probability", float(p.std()) * (0.7 if side == "test" else 1), np.nan, np.nan, "descriptive")]  # fmt: skip
        return [
            ("her2", model, "", "chosen", protocol, side, told(model, role), "all", name, v, lo, hi, n, k, cutoff, how)
            for name, v, lo, hi, how in rows
        ]


def told(model: str, role: str) -> str:
    """The role of a value in tables."""
    stacked = (model, role) == (Model.COMBINED, "out-of-fold")
    return Role.STACKED.value if stacked else {"test": Role.HELD_OUT.value}.get(role, role)


def outlined(run: FakeRun) -> Iterator[Outlined]:
    """Twenty-four cases as the contact sheet takes them: speckle with a dark ellipse, some with a second reader's outline."""
    y, x = np.mgrid[:160, :220]
    for k in range(24):
        random = rng(run.seed, "image", k)
        a, b = 18 + 12 * random.random(2)
        inside = ((y - 80) / a) ** 2 + ((x - 110) / b) ** 2 < 1
        other = ((y - 78) / (a + 2)) ** 2 + ((x - 112) / b) ** 2 < 1
        image = 90 * random.rayleigh(size=inside.shape) * np.where(inside, 0.4, 1.0)
        label = f"her2 {'positive' if run.positive[-1 - k] else 'negative'}"
        yield Outlined(f"{run.ids[-1 - k]}_a", label, image, inside, other if k % 3 == 0 else None)


def _auc(y: np.ndarray, p: np.ndarray) -> float:
    return float((p[y][:, None] > p[~y][None, :]).mean() + 0.5 * (p[y][:, None] == p[~y][None, :]).mean())
