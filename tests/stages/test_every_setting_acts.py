"""Every setting acts: changed alone, it moves the key of a stage, and an output of that stage differs in bytes.

A setting that does not is either a promise that nothing keeps, or stands in NO_PART_OF_A_RESULT with its reason.
"""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import dlr.report
from dlr.cohort.settings import ColumnSpec
from dlr.settings import ReportSettings, StudySettings
from tests.stages.setting_studies import STUDIES, Given, SmallStudy, keys_of


@dataclass(frozen=True)
class Acts:
    """A change of one setting, and where it is felt: the small study, the stage, and settings of both runs."""

    value: str  # as after --set NAME=
    study: str
    stage: str = "cohort"
    given: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()  # of the page, where the stage is report: the others are not drawn

    def __str__(self) -> str:
        return self.value


NETWORKS = ("networks", "deep")
FROZEN = ("deep.mode=frozen", "deep.backbone=efficientnet_lite0", "deep.weights=imagenet")
CHANGES: dict[str, Acts] = {
    "seed": Acts("3", "table"),
    # which patients, and what is said of them
    "cohort.target": Acts("er", "table"),
    "cohort.positive_levels": Acts('{{her2: ["0"]}}', "table"),
    "cohort.target_kinds": Acts("{{grade: per_cent}}", "table", given=("cohort.target=grade",)),
    "cohort.clinical": Acts("[age]", "table"),
    "cohort.columns": Acts("{{er: {{kind: nominal}}}}", "table"),
    "cohort.clinical_table": Acts("{folder}/second.csv", "table"),
    "cohort.clinical_extra": Acts("leave", "table", given=("cohort.clinical_table={folder}/more.csv",)),
    "cohort.headers": Acts("{{Blutdruck: diameter_mm}}", "table"),
    "cohort.values": Acts('{{er: {{"0": "1", "1": "0"}}}}', "table"),
    "cohort.derived": Acts("{{her2: [er]}}", "table"),
    "cohort.sheet": Acts("second", "sheets", given=("cohort.sheet=first",)),
    "cohort.clinical_sheet": Acts(
        "second",
        "sheets",
        given=("cohort.sheet=first", "cohort.clinical_table={folder}/clinical.xlsx", "cohort.clinical_sheet=first"),
    ),
    "cohort.delimiter": Acts('";"', "table"),
    "cohort.encoding": Acts("latin-1", "latin", given=("cohort.columns={{site: {{kind: nominal}}}}",)),
    "cohort.decimal": Acts('","', "decimals"),
    "cohort.below_limit": Acts("half", "table"),
    "cohort.external": Acts("[B]", "table"),
    "cohort.test_share": Acts("0.45", "table"),
    "cohort.validation_share": Acts("0.2", "table"),
    # images and outlines
    "cohort.image_folder": Acts("masks", "named"),
    "cohort.mask_folder": Acts("images", "named"),
    "cohort.image_pattern": Acts('"{{patient_id}}.png"', "named", given=("cohort.image_pattern=./{{after}}.png",)),
    "cohort.mask_pattern": Acts('"{{patient_id}}.png"', "named", given=("cohort.mask_pattern=./{{after}}.png",)),
    "cohort.kind": Acts("volume", "plain"),
    "cohort.frame": Acts("outlined", "loops"),
    "cohort.mask": Acts("optional", "bare"),
    "cohort.per_patient": Acts("mean_feature", "stills", "radiomics_model"),
    "cohort.lesion_policy": Acts("largest", "shapes"),
    "cohort.mask_label": Acts("2", "labels", given=("cohort.mask_label=1",)),
    "cohort.mask_segment": Acts("node", "segments", given=("cohort.mask_segment=lesion",)),
    "cohort.mask_blur_limit": Acts("0.01", "blurred"),
    "cohort.roi_min_voxels": Acts("100000", "plain"),
    "cohort.contour": Acts("fill", "contours", given=("cohort.contour=keep",)),
    "cohort.largest_image": Acts("1000", "plain"),
    "cohort.least_slices": Acts("2", "plain"),
    "cohort.pixel_spacing_mm": Acts("0.2", "plain"),
    "cohort.spacing": Acts("ignore", "plain", given=("cohort.pixel_spacing_mm=0.2",)),
    "cohort.colour": Acts("grey", "coloured"),
    "cohort.colour_margin": Acts("0", "coloured"),
    "cohort.scanned_region": Acts("[0, 0, 66, 72]", "plain"),
    "cohort.geometry_tolerance": Acts("0.1", "volumes"),
    "cohort.geometry": Acts("resample", "volumes"),
    "cohort.duplicates": Acts("note", "copies"),
    # what is measured
    "radiomics.profile": Acts("{folder}/shorter.yaml", "stills", "radiomics"),
    "radiomics.engine": Acts("pyradiomics", "stills", "radiomics"),
    "radiomics.regions": Acts("[lesion, rim_2mm]", "stills", "radiomics"),
    "stability.kind": Acts("ICC3", "stills", "stability"),
    "stability.perturbations": Acts("[shift]", "one reader", "stability", ("stability.perturbations=[erode]",)),
    "stability.cases": Acts("5", "one reader", "stability", ("stability.perturbations=[erode]",)),
    "stability.agreement": Acts("0.99", "stills", "stability"),
    "clinical.medians": Acts("[age]", "numbers", "clinical"),
    "clinical.yates": Acts("true", "numbers", "clinical"),
    "clinical.enter": Acts("0.9", "numbers", "clinical"),
    "clinical.splines": Acts("[age]", "numbers", "clinical"),
    # how models learn
    "learn.folds": Acts("3", "table"),
    "learn.seeds": Acts("2", "table", given=("learn.seeds=1",)),
    "learn.protocols": Acts("[paper, crossfit]", "numbers", "radiomics_model"),
    "learn.algorithms": Acts("[logistic, extra_trees]", "numbers", "radiomics_model"),
    "learn.reported": Acts("[ridge]", "numbers", "radiomics_model"),
    "learn.regressors": Acts("[lightgbm]", "per cents", "radiomics_model", ("learn.regressors=[ridge]",)),
    "learn.judge": Acts("auc", "numbers", "radiomics_model", ("learn.protocols=[crossfit]",)),
    "learn.recalibrate": Acts("false", "numbers", "radiomics_model", ("learn.protocols=[crossfit]",)),
    "learn.inner_folds": Acts("3", "numbers", "radiomics_model"),
    "learn.max_grid": Acts("1", "numbers", "radiomics_model"),
    "learn.trees": Acts("6", "numbers", "radiomics_model", ("learn.algorithms=[extra_trees]",)),
    "learn.impute": Acts("iterative", "numbers", "radiomics_model"),
    "learn.imputations": Acts("3", "numbers", "clinical", given=("learn.impute=multiple", "clinical.enter=1")),
    "learn.missing_indicator": Acts("true", "numbers", "clinical"),
    "learn.max_missing": Acts("0.01", "numbers", "radiomics_model"),
    "learn.icc_filter": Acts("0.999", "stills", "radiomics_model"),
    "learn.log": Acts("true", "numbers", "radiomics_model"),
    "learn.select": Acts("false", "numbers", "radiomics_model"),
    "learn.t_test": Acts("mannwhitney", "numbers", "radiomics_model"),
    "learn.p": Acts("0.5", "numbers", "radiomics_model"),
    "learn.correlation": Acts("0.3", "numbers", "radiomics_model"),
    "learn.lasso_rule": Acts("1se", "numbers", "radiomics_model"),
    "learn.lasso_folds": Acts("4", "numbers", "radiomics_model"),
    # networks
    "deep.mode": Acts("frozen", *NETWORKS),
    "deep.backbone": Acts("efficientnet_lite0", *NETWORKS, ("deep.mode=frozen",)),
    "deep.weights": Acts("none", *NETWORKS, FROZEN),
    "deep.input.margin_px": Acts("2", *NETWORKS, FROZEN),
    "deep.input.size": Acts("40", *NETWORKS, FROZEN),
    "deep.slices": Acts("largest", "solid", "deep"),
    "deep.flips": Acts("false", *NETWORKS, FROZEN),
    "deep.seeds": Acts("2", *NETWORKS, ("learn.seeds=2", "learn.protocols=[crossfit]", "deep.training.epochs=1")),
    "deep.training.epochs": Acts("1", *NETWORKS),
    "deep.training.batch_size": Acts("4", *NETWORKS),
    "deep.training.accumulate": Acts("2", *NETWORKS),
    "deep.training.optimiser": Acts("adam", *NETWORKS),
    "deep.training.weight_decay": Acts("0.5", *NETWORKS),
    "deep.training.warm_up": Acts("0", *NETWORKS),
    "deep.training.schedule": Acts("constant", *NETWORKS, ("deep.training.patience=null",)),
    "deep.training.clip_norm": Acts("0.01", *NETWORKS),
    "deep.training.ema": Acts("0.05", *NETWORKS),
    "deep.training.patience": Acts("null", *NETWORKS),
    "deep.training.precision": Acts("bfloat16", *NETWORKS, ("deep.training.precision=float32",)),
    "deep.training.backbone_rate": Acts("0.01", *NETWORKS),
    "deep.training.head_rate": Acts("0.05", *NETWORKS),
    "deep.training.validation_share": Acts("0.4", *NETWORKS),
    "deep.training.label_smoothing": Acts("0.2", *NETWORKS),
    "deep.training.class_weights": Acts("true", *NETWORKS),
    "attention.method": Acts("gradcam++", "stills", "attention"),
    "attention.cases": Acts("3", "stills", "attention"),
    "attention.examples": Acts("0", "stills", "attention"),
    "attention.other_masks": Acts("2", "stills", "attention"),
    "fuse.n_components": Acts("2", "stills", "fuse"),
    # the Combined model, its measures and its pages
    "combine.variables": Acts("[er]", "numbers", "combine"),
    "combine.signature": Acts("DL", "stills", "combine"),
    "combine.penalty": Acts("ridge", "numbers", "combine", ("learn.protocols=[crossfit]",)),
    "combine.maximum_parameters": Acts("1", "numbers", "combine", ("learn.protocols=[crossfit]",)),
    "combine.bootstrap": Acts("3", "numbers", "combine", ("learn.protocols=[crossfit]",)),
    "combine.inner": Acts("true", "numbers", "evaluate", ("learn.protocols=[crossfit, nested]",)),
    "evaluate.primary": Acts("[Rad, Clinical]", "numbers", "evaluate"),
    "evaluate.bootstrap": Acts("101", "page", "evaluate", ("learn.protocols=[crossfit]",)),
    "evaluate.permutations": Acts(
        "2", "numbers", "permutations", ("evaluate.permutations=1", "learn.protocols=[crossfit]")
    ),
    "evaluate.net_benefit_at": Acts("[0.2]", "numbers", "evaluate"),
    "evaluate.splits": Acts("1", "numbers", "radiomics_model"),
    "evaluate.strata": Acts("{{age: [50]}}", "numbers", "evaluate"),
    "evaluate.reclassification": Acts("true", "numbers", "evaluate"),
    "evaluate.target_prevalence": Acts("0.1", "page", "evaluate"),
    "evaluate.decision_band": Acts("true", "page", "evaluate"),
    "evaluate.thresholds": Acts("[0.1, 0.3]", "page", "report", sections=("answer",)),
    "evaluate.plausible_auc": Acts("{{her2: 0.01}}", "page", "report", sections=("answer",)),
    "evaluate.plausible_auc_default": Acts(
        "0.51", "page", "report", ("evaluate.plausible_auc={{}}", "learn.protocols=[crossfit]"), sections=("answer",)
    ),
    "nomogram.example": Acts("P0001", "nomogram", "nomogram"),
    "report.title": Acts("Another title", "page", "report", sections=("who",)),
    "report.tiff": Acts("true", "page", "report", sections=("who",)),
    "report.examples": Acts("1", "pictures", "report", sections=("who",)),
}
NO_PART_OF_A_RESULT = {  # a value beside the reason
    "deep.training.device": ("cuda", "says where a training runs"),
    "deep.training.compile": ("off", "says whether CUDA's kernels are made to measure; a CPU has none of it"),
    "deep.training.devices": ("2", "says on how many chips it runs"),
    "deep.training.threads": ("2", "says how many threads it takes"),
    "deep.training.workers": ("1", "says who makes its batches ready; the batches are the same"),
    "deep.training.checkpoint_every": ("2", "says how often an unfinished training is kept"),
}
OF_A_COLUMN = {
    "kind": Acts("nominal", "table"),
    "levels": Acts('["1", "0"]', "table"),
    "log": Acts("true", "numbers", "clinical"),
    "available": Acts("imaging", "numbers", "clinical"),
    "unit": Acts("a unit", "numbers", "clinical"),
    "label": Acts("A label", "numbers", "clinical"),
}


