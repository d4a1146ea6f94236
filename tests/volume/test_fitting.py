"""One training part in, a 3-D network out: what it learns from, what it cannot see, and that it is kept to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dlr.errors import InputError  # noqa: E402
from dlr.volume import (  # noqa: E402
    ReceptorSettings,
    VolumeSettings,
    fit_network,
    load_receptors,
    look,
    network_input,
    save_receptors,
    seconds_a_volume,
    value_of,
)
from dlr.volume.applying import input_of  # noqa: E402
from dlr.volume.cut import Volume  # noqa: E402
from dlr.volume.fitting import Fitted, LabelledVolumes, architecture_of, prepared  # noqa: E402
from dlr.words import Target, TargetKind  # noqa: E402
from tests.volume.small_volumes import TARGETS, VOLUME, cohort, lesion, settings  # noqa: E402

VOLUMES, LABELS, NAMES = cohort(12)
KI67 = Target("ki67", TargetKind.PER_CENT)
FORM = architecture_of("multi", TARGETS, VOLUME, settings())


def fitted(
    kind: str = "multi",
    volumes: list[Volume] = VOLUMES,
    labels: np.ndarray = LABELS,
    volume: VolumeSettings = VOLUME,
    given: ReceptorSettings | None = None,
    **more: object,
) -> Fitted:
    names = NAMES[: len(volumes)]
    own = given or settings(training={"epochs": 1})
    return fit_network(kind, volumes, labels, TARGETS, names, names, volume, own, seed=3, **more)


def bits(found: Fitted) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in found.network.state_dict().items()}


@pytest.fixture(scope="module")
def made() -> Fitted:
    return fitted()


def test_two_runs_give_the_same_bits(made: Fitted) -> None:
    again = fitted()
    assert bits(again) == bits(made) and again.trained.curves == made.trained.curves
    given = settings(task_weights="uncertainty", training={"epochs": 1})
    first, second = (fitted("spatial", given=given) for _ in range(2))
    assert bits(first) == bits(second) and first.trained.curves == second.trained.curves
    assert {point.measure for point in made.trained.curves} == {
        "loss", "heads", "dice", "voxels", "loss_er", "loss_pr",
    }  # fmt: skip


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_training_that_was_killed_ends_with_the_same_bits(
    norm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, whole = settings(norm=norm, training={"epochs": 3}), LabelledVolumes.batch
    through = fitted(given=given)
    kept = {"checkpoint": tmp_path / "training", "identity": "this one"}

    def killed(self: LabelledVolumes, places: list[int], epoch: int | None) -> object:
        if epoch == 3:
            raise KeyboardInterrupt
        return whole(self, places, epoch)

    monkeypatch.setattr(LabelledVolumes, "batch", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(given=given, **kept)
    monkeypatch.setattr(LabelledVolumes, "batch", whole)
    resumed = fitted(given=given, **kept)
    assert bits(resumed) == bits(through) and resumed.trained.curves == through.trained.curves


@pytest.mark.parametrize("kind", ["single", "multi", "spatial"])
def test_a_saved_network_says_the_same_to_the_bit(kind: str, tmp_path: Path) -> None:
    more = {"segmentation": {"deep_supervision": True}, "passes": 3, "task_weights": "uncertainty"}
    of_spatial = {"extractor": "own", "dimension": "2d", "regions": {"use": ["rim", "core"], "rim_mm": 1.5}}
    found = fitted(kind, given=settings(training={"epochs": 1}, **more, **of_spatial))
    for name in ("a", "b"):
        save_receptors(found, tmp_path / name)
    assert all(f.read_bytes() == (tmp_path / "b" / f.name).read_bytes() for f in (tmp_path / "a").iterdir())
    again = load_receptors(tmp_path / "a")
    first, second = (look(network, VOLUMES[0], True) for network in (found.network, again))
    assert np.array_equal(first.scores, second.scores) and np.array_equal(first.features, second.features)
    assert again.targets == ("er", "pr") and again.form == found.network.form
    assert len(first.attention) == (3 if kind == "spatial" else 0)
    assert all(np.array_equal(a, b) for a, b in zip(first.attention, second.attention, strict=True))
    if kind == "multi":
        assert np.array_equal(first.map, second.map)
    else:
        assert first.map is None and second.map is None
    (tmp_path / "a" / "network.json").write_text("{}")
    with pytest.raises(InputError, match="its network cannot be read"):
        load_receptors(tmp_path / "a")


@pytest.mark.slow
def test_eight_volumes_are_learnt_by_heart() -> None:
    """Dice above .9 and AUC 1."""
    volumes, labels, _ = cohort(8)
    training = {"epochs": 60, "batch_size": 8, "rate": 1e-2, "ema": 0.8, "patience": None, "augment": False}
    given = settings(width=8, training=training)
    network = fitted("multi", volumes, labels, given=given).network
    seen = [look(network, volume, False) for volume in volumes]
    for volume, said in zip(volumes, seen, strict=True):
        found = said.map > 0.5
        assert 2 * (found & volume.mask).sum() / (found.sum() + volume.mask.sum()) > 0.9
    for column in range(2):
        positive = labels[:, column] == 1
        logits = np.array([said.scores[column] for said in seen])
        assert logits[positive].min() > logits[~positive].max()


@pytest.mark.parametrize("kind", ["single", "spatial"])
def test_eight_volumes_and_their_per_cents_are_learnt_by_heart(kind: str) -> None:
    """AUC 1 of brightness and size, and a per cent made of both to 12 on average, where its mean is off by 20."""
    volumes, labels, names = cohort(8)
    ki67 = 10 + 40 * labels[:, :1] + 30 * labels[:, 1:]
    labels = np.hstack([labels, ki67])
    training = {"epochs": 40, "batch_size": 8, "rate": 1e-2, "ema": 0.8, "patience": None, "augment": False}
    given = settings(training=training)
    found = fit_network(kind, volumes, labels, (*TARGETS, KI67), names, names, VOLUME, given, seed=3).network
    scores = np.array([look(found, volume, False).scores for volume in volumes])
    for column in range(2):
        positive = labels[:, column] == 1
        assert scores[positive, column].min() > scores[~positive, column].max()
    assert np.abs(value_of(scores[:, 2], KI67) - ki67[:, 0]).mean() < 12


def test_a_score_s_value_is_a_probability_or_a_per_cent() -> None:
    assert value_of(np.array([0.0, np.log(3)]), TARGETS[0]).tolist() == pytest.approx([0.5, 0.75])
    assert value_of(np.array([-0.3, 2.25, 10.4]), KI67).tolist() == [0.0, 22.5, 100.0]


@pytest.mark.parametrize("kind", ["single", "multi", "spatial"])
def test_heads_begin_at_prevalence_and_mean_of_what_is_learnt_from(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine known per cents of mean 30 among the first nine; two thirds of er: seen before the first step."""
    begun = []

    def stopped(network: torch.nn.Module, *_: object, **__: object) -> None:
        begun.append(network.head.bias.tolist())
        raise KeyboardInterrupt

    monkeypatch.setattr("dlr.volume.fitting.train", stopped)
    labels = np.column_stack([[1, 1, 0] * 4, np.repeat([10.0, 50.0], 6)])
    labels[8, 1], labels[0, 1], labels[9:, 1] = np.nan, 30, 99
    with pytest.raises(KeyboardInterrupt):
        fit_network(
            kind, VOLUMES, labels, (TARGETS[0], KI67), NAMES, NAMES, VOLUME, settings(), seed=3,
            validation=np.arange(12) >= 9,
        )  # fmt: skip
    known = labels[:9, 1][np.isfinite(labels[:9, 1])]
    assert begun[0] == pytest.approx([np.log(2), known.mean() / 10])


