"""What is lost comes back from a backup as it was, and what came later is gone."""

from pathlib import Path

from infra.backup.create import create_backup
from infra.backup.restoring.restore import restore_backup
from infra.backup.restoring.verify import verify_backup
from ml.core.settings import DatabaseSettings
from ml.data.staging import staging
from ml.warehouse.connection import warehouse
from tests.integration.infra.backup.conftest import PASSPHRASE, UsedPlatform


def test_everything_of_before_is_back_and_everything_of_later_is_gone(used: UsedPlatform, backup: Path) -> None:
    before, databases = used.content(), used.databases()
    used.damage()

    restore_backup(used.platform, backup, PASSPHRASE, print, lambda: None, replace=True)

    assert used.content() == before
    assert used.databases() == databases
    assert used.rows("diabetes", "SELECT to_regclass('of_later')") == [(None,)]
    assert not (used.platform.artifacts / "of_later").exists()
    assert list(used.platform.model_cache.iterdir()) == []


def test_staged_rows_are_left_out_and_the_restored_database_stages_under_new_ids(
    used: UsedPlatform, tmp_path: Path
) -> None:
    staged = "SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r' ORDER BY 1"
    main = used.platform.database("diabetes").server
    settings = DatabaseSettings.load(postgres_port=main.port, diabetes_db_password="p")
    with warehouse(settings) as engine:
        with staging(engine) as running:
            running.create("encounters")
        backup = create_backup(used.platform, tmp_path, 1, PASSPHRASE, print)
        with staging(engine, running.id):
            assert len(used.rows("diabetes", staged)) == 2, "an ingestion goes on after the backup"

    verify_backup(backup, PASSPHRASE, used.platform.state, print)
    restore_backup(used.platform, backup, PASSPHRASE, print, lambda: None, replace=True)

    assert used.rows("diabetes", staged) == [("deliveries",)]
    assert used.rows("diabetes", "SELECT FROM staging.deliveries") == []
    with warehouse(settings) as engine, staging(engine) as stage:
        assert stage.id > running.id
        stage.create("encounters")
        stage.drop()
