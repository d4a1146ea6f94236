"""A pipeline run, run again, changed, damaged, forced: what is computed, what is found, and what is said."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from toy_pipeline import PIPELINE, Settings, make_study, outputs, raise_to_power

from dlr.engine import Pipeline, Run, Screen, Task, looks_at, open_study, run_pipeline, stage, status
from dlr.errors import InputError

STAGES = sys.modules["dlr.engine.stage"]  # the module: dlr.engine names a function so
NUMBERS = {f"n{i}.txt": str(i) for i in range(5)}


@pytest.fixture
def manifest(tmp_path):
    return make_study(tmp_path / "my data", NUMBERS)


@pytest.fixture
def study(tmp_path):
    return tmp_path / "runs" / "a study"


def go(study, manifest, settings=None, **options):
    screen = Screen(Console(file=io.StringIO(), width=200))
    result = run_pipeline(PIPELINE, study, manifest, settings, screen=screen, **options)
    go.said = screen.console.file.getvalue()
    return result


def states(result):
    return {outcome.stage: outcome.state for outcome in result.outcomes}


def test_the_first_run_computes_everything(study, manifest):
    result = go(study, manifest)
    assert states(result) == {"listing": "computed", "square": "computed", "extra": "left out", "total": "computed"}
    assert (result.folders["total"] / "total.txt").read_text() == "30\n"
    assert {outcome.reason for outcome in result.outcomes if outcome.state == "computed"} == {"first time"}


def test_the_second_run_computes_nothing_and_says_why(study, manifest):
    go(study, manifest)
    result = go(study, manifest)
    assert set(states(result).values()) == {"cached", "left out"}
    assert all("same settings, files and versions" in o.reason for o in result.outcomes if o.state == "cached")


def test_a_stage_that_leaves_itself_out_is_none_to_others_with_its_reason(study, manifest):
    result = go(study, manifest)
    assert result.folders["extra"] is None
    assert result.left_out == {"extra": "there is nothing extra in this study"}


def test_what_needs_a_stage_that_is_left_out_is_left_out_too(study, manifest):
    @stage("after", version=1, needs=["extra"])
    def after(run: Run) -> None:
        """Needs what is not there."""
        raise AssertionError("must not run")

    pipeline = Pipeline("toy", [*PIPELINE.stages, after], Settings)
    result = run_pipeline(pipeline, study, manifest, screen=Screen(quiet=True))
    assert result.left_out["after"] == "extra is left out: there is nothing extra in this study"


def test_a_stage_is_told_why_others_are_not_there_and_what_they_warned_of(tmp_path, study):
    manifest = make_study(tmp_path / "data", {"bad.txt": "seven"})
    seen = {}

    @stage("last", version=1, needs=["square"], optional=["extra", "deep"])
    def last(run: Run) -> None:
        """Reads what others left."""
        seen.update(left_out=run.left_out, said=run.said, deep=run.needs.deep)

    pipeline = Pipeline("toy", [*PIPELINE.stages, last], Settings)
    run_pipeline(pipeline, study, manifest, screen=Screen(quiet=True))
    assert seen["left_out"] == {
        "extra": "there is nothing extra in this study",
        "deep": "it is not part of this pipeline",
    }
    assert seen["said"] == (("square", "bad.txt: 'seven' is no number"),)
    assert seen["deep"] is None


def test_a_changed_setting_is_named_and_only_what_declares_it_is_computed(study, manifest):
    go(study, manifest)
    result = go(study, manifest, {"total": {"start": 1}})
    assert states(result)["square"] == "cached"
    assert result["total"].reason == "total.start: 0 → 1"


def test_a_changed_need_is_named(study, manifest):
    go(study, manifest)
    assert go(study, manifest, {"square": {"power": 3}})["total"].reason == "square changed"


def test_a_setting_marked_so_stays_out_of_the_key(study, manifest):
    go(study, manifest)
    assert states(go(study, manifest, {"square": {"seconds": 0.001}}))["square"] == "cached"


def test_the_studys_seed_is_in_every_key(study, manifest):
    go(study, manifest)
    assert go(study, manifest, {"seed": 2})["listing"].reason == "seed: 1 → 2"


def test_one_more_case_computes_one_more(study, manifest):
    go(study, manifest)
    (manifest.parent / "new.txt").write_text("10")
    manifest.write_text(manifest.read_text() + "new.txt\n")
    result = go(study, manifest)
    assert (result["square"].computed, result["square"].found) == (1, 5)
    assert (result.folders["total"] / "total.txt").read_text() == "130\n"


def test_a_changed_image_computes_that_case_only_and_is_named(study, manifest):
    go(study, manifest)
    (manifest.parent / "n3.txt").write_text("13")
    result = go(study, manifest)
    assert result["listing"].reason == "n3.txt changed"
    assert (result["square"].computed, result["square"].found) == (1, 4)


def test_settings_that_come_back_find_their_old_outputs(study, manifest):
    go(study, manifest)
    go(study, manifest, {"total": {"start": 1}})
    result = go(study, manifest)
    assert states(result)["total"] == "cached"
    assert (study / "total.txt").read_text() == "30\n"


def test_published_outputs_stand_at_the_top_and_nothing_stale_among_them(study, manifest):
    go(study, manifest)
    assert sorted(p.name for p in (study / "parts").iterdir()) == [f"n{i}.txt" for i in range(5)]
    manifest.write_text("image\nn1.txt\n")
    go(study, manifest)
    assert [p.name for p in (study / "parts").iterdir()] == ["n1.txt"]


def test_a_bad_case_is_named_and_the_others_go_on(tmp_path, study):
    manifest = make_study(tmp_path / "data", {**NUMBERS, "bad.txt": "seven"})
    result = go(study, manifest)
    assert result["square"].warnings == ("bad.txt: 'seven' is no number",)
    assert (result.folders["total"] / "total.txt").read_text() == "30\n"


def test_a_case_that_ran_out_of_memory_is_tried_again_by_the_next_run(tmp_path, study):
    manifest = make_study(tmp_path / "data", {**NUMBERS, "big.txt": "memory"})
    result = go(study, manifest)
    assert "memory ran out" in result["square"].warnings[0]
    again = go(study, manifest)
    assert again["square"].reason == "1 could not be done last time: tried again"
    assert (again["square"].computed, again["square"].found) == (0, 5)


@pytest.mark.parametrize("damage", ["cut", "gone", "flipped", "record cut", "record empty", "name no file can have"])
def test_a_damaged_output_is_computed_again(study, manifest, damage):
    before = outputs(go(study, manifest).study)
    file = next(study.glob("stages/total/*/total.txt"))
    if damage == "cut":
        file.write_text("3")
    elif damage == "gone":
        file.unlink()
    elif damage == "flipped":
        file.write_text(str(int(file.read_text()) ^ 1))  # as long as before
    else:
        record = file.with_name("stage.json")
        whole = record.read_text()
        named = whole.replace('"files": {', '"files": {"a\\u0000b": 1, ')
        record.write_text({"record cut": whole[:100], "record empty": "{}"}.get(damage, named))
    result = go(study, manifest)
    assert result["total"].reason == "its outputs in the store are damaged"
    assert outputs(study) == before


def test_a_task_of_other_content_is_computed_again(study, manifest):
    before = outputs(go(study, manifest).study)
    value = next(study.glob("stages/square/tasks/*/*/value.txt"))
    value.write_text(str(int(value.read_text()) ^ 1))
    shutil.rmtree(study / "stages" / "total")
    shutil.rmtree(next(each for each in (study / "stages" / "square").iterdir() if each.name != "tasks"))
    result = go(study, manifest)
    assert (result["square"].computed, result["square"].found) == (1, 4) and outputs(study) == before


def test_a_study_with_a_damaged_output_is_opened_by_nobody(study, manifest):
    go(study, manifest)
    file = next(study.glob("stages/total/*/total.txt"))
    file.write_text(str(int(file.read_text()) ^ 1))
    with pytest.raises(InputError, match=r"total\.txt.*not as the study wrote it.*dlr run"):
        open_study(study)


RUNS = {
    "no mapping": [1], "no pipeline": {"stages": {}}, "a pipeline that is no word": {"pipeline": 3, "stages": {}},
    "stages in a list": {"pipeline": "toy", "stages": []},
    "a key that is no word": {"pipeline": "toy", "stages": {"a": 1}},
    "a manifest that is no path": {"pipeline": "toy", "stages": {}, "manifest": {}},
    "a start that is no mapping": {"pipeline": "toy", "stages": {}, "started": [1]},
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_run_file_that_no_run_wrote_is_told(study, manifest, name):
    go(study, manifest)
    (study / "run.json").write_text(json.dumps(RUNS[name]))
    with pytest.raises(InputError, match=r"run\.json.*not as a run of dlr writes it.*dlr run"):
        open_study(study)


def test_json_without_an_end_of_nesting_is_told(study, manifest):
    go(study, manifest)
    (study / "run.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="not the folder of a study"):
        open_study(study)


def test_a_file_that_changes_while_a_stage_reads_it_is_told_and_not_kept(study, manifest, monkeypatch):
    """The stage's key was made of what the file held before."""
    listing = next(each for each in PIPELINE.stages if each.name == "listing")

    def changing(run):
        listing.function(run)
        (manifest.parent / "n2.txt").write_text("77")

    changed = replace(listing, function=changing)
    pipeline = Pipeline("toy", [changed, *[each for each in PIPELINE.stages if each.name != "listing"]], Settings)
    with pytest.raises(InputError, match=r"n2\.txt.*changed while the study read it.*run again"):
        run_pipeline(pipeline, study, manifest, screen=Screen(Console(file=io.StringIO())))
    assert go(study, manifest)["square"].computed == 5


