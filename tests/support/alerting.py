"""Alertmanager and the notices of the tests: the real programs, in a hurry."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from infra.alertmanager.layout import lay_out
from infra.local.supervision.probes import free_port
from tests.support.hurry import hurried
from tests.support.programs import required

START_SECONDS = 60
TIMES = 10
"""How many times faster than in production alerts are told."""


class Alerting:
    """A running Alertmanager, and what it has told."""

    def __init__(self, alertmanager: str, notices: str) -> None:
        self.alertmanager = alertmanager
        self.notices = notices

    @property
    def targets(self) -> dict[str, str]:
        """Job to ``host:port``, for Prometheus."""
        return {"alertmanager": self.alertmanager, "notices": self.notices}

    def told(self, status: str) -> set[str]:
        """Names of the alerts that were told as ``firing`` or ``resolved``."""
        notices = httpx.get(f"http://{self.notices}/notices", timeout=10).json()
        return {notice["name"] for notice in notices if notice["status"] == status}

    def inhibited(self) -> set[str]:
        """Names of the alerts that fire and are not told, since they follow from another."""
        found = httpx.get(f"http://{self.alertmanager}/api/v2/alerts", timeout=10).json()
        return {alert["labels"]["alertname"] for alert in found if alert["status"]["inhibitedBy"]}

    def post(self, *alerts: dict[str, Any]) -> None:
        """Tell Alertmanager of alerts as Prometheus would."""
        httpx.post(f"http://{self.alertmanager}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()


@contextmanager
def running_alerting(folder: Path) -> Iterator[Alerting]:
    """Start both programs; they end with the context."""
    program = required("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
    here = Alerting(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    config = lay_out(folder, here.notices)
    config.write_text(hurried(config.read_text(), TIMES))
    notices = [sys.executable, "-m", "infra.notices"]
    alertmanager = [
        program,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={here.alertmanager}",
        "--cluster.listen-address=",
    ]
    with ExitStack() as stack:
        _run(stack, notices, folder / "notices.log", f"http://{here.notices}/health", NOTICES_PORT=_port(here.notices))
        _run(stack, alertmanager, folder / "alertmanager.log", f"http://{here.alertmanager}/-/ready")
        yield here


def _run(stack: ExitStack, command: Sequence[str], log: Path, ready: str, **variables: str) -> None:
    written = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(command, env=os.environ | variables, stdout=written, stderr=written)
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(ready):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def _port(address: str) -> str:
    return address.rpartition(":")[2]
