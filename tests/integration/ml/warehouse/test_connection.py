"""Connections to PostgreSQL, of tasks and of the API's log, to a machine that has lost its power or its network."""

import os
import socket
from contextlib import closing

from api.settings import ApiSettings
from api.storage.postgres import connect, connection_options
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse

TWO_MINUTES = 120


def seconds_until_a_dead_peer_is_noticed(descriptor: int) -> int:
    """As the kernel has it for this connection; the default is more than two hours."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        idle, interval, count = (
            connection.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
    return idle + interval * count


def test_a_task_does_not_wait_for_a_dead_machine(database_settings: dict[str, str]) -> None:
    settings = MlSettings.load(_env_file=None, **database_settings)
    with warehouse(settings) as engine, engine.connect() as connection:
        descriptor: int = connection.connection.fileno()  # type: ignore[attr-defined]
        assert seconds_until_a_dead_peer_is_noticed(descriptor) < TWO_MINUTES


def test_the_log_of_the_api_does_not_wait_for_a_dead_machine(database_settings: dict[str, str]) -> None:
    login = {"postgres_host": database_settings["postgres_host"], "postgres_port": database_settings["postgres_port"]}
    keys = {"api_db_password": database_settings["diabetes_db_password"], "prediction_log_key": "k" * 16}
    name = database_settings["diabetes_db_name"]
    settings = ApiSettings.load(_env_file=None, diabetes_db_name=name, **login, **keys)
    owner = connection_options(settings, "test", 60) | {"user": database_settings["diabetes_db_user"]}
    with closing(connect(owner)) as connection:
        assert seconds_until_a_dead_peer_is_noticed(connection.fileno()) < TWO_MINUTES
