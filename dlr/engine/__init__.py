"""Stages, keys, store, resume, progress: everything about running a study that knows no medicine.

@stage("radiomics", version=1, needs=["cohort"], sections=["radiomics"], libraries=["numpy"])
def radiomics(run: Run) -> None:
    \"\"\"Every feature of every ROI, one row a case.\"\"\"
    folders = run.each(measure, [Task(name, key={"image": run.digest(path)}, payload=path) for name, path in ...])

PIPELINE = Pipeline(name="mine", stages=[cohort, radiomics], settings=StudySettings)
run_pipeline(PIPELINE, "runs/study", "data_manifest.csv", jobs=2)
"""

from dlr.engine.inputs import Inputs
from dlr.engine.kinds import one_a_kind
from dlr.engine.looks import Look, looks_at
from dlr.engine.progress import Screen
from dlr.engine.run import Run
from dlr.engine.runner import Result, run_pipeline
from dlr.engine.settings import nearest, read_yaml, resolve, write_settings
from dlr.engine.stage import EVERYTHING, Pipeline, Stage, stage
from dlr.engine.status import StageStatus, status
from dlr.engine.study import Study, open_study
from dlr.engine.tasks import Task, TaskFailure
from dlr.engine.walk import Outcome

__all__ = [
    "EVERYTHING",
    "Inputs",
    "Look",
    "Outcome",
    "Pipeline",
    "Result",
    "Run",
    "Screen",
    "Stage",
    "StageStatus",
    "Study",
    "Task",
    "TaskFailure",
    "looks_at",
    "nearest",
    "one_a_kind",
    "open_study",
    "read_yaml",
    "resolve",
    "run_pipeline",
    "stage",
    "status",
    "write_settings",
]
