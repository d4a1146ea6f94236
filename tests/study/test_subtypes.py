"""Molecular subtypes: the rules over all combinations, what signatures call, what is true, and how often they agree."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr import stats
from dlr.study.subtypes import RULES, called_subtypes, subtype_metrics, subtypes_of
from dlr.tables import CUTOFFS, SUBTYPE_METRICS, SUBTYPES
from dlr.words import Subtype, Target, TargetKind
from tests.study.hand_made import HER2, KI67, predictions_of

ER, PR = Target("er"), Target("pr")
TARGETS = (ER, PR, HER2, KI67)
NAN = float("nan")
A, B_NEG, A_OR_B = Subtype.LUMINAL_A, Subtype.LUMINAL_B_NEGATIVE, Subtype.LUMINAL_A_OR_B
B_POS, ENRICHED, TRIPLE = Subtype.LUMINAL_B_POSITIVE, Subtype.HER2_ENRICHED, Subtype.TRIPLE_NEGATIVE
RECEPTORS = list(product((0.0, 1.0), repeat=3))  # er, pr, her2
TYPED = {  # of every pattern of er, pr, her2: what it is, None where Ki-67 decides
    (0, 0, 0): TRIPLE, (0, 0, 1): ENRICHED, (0, 1, 0): None, (0, 1, 1): B_POS, (1, 0, 0): None, (1, 0, 1): B_POS,
    (1, 1, 0): None, (1, 1, 1): B_POS,
}  # fmt: skip


def one(er: float, pr: float, her2: float, rule: str, **more: float) -> str:
    row = pd.DataFrame([{"er": er, "pr": pr, "her2": her2, **more}])
    return str(subtypes_of(row, RULES[rule]).iloc[0])


@pytest.mark.parametrize("pattern", RECEPTORS)
@pytest.mark.parametrize(
    ("rule", "ki67", "decides"),
    [
        ("st_gallen_2013", 0.0, A), ("st_gallen_2013", 14.0, A), ("st_gallen_2013", 19.9, A),
        ("st_gallen_2013", 20.0, B_NEG), ("st_gallen_2013", 100.0, B_NEG),
        ("st_gallen_2011", 13.9, A), ("st_gallen_2011", 14.0, B_NEG), ("st_gallen_2011", 19.9, B_NEG),
    ],
)  # fmt: skip
def test_the_rules_over_all_receptors_and_ki67(
    pattern: tuple[float, ...], rule: str, ki67: float, decides: Subtype
) -> None:
    assert one(*pattern, rule, ki67=ki67) == (TYPED[pattern] or decides)


@pytest.mark.parametrize("pattern", RECEPTORS)
@pytest.mark.parametrize("rule", RULES)
def test_without_ki67_luminal_tumours_without_her2_are_one(pattern: tuple[float, ...], rule: str) -> None:
    assert one(*pattern, rule) == (TYPED[pattern] or A_OR_B)


@pytest.mark.parametrize("pattern", RECEPTORS)
def test_a_ki67_that_a_patient_lacks_is_asked_for_only_where_it_decides(pattern: tuple[float, ...]) -> None:
    assert one(*pattern, "st_gallen_2013", ki67=NAN) == (TYPED[pattern] or "")


@pytest.mark.parametrize("place", range(3))
def test_an_unknown_receptor_leaves_the_subtype_unknown(place: int) -> None:
    for pattern in RECEPTORS:
        known = [NAN if k == place else value for k, value in enumerate(pattern)]
        assert one(*known, "st_gallen_2013", ki67=10.0) == ""


@pytest.mark.parametrize(("pr", "rule", "found"), [
    (19.9, "st_gallen_2013", B_NEG), (20.0, "st_gallen_2013", A), (19.9, "st_gallen_2011", A),
    (0.5, "st_gallen_2013", B_NEG),
])  # fmt: skip
def test_in_2013_luminal_a_also_asks_for_pr_of_20_per_cent(pr: float, rule: str, found: Subtype) -> None:
    assert one(1.0, float(pr >= 1), 0.0, rule, ki67=10.0, pr_per_cent=pr) == found
    assert one(1.0, float(pr >= 1), 0.0, rule, ki67=30.0, pr_per_cent=pr) == B_NEG
    assert one(1.0, 1.0, 1.0, rule, ki67=10.0, pr_per_cent=pr) == B_POS


# what signatures call ------------------------------------------------------------------------------------------------

CUT = {"er": 0.6, "pr": 0.5, "her2": 0.4}
SAID = {  # er, pr, her2, Ki-67
    "P0": (0.6, 0.1, 0.1, 19.0),  # er at its cut-off: luminal A
    "P1": (0.59, 0.5, 0.39, 21.0),  # by pr alone: luminal B
    "P2": (0.59, 0.49, 0.4, 5.0),  # HER2-enriched
    "P3": (0.1, 0.1, 0.1, 90.0),  # triple negative
    "P4": (0.9, 0.9, 0.9, 1.0),  # luminal B/HER2+
}
CALLED = {"P0": A, "P1": B_NEG, "P2": ENRICHED, "P3": TRIPLE, "P4": B_POS}
MEASURED = {"P0": (1, 1, 0, 30), "P1": (0, 1, 0, 40), "P2": (0, 0, 0, NAN), "P3": (0, 0, 0, 80), "P4": (1, 0, 0, NAN)}


def predictions(ki67: bool = True, **names: Any) -> pd.DataFrame:
    rows = [
        predictions_of({p: said[k] for p, said in SAID.items()}, target=name, **names) for k, name in enumerate(CUT)
    ]
    if ki67:
        value = {p: said[3] for p, said in SAID.items()}
        rows.append(predictions_of(value, target="ki67", kind="per_cent", **names))
    return pd.concat(rows, ignore_index=True)


def cutoffs(**more: Any) -> pd.DataFrame:
    usual = {"model": "Rad", "variant": "", "protocol": "crossfit", "rule": "Youden", "n": 9} | more
    table = pd.DataFrame({"target": list(CUT), "cutoff": list(CUT.values())}).assign(**usual)
    return CUTOFFS.conform(table[list(CUTOFFS.names)])


def labels() -> dict[str, pd.Series]:
    found = {
        name: pd.Series({p: float(known[k]) for p, known in MEASURED.items()}) for k, name in enumerate((*CUT, "ki67"))
    }
    return {name: values.dropna() for name, values in found.items()}


def called(given: pd.DataFrame, at: pd.DataFrame | None = None, rule: str = "st_gallen_2013", **more: Any) -> Any:
    return SUBTYPES.conform(called_subtypes(given, cutoffs() if at is None else at, TARGETS, rule, **more))


def test_a_subtype_is_called_at_each_receptors_own_cut_off() -> None:
    found = called(predictions()).set_index("patient_id")
    assert found["called"].to_dict() == CALLED
    assert set(found["true"]) == {""} and set(found["rule"]) == {"st_gallen_2013"} and set(found["model"]) == {"Rad"}
    assert set(found["role"]) == {"out-of-fold"}
    earlier = called(predictions(), rule="st_gallen_2011").set_index("patient_id")["called"]
    assert earlier["P0"] == B_NEG and (earlier.drop("P0") == found["called"].drop("P0")).all()


def test_the_true_subtype_is_of_the_measured_markers_and_empty_where_one_is_unknown() -> None:
    """P2 is triple negative whatever its Ki-67, P4 would need it."""
    found = called(predictions(), labels=labels()).set_index("patient_id")["true"]
    assert found.to_dict() == {"P0": B_NEG, "P1": B_NEG, "P2": TRIPLE, "P3": TRIPLE, "P4": ""}


def test_who_says_nothing_of_ki67_is_held_against_luminal_a_and_b_as_one() -> None:
    found = called(predictions(ki67=False), labels=labels()).set_index("patient_id")
    assert found["called"].to_dict() == {**CALLED, "P0": A_OR_B, "P1": A_OR_B}
    assert found["true"].to_dict() == {"P0": A_OR_B, "P1": A_OR_B, "P2": TRIPLE, "P3": TRIPLE, "P4": A_OR_B}


def test_a_signature_that_leaves_a_receptor_or_its_cut_off_out_calls_nothing() -> None:
    whole = predictions()
    assert called(whole[whole["target"] != "pr"]).empty
    assert called(whole, cutoffs()[lambda t: t["target"] != "her2"]).empty
    assert called(whole, cutoffs(variant="before biopsy")).empty and called(whole, cutoffs(protocol="paper")).empty
    assert called(whole.iloc[:0]).empty
    assert called_subtypes(whole, cutoffs(), (ER, HER2, KI67), "st_gallen_2013").empty


def test_a_patient_of_whom_a_marker_is_unanswered_is_not_called() -> None:
    whole = predictions()
    some = whole[(whole["patient_id"] != "P1") | (whole["target"] != "ki67")]
    assert called(some)["patient_id"].tolist() == ["P0", "P2", "P3", "P4"]


def test_models_and_sides_are_called_apart_and_order_does_not_matter() -> None:
    both = pd.concat([predictions(), predictions(model="DL", side="test"), predictions(seed=1)])
    at = pd.concat([cutoffs(), cutoffs(model="DL")])
    found = called(both, at)
    assert found.groupby(["model", "side", "role"]).size().to_dict() == {
        ("DL", "test", "held-out"): 5, ("Rad", "train", "out-of-fold"): 5,
    }  # fmt: skip
    mixed = called(both.sample(frac=1, random_state=1), at.sample(frac=1, random_state=1))
    assert mixed.to_csv(index=False) == found.to_csv(index=False)


def test_of_receptors_in_per_cent_nothing_is_called() -> None:
    """A regression hardly ever says under 1 %: everybody would be positive."""
    kinds = (Target("er", TargetKind.PER_CENT), Target("pr", TargetKind.PER_CENT), HER2, KI67)
    said = {"P0": (0.0, 25.0, 0.1, 10.0), "P1": (1.0, 0.9, 0.1, 10.0), "P2": (0.9, 0.9, 0.1, 10.0)}
    per_cent = {"er": 0, "pr": 1, "ki67": 3}
    rows = [predictions_of({p: v[2] for p, v in said.items()}, target="her2")]
    rows += [
        predictions_of({p: v[k] for p, v in said.items()}, target=name, kind="per_cent") for name, k in per_cent.items()
    ]
    found = called_subtypes(pd.concat(rows), cutoffs(), kinds, "st_gallen_2013")
    assert found.empty


# how often they agree ------------------------------------------------------------------------------------------------


def test_accuracy_and_shares_by_subtype_by_hand() -> None:
    """Six are known: four right, of which three triple negative of four; the fourth is called HER2-enriched."""
    pairs = [(TRIPLE, TRIPLE)] * 3 + [(TRIPLE, ENRICHED), (A, A), (A, B_NEG), ("", A)]
    rows = pd.DataFrame(pairs, columns=["true", "called"]).assign(
        patient_id=[f"P{k}" for k in range(7)], model="Spatial", variant="", protocol="crossfit", side="test",
        role="held-out", rule="st_gallen_2013",
    )  # fmt: skip
    found = SUBTYPE_METRICS.conform(subtype_metrics(rows)).set_index(["metric", "subtype"])
    accuracy, commonest = found.loc[("accuracy", "all")], found.loc[("no_information_rate", "all")]
    expected = stats.interval_wilson(4, 6)
    assert (accuracy["value"], accuracy["lower"], accuracy["upper"], accuracy["n"]) == (
        4 / 6, expected.lower, expected.upper, 6,
    )  # fmt: skip
    assert accuracy["method"] == "Wilson, 4 of 6" and commonest["value"] == 4 / 6
    assert found["value"].loc["sensitivity"].to_dict() == pytest.approx(
        {A: 1 / 2, TRIPLE: 3 / 4, B_NEG: NAN, ENRICHED: NAN}, nan_ok=True
    )
    assert found["value"].loc["ppv"].to_dict() == pytest.approx({A: 1.0, B_NEG: 0.0, TRIPLE: 1.0, ENRICHED: 0.0})
    inside = subtype_metrics(rows.assign(role="out-of-fold"))["method"]
    assert (
        inside.str.startswith(("out-of-fold, Wilson", "out-of-fold, paired t")).all()
        and inside.str.endswith("given these models").all()
    )
    assert inside.str.contains("chose the cut-offs").sum() == 0, "test patients chose nothing"
    assert subtype_metrics(rows.assign(true="")).empty
    assert np.isclose(found.loc[("sensitivity", TRIPLE), "n"], 4)


def test_the_gain_is_paired_by_patient() -> None:
    """Ten: six triple negative, of whom five are called so, four luminal A, all called so: 9 against 6 right.

    Of the ten differences four are 1, one is -1 and five 0: mean 0.3, squares 5, variance (5 - 10 * 0.09) / 9.
    """
    rows = pd.DataFrame({
        "patient_id": [f"P{k}" for k in range(10)], "true": [TRIPLE] * 6 + [A] * 4,
        "called": [ENRICHED] + [TRIPLE] * 5 + [A] * 4, "model": "Spatial", "variant": "", "protocol": "crossfit",
        "side": "test", "role": "held-out", "rule": "st_gallen_2013",
    })  # fmt: skip
    found = SUBTYPE_METRICS.conform(subtype_metrics(rows)).set_index(["metric", "subtype"]).loc[("gain", "all")]
    half = 2.262157 * (4.1 / 9 / 10) ** 0.5
    assert found["value"] == pytest.approx(0.3) and found["n"] == 10
    assert (found["lower"], found["upper"]) == (pytest.approx(0.3 - half, 1e-6), pytest.approx(0.3 + half, 1e-6))
    few = subtype_metrics(rows.iloc[:3]).set_index(["metric", "subtype"]).loc[("gain", "all")]
    assert np.isnan(few["value"]) and few["method"] == "fewer than 4 patients"


@pytest.mark.parametrize(
    ("protocol", "side", "role", "chose"),
    [
        ("crossfit", "train", "out-of-fold", True), ("crossfit", "test", "held-out", False),
        ("external_crossfit", "external", "out-of-fold", True), ("crossfit", "external", "held-out", False),
        ("paper", "validation", "held-out", True), ("crossfit", "validation", "held-out", False),
    ],
)  # fmt: skip
def test_where_the_cut_offs_are_chosen_the_method_says_so(protocol: str, side: str, role: str, chose: bool) -> None:
    rows = called(predictions(), labels=labels()).assign(protocol=protocol, side=side, role=role)
    said = subtype_metrics(rows)["method"].str.endswith("these patients chose the cut-offs")
    assert said.all() if chose else not said.any()
