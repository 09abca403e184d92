"""Returns freed memory to the operating system."""

import ctypes
from contextlib import suppress


def trim_heap() -> None:
    """Make glibc return its free memory: after loading a model, that is more than the model itself."""
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
