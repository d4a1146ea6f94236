"""The door of the house: the command `dlr`.

A command parses, calls one function, prints; heavy imports stay inside, so --help answers at once. Exit status: 0 done;
2 the user's input is wrong (a table: where, what, mend); 1 a fault of ours (a line, and where the log is); 130 stopped
by Ctrl-C.
"""

from dlr.cli.commands import app, main

__all__ = ["app", "main"]
