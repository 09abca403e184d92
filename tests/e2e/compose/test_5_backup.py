"""A backup in Docker Compose, the loss of every volume, and the way back; and a native backup, which is refused."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.compose.services import TEST_SECONDS, is_ready, predict
from tests.support.compose import PROJECT, ComposeError, ComposeStack, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]

PASSPHRASE = "a passphrase of the tests"
COUNTS = """
import json
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse

with warehouse(MlSettings.load()) as engine, engine.connect() as connection:
    ask = lambda query: [list(map(str, row)) for row in connection.exec_driver_sql(query)]
    print(json.dumps({
        "ledger": ask("SELECT * FROM gate_decisions ORDER BY id"),
        "encounters": ask("SELECT count(*), sum(patient_nbr) FROM raw_data"),
        "outcomes": ask("SELECT count(*) FROM outcomes"),
    }))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, stack: ComposeStack) -> Path:
    """Backups on the host: `down -v` removes volumes."""
    folder = tmp_path_factory.mktemp("backups")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o777)
    stack.configure(BACKUP_DIR=str(folder), BACKUP_PASSPHRASE=f"'{PASSPHRASE}'")
    return folder


def state(stack: ComposeStack) -> dict[str, Any]:
    """What must be the same afterwards."""
    found: dict[str, Any] = json.loads(stack.execute("airflow-scheduler", "python", "-c", COUNTS))
    served = predict(stack)
    listed = stack.execute("airflow-scheduler", "python", "-m", "ml", "list")
    return found | {"predictions": served["predictions"], "model": served["model"], "versions": listed}


def run(stack: ComposeStack, service: str, *options: str) -> str:
    """`docker compose run --rm SERVICE`."""
    begun = time.monotonic()
    said = stack.compose("run", "--rm", "-T", service, *options, timeout=TEST_SECONDS)
    stack.say(f"{service}: {time.monotonic() - begun:.0f} s; {said.strip().splitlines()[-1]}")
    return said


def test_a_backup_of_the_running_stack_is_lost_with_nothing_else(stack: ComposeStack, folder: Path) -> None:
    before = state(stack)
    run(stack, "backup")
    assert "answered bit for bit" in run(stack, "backup-verify")
    with pytest.raises(ComposeError, match="docker compose stop"):
        run(stack, "restore")
    assert state(stack) == before

    stack.down()
    run(stack, "restore")
    stack.up()

    wait_for("the API to serve the model", lambda: is_ready(stack), 120)
    assert state(stack) == before


def test_what_was_lost_later_comes_back_and_what_came_later_is_gone(stack: ComposeStack, folder: Path) -> None:
    before = state(stack)
    spoil = "from ml.core.settings import MlSettings\nfrom ml.warehouse.connection import transaction, warehouse\n"
    spoil += "with warehouse(MlSettings.load()) as engine, transaction(engine) as connection:\n"
    spoil += "    connection.exec_driver_sql('DELETE FROM raw_data')\n"
    spoil += "    connection.exec_driver_sql('CREATE TABLE of_later (id int)')\n"
    stack.execute("airflow-scheduler", "python", "-c", spoil)

    stack.compose("stop")
    run(stack, "restore")
    stack.up()

    wait_for("the API to serve the model", lambda: is_ready(stack), 120)
    assert state(stack) == before


def test_a_wrong_delete_is_undone_by_the_archived_wal(stack: ComposeStack, folder: Path) -> None:
    stack.configure(WAL_ARCHIVE_DIR="wal-archive")
    stack.up()  # both servers start anew
    wait_for("the API to serve the model", lambda: is_ready(stack), 120)
    assert "Base backup of mlflow-postgres" in run(stack, "backup")
    change = "from ml.core.settings import MlSettings\nfrom ml.warehouse.connection import transaction, warehouse\n"
    change += "with warehouse(MlSettings.load()) as engine, transaction(engine) as connection:\n"
    change += "    print(connection.exec_driver_sql({statement!r}).scalar_one())\n"
    remember = "WITH new AS (INSERT INTO after_the_backup VALUES (1) RETURNING 1) SELECT count(*) FROM new"
    stack.execute(
        "airflow-scheduler",
        "python",
        "-c",
        change.format(statement=f"CREATE TABLE after_the_backup (id int); {remember}"),
    )
    before = state(stack)
    moment = stack.execute("airflow-scheduler", "python", "-c", change.format(statement="SELECT clock_timestamp()"))
    moment = moment.strip().splitlines()[-1].replace(" ", "T")
    forget = "WITH gone AS (DELETE FROM raw_data RETURNING 1) SELECT count(*) FROM gone"
    stack.execute("airflow-scheduler", "python", "-c", change.format(statement=forget))

    stack.compose("stop")
    with pytest.raises(ComposeError, match="is before the oldest base backup"):
        run(stack, "restore", "--to-time", "2020-01-31T12:00:00Z")
    said = run(stack, "restore", "--to-time", moment)
    stack.up()

    assert "mlflow-postgres is recovered; its last transaction ended at" in said
    wait_for("the API to serve the model", lambda: is_ready(stack), 120)
    assert state(stack) == before
    count = change.format(statement="SELECT count(*) FROM after_the_backup")
    assert stack.execute("airflow-scheduler", "python", "-c", count).strip().endswith("1")


def test_a_backup_of_a_later_postgresql_is_refused(stack: ComposeStack, folder: Path) -> None:
    change = """
import sys
from pathlib import Path
from infra.backup.manifest import BackupManifest
folder = Path(sys.argv[1])
manifest = BackupManifest.read(folder)
later = {key: entry.model_copy(update={"server_version": 180000}) for key, entry in manifest.databases.items()}
manifest.model_copy(update={"databases": later}).write(folder)
"""
    (newest,) = sorted(path.name for path in folder.iterdir() if path.is_dir())[-1:]
    mount = f"{folder}:/backups"
    image = f"{PROJECT}-airflow-init"
    stack.docker("run", "--rm", "-u", "50000:0", "-v", mount, image, "python", "-c", change, f"/backups/{newest}")
    stack.compose("stop")
    with pytest.raises(ComposeError, match="is of PostgreSQL 18, and the server of this platform is PostgreSQL 15"):
        run(stack, "restore")
    stack.up()
