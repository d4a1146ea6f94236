"""Radiomics: named numbers of a lesion's outline and grey levels, by pyradiomics' definitions.

What needs pandas, SciPy, SimpleITK or pydantic is imported when first asked for: who only measures starts fast.
"""

from typing import TYPE_CHECKING

from dlr.lazy import imported_later
from dlr.radiomics.columns import expected_columns, split_column
from dlr.radiomics.engines import engine
from dlr.radiomics.interface import Engine, Measured
from dlr.radiomics.profile import Profile, load_profile, shipped_profiles

if TYPE_CHECKING:
    from dlr.radiomics.dictionary import family_counts, feature_dictionary
    from dlr.radiomics.extraction import extract, measure
    from dlr.radiomics.perturbation import perturb_mask
    from dlr.radiomics.settings import RadiomicsSettings, StabilitySettings
    from dlr.radiomics.stability import ReaderPair, agreement_table, stability_by_part, stability_table

__all__ = [
    "Engine",
    "Measured",
    "Profile",
    "RadiomicsSettings",
    "ReaderPair",
    "StabilitySettings",
    "agreement_table",
    "engine",
    "expected_columns",
    "extract",
    "family_counts",
    "feature_dictionary",
    "load_profile",
    "measure",
    "perturb_mask",
    "shipped_profiles",
    "split_column",
    "stability_by_part",
    "stability_table",
]

__getattr__ = imported_later(
    __name__,
    {
        **dict.fromkeys(("family_counts", "feature_dictionary"), "dictionary"),
        "perturb_mask": "perturbation",
        **dict.fromkeys(("extract", "measure"), "extraction"),
        **dict.fromkeys(("RadiomicsSettings", "StabilitySettings"), "settings"),
        **dict.fromkeys(("ReaderPair", "agreement_table", "stability_by_part", "stability_table"), "stability"),
    },
)