def test_a_per_cent_that_is_missing_teaches_nothing_and_one_value_is_refused() -> None:
    labels = np.column_stack([LABELS[:, 0], np.linspace(0, 90, 12)])
    labels[:6, 1] = np.nan
    targets = (TARGETS[0], KI67)
    given = settings(training={"epochs": 1})
    found = fit_network("spatial", VOLUMES, labels, targets, NAMES, NAMES, VOLUME, given, seed=3)
    assert {p.measure for p in found.trained.curves} == {"loss", "heads", "loss_er", "loss_ki67"}
    labels[6:, 1] = 20
    with pytest.raises(InputError, match=r"training part, ki67: \d volumes of one value"):
        fit_network("spatial", VOLUMES, labels, targets, NAMES, NAMES, VOLUME, given, seed=3)


def test_the_inner_part_leaves_low_and_high_per_cents_to_learn_from() -> None:
    labels = np.full((12, 1), np.nan)
    labels[[2, 3, 7, 8], 0] = [5, 80, 6, 90]
    for seed in range(4):
        given = settings(training={"epochs": 1, "validation_share": 0.4})
        found = fit_network("single", VOLUMES, labels, (KI67,), NAMES, NAMES, VOLUME, given, seed=seed)
        assert {p.part for p in found.trained.curves} == {"train", "validation"}


