"""Probabilities for new patients: the chains that a study saved, applied by the code that served its test side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.cohort import load_feature_table, load_new_cases, match_features
from dlr.cohort import read_case as read_new_case
from dlr.engine import Study
from dlr.errors import InputError
from dlr.learn import load_chain
from dlr.radiomics import engine, expected_columns, load_profile
from dlr.stages.combine import read_sets
from dlr.stages.signatures import PatientFrame, apply_chains, patient_frame
from dlr.stages.tables import CohortTables, read_cohort
from dlr.stats import Nomogram
from dlr.words import CHOSEN, PREDICTION_COLUMNS, Kind, Model, Protocol, signature

__all__ = ["predict_patients"]

NEW = "new"
"""The side under which new patients go through words.signature."""
