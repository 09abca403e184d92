"""The lock of the ledger, whose connection ends before the work does."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.local.postgres.cluster import PostgresServer
from ml.core.errors import WarehouseError
from ml.promotion.ledger import Action, Ledger
from tests.integration.ml.databases import fresh_database


@pytest.fixture
def ledger(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Ledger]:
    with fresh_database(postgres_server, tmp_path) as (_, engine):
        yield Ledger(engine)


def lose_the_lock(server: PostgresServer) -> None:
    """End the connection that holds it."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")


def test_a_decision_that_is_stored_does_not_fail_because_its_lock_was_lost(
    postgres_server: PostgresServer, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger.lock():
        entry = ledger.add(Action.PROMOTED, "1", None, actor="the tests", reason="for a test", rule="first")
        ledger.complete(entry)
        lose_the_lock(postgres_server)

    assert "is stored, but the lock was lost before it ended" in caplog.text
    with ledger.lock():
        assert [each.version for each in ledger.entries()] == ["1"]


def test_work_that_fails_when_the_lock_is_lost_fails(postgres_server: PostgresServer, ledger: Ledger) -> None:
    def work() -> None:
        with ledger.lock():
            lose_the_lock(postgres_server)
            raise WarehouseError("a step of it failed")

    with pytest.raises(WarehouseError):
        work()
