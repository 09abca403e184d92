"""Users of Airflow: the administrator of ``.env``, and one for each service, with the least role it needs."""

from collections.abc import Callable
from typing import Final

from ml.core.names import EXPORTER_USER, INTERFACE_USER

ROLES: Final = {EXPORTER_USER: "viewer", INTERFACE_USER: "user"}
"""Roles of Airflow's simple auth manager: a viewer reads, a user may also start and change runs of DAGs."""
SECRETS: Final = {EXPORTER_USER: "airflow_exporter_password", INTERFACE_USER: "airflow_interface_password"}


def users(administrator: str) -> str:
    """Airflow's setting ``simple_auth_manager_users``."""
    return ",".join(f"{name}:{role}" for name, role in {**ROLES, administrator: "admin"}.items())


def passwords(administrator: str, password: str, read_secret: Callable[[str], str]) -> dict[str, str]:
    """The passwords of all users by name."""
    return {name: read_secret(secret) for name, secret in SECRETS.items()} | {administrator: password}
