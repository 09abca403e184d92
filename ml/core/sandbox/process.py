"""The side of the sandbox that starts it: checks a bundle, and predicts with it, without loading it here.

The gate, a rollback, the monitoring and the command line run graphs only there: a version of theirs has not been
approved by anybody. The API predicts in its own process, for speed, with a bundle that passed here first.
"""

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from ml.core.bundle import CHUNK, encode
from ml.core.errors import BundleError
from ml.core.sandbox.memory import available_bytes
from ml.schema import Record

MEMORY_BYTES: Final = 2 * 1024**3
"""Most memory of the process; less where the container has less left."""
LEAST_MEMORY_BYTES: Final = 256 * 1024**2
_MEMORY_SHARE: Final = 0.9

CPU_SECONDS: Final = 120
"""Most processor time for everything that is done with one bundle; scoring the test patients takes a few seconds."""
SECONDS: Final = 600.0
"""The same on the clock, for a machine that is busy. A graph cannot sleep."""

_EXIT_SECONDS: Final = 2
_ANSWER_BYTES: Final = 64 * 1024
_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
"""Variables that the process inherits. It gets no secret and no address of a service."""


class Sandbox:
    """A bundle in a process of its own, which ends with :meth:`end`.

    Methods raise BundleError if the bundle is not valid, or the process crashes or exceeds a limit.
    """

    def __init__(self, directory: Path, threads: int = 1, seconds: float = SECONDS, niceness: int = 0) -> None:
        memory = min(MEMORY_BYTES, int(available_bytes() * _MEMORY_SHARE))
        if memory < LEAST_MEMORY_BYTES:
            raise BundleError(
                f"It cannot be tried: {memory >> 20} MiB of memory are left, {LEAST_MEMORY_BYTES >> 20} MiB are needed."
            )
        limits = (threads, memory, CPU_SECONDS * threads, niceness)
        command = (sys.executable, "-m", f"{__package__}.worker", str(directory.resolve()), *map(str, limits))
        environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ} | {
            "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._directory = directory
        self._process = subprocess.Popen(
            command,
            cwd="/",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._input, self._output = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self._seconds = seconds
        self._late = False
        self._timer = Timer(seconds, self._stop_late)
        self._timer.daemon = True
        self._timer.start()

    def check(self) -> str:
        """Load and try the bundle; returns its :func:`ml.core.bundle.digest_of`. Call it once, before predicting."""
        line = self._output.readline(_ANSWER_BYTES)
        try:
            answer = json.loads(line)
            error, digest = answer.get("error"), answer.get("digest")
        except (ValueError, AttributeError):
            raise self._ended() from None
        if digest is None:
            raise BundleError(str(error).replace(f"{self._directory}/", ""))
        return str(digest)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def predict(self, records: Sequence[Record]) -> NDArray[np.float32]:
        """Probability of readmission within 30 days, shape ``(len(records),)``."""
        return self.run(encode(records))

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Predict records that are already encoded, in parts as large as those of the API."""
        rows = len(inputs["texts"])
        parts = [self._run({k: v[start : start + CHUNK] for k, v in inputs.items()}) for start in range(0, rows, CHUNK)]
        probabilities = np.concatenate([np.empty(0, np.float32), *parts])
        if len(probabilities) != rows or not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise BundleError("A prediction is not between 0 and 1.")
        return probabilities

    def end(self) -> None:
        """End the process."""
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        for pipe in (self._input, self._output):
            with suppress(OSError):
                pipe.close()

    def _run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        rows = len(inputs["texts"])
        numbers = np.ascontiguousarray(inputs["numbers"], dtype=np.float32).tobytes()
        # One text of all texts, and the bytes of the numbers: JSON of single values would cost more than the graph.
        request = {"rows": rows, "texts": "\0".join(inputs["texts"].flat), "numbers": b64encode(numbers).decode()}
        try:
            self._input.write(json.dumps(request).encode() + b"\n")
            self._input.flush()
            answer = self._output.read(rows * 4)
        except OSError:
            answer = b""
        if len(answer) != rows * 4:
            raise self._ended()
        return np.frombuffer(answer, dtype=np.float32)

    def _stop_late(self) -> None:
        self._late = True
        self._process.kill()

    def _ended(self) -> BundleError:
        try:
            status = self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:  # it answers nonsense
            self._process.kill()
            status = self._process.wait()
        if self._late:
            return BundleError(f"The bundle takes longer than {self._seconds:g} seconds.")
        return BundleError(f"The check ended with status {status}: too much memory or time, or a crash.")


@contextmanager
def sandboxed(directory: Path, threads: int = 1, seconds: float = SECONDS) -> Iterator[Sandbox]:
    """A checked bundle that predicts in the sandbox; the process ends with the context.

    Raises:
        BundleError: the bundle is not valid.
    """
    sandbox = Sandbox(directory, threads, seconds)
    try:
        sandbox.check()
        yield sandbox
    finally:
        sandbox.end()
