"""A delivered file: where it came from and where it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

Source = Literal["uci", "file", "synthetic"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file of 50 text columns: a csv, or a zip that contains ``diabetic_data.csv``."""

    source: Source
    path: Path
    """Of a staged file only the name counts."""
    staging_id: int | None = None
    """Id of its tables in the schema ``staging``; None if the file is on this machine only."""

    @property
    def provenance(self) -> Literal["real", "synthetic"]:
        """Whether the encounters are those of real patients."""
        return "synthetic" if self.source == "synthetic" else "real"

    def to_json(self) -> dict[str, Any]:
        """Serialise a staged file for XCom."""
        return {"source": self.source, "name": self.path.name, "staging_id": self.staging_id}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(fields["source"], Path(fields["name"]), fields["staging_id"])
