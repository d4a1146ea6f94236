"""Radiomics features and a network's principal components side by side: what the DLR signature is fitted on."""

from __future__ import annotations

import pandas as pd

from dlr.study.frames import PatientFrame

__all__ = ["COMPONENT", "component_columns", "joined"]

COMPONENT = "pca_"  # how the columns of principal components begin


def joined(rad: PatientFrame, components: pd.DataFrame) -> PatientFrame:
    """Both blocks side by side, rows that have both.

    components : a part's scores, indexed as `rad` is (by patient, or by case where probabilities are meant).
    """
    names = sorted(name for name in component_columns(components) if components[name].notna().any())
    both = rad.values.index[rad.values.index.isin(components.index)]
    values = rad.values.loc[both].join(components.loc[both, names])
    return PatientFrame(values, rad.patient_id.loc[both])


def component_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a table that are principal components."""
    return [name for name in table.columns if name.startswith(COMPONENT)]
