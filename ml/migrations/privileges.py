"""Privileges in the ``diabetes`` database: what the API may do, and that the ledger only grows.

They are granted after every migration, because a role may be created later than the tables.

The API deletes old predictions and outcomes by a function of the owner, which has the age in it: with a privilege to
delete, a stolen login of the API would delete new ones too.
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
    "SELECT, INSERT ON predictions, outcomes",
    "EXECUTE ON FUNCTION delete_expired_rows()",
    "SELECT, INSERT ON policies",
    "INSERT ON accesses",
    "SELECT ON monitor_runs, monitor_drift, monitor_quality",
    f"SELECT ({_DECISION}) ON gate_decisions",
)
ROWS_AT_ONCE: Final = 5_000
"""Rows of a table that one call deletes, so that waiting batches of the prediction log are delayed only briefly."""

_DELETE_EXPIRED_ROWS: Final = """
    CREATE OR REPLACE FUNCTION delete_expired_rows() RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        WITH deleted_predictions AS (
            DELETE FROM public.predictions WHERE id IN (
                SELECT id FROM public.predictions
                WHERE {days} > 0 AND predicted_at < now() - make_interval(days => {days}) LIMIT {rows}
            ) RETURNING 1
        ), deleted_outcomes AS (
            DELETE FROM public.outcomes WHERE id IN (
                SELECT id FROM public.outcomes
                WHERE {days} > 0 AND received_at < now() - make_interval(days => {days}) LIMIT {rows}
            ) RETURNING 1
        )
        SELECT {rows} IN ((SELECT count(*) FROM deleted_predictions), (SELECT count(*) FROM deleted_outcomes))
    $$
"""
"""Returns whether there may be more such rows."""

_OWN_TABLES: Final = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname = 'public' AND tableowner = current_user
"""


def grant(connection: sa.Connection, prediction_retention_days: int) -> None:
    """Grant the API its privileges, if its role exists, and take from the owner those that change ledger entries.

    ``prediction_retention_days`` is the age at which predictions and outcomes expire; 0: never.
    """
    connection.exec_driver_sql(_DELETE_EXPIRED_ROWS.format(days=prediction_retention_days, rows=ROWS_AT_ONCE))
    connection.execute(sa.text("REVOKE ALL ON FUNCTION delete_expired_rows() FROM PUBLIC"))
    connection.execute(sa.text("REVOKE UPDATE, DELETE, TRUNCATE ON gate_decisions FROM CURRENT_USER"))
    connection.execute(sa.text("GRANT UPDATE (completed_at) ON gate_decisions TO CURRENT_USER"))
    if connection.scalar(sa.text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"), {"role": API_ROLE}):
        name = str(connection.scalar(sa.text("SELECT current_database()")))
        database = connection.dialect.identifier_preparer.quote(name)
        # A former release may have granted more. Tables of other roles are theirs: to revoke there would be an error.
        own = connection.scalars(sa.text(_OWN_TABLES)).all()
        connection.exec_driver_sql(f"REVOKE ALL ON {', '.join(own)} FROM {API_ROLE}")
        for privileges in OF_THE_API:
            connection.execute(sa.text(f"GRANT {privileges.format(database=database)} TO {API_ROLE}"))
