"""Load generation with wrk, on a core of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from bench.serving.peers.launch import CLIENT_CORE, Peer

IDLE_TIMEOUT_SECONDS: Final = 120

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
    """Result of one round. Times in milliseconds; refused are responses other than 2xx or 3xx."""

    per_second: float
    p50: float
    p99: float
    refused: int
    failed: int
    cpu_microseconds: float  # of the server, per response


def require_wrk() -> None:
    """Exit with instructions if wrk is missing."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk, or build it from github.com/wg/wrk.")


def pin_client() -> None:
    """Keep this process and its children off the core of the servers."""
    os.sched_setaffinity(0, {CLIENT_CORE})


def run_load(peer: Peer, body: bytes, connections: int, seconds: float) -> Round:
    """Send a request repeatedly over several connections, then wait until the peer is idle."""
    with background_load(peer, body, connections, seconds) as result:
        measured = result()
    deadline = time.monotonic() + IDLE_TIMEOUT_SECONDS
    client = httpx.Client(headers={"Content-Type": "application/json"}, timeout=IDLE_TIMEOUT_SECONDS)
    while (response := client.post(peer.url + peer.path, content=body)).is_error:  # busy with large batches
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            response.raise_for_status()
        time.sleep(0.2)
    return measured


@contextmanager
def background_load(peer: Peer, body: bytes, connections: int, seconds: float) -> Iterator[Callable[[], Round]]:
    """Send requests in the background; yields a function that waits for the result."""
    with tempfile.TemporaryDirectory() as folder:
        body_file, script = Path(folder, "body"), Path(folder, "script.lua")
        body_file.write_bytes(body)
        script.write_text(_SCRIPT.format(body=body_file))
        options = ("-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "60s", "-s", str(script))
        command = ["taskset", "--cpu-list", str(CLIENT_CORE), "wrk", *options, peer.url + peer.path]
        cpu_before = peer.cpu_seconds()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:

            def result() -> Round:
                output, _ = process.communicate()
                summary = json.loads(output.strip().splitlines()[-1])
                accepted = summary["requests"] - summary["refused"]
                return Round(
                    round(accepted / (summary["microseconds"] / 1e6), 1),
                    round(summary["p50"] / 1000, 3),
                    round(summary["p99"] / 1000, 3),
                    summary["refused"],
                    summary["failed"],
                    round((peer.cpu_seconds() - cpu_before) / max(accepted, 1) * 1e6, 1),
                )

            yield result
            process.kill()
