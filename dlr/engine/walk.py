"""Walking through the stages of a run: each is found in the store, or computed, with the reason said."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dlr.engine.digests import Digests, digest_folder
from dlr.engine.executors import Executor
from dlr.engine.inputs import Inputs
from dlr.engine.keys import differences
from dlr.engine.kinds import one_a_kind
from dlr.engine.log import logger
from dlr.engine.plan import Planned, seed_of_study, settings_of
from dlr.engine.progress import Screen
from dlr.engine.publish import publish_outputs
from dlr.engine.run import LeftOut, ProbeEnded, Run, View
from dlr.engine.stage import Pipeline, release
from dlr.engine.store import STAGE_RECORD, Store, new_record, publish, read_record
from dlr.engine.threads import one_thread
from dlr.errors import InputError

__all__ = ["CACHED", "COMPUTED", "LEFT_OUT", "PLANNED", "Outcome", "Walk", "reason_to_compute"]

CACHED, COMPUTED, LEFT_OUT, PLANNED = "cached", "computed", "left out", "to do"


@dataclass(frozen=True)
class Outcome:
    """What became of one stage, and why. In a dry run `seconds` is an estimate, None where there is none."""

    stage: str
    state: str  # CACHED, COMPUTED, LEFT_OUT; in a dry run also PLANNED
    reason: str
    seconds: float | None
    warnings: tuple[str, ...] = ()
    computed: int = 0  # tasks computed now
    found: int = 0  # tasks found in the store


def reason_to_compute(planned: Planned, store: Store) -> str:
    """Why the store does not hold what a stage needs: which parts of the key moved since it was last computed."""
    name = planned.stage.name
    if (planned.folder / STAGE_RECORD).exists():
        record = read_record(planned.folder / STAGE_RECORD)
        if record is not None and record.get("transient"):
            return f"{len(record['transient'])} could not be done last time: tried again"
        return "its outputs in the store are damaged"
    before = store.stage_records(name)
    if not before:
        return "first time"
    moved = differences(before[-1]["parts"], planned.parts)
    shown = ", ".join(str(each) for each in moved[:3])
    return f"{shown} and {len(moved) - 3} more" if len(moved) > 3 else shown or "the key changed"


@dataclass
class Walk:
    """The stages of one run, done one after the other."""

    pipeline: Pipeline
    settings: BaseModel
    inputs: Inputs
    store: Store
    digests: Digests
    executor: Executor
    screen: Screen
    force: tuple[str, ...]
    dry_run: bool
    folders: dict[str, Path | None] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    stale: set[str] = field(default_factory=set)  # computed again with other bytes under the same key

    def do(self, planned: Planned) -> None:
        """Find a stage's outputs in the store or compute them."""
        name = planned.stage.name
        waits = [source for source in self.pipeline.sources(name) if source not in self.folders]
        record = self.store.find(planned.folder, STAGE_RECORD, planned.key)
        if record is not None and record.get("transient"):
            record = None
        moved = [source for source in self.pipeline.sources(name) if source in self.stale]
        forced = (name in self.force or bool(moved)) and not self.dry_run
        if record is not None and not forced:
            reason = f"same settings, files and versions as {record['finished']}"
            self._keep(planned, record, CACHED, record.get("left_out") or reason, 0.0)
            return
        if name in self.force:
            reason = "forced"
        elif moved:
            reason = f"{', '.join(moved)} gave other bytes"
        else:
            reason = reason_to_compute(planned, self.store)
        if waits:
            self._only_planned(planned, f"{reason}; needs {waits[0]} first", self._foretold(planned, waits))
        else:
            self._compute(planned, reason, forced)

    def _compute(self, planned: Planned, reason: str, forced: bool) -> None:
        name = planned.stage.name
        gone = [need for need in planned.stage.needs if self.folders[need] is None]
        self.screen.say(f"{name:<16} … {reason}")
        before = digest_outputs(planned.folder) if forced else None
        beside = self.store.own / f"s-{name}"
        beside.mkdir()
        run = self._run(planned, beside, name in self.force)
        begin = time.perf_counter()
        left_out = f"{gone[0]} is left out: {self.left_out[gone[0]]}" if gone else None
        if left_out is None:
            try:
                with one_thread():
                    planned.stage.function(run)
                self._check_files(planned)
            except LeftOut as leaving:
                left_out = leaving.reason
            except ProbeEnded as probe:
                self._only_planned(planned, f"{reason}; {probe.note}", probe)
                return
            finally:
                for line in one_a_kind(run.warnings):
                    self.screen.say(f"  ! {line}", style="yellow")
        record = new_record(
            planned.key,
            planned.parts,
            time.perf_counter() - begin,
            stage=name,
            summary=planned.stage.summary,
            dlr=release("dlr"),
            warnings=run.warnings,
            left_out=left_out,
            transient=run.transient,
            tasks={"computed": run.computed, "found": run.found},
        )
        if left_out is not None:  # what was written before it left is no output
            beside = self.store.own / f"l-{name}"
            beside.mkdir()
        publish(beside, planned.folder, STAGE_RECORD, record)
        if before is not None and before != digest_outputs(planned.folder):
            self.stale.add(name)
            self.screen.say("  ! other bytes than before: what reads them is computed again", style="yellow")
        self._keep(planned, record, COMPUTED, reason, record["seconds"], run)

    def _check_files(self, planned: Planned) -> None:
        """InputError where a file that the stage read is no longer what its key was made of."""
        for label, path in planned.files.items():
            if self.digests.of(path) != planned.parts["files"][label]:
                what = "was changed while the study read it"
                raise InputError(str(path), what, "run again: what is finished is kept")

    def _foretold(self, planned: Planned, waits: list[str]) -> ProbeEnded | None:
        """What a stage says of its own time although what it needs is not there yet; its first need must be."""
        stage = planned.stage
        if stage.foretell is None or stage.needs[0] in waits or self.folders[stage.needs[0]] is None:
            return None
        return ProbeEnded("at most", stage.foretell(self._run(planned, planned.folder, False)), self.executor.workers)

    def _run(self, planned: Planned, beside: Path, fresh: bool) -> Run:
        stage = planned.stage
        about = f"the needs of stage {stage.name}"
        sources = self.pipeline.sources(stage.name)
        declared = dict.fromkeys((*stage.needs, *stage.optional))
        found = {source: self.folders.get(source) for source in sources}
        absent = dict.fromkeys(declared.keys() - set(sources), "it is not part of this pipeline")
        return Run(
            stage=stage,
            key=planned.key,
            folder=beside,
            settings=settings_of(stage, self.settings),
            needs=View(about, {**declared, **found}),
            seed=seed_of_study(self.settings),
            inputs=self.inputs,
            store=self.store,
            digests=self.digests,
            executor=self.executor,
            screen=self.screen,
            left_out=absent | {source: self.left_out[source] for source in sources if source in self.left_out},
            gives={each.name: each.gives for each in self.pipeline.stages if each.name in sources},
            declared={each.name: each.under(self.settings) for each in self.pipeline.stages if each.name in sources},
            models=self.pipeline.models,
            said=tuple((each.stage, line) for each in self.outcomes if each.stage in sources for line in each.warnings),
            fresh=fresh,
            probe=self.dry_run,
        )

    def _keep(
        self, planned: Planned, record: Mapping[str, Any], state: str, reason: str, seconds: float,
        run: Run | None = None,
    ) -> None:  # fmt: skip
        """Note what became of a stage, and put copies of what readers want at the top of the study."""
        name, left_out = planned.stage.name, record.get("left_out")
        warnings = tuple(record.get("warnings", ()))
        self.folders[name] = None if left_out is not None else planned.folder
        if left_out is not None:
            state = LEFT_OUT
            self.left_out[name] = reason = str(left_out)
        else:
            publish_outputs(planned.folder, planned.stage.publish, self.store.study)
        counts = (run.computed, run.found) if run is not None else (0, 0)
        self.outcomes.append(Outcome(name, state, reason, seconds, warnings, *counts))
        logger.info("%s: %s (%s) in %.2f s", name, state, reason, seconds)
        if state == COMPUTED:
            some = f", {counts[0]} of {sum(counts)} tasks computed" if sum(counts) else ""
            self.screen.say(f"{name:<16} done in {_duration(seconds)}{some}", style="green")
        else:
            n = len(warnings)
            more = f"; {n} warning{'' if n == 1 else 's'}" if n else ""
            self.screen.say(f"{name:<16} {state}: {reason}{more}", style="dim")

    def _only_planned(self, planned: Planned, reason: str, probe: ProbeEnded | None = None) -> None:
        """Note what a stage would take."""
        name = planned.stage.name
        seconds = None
        if probe is not None and probe.seconds is not None:
            seconds = probe.seconds * probe.todo / self.executor.workers
        if seconds is None:
            took = [r["seconds"] for r in self.store.stage_records(name) if not r.get("left_out")]
            if took:
                seconds, reason = took[-1], f"{reason}; time as last taken"
        self.outcomes.append(Outcome(name, PLANNED, reason, seconds))


def digest_outputs(folder: Path) -> str | None:
    """SHA-256 of a stage's outputs without its record, None where there are none."""
    return digest_folder(folder, leave_out=(STAGE_RECORD,)) if folder.is_dir() else None


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