def test_force_computes_a_stage_and_its_tasks_again_and_equal_bytes_stop_there(study, manifest):
    go(study, manifest)
    result = go(study, manifest, force=["square"])
    assert result["square"].reason == "forced"
    assert result["square"].computed == 5
    assert states(result)["total"] == "cached"


def test_force_with_other_bytes_computes_what_reads_them(study, manifest):
    go(study, manifest)
    file = next(study.glob("stages/square/*/squares.json"))
    size = file.stat().st_size
    file.write_bytes(file.read_bytes().replace(b"16", b"17"))  # unseen by its size, as a fault of the disk would be
    assert file.stat().st_size == size
    result = go(study, manifest, force=["square"])
    assert result["total"].reason == "square gave other bytes"


def test_until_stops_after_a_stage_and_only_runs_what_it_reads(study, manifest):
    assert list(go(study, manifest, until="square").folders) == ["listing", "square"]
    assert list(go(study, manifest, only="total").folders) == ["listing", "square", "extra", "total"]
    assert list(go(study, manifest, only="extra").folders) == ["listing", "extra"]


def test_an_unknown_stage_is_answered_with_the_nearest(study, manifest):
    with pytest.raises(InputError, match="did you mean square"):
        go(study, manifest, until="sqare")


def test_a_look_is_written_once_a_key(study, manifest):
    go(study, manifest)
    go(study, manifest)
    assert len(looks_at(study)) == 1
    go(study, manifest, {"total": {"start": 5}})
    assert [look.patients for look in looks_at(study)] == [5, 5]


