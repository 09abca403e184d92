"""The journal of an upgrade: after a sudden end the same command finishes the upgrade, or returns to its backup."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from infra.backup.files import write_atomically

JOURNAL: Final = "upgrade.json"


@dataclass(frozen=True)
class Journal:
    """An upgrade whose backup is complete."""

    backup: str
    aliases: dict[str, str] = field(default_factory=dict)
    """Version by alias of the registry, before the upgrade."""
    failure: str = ""
    """Why the upgrade returns to the backup; empty while it goes on."""

    def write(self, state: Path) -> None:
        """Record it, durably."""
        write_atomically(state / JOURNAL, json.dumps(asdict(self)))


def read_journal(state: Path) -> Journal | None:
    """The journal of an interrupted upgrade."""
    try:
        return Journal(**json.loads((state / JOURNAL).read_text()))
    except FileNotFoundError:
        return None


def delete_journal(state: Path) -> None:
    """End the upgrade, if there is one."""
    (state / JOURNAL).unlink(missing_ok=True)
