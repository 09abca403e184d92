"""The process of the sandbox: ``python -m ml.core.sandbox.worker DIRECTORY THREADS MEMORY CPU_SECONDS NICENESS``.

It answers with one line of JSON: the digest of a valid bundle, or the error. It then reads lines of encoded records
from its input and writes their probabilities as float32 until the input ends.
"""

import json
import os
import sys
import threading
from base64 import b64decode
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from ml.core.sandbox.limits import apply_limits


def main(directory: Path, threads: int, memory_bytes: int, cpu_seconds: int, niceness: int) -> None:
    """Check the bundle, and score records with it until the parent closes the pipe."""
    apply_limits(memory_bytes, cpu_seconds, niceness)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # nothing that a library prints is an answer
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    _serve(directory, threads, requests, answers)


def _read(requests: SimpleQueue[bytes]) -> None:
    """Read requests; end the process when the parent closes the pipe or is killed, also while a graph runs."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _serve(directory: Path, threads: int, requests: SimpleQueue[bytes], answers: BinaryIO) -> None:
    # Imported after the limits are set: these libraries start threads, and a process with threads keeps its network.
    import numpy as np

    from ml.core.bundle import digest_of, load_bundle
    from ml.core.bundle.trial import try_bundle
    from ml.core.errors import BundleError

    try:
        bundle = load_bundle(directory, threads)
        try_bundle(bundle)
        answer = {"digest": digest_of(directory)}
    except BundleError as error:
        answer = {"error": str(error)[:2000]}
    except MemoryError:
        answer = {"error": "It needs more memory than the sandbox has."}
    answers.write(json.dumps(answer).encode() + b"\n")
    while "digest" in answer:
        request = json.loads(requests.get())
        texts = np.array(request["texts"].split("\0"), dtype=object).reshape(request["rows"], -1)
        numbers = np.frombuffer(b64decode(request["numbers"]), dtype=np.float32).reshape(request["rows"], -1)
        answers.write(bundle.run({"texts": texts, "numbers": numbers}).tobytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