def test_an_error_of_the_input_leaves_what_was_finished(study, manifest):
    with pytest.raises(InputError):
        go(study, manifest.with_name("nothing.csv"))
    go(study, manifest, until="square")
    assert (study / "dlr.log").read_text().count("stopped by the input") == 1
    assert not any((study / ".beside").iterdir())


def test_a_fault_says_where_its_traceback_is(tmp_path, study):
    manifest = make_study(tmp_path / "data", {"a.txt": "1", "f.txt": "fault"})
    with pytest.raises(ZeroDivisionError) as caught:
        go(study, manifest)
    assert caught.value.__notes__ == [f"log: {study / 'dlr.log'}"]
    assert "ZeroDivisionError" in (study / "dlr.log").read_text()
    assert len(list(study.glob("stages/square/tasks/*/*/value.txt"))) == 1  # the finished one is kept


def test_a_task_that_may_not_fail_stops_the_run_with_its_problem(study, manifest):
    result = go(study, manifest, until="listing")
    assert result.folders

    @stage("strict", version=1, needs=["listing"])
    def strict(run: Run) -> None:
        """One task that is refused."""
        run.each(refuse, [Task("x", {"a": 1})])

    with pytest.raises(InputError, match="mend it"):
        run_pipeline(
            Pipeline("toy", [PIPELINE.stages[0], strict], Settings), study, manifest, screen=Screen(quiet=True)
        )


def refuse(task, folder):
    raise InputError("x", "is wrong", "mend it")


def test_a_task_function_that_workers_cannot_find_is_a_fault_of_ours(study, manifest):
    @stage("inner", version=1, needs=["listing"])
    def inner(run: Run) -> None:
        """A function inside a function."""
        run.each(lambda task, folder: None, [Task("x", {})])

    with pytest.raises(TypeError, match="top of its module"):
        run_pipeline(Pipeline("toy", [PIPELINE.stages[0], inner], Settings), study, manifest, screen=Screen(quiet=True))


