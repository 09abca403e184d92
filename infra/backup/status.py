"""Status for the exporter: when the last backup and the last verification succeeded."""

import json
from pathlib import Path
from typing import Final

from infra.backup.files import write_atomically

STATUS_FILE: Final = "status.json"
SUCCESS: Final = "backup_last_success_timestamp"
SIZE: Final = "backup_size_bytes"
WAL_SIZE: Final = "wal_archive_size_bytes"
VERIFIED: Final = "restore_last_verified_timestamp"
FAILED: Final = "backup_last_run_failed"


def read_status(state: Path) -> dict[str, float]:
    """Values by metric name; empty before the first backup."""
    try:
        content = json.loads((state / STATUS_FILE).read_text())
        return {str(name): float(value) for name, value in content.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def update_status(state: Path, **values: float) -> None:
    """Set some of the values."""
    state.mkdir(parents=True, exist_ok=True)
    write_atomically(state / STATUS_FILE, json.dumps(read_status(state) | values), mode=0o644)
