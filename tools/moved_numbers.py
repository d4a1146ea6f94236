"""Two metrics.csv of the same study by two releases: every number of whole sides that moved, as tables of Markdown.

python tools/moved_numbers.py BEFORE/metrics.csv AFTER/metrics.csv
"""

from __future__ import annotations

import sys

import pandas as pd

KEYS = ["target", "model", "variant", "protocol", "side"]
SHOWN = {
    "auc": "AUC", "auc_pooled": "AUC pooled", "auc_plain": "AUC plain", "sensitivity": "Sens.", "specificity": "Spec.",
    "ppv": "PPV", "npv": "NPV", "accuracy": "Accuracy", "f1": "F1", "balanced_accuracy": "Bal. acc.", "brier": "Brier",
    "scaled_brier": "Scaled Brier", "calibration_intercept": "Intercept", "calibration_slope": "Slope", "ici": "ICI",
    "hosmer_lemeshow_p": "HL p", "mean_probability": "Mean p", "sd_probability": "SD p",
}  # fmt: skip


def whole_sides(path: str) -> pd.DataFrame:
    """Chosen signatures on whole sides: value, lower, upper by KEYS and metric."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    table[KEYS] = table[KEYS].fillna("")
    table = table[(table["algorithm"] == "chosen") & (table["subset"] == "all")]
    return table.set_index([*KEYS, "metric"])[["value", "lower", "upper"]].astype(float)


def printed(row: pd.Series) -> str:
    """A value with its interval where it has one."""
    if pd.isna(row["value"]):
        return "none"
    interval = "" if pd.isna(row["lower"]) else f" ({row['lower']:.2f}–{row['upper']:.2f})"
    return f"{row['value']:.3f}{interval}"


def moved(before: pd.DataFrame, after: pd.DataFrame, metric: str) -> list[tuple[str, str, str]]:
    """Signature, before and after, where the two print differently."""
    rows = []
    for key in dict.fromkeys([*before.index, *after.index]):
        if key[-1] != metric:
            continue
        old, new = (printed(table.loc[key]) if key in table.index else "–" for table in (before, after))
        if old != new:
            rows.append((" ".join(filter(None, key[1:-1])), old, new))
    return rows


def main(before_path: str, after_path: str) -> None:
    """Print a table a metric, and the metrics that came or went."""
    before, after = whole_sides(before_path), whole_sides(after_path)
    known = [set(table.index.get_level_values("metric")) for table in (before, after)]
    for metric, words in SHOWN.items():
        rows = moved(before, after, metric)
        of = sum(key[-1] == metric for key in after.index)
        print(f"\n**{words}**: {len(rows) or 'none'} of {of} moved\n")
        if rows:
            print("| signature | before | after |\n| --- | --- | --- |")
            print("\n".join(f"| {name} | {old} | {new} |" for name, old, new in rows))
    gone, new = (", ".join(sorted(a - b)) or "none" for a, b in (known, known[::-1]))
    print(f"\nGone: {gone}. New: {new}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