def test_settings_that_a_stage_did_not_declare_are_out_of_its_reach(study, manifest):
    @stage("greedy", version=1, needs=["listing"], sections=["total.start"])
    def greedy(run: Run) -> None:
        """Looks at more than it said."""
        assert run.settings.total.start == 0
        _ = run.settings.total.names

    with pytest.raises(AttributeError, match=r"greedy in total does not hold names; declare it"):
        run_pipeline(
            Pipeline("toy", [PIPELINE.stages[0], greedy], Settings), study, manifest, screen=Screen(quiet=True)
        )


def test_a_pipeline_is_checked_when_it_is_made():
    with pytest.raises(ValueError, match="needs listing, which does not come before"):
        Pipeline("p", [PIPELINE["square"], PIPELINE["listing"]], Settings)
    with pytest.raises(ValueError, match="two stages"):
        Pipeline("p", [PIPELINE["listing"], PIPELINE["listing"]], Settings)
    with pytest.raises(ValueError, match="settings nowhere"):
        Pipeline("p", [stage("x", version=1, sections=["nowhere"])(refuse)], Settings)


def test_a_text_setting_that_names_a_file_counts_by_its_content(tmp_path, study, manifest):
    profile = manifest.parent / "p.yaml"
    profile.write_text("a")
    os.utime(profile, (1, 1))
    settings = {"square": {"kind": str(profile)}}
    go(study, manifest, settings)
    profile.write_text("b")
    assert go(study, manifest, settings)["square"].reason == "square.kind changed"


def test_a_dry_run_measures_one_case_and_writes_no_result(study, manifest):
    go(study, manifest)
    before = (study / "settings.yaml").read_bytes()
    result = go(study, manifest, {"square": {"power": 3}}, dry_run=True)
    assert states(result) == {"listing": "cached", "square": "to do", "extra": "left out", "total": "to do"}
    assert "square.power: 2 → 3" in result["square"].reason
    assert "5 numbers, one measured" in result["square"].reason
    assert result["square"].seconds > 0
    assert "needs square first" in result["total"].reason
    assert (study / "settings.yaml").read_bytes() == before
    assert len(looks_at(study)) == 1


def test_a_dry_run_does_not_look_at_the_test_side(study, manifest):
    go(study, manifest, until="square")
    result = go(study, manifest, dry_run=True)
    assert states(result)["total"] == "to do"
    assert looks_at(study) == ()


def test_status_says_which_part_moved(study, manifest):
    go(study, manifest)
    found = open_study(study)
    assert {each.state for each in status(PIPELINE, study, Settings(), found.inputs)} == {"cached", "left out"}
    (manifest.parent / "n3.txt").write_text("13")
    moved = {each.stage: each.reason for each in status(PIPELINE, study, Settings(), found.inputs)}
    assert moved["listing"] == "n3.txt changed"
    assert moved["square"] == "listing changed"


def test_a_study_opens_with_its_folders_and_survives_a_move(tmp_path, study, manifest):
    go(study, manifest)
    shutil.move(tmp_path / "runs", tmp_path / "moved" / "runs")
    shutil.move(manifest.parent, tmp_path / "moved" / "my data")
    found = open_study(tmp_path / "moved" / "runs" / "a study")
    assert found.pipeline == "toy"
    assert found.inputs.manifest == tmp_path / "moved" / "my data" / "manifest.csv"
    assert (found.folders["total"] / "total.txt").exists()
    assert found.left_out == {"extra": "there is nothing extra in this study"}
    result = go(found.folder, found.inputs.manifest)
    assert set(states(result).values()) == {"cached", "left out"}


def test_a_folder_that_is_no_study_is_the_users_to_mend(tmp_path):
    with pytest.raises(InputError, match="dlr run"):
        open_study(tmp_path)


def test_records_hold_parts_versions_and_seconds(study, manifest):
    result = go(study, manifest)
    record = json.loads((result.folders["square"] / "stage.json").read_text())
    assert record["parts"]["libraries"].keys() == {"numpy"}
    assert record["parts"]["settings"] == {"square": {"power": 2, "kind": "plain"}}
    assert record["seconds"] >= 0
    assert record["files"] == {"squares.json": (result.folders["square"] / "squares.json").stat().st_size}


def test_without_a_terminal_there_is_a_line_a_stage_and_no_bar(study, manifest):
    go(study, manifest)
    assert "\r" not in go.said
    assert "\x1b" not in go.said
    assert "5 of 5 tasks computed" in go.said


