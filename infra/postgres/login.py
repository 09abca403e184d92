"""Explains failed logins to PostgreSQL."""

import psycopg2


def is_password_refused(error: psycopg2.OperationalError) -> bool:
    """Whether the server answered but refused the password."""
    return "password authentication failed" in str(error)


def explain_login_failure(error: psycopg2.OperationalError, database: str, secret: str, reset_command: str) -> str:
    """Return one sentence with the reason and the remedy; `reset_command` deletes the databases and their secrets."""
    if is_password_refused(error):
        return (
            f"PostgreSQL refuses {secret}: it was changed or lost after the database was created; "
            f"restore it, or start afresh with '{reset_command}'."
        )
    return f"The database {database} cannot be reached: {str(error).strip().splitlines()[0]}."
