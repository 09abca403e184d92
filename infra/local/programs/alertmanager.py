"""Alertmanager where its program is on this machine, and the notices that it sends to."""

import hashlib

from infra.alertmanager.layout import SOURCE, lay_out
from infra.local.programs.environment import shared_environment
from infra.local.programs.program import Program, installed
from infra.local.settings import StackSettings, python_module
from infra.local.supervision.probes import http_probe


def alertmanager_command() -> str | None:
    """The name of the program, where it is installed."""
    return installed("prometheus-alertmanager", "alertmanager")


def alerting_programs(settings: StackSettings) -> list[Program]:
    """Alertmanager and the notices; neither without Alertmanager."""
    command = alertmanager_command()
    return [] if command is None else [_notices(settings), _alertmanager(settings, command)]


def write_alertmanager_file(settings: StackSettings) -> None:
    """Lay out Compose's configuration with the address of this stack's notices; before Alertmanager starts."""
    lay_out(settings.places.alertmanager, _receiver(settings))


def _receiver(settings: StackSettings) -> str:
    return f"{settings.host}:{settings.notices_port}"


def _alertmanager(settings: StackSettings, command: str) -> Program:
    folder, port = settings.places.alertmanager, settings.alertmanager_port
    read = hashlib.sha256(SOURCE.read_bytes() + _receiver(settings).encode()).hexdigest()
    return Program(
        name="alertmanager",
        command=[
            command,
            f"--config.file={folder / SOURCE.name}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={settings.bind_address}:{port}",
            "--cluster.listen-address=",  # one alone: nobody to gossip with, on every interface
        ],
        is_ready=http_probe(f"{settings.url(port)}/-/ready"),
        environment={"CONFIGURATION": read},  # what runs with another one is started anew
        ports={"ALERTMANAGER_PORT": port},  # no address: Debian's program has no pages, only what amtool asks
    )


def _notices(settings: StackSettings) -> Program:
    port = settings.notices_port
    return Program(
        name="notices",
        command=python_module("infra.notices"),
        is_ready=http_probe(f"{settings.url(port)}/health"),
        ports={"NOTICES_PORT": port},
        address=f"http://localhost:{port}",
        environment=shared_environment(settings) | {"NOTICES_BIND": settings.bind_address},
    )
