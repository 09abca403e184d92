"""Checks a bundle in a process of its own: ``python -m api.models.sandbox DIRECTORY THREADS``.

A graph may run for ever, exhaust the memory or crash ONNX Runtime. In a thread, that would end the service.
"""

import asyncio
import os
import resource
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path
from typing import Final

from ml.core.bundle import load_bundle
from ml.core.errors import BundleError

MEMORY_BYTES: Final = 2 * 1024**3
"""Memory limit of the process."""

_CHECK_FAILED: Final = 3


async def check_in_sandbox(directory: Path, threads: int) -> None:
    """Load the bundle and replay its golden requests in a process that ends with this call, also on cancellation.

    Raises:
        BundleError: a check failed, or the process crashed.
    """
    command = (sys.executable, "-m", "api.models.sandbox", str(directory), str(threads))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        output = await process.stdout.read() if process.stdout else b""  # communicate() would close its input
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == _CHECK_FAILED:
        raise BundleError(output.decode(errors="replace"))
    if process.returncode != 0:
        raise BundleError(f"The check ended with status {process.returncode}: too much memory, or a crash.")


def main(directory: Path, threads: int) -> int:
    """Load the bundle at lower priority than the service; returns the exit status."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    with suppress(OSError):  # out of memory, the kernel kills this process and not the service
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        load_bundle(directory, threads)
    except BundleError as error:
        sys.stdout.write(str(error))
        return _CHECK_FAILED
    return 0


def _exit_with_parent() -> None:
    """Exit when the service closes its end of stdin or is killed; works while a graph runs outside the lock."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
