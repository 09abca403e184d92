"""The service as its own process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.local.settings import ROOT
from infra.local.supervision.probes import free_port
from tests.integration.api.conftest import eventually
from tests.support.postgres import API_PASSWORD


@dataclass(frozen=True)
class ApiProcess:
    """A started service."""

    url: str
    process: subprocess.Popen[bytes]
    client: httpx.Client

    @property
    def resident_bytes(self) -> int:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def wait_until_ready(self) -> None:
        """Wait for a model."""
        eventually(lambda: self.client.get("/ready").status_code == 200)


@contextmanager
def running_api(
    folder: Path, mlflow: str, *, host: str = "127.0.0.1", port: int = 0, **settings: str
) -> Iterator[ApiProcess]:
    """Start the service with its cache and log in `folder`, on a free port by default; it stops with the context."""
    defaults = {
        "MLFLOW_TRACKING_URI": mlflow,
        "API_CACHE_DIR": str(folder / "cache"),
        "MODEL_POLL_SECONDS": "0.1",
        "PREDICTION_LOG": "false",
        "POSTGRES_PORT": "9",  # nothing listens there
        "API_DB_PASSWORD": API_PASSWORD,
        "PREDICTION_LOG_KEY": "key of the tests",
    }
    port = port or free_port()
    command = [sys.executable, "-m", "api", "--host", host, "--port", str(port)]
    with (folder / "api.log").open("ab") as log:
        # From the root, wherever the test has gone: that is where the service is imported from.
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | defaults | settings, stdout=log, stderr=log)
        try:
            url = f"http://{host}:{port}"
            eventually(lambda: _answers(url) or process.poll() is not None)
            assert process.poll() is None, (folder / "api.log").read_text()[-2000:]
            with httpx.Client(base_url=url, timeout=60) as client:
                yield ApiProcess(url, process, client)
        finally:
            process.kill()
            process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=1).status_code == 200
    except httpx.TransportError:
        return False
