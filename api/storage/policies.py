"""The policy in force: followed in the background, so that predictions never wait for PostgreSQL; changed and listed.

The policy survives PostgreSQL being away: it stays in memory, and in a file for the next start.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
from pydantic import ValidationError

from api.errors import NoDatabaseError
from api.settings import ApiSettings
from api.storage.postgres import DatabaseUnavailableError, PostgresClient, connection_options
from ml.core.policies.policy import COLUMNS, Policy, PolicyChange, RecordedChange

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 5.0
LIMIT_SECONDS: Final = 2.0
MAX_CHANGES: Final = 100
"""Changes that the service lists, the newest first."""

_LIST: Final = f"SELECT {', '.join(COLUMNS)} FROM policies ORDER BY id DESC LIMIT %s"  # noqa: S608 -- constants
# A statement may run twice: the second time, the newest row is the same change.
_STORE: Final = f"""
INSERT INTO policies (name, threshold, actor, reason, model_version)
SELECT g.* FROM (SELECT %s::text, %s::float8, %s::text, %s::text, %s::text) AS g (n, t, a, r, v)
WHERE (g.n, g.t, g.a, g.r, g.v) IS DISTINCT FROM (
    SELECT (name, threshold, actor, reason, model_version) FROM policies ORDER BY id DESC LIMIT 1
);
{_LIST}
"""  # noqa: S608 -- constants of this module


class PolicyStore:
    """Holds the policy in force; None if there is none."""

    def __init__(self, settings: ApiSettings) -> None:
        self.current: Policy | None = None
        self._file = settings.api_cache_dir / "policy.json"
        self._postgres = PostgresClient(connection_options(settings, "policies", LIMIT_SECONDS), threads=1)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the file of the last run, and start to follow the table. Never fails."""
        self.current = await asyncio.to_thread(_read, self._file)
        self._task = asyncio.create_task(self._follow(), name="follow the policy")

    async def stop(self) -> None:
        """Stop following, and close the connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._postgres.close()

    async def changes(self) -> list[RecordedChange] | None:
        """The newest changes, the newest first; None while PostgreSQL is unavailable."""
        try:
            return await self._fetch(_LIST, (MAX_CHANGES,))
        except DatabaseUnavailableError:
            return None

    async def change(self, change: PolicyChange) -> list[RecordedChange]:
        """Record a change, which is in force at once; other workers follow within seconds. Returns all changes.

        Raises:
            NoDatabaseError: PostgreSQL is unavailable or slow. The change may have been made: a retry is safe.
        """
        name, threshold = (change.policy.name, change.policy.threshold) if change.policy else (None, None)
        values = (name, threshold, change.actor, change.reason, change.model_version, MAX_CHANGES)
        try:
            return await self._fetch(_STORE, values)
        except DatabaseUnavailableError as error:
            raise NoDatabaseError("PostgreSQL is unavailable; try again in a moment.") from error

    async def _fetch(self, query: str, values: Sequence[object]) -> list[RecordedChange]:
        changes = [RecordedChange.of_row(row) for row in await self._postgres.fetch(query, values, LIMIT_SECONDS)]
        policy = changes[0].policy if changes else None
        if policy != self.current:
            self.current = policy
            logger.info("the policy in force is %s", policy.name if policy else "none")
            await asyncio.to_thread(_write, self._file, policy)
        return changes

    async def _follow(self) -> None:
        while True:
            try:
                await self._fetch(_LIST, (1,))
            except DatabaseUnavailableError:
                pass  # the client has logged it; the policy stays
            except Exception:  # any error: the loop must go on, and the policy in force stays
                logger.exception("unexpected error while following the policy")
            await asyncio.sleep(POLL_SECONDS)


def _read(file: Path) -> Policy | None:
    try:
        return Policy.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _write(file: Path, policy: Policy | None) -> None:
    with suppress(OSError):  # the file is for a start without PostgreSQL only
        if policy is None:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".new")
        scratch.write_bytes(orjson.dumps(policy.model_dump()))
        scratch.replace(file)
