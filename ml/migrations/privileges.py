"""Privileges in the ``diabetes`` database: what the API may do, and that the ledger only grows.

They are granted after every migration, because a role may be created later than the tables.
"""

from typing import Final

import sqlalchemy as sa

from ml.core.history import LOOKUP_COLUMNS
from ml.core.names import API_ROLE
from ml.schema import PATIENT_ID

_DECISION: Final = "id, decided_at, action, version, incumbent, actor, rule, reason, completed_at"

OF_THE_API: Final = (
    "CONNECT ON DATABASE {database}",
    f"SELECT ({', '.join((PATIENT_ID, *LOOKUP_COLUMNS))}) ON raw_data",
    "SELECT, INSERT, DELETE ON predictions, outcomes",
    "SELECT, INSERT ON policies",
    "INSERT ON accesses",
    "SELECT ON monitor_runs, monitor_drift, monitor_quality",
    f"SELECT ({_DECISION}) ON gate_decisions",
)
"""It deletes predictions and outcomes that are older than ``PREDICTION_RETENTION_DAYS``."""


def grant(connection: sa.Connection) -> None:
    """Grant the API its privileges, if its role exists, and take from the owner those that change ledger entries."""
    connection.execute(sa.text("REVOKE UPDATE, DELETE, TRUNCATE ON gate_decisions FROM CURRENT_USER"))
    connection.execute(sa.text("GRANT UPDATE (completed_at) ON gate_decisions TO CURRENT_USER"))
    if connection.scalar(sa.text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"), {"role": API_ROLE}):
        name = str(connection.scalar(sa.text("SELECT current_database()")))
        database = connection.dialect.identifier_preparer.quote(name)
        for privileges in OF_THE_API:
            connection.execute(sa.text(f"GRANT {privileges.format(database=database)} TO {API_ROLE}"))
