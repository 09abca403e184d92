"""Limits that the process of the sandbox sets on itself before it reads a bundle; it cannot lift them again."""

import ctypes
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_FILES: Final = 64


def apply_limits(memory_bytes: int, cpu_seconds: int, niceness: int) -> None:
    """Limit memory, processor time and files, and leave the network. Call it before any thread starts."""
    os.nice(niceness)
    with suppress(OSError):  # out of memory, the kernel kills this process and not the service
        Path("/proc/self/oom_score_adj").write_text("1000")
    _leave_network()
    limits = {
        resource.RLIMIT_DATA: memory_bytes,  # not RLIMIT_AS, which counts reserved addresses
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _FILES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _leave_network() -> bool:
    """Move to a network namespace without interfaces; whether the kernel allows it.

    It needs a user namespace, or the privilege. Docker's default profile forbids both: there the process keeps the
    network of its container.
    """
    with suppress(AttributeError):  # not glibc
        unshare = ctypes.CDLL(None).unshare
        return any(unshare(flags) == 0 for flags in (_NEW_NETWORK, _NEW_USER | _NEW_NETWORK))
    return False
