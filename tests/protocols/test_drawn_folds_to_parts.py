"""From the folds that the cohort draws to the parts that are fitted: nobody is on both sides of a part."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlr.cohort import CohortSettings, draw_folds, draw_side, load_cohort
from dlr.errors import InputError
from dlr.protocols import Part, plan
from dlr.study.parts import fitted_targets, learnable_parts, not_fitted, side_under, study_parts
from dlr.words import Protocol, Target, TargetKind, signature

DCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "dce_receptors" / "manifest.csv"
LEAVING_OUT = Protocol.LEAVE_ONE_COHORT_OUT
BOTH = [Target("her2"), Target("er")]
DRAWN = [Protocol.CROSSFIT, Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT]
AMONG = Protocol.EXTERNAL_CROSSFIT


def cohort(cases: int = 2) -> pd.DataFrame:
    """90 patients of three hospitals and 10 of an external one, each with several cases."""
    rng = np.random.default_rng(3)
    ids = [f"p{n:03d}" for n in range(100)]
    made = pd.DataFrame(
        {
            "patient_id": ids,
            "her2": (np.arange(100) % 3 == 0).astype(float),
            "er": np.where(rng.random(100) < 0.2, np.nan, np.arange(100) % 2),
            "cohort": ["away" if n >= 90 else ["east", "north", "west"][int(rng.choice(3, p=[0.2, 0.5, 0.3]))]
                       for n in range(100)],
            "excluded": "",
        }
    )  # fmt: skip
    made["side"] = np.where(made["cohort"] == "away", "external", "")
    made = made.loc[made.index.repeat(cases)].reset_index(drop=True)
    made["case_id"] = made["patient_id"] + "_" + (made.index % cases).astype(str)
    made["side"] = draw_side(made, BOTH, seed=1)
    return made


TABLE = cohort()
SIDES = TABLE.drop_duplicates("patient_id").set_index("patient_id")["side"]
FOLDS = draw_folds(TABLE, BOTH, seed=1, folds=4, seeds=2, protocols=DRAWN)
COHORT_OF = TABLE.drop_duplicates("patient_id").set_index("patient_id")["cohort"]


def own(part: Part) -> set[str]:
    """The patients that a part holds out of the folds it was drawn from."""
    sides = SIDES[list(part.predict)]
    if part.protocol == Protocol.EXTERNAL_CROSSFIT:
        return set(sides.index)
    wanted = sides == "train" if part.protocol == Protocol.CROSSFIT else sides != "external"
    return set(sides.index[wanted])


@pytest.mark.parametrize("protocol", DRAWN)
def test_no_patient_is_on_both_sides_of_a_part(protocol: Protocol) -> None:
    for parts in (plan(FOLDS, protocol, SIDES), study_parts(FOLDS, [protocol], SIDES)):
        assert parts
        for part in parts:
            assert part.train and part.predict
            assert not set(part.train) & set(part.predict)
            assert set(SIDES[list(part.train)]) <= ({"train"} if protocol == Protocol.CROSSFIT else {"train", "test"})


@pytest.mark.parametrize("protocol", DRAWN)
def test_every_patient_is_held_out_exactly_once_a_seed(protocol: Protocol) -> None:
    held = Counter((part.seed, patient) for part in study_parts(FOLDS, [protocol], SIDES) for patient in own(part))
    wanted = SIDES.index[SIDES == "train"] if protocol == Protocol.CROSSFIT else SIDES.index[SIDES != "external"]
    seeds = 1 if protocol == Protocol.LEAVE_ONE_COHORT_OUT else 2
    assert held == Counter((seed, patient) for seed in range(seeds) for patient in wanted)


def test_a_cohort_is_left_out_as_a_whole_and_all_others_are_fitted_on() -> None:
    parts = plan(FOLDS, Protocol.LEAVE_ONE_COHORT_OUT, SIDES)
    assert [set(COHORT_OF[list(part.predict)]) for part in parts] == [{"east"}, {"north"}, {"west"}]
    everybody = set(SIDES.index[SIDES != "external"])
    for part in parts:
        assert set(part.train) == everybody - set(part.predict)


def with_external(sizes: tuple[int, int]) -> pd.DataFrame:
    """A training side and an external one of these sizes, both with both classes of both targets."""
    return drawn_cohort([*sizes], 0, external=True).assign(side=lambda t: np.where(t["side"] == "", "train", t["side"]))


@settings(max_examples=30, deadline=None)
@given(
    train=st.integers(8, 30), external=st.integers(12, 40), folds=st.integers(2, 3), seeds=st.integers(1, 3),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_cross_fitted_among_themselves_external_patients_meet_nobody_else_and_never_themselves(
    train: int, external: int, folds: int, seeds: int, seed: int
) -> None:
    table = with_external((train, external))
    drawn = draw_folds(table, BOTH, seed, folds=folds, seeds=seeds, protocols=[str(AMONG)])
    sides = table.set_index("patient_id")["side"]
    everybody = set(sides.index[sides == "external"])
    parts = study_parts(drawn, [str(AMONG)], sides)
    assert len(parts) == folds * seeds
    for part in parts:
        assert not set(part.train) & set(part.predict)
        assert set(part.train) | set(part.predict) == everybody
    held = Counter((part.seed, patient) for part in parts for patient in part.predict)
    assert held == Counter((s, patient) for s in range(seeds) for patient in everybody)
    mixed = drawn.sample(frac=1, random_state=seed)
    assert study_parts(mixed, [str(AMONG)], sides[::-1]) == parts


def test_the_frozen_chains_and_their_folds_stay_as_they_are_beside_it() -> None:
    table = with_external((30, 20))
    sides = table.set_index("patient_id")["side"]
    alone = draw_folds(table, BOTH, 1, folds=3, seeds=2, protocols=["crossfit"])
    both = draw_folds(table, BOTH, 1, folds=3, seeds=2, protocols=["crossfit", str(AMONG)])
    pd.testing.assert_frame_equal(both[both["protocol"] == "crossfit"].reset_index(drop=True), alone)
    parts = study_parts(both, ["crossfit", str(AMONG)], sides)
    assert parts[:6] == study_parts(alone, ["crossfit"], sides)
    assert [part.name for part in parts[6:]] == [f"external_crossfit-s{s}-f{f}" for s in range(2) for f in range(3)]
    assert [part.stored_fold for part in parts[6:]] == [0, 1, 2] * 2


def test_external_folds_need_as_many_patients_of_each_class_as_folds() -> None:
    table = with_external((30, 20))
    external = table.index[table["side"] == "external"]
    table["her2"] = 0.0
    table.loc[external[:4], "her2"] = 1.0
    with pytest.raises(InputError) as error:
        draw_folds(table, [Target("her2")], 1, folds=5, protocols=[str(AMONG)])
    (problem,) = error.value.problems
    assert problem.where == "target her2"
    assert problem.what == "4 positive patients among the external patients, but 5 folds"
    assert len(draw_folds(table, [Target("her2")], 1, folds=4, seeds=1, protocols=[str(AMONG)])) == 20


def test_without_external_patients_they_cannot_be_cross_fitted() -> None:
    table = with_external((30, 20))
    with pytest.raises(InputError) as error:
        draw_folds(table.assign(side="train"), BOTH, 1, protocols=[str(AMONG)])
    (problem,) = error.value.problems
    assert problem.where == "learn.protocols" and "cohort.external" in problem.mend


def test_folds_of_other_external_patients_are_refused() -> None:
    table = with_external((30, 20))
    drawn = draw_folds(table, BOTH, 1, folds=3, protocols=[str(AMONG)])
    sides = table.set_index("patient_id")["side"].replace({"external": "train"})
    sides["p031"] = "external"
    with pytest.raises(InputError, match="not those of the external side"):
        plan(drawn, AMONG, sides)


def test_external_patients_cross_fitted_among_themselves_are_out_of_fold_and_frozen_chains_hold_them_out() -> None:
    named = {"target": "er", "model": "Rad", "variant": "", "algorithm": "chosen", "side": "external", "seed": 0,
             "fold": 0, "kind": "probability", "patient_id": ["X"], "value": 0.3}  # fmt: skip
    both = pd.concat([pd.DataFrame(named | {"protocol": name}) for name in ("crossfit", "external_crossfit", "paper")])
    new = pd.DataFrame(named | {"protocol": "external_crossfit", "side": "new"})
    found = signature(pd.concat([both, new])).set_index(["protocol", "side"])["role"].to_dict()
    assert found == {
        ("crossfit", "external"): "held-out",
        ("paper", "external"): "held-out",
        ("external_crossfit", "external"): "out-of-fold",
        ("external_crossfit", "new"): "held-out",
    }


def test_the_folds_that_predictions_are_stored_under_name_one_part_each() -> None:
    for protocol in DRAWN:
        parts = study_parts(FOLDS, [protocol], SIDES)
        names = [(part.seed, part.stored_fold) for part in parts]
        assert len(set(names)) == len(names) and min(fold for _, fold in names) == 0


def test_a_patient_of_the_training_side_counts_as_held_out_where_everybody_is() -> None:
    assert side_under("leave_one_cohort_out", "train") == side_under("nested", "train") == "test"
    assert side_under("leave_one_cohort_out", "external") == "external"
    assert side_under("crossfit", "train") == "train"


def drawn_cohort(sizes: list[int], unknown: int, external: bool) -> pd.DataFrame:
    """Cohorts of some sizes; er is known for nobody in the first `unknown` of them; the last one may be external."""
    names = np.repeat([f"c{n}" for n in range(len(sizes))], sizes)
    n = np.arange(len(names))
    made = pd.DataFrame({"patient_id": [f"p{k:03d}" for k in n], "case_id": [f"p{k:03d}" for k in n], "excluded": "",
                         "cohort": names, "her2": (n % 2).astype(float), "er": (n // 2 % 2).astype(float)})  # fmt: skip
    made.loc[made["cohort"].isin([f"c{k}" for k in range(unknown)]), "er"] = np.nan
    made["side"] = np.where((made["cohort"] == names[-1]) & external, "external", "")
    return made


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 25), min_size=2, max_size=5),
    unknown=st.integers(0, 2),
    external=st.booleans(),
    seed=st.integers(0, 99),
)
def test_whatever_the_cohorts_nobody_is_predicted_by_a_chain_fitted_on_them(
    sizes: list[int], unknown: int, external: bool, seed: int
) -> None:
    table = drawn_cohort([*sizes, 16, 16, 16], unknown, external)
    table["side"] = draw_side(table, BOTH, seed)
    folds = draw_folds(table, BOTH, seed, folds=2, seeds=2, protocols=DRAWN)
    sides = table.set_index("patient_id")["side"]
    cohorts = table.set_index("patient_id")["cohort"][sides != "external"]
    parts = study_parts(folds, [str(protocol) for protocol in DRAWN], sides)
    assert all(part.train and part.predict and not set(part.train) & set(part.predict) for part in parts)
    left_out = [part for part in parts if part.protocol == LEAVING_OUT]
    assert {cohorts[part.predict[0]]: sorted(part.predict) for part in left_out} == {
        name: sorted(rows.index) for name, rows in cohorts.groupby(cohorts)
    }
    assert all(sorted([*part.train, *part.predict]) == sorted(cohorts.index) for part in left_out)


def test_a_target_is_not_learnt_where_the_other_cohorts_do_not_know_it() -> None:
    """er is known in c1 alone: without c1 nobody is left; in c0 nobody can be judged."""
    table = drawn_cohort([20, 20], 1, external=False).assign(side="train")
    protocols = [str(Protocol.CROSSFIT), str(LEAVING_OUT)]
    folds = draw_folds(table, BOTH, seed=1, folds=5, seeds=1, protocols=protocols)
    patients = table.set_index("patient_id")
    parts = study_parts(folds, protocols, patients["side"])
    assert [len(learnable_parts(parts, target, patients[target.name].dropna())) for target in BOTH] == [7, 6]
    (part,) = set(parts) - set(learnable_parts(parts, BOTH[1], patients["er"].dropna()))
    assert part.protocol == LEAVING_OUT and set(patients["cohort"][list(part.predict)]) == {"c1"}
    assert list(not_fitted(table, folds, protocols, BOTH)) == [
        ("leave_one_cohort_out, er", "nobody of cohort c0 has a known er: predicted there, not judged"),
        ("leave_one_cohort_out, er", "not fitted without cohort c1: too few of the others have a known er"),
    ]
    assert not list(not_fitted(table, folds, protocols[:1], BOTH))


KI67 = Target("ki67", TargetKind.PER_CENT)
WITH_KI67 = (*BOTH, KI67)


def known_of_ki67(train: int, external: int) -> pd.DataFrame:
    """Forty patients of the training side and forty external ones, Ki-67 known for so many of either."""
    known = [float(k) for k in range(train)] + [np.nan] * (40 - train)
    known += [float(k) for k in range(external)] + [np.nan] * (40 - external)
    return drawn_cohort([40, 40], 0, external=False).assign(side=["train"] * 40 + ["external"] * 40, ki67=known)


@pytest.mark.parametrize(
    ("train", "external", "said"),
    [
        (15, 15, []),
        (40, 14, ["external_crossfit"]),
        (40, 0, ["external_crossfit"]),
        (14, 15, ["crossfit"]),  # the published way learns from 14 at once
        (5, 40, ["paper", "crossfit"]),
        (0, 0, ["paper", "crossfit", "external_crossfit"]),
    ],
)
def test_a_per_cent_is_fitted_where_enough_of_those_whom_a_protocol_learns_from_know_it(
    train: int, external: int, said: list[str]
) -> None:
    """Six for a chain, three a fold: 15 for five folds, whichever side they lie on."""
    table, protocols = known_of_ki67(train, external), ["paper", "crossfit", "external_crossfit"]
    folds = draw_folds(table, WITH_KI67, seed=1, folds=5, seeds=2, protocols=protocols)
    patients = table.set_index("patient_id")
    parts = study_parts(folds, protocols, patients["side"])
    values = {target.name: patients[target.name].dropna() for target in WITH_KI67}
    counts = {"paper": 1, "crossfit": 10, "external_crossfit": 10}
    fitted = pd.Series([part.protocol for part in learnable_parts(parts, KI67, values["ki67"])]).value_counts()
    assert fitted.to_dict() == {name: count for name, count in counts.items() if name not in said}
    assert all(len(learnable_parts(parts, target, values[target.name])) == 21 for target in BOTH)
    found = list(not_fitted(table, folds, protocols, WITH_KI67))
    assert [where for where, _ in found] == [f"{name}, ki67" for name in said]
    for where, what in found:
        side, n = ("external", external) if where.startswith("external") else ("train", train)
        assert what == f"known for {n} of 40 patients of side {side}: too few, not fitted there"
    stay = fitted_targets(table, folds, protocols, WITH_KI67)
    assert [target.name for target in stay] == [*(one.name for one in BOTH), *(["ki67"] if len(said) < 3 else [])]
    assert all(("ki67" in target.derived_from) is (len(said) == 3) for target in stay), "it predicts nothing either"


def test_a_study_of_which_nothing_can_be_fitted_is_refused() -> None:
    table = known_of_ki67(5, 0)
    assert draw_folds(table, [KI67], seed=1, protocols=["paper"]).empty
    with pytest.raises(InputError, match="too few patients that a model would learn from know ki67"):
        fitted_targets(table, draw_folds(table, [KI67], seed=1, protocols=["paper"]), ["paper"], [KI67])
    with pytest.raises(InputError, match="known for 5 patients on the training side, but 5 folds need 15"):
        draw_folds(table, [KI67], seed=1, protocols=["crossfit"])


def test_a_target_that_no_part_can_learn_is_refused() -> None:
    """One positive patient a cohort: without either there is one class of one."""
    table = drawn_cohort([20, 20], 0, external=False).assign(side="train", er=[1.0, *[0.0] * 19] * 2)
    with pytest.raises(InputError) as error:
        draw_folds(table, BOTH, seed=1, folds=2, protocols=[str(LEAVING_OUT)])
    (problem,) = error.value.problems
    assert problem.where == "target er" and "without any one of the cohorts" in problem.what
    table["er"] = [1.0, 1.0, *[0.0] * 18] * 2
    assert len(draw_folds(table, BOTH, seed=1, folds=2, protocols=[str(LEAVING_OUT)])) == 80


@pytest.mark.skipif(not DCE.is_file(), reason="the shared volumes are not here")
def test_three_hospitals_of_real_volumes_are_left_out_in_turn() -> None:
    """er and pr are unknown for all 99 of ISPY2."""
    cohort = load_cohort(DCE, CohortSettings(target=["er", "pr", "her2"], clinical=["age"]), images=False)
    table = cohort.table.assign(side=draw_side(cohort.table, cohort.targets, seed=1))
    folds = draw_folds(table, cohort.targets, seed=1, protocols=[str(LEAVING_OUT)])
    parts = study_parts(folds, [str(LEAVING_OUT)], table.set_index("patient_id")["side"])
    assert [(len(part.train), len(part.predict)) for part in parts] == [(132, 136), (235, 33), (169, 99)]
    assert all(not set(part.train) & set(part.predict) for part in parts)
    assert [what for _, what in not_fitted(table, folds, [str(LEAVING_OUT)], cohort.targets)] == [
        f"nobody of cohort ISPY2 has a known {name}: predicted there, not judged" for name in ("er", "pr")
    ]
