"""The ablation: which signatures are its rows, on whom, and what each loses against the whole network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr import stats
from dlr.study.ablation import ROWS, ablation_table, is_ablation_row
from dlr.study.measures import Evaluated, evaluated_signatures, leading
from dlr.tables import ABLATION
from dlr.words import Target
from tests.study.hand_made import HER2, KI67, cohort_of, evaluated, predictions_of

ER = Target("er")
TRUTH = [1, 1, 1, 0, 0, 0]
FULL = [0.9, 0.8, 0.7, 0.75, 0.2, 0.1]  # 3 + 3 + 2 of 9 pairs ordered
LESS = [0.9, 0.3, 0.5, 0.6, 0.2, 0.4]  # 3 + 1 + 2
PATIENTS = [f"P{k:02d}" for k in range(24)]
DRAWN = np.random.default_rng(7)
LABELS = {name: dict(zip(PATIENTS, DRAWN.permutation([0.0, 1.0] * 12), strict=True)) for name in ("her2", "er")}
KI = {patient: float(value) for patient, value in zip(PATIENTS, DRAWN.integers(0, 100, 24), strict=True)}
SEEN = {  # what stands beside the network: model, variant, algorithm
    "full": ("Spatial", "", "chosen"),
    "core_only": ("Spatial", "core_only", "chosen"),
    "without_attention": ("Spatial", "without_attention", "chosen"),
    "radiomics_logistic": ("Rad", "", "logistic"),
    "radiomics_svm": ("Rad", "", "svm"),
    "frozen": ("DL", "", "chosen"),
}


def table(signatures: list[Evaluated], replicates: int = 200) -> pd.DataFrame:
    return ABLATION.conform(ablation_table(signatures, 1, replicates))


def spatial(value: list[float], variant: str = "", **names: Any) -> Evaluated:
    return evaluated(TRUTH, value, model="Spatial", variant=variant, **names)


def study(side: str = "train", mixed: bool = False) -> list[Evaluated]:
    """Two markers and Ki-67 by everything of SEEN, two seeds of three folds on the training side."""
    rows = []
    for place, (model, variant, algorithm) in enumerate(SEEN.values()):
        noise = np.random.default_rng(place)
        named = {"model": model, "variant": variant, "algorithm": algorithm, "side": side}
        for target, truth in LABELS.items():
            for seed in (0, 1):
                value = {p: 0.3 + 0.2 * truth[p] + 0.4 * noise.random() for p in PATIENTS}
                fold = [(k + seed) % 3 for k in range(24)]
                rows.append(predictions_of(value, target=target, seed=seed, **named).assign(fold=fold))
        if model != "DL":
            value = {p: 0.6 * KI[p] + 30 * noise.random() for p in PATIENTS}
            rows.append(predictions_of(value, target="ki67", kind="per_cent", **named).assign(fold=fold))
    known = {name: list(LABELS[name].values()) for name in LABELS}
    made = {"patient_id": PATIENTS, **known, "ki67": list(KI.values()), "side": side}
    predictions = pd.concat(rows, ignore_index=True)
    if mixed:
        predictions = predictions.sample(frac=1, random_state=4)
    return evaluated_signatures(predictions, cohort_of(made, targets=(HER2, ER, KI67)))


def test_a_part_that_is_taken_away_costs_what_delong_says() -> None:
    """8 of 9 pairs are ordered by the whole, 6 of 9 without a part."""
    found = table([spatial(LESS, "core_only"), spatial(FULL)])
    assert found["row"].tolist() == ["full", "core_only"] and set(found["metric"]) == {"auc"}
    full, less = found.to_dict("records")
    assert full["value"] == pytest.approx(8 / 9) and less["value"] == pytest.approx(6 / 9)
    assert np.isnan(full["difference"]) and np.isnan(full["p"])
    expected = stats.delong_test(np.array(TRUTH) == 1, LESS, FULL)
    assert less["difference"] == pytest.approx(-2 / 9) == expected.difference
    assert (less["difference_lower"], less["difference_upper"], less["p"]) == (
        expected.lower, expected.upper, expected.p,
    )  # fmt: skip
    own = stats.auc(np.array(TRUTH) == 1, LESS)
    assert (less["lower"], less["upper"], less["n"]) == (own.lower, own.upper, 6)
    assert less["method"] == own.method and less["difference_method"] == expected.method
    assert full["difference_method"] == ""


def test_out_of_fold_the_difference_is_paired_and_has_no_p() -> None:
    found = table(study()).set_index(["target", "row"])
    signatures = {(one.target.name, one.model, one.variant, one.algorithm): one for one in study()}
    for target in LABELS:
        full = signatures[target, *SEEN["full"]]
        for row in ("core_only", "radiomics_svm", "frozen"):
            one = signatures[target, *SEEN[row]]
            both = one.chains.merge(full.chains, on=["patient_id", "seed", "fold"], suffixes=("_a", "_b"))
            positive = both["patient_id"].map(LABELS[target]).to_numpy() == 1
            expected = stats.auc_difference(
                positive, both["value_a"], both["value_b"], both["fold"], both["seed"],
                patients=both["patient_id"].to_numpy(),
            )  # fmt: skip
            entry = found.loc[(target, row)]
            assert entry["difference"] == pytest.approx(expected.value, abs=1e-12)
            assert (entry["difference_lower"], entry["difference_upper"]) == (expected.lower, expected.upper)
            assert entry["value"] == leading(one).value
            assert np.isnan(entry["p"]) and entry["method"].startswith("out-of-fold, within fold and seed")
    differences = found["difference"].dropna()
    values = found["value"].unstack("row")
    for (target, row), difference in differences.items():  # a difference is that of the two values beside it
        assert difference == pytest.approx(values.at[target, row] - values.at[target, "full"], abs=1e-12)


def test_the_mean_of_the_markers_stands_beside_them_and_ki67_by_its_errors() -> None:
    found = table(study())
    assert found[["target", "metric"]].drop_duplicates().to_numpy().tolist() == [
        ["er", "auc"], ["her2", "auc"], ["ki67", "mae"], ["macro", "auc"],
    ]  # fmt: skip
    assert found.groupby("target")["row"].agg(list).to_dict() == {
        **{name: [row for row in ROWS if row in SEEN] for name in ("er", "her2", "macro")},
        "ki67": [row for row in ROWS if row in SEEN and row != "frozen"],
    }
    value = found.set_index(["target", "row"])["value"]
    for row in SEEN:
        assert value["macro", row] == pytest.approx((value["er", row] + value["her2", row]) / 2, abs=1e-12)
    (full, less) = (
        next(one for one in study() if one.target == KI67 and one.model == "Spatial" and one.variant == variant)
        for variant in ("", "core_only")
    )
    expected = stats.absolute_error_difference(less.truth, less.value, full.value)
    entry = found.set_index(["target", "row"]).loc[("ki67", "core_only")]
    assert entry["value"] == pytest.approx(np.abs(less.value - less.truth).mean())
    assert entry["difference"] == pytest.approx(expected.difference) and np.isnan(entry["p"])
    held_out = table(study("test")).set_index(["target", "row"])
    assert held_out.loc[("ki67", "core_only"), "p"] == expected.p
    assert np.isnan(held_out.loc[("macro", "core_only"), "p"]), "no test of a mean of areas"


def test_all_rows_are_of_the_patients_and_drawings_that_every_row_has() -> None:
    """One row lacks P00, another's chains are of one drawing of the folds alone."""
    every = study()
    some = [
        one.of(set(PATIENTS[1:]), "all") if one.model == "DL"
        else one if one.variant != "core_only"
        else evaluated(
            one.truth.tolist(), one.value.tolist(), chains=one.chains[one.chains["seed"] == 0], target=one.target,
            model="Spatial", variant="core_only", side="train", role="out-of-fold", patients=one.patients,
        )
        for one in every
    ]  # fmt: skip
    found = table(some)
    assert set(found.loc[found["target"].isin(["er", "her2"]), "n"]) == {23}
    full = next(one for one in every if one.model == "Spatial" and not one.variant and one.target == ER)
    rows = full.chains[(full.chains["seed"] == 0) & (full.chains["patient_id"] != "P00")]
    positive = rows["patient_id"].map(LABELS["er"]).to_numpy() == 1
    within = stats.auc_within_folds(positive, rows["value"], rows["fold"], rows["seed"])
    value = found.set_index(["target", "row"])["value"]
    assert value["er", "full"] == pytest.approx(within.value, abs=1e-12)
    assert value["er", "frozen"] != table(every).set_index(["target", "row"])["value"]["er", "frozen"]


