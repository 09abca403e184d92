"""Lays Alertmanager's configuration out in a folder, with the address of notices that are not Compose's."""

from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("alertmanager.yml")
NOTICES: Final = "notices:9106"
"""Where the configuration sends notifications: Compose's service."""


def lay_out(folder: Path, notices: str) -> Path:
    """Write the configuration into `folder`, which is created when absent.

    Args:
        folder: where to.
        notices: ``host:port`` of the receiver.

    Returns:
        The file, for ``alertmanager --config.file``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / SOURCE.name
    file.write_text(SOURCE.read_text().replace(NOTICES, notices))
    return file
