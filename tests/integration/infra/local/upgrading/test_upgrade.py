"""`make upgrade` on real databases under the real supervisor, with tables of an earlier release and a small service."""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from rich.console import Console

from infra.backup.errors import BackupError
from infra.backup.manifest import BackupManifest, backups_in
from infra.backup.restoring import swap
from infra.local import recovery, stack
from infra.local.errors import StackError
from infra.local.postgres.servers import main_postgres, mlflow_postgres
from infra.local.programs.program import Program
from infra.local.settings import StackSettings
from infra.local.stack import Stack
from infra.local.supervision.probes import free_port
from infra.local.upgrading import upgrade as upgrading
from infra.local.upgrading.upgrade import upgrade
from ml import migrations
from ml.core.build import UNKNOWN
from ml.core.release import NEWEST_REVISION, OF_THE_TABLES, Release
from ml.core.settings import MlSettings
from ml.warehouse.connection import transaction, warehouse
from tests.integration.infra.backup.test_interruption import run_and_kill

EARLIER = "0007"
SERVICE = Program(
    name="service", command=[sys.executable, "-c", "import time; time.sleep(6000)"], is_ready=lambda _started_at: True
)
PREDICTION = """
    INSERT INTO predictions (request_id, position, predicted_at, model_version, data_source, record, known_fields,
        probability, load_test, client) VALUES ('r', 0, now(), '1', 'real', '{}', 0, 0.1, false, 'c')
"""
CONTENT = (
    (PREDICTION, "diabetes"),
    ("INSERT INTO registered_models (name) VALUES ('diabetes-readmission')", "mlflowdb"),
    (
        "INSERT INTO model_versions (name, version, source) VALUES ('diabetes-readmission', 1, 'mlflow-artifacts:/1')",
        "mlflowdb",
    ),
    (
        "INSERT INTO registered_model_aliases (name, version, alias) VALUES ('diabetes-readmission', 1, 'challenger')",
        "mlflowdb",
    ),
)
OBSTACLE = "ALTER TABLE gate_decisions ADD COLUMN approval text"
"""Migration 0008 adds this column and fails."""


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """Ports and folders of the stack."""
    # Not below pytest's own temporary root, which the account of PostgreSQL cannot enter.
    with tempfile.TemporaryDirectory(prefix="upgrade-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        ports = {name.upper(): str(free_port()) for name in StackSettings.model_fields if name.endswith("_port")}
        folders = {"LOCAL_DIR": ".local", "MLFLOW_ARTIFACTS_DIR": "mlruns", "BACKUP_DIR": "backups"}
        yield ports | {name: str(home / place) for name, place in folders.items()}


@pytest.fixture(scope="module")
def started(variables: dict[str, str]) -> Iterator[Stack]:
    """A stack that was started once, with some rows, an alias and an artifact."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.delenv("SECRETS_DIR", raising=False)
        patch.setattr(stack, "service_programs", lambda _settings: [SERVICE])
        patch.setattr(stack, "run_ml", lambda *_: (True, ""))  # asks MLflow
        for check in ("write_dotenv", "check_dotenv"):
            patch.setattr(stack, check, lambda _argument: None)
        started = Stack(StackSettings.load(), Console(file=io.StringIO()))
        try:
            started.up()
            for statement, database in CONTENT:
                sql(started, statement, database)
            artifacts = Path(variables["MLFLOW_ARTIFACTS_DIR"])
            artifacts.mkdir()
            (artifacts / "artifact").write_text("of before")
            yield started
        finally:
            started.down()


@pytest.fixture
def installed(
    started: Stack,
    variables: dict[str, str],
    _no_settings_of_this_machine: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Stack:
    """The stack, with its settings in the environment."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    return started


def sql(installed: Stack, statement: str, database: str = "diabetes") -> list[tuple[Any, ...]]:
    """Run a statement as superuser; returns its rows."""
    server = (mlflow_postgres if database == "mlflowdb" else main_postgres)(installed.settings)
    with (
        recovery.running_databases(installed),
        closing(server.connect(database)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def state(installed: Stack) -> dict[str, Any]:
    """What an upgrade that returns must leave as it was, and one that succeeds keeps."""
    with recovery.running_databases(installed):
        return {
            "revision": sql(installed, "SELECT version_num FROM schema_version"),
            "release": Release.parse(sql(installed, OF_THE_TABLES)[0][0]),
            "predictions": sql(installed, "SELECT * FROM predictions ORDER BY id"),
            "aliases": sql(installed, "SELECT alias, version FROM registered_model_aliases", "mlflowdb"),
            "artifacts": sorted(path.name for path in Path(os.environ["MLFLOW_ARTIFACTS_DIR"]).iterdir()),
        }


@pytest.fixture
def earlier(installed: Stack) -> Iterator[dict[str, Any]]:
    """The state of an installation of a release that had fewer migrations and recorded no release; it runs."""
    installed.up()
    settings, secret = installed.settings, installed.settings.paths.read_secret("diabetes_db_password")
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    owner = MlSettings.load(postgres_port=settings.postgres_port, diabetes_db_password=secret)
    with warehouse(owner) as engine, transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, EARLIER)
    sql(installed, "COMMENT ON TABLE schema_version IS NULL")
    before = state(installed)
    assert before["revision"] == [(EARLIER,)]
    yield before
    sql(installed, "ALTER TABLE gate_decisions DROP COLUMN IF EXISTS approval" if is_earlier(installed) else "SELECT 1")
    shutil.rmtree(os.environ["BACKUP_DIR"], ignore_errors=True)


def is_earlier(installed: Stack) -> bool:
    return sql(installed, "SELECT version_num FROM schema_version") == [(EARLIER,)]


def run(installed: Stack) -> str:
    """Run the upgrade; returns what it prints."""
    output = io.StringIO()
    upgrade(installed, Console(file=output, width=500))
    return output.getvalue()


def is_upgraded(installed: Stack, before: dict[str, Any]) -> bool:
    assert installed.supervisor.states()["service"].running
    return state(installed) == {**before, "revision": [(NEWEST_REVISION,)], "release": Release.present()}


def backups() -> list[Path]:
    return backups_in(Path(os.environ["BACKUP_DIR"]))


def test_an_upgrade_backs_up_migrates_verifies_and_starts(installed: Stack, earlier: dict[str, Any]) -> None:
    output = run(installed)

    assert is_upgraded(installed, earlier)
    (backup,) = backups()
    assert f"Upgraded to {Release.present()}; the state of before is in {backup}." in output
    assert "the aliases are as before" in output
    manifest = BackupManifest.read(backup)
    assert (manifest.release, manifest.commit) == (UNKNOWN, UNKNOWN)  # of the data, not of the code
    assert manifest.databases["diabetes"].revision == EARLIER

    run(installed)  # nothing is left to migrate
    assert BackupManifest.read(backups()[-1]).release == Release.present().version


def test_a_migration_that_fails_returns_to_the_state_of_before(installed: Stack, earlier: dict[str, Any]) -> None:
    sql(installed, OBSTACLE)

    with pytest.raises(StackError) as caught:
        run(installed)

    (backup,) = backups()
    assert f"restored from {backup}: git checkout what ran before" in str(caught.value)
    assert "The migration of the diabetes database failed" in str(caught.value)
    assert caught.value.log is not None
    assert not installed.supervisor.running
    assert state(installed) == earlier


def test_rows_that_a_migration_loses_are_noticed_and_the_commit_of_before_is_named(
    installed: Stack, earlier: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Release(version="0.1.0", commit="c0ffee", revision=EARLIER)
    sql(installed, f"COMMENT ON TABLE schema_version IS '{recorded.model_dump_json()}'")
    migrate = stack.migrate

    def lossy(settings: StackSettings) -> None:
        migrate(settings)
        sql(installed, "DELETE FROM predictions")

    monkeypatch.setattr(stack, "migrate", lossy)
    lost = r"public.predictions of the database diabetes has 0 rows instead of 1\).*: git checkout c0ffee, then make up"
    with pytest.raises(StackError, match=lost):
        run(installed)

    assert state(installed) == {**earlier, "release": recorded}


FORWARD: dict[str, tuple[Any, str, int]] = {
    "before the backup": (upgrading, "create_backup", 1),
    "after the backup": (upgrading, "aliases_of", 1),
    "before the migrations": (stack, "migrate", 1),
    "after the migrations": (upgrading, "check_migrated", 1),
    "after the start": (upgrading, "check_served", 1),
}
BACKWARD: dict[str, tuple[Any, str, int]] = {
    "before the restore": (recovery, "restore_backup", 1),
    "in the middle of the restore": (swap, "_move_artifacts", 1),
    "after the restore": (recovery, "delete_journal", 1),
}


@pytest.mark.parametrize("step", FORWARD)
def test_an_upgrade_that_is_killed_is_finished(step: str, installed: Stack, earlier: dict[str, Any]) -> None:
    run_and_kill(lambda: upgrade(installed, Console(file=io.StringIO())), *FORWARD[step])
    if not step.endswith("the backup"):
        with pytest.raises(StackError, match="An upgrade was interrupted: make upgrade finishes it"):
            installed.up()

    run(installed)

    assert is_upgraded(installed, earlier)
    installed.up()


@pytest.mark.parametrize("step", BACKWARD)
def test_a_way_back_that_is_killed_is_finished(step: str, installed: Stack, earlier: dict[str, Any]) -> None:
    sql(installed, OBSTACLE)
    run_and_kill(lambda: upgrade(installed, Console(file=io.StringIO())), *BACKWARD[step])

    with pytest.raises(StackError, match="The migration of the diabetes database failed"):
        run(installed)

    assert state(installed) == earlier
    assert swap.read_journal(installed.settings.paths.backup_state) is None


def test_newer_tables_are_refused_while_everything_runs(installed: Stack, earlier: dict[str, Any]) -> None:
    sql(installed, "UPDATE schema_version SET version_num = 'ffff'")
    service = installed.supervisor.states()["service"]
    try:
        with pytest.raises(BackupError, match="The database diabetes has the revision ffff"):
            run(installed)
    finally:
        sql(installed, "UPDATE schema_version SET version_num = '0007'")
    assert installed.supervisor.states()["service"] == service
    assert backups() == []


def test_too_small_a_disk_is_refused_while_everything_runs(
    installed: Stack, earlier: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = installed.supervisor.states()["service"]
    total = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: total._replace(free=1_000_000))
    with pytest.raises(StackError, match="free space, or set BACKUP_DIR to another disk"):
        run(installed)
    assert installed.supervisor.states()["service"] == service


def test_a_backup_that_fails_leaves_the_services_running(installed: Stack, earlier: dict[str, Any]) -> None:
    sql(installed, "UPDATE registered_model_aliases SET alias = 'production'", "mlflowdb")  # it has no bundle
    try:
        with pytest.raises(BackupError, match="bundle of the production version 1 is missing"):
            run(installed)
    finally:
        sql(installed, "UPDATE registered_model_aliases SET alias = 'challenger'", "mlflowdb")
    assert installed.supervisor.states()["service"].running
    assert state(installed) == earlier


def test_without_databases_there_is_nothing_to_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    empty = Stack(StackSettings.load(local_dir=tmp_path / ".local"), Console(file=io.StringIO()))
    with pytest.raises(StackError, match="make up creates"):
        upgrade(empty, Console(file=io.StringIO()))
