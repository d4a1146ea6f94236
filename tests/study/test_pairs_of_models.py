"""Models of the same patients against one another: which test where, Holm, orientation, reclassification."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.study.comparisons import comparison_table, reclassification_table
from dlr.study.measures import Evaluated
from dlr.tables import COMPARISONS, RECLASSIFICATION
from tests.study.hand_made import HER2, KI67, evaluated, predictions_of

TRUTH = [1, 1, 1, 0, 0, 0]
CLINICAL = [0.6, 0.2, 0.5, 0.4, 0.3, 0.1]  # 3 + 1 + 3 of 9 pairs ordered
RAD = [0.9, 0.3, 0.5, 0.6, 0.2, 0.4]  # 3 + 1 + 2
COMBINED = [0.9, 0.8, 0.7, 0.75, 0.2, 0.1]  # 3 + 3 + 2
PRIMARY = ("Combined", "Clinical")


def compared(signatures: list[Evaluated], primary: tuple[str, str] = PRIMARY) -> pd.DataFrame:
    return COMPARISONS.conform(comparison_table(signatures, primary, 1, 100))


def three(**names: Any) -> list[Evaluated]:
    """On the test side unless named otherwise; the primary pair stands the other way round."""
    given = (("Clinical", CLINICAL), ("Rad", RAD), ("Combined", COMBINED))
    return [evaluated(TRUTH, value, model=model, **names) for model, value in given]


def test_held_out_areas_are_compared_by_delong() -> None:
    found = compared(three())
    pairs = found.set_index(["model_a", "model_b"])
    assert pairs.index.tolist() == [("Clinical", "Rad"), ("Combined", "Clinical"), ("Rad", "Combined")]
    differences = [(7 - 6) / 9, (8 - 7) / 9, (6 - 8) / 9]
    assert pairs["difference"].tolist() == pytest.approx(differences)
    assert pairs["p"].between(0, 1).all() and pairs["method"].str.contains("DeLong").all()
    assert (pairs["lower"] < pairs["difference"]).all() and (pairs["difference"] < pairs["upper"]).all()
    assert set(found["metric"]) == {"auc"} and set(found["side"]) == {"test"} and set(found["subset"]) == {"all"}


def test_holm_runs_over_all_pairs_but_the_primary_one() -> None:
    pairs = compared(three()).set_index(["model_a", "model_b"])
    assert pairs.loc[PRIMARY, "p_holm"] == pairs.loc[PRIMARY, "p"]
    one, other = pairs.loc[("Clinical", "Rad")], pairs.loc[("Rad", "Combined")]
    small, large = sorted((one, other), key=lambda row: row["p"])
    assert small["p"] < large["p"]
    assert small["p_holm"] == pytest.approx(min(1, 2 * small["p"]))
    assert large["p_holm"] == pytest.approx(max(min(1, 2 * small["p"]), large["p"]))


def test_a_primary_pair_that_already_stands_so_is_not_turned() -> None:
    clinical, rad, combined = three()
    found = compared([combined, clinical, rad])[["model_a", "model_b"]].to_numpy().tolist()
    assert found == [["Combined", "Clinical"], ["Combined", "Rad"], ["Clinical", "Rad"]]


def test_models_are_compared_within_target_protocol_and_side() -> None:
    other = [
        evaluated(TRUTH, RAD, model="Combined", side="external"),
        evaluated(TRUTH, RAD, model="Combined", protocol="nested"),
        evaluated(TRUTH, RAD, model="Combined", target=KI67),
    ]
    assert len(compared([evaluated(TRUTH, CLINICAL, model="Clinical"), *other])) == 0


def test_each_block_is_adjusted_by_itself() -> None:
    found = compared([*three(), *three(side="external")])
    assert found["side"].tolist() == ["test"] * 3 + ["external"] * 3
    assert found["p_holm"][:3].tolist() == found["p_holm"][3:].tolist()


def test_the_patients_that_both_have_are_compared_whatever_their_order() -> None:
    clinical = evaluated(TRUTH, CLINICAL, model="Clinical")
    ids = ["P5", "P3", "P1", "P0", "P2", "P4", "P9"]
    rad = evaluated([0, 0, 1, 1, 1, 0, 0], [0.4, 0.6, 0.3, 0.9, 0.5, 0.2, 0.99], model="Rad", patients=ids)
    (row,) = compared([clinical, rad]).to_dict("records")
    assert row["difference"] == pytest.approx(1 / 9), "as in the test above, P9 left out"


def test_too_few_shared_patients_are_not_compared() -> None:
    clinical = evaluated(TRUTH, CLINICAL, model="Clinical")
    rad = evaluated([1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], model="Rad", patients=["P0", "P3", "P4", "P5"])
    assert len(compared([clinical, rad])) == 0


def test_apparent_values_are_not_compared() -> None:
    assert len(compared(three(side="train", role="apparent", protocol="paper"))) == 0


def test_where_patients_chose_the_epoch_of_a_network_it_has_no_p() -> None:
    given = (("Clinical", CLINICAL), ("Rad", RAD), ("MultiTask", COMBINED))
    for side, protocol, known in (("validation", "paper", 1), ("validation", "crossfit", 3), ("test", "paper", 3)):
        models = [evaluated(TRUTH, value, model=model, side=side, protocol=protocol) for model, value in given]
        found = compared(models)
        assert found["p"].notna().sum() == found["p_holm"].notna().sum() == known, (side, protocol)
        assert found["method"].str.contains("chose the network's epoch").sum() == 3 - known
        assert found["lower"].notna().all()


def test_nor_has_it_one_of_its_errors_in_per_cent() -> None:
    truth, near, far = [10, 20, 30, 40, 50], [11, 22, 30, 41, 50], [15, 26, 37, 48, 58]
    for side, known in (("validation", False), ("test", True)):
        named = {"target": KI67, "side": side, "protocol": "paper"}
        (row,) = compared(
            [evaluated(truth, near, model="Spatial", **named), evaluated(truth, far, model="Rad", **named)]
        ).to_dict("records")
        assert row["difference"] == pytest.approx(-6.0) and row["upper"] < 0
        assert np.isfinite(row["p"]) == np.isfinite(row["p_holm"]) == known
        assert ("chose the network's epoch" in row["method"]) is not known


def test_out_of_fold_errors_are_compared_on_the_chains_that_both_have() -> None:
    """Rad has two chains, erring by 2 and 8, the network the first alone, erring by 5."""
    named = {"target": KI67, "side": "train", "role": "out-of-fold"}
    chains = [
        predictions_of({f"P{k}": 50.0 + error for k in range(5)}, target="ki67", kind="per_cent", seed=seed)
        for seed, error in ((0, 2), (1, 8), (0, 5))
    ]
    rad = evaluated([50.0] * 5, [55.0] * 5, chains=pd.concat(chains[:2]), **named)
    network = evaluated([50.0] * 5, [55.0] * 5, chains=chains[2], model="Spatial", **named)
    (row,) = compared([rad, network]).to_dict("records")
    assert row["difference"] == pytest.approx(2 - 5)


def out_of_fold(model: str, value: list[float]) -> Evaluated:
    """P0, P1 | P3 in fold 0 and P2 | P4, P5 in fold 1."""
    chains = predictions_of({f"P{k}": p for k, p in enumerate(value)}).assign(fold=[0, 0, 1, 0, 1, 1])
    return evaluated(TRUTH, value, model=model, chains=chains, side="train", role="out-of-fold")


def test_out_of_fold_areas_are_compared_within_folds_without_a_p() -> None:
    """Ordered pairs of a fold: Clinical 1 of 2 and 2 of 2, Rad 1 of 2 and 2 of 2, Combined 2 of 2 and 2 of 2."""
    found = compared([out_of_fold("Clinical", CLINICAL), out_of_fold("Rad", RAD), out_of_fold("Combined", COMBINED)])
    pairs = found.set_index(["model_a", "model_b"])
    assert pairs["difference"].tolist() == pytest.approx([0.0, 0.25, -0.25])
    assert pairs["p"].isna().all() and pairs["p_holm"].isna().all()
    assert pairs["method"].str.startswith("out-of-fold within fold and seed, DeLong widened").all()
    assert pairs["method"].str.endswith("no p is valid here").all()


# the same models on other images --------------------------------------------------------------------------------------

BICUBIC, NATIVE = ("Rad", "bicubic images"), ("Rad", "native images")
IMAGES = {BICUBIC: CLINICAL, NATIVE: COMBINED}  # 7 and 8 of 9 pairs ordered; enhanced, in `three`, 6


def of_images(make: Any = evaluated, **names: Any) -> list[Evaluated]:
    return [make(TRUTH, value, model=model, variant=variant, **names) for (model, variant), value in IMAGES.items()]


def own_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a model against itself."""
    return table[table["model_a"] == table["model_b"]].set_index(["variant_a", "variant_b"])


