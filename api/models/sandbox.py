"""Checks a downloaded version in the sandbox, without blocking the event loop."""

import asyncio
from pathlib import Path
from typing import Final

from ml.core.sandbox.process import Sandbox

NICENESS: Final = 10
"""The service comes first."""


async def check_in_sandbox(directory: Path, threads: int) -> str:
    """Check and try the bundle in a process that ends with this call, also on cancellation; returns its digest.

    Raises:
        BundleError: a check failed, or the process crashed.
    """
    sandbox = Sandbox(directory, threads, niceness=NICENESS)
    try:
        return await asyncio.to_thread(sandbox.check)
    finally:
        sandbox.end()
