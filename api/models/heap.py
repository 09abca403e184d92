"""Memory that was needed for a moment only, handed back to the system."""

import ctypes
from contextlib import suppress


def trim_heap() -> None:
    """Have the C library return what it keeps for later: after a model was loaded, more than the model itself."""
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
