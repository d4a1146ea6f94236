"""What the native engine does not do is refused by name."""

from __future__ import annotations

from dlr.errors import InputError, Problem
from dlr.radiomics.profile import Profile

__all__ = ["require_supported"]


def require_supported(profile: Profile) -> None:
    """Raises InputError naming every setting of the profile that this engine would otherwise leave without effect."""
    problems = []
    for image_type in profile.image_types:
        settings = profile.settings_of(image_type)
        place = f"profile {profile.name}, {image_type}"
        if not settings["distances"]:
            problems.append(Problem(place, "distances is empty", "name at least one, such as distances: [1]"))
        elif len(set(settings["distances"])) < len(settings["distances"]):
            problems.append(Problem(place, "distances names one twice", "name every distance once"))
        if image_type == "LBP2D" and settings.get("lbp2DSamples", 8) > 62:
            problems.append(Problem(place, "lbp2DSamples is above 62", "name fewer samples"))
    if problems:
        raise InputError.of(problems)
