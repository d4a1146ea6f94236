"""The toy pipeline where the command line looks for pipelines."""

from toy_pipeline import PIPELINE

__all__ = ["PIPELINE"]
