"""The tables that a study starts from: its manifest, a feature table. What they name, stages name (`files=`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlr.errors import InputError

__all__ = ["Inputs"]


@dataclass(frozen=True)
class Inputs:
    """What a study starts from; paths are absolute."""

    manifest: Path | None = None
    features: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the manifest start from."""
        table = self.manifest or self.features
        return table.parent if table is not None else Path.cwd()

    def named(self) -> dict[str, Path]:
        """The tables by their role."""
        out: dict[str, Path] = {}
        for role, table in (("manifest", self.manifest), ("features", self.features)):
            if table is None:
                continue
            if not table.is_file():
                raise InputError(
                    where=str(table),
                    what="there is no such file",
                    mend=f"name the {'manifest' if role == 'manifest' else 'feature table'} with --{role} PATH",
                )
            out[role] = table
        return out
