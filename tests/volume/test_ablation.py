"""Every row of the ablation is the network under one other setting of its own, and nothing else."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from dlr.engine import resolve
from dlr.errors import InputError
from dlr.settings import DceStudySettings
from dlr.volume import ReceptorSettings, RegionSettings
from dlr.volume.ablation import ablated
from dlr.volume.settings import AblationRow


def flat(settings: ReceptorSettings) -> dict[str, Any]:
    dumped = settings.model_dump()
    regions = dumped.pop("regions")
    return dumped | {f"regions.{name}": value for name, value in regions.items()}


CHANGED: dict[str, dict[str, Any]] = {  # what the row is asked for by hand
    "without_attention": {"attention": "none"},
    "single_scale": {"attention": "single_scale"},
    "without_peritumoral": {"regions.use": ["core", "rim"]},
    "without_multi_task": {"one_network": False},
    "without_shared_extractor": {"extractor": "own"},
    "core_only": {"regions.use": ["core"]},
    "core_pooled": {"regions.use": ["core"], "regions.mask_input": False},
    "without_core": {"regions.use": ["rim", "peritumoral"]},
    "without_rim": {"regions.use": ["core", "peritumoral"]},
}


def asked(*rows: str) -> ReceptorSettings:
    return ReceptorSettings.model_validate({"models": ["spatial"], "ablation": list(rows)})


@pytest.mark.parametrize("row", get_args(AblationRow))
def test_a_row_changes_its_own_setting_alone(row: str) -> None:
    settings = asked(row)
    before, after = flat(settings), flat(ablated(settings)[row])
    assert {name: after[name] for name in after if after[name] != before[name]} == CHANGED[row]


def test_a_region_that_leaves_a_row_is_zero_in_its_input_though_the_model_itself_sees_it() -> None:
    given = {"models": ["spatial"], "ablation": list(get_args(AblationRow)), "regions": {"mask_input": False}}
    rows = ablated(ReceptorSettings.model_validate(given))
    masked = {row for row, settings in rows.items() if settings.regions.mask_input}
    assert masked == {"without_peritumoral", "core_only", "without_core", "without_rim"}


def test_all_are_the_six_published_rows_of_the_network_and_the_trap() -> None:
    settings = ReceptorSettings.model_validate({"models": ["spatial"], "ablation": "all"})
    assert list(ablated(settings)) == [row for row in CHANGED if row not in ("without_core", "without_rim")]
    assert ablated(asked()) == ablated(ReceptorSettings()) == {}


@pytest.mark.parametrize(
    ("given", "what", "mend"),
    [
        (("receptors.models=[multi]", "receptors.ablation=all"), "no spatial|does not hold spatial", "add spatial"),
        (("receptors.regions.use=[rim]", "receptors.ablation=[without_rim]"), "leaves no region", "more regions"),
    ],
)
def test_a_row_of_a_network_that_is_not_there_is_refused(given: tuple[str, ...], what: str, mend: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        resolve(DceStudySettings, {}, list(given))
    assert mend in caught.value.problems[0].mend and "receptors" in caught.value.problems[0].what


@pytest.mark.parametrize("ablation", ["all", ["without_peritumoral"]])
def test_a_row_without_any_region_is_refused_however_it_is_asked_for(ablation: object) -> None:
    given = {"models": ["spatial"], "ablation": ablation, "regions": {"use": ["peritumoral"]}}
    with pytest.raises(ValueError, match="without_peritumoral leaves no region"):
        ReceptorSettings.model_validate(given)


def test_regions_are_named_once_and_have_one_order() -> None:
    with pytest.raises(ValueError, match="names one region twice"):
        RegionSettings.model_validate({"use": ["core", "core"]})
    assert RegionSettings.model_validate({"use": ["rim", "core"]}).use == ["core", "rim"]
