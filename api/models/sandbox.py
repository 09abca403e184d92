"""Tries a bundle in a process of its own, before the service loads it: ``python -m api.models.sandbox DIRECTORY
THREADS``.

A graph may count for ever, fill the memory or crash ONNX Runtime. A thread that does so takes the service with it;
a process can be ended.
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
"""What a bundle may take for itself while it answers its golden requests."""

_REFUSED: Final = 3


async def check_in_sandbox(directory: Path, threads: int) -> None:
    """Load the bundle and replay its golden requests in a process that ends with this call, however it ends.

    Raises:
        BundleError: a check failed, or the process did not survive it.
    """
    command = (sys.executable, "-m", "api.models.sandbox", str(directory), str(threads))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        said = await process.stdout.read() if process.stdout else b""  # what communicate() does would end its input
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == _REFUSED:
        raise BundleError(said.decode(errors="replace"))
    if process.returncode != 0:
        raise BundleError(f"The process that tried it ended with {process.returncode}: too much memory, or a crash.")


def main(directory: Path, threads: int) -> int:
    """Load the bundle, with less right to processor and memory than the service; returns the exit status."""
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    with suppress(OSError):  # where memory runs out, the kernel ends this process and not the service
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        load_bundle(directory, threads)
    except BundleError as error:
        sys.stdout.write(str(error))
        return _REFUSED
    return 0


def _end_with_the_service() -> None:
    """Its end of our input closes with the service, however that ends; a graph runs outside the interpreter's lock."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
