"""A real Prometheus with the platform's configuration and shorter scrape intervals."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from infra.local.supervision.probes import free_port
from infra.prometheus.configuration import write
from tests.support.durations import shortened
from tests.support.programs import required

START_SECONDS = 60
INTERVAL_SECONDS = 2


class Prometheus:
    """The API of a running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **params: str) -> Any:
        """The data of a successful response."""
        response = httpx.get(f"{self.url}/api/v1/{path}", params=params, timeout=10)
        assert response.is_success, (params, response.text)
        return response.json()["data"]

    def is_ready(self) -> bool:
        """Whether data and configuration are loaded."""
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=10).is_success
        except httpx.TransportError:
            return False

    def values(self, query: str, label: str = "job") -> dict[str, float]:
        """Values of an instant query by a label."""
        return {
            row["metric"].get(label, ""): float(row["value"][1]) for row in self.get("query", query=query)["result"]
        }

    def history(self, query: str, since: float) -> list[Any]:
        """Series of a query since a time in seconds of the epoch."""
        span = {"start": str(since), "end": str(time.time()), "step": "5s"}
        found: list[Any] = self.get("query_range", query=query, **span)["result"]
        return found

    def firing(self) -> set[str]:
        """Names of the firing alerts."""
        return set(self.values('ALERTS{alertstate="firing"}', "alertname"))

    def has_scraped(self, *jobs: str) -> bool:
        """Whether the last scrape of each job succeeded."""
        return all(self.values(f'up{{job="{job}"}}') == {job: 1} for job in jobs)


@contextmanager
def running_prometheus(
    folder: Path,
    targets: Mapping[str, str],
    *,
    seconds: int = INTERVAL_SECONDS,
    times: int = 1,
    options: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """Start the program and wait until it has scraped itself and `targets`; it ends with the context.

    Args:
        folder: for configuration, data and log.
        targets: job to ``host:port``.
        seconds: scrape interval.
        times: divisor of the durations in its rules, see :mod:`tests.support.durations`.
        options: further ones of its command line.
    """
    address = f"127.0.0.1:{free_port()}"
    config = write(folder, {"prometheus": address, **targets})
    interval = f"_interval: {seconds}s"
    config.write_text(
        config.read_text().replace("_interval: 10s", interval).replace("timeout: 8s", f"timeout: {seconds}s")
    )
    for rules in (folder / "rules").glob("*.yml") if times > 1 else ():
        rules.write_text(shortened(rules.read_text(), times, range_least=4 * seconds))
    command = [
        required("prometheus", package="prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        *options,
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
        try:
            server = Prometheus(f"http://{address}")
            _wait(server, process, ("prometheus", *targets), folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(30)


def _wait(server: Prometheus, process: subprocess.Popen[bytes], jobs: tuple[str, ...], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (server.is_ready() and server.has_scraped(*jobs)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Prometheus did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)
