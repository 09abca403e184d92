"""The checks before ``docker compose up``, and the whole script with a program in the place of ``docker``."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.compose.preflight import (
    DISK_GIB,
    GIB,
    ROOT,
    old_versions,
    other_clones,
    scarce,
    taken_ports,
    unusable_mounts,
)

SCRIPT = ROOT / "infra" / "compose" / "preflight.py"


@pytest.mark.parametrize(
    ("engine", "compose", "faults"),
    [
        ("26.1.5+dfsg1", "2.26.1-4", []),
        ("20.10.0", "v2.0.1", []),
        ("19.03.15", "2.1.0", ["Docker Engine 19.03.15 is too old: install 20.10 or newer."]),
        ("28.0.1", "1.29.2", ["Docker Compose 1.29.2 is too old: install 2.0 or newer."]),
    ],
)
def test_old_versions_are_named(engine: str, compose: str, faults: list[str]) -> None:
    assert list(old_versions(engine, compose)) == faults


def test_too_little_memory_or_disk_is_named_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=2 * GIB))
    memory, disk = scarce(3 * GIB, tmp_path)
    assert memory == "Docker has 3.0 GB of memory and needs 4: give its machine more."
    assert disk == f"Only 2.0 GB are free in {tmp_path}, and images and data need {DISK_GIB}: free space there."
    assert list(scarce(4 * GIB, tmp_path / "in a virtual machine")) == []


def project(**service: Any) -> dict[str, Any]:
    return {"name": "clone", "services": {"api": service}}


def test_a_taken_port_is_named_unless_the_project_itself_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        published = project(ports=[{"host_ip": "127.0.0.1", "published": str(number)}])
        assert list(taken_ports(published, set())) == [
            f"Port {number} for api is in use: stop that program, or set another port in .env."
        ]
        assert list(taken_ports(published, {number})) == []


def test_a_file_that_the_service_may_not_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "encounters.csv"
    mounted = project(user="50000:0", volumes=[{"type": "bind", "source": str(file), "read_only": True}])
    assert list(unusable_mounts(mounted)) == [f"{file} does not exist: correct it in .env."]
    file.touch(mode=0o600)
    assert list(unusable_mounts(mounted)) == [
        f"User 50000 may not read {file}: chmod it, or set AIRFLOW_UID=$(id -u) in .env."
    ]
    file.chmod(0o644)
    assert list(unusable_mounts(mounted)) == []


def test_a_folder_that_the_service_may_not_write_to_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    mounted = project(user="50000:0", volumes=[{"type": "bind", "source": str(folder)}])
    assert list(unusable_mounts(mounted)) == [
        f"{folder} does not exist: mkdir -p {folder} && sudo chown 50000 {folder}."
    ]
    folder.mkdir(mode=0o755)
    assert list(unusable_mounts(mounted)) == [
        f"User 50000 may not write to {folder}: chmod it, or set AIRFLOW_UID=$(id -u) in .env."
    ]
    folder.chmod(0o777)
    assert list(unusable_mounts(mounted)) == []


def test_a_file_of_a_chosen_secret_that_containers_cannot_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "operator_key"
    chosen = project() | {"secrets": {"operator_key": {"file": str(file)}, "api_keys": {"file": "/dev/null"}}}
    assert list(unusable_mounts(chosen)) == [
        f"OPERATOR_KEY_FILE={file} does not exist: create it, or correct its path in .env."
    ]
    file.touch(mode=0o600)
    assert list(unusable_mounts(chosen)) == [
        f"The users of containers may not read {file}: chmod o+r it, in a folder that only you may open."
    ]
    file.chmod(0o444)
    assert list(unusable_mounts(chosen)) == []


def test_only_mounts_of_the_host_for_users_other_than_root_count(tmp_path: Path) -> None:
    missing = {"type": "bind", "source": str(tmp_path / "missing"), "read_only": True}
    assert list(unusable_mounts(project(user="0:0", volumes=[missing]))) == []
    others = [{"type": "volume", "source": "mlruns"}, missing | {"source": "/dev/null"}]
    assert list(unusable_mounts(project(user="50000:0", volumes=others))) == []


def test_another_clone_with_the_same_project_is_named() -> None:
    label = "com.docker.compose.project.working_dir"
    containers = [{"Labels": f"a=b,{label}={folder}"} for folder in (ROOT, "/home/me/clone", "/home/me/clone")]
    assert list(other_clones("clone", containers)) == [
        "/home/me/clone is the project clone too and has its volumes: set COMPOSE_PROJECT_NAME and ports in .env."
    ]


def run(folder: Path, program: str | None) -> subprocess.CompletedProcess[str]:
    if program is not None:
        (folder / "docker").write_text(program)
        (folder / "docker").chmod(0o755)
    command = [sys.executable, "-IS", str(SCRIPT)]  # without packages
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_without_docker_or_its_engine_the_script_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, None)
    assert (done.returncode, done.stdout) == (
        1,
        "✗ The program docker is missing: install Docker Engine and its Compose plugin.\n",
    )
    done = run(tmp_path, "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "✗ 'docker version --format' fails (Cannot connect to the Docker daemon): start Docker"
    )


def test_where_nothing_is_wrong_the_script_says_how_to_start(tmp_path: Path) -> None:
    info = json.dumps({"MemTotal": 8 * GIB, "DockerRootDir": str(tmp_path / "in a virtual machine")})
    answers = {"version": "26.1.5", "info": info, "ps": ""}
    cases = "".join(f"{name}) echo '{answer}';;" for name, answer in answers.items())
    compose = f"compose) case $2 in version) echo 2.26.1;; *) echo '{json.dumps(project())}';; esac;;"
    done = run(tmp_path, f"#!/bin/sh\ncase $1 in {cases} {compose} esac")
    assert (done.returncode, done.stdout) == (0, "✓ Nothing prevents a start: docker compose up --build -d\n")
