"""What is lost comes back from a backup as it was, and what came later is gone."""

from pathlib import Path

from infra.backup.restoring.restore import restore_backup
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
