"""The native stack's Alertmanager, on machines that have the program."""

import hashlib

from infra.local.programs.program import Program, installed
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.probes import http_probe

CONFIGURATION = ROOT / "infra" / "alertmanager" / "alertmanager.yml"


def alertmanager_command() -> str | None:
    """Name of the program, if it is installed."""
    return installed("prometheus-alertmanager", "alertmanager")


def alertmanager_program(settings: StackSettings, command: str) -> Program:
    """Alertmanager with the configuration of the repository; `command` is its program."""
    port = settings.alertmanager_port
    address = f"http://localhost:{port}"
    return Program(
        name="alertmanager",
        command=[
            command,
            f"--config.file={CONFIGURATION}",
            f"--storage.path={settings.places.alertmanager / 'data'}",
            f"--web.listen-address={settings.bind_address}:{port}",
            f"--web.external-url={address}",
            "--cluster.listen-address=",  # a single instance: no gossip port
        ],
        is_ready=http_probe(f"{settings.url(port)}/-/ready"),
        environment={"CONFIGURATION": hashlib.sha256(CONFIGURATION.read_bytes()).hexdigest()},  # a change restarts it
        ports={"ALERTMANAGER_PORT": port},
        address=address,
    )
