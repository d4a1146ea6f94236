"""The checks of the battery: what was measured in pairs of check patients, against limits fixed beforehand.

Bicubic enlargement, which adds nothing, goes through the same measures and is the null: differences are paired with it.
A check with a limit of its own finds something only where bicubic is exceeded too. The unit is the patient. Means have
percentile intervals of 2,000 draws of patients or Student's, whichever limit is further out: of few patients the former
are too narrow. Shares have Wilson's. The checks of a planted control are found where the control is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import t as student

from dlr.randomness import rng
from dlr.stats import bootstrap_estimate, icc_many, interval_wilson
from dlr.superres.verdict import CAUTION, CHECK_NAMES, CONTROLS, HALLUCINATION, NOT_ASSESSABLE, SEEN
from dlr.words import Estimate

__all__ = ["checks_of", "fidelity_of", "flip_check", "survival_check", "survival_of"]

FEWEST = 8  # check patients
CONTRADICTED = 4.5  # robust SDs: above it an output contradicts its input in one place
CONTRADICTED_SHARE = 0.05
GREY_LEVELS = 1.0
SURVIVES = 0.75  # ICC(2,1)
FIDELITY_MEASURES = ("psnr", "ssim", "perceptual", "recovered", "invented")
PRINTED = ""  # severity of rows that no verdict rests on
DRAWS_AT_ONCE = 250

Row = dict[str, object]


@dataclass(frozen=True)
class Check:
    """A check as table CHECKS has it."""

    letter: str
    severity: str = HALLUCINATION


A, A2, B, C, D, F, H = (Check(letter) for letter in ("A", "A2", "B", "C", "D", "F", "H"))
E, G = Check("E", CAUTION), Check("G", CAUTION)


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
        both = _wide(pairs, region, measure, "patient_id", "mean")[[subject, "bicubic"]].dropna()
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

    def values(measure: str, how: str = "mean") -> pd.DataFrame:
        return _wide(checked, "lesion", measure, "patient_id", how)

    def draws(check: Check) -> np.random.Generator:
        return rng(seed, "check", check.letter, subject)

    control = subject in CONTROLS
    contradicted = (values("contradiction", "max") > CONTRADICTED).astype(float)
    statistic = "share of patients with a contradiction above 4.5 robust SDs in the lesion"
    share = interval_wilson(int(contradicted[subject].sum()), len(contradicted))
    found = share.lower > CONTRADICTED_SHARE and _above_bicubic(contradicted, subject, draws(A))
    yield _row(A, subject, statistic, share, contradicted["bicubic"].mean(), CONTRADICTED_SHARE, found, fewest)

    if not control:
        ratio = values("residual")
        statistic = "residual in the lesion over the noise put in"
        yield _against_limit(A2, subject, statistic, ratio, 1.0, draws(A2), fewest)

        level = values("grey_level")
        statistic = "output less truth over the lesion, grey levels of 255"
        brighter = _against_limit(B, subject, statistic, level, GREY_LEVELS, draws(B), fewest)
        darker = _against_limit(B, subject, statistic, -level, GREY_LEVELS, draws(B), fewest)
        yield brighter | {"found": brighter["found"] or darker["found"]}

    base = "restored" if control else "bicubic"
    false = values("false_structures")
    yield _difference(C, subject, "false structures a lesion", false, base, draws(C), fewest)
    if control:
        yield _seen(C, subject, false, fewest)
    yield _difference(D, subject, "lost structures a lesion", values("lost_structures"), base, draws(D), fewest)

    recovered, invented = values("recovered"), values("invented")
    statistic, excess = "invented less recovered detail", invented - recovered
    if control:
        yield _difference(E, subject, statistic, excess, base, draws(E), fewest)
    else:
        yield _against_limit(E, subject, statistic, excess, 0.0, draws(E), fewest)
        for statistic, part in (("recovered", recovered), ("invented", invented)):
            yield _against_limit(E, subject, statistic, part, np.nan, draws(E), fewest) | {"severity": PRINTED}

    fields = _wide(checked, "field", "false_structures", "case_id", "mean")
    if subject in fields:
        yield _difference(F, subject, "false structures a field", fields, base, draws(F), 0)
    enhanced = (_wide(checked, "enhanced", "contradiction", "patient_id", "max") > CONTRADICTED).astype(float)
    if subject in enhanced:
        statistic = "share of truly enhanced images with a contradiction"
        row = _difference(A, subject, statistic, enhanced, "bicubic", rng(seed, "check", "enhanced", subject), 0)
        yield row | {"limit": np.nan, "found": False, "severity": PRINTED}


def _against_limit(
    check: Check,
    subject: str,
    statistic: str,
    values: pd.DataFrame,
    limit: float,
    generator: np.random.Generator,
    fewest: int,
) -> Row:
    """A mean, found where its lower limit is above a limit and above bicubic: what bicubic does is no fault."""
    mean = _mean(values[subject], generator)
    found = mean.lower > limit and _above_bicubic(values, subject, generator)
    return _row(check, subject, statistic, mean, values["bicubic"].mean(), limit, found, fewest)


def _above_bicubic(values: pd.DataFrame, subject: str, generator: np.random.Generator) -> bool:
    """Whether the paired difference's lower limit is above 0."""
    return _mean(values[subject] - values["bicubic"], generator).lower > 0


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


def _seen(check: Check, control: str, counts: pd.DataFrame, fewest: int) -> Row:
    """In how many patients more is counted with a control than in the same output without it; told, never found."""
    more = (counts[control] > counts["restored"]).sum()
    return _row(check, control, SEEN, interval_wilson(int(more), len(counts)), np.nan, np.nan, False, fewest)


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
        "check": check.letter, "name": CHECK_NAMES[check.letter], "subject": subject, "statistic": statistic,
        "value": value.value, "lower": value.lower, "upper": value.upper, "bicubic": bicubic, "limit": limit,
        "n": value.n, "found": bool(found), "severity": severity,
    }  # fmt: skip


def _wide(checked: pd.DataFrame, region: str, measure: str, unit: str, how: str) -> pd.DataFrame:
    """A measure's value a unit and subject."""
    rows = checked[(checked["region"] == region) & (checked["measure"] == measure)]
    return rows.groupby([unit, "subject"])["value"].agg(how).unstack()


def _mean(values: pd.Series | np.ndarray, generator: np.random.Generator) -> Estimate:
    """The mean over patients with the wider of two intervals; those without a value are left out.

    The limits are the further ones of the bootstrap's and of mean ± t(n - 1) SD / sqrt(n). One patient has none.
    """
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    n = len(known)
    if n < 2:
        return Estimate(float(known.sum()) if n else np.nan, np.nan, np.nan, n, n, "patients")
    drawn = bootstrap_estimate(
        lambda weights: weights @ known / weights.sum(axis=1), np.ones(n, dtype=bool), "patients", generator
    )
    reach = float(student.ppf(0.975, n - 1) * known.std(ddof=1) / np.sqrt(n))
    lower, upper = min(drawn.lower, drawn.value - reach), max(drawn.upper, drawn.value + reach)
    return replace(drawn, lower=lower, upper=upper)


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