def test_errors_of_all_rows_are_those_of_the_drawings_that_every_row_has() -> None:
    """Two chains of the whole network err by 10 and 20, one of which the other row has too: 10 against 4."""
    named = {"target": "ki67", "kind": "per_cent", "model": "Spatial"}

    def drawn(error: float, seed: int, variant: str = "") -> pd.DataFrame:
        return predictions_of(dict.fromkeys(PATIENTS, 50 + error), seed=seed, variant=variant, **named)

    predictions = pd.concat([drawn(10, 0), drawn(20, 1), drawn(4, 0, "core_only"), drawn(4, 2, "core_only")])
    cohort = cohort_of({"patient_id": PATIENTS, "ki67": [50.0] * 24, "side": "train"}, targets=(KI67,))
    found = table(evaluated_signatures(predictions, cohort)).set_index("row")
    assert found["value"].to_dict() == {"full": 10.0, "core_only": 4.0}
    assert found.loc["core_only", "difference"] == -6.0


def test_the_order_of_rows_does_not_matter() -> None:
    first, second = (ablation_table(study(mixed=mixed), 1, 100).to_csv(index=False) for mixed in (False, True))
    assert first == second


def test_apparent_values_and_other_studies_have_no_ablation() -> None:
    apparent = {"protocol": "paper", "side": "train", "role": "apparent"}
    assert table([spatial(FULL, **apparent), spatial(LESS, "core_only", **apparent)]).empty
    assert table([evaluated(TRUTH, FULL, algorithm="logistic"), evaluated(TRUTH, LESS, model="DL")]).empty
    assert table([spatial(LESS, "core_only")]).empty, "nothing whole to be held against"


