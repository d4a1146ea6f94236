"""What several stages share: the cohort's tables, the one road to an image, parts, tasks, signatures, new patients.

Nothing is imported here: a worker that measures a case loads the one file it works for. Knows no stage.
"""