class Idle(BaseModel):
    """A section whose setting is in every key and acts on nothing."""

    number: int = 0


class WithIdle(StudySettings):
    """The settings of a study and an idle one."""

    idle: Idle = Idle()


def leaves(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """The dotted names of all settings that have no settings below them."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{before}{name}.")
        else:
            yield before + name


def unlisted(model: type[BaseModel]) -> set[str]:
    """Settings that stand in neither table, or in both, and names in a table that are no settings.

    Those of super-resolution have their own: test_every_superres_setting_acts.py.
    """
    names = {name for name in leaves(model) if not name.startswith("superres.")}
    return names ^ (CHANGES.keys() | NO_PART_OF_A_RESULT.keys()) | CHANGES.keys() & NO_PART_OF_A_RESULT.keys()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every small study lies, so that what a change leaves alone is computed once."""
    return tmp_path_factory.mktemp("settings")


def small_backbone() -> Any:
    """A backbone of one convolution under the name of a large one, so that a training takes no time."""
    from torch import nn

    from dlr.deep.backbones import Backbone

    def make() -> nn.Module:
        layers = {"conv": nn.Conv2d(3, 8, 3, stride=4), "norm": nn.BatchNorm2d(8), "relu": nn.ReLU(),
                  "pool": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "fc": nn.Linear(8, 10)}  # fmt: skip
        return nn.Sequential(OrderedDict(layers))

    return Backbone(make, "fc", 8, "conv", "torchvision")


def before_and_after(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: Acts, study: SmallStudy
) -> tuple[Given, Given]:
    """The stage without the change and with it."""
    monkeypatch.setattr(dlr.report, "contents", lambda sources: list(change.sections))
    if change.study == "networks":
        monkeypatch.setitem(importlib.import_module("dlr.deep.backbones").BACKBONES, "resnet18", small_backbone())
    folder, run = home / change.study.replace(" ", "_"), "_".join(("run", *change.sections))
    before = study.run(folder, change.stage, change.given, run)
    after = study.run(folder, change.stage, (*change.given, f"{name}={change.value}"), run)
    assert before.key != after.key, f"{name} is not in the key of {change.stage}"
    assert before.refused is None or after.refused is None, f"refused: {before.refused} {after.refused}"
    return before, after


def assert_acts(home: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: Acts) -> None:
    """The stage's key moves, and what it writes (or whether it refuses) changes."""
    before, after = before_and_after(home, monkeypatch, name, change, STUDIES[change.study])
    same = before.outputs == after.outputs  # not compared in the assertion, which would print all bytes
    assert not same, f"{name} changes nothing that {change.stage} writes"


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_moves_a_key_and_changes_an_output(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "radiomics.engine":
        pytest.importorskip("radiomics")
    if name.startswith(("deep.", "attention.", "fuse.")) or name == "combine.signature":
        pytest.importorskip("torch")
    assert_acts(home, monkeypatch, name, CHANGES[name])


@pytest.mark.parametrize("name", ColumnSpec.model_fields)
def test_every_word_on_a_clinical_column_acts(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    column = "cea" if name == "log" else "er"
    assert_acts(home, monkeypatch, f"cohort.columns.{column}.{name}", OF_A_COLUMN[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "stage", "sections"),
    [("page", "evaluate", ()), ("page", "report", ("answer",)), ("stills", "attention", ()), (*NETWORKS, ())],
)
def test_a_setting_that_does_nothing_would_be_noticed(
    home: Path, monkeypatch: pytest.MonkeyPatch, study: str, stage: str, sections: tuple[str, ...]
) -> None:
    if study in ("stills", "networks"):
        pytest.importorskip("torch")
    usual = STUDIES[study]
    stages = tuple(
        one if "*" in one.sections else replace(one, sections=(*one.sections, "idle")) for one in usual.stages
    )
    change = Acts("1", study, stage, sections=sections)
    idle = replace(usual, stages=stages, model=WithIdle)
    before, after = before_and_after(home, monkeypatch, "idle.number", change, idle)
    assert before.outputs.keys() == after.outputs.keys()
    assert [name for name in before.outputs if before.outputs[name] != after.outputs[name]] == []


@pytest.mark.parametrize("name", NO_PART_OF_A_RESULT)
def test_where_and_how_fast_a_training_runs_moves_no_key(home: Path, name: str) -> None:
    value, reason = NO_PART_OF_A_RESULT[name]
    study, folder = STUDIES["networks"], home / "networks"
    keys = []
    for overrides in ((), (f"{name}={value}",)):
        study.run(folder, "cohort", overrides, "planned")
        keys.append(keys_of(folder / "runs" / "planned"))
    assert keys[0] == keys[1], f"{name} {reason}"


def test_every_setting_stands_in_one_of_the_two_tables() -> None:
    assert not unlisted(StudySettings)


def test_a_new_setting_is_noticed() -> None:
    class Wider(ReportSettings):
        colour: str = "blue"

    class Another(StudySettings):
        report: Wider = Wider()

    assert unlisted(Another) == {"report.colour"}
