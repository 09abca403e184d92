"""Description of one program of the native stack."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.local.settings import StackSettings
from infra.local.supervision.probes import Probe, http_probe


@dataclass(frozen=True)
class Program:
    """How a program is started, stopped and probed."""

    name: str
    command: list[str]
    is_ready: Probe
    ports: Mapping[str, int] = field(default_factory=dict)  # that it listens on, by the name of their setting
    address: str | None = None  # of its page for a browser
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    """Variables with a secret, as templates such as ``postgresql://u:{airflow_db_password}@h/d``."""
    secrets: tuple[str, ...] = ()
    """Generated secrets that the program itself reads when it starts."""
    account: str | None = None  # the account it runs as, if not the current one
    directory: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    stop_group: bool = True  # whether its children get the stop signal too
    start_seconds: int = 300  # time limit until it is ready, on a slow and busy machine


def http_program(
    settings: StackSettings,
    name: str,
    port_setting: str,
    command: list[str],
    ready_path: str,
    page: str | None = None,
    environment: Mapping[str, str] | None = None,
    secret_environment: Mapping[str, str] | None = None,
) -> Program:
    """A program with one HTTP port, which is ready when `ready_path` answers; `page` is its path for a browser."""
    port: int = getattr(settings, port_setting.lower())
    return Program(
        name=name,
        command=command,
        is_ready=http_probe(f"{settings.url(port)}{ready_path}"),
        ports={port_setting: port},
        address=None if page is None else f"http://localhost:{port}{page}",
        environment=environment or {},
        secret_environment=secret_environment or {},
    )


def installed(*names: str) -> str | None:
    """Return the first of the program names that is installed; packages use different names."""
    return next((name for name in names if shutil.which(name)), None)