def test_a_model_is_held_against_itself_on_bicubic_and_native_images_outside_holms_family() -> None:
    alone = compared(three())
    found = COMPARISONS.conform(comparison_table(three(), PRIMARY, 1, 100, of_images()[::-1]))
    pd.testing.assert_frame_equal(found.iloc[: len(alone)], alone)  # the models' own rows, Holm's included
    pairs = own_pairs(found)
    order = [("", "bicubic images"), ("", "native images"), ("bicubic images", "native images")]
    assert pairs.index.tolist() == order and len(found) == len(alone) + 3
    assert pairs["difference"].tolist() == pytest.approx([(6 - 7) / 9, (6 - 8) / 9, (7 - 8) / 9])
    assert pairs["p"].between(0, 1).all() and pairs["p_holm"].isna().all()
    assert set(pairs["model_a"]) == {"Rad"} and set(pairs["side"]) == {"test"} and set(pairs["target"]) == {"her2"}


def test_out_of_fold_a_models_images_are_compared_within_folds_without_a_p() -> None:
    """As the three models above: 1 of 2 and 2 of 2, 1 of 2 and 2 of 2, 2 of 2 and 2 of 2 pairs of the two folds."""
    main, *others = [replace(out_of_fold("Rad", v), variant=n) for n, v in
                     (("", RAD), ("bicubic images", CLINICAL), ("native images", COMBINED))]  # fmt: skip
    pairs = own_pairs(COMPARISONS.conform(comparison_table([main], PRIMARY, 1, 100, others)))
    assert pairs["difference"].tolist() == pytest.approx([0.0, -0.25, -0.25])
    assert pairs["p"].isna().all() and pairs["p_holm"].isna().all() and np.isfinite(pairs["lower"]).all()


