"""The start of Grafana, with a program in its place that writes down how it was called."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "infra" / "grafana" / "start.sh"
PASSWORD = {"GF_SECURITY_ADMIN_PASSWORD": "pa$word 'new'"}
PROGRAM = """#!/bin/sh
echo "$@" >> "$GF_PATHS_DATA/calls"
[ "$1" = server ] && printenv GF_SECURITY_ADMIN_PASSWORD > "$GF_PATHS_DATA/password"
case "$1" in cli) cat >> "$GF_PATHS_DATA/calls"; exit "$CLI_STATUS";; esac
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "grafana").write_text(PROGRAM)
    (tmp_path / "grafana").chmod(0o755)
    return tmp_path


def start(
    data: Path, cli_status: int = 0, user: str = "admin", password: Mapping[str, str] = PASSWORD
) -> subprocess.CompletedProcess[str]:
    variables = {
        "PATH": f"{data}:{os.environ['PATH']}",
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_HOME": "/usr/share/grafana",
        "GF_SECURITY_ADMIN_USER": user,
        **password,
        "CLI_STATUS": str(cli_status),
    }
    command = ["sh", str(SCRIPT), "grafana", "server", "--flag"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=30, check=True)


def test_the_first_start_leaves_the_password_to_the_server(data: Path) -> None:
    start(data)
    assert (data / "calls").read_text() == "server --flag\n"


def test_a_later_start_sets_the_password_and_no_command_line_shows_it(data: Path) -> None:
    (data / "grafana.db").touch()
    start(data)
    assert (data / "calls").read_text().splitlines() == [
        "cli --homepath /usr/share/grafana admin reset-admin-password --password-from-stdin",
        "pa$word 'new'",
        "server --flag",
    ]


def test_a_password_in_a_file_is_in_no_environment(data: Path) -> None:
    (data / "grafana.db").touch()
    file = data / "chosen password"
    file.write_text("pa$word 'new'\n")
    start(data, password={"GF_SECURITY_ADMIN_PASSWORD": "admin", "GRAFANA_PASSWORD_FILE": str(file)})
    assert (data / "calls").read_text().splitlines()[1] == "pa$word 'new'"
    assert (data / "password").read_text() == f"$__file{{{file}}}\n"


def test_grafana_starts_also_when_the_password_cannot_be_set(data: Path) -> None:
    (data / "grafana.db").touch()
    done = start(data, cli_status=1)
    assert "GRAFANA_PASSWORD could not be set" in done.stderr
    assert (data / "calls").read_text().splitlines()[-1] == "server --flag"


def test_another_name_of_the_user_is_said_to_have_no_effect(data: Path) -> None:
    assert start(data, user="admin").stderr == ""
    (data / "grafana.db").touch()
    assert start(data, user="admin").stderr == ""
    assert "GRAFANA_USER has no effect after the first start: log in as admin" in start(data, user="me").stderr
