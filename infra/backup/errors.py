"""The error of backup and restore."""

from ml.core.errors import PlatformError


class BackupError(PlatformError):
    """A backup cannot be made, or cannot be restored; the message has the reason in one sentence."""
