import psycopg2

from infra.postgres.login import explain_login_failure, is_password_refused

REFUSED = psycopg2.OperationalError('FATAL:  password authentication failed for user "mlflow"\n')
UNREACHABLE = psycopg2.OperationalError("connection to server failed: Connection refused\n\tIs the server running?\n")


def test_a_refused_password_names_the_secret_and_the_command_to_start_afresh() -> None:
    assert is_password_refused(REFUSED)
    assert explain_login_failure(REFUSED, "mlflowdb", "mlflow_db_password", "docker compose down -v") == (
        "PostgreSQL refuses mlflow_db_password: it was changed or lost after the database was created; "
        "restore it, or start afresh with 'docker compose down -v'."
    )


def test_another_failure_names_the_database_and_the_first_line_of_the_error() -> None:
    assert not is_password_refused(UNREACHABLE)
    assert explain_login_failure(UNREACHABLE, "mlflowdb", "mlflow_db_password", "docker compose down -v") == (
        "The database mlflowdb cannot be reached: connection to server failed: Connection refused."
    )
