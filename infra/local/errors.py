"""The error of the native stack."""

from pathlib import Path

from ml.core.errors import PlatformError


class StackError(PlatformError):
    """The stack cannot start or continue; the message has the reason and the remedy in one sentence."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
        """The log file whose last lines show the cause."""
