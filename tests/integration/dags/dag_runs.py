"""DAG runs of the tests."""

import re
from typing import NamedTuple

from ml.core.settings import MlSettings
from tests.support.airflow_home import Airflow


class Run(NamedTuple):
    """A finished DAG run with its log."""

    log: str
    dag_id: str
    state: str


def environment_of(settings: MlSettings) -> dict[str, str]:
    """Variables with which tasks use this database and this MLflow."""
    return {
        "POSTGRES_HOST": settings.postgres_host,
        "POSTGRES_PORT": str(settings.postgres_port),
        "DIABETES_DB_NAME": settings.diabetes_db_name,
        "DIABETES_DB_USER": settings.diabetes_db_user,
        "DIABETES_DB_PASSWORD": settings.diabetes_db_password.get_secret_value(),
        "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri,
    }


def run_dags(airflow: Airflow, *arguments: str) -> list[Run]:
    printed = airflow.run("-m", "tests.support.run_dags", *arguments, timeout=900)
    found = [Run(*match) for match in re.findall(r"(.*?)^=== (\w+) (\w+)$", printed, re.M | re.S)]
    assert [run.dag_id for run in found] == [re.split("[=!@]", argument)[0] for argument in arguments], printed[-3000:]
    return found
