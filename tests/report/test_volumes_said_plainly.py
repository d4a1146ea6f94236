"""What the page says of how 3-D networks were trained and stopped: nothing that did not happen in this study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_volumes import FakeVolumes

from dlr.report.blocks import Cloud, FigureBlock, Section, TableBlock
from dlr.report.evidence import Evidence
from dlr.report.methods import methods_text
from dlr.report.models import models
from dlr.report.networks import seeing
from dlr.report.press import Press
from dlr.report.receptors import receptors
from dlr.report.reviewer import remarks
from dlr.report.sources import Sources
from dlr.report.volume_maps import called_by
from dlr.tables import COHORT, CURVES, CUTOFFS, METRICS, PREDICTIONS, ROC, SEGMENTATION, TSNE


@pytest.fixture
def run(tmp_path: Path) -> FakeVolumes:
    return FakeVolumes(tmp_path, patients=40).write_all()


def published_way(run: FakeVolumes) -> None:
    """The study as published alone: a validation side, the paper's part, no cross-fitting."""
    cohort = COHORT.read(run.folder / "cohort")
    stages = (("evaluate", METRICS), ("evaluate", ROC), ("receptors", CURVES))
    COHORT.write(run.folder / "cohort", cohort.assign(side=cohort["side"].replace({"test": "validation"})))
    for stage, table in (*stages, ("receptors", PREDICTIONS)):
        rows = table.read(run.folder / stage).replace({"protocol": {"crossfit": "paper"}})
        more = rows[rows["side"] == "test"].assign(side="validation") if "side" in rows else rows[:0]
        table.write(run.folder / stage, pd.concat([rows, more]))


def sources_of(run: FakeVolumes, protocols: list[str], **learn: Any) -> Sources:
    sources = run.sources()
    changed = sources.settings.learn.model_copy(update={"protocols": protocols, **learn})
    settings = sources.settings.model_copy(update={"learn": changed})
    return Sources(run.folders, {}, settings, replace(sources.about, further=run.further), run.gives)


def methods(run: FakeVolumes, protocols: tuple[str, ...] = ("crossfit",), **learn: Any) -> str:
    sources = sources_of(run, list(protocols), **learn)
    return methods_text(sources, Evidence(sources))


def test_maps_of_a_network_a_marker_stand_apart_and_beside_whose_epoch_they_are(run: FakeVolumes) -> None:
    rows = SEGMENTATION.read(run.folder / "receptors")
    worse = rows.assign(target="pr", dice=rows["dice"] - 0.5, unit="pixels")
    SEGMENTATION.write(run.folder / "receptors", pd.concat([rows.assign(target="er"), worse]))
    sources = run.sources()
    blocks = receptors(sources, Press(run.folder / "out"), Evidence(sources)).blocks
    table = next(block for block in blocks if isinstance(block, TableBlock) and block.title.startswith("The outline"))
    assert sorted({row[0] for row in table.rows}) == ["MultiTask, of er", "MultiTask, of pr"]
    assert table.rows[0][4] != "–" and table.rows[0][5] == "–" and "epoch" not in table.note, "each in its unit"
    SEGMENTATION.write(run.folder / "receptors", rows.assign(protocol="paper", side="validation"))
    sources = run.sources()
    blocks = receptors(sources, Press(run.folder / "out"), Evidence(sources)).blocks
    table = next(block for block in blocks if isinstance(block, TableBlock) and block.title.startswith("The outline"))
    assert "The validation side chose the network's epoch" in table.note and table.rows[0][0] == "MultiTask"


def training(run: FakeVolumes, **changes: Any) -> None:
    own: Mapping[str, Any] = run.further["receptors"]
    run.further["receptors"] = {**own, "training": {**own["training"], **changes}}


CHOSE = "The validation side chose the epoch of the networks (SingleTask, MultiTask) and the cut-off"


def tables_of(section: Section) -> dict[str, str]:
    return {block.title: block.note for block in section.blocks if isinstance(block, TableBlock)}


def test_who_chose_the_epoch_is_not_called_held_out(run: FakeVolumes) -> None:
    sources = run.sources()
    notes = tables_of(receptors(sources, Press(run.folder / "out"), Evidence(sources)))
    assert not any("chose the epoch" in note for note in notes.values())
    published_way(run)
    sources = run.sources()
    notes = tables_of(receptors(sources, Press(run.folder / "out"), Evidence(sources)))
    told = {title for title, note in notes.items() if CHOSE in note}
    assert told == {"All markers together", *(f"{name} by every model" for name in ("er", "pr", "her2"))}


def test_methods_say_whose_loss_stopped_the_networks(run: FakeVolumes) -> None:
    own = "chosen by the receptors' loss of 20 % of the patients of each training part, training ended 40 epochs after"
    assert f"The epoch was {own}" in methods(run) and "chose the epoch" not in methods(run)
    assert f"The epoch was {own}" in methods(run, ("paper",)), "without a validation side a share stops it"
    published_way(run)
    assert "the receptors' loss on the validation side chose the epoch" in methods(run, ("paper",))
    assert "training part" not in methods(run, ("paper",))
    both = methods(run, ("paper", "crossfit"))
    assert f"Elsewhere the epoch was {own}" in both and "its patients are not fully held out" in both
    training(run, patience=None)
    assert "Elsewhere the networks ran all epochs." in methods(run, ("paper", "crossfit"))


def captions(run: FakeVolumes) -> dict[str, str]:
    blocks = seeing(run.sources(), Press(run.folder / "out")).blocks
    return {block.name: block.caption for block in blocks if isinstance(block, FigureBlock | Cloud)}