def test_a_stage_finds_and_leaves_tasks_among_those_of_a_stage_that_it_reads(study, manifest):
    values = []

    @stage("again", version=7, needs=["square"], libraries=["pandas"])
    def again(run: Run) -> None:
        """What square does, with two powers, and something of its own."""
        for power in (2, 3):
            files = {name: run.inputs.folder / name for name in NUMBERS}
            tasks = [
                Task(name, {"file": run.digest(file), "power": power}, (file, power, 0.0))
                for name, file in files.items()
            ]
            with run.tasks_of("square"):
                values.append([int((folder / "value.txt").read_text()) for folder in run.each(raise_to_power, tasks)])
        run.each(raise_to_power, tasks)

    pipeline = Pipeline("toy", [*PIPELINE.stages, again], Settings)
    result = run_pipeline(pipeline, study, manifest, screen=Screen(quiet=True))
    assert values == [[0, 1, 4, 9, 16], [0, 1, 8, 27, 64]]
    assert (result["again"].found, result["again"].computed) == (5, 5 + 5), "the squares, then cubes and its own"
    cubes = run_pipeline(pipeline, study, manifest, {"square": {"power": 3}}, screen=Screen(quiet=True))
    assert (cubes["square"].found, cubes["square"].computed) == (5, 0), "as the other stage left them"


def test_tasks_of_another_stage_need_that_stage_declared(study, manifest):
    @stage("last", version=1, needs=["listing"])
    def last(run: Run) -> None:
        """Reads the listing alone."""
        with run.tasks_of("square"):
            raise AssertionError("must not come here")

    with pytest.raises(KeyError, match="square"):
        run_pipeline(Pipeline("toy", [*PIPELINE.stages, last], Settings), study, manifest, screen=Screen(quiet=True))


def heeded_by_kind(settings):
    """Square: under the plain kind, how often the numbers are multiplied does not matter, nor numpy."""
    return (["square.kind"], []) if settings.square.kind == "plain" else (["square.kind", "square.power"], ["numpy"])


@stage(
    "heeding", version=1, needs=["listing"], sections=["square.kind", "square.power"], libraries=["numpy", "scipy"],
    heeds=heeded_by_kind,
)  # fmt: skip
def heeding(run):
    """Leaves its settings and a task."""
    seen = {name: value for name, value in vars(run.settings.square).items() if name != "_about"}
    (folder,) = run.each(leave_nothing, [Task("one", {})])
    (run.folder / "seen.json").write_text(json.dumps([seen, json.loads((folder / "task.json").read_text())["parts"]]))


def leave_nothing(task, folder):
    """Nothing."""


def test_what_a_stage_does_not_heed_under_a_setting_moves_no_key_of_it_of_its_tasks_or_of_its_readers(
    study, manifest, monkeypatch
):
    @stage("after", version=1, needs=["heeding"])
    def after(run):
        """Reads it."""

    pipeline = Pipeline("toy", [PIPELINE["listing"], heeding, after], Settings)

    def run(**square):
        said = run_pipeline(pipeline, study, manifest, {"square": square}, screen=Screen(quiet=True))
        return states(said)["after"], json.loads((said.folders["heeding"] / "seen.json").read_text())

    first = run(kind="plain", power=2)
    assert first[0] == "computed" and first[1][0] == {"kind": "plain"} and first[1][1]["libraries"] == {}
    monkeypatch.setattr(STAGES, "release", lambda name: f"another {name}")
    assert run(kind="plain", power=3)[0] == "cached"
    other = run(kind="cubic", power=3)
    assert other[0] == "computed" and other[1][0] == {"kind": "cubic", "power": 3}
    assert other[1][1]["libraries"] == {"numpy": "another numpy"}
    assert run(kind="cubic", power=4)[0] == "computed"


def test_what_a_stage_heeds_it_declares():
    wrong = stage("wrong", version=1, sections=["total"], heeds=lambda settings: (["square"], ["numpy"]))(
        lambda run: None
    )
    with pytest.raises(ValueError, match="wrong heeds what it does not declare: numpy, square"):
        wrong.under(Settings())


def test_a_task_counts_those_libraries_alone_that_it_uses(study, manifest, monkeypatch):
    @stage("two", version=1, libraries=["numpy", "scipy"])
    def two(run):
        """Tasks of one library, of none and of all."""
        tasks = [Task("one", {}, libraries=("numpy",)), Task("none", {}, libraries=()), Task("all", {})]
        run.each(leave_nothing, tasks)

    pipeline = Pipeline("toy", [two], Settings)
    found = []
    for moved in ("", "scipy", "numpy"):
        monkeypatch.setattr(STAGES, "release", lambda name, moved=moved: f"{name} {name == moved}")
        found.append(run_pipeline(pipeline, study, manifest, screen=Screen(quiet=True))["two"].computed)
    assert found == [3, 1, 2]
