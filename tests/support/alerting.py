"""A real Alertmanager with the platform's routes, shorter waiting times and a webhook as its receiver."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from infra.local.programs.monitoring import ALERTMANAGER_CONFIGURATION
from infra.local.supervision.probes import free_port
from tests.support.durations import shortened
from tests.support.programs import required
from tests.support.serving import serving
from tests.support.webhook import WebhookReceiver

START_SECONDS = 60
TIMES = 10
"""Divisor of all waiting times."""


class Alerting:
    """A running Alertmanager and the notifications that it has sent."""

    def __init__(self, address: str, webhook: WebhookReceiver) -> None:
        self.address = address
        self._webhook = webhook

    def notified(self, status: str) -> set[str]:
        """Names of the alerts that were notified as ``firing`` or ``resolved``."""
        return self._webhook.names(status)

    def inhibited(self) -> set[str]:
        """Names of the alerts that fire and are inhibited."""
        alerts = httpx.get(f"http://{self.address}/api/v2/alerts", timeout=10).json()
        return {alert["labels"]["alertname"] for alert in alerts if alert["status"]["inhibitedBy"]}

    def post(self, *alerts: dict[str, Any]) -> None:
        """Send alerts as Prometheus does."""
        httpx.post(f"http://{self.address}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()

    def is_ready(self) -> bool:
        """Whether it serves."""
        try:
            return httpx.get(f"http://{self.address}/-/ready", timeout=2).is_success
        except httpx.TransportError:
            return False


def configuration(webhook_url: str) -> str:
    """The platform's configuration with a webhook in every receiver and shorter waiting times."""
    config = yaml.safe_load(ALERTMANAGER_CONFIGURATION.read_text())
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": webhook_url, "send_resolved": True}]
    return shortened(yaml.safe_dump(config), TIMES)


@contextmanager
def running_alerting(folder: Path) -> Iterator[Alerting]:
    """Start Alertmanager and its receiver; both end with the context."""
    program = required("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "alertmanager.yml"
    with serving(WebhookReceiver()) as webhook, (folder / "log").open("wb") as log:
        file.write_text(configuration(webhook.url))
        alerting = Alerting(f"127.0.0.1:{free_port()}", webhook)
        command = [program, f"--config.file={file}", f"--storage.path={folder / 'data'}"]
        listen = [f"--web.listen-address={alerting.address}", "--cluster.listen-address="]
        process = subprocess.Popen([*command, *listen], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not alerting.is_ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Alertmanager did not start:\n{(folder / 'log').read_text()[-3000:]}")
                time.sleep(0.1)
            yield alerting
        finally:
            process.terminate()
            process.wait(30)
