from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest
from sqlalchemy import create_engine, text

from infra.local.errors import StackError
from infra.local.postgres.cluster import PostgresServer
from ml.core.settings import DatabaseSettings


def test_a_new_database_is_a_postgresql_18_database_owned_by_its_role(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        version = connection.execute(text("SHOW server_version")).scalar_one()
        assert version.startswith("18.")
        connection.execute(text("CREATE TABLE probe (id int)"))
        assert connection.execute(text("SELECT current_user")).scalar_one() == "diabetes"
    engine.dispose()


def test_settings_and_url_name_the_same_database(postgres_url: str, database_settings: dict[str, str]) -> None:
    assert DatabaseSettings.load(**database_settings).database_url == postgres_url


def test_a_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    with pytest.raises(StackError, match="refuses the password of its superuser"):
        replace(postgres_server, superuser_password="wrong").is_ready()


def test_a_stopped_server_is_not_ready(postgres_server: PostgresServer) -> None:
    assert not replace(postgres_server, port=1).is_ready()


def test_a_second_initialisation_changes_nothing(postgres_server: PostgresServer) -> None:
    before = (postgres_server.data_dir / "PG_VERSION").stat().st_mtime_ns
    postgres_server.initialise()
    assert (postgres_server.data_dir / "PG_VERSION").stat().st_mtime_ns == before


def test_a_second_creation_of_a_database_keeps_its_content_and_sets_the_password(
    postgres_server: PostgresServer, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: postgres_server.drop_database("existing"))
    postgres_server.ensure_database("existing", "owner", "first")
    with closing(postgres_server.connect("existing")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE probe (id int)")
    postgres_server.ensure_database("existing", "owner", "it's second")
    login = {"host": postgres_server.host, "port": postgres_server.port, "dbname": "existing", "user": "owner"}
    with closing(psycopg2.connect(**login, password="it's second")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('probe') IS NOT NULL")
        assert cursor.fetchone() == (True,)
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        psycopg2.connect(**login, password="first")


def test_a_role_cannot_connect_to_the_database_of_another(
    postgres_server: PostgresServer, database_settings: dict[str, str], request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: postgres_server.drop_database("foreign"))
    postgres_server.ensure_database("foreign", "stranger", "password")
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        psycopg2.connect(
            host=postgres_server.host,
            port=postgres_server.port,
            dbname=database_settings["diabetes_db_name"],
            user="stranger",
            password="password",
        )
