"""The pipelines: each reads like its paper's flow chart."""
