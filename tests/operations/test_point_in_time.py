"""`make restore-to` on the running native stack, with WAL_ARCHIVE_DIR; the tests run in this order."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.operations.conftest import BACKUPS, COMMAND_SECONDS, UP_SECONDS
from tests.operations.test_backup_and_restore import COUNT, is_ready, sql, state, wait_for
from tests.support.native import ROOT, NativeStack

ARCHIVE: Final = Path("build/operations-wal")


@pytest.fixture(scope="module")
def archiving(native: NativeStack) -> Iterator[NativeStack]:
    """The running stack, whose servers archive their WAL; afterwards it is down."""
    shutil.rmtree(ROOT / ARCHIVE, ignore_errors=True)
    stack = replace(native, environment=native.environment | {"WAL_ARCHIVE_DIR": str(ARCHIVE)})
    try:
        done = stack.run("make up", UP_SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        wait_for("the model", lambda: is_ready(stack))
        yield stack
    finally:
        stack.run("make down", COMMAND_SECONDS)
        shutil.rmtree(ROOT / ARCHIVE, ignore_errors=True)


def now(stack: NativeStack) -> str:
    ((moment,),) = sql(
        stack, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    )
    return str(moment)


def test_a_backup_has_base_backups_of_both_servers(archiving: NativeStack) -> None:
    done = archiving.run("make backup", COMMAND_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    newest = max(path for path in (ROOT / BACKUPS).iterdir() if path.is_dir())
    assert json.loads((newest / "manifest.json").read_text())["bases"].keys() == {"postgres", "mlflow-postgres"}


def test_a_wrong_delete_and_a_lost_alias_are_undone_on_the_running_stack(archiving: NativeStack) -> None:
    sql(archiving, "UPDATE dag SET is_paused = true", "airflow")  # no run begins between the state and the restore
    sql(archiving, "CREATE TABLE after_the_backup (id int); INSERT INTO after_the_backup VALUES (1)")
    before, moment = state(archiving), now(archiving)
    sql(archiving, "DELETE FROM raw_data; CREATE TABLE of_later (id int)")
    sql(archiving, "DELETE FROM registered_model_aliases", "mlflowdb")

    done = archiving.run(f"make restore-to TIME={moment}", UP_SECONDS)

    assert done.returncode == 0, done.stdout + done.stderr
    wait_for("the model", lambda: is_ready(archiving))
    assert state(archiving) == before
    assert sql(archiving, COUNT.format("after_the_backup")) == [(1,)]
    assert sql(archiving, "SELECT to_regclass('of_later')") == [(None,)]


def test_a_time_before_the_oldest_base_backup_is_refused_and_the_stack_keeps_running(archiving: NativeStack) -> None:
    done = archiving.run("make restore-to TIME=2020-01-31T12:00:00Z", COMMAND_SECONDS)
    assert done.returncode != 0
    assert "is before the oldest base backup" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert is_ready(archiving)
