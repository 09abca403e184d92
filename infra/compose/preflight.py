"""Checks before ``docker compose up``: engine, memory, disk, ports, files of the host, and other clones.

``python3 infra/compose/preflight.py`` needs only the standard library of the host's Python 3.9 or newer. It starts and
changes nothing, and names each cause with its remedy.
"""

import errno
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OLDEST_ENGINE, OLDEST_COMPOSE = (20, 10), (2, 0)
GIB = 1024**3
MEMORY_GIB, DISK_GIB = 4, 10
"""For all services with a training run, and for the images with their build."""


def main() -> int:
    """Print what prevents a start; returns 1 if anything does."""
    faults = list(find_faults())
    lines = [f"✗ {fault}" for fault in faults] or ["✓ Nothing prevents a start: docker compose up --build -d"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return int(bool(faults))


def find_faults() -> Iterator[str]:
    """Causes with remedies. Where Docker itself is missing, nothing else can be checked."""
    try:
        engine, compose = docker("version", "--format", "{{.Server.Version}}"), docker("compose", "version", "--short")
        yield from old_versions(engine, compose)
        info = json.loads(docker("info", "--format", "{{json .}}"))
        project = json.loads(docker("compose", "config", "--format", "json"))
        label = f"label=com.docker.compose.project={project['name']}"
        containers = docker("ps", "--all", "--filter", label, "--format", "{{json .}}").splitlines()
    except FileNotFoundError:
        yield "The program docker is missing: install Docker Engine and its Compose plugin."
        return
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        yield f"'{' '.join(error.cmd[:3])}' fails ({reason}): start Docker, join its group, or correct .env."
        return
    present = [json.loads(container) for container in containers]
    if not any(container["State"] == "running" for container in present):
        yield from scarce(info["MemTotal"], Path(info["DockerRootDir"]))
    own = {int(port) for container in present for port in re.findall(r":(\d+)->", container["Ports"])}
    yield from taken_ports(project, own)
    yield from unusable_mounts(project)
    yield from other_clones(project["name"], present)


def docker(*arguments: str) -> str:
    """Output of a command of Docker, in the clone."""
    command = ["docker", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def old_versions(engine: str, compose: str) -> Iterator[str]:
    """Versions that do not know what ``docker-compose.yml`` uses."""
    for name, version, oldest in (("Engine", engine, OLDEST_ENGINE), ("Compose", compose, OLDEST_COMPOSE)):
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < oldest:
            yield f"Docker {name} {version} is too old: install {oldest[0]}.{oldest[1]} or newer."


def scarce(memory: int, folder: Path) -> Iterator[str]:
    """Too little memory for the engine, or disk below its folder, which may be in a virtual machine."""
    if memory < MEMORY_GIB * GIB:
        yield f"Docker has {memory / GIB:.1f} GB of memory and needs {MEMORY_GIB}: give its machine more."
    free = shutil.disk_usage(folder).free if folder.exists() else DISK_GIB * GIB
    if free < DISK_GIB * GIB:
        yield f"Only {free / GIB:.1f} GB are free in {folder}, and images and data need {DISK_GIB}: free space there."


def taken_ports(project: dict[str, Any], own: set[int]) -> Iterator[str]:
    """Ports of this machine that another program listens on."""
    for name, service in project["services"].items():
        for port in service.get("ports", []):
            number = int(port["published"])
            if number not in own and not _is_free(port.get("host_ip", ""), number):
                yield f"Port {number} for {name} is in use: stop that program, or set another port in .env."


def _is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
    return True


def unusable_mounts(project: dict[str, Any]) -> Iterator[str]:
    """Files and folders of the host that the user of a service may not read or write."""
    paths: dict[tuple[str, bool], int] = {}
    for service in project["services"].values():
        user = re.fullmatch(r"([1-9]\d*):0", service.get("user", ""))
        for mount in service.get("volumes", []):
            if user and mount["type"] == "bind" and mount["source"] != os.devnull:
                paths[mount["source"], mount.get("read_only", False)] = int(user[1])
    for name, secret in project.get("secrets", {}).items():
        file = Path(secret["file"])
        if not file.exists():
            yield f"{name.upper()}_FILE={file} does not exist: create it, or correct its path in .env."
        elif not file.stat().st_mode & stat.S_IROTH:
            yield f"The users of containers may not read {file}: chmod o+r it, in a folder that only you may open."
    for (path, is_read), user_id in paths.items():
        if not Path(path).exists():
            remedy = "correct it in .env" if is_read else f"mkdir -p {path} && sudo chown {user_id} {path}"
            yield f"{path} does not exist: {remedy}."
        elif not _is_allowed(Path(path).stat(), user_id, "R" if is_read else "W"):
            right = "read" if is_read else "write to"
            yield f"User {user_id} may not {right} {path}: chmod it, or set AIRFLOW_UID=$(id -u) in .env."


def _is_allowed(status: os.stat_result, user_id: int, right: str) -> bool:
    """Whether a user with group 0 has the right."""
    who = "USR" if status.st_uid == user_id else "GRP" if status.st_gid == 0 else "OTH"
    return bool(status.st_mode & getattr(stat, f"S_I{right}{who}"))


def other_clones(name: str, containers: list[dict[str, Any]]) -> Iterator[str]:
    """Folders whose containers, hence volumes, have the name of this project."""
    key = "com.docker.compose.project.working_dir"
    labels = (dict(part.partition("=")[::2] for part in each["Labels"].split(",")) for each in containers)
    for folder in sorted({found[key] for found in labels if found.get(key)} - {str(ROOT)}):
        yield f"{folder} is the project {name} too and has its volumes: set COMPOSE_PROJECT_NAME and ports in .env."


if __name__ == "__main__":
    sys.exit(main())