@pytest.mark.slow
def test_the_caption_of_curves_names_the_validation_side_where_it_chose(run: FakeVolumes) -> None:
    assert "own validation part only" in captions(run)["learning_curves_all"]
    published_way(run)
    said = captions(run)["learning_curves_all"]
    assert "The validation side chose the epoch" in said and "own validation part" not in said


@pytest.mark.slow
def test_patients_who_stopped_the_chain_have_a_mark_of_their_own(run: FakeVolumes) -> None:
    assert "Half-filled" not in "".join(captions(run).values())
    rows = TSNE.read(run.folder / "embedding")
    TSNE.write(run.folder / "embedding", rows.assign(role=rows["role"].replace({"held-out": "stopped on"})))
    assert captions(run)["tsne_SingleTask_all"].count("Half-filled (◐, stopped on)") == 1
    cloud = next(block for block in seeing(run.sources(), Press(run.folder / "out")).blocks if isinstance(block, Cloud))
    assert {point[3] for point in json.loads(cloud.points)} == {0, 2} and "Half-filled" in cloud.caption


def test_networks_that_were_not_trained_are_not_described(run: FakeVolumes) -> None:
    smaller = "The 3-D networks are smaller than the published ones."
    assert "SingleTask (a 3-D ResNet" in methods(run) and "MultiTask (the same" in methods(run)
    rows = PREDICTIONS.read(run.folder / "receptors")
    PREDICTIONS.write(run.folder / "receptors", rows[rows["model"] != "MultiTask"])
    assert "MultiTask" not in methods(run).partition("3-D networks.")[2].partition("\n\n")[0]
    PREDICTIONS.write(run.folder / "receptors", rows[~rows["model"].isin(["SingleTask", "MultiTask"])])
    sources = run.sources()
    assert "3-D networks" not in methods(run)
    assert smaller not in {remark.says for remark in remarks(sources, Evidence(sources)).remarks}


def test_a_file_of_weights_is_named_without_its_path_and_with_what_was_taken(run: FakeVolumes) -> None:
    assert "started from random weights" in methods(run)
    run.further["receptors"] = {**run.further["receptors"], "weights": "/home/anna/secret/resnet_10.pth"}
    text = methods(run)
    assert "started from the weights of resnet_10.pth." in text and "secret" not in text
    kept = {"weights": "resnet_10.pth", "tensors": 57, "source": "MedicalNet's file: used with stride"}
    (run.folder / "receptors" / "receptors.json").write_text(json.dumps(kept))
    text = methods(run)
    assert "(MedicalNet's file: used with stride; 57 tensors taken, all others random)" in text
    assert "scratch" not in text


def test_methods_say_how_the_networks_were_trained(run: FakeVolumes) -> None:
    text = methods(run)
    for words in (
        "turned, mirrored left to right, shifted, and changed in gain and gamma",
        "An exponential mean of the weights (decay 0.98) was judged and kept.",
        "The loss was the receptors' cross-entropy, of MultiTask with 1 times Dice loss and cross-entropy",
    ):
        assert words in text
    assert "deep supervision" not in text
    training(run, augment=False, ema=None)
    own = run.further["receptors"]
    run.further["receptors"] = {
        **own,
        "loss": "focal",
        "segmentation": {**own["segmentation"], "deep_supervision": True},
    }
    text = methods(run)
    assert "mirrored" not in text and "exponential mean" not in text
    assert "the receptors' focal loss" in text and "(deep supervision)" in text


def test_the_networks_chains_are_counted_by_themselves(run: FakeVolumes) -> None:
    assert "In cross-fitting each had 3 chains, whose mean" in methods(run, seeds=1)
    run.predictions(run.folder / "receptors", networks=3, others=9)
    assert "In cross-fitting each had 3 chains, of the first 1 of 3 seeds, whose mean" in methods(run, seeds=3)


@pytest.mark.slow
def test_a_study_of_the_published_way_alone_claims_no_out_of_fold_values(run: FakeVolumes) -> None:
    text = methods(run)
    held_out = "Training patients were predicted by networks that had not seen them."
    assert held_out in text and "Youden's on out-of-fold predictions" in text
    both = methods(run, ("paper", "crossfit"))
    assert "was run beside it to measure its optimism" in both and held_out in both
    published_way(run)
    rules = [("er", "Rad", "", "paper", 0.5, "Youden, validation side", 40)]
    CUTOFFS.write(run.folder / "evaluate", pd.DataFrame(rules, columns=list(CUTOFFS.names)))
    run.gives["evaluate"] = (*run.gives["evaluate"], CUTOFFS)
    alone = methods(run, ("paper",))
    sources = sources_of(run, ["paper"])
    blocks = models(sources, Press(run.folder / "out"), Evidence(sources)).blocks
    notes = [b.note for b in blocks if isinstance(b, TableBlock)] + [
        b.caption for b in blocks if isinstance(b, FigureBlock)
    ]
    assert not any("out-of-fold" in note.lower() for note in notes if not note.startswith("The chains")), notes
    for words in ("out-of-fold", "was run beside it", held_out):
        assert words not in alone, words
    assert "was run." in alone and "Youden's on predictions of the validation side" in alone


def test_captions_of_maps_say_by_whose_cut_off_they_are_called(run: FakeVolumes) -> None:
    assert "each network's out-of-fold signature" in captions(run)["planes_er"]
    sources = sources_of(run, ["paper"])
    assert called_by(sources).endswith("the cut-off is .5.")
    published_way(run)
    assert called_by(sources_of(run, ["paper"])).endswith("the cut-off is that of the validation side.")
