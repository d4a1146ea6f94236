"""Two engines on the same cases, in memory and by command."""

import importlib.util

import numpy as np
import pytest
from PIL import Image
from radiomics_reference import ball, needs_pyradiomics, profile_of
from typer.testing import CliRunner

from dlr.cli import app
from dlr.errors import InputError
from dlr.radiomics import Measured, engine
from dlr.radiomics.compare import Roi, compare_engines, differences

PROFILE = profile_of(featureClass={"firstorder": ["Mean", "Variance"], "glcm": ["Contrast"]})
SPACING = (1.0, 1.0, 1.0)


class Off:
    """The native engine with one value a tenth too large, one missing, and a case that it refuses."""

    name, version = "off", "1"

    def measure(self, image, mask, spacing, profile):
        measured = engine("native").measure(image, mask, spacing, profile)
        if mask.sum() == 13:
            raise InputError("here", "not this one", "")
        values = measured.values | {"original_glcm_Contrast": 1.1 * measured.values["original_glcm_Contrast"]}
        del values["original_firstorder_Variance"]
        return Measured(values, {"original_firstorder_Variance": "left away"})


def test_largest_difference_of_a_family_and_what_one_engine_misses_are_named():
    rois = [Roi(f"c{radius}", *ball((1, 30, 30), radius), SPACING) for radius in (5, 7)]
    small = np.zeros((1, 30, 30), bool)
    small[0, 4, 4:17] = True
    rois.append(Roi("small", rois[0].image, small, SPACING))
    found = compare_engines(
        rois, profile_of(featureClass=PROFILE.families, setting={"minimumROIDimensions": 1}), Off(), engine("native")
    )
    families = found.families.set_index("family")
    assert families.loc["glcm", "largest_difference"] == pytest.approx(0.1)
    assert families.loc["glcm", "feature"] == "original_glcm_Contrast"
    assert families.loc["firstorder", "largest_difference"] == 0
    assert families.loc["firstorder", "one_sided"] == 2
    assert list(found.seconds["case_id"]) == ["c5", "c7"]
    assert found.problems.to_dict("records") == [{"case_id": "small", "engine": "off", "what": "not this one"}]


def test_two_values_that_are_rounding_do_not_differ():
    columns = [f"original_firstorder_{name}" for name in ("Mean", "Variance")] + ["original_glcm_Contrast"]
    ours, theirs = (Measured(dict(zip(columns, values, strict=True)), {}) for values in ((3e-16, 2, 0), (-1e-16, 4, 1)))
    assert list(differences(ours, theirs, PROFILE, "still")["difference"]) == [0, 0.5, 1]


@pytest.fixture
def manifest(tmp_path):
    """Three stills without any label."""
    lines = ["patient_id,image,mask"]
    for i in range(3):
        image, mask = ball((1, 60, 70), 14, seed=i)
        Image.fromarray(np.clip(image[0], 0, 255).astype(np.uint8)).save(tmp_path / f"i{i}.png")
        Image.fromarray((mask[0] * 255).astype(np.uint8)).save(tmp_path / f"m{i}.png")
        lines.append(f"p{i},i{i}.png,m{i}.png")
    (tmp_path / "cases.csv").write_text("\n".join(lines))
    return tmp_path / "cases.csv"


def compare(*arguments):
    return CliRunner().invoke(app, ["radiomics", "compare", *map(str, arguments)])


@needs_pyradiomics
def test_command_compares_cases_of_a_manifest_without_a_study(manifest):
    said = compare("--manifest", manifest, "--n", 2)
    assert said.exit_code == 0, said.output
    assert "2 cases: native" in said.stdout and "glszm" in said.stdout
    largest = [
        float(word) for line in said.stdout.splitlines() for word in line.split() if "e-" in word or "e+" in word
    ]
    assert len(largest) == 7 and max(largest) <= 1e-6


def test_without_pyradiomics_its_installation_is_named(manifest, monkeypatch):
    engine.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, find=importlib.util.find_spec: None
                        if name == "radiomics" else find(name))  # fmt: skip
    said = compare("--manifest", manifest)
    engine.cache_clear()
    assert said.exit_code == 2
    assert 'pip install "dlr[pyradiomics]"' in said.stderr


@needs_pyradiomics
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--manifest", "none.csv"], "no such manifest"),
        (["nowhere"], "not the folder of a study"),
        (["--n", "0"], "from 1 on"),
        (["--set", "radiomics.profile=none"], "none"),
    ],
)
def test_wrong_input_is_exit_status_2(manifest, arguments, words):
    given = arguments if {"--manifest", "nowhere"} & set(arguments) else ["--manifest", manifest, *arguments]
    said = compare(*given)
    assert said.exit_code == 2
    assert words in said.stderr
