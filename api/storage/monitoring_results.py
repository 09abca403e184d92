"""Reads results of monitoring runs and decisions of the gate from PostgreSQL, in one statement with a time limit."""

from typing import Any, Final

from api.errors import NoDatabaseError
from api.settings import ApiSettings
from api.storage.postgres import DatabaseUnavailableError, PostgresClient, connection_options

LIMIT_SECONDS: Final = 3.0
MAX_DECISIONS: Final = 50

# A monitoring run writes drift before quality, so the newest run may not have quality yet.
_READ: Final = f"""
SELECT jsonb_build_object(
    'run', (SELECT to_jsonb(r) FROM monitor_runs r ORDER BY id DESC LIMIT 1),
    'drift', (SELECT coalesce(jsonb_agg(d ORDER BY kind, feature), '[]') FROM monitor_drift d
        WHERE run_id = (SELECT max(id) FROM monitor_runs)),
    'quality', (SELECT coalesce(jsonb_agg(q ORDER BY model_version, subgroup, metric, estimated), '[]')
        FROM monitor_quality q WHERE run_id = (SELECT max(run_id) FROM monitor_quality)),
    'decisions', (SELECT coalesce(jsonb_agg(g ORDER BY id DESC), '[]')
        FROM (SELECT id, decided_at, action, version, incumbent, actor, rule, reason, completed_at
            FROM gate_decisions ORDER BY id DESC LIMIT {MAX_DECISIONS}) g)
)
"""  # noqa: S608 -- constants of this module


class MonitoringResultsStore:
    """Reads on a thread of its own, so that a database that hangs blocks nothing else."""

    def __init__(self, settings: ApiSettings) -> None:
        self._postgres = PostgresClient(connection_options(settings, "monitoring-results", LIMIT_SECONDS), threads=1)

    async def read(self) -> dict[str, Any]:
        """The document of :class:`api.contract.monitoring.MonitoringResults`, with further columns.

        Raises:
            NoDatabaseError: PostgreSQL is unavailable or slow.
        """
        try:
            ((document,),) = await self._postgres.fetch(_READ, (), LIMIT_SECONDS)
        except DatabaseUnavailableError as error:
            raise NoDatabaseError("PostgreSQL is unavailable; try again in a moment.") from error
        results: dict[str, Any] = document
        return results

    def stop(self) -> None:
        """Close the connections."""
        self._postgres.close()
