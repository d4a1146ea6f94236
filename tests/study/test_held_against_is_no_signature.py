"""Signatures of native and bicubic images, or of the lesion alone, stand beside the main one: whoever reads predictions
takes them for nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlr.report.evidence import Evidence, main_variant
from dlr.settings import StudySettings
from dlr.study.combined import chosen_signatures, combined_frame
from dlr.study.comparisons import comparison_table
from dlr.study.cutoffs import cut_offs
from dlr.study.macro import macro_rows
from dlr.study.measures import evaluated_signatures, measures, optimism_gap
from dlr.tables import METRICS, ROC
from dlr.words import BICUBIC_IMAGES, HELD_AGAINST, LESION_ALONE, MODELS, NATIVE_IMAGES, Target
from tests.study.hand_made import HER2, cohort_of, predictions_of

TRUTH = {f"P{k}": float(k < 4) for k in range(8)}  # P0 ... P3 are positive
MAIN = dict(zip(TRUTH, [0.9, 0.8, 0.7, 0.3, 0.4, 0.2, 0.1, 0.05], strict=True))
OTHER = dict(zip(TRUTH, [0.2, 0.1, 0.3, 0.4, 0.9, 0.8, 0.7, 0.6], strict=True))  # the other way round


def predictions(**names: Any) -> pd.DataFrame:
    """The main Rad signature, and those beside it, which stand first, as a stage's order must not matter."""
    others = [predictions_of(OTHER, variant=variant, **names) for variant in HELD_AGAINST]
    return pd.concat([*others, predictions_of(MAIN, **names)], ignore_index=True)


def tables() -> Any:
    return cohort_of({"patient_id": list(TRUTH), "her2": list(TRUTH.values())})


def metrics(predicted: pd.DataFrame) -> pd.DataFrame:
    found = evaluated_signatures(predicted, tables())
    cutoffs = cut_offs(found)
    return pd.DataFrame([row for one in found for row in measures(one, cutoffs.of(one), 1, 50)])


def test_the_combined_model_takes_the_main_signature() -> None:
    frame = combined_frame(tables(), chosen_signatures([predictions()]), "her2", "crossfit", "")
    assert frame["Rad"].to_dict() == MAIN
    early = combined_frame(tables(), chosen_signatures([predictions()]), "her2", "crossfit", "before biopsy")
    assert early["Rad"].to_dict() == MAIN


def test_each_variant_has_its_own_cut_off_and_the_main_one_is_as_without_them() -> None:
    found = cut_offs(evaluated_signatures(predictions(), tables()))
    alone = cut_offs(evaluated_signatures(predictions_of(MAIN), tables()))
    assert found.found["her2", "Rad", "", "crossfit"] == alone.found["her2", "Rad", "", "crossfit"]
    assert {line[2] for line in found.found} == {"", *HELD_AGAINST}


def test_the_main_signatures_measures_are_as_without_them() -> None:
    everything, alone = metrics(predictions()), metrics(predictions_of(MAIN))
    pd.testing.assert_frame_equal(everything[everything["variant"] == ""].reset_index(drop=True), alone)
    aucs = everything[everything["metric"] == "auc"].set_index("variant")["value"]
    assert aucs[""] == pytest.approx(15 / 16) and (aucs[list(HELD_AGAINST)] == 0).all()


def test_all_targets_together_are_of_one_kind_of_images() -> None:
    both = tables()
    both = cohort_of(
        {"patient_id": list(TRUTH), "her2": list(TRUTH.values()), "er": list(TRUTH.values())},
        targets=(HER2, Target("er")),
    )
    found = evaluated_signatures(pd.concat([predictions(), predictions(target="er")], ignore_index=True), both)
    rows = pd.DataFrame(list(macro_rows(found, cut_offs(found), 1, 50)))
    rows = rows[rows["metric"] == "auc"].set_index("variant")["value"]
    assert rows.to_dict() == pytest.approx({"": 15 / 16} | dict.fromkeys(HELD_AGAINST, 0))
    main = [one for one in found if not one.variant]
    others = [one for one in found if one.variant]
    table = comparison_table(main, ("Combined", "Clinical"), 1, 50, others)
    assert set(table["target"]) == {"her2", "er"} and set(table["model_a"]) == set(table["model_b"]) == {"Rad"}
    pairs = [("", BICUBIC_IMAGES), ("", NATIVE_IMAGES), (BICUBIC_IMAGES, NATIVE_IMAGES), ("", LESION_ALONE)]
    for _, rows in table.groupby("target"):
        assert list(zip(rows["variant_a"], rows["variant_b"], strict=True)) == pairs and rows["p_holm"].isna().all()


def test_the_report_leads_with_the_main_signature() -> None:
    table = METRICS.conform(metrics(predictions()))
    sources: Any = SimpleNamespace(
        table=lambda asked: table if asked is METRICS else None,
        settings=StudySettings.model_validate({"evaluate": {"primary": ("Rad", "Clinical")}}),
        place=lambda model: [spec.name for spec in MODELS].index(model),
        of=lambda asked, target: pd.DataFrame({
            "model": ["Rad"] * 4, "variant": [*HELD_AGAINST, ""], "protocol": "crossfit", "side": "train",
            "false_positive_rate": [0.1, 0.2, 0.25, 0.3],
        }),
    )  # fmt: skip
    evidence = Evidence(sources)
    assert evidence.variants("her2", "Rad") == ["", "bicubic images", "lesion alone", "native images"]
    headline = evidence.headline(HER2)
    assert headline is not None and headline.model == "Rad" and headline.estimate.value == pytest.approx(15 / 16)
    lines = evidence.curve(ROC, HER2, "out-of-fold")
    assert lines is not None and lines["false_positive_rate"].tolist() == [0.3]
    gap = main_variant(optimism_gap(table))
    assert set(gap["variant"]) == {""} and np.isfinite(gap["crossfit_out_of_fold"]).any()