def test_limits_prevalence_and_lesion_share_are_those_of_what_is_learnt_from() -> None:
    """Volumes that stop the training turned into noise of another scanner: limits stay, to the bit; by hand as well."""
    stops = np.arange(12) >= 8
    noise = [lesion(k, 0, 0, seed=9) for k in range(12)]
    strange = [replace(v, grey=v.grey * 7 + 5000, low=v.low * 7 + 5000, high=v.high * 7 + 5000) for v in noise]
    mixed = [strange[k] if stops[k] else VOLUMES[k] for k in range(12)]
    found = [fitted(volumes=some, validation=stops).network for some in (VOLUMES, mixed)]
    assert torch.equal(found[0].limits, found[1].limits)
    by_hand = np.median([[v.low, v.high] for v in VOLUMES[:8]], axis=0)
    assert found[0].limits.tolist() == pytest.approx(by_hand.tolist())


def test_the_inner_part_is_held_out_and_whole_patients_and_leaves_both_classes() -> None:
    """Two positives of pr among 12: whatever is drawn, one is left to learn from; rows of a patient go together."""
    labels = LABELS.copy()
    labels[:, 1] = 0
    labels[[4, 5], 1] = 1
    for seed in range(6):
        names = [NAMES[k // 2 * 2] for k in range(12)]
        given = settings(training={"epochs": 1, "validation_share": 0.4})
        found = fit_network(
            "single", VOLUMES, labels, TARGETS, NAMES, NAMES, VOLUME, given, seed=seed
        )  # raises where none is left
        assert found.trained.best_epoch == 1
        by_two = fit_network("single", VOLUMES, LABELS, TARGETS, names, names, VOLUME, given, seed=seed)
        assert {p.part for p in by_two.trained.curves} == {"train", "validation"}


def test_without_patience_everything_is_learnt_from() -> None:
    found = fitted("single", given=settings(training={"epochs": 1, "patience": None}))
    assert {point.part for point in found.trained.curves} == {"train"}
    by_hand = np.median([[v.low, v.high] for v in VOLUMES], axis=0)
    assert found.network.limits.tolist() == pytest.approx(by_hand.tolist())


def test_each_volume_by_its_own_limits_is_free_of_unit_and_scanner() -> None:
    network = fitted(volume=VolumeSettings(size=16, scale="volume")).network
    assert network.limits.tolist() == [0.0, 1.0]
    own = VOLUMES[0]
    other = replace(own, grey=own.grey * 4 + 64, low=own.low * 4 + 64, high=own.high * 4 + 64)
    assert look(network, own, False).scores == pytest.approx(look(network, other, False).scores, abs=1e-5)
    given = network_input(own, network)
    assert given.shape == (1, 1, 16, 16, 16)
    assert given.min() < 0 < 1 < given.max()  # clipped in the network alone


@pytest.mark.parametrize("scale", ["part", "volume"])
def test_training_and_prediction_feed_the_same(scale: str) -> None:
    network = fitted("multi", volume=VolumeSettings(size=16, scale=scale)).network
    examples = LabelledVolumes(VOLUMES, LABELS, NAMES, network.form, 0, augmented=True)
    batch = prepared(examples.batch([4, 7], None), network.limits)
    assert torch.equal(batch.inputs, torch.cat([network_input(VOLUMES[k], network) for k in (4, 7)]))
    assert torch.equal(batch.targets.mask[:, 0], torch.from_numpy(np.stack([VOLUMES[k].mask for k in (4, 7)])))


def test_regions_in_use_are_the_channels_after_the_grey_in_training_and_prediction() -> None:
    given = settings(regions={"use": ["peritumoral", "core"], "core_mm": 2, "rim_mm": 1.5, "peritumoral_mm": 4})
    network = fitted("spatial", given=given).network
    examples = LabelledVolumes(VOLUMES, LABELS, NAMES, network.form, 0, augmented=True)
    batch = prepared(examples.batch([4, 7], None), network.limits)
    assert torch.equal(batch.inputs, torch.cat([network_input(VOLUMES[k], network) for k in (4, 7)]))
    for k, channels in zip((4, 7), batch.inputs.numpy(), strict=True):
        distance = VOLUMES[k].distance
        assert np.array_equal(channels[1], distance <= -min(2, 0.5 * VOLUMES[k].deepest))
        assert np.array_equal(channels[2], (distance > 1.5) & (distance <= 4))


@pytest.mark.parametrize("mask_input", [True, False])
def test_a_volume_scaled_by_its_own_percentiles_tells_nothing_of_what_is_hidden(mask_input: bool) -> None:
    volume, regions = VOLUMES[3], {"use": ["core"], "core_mm": 1, "mask_input": mask_input}
    form = architecture_of("spatial", TARGETS, VolumeSettings(size=16, scale="volume"), settings(regions=regions))
    core = volume.distance <= -min(1, 0.5 * volume.deepest)
    brighter = replace(volume, grey=np.where(core, volume.grey, 3 * volume.grey + 50), low=0.0, high=1000.0)
    before, after = (input_of(one, form)[0][core] for one in (volume, brighter))
    assert np.array_equal(before, after) == mask_input
    if mask_input:
        low, high = np.percentile(volume.grey[core], VolumeSettings().clip)
        np.testing.assert_allclose(before, (volume.grey[core] - low) / (high - low), atol=1e-5)  # of float32


def test_regions_move_with_the_grey_and_stay_what_they_are() -> None:
    """Grey set to its region's number keeps it but at borders, where it is interpolated; regions stay 0 or 1, apart."""
    form = architecture_of(
        "spatial",
        TARGETS,
        VOLUME,
        settings(regions={"core_mm": 2, "rim_mm": 1, "peritumoral_mm": 4, "mask_input": False}),
    )
    plain = [input_of(volume, form) for volume in VOLUMES]
    numbered = [
        replace(volume, grey=(own[1:] * np.array([3.0, 2.0, 1.0])[:, None, None, None]).sum(axis=0).astype(np.float32))
        for volume, own in zip(VOLUMES, plain, strict=True)
    ]
    examples = LabelledVolumes(numbered, LABELS, NAMES, form, 3, augmented=True)
    moved_some = 0
    for epoch in range(6):
        batch = examples.batch(range(12), epoch)
        shown = batch.inputs
        still = replace(shown, gain=torch.ones(12), gamma=torch.ones(12))
        seen = prepared(replace(batch, inputs=still), torch.tensor([0.0, 3.0])).inputs
        regions = seen[:, 1:]
        assert set(regions.unique().tolist()) <= {0.0, 1.0} and regions.sum(dim=1).max() <= 1
        number = (regions * torch.tensor([3.0, 2.0, 1.0])[:, None, None, None]).sum(dim=1)
        assert ((seen[:, 0] - number).abs() < 0.51).float().mean() > 0.95
        moved_some += int(not torch.equal(regions, shown.volumes[:, 1:]))
    assert moved_some == 6


def test_an_augmented_volume_depends_on_its_case_and_epoch_alone() -> None:
    limits = torch.tensor([90.0, 170.0])
    one = LabelledVolumes(VOLUMES, LABELS, NAMES, FORM, 3, augmented=True)
    other = LabelledVolumes(VOLUMES[5:], LABELS[5:], NAMES[5:], FORM, 3, augmented=True)
    first, second = prepared(one.batch([7, 5], 4), limits), prepared(other.batch([2], 4), limits)
    assert torch.equal(first.inputs[0], second.inputs[0]) and torch.equal(first.targets.mask[0], second.targets.mask[0])
    assert not torch.equal(prepared(one.batch([7], 5), limits).inputs, second.inputs)
    plain = LabelledVolumes(VOLUMES, LABELS, NAMES, FORM, 3, augmented=False)
    assert torch.equal(prepared(plain.batch([7], 4), limits).inputs, plain.batch([7], None).inputs.volumes)


def test_what_teaches_nothing_is_not_looked_at() -> None:
    """A volume without label teaches MultiTask its outline and SingleTask nothing; one without either nobody."""
    labels = LABELS.copy()
    labels[0] = np.nan
    changed = [replace(VOLUMES[0], grey=VOLUMES[0].grey[::-1].copy()), *VOLUMES[1:]]
    one, other = (fitted("single", volumes, labels) for volumes in (VOLUMES, changed))
    assert bits(one) == bits(other)
    without = [
        [replace(some[0], mask=np.zeros_like(some[0].mask), outlined=False), *some[1:]] for some in (VOLUMES, changed)
    ]
    assert bits(fitted("multi", without[0], labels)) == bits(fitted("multi", without[1], labels))
    bare = [[replace(one[0], mask=np.zeros_like(one[0].mask), outlined=False), *one[1:]] for one in (VOLUMES, changed)]
    assert bits(fitted("spatial", bare[0])) == bits(fitted("spatial", bare[1]))  # though it has its labels
    unstopped = settings(training={"epochs": 1, "patience": None})
    one, other = (fitted("multi", volumes, labels, given=unstopped) for volumes in (VOLUMES, changed))
    assert bits(one) != bits(other)


@pytest.mark.parametrize(("kind", "norm", "extractor"), [
    ("multi", "batch", "shared"), ("multi", "group", "shared"), ("spatial", "batch", "own"),
])  # fmt: skip
def test_activations_computed_again_give_the_same_bits(kind: str, norm: str, extractor: str) -> None:
    kept, again = (
        fitted(kind, given=settings(norm=norm, extractor=extractor, training={"epochs": 1, "checkpointing": choice}))
        for choice in ("off", "on")
    )
    assert bits(kept) == bits(again)


def test_a_mirror_image_gives_the_same_prediction_and_the_mirrored_map(made: Fitted) -> None:
    own = VOLUMES[3]
    mirrored = replace(own, grey=own.grey[:, :, ::-1].copy(), mask=own.mask[:, :, ::-1])
    first, second = (look(made.network, volume, True) for volume in (own, mirrored))
    assert first.scores == pytest.approx(second.scores, abs=1e-6)
    assert first.map == pytest.approx(second.map[:, :, ::-1], abs=1e-5)
    assert first.scores.dtype == np.float64 and first.map.dtype == np.float32 and first.features.shape == (32,)
    plain = look(made.network, own, False)
    assert plain.map.shape == (16, 16, 16) and not np.array_equal(plain.scores, first.scores)


def test_a_mirror_image_gives_mirrored_attention() -> None:
    network, own = fitted("spatial").network, VOLUMES[3]
    layers = {name: getattr(own, name)[:, :, ::-1].copy() for name in ("grey", "mask", "distance")}
    first, second = (look(network, volume, True) for volume in (own, replace(own, **layers)))
    assert first.scores == pytest.approx(second.scores, abs=1e-6) and len(first.attention) == 3
    for there, back in zip(first.attention, second.attention, strict=True):
        assert there.dtype == np.float32 and there == pytest.approx(back[:, :, ::-1], abs=1e-5)


def test_what_cannot_be_learnt_is_named() -> None:
    labels = LABELS.copy()
    labels[:, 1] = 1
    with pytest.raises(InputError, match="training part, pr: 9 positive and 0 negative"):
        fitted(labels=labels)
    bare = [replace(v, mask=np.zeros_like(v.mask), outlined=False) for v in VOLUMES]
    with pytest.raises(InputError, match="no volume has an outline"):
        fitted(volumes=bare)
    assert fitted("single", volumes=bare).trained.epochs == 1
    with pytest.raises(InputError, match="no volume has an outline, whose regions Spatial pools over"):
        fitted("spatial", volumes=bare)
    with pytest.raises(InputError, match="it has no outline"):
        look(fitted("spatial").network, bare[0], False)


def test_settings_make_the_network_they_name(made: Fitted) -> None:
    """Each of them alone changes the weights or the prediction of a training of one epoch."""
    changes = {
        "depth": 18, "width": 8, "stem": "published", "norm": "group", "passes": 1, "loss": "focal",
        "segmentation": {"weight": 0.2}, "training": {"augment": False},
    }  # fmt: skip
    variants = [settings(**{"training": {"epochs": 1}, **{name: value}}) for name, value in changes.items()]
    variants[-1] = settings(training={"epochs": 1, "augment": False})
    variants += [settings(training={"epochs": 1}, segmentation={"resolution": "stem"})]
    variants += [settings(training={"epochs": 1}, segmentation={"deep_supervision": True})]
    variants += [
        settings(training={"epochs": 1, "rate": 1e-2}),
        settings(training={"epochs": 1, "optimiser": "adamw", "weight_decay": 0.5}),
    ]
    said = [tuple(look(fitted(given=one).network, VOLUMES[0], False).scores) for one in variants]
    assert len({tuple(look(made.network, VOLUMES[0], False).scores), *said}) == len(variants) + 1


def test_weights_of_the_regions_learn_at_ten_times_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []

    def stopped(*_: object, **given: object) -> None:
        rates.append(given["rates"])
        raise KeyboardInterrupt

    monkeypatch.setattr("dlr.volume.fitting.train", stopped)
    for kind in ("spatial", "single"):
        with pytest.raises(KeyboardInterrupt):
            fitted(kind, given=settings(training={"rate": 0.002}))
    assert rates == [{"": 0.002, "of_regions": 0.02}, {"": 0.002}]


def test_settings_of_spatial_make_the_network_they_name() -> None:
    changes = [
        {"dimension": "2d"}, {"attention": "single_scale"}, {"attention": "none"}, {"extractor": "own"},
        {"task_weights": "uncertainty"}, {"per_cent_loss": "huber"},
        *({"regions": {name: value}} for name, value in (
            ("use", ["core", "rim"]), ("core_mm", 1.0), ("core_share", 0.8), ("rim_mm", 1.5), ("peritumoral_mm", 4.0),
            ("mask_input", False),
        )),
    ]  # fmt: skip
    labels, targets = np.column_stack([LABELS[:, 0], np.linspace(0, 90, 12)]), (TARGETS[0], KI67)
    said = set()
    for more in ({}, *changes):
        given = settings(training={"epochs": 1, "patience": None}, **more)
        network = fit_network("spatial", VOLUMES, labels, targets, NAMES, NAMES, VOLUME, given, seed=3).network
        said.add(tuple(look(network, VOLUMES[0], False).scores))
    assert len(said) == len(changes) + 1


def test_the_time_foretold_grows_with_the_volume_and_the_task() -> None:
    small, large = (seconds_a_volume("single", VolumeSettings(size=size), settings(depth=18)) for size in (16, 64))
    assert 0 < small < large
    assert seconds_a_volume("multi", VolumeSettings(size=32), settings()) > small
    shared, own = (
        seconds_a_volume("spatial", VolumeSettings(size=48), settings(extractor=e)) for e in ("shared", "own")
    )
    assert 0 < shared < own
