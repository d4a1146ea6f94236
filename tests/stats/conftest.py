"""Property tests draw the same examples in every run, and a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("stats", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("stats")
