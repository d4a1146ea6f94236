"""dlr.log: what happened, with times and tracebacks; the screen shows the lines, the log everything."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlr.errors import InputError, shown

__all__ = ["LOG", "logged", "logger"]

LOG = "dlr.log"
logger = logging.getLogger("dlr")


class _Formatter(logging.Formatter):
    """A record whose further lines are indented, so that no text of a cell looks like a record of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The record without what steers a terminal."""
        return shown(super().format(record)).replace("\n", "\n    ")


@contextmanager
def logged(study: Path) -> Iterator[Path]:
    """Within: every record of the logger "dlr" and below goes to the end of the study's dlr.log.

    What ends the run is written there too: a fault with its traceback, and the fault gets a note "log: PATH".
    Raises InputError where dlr.log is a link.
    """
    path = study / LOG
    if path.is_symlink():
        raise InputError(str(path), f"is a link to {path.readlink()}, and no log is written through one", "delete it")
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield path
    except InputError as error:
        logger.error("stopped by the input:\n%s", error)
        raise
    except KeyboardInterrupt:
        logger.error("stopped by Ctrl-C")
        raise
    except Exception as fault:
        logger.exception("stopped by a fault")
        fault.add_note(f"log: {path}")
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
        handler.close()
