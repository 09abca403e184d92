"""A delivered file: where it came from and where it is."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

Source = Literal["uci", "file", "synthetic"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file of 50 text columns: a csv, or a zip that contains ``diabetic_data.csv``."""

    source: Source
    path: Path

    @property
    def provenance(self) -> Literal["real", "synthetic"]:
        """Whether the encounters are those of real patients."""
        return "synthetic" if self.source == "synthetic" else "real"

    def to_json(self) -> dict[str, Any]:
        """Serialise for XCom."""
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(fields["source"], Path(fields["path"]))
