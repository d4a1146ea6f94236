"""The checks of the battery: what was measured in pairs of check patients, against limits fixed beforehand.

Bicubic enlargement, which adds nothing, goes through the same measures and is the null: differences are paired with it.
The unit is the patient. Means have percentile intervals of 2,000 draws of patients, shares have Wilson's. The checks of
a planted control are found where the control is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlr.randomness import rng
from dlr.stats import bootstrap_estimate, icc_many, interval_wilson
from dlr.superres.verdict import CAUTION, CONTROLS, HALLUCINATION, NOT_ASSESSABLE
from dlr.words import Estimate

__all__ = ["checks_of", "fidelity_of", "flip_check", "survival_check", "survival_of"]

FEWEST = 8  # check patients
CONTRADICTED = 6.0  # robust SDs: above it an output contradicts its input in one place
CONTRADICTED_SHARE = 0.05
GREY_LEVELS = 1.0
SURVIVES = 0.75  # ICC(2,1)
FIDELITY_MEASURES = ("psnr", "ssim", "perceptual", "recovered", "invented")
PRINTED = ""  # severity of rows that no verdict rests on
DRAWS_AT_ONCE = 250

Row = dict[str, object]


@dataclass(frozen=True)
class Check:
    """A check as table CHECKS names it."""

    letter: str
    name: str
    severity: str = HALLUCINATION


A = Check("A", "back-projection")
A2 = Check("A2", "residual")
B = Check("B", "grey level")
C = Check("C", "false structure")
D = Check("D", "lost structure")
E = Check("E", "detail account", CAUTION)
F = Check("F", "pure speckle")
G = Check("G", "radiomics", CAUTION)
H = Check("H", "decisions")


def checks_of(checked: pd.DataFrame, seed: int, fewest: int = FEWEST) -> pd.DataFrame:
    """Checks A to F of table CHECKED, as table CHECKS: of the restored images, those before the adversary, controls.

    Only checks of the restored images have a severity; with fewer than `fewest` patients it is "not assessable". Rows
    with no limit (the two shares of E, A on truly enhanced images) are for reading.
    """
    there = set(checked["subject"])
    subjects = [subject for subject in ("restored", "psnr", *CONTROLS) if subject in there]
    return pd.DataFrame([row for subject in subjects for row in _checks(checked, subject, seed, fewest)])


def fidelity_of(checked: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Table FIDELITY: means over check patients, and the differences to bicubic with their intervals."""
    pairs = checked[checked["measure"].isin(FIDELITY_MEASURES) & ~checked["subject"].isin(list(CONTROLS))]
    rows = []
    for subject, region, measure in pairs[["subject", "region", "measure"]].drop_duplicates().itertuples(index=False):
        both = _by_patient(pairs, region, measure)[[subject, "bicubic"]].dropna()
        own, null = both.iloc[:, 0], both.iloc[:, 1]
        difference = _mean(own - null, rng(seed, "fidelity", subject, region, measure))
        rows.append(
            {
                "subject": subject, "region": region, "measure": measure, "value": own.mean(), "bicubic": null.mean(),
                "difference": difference.value, "lower": difference.lower, "upper": difference.upper, "n": len(both),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def survival_of(truth: pd.DataFrame, restored: pd.DataFrame, bicubic: pd.DataFrame) -> pd.DataFrame:
    """Table SURVIVAL: ICC(2,1) of every feature, measured in the truth and in what is made of its simulated input.

    truth, restored, bicubic : a row a patient, a column a feature, in one order.
    """
    own, null = icc_many(truth, restored), icc_many(truth, bicubic)
    return pd.DataFrame(
        {
            "feature": truth.columns, "icc": own["icc"].to_numpy(), "icc_bicubic": null["icc"].to_numpy(),
            "n": own["n"].to_numpy(),
        }
    )  # fmt: skip


def survival_check(
    truth: pd.DataFrame, restored: pd.DataFrame, bicubic: pd.DataFrame, seed: int, fewest: int = FEWEST
) -> pd.DataFrame:
    """Check G, a row of table CHECKS: the share of features with ICC(2,1) of .75 or more, less bicubic's.

    Found where the upper limit of the difference is below 0. Features as in `survival_of`.
    """
    t, y, u = (np.asarray(features, dtype=float) for features in (truth, restored, bicubic))

    def difference(weights: np.ndarray) -> np.ndarray:
        blocks = np.array_split(weights, max(1, len(weights) // DRAWS_AT_ONCE))
        return np.concatenate([_surviving(t, y, block) - _surviving(t, u, block) for block in blocks])

    found = bootstrap_estimate(difference, np.ones(len(t), dtype=bool), "patients", rng(seed, "check G"))
    null = float(_surviving(t, u, np.ones((1, len(t))))[0])
    statistic = "share of features with ICC(2,1) of .75 or more, less bicubic's"
    return pd.DataFrame([_row(G, "restored", statistic, found, null, 0.0, bool(found.upper < 0), fewest)])


def flip_check(
    truth: np.ndarray, restored: np.ndarray, bicubic: np.ndarray, seed: int, fewest: int = FEWEST
) -> pd.DataFrame:
    """Check H, a row of table CHECKS: the share of decisions that differ from those on the truth, less bicubic's.

    truth, restored, bicubic : decisions (patients,), or (patients, signatures).
    """
    own, null = (
        (np.asarray(made) != np.asarray(truth)).reshape(len(truth), -1).mean(axis=1) for made in (restored, bicubic)
    )
    found = _mean(own - null, rng(seed, "check H"))
    statistic = "share of changed decisions, less bicubic's"
    return pd.DataFrame([_row(H, "restored", statistic, found, float(null.mean()), 0.0, bool(found.lower > 0), fewest)])


def _checks(checked: pd.DataFrame, subject: str, seed: int, fewest: int) -> Iterator[Row]:
    """The checks of one subject; a control has only those that may see it."""
    control = subject in CONTROLS

    worst = _by_patient(checked, "lesion", "contradiction", "max")
    contradicted = interval_wilson(int((worst[subject] > CONTRADICTED).sum()), len(worst))
    statistic = "share of patients with a contradiction above 6 robust SDs in the lesion"
    found = contradicted.lower > CONTRADICTED_SHARE
    null = float((worst["bicubic"] > CONTRADICTED).mean())
    yield _row(A, subject, statistic, contradicted, null, CONTRADICTED_SHARE, found, fewest)

    if not control:
        ratio = _by_patient(checked, "lesion", "residual")
        mean = _mean(ratio[subject], rng(seed, "check", A2.letter, subject))
        statistic = "residual in the lesion over the noise put in"
        yield _row(A2, subject, statistic, mean, ratio["bicubic"].mean(), 1.0, mean.lower > 1, fewest)

        level = _by_patient(checked, "lesion", "grey_level")
        mean = _mean(level[subject], rng(seed, "check", B.letter, subject))
        found = mean.lower > GREY_LEVELS or mean.upper < -GREY_LEVELS
        statistic = "output less truth over the lesion, grey levels of 255"
        yield _row(B, subject, statistic, mean, level["bicubic"].mean(), GREY_LEVELS, found, fewest)

    false = _by_patient(checked, "lesion", "false_structures")
    yield _difference(
        C, subject, "false structures a lesion", false, "bicubic", rng(seed, "check", C.letter, subject), fewest
    )
    lost = _by_patient(checked, "lesion", "lost_structures")
    base = "restored" if control else "bicubic"
    yield _difference(D, subject, "lost structures a lesion", lost, base, rng(seed, "check", D.letter, subject), fewest)
    yield from _detail(checked, subject, rng(seed, "check", E.letter, subject), fewest)

    fields = _wide(checked, "field", "false_structures", "case_id")
    if subject in fields:
        yield _difference(
            F, subject, "false structures a field", fields, "bicubic", rng(seed, "check", F.letter, subject), 0
        )
    enhanced = _by_patient(checked, "enhanced", "contradiction", "max")
    if subject in enhanced:
        above = (enhanced > CONTRADICTED).astype(float)
        name = "share of truly enhanced images with a contradiction"
        row = _difference(A, subject, name, above, "bicubic", rng(seed, "check", "enhanced", subject), 0)
        yield row | {"limit": np.nan, "found": False, "severity": PRINTED}


def _detail(checked: pd.DataFrame, subject: str, generator: np.random.Generator, fewest: int) -> Iterator[Row]:
    """Check E, then the two shares that it compares."""
    recovered, invented = (_by_patient(checked, "lesion", name) for name in ("recovered", "invented"))
    excess = invented - recovered
    if subject in CONTROLS:
        yield _difference(E, subject, "invented less recovered detail", excess, "restored", generator, fewest)
        return
    mean = _mean(excess[subject], generator)
    statistic = "invented less recovered detail"
    yield _row(E, subject, statistic, mean, excess["bicubic"].mean(), 0.0, mean.lower > 0, fewest)
    for statistic, share in (("recovered", recovered), ("invented", invented)):
        mean = _mean(share[subject], generator)
        row = _row(E, subject, statistic, mean, share["bicubic"].mean(), np.nan, False, fewest)
        yield row | {"severity": PRINTED}


def _difference(
    check: Check,
    subject: str,
    what: str,
    values: pd.DataFrame,
    base: str,
    generator: np.random.Generator,
    fewest: int,
) -> Row:
    """A paired difference that is found where its lower limit is above 0."""
    mean = _mean(values[subject] - values[base], generator)
    less = "less bicubic's" if base == "bicubic" else "less those of the same images without the control"
    return _row(check, subject, f"{what}, {less}", mean, values["bicubic"].mean(), 0.0, mean.lower > 0, fewest)


def _row(
    check: Check,
    subject: str,
    statistic: str,
    value: Estimate,
    bicubic: float,
    limit: float,
    found: bool,
    fewest: int,
) -> Row:
    severity = PRINTED if subject != "restored" else NOT_ASSESSABLE if value.n < fewest else check.severity
    return {
        "check": check.letter, "name": check.name, "subject": subject, "statistic": statistic, "value": value.value,
        "lower": value.lower, "upper": value.upper, "bicubic": bicubic, "limit": limit, "n": value.n,
        "found": bool(found), "severity": severity,
    }  # fmt: skip


def _by_patient(checked: pd.DataFrame, region: str, measure: str, how: str = "mean") -> pd.DataFrame:
    return _wide(checked, region, measure, "patient_id", how)


def _wide(checked: pd.DataFrame, region: str, measure: str, unit: str, how: str = "mean") -> pd.DataFrame:
    """A measure's value a unit and subject."""
    rows = checked[(checked["region"] == region) & (checked["measure"] == measure)]
    return rows.pivot_table(index=unit, columns="subject", values="value", aggfunc=how)


def _mean(values: pd.Series | np.ndarray, generator: np.random.Generator) -> Estimate:
    """The mean over patients with its bootstrap interval; those without a value are left out."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return bootstrap_estimate(
        lambda weights: weights @ known / weights.sum(axis=1), np.ones(len(known), dtype=bool), "patients", generator
    )


def _surviving(truth: np.ndarray, made: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of features with ICC(2,1) of .75 or more, (B,), for weights of patients (B, n).

    truth, made : (n, features). With two ratings everything is in their mean s and difference d: between patients
    2 var(s), error var(d) / 2, raters n mean(d)^2 / 2. Features without an ICC are in neither count.
    """
    known = np.isfinite(truth) & np.isfinite(made)
    t, y = np.where(known, truth, 0.0), np.where(known, made, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (t + y).sum(axis=0) / (2 * known.sum(axis=0))
        t, y = np.where(known, t - middle, 0.0), np.where(known, y - middle, 0.0)
        largest = np.maximum(np.abs(t), np.abs(y)).max(axis=0, initial=0.0)
        s, d = (t + y) / 2 / largest, (t - y) / largest  # of size 1: no feature's unit matters
        s, d = np.nan_to_num(s), np.nan_to_num(d)
        n = weights @ known
        mean_s, mean_d = weights @ s / n, weights @ d / n
        between = 2 * (weights @ s**2 - n * mean_s**2) / (n - 1)
        error = np.maximum(weights @ d**2 - n * mean_d**2, 0.0) / 2 / (n - 1)
        raters = n * mean_d**2 / 2
        icc = (between - error) / (between + error + 2 * (raters - error) / n)
    defined = np.isfinite(icc) & (between > 1e-12) & (n > 1)
    return np.asarray((defined & (icc >= SURVIVES)).sum(axis=1) / defined.sum(axis=1))
