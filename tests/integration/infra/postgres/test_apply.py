"""The script of Docker Compose that sets roles and passwords, with a real server and its ``psql``."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.postgres.cluster import PostgresServer, binaries
from tests.support.postgres import running_postgres

SCRIPT = Path(__file__).parents[4] / "infra" / "postgres" / "roles" / "apply.sh"
Apply = Callable[[PostgresServer, str], subprocess.CompletedProcess[str]]


@pytest.fixture
def apply(tmp_path: Path) -> Apply:
    """Runs the script as the container does, with the paths of this test."""
    (tmp_path / "roles.sql").write_text("SELECT 'applied'")
    text = SCRIPT.read_text().replace("/roles/$ROLES", str(tmp_path / "roles.sql"))
    text = text.replace("/tmp/pgpass", str(tmp_path / "pgpass"))  # noqa: S108

    def run(server: PostgresServer, password: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "postgres_password").write_text(password)
        environment = {
            "PATH": f"{binaries()}:{os.environ['PATH']}",
            "POSTGRES_HOST": server.host,
            "PGPORT": str(server.port),
            "POSTGRES_PASSWORD_FILE": str(tmp_path / "postgres_password"),
            "ROLES": "roles.sql",
        }
        command = ["sh", "-eu", "-c", text]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_the_present_password_is_set_where_the_server_has_a_former_one(apply: Apply, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, running_postgres(Path(folder)) as server:
        done = apply(server, server.superuser_password)
        assert (done.returncode, done.stdout.split()) == (0, ["?column?", "----------", "applied", "(1", "row)"])

        assert "password authentication failed" in apply(server, "it's new").stderr  # nothing says that it was rotated
        (tmp_path / ".postgres_password.former").write_text(f"never-in-force\n{server.superuser_password}\nolder")
        for _ in range(2):
            done = apply(server, "it's new")
            assert (done.returncode, done.stderr) == (0, "")
        assert replace(server, superuser_password="it's new").is_ready()
