# ruff: noqa: E501  (rows of made-up tables stand on one line each)
"""A made-up run folder with every table that the report reads: plausible numbers, awkward names, one stage left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from dlr.randomness import rng
from dlr.report import Outlined
from dlr.tables import COMPARISONS, METRICS, PREDICTIONS, SELECTION

INJECTION = "<script>document.title='owned'</script><b>年龄</b>"
LONG = "lymph_node_metastasis_on_preoperative_axillary_ultrasound_or_biopsy"
FAMILIES = {"firstorder": 18, "glcm": 24, "gldm": 14, "glrlm": 16, "glszm": 16, "ngtdm": 5}
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
SETTINGS = {
    "seed": 20250607,
    "cohort": {"target": "her2", "external": [], "per_patient": "largest_roi", "pixel_spacing_mm": None},
    "radiomics": {"profile": "hu1561", "engine": "pyradiomics"},
    "stability": {"threshold": 0.75, "agreement": 0.75},
    "learn": {
        "folds": 5, "seeds": 3, "protocols": ["paper", "crossfit"], "t_test": "welch", "p": 0.05, "correlation": 0.8,
        "lasso_rule": "min", "lasso_folds": 10, "trees": 200, "max_grid": 8, "max_missing": 0.2, "impute": "median",
        "icc_filter": 0.75,
        "algorithms": ["logistic", "random_forest", "extra_trees", "xgboost", "lightgbm"],
    },
    "combine": {"variables": ["pr", "calcification"], "signature": "DLR", "penalty": "firth", "bootstrap": 200},
    "evaluate": {
        "thresholds": [0.05, 0.60], "plausible_auc": {"her2": 0.90}, "primary": ["Combined", "Clinical"],
        "bootstrap": 1000,
    },
}  # fmt: skip


class FakeRun:
    """Writes the stages' folders under `folder`; `models` says which of the five exist."""

    def __init__(self, folder: Path, models: tuple[str, ...] = tuple(STRENGTH), seed: int = 7) -> None:
        self.folder, self.models, self.seed = folder, models, seed
        self.folders: dict[str, Path | None] = {}
        self.left_out: dict[str, str] = {}
        self.settings: dict = json.loads(json.dumps(SETTINGS))
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
        table.to_parquet(out / "cohort.parquet", index=False)
        train, test = (self.side == "train").sum(), (self.side == "test").sum()
        pd.DataFrame([
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
        ], columns=["step", "patients", "cases", "reason"]).to_csv(out / "flow.csv", index=False)  # fmt: skip
        columns = [
            {"name": "age", "kind": "numeric", "levels": [], "log": False, "available": "imaging", "unit": "years", "label": INJECTION},
            {"name": "pr", "kind": "binary", "levels": ["negative", "positive"], "log": False, "available": "biopsy", "unit": "", "label": "PR status"},
            {"name": "calcification", "kind": "binary", "levels": ["absent", "present"], "log": False, "available": "imaging", "unit": "", "label": "钙化"},
            {"name": "birads", "kind": "ordered", "levels": ["3", "4a", "4b", "4c", "5"], "log": False, "available": "imaging", "unit": "", "label": "BI-RADS"},
            {"name": LONG, "kind": "binary", "levels": ["no", "yes"], "log": False, "available": "surgery", "unit": "", "label": ""},
        ]  # fmt: skip
        if "Clinical" not in self.models:
            columns = []
        (out / "columns.json").write_text(json.dumps({"targets": ["her2"], "columns": columns}, ensure_ascii=False))
        pd.DataFrame([
            ("headers", "年龄", "age", 0), ("headers", "孕激素受体", "pr", 0), ("values: pr", "阳性", "1", 118), ("values: pr", "阴性", "0", 83),
            ("values: her2", "3+", "1", 40), ("values: her2", "<script>alert(1)</script>", "0", 2),
        ], columns=["source", "header_or_value", "mapped_to", "cells"]).to_csv(out / "mappings.csv", index=False)  # fmt: skip
        pd.DataFrame([
            ("case 00012_a", "mask has another origin (0.5, 0.5) and spacing (0.0846, 0.0846); taken as pixels"),
            ("spacing", "the files do not say a spacing: shape and diameters are in pixels"),
        ], columns=["where", "what"]).to_csv(out / "notes.csv", index=False)  # fmt: skip

    # --- what was measured ---------------------------------------------------------------------------------------

    def features(self) -> list[str]:
        names = [f"original_shape2D_{n}" for n in ("MeshSurface", "Perimeter", "Sphericity", "Elongation")]
        for image in IMAGES:
            for family in FAMILIES:
                names += [f"{image}_{family}_{NAMES[k]}" for k in range(4)]
        return names

    def radiomics(self) -> None:
        out, random = self.stage("radiomics"), rng(self.seed, "features")
        rows = [("shape2D", "original", 9)]
        rows += [(family, image, count) for image in IMAGES for family, count in FAMILIES.items()]
        pd.DataFrame(rows, columns=["family", "image_type", "count"]).to_csv(out / "families.csv", index=False)
        names = self.features()
        latent = random.normal(size=(self.n, 12))
        latent[:, 0] += 1.1 * self.positive
        load = random.normal(size=(12, len(names))) * (random.random((12, len(names))) < 0.25)
        values = latent @ load + 0.7 * random.normal(size=(self.n, len(names)))
        table = pd.DataFrame(values, columns=names)
        table.insert(0, "patient_id", self.ids)
        table.insert(0, "case_id", [f"{p}_a" for p in self.ids])
        table.to_parquet(out / "features.parquet", index=False)
        pd.DataFrame({
            "name": names, "family": [n.split("_")[1] for n in names], "image_type": [n.split("_")[0] for n in names],
            "ibsi_code": "", "unit": "", "noise_on_one_slice": [n.startswith("wavelet-HH") for n in names],
        }).to_csv(out / "dictionary.csv", index=False)  # fmt: skip
        pd.DataFrame([("00007_a", names[5], "flat region"), ("00007_a", names[9], "flat region"), ("张伟-07_a", names[5], "one grey level")],
                     columns=["case_id", "feature", "reason"]).to_csv(out / "missing.csv", index=False)  # fmt: skip

    def stability(self) -> None:
        out, random = self.stage("stability"), rng(self.seed, "stability")
        names = self.features()
        icc = np.clip(1 - random.gamma(1.4, 0.13, len(names)), -0.1, 0.999)
        pd.DataFrame({
            "part": "paper", "feature": names, "perturbation": "readers", "seed": -1, "fold": -1, "icc": icc, "lower": icc - 0.1,
            "upper": np.minimum(icc + 0.06, 1), "n": 140, "kept": icc >= 0.75,
        }).to_parquet(out / "stability.parquet", index=False)  # fmt: skip
        dice = np.clip(1 - random.gamma(2, 0.06, 120), 0.4, 1)
        pd.DataFrame({
            "case_id": [f"{p}_a" for p in self.ids[-120:]], "patient_id": self.ids[-120:], "dice": dice,
            "hausdorff95": 40 * (1 - dice) + 1, "unit": "pixels", "below": dice < 0.75,
        }).to_csv(out / "agreement.csv", index=False)  # fmt: skip

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
        selection.to_parquet(out / "selection.parquet", index=False)
        last = selection[(selection["protocol"] == "crossfit") & (selection["step"] == "lasso") & selection["kept"]]
        counts = (
            last.groupby("feature").agg(kept=("kept", "size"), mean_coefficient=("coefficient", "mean")).reset_index()
        )
        counts["target"], counts["of"], counts["frequency"] = "her2", 15, counts["kept"] / 15
        counts.to_csv(out / "selection_frequency.csv", index=False)
        log_lambda = np.linspace(-7, -1.2, 60)
        pd.DataFrame([
            (x, name, weight * max(0.0, 1 - np.exp(x + 1.5 + k / 3)))
            for k, (name, weight) in enumerate(zip([*kept, *names[7:30:2]], random.normal(0, 0.2, 40), strict=False))
            for x in log_lambda
        ], columns=["log_lambda", "feature", "coefficient"]).to_csv(out / "lasso_path.csv", index=False)  # fmt: skip
        pd.DataFrame({
            "log_lambda": log_lambda, "mean": 1.05 + 0.02 * (log_lambda + 3.4) ** 2, "sd": 0.06,
            "lambda_min": np.exp(-3.4), "lambda_1se": np.exp(-2.2),
        }).to_csv(out / "lasso_cv.csv", index=False)  # fmt: skip
        weights = random.normal(0, 0.2, len(kept))
        pd.DataFrame({"feature": kept, "coefficient": weights, "mean": 1.5, "sd": 0.3}).to_csv(
            out / "rad_score.csv", index=False
        )
        terms = [f"{w:+.6f} * ({n} - 1.5) / 0.3" for n, w in zip(kept, weights, strict=True)]
        (out / "rad_score.txt").write_text("Rad-score = -1.021482 " + " ".join(terms))
        algorithms = []
        for model in [m for m in self.models if m in ("Rad", "DLR", "Clinical")]:
            for k, name in enumerate(SETTINGS["learn"]["algorithms"]):
                value = 0.66 + 0.03 * k - 0.02 * len(model) / 4
                algorithms.append(
                    ("her2", model, "", name, value, value - 0.08, value + 0.07, value - 0.012 if k == 4 else np.nan, 5)
                )
        pd.DataFrame(algorithms, columns=["target", "model", "variant", "algorithm", "out_of_fold_auc", "lower", "upper", "bbc_corrected", "n_tried"]).to_csv(
            out / "algorithms.csv", index=False)  # fmt: skip
        pd.DataFrame([("her2", "Rad", "crossfit", s, f, "lightgbm" if (s + f) % 3 else "logistic", "median inner AUC", 0.71, True)
                      for s in range(3) for f in range(5)],
                     columns=["target", "model", "protocol", "seed", "fold", "algorithm", "criterion", "value", "chosen"]).to_csv(
            out / "choices.csv", index=False)  # fmt: skip
        self.predictions("Rad", out)

    def predictions(self, model: str, out: Path) -> None:
        rows = [(p, "her2", s, "crossfit", model, "", "chosen", 0, 0, v, "probability")
                for p, s, v in zip(self.ids, self.side, self.probability[model], strict=True)]  # fmt: skip
        pd.DataFrame(rows, columns=list(PREDICTIONS.names)).to_parquet(out / "predictions.parquet", index=False)

    def deep(self) -> None:
        out, random = self.stage("deep"), rng(self.seed, "deep")
        rows = [("DL", s, f, e, part, "loss", 0.62 * np.exp(-e / scale) + floor + 0.02 * random.normal())
                for s in range(1) for f in range(5) for e in range(1, 26)
                for part, scale, floor in (("train", 6, 0.2), ("validation", 4, 0.45))]  # fmt: skip
        pd.DataFrame(rows, columns=["model", "seed", "fold", "epoch", "part", "measure", "value"]).to_csv(
            out / "curves.csv", index=False
        )
        self.predictions("DL", out)
        fuse = self.stage("fuse")
        pd.DataFrame([(0, f, k, 0.16 * 0.86**k) for f in range(5) for k in range(1, 65)],
                     columns=["seed", "fold", "component", "explained"]).to_csv(fuse / "pca.csv", index=False)  # fmt: skip
        pd.DataFrame([("joined", "Rad", 1561), ("joined", "DL", 64), ("after selection", "Rad", 8), ("after selection", "DL", 7)],
                     columns=["step", "block", "count"]).to_csv(fuse / "shares.csv", index=False)  # fmt: skip
        self.predictions("DLR", self.stage("fusion_model"))

    # --- clinical, combined ---------------------------------------------------------------------------------------

    def clinical(self) -> None:
        out = self.stage("clinical")
        header = [
            "variable",
            "level",
            "group_a",
            "group_b",
            "value_a",
            "value_b",
            "missing_a",
            "missing_b",
            "test",
            "statistic",
            "p",
            "smd",
            "side",
        ]
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

        pd.DataFrame(table("train", "test", "train against test"), columns=header).to_csv(
            out / "table1_side.csv", index=False
        )
        pd.DataFrame([*table("her2 positive", "her2 negative", "train"), *table("her2 positive", "her2 negative", "test")], columns=header).to_csv(
            out / "table1_outcome.csv", index=False)  # fmt: skip
        terms = [
            "term",
            "estimate",
            "se",
            "odds_ratio",
            "lower",
            "upper",
            "profile_lower",
            "profile_upper",
            "p",
            "method",
            "n",
            "n_positive",
        ]
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
        full.iloc[1:].to_csv(out / "univariable.csv", index=False)
        full.iloc[[0, 2, 3]].to_csv(out / "multivariable.csv", index=False)
        full.iloc[[0, 2]].assign(method="Firth").to_csv(out / "stepwise.csv", index=False)
        pd.DataFrame(
            [("pr", 1.04, 1, 1.02), ("calcification", 1.04, 1, 1.02)], columns=["term", "gvif", "df", "gvif_scaled"]
        ).to_csv(out / "vif.csv", index=False)
        pd.DataFrame([("events", 43, "patients with the outcome on the training side"), ("candidate_parameters", 6, "columns offered to selection"),
                      ("events_per_parameter", 7.2, "events over candidate parameters"), ("riley_maximum_parameters", 2.6, "parameters this training side carries (Nagelkerke R² 0.15)")],
                     columns=["quantity", "value", "explanation"]).to_csv(out / "sample_size.csv", index=False)  # fmt: skip
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
        pd.DataFrame(rows, columns=["model", "term", "estimate", "se", "odds_ratio", "lower", "upper", "p", "method", "target", "protocol", "variant", "set"]).to_csv(
            out / "combined_terms.csv", index=False)  # fmt: skip
        pd.DataFrame([("auc", 0.82, 0.021, 0.799, "", 200), ("calibration_slope", 1.0, 0.09, 0.91, "", 200), ("brier", 0.155, -0.006, 0.161, "", 200)],
                     columns=["measure", "apparent", "optimism", "corrected", "variant", "replicates"]).assign(target="her2").to_csv(out / "optimism.csv", index=False)  # fmt: skip
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
            sets.append({"name": name, "primary": not sets, "nomogram": drawn.to_dict(),
                         "title": f"her2: {name}", "file": "nomogram.pdf" if not sets else "nomogram_2.pdf", "example": {"patient_id": self.ids[200], **json.loads(patient.iloc[0].to_json())}})  # fmt: skip
            points.append(drawn.table().assign(set=name))
            (out / ("nomogram.pdf" if len(sets) == 1 else f"nomogram_{len(sets)}.pdf")).write_bytes(
                b"%PDF-1.4\n%%EOF\n"
            )
        (out / "nomogram.json").write_text(json.dumps({"sets": sets}, ensure_ascii=False))
        pd.concat(points)[["set", "variable", "value", "points"]].to_csv(out / "points.csv", index=False)
        pd.DataFrame([(s["name"], self.n, 3e-16) for s in sets], columns=["set", "patients", "max_difference"]).to_csv(
            out / "check.csv", index=False
        )

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
                names = ("her2", model, "", protocol, side)
                value = _auc(y, p)
                aucs[protocol, side] = value
                metrics += self._metrics(model, protocol, side, role, y, p, cutoff, value)
                order = np.argsort(-p)
                tpr, fpr = np.cumsum(y[order]) / y.sum(), np.cumsum(~y[order]) / (~y).sum()
                roc += [(*names, role, 0.0, 0.0, np.inf)] + [
                    (*names, role, f, t, c) for f, t, c in zip(fpr, tpr, p[order], strict=True)
                ]
                if protocol == "crossfit":
                    precision = np.cumsum(y[order]) / np.arange(1, len(y) + 1)
                    pr += [(*names, t, q, c) for t, q, c in zip(tpr, precision, p[order], strict=True)]
                    groups = np.array_split(np.argsort(p), 10 if side == "train" else 6)
                    for g in groups:
                        k, n = y[g].sum(), len(g)
                        half = 1.96 * np.sqrt((k + 1) / (n + 2) * (1 - (k + 1) / (n + 2)) / n)
                        calibration.append(
                            (*names, "group", p[g].mean(), k / n, max(0, k / n - half), min(1, k / n + half), n)
                        )
                    for x in np.linspace(p.min(), p.max(), 40):
                        z = expit(-0.1 + 0.85 * logit(x))
                        calibration.append((*names, "curve", x, z, max(0, z - 0.1), min(1, z + 0.1), len(y)))
                    for t in np.arange(1, 100) / 100:
                        tp, fp = (y & (p >= t)).mean(), (~y & (p >= t)).mean()
                        decision.append(
                            (*names, t, tp - fp * t / (1 - t), y.mean() - (1 - y.mean()) * t / (1 - t), 0.0)
                        )
                    histogram += [
                        (*names, i, q, int(v), cutoff) for i, q, v in zip(np.array(self.ids)[rows], p, y, strict=True)
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
                    aucs["crossfit", "test"],
                    aucs["paper", "train"] - aucs["crossfit", "train"],
                )
            )
            if model in ("Rad", "Clinical", "Combined"):
                random = rng(self.seed, "splits", model)
                splits += [
                    (
                        "her2",
                        model,
                        k,
                        v := float(np.clip(random.normal(aucs["crossfit", "test"], 0.06), 0.4, 0.98)),
                        v - 0.12,
                        min(1, v + 0.1),
                        61,
                        18,
                    )
                    for k in range(20)
                ]
        pd.DataFrame(metrics, columns=list(METRICS.names)).to_csv(out / "metrics.csv", index=False)
        key = ["target", "model", "variant", "protocol", "side"]
        for name, rows, columns in (
            ("roc", roc, [*key, "role", "false_positive_rate", "sensitivity", "cutoff"]), ("pr", pr, [*key, "recall", "precision", "cutoff"]),
            ("calibration", calibration, [*key, "kind", "predicted", "observed", "lower", "upper", "n"]),
            ("decision", decision, [*key, "threshold", "net_benefit", "treat_all", "treat_none"]),
            ("histogram", histogram, [*key, "patient_id", "probability", "positive", "cutoff"]),
            ("cutoffs", cutoffs, ["target", "model", "variant", "protocol", "cutoff", "rule", "n"]),
            ("splits", splits, ["target", "model", "split", "auc", "lower", "upper", "n_test", "n_positive"]),
            ("optimism_gap", gaps, ["target", "model", "variant", "metric", "paper_train", "paper_test", "crossfit_out_of_fold", "crossfit_test", "gap"]),
            ("looks", [("2026-01-05T10:00:00", "a1b2c3", 60), ("2026-01-06T11:30:00", "d4e5f6", 60)], ["time", "key", "patients"]),
        ):  # fmt: skip
            pd.DataFrame(rows, columns=columns).to_csv(out / f"{name}.csv", index=False)
        pairs = [(a, b) for k, a in enumerate(self.models) for b in self.models[k + 1 :]]
        table = []
        for k, (a, b) in enumerate(pairs):
            d = _auc(self.positive[self.side == "test"], self.probability[b][self.side == "test"]) - _auc(
                self.positive[self.side == "test"], self.probability[a][self.side == "test"]
            )
            p = float(np.clip(abs(0.6 - abs(d) * 5) / (1 + k / 9), 0.0002, 1))
            table.append(
                (
                    "her2",
                    "crossfit",
                    "test",
                    "all",
                    "auc",
                    b,
                    a,
                    d,
                    d - 0.09,
                    d + 0.09,
                    p,
                    min(1, p * len(pairs)),
                    "DeLong, paired",
                )
            )
        pd.DataFrame(table, columns=list(COMPARISONS.names)).to_csv(out / "comparisons.csv", index=False)

    def _metrics(
        self, model: str, protocol: str, side: str, role: str, y: np.ndarray, p: np.ndarray, cutoff: float, value: float
    ) -> list[tuple]:
        n, k, called = len(y), int(y.sum()), p >= cutoff
        tp, fp, tn, fn = (y & called).sum(), (~y & called).sum(), (~y & ~called).sum(), (y & ~called).sum()
        method = {
            "apparent": "DeLong",
            "out-of-fold": "out-of-fold, within folds; patient bootstrap given these models",
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
                 ("hosmer_lemeshow_p", 0.41, np.nan, np.nan, "10 groups, df 10"), ("net_benefit_at_cutoff", float((y & called).mean() - (~y & called).mean() * cutoff / (1 - cutoff)), np.nan, np.nan, ""),
                 ("mean_probability", float(p.mean()), np.nan, np.nan, "descriptive"), ("sd_probability", float(p.std()) * (0.7 if side == "test" else 1), np.nan, np.nan, "descriptive")]  # fmt: skip
        return [
            ("her2", model, "", "chosen", protocol, side, "all", name, v, lo, hi, n, k, cutoff, how)
            for name, v, lo, hi, how in rows
        ]


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
