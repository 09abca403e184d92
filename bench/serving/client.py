"""Asking as fast as answers come: wrk, on a core of its own."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from bench.serving.peers.commands import CLIENT_CORE, Peer

PATIENCE_SECONDS: Final = 120

_SCRIPT: Final = """
local file = io.open("{body}", "rb")
wrk.method = "POST"
wrk.body = file:read("*all")
wrk.headers["Content-Type"] = "application/json"
file:close()
done = function(summary, latency, requests)
  io.write(string.format('\\n{{"requests": %d, "microseconds": %d, "refused": %d, "failed": %d, '
    .. '"p50": %f, "p99": %f}}\\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed. Times in milliseconds; refused are answers other than 2xx or 3xx."""

    per_second: float
    p50: float
    p99: float
    refused: int
    failed: int
    cpu_microseconds: float  # of the server, for an answer


def require_wrk() -> None:
    """Exit with what to do where wrk is missing."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk, or build it from github.com/wg/wrk.")


def ask(peer: Peer, body: bytes, connections: int, seconds: float) -> Round:
    """Ask a peer over so many connections for so long, and wait until it has done with all of them."""
    with start(peer, body, connections, seconds) as asking:
        shown = asking.result()
    _wait_until_idle(peer, body)
    return shown


def _wait_until_idle(peer: Peer, body: bytes) -> None:
    """Wait until a peer answers again; who works on large batches refuses more of them until they are done."""
    headers = {"Content-Type": "application/json"}
    deadline = time.monotonic() + PATIENCE_SECONDS
    client = httpx.Client(headers=headers, timeout=PATIENCE_SECONDS)
    while (answer := client.post(peer.url + peer.path, content=body)).is_error:
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            answer.raise_for_status()
        time.sleep(0.2)


class start:  # noqa: N801  a context manager, used like a function
    """Begin to ask, in the background; :meth:`result` waits for the end."""

    def __init__(self, peer: Peer, body: bytes, connections: int, seconds: float) -> None:
        self._peer = peer
        self._folder = tempfile.TemporaryDirectory()
        place = Path(self._folder.name)
        (place / "body").write_bytes(body)
        (place / "script.lua").write_text(_SCRIPT.format(body=place / "body"))
        options = ("-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "60s", "-s", str(place / "script.lua"))
        command = ["taskset", "--cpu-list", str(CLIENT_CORE), "wrk", *options, peer.url + peer.path]
        self._cpu = peer.cpu_seconds()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "start":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def result(self) -> Round:
        """The figures."""
        said, _ = self._process.communicate()
        told = json.loads(said.strip().splitlines()[-1])
        answered = max(told["requests"] - told["refused"], 1)
        cpu = (self._peer.cpu_seconds() - self._cpu) / answered
        return Round(
            round((told["requests"] - told["refused"]) / (told["microseconds"] / 1e6), 1),
            round(told["p50"] / 1000, 3),
            round(told["p99"] / 1000, 3),
            told["refused"],
            told["failed"],
            round(cpu * 1e6, 1),
        )
