"""The stages of a study: each reads declared tables, calls one science, writes tables.

Nothing is imported here: a worker that measures a case loads the one stage it works for.
"""
