"""Checks before a start: Python version, settings, memory, disk and ports."""

import errno
import os
import shutil
import socket
import sys
from collections.abc import Container, Iterable
from pathlib import Path

import psutil
from dotenv import dotenv_values

from infra.exposure import refusal
from infra.local.errors import StackError
from infra.local.programs.environment import GENERATED, read_settings, without_effect
from infra.local.programs.program import Program
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.supervisor import Supervisor
from ml.core.secret_files import with_secret_files

GIB = 1024**3
CGROUP = Path("/sys/fs/cgroup")


def check_machine(settings: StackSettings) -> None:
    """Check the machine and the settings.

    Raises:
        StackError: a check failed.
    """
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        raise StackError(f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old or too new: use 3.11 to 3.13.")
    if settings.data_file is not None and not (ROOT / settings.data_file).is_file():
        raise StackError(f"DATA_FILE {settings.data_file} does not exist: correct it in .env, or leave it empty.")
    for resource, free, minimum, remedy in (
        ("memory", available_memory(), settings.min_memory_gb, "stop other programs"),
        ("disk", shutil.disk_usage(ROOT).free, settings.min_disk_gb, "free space"),
    ):
        if free / GIB < minimum:
            raise StackError(
                f"Only {free / GIB:.1f} GB of {resource} are free and the stack needs {minimum:g}: "
                f"{remedy}, or lower MIN_{resource.upper()}_GB in .env."
            )


def check_exposure(settings: StackSettings) -> None:
    """Check that ports are not opened to the network with a known password or without API keys.

    Raises:
        StackError: they would be.
    """
    exposure = {
        "BIND_ADDRESS": settings.bind_address,
        "AIRFLOW_PASSWORD": settings.airflow_password.get_secret_value(),
        "API_KEYS": with_secret_files(read_settings(os.environ, ROOT / ".env")).get("API_KEYS", ""),
    }
    if reason := refusal(exposure, ["AIRFLOW_PASSWORD"]):  # there is no Grafana
        raise StackError(reason)


def check_settings(supervisor: Supervisor, settings: StackSettings) -> list[str]:
    """Check that each setting can take effect; returns the names of those that have none.

    Raises:
        StackError: a setting would hide data, or contradicts a generated secret.
    """
    dotenv = dotenv_values(ROOT / ".env")  # which programs read themselves; they inherit no such variable
    if generated := [name for name in sorted(GENERATED) if dotenv.get(name)]:
        raise StackError(
            f"{generated[0]} is in .env, but the stack generates it: remove it there; "
            f"make rotate NAME={generated[0].lower()} replaces it."
        )
    now = (ROOT / settings.mlflow_artifacts_dir).resolve()
    before = supervisor.launched("mlflow").get("environment", {}).get("MLFLOW_ARTIFACTS_DESTINATION", str(now))
    if before != str(now) and not _has_files(now) and _has_files(Path(before)):
        raise StackError(
            f"MLFLOW_ARTIFACTS_DIR has changed, and the artifacts are in {before}: move them, or set it back."
        )
    return without_effect(settings)


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_dir() for path in folder.iterdir())


def available_memory(cgroup: Path = CGROUP) -> int:
    """Free memory in bytes, within the limit of the container, if any."""
    free = int(psutil.virtual_memory().available)
    limit, used = cgroup / "memory.max", cgroup / "memory.current"
    if limit.exists() and used.exists() and (text := limit.read_text().strip()) != "max":
        free = min(free, max(int(text) - int(used.read_text()), 0))
    return free


def check_ports(programs: Iterable[Program], bind_address: str, held: Container[int] = ()) -> None:
    """Check that the ports of the programs are free, but for those that the stack itself holds.

    Raises:
        StackError: a port is in use; the message has the process and the setting to change.
    """
    for program in programs:
        for setting, port in program.ports.items():
            if port not in held and not _is_free(port, bind_address):
                owner = _owner(port)
                raise StackError(
                    f"Port {port} for {program.name} is in use{f' by {owner}' if owner else ''}: "
                    f"stop that program, or set {setting} to a free port in .env."
                )


def _is_free(port: int, bind_address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind_address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise StackError(f"Port {port} on {bind_address} cannot be used: {error.strerror}.") from None
    return True


def _owner(port: int) -> str | None:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.NoSuchProcess:
                return None
    return None
