"""Protocols: who is fitted on whom, for anything with fit and predict. Knows no tables of features and no images."""

from dlr.protocols.folds import stratified_folds
from dlr.protocols.parts import Part, plan

__all__ = ["Part", "plan", "stratified_folds"]
