"""From the folds that the cohort draws to the parts that are fitted: nobody is on both sides of a part."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from dlr.cohort import draw_folds, draw_side
from dlr.protocols import Part, plan
from dlr.study.parts import side_under, study_parts
from dlr.words import Protocol, Target

BOTH = [Target("her2"), Target("er")]
DRAWN = [Protocol.CROSSFIT, Protocol.NESTED, Protocol.LEAVE_ONE_COHORT_OUT]


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


def test_the_folds_that_predictions_are_stored_under_name_one_part_each() -> None:
    for protocol in DRAWN:
        parts = study_parts(FOLDS, [protocol], SIDES)
        names = [(part.seed, part.stored_fold) for part in parts]
        assert len(set(names)) == len(names) and min(fold for _, fold in names) == 0


def test_a_patient_of_the_training_side_counts_as_held_out_where_everybody_is() -> None:
    assert side_under("leave_one_cohort_out", "train") == side_under("nested", "train") == "test"
    assert side_under("leave_one_cohort_out", "external") == "external"
    assert side_under("crossfit", "train") == "train"