def test_where_patients_chose_the_epoch_there_is_no_p() -> None:
    named = {"protocol": "paper", "side": "validation"}
    found = table([spatial(FULL, **named), spatial(LESS, "core_only", **named)])
    assert found["p"].isna().all() and "chose the network's epoch" in found["difference_method"].iloc[1]
    ki67 = {"target": KI67, "protocol": "paper", "side": "validation"}
    per_cent = table([
        evaluated([10, 20, 30, 40, 50], value, model="Spatial", variant=variant, **ki67)
        for variant, value in (("", [11, 22, 30, 41, 50]), ("core_only", [15, 26, 37, 48, 58]))
    ])  # fmt: skip
    assert per_cent["metric"].tolist() == ["mae", "mae"] and per_cent["p"].isna().all()
    assert per_cent["difference"].iloc[1] == pytest.approx(34 / 5 - 4 / 5)
    assert "chose the network's epoch" in per_cent["difference_method"].iloc[1]


def test_a_row_without_one_of_the_markers_has_no_mean_of_them() -> None:
    some = [one for one in study() if (one.model, one.target) != ("DL", ER)]
    assert "frozen" not in set(table(some).loc[lambda t: t["target"] == "macro", "row"])


def test_only_variants_of_the_network_are_kept_out_of_all_other_tables() -> None:
    assert is_ablation_row(spatial(LESS, "core_only")) and not is_ablation_row(spatial(FULL))
    assert not is_ablation_row(evaluated(TRUTH, LESS, variant="before biopsy"))
