"""Tables that a newer release migrated: every way to run on them is refused with one sentence."""

import sys
from collections.abc import Iterator

import pytest

from infra.backup.errors import BackupError
from infra.backup.postgres import connect, execute, release_of, revision_of
from infra.backup.restoring.checks import check_tables
from infra.backup.settings import Database
from infra.compose.startup import StartupError, migrate
from ml.core.release import NEWEST_REVISION, Release
from tests.integration.infra.backup.conftest import UsedPlatform
from tests.support.postgres import database_url

VERSION_TABLES = {"diabetes": "schema_version", "mlflowdb": "alembic_version", "airflow": "alembic_version"}
NEWER = Release(version="99.0.0", commit="c0ffee" * 6, revision="9999")


def _set(database: Database, revision: str, release: Release | None = None) -> None:
    with connect(database.server, database.name) as connection:
        execute(connection, f"UPDATE {VERSION_TABLES[database.key]} SET version_num = %s", revision)  # noqa: S608
        if release:
            execute(connection, "COMMENT ON TABLE schema_version IS %s", release.model_dump_json())


@pytest.fixture(params=VERSION_TABLES)
def newer(request: pytest.FixtureRequest, used: UsedPlatform) -> Iterator[Database]:
    """A database with a revision of later, and the record of the release that migrated it."""
    database, ledger = used.platform.database(request.param), used.platform.database("diabetes")
    with connect(database.server, database.name) as connection:
        revision = revision_of(connection)
    with connect(ledger.server, ledger.name) as connection:
        recorded, own = release_of(connection), revision_of(connection)
    assert revision is not None
    assert own is not None
    _set(ledger, own, NEWER)
    _set(database, "ffff")
    yield database
    _set(database, revision)
    _set(ledger, own, recorded)


def test_the_first_start_records_the_release(used: UsedPlatform) -> None:
    ledger = used.platform.database("diabetes")
    with connect(ledger.server, ledger.name) as connection:
        assert release_of(connection) == Release.present()
        assert revision_of(connection) == NEWEST_REVISION


def test_present_tables_are_accepted(used: UsedPlatform) -> None:
    check_tables(used.platform)


def test_the_native_stack_refuses_newer_tables_of_any_database(newer: Database, used: UsedPlatform) -> None:
    with pytest.raises(BackupError) as caught:
        check_tables(used.platform)
    sentence = str(caught.value)
    assert sentence.startswith(f"The database {newer.name} has the revision ffff, which this release does not know")
    assert "release 99.0.0 (commit c0ffeec0ffee) migrated it; check that one out" in sentence
    assert "\n" not in sentence


def test_compose_refuses_newer_tables_of_any_database(
    newer: Database, used: UsedPlatform, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = used.main if newer.server.port == used.main.port else used.mlflow
    url = database_url(server, newer.name, newer.owner, "p")
    variables = {
        "POSTGRES_PORT": str(server.port),
        "DIABETES_DB_PASSWORD": "p",
        "AIRFLOW_HOME": str(used.platform.state.parent / "airflow"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    commands = {"diabetes": "ml migrate", "mlflowdb": f"mlflow db upgrade {url}", "airflow": "airflow db migrate"}

    with pytest.raises(StartupError) as caught:
        migrate(newer.name, [sys.executable, "-m", *commands[newer.key].split()])

    assert f"The {newer.name} database has" in str(caught.value) or "release 99.0.0 (commit" in str(caught.value)
    assert "has the revision ffff, which this release does not know" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not caplog.messages