def test_images_are_compared_with_their_own_model_target_protocol_and_side_only() -> None:
    rad, other = three()[1], of_images()
    for names in ({"model": "DL"}, {"target": KI67}, {"protocol": "paper"}, {"side": "external"}):
        moved = [replace(one, **names) for one in other[:1]]
        assert len(comparison_table([rad], PRIMARY, 1, 100, moved)) == 0, names
    assert len(comparison_table([rad], PRIMARY, 1, 100, other[:1])) == 1


# a per cent ---------------------------------------------------------------------------------------------------------


def per_cents(**names: Any) -> list[Evaluated]:
    """Errors 1, 2, 3, 4 against 2, 2, 4, 8."""
    truth = [10.0, 20.0, 30.0, 40.0]
    given = (("Rad", [11.0, 22.0, 33.0, 44.0]), ("Clinical", [8.0, 18.0, 26.0, 32.0]))
    return [evaluated(truth, value, model=model, target=KI67, **names) for model, value in given]


def test_models_of_a_per_cent_are_compared_by_their_errors() -> None:
    """Differences of errors -1, 0, -1, -4: mean -1.5, t = -1.5 / (1.732 / 2), two-sided p at 3 df .182."""
    (row,) = compared(per_cents()).to_dict("records")
    assert row["metric"] == "mae" and row["difference"] == -1.5
    assert row["p"] == pytest.approx(0.1817, abs=1e-4) and row["lower"] < -1.5 < row["upper"]
    assert not row["method"].startswith("out-of-fold")
    (row,) = compared(per_cents(side="train", role="out-of-fold")).to_dict("records")
    assert row["difference"] == -1.5 and np.isnan(row["p"]) and row["method"].startswith("out-of-fold, paired t")


def test_apparent_errors_and_those_of_three_patients_are_not_compared() -> None:
    assert len(compared(per_cents(side="train", role="apparent"))) == 0
    assert len(compared([one.of({"P0", "P1", "P2"}, "all") for one in per_cents()])) == 0


# reclassification ---------------------------------------------------------------------------------------------------


def reclassified(signatures: list[Evaluated]) -> pd.DataFrame:
    return RECLASSIFICATION.conform(reclassification_table(signatures))


def test_reclassification_by_hand() -> None:
    """Positives 2 up and 1 down, negatives 2 down and 1 up: 1/3 + 1/3. Means .7 and .35 against .6 and .4."""
    old = evaluated(TRUTH, [0.5, 0.6, 0.7, 0.4, 0.4, 0.4], model="Clinical")
    new = evaluated(TRUTH, [0.8, 0.7, 0.6, 0.3, 0.25, 0.5], model="Combined")
    found = reclassified([old, new])
    assert found["measure"].tolist() == ["nri", "idi"] and set(found["model_old"]) == {"Clinical"}
    assert found["value"].tolist() == pytest.approx([2 / 3, (0.7 - 0.35) - (0.6 - 0.4)])
    assert set(found["model"]) == {"Combined"} and found["caution"].str.startswith("rises for useless").all()
    assert found["p"].between(0, 1).all() and (found["lower"] < found["value"]).all()


@pytest.mark.parametrize(
    "other",
    [
        {"model": "Rad"}, {"role": "apparent"}, {"side": "external"}, {"protocol": "nested"},
        {"target": type(HER2)("er")},
    ],
)  # fmt: skip
def test_only_held_out_combined_models_are_held_against_others_of_their_block(other: dict[str, Any]) -> None:
    old = evaluated(TRUTH, CLINICAL, model="Clinical")
    assert len(reclassified([old, evaluated(TRUTH, COMBINED, **{"model": "Combined", **other})])) == 0


def test_reclassification_is_of_the_patients_that_both_have_in_one_order() -> None:
    old = evaluated(TRUTH, CLINICAL, model="Clinical")
    more = evaluated([*TRUTH, 1], [*COMBINED, 0.9], model="Combined")
    assert len(reclassified([old, more])) == 2
    ids = ["P1", "P0", "P2", "P3", "P4", "P5"]
    assert len(reclassified([old, evaluated(TRUTH, COMBINED, model="Combined", patients=ids)])) == 0
    few = evaluated([1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], model="Combined", patients=["P0", "P3", "P4", "P5"])
    assert len(reclassified([old, few])) == 0
