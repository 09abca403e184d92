"""What an upgrade must not change: rows, aliases and predictions; and that the API serves the production version."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from infra.backup.artifacts import FOLDER
from infra.backup.bundles import check_answers
from infra.backup.manifest import BackupManifest
from infra.backup.postgres import connect, describe, rows
from infra.backup.settings import LEDGER_DATABASE, REGISTRY_DATABASE, Platform
from infra.local.errors import StackError
from ml.core.names import MODEL_NAME

SERVING_SECONDS: Final = 90.0
"""Time limit for the API to find and load the production version."""
_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    REGISTRY_DATABASE: ("experiments", "runs", "registered_models", "model_versions", "registered_model_aliases"),
    "airflow": ("dag", "dag_run", "task_instance", "connection", "variable"),
}
"""Tables whose rows no migration adds or deletes; of the database ``diabetes`` all that there were before."""
_ALIASES: Final = "SELECT alias, version::text FROM registered_model_aliases WHERE name = %s"


def aliases_of(platform: Platform) -> dict[str, str]:
    """Version by alias in the registry."""
    registry = platform.database(REGISTRY_DATABASE)
    with connect(registry.server, registry.name) as connection:
        return dict(rows(connection, _ALIASES, MODEL_NAME))


def check_migrated(platform: Platform, backup: Path, aliases: Mapping[str, str], report: Callable[[str], None]) -> None:
    """Compare the migrated databases with the backup, while no service runs.

    Raises:
        PlatformError: naming the first difference.
    """
    manifest, compared = BackupManifest.read(backup), 0
    for database in platform.databases:
        before = manifest.databases[database.key].counts
        with connect(database.server, database.name) as connection:
            after = describe(connection).counts
        kept = before if database.key == LEDGER_DATABASE else [f"public.{table}" for table in _KEPT[database.key]]
        for table in kept:
            if after.get(table) != before.get(table):
                raise StackError(
                    f"{table} of the database {database.name} has {after.get(table, 'no table and thus no')} rows "
                    f"instead of {before.get(table)}."
                )
            compared += 1
    if (now := aliases_of(platform)) != aliases:
        raise StackError(f"The aliases of the registry are {now} instead of {dict(aliases)}.")
    report(f"Rows of {compared} tables and the aliases are as before")
    if manifest.production:
        bundle = platform.artifacts / manifest.production.bundle.removeprefix(f"{FOLDER}/")
        report(check_answers(bundle, manifest.production))


def check_served(api: str, backup: Path, log: Path, report: Callable[[str], None]) -> None:
    """Wait until the API serves the version that was in production, if there was one.

    Raises:
        StackError: it does not.
    """
    production = BackupManifest.read(backup).production
    if production is None:
        return
    route = f"{api}/v2/models/{MODEL_NAME}/versions/{production.version}/ready"  # needs no key
    deadline = time.monotonic() + SERVING_SECONDS
    while not _succeeds(route):
        if time.monotonic() > deadline:
            raise StackError(f"The API does not serve version {production.version}, which was in production.", log=log)
        time.sleep(1)
    report(f"The API serves version {production.version}")


def _succeeds(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url, timeout=30).is_success
    return False
