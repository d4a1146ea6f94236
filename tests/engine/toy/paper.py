"""A pipeline whose nomogram leaves itself out and whose report is written."""

from toy_pipeline import Settings, listing

from dlr.engine import Pipeline, Run, stage

__all__ = ["PIPELINE"]


@stage("nomogram", version=1, needs=["listing"])
def nomogram(run: Run) -> None:
    """Leaves itself out."""
    run.leave_out("no model to draw")


@stage("report", version=1, needs=["listing"], publish=["report.html"])
def report(run: Run) -> None:
    """One page."""
    (run.folder / "report.html").write_text("<p>all</p>", encoding="utf-8")


PIPELINE = Pipeline(name="paper", stages=[listing, nomogram, report], settings=Settings)
