"""What a scoring is the result of: source, history and version. A target continues and holds one of them only."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Source with its content, the ingestion that the history is of, and version with its content."""

    source: str
    source_sha256: str
    code_system: str
    ingestion_id: int | None
    version: str
    manifest_sha256: str

    @property
    def digest(self) -> str:
        """SHA-256 of all but the name of the source."""
        fields = {name: value for name, value in asdict(self).items() if name != "source"}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.source} by version {self.version}"
