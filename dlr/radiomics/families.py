"""How many features a profile measures, by family and image."""

from __future__ import annotations

import pandas as pd

from dlr.radiomics.columns import InputKind, expected_columns, split_column
from dlr.radiomics.profile import Profile

__all__ = ["family_counts"]


def family_counts(profile: Profile, kind: InputKind | str) -> pd.DataFrame:
    """Columns family, image_type, count; a row a family and image, in the profile's order."""
    names = pd.DataFrame([split_column(name) for name in expected_columns(profile, kind)])
    return names.groupby(["family", "image_type"], sort=False).size().rename("count").reset_index()
