"""What the native stack cannot do, said in one sentence."""

from pathlib import Path

from ml.core.errors import PlatformError


class StackError(PlatformError):
    """The stack cannot start or go on; the message says why and what to do next."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
        """The log whose last lines tell more."""
